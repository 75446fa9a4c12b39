"""Undo, redo and history: what the journal of edits is kept for.

Each person undoes what that person did, image by image, unless somebody changed the same box since.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.errors import InputError
from project.editing import Changes, write_asked
from project.rows import (
    BOX_QUERY,
    box_row,
    boxes_of,
    find_image,
    image_row,
    restore_box,
    snapshot,
)
from project.types import Applied, ConflictError, HistoryEntry

__all__ = ["answered", "begin_edit", "changes_since", "drop_redo", "history_of", "reverse"]

_COMPARED = ("xyxy", "class_name", "caption", "state")


def begin_edit(
    connection: sqlite3.Connection,
    image: sqlite3.Row,
    *,
    who: str,
    kind: str,
    at: float,
    state: str | None = None,
    token: str = "",
) -> int:
    """Return the number of a new entry in the journal of an image; see `answered` for `token`."""
    after = state if state != image["state"] else None
    cursor = connection.execute(
        "INSERT INTO edit (image_id, version, who, kind, state_before, state_after, at, token) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            image["id"], image["version"] + 1, who, kind,
            None if after is None else image["state"], after, at, token,
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def answered(connection: sqlite3.Connection, image_id: int, token: str) -> Applied | None:
    """Return what an edit of this token did when it came first; None: it has not come yet.

    Who did not get the answer asks again. The version is the one of then: what is built on it is
    refused if others were faster.
    """
    if not token:
        return None
    edit = connection.execute(
        "SELECT id, version FROM edit WHERE image_id = ? AND token = ?", (image_id, token)
    ).fetchone()
    if edit is None:
        return None
    steps = connection.execute(
        "SELECT box_id, before FROM change WHERE edit_id = ? AND box_id IS NOT NULL "
        "ORDER BY number",
        (edit["id"],),
    ).fetchall()
    touched = dict.fromkeys(step["box_id"] for step in steps)
    now = {box.id: box for box in boxes_of(connection, image_id)}
    return Applied(
        replace(image_row(find_image(connection, image_id)), version=edit["version"]),
        changed=tuple(now[number] for number in touched if number in now),
        deleted=tuple(number for number in touched if number not in now),
        edit_id=edit["id"],
        added=tuple(step["box_id"] for step in steps if step["before"] is None),
    )


def drop_redo(connection: sqlite3.Connection, image_id: int, who: str) -> None:
    """Forget what this person could redo: a new edit leads elsewhere."""
    connection.execute(
        "UPDATE edit SET undone = 2 WHERE image_id = ? AND who = ? AND undone = 1", (image_id, who)
    )


def reverse(
    connection: sqlite3.Connection,
    image: sqlite3.Row,
    who: str,
    at: float,
    *,
    redo: bool,
    token: str = "",
) -> tuple[Changes, int, str | None]:
    """Undo the last edit of a person in an image, or redo the last that was undone.

    Returns:
        The changes, the number of the entry, and the state that the image goes (back) to, if any.

    Raises:
        InputError: There is nothing to undo or redo.
        ConflictError: Somebody else changed one of the boxes since.
    """
    word = "redo" if redo else "undo"
    row = connection.execute(
        "SELECT * FROM edit WHERE image_id = ? AND who = ? AND kind = 'edit' AND undone = ? "
        f"ORDER BY id {'ASC' if redo else 'DESC'} LIMIT 1",
        (image["id"], who, int(redo)),
    ).fetchone()
    if row is None:
        raise InputError(f"there is nothing to {word} in this picture.")
    state = row["state_after"] if redo else row["state_before"]
    expected = row["state_before"] if redo else row["state_after"]
    state = state if image["state"] == expected else None
    edit_id = begin_edit(connection, image, who=who, kind=word, at=at, state=state, token=token)
    changes = Changes(connection, image, edit_id, who, at)
    steps = connection.execute(
        f"SELECT * FROM change WHERE edit_id = ? ORDER BY number {'ASC' if redo else 'DESC'}",
        (row["id"],),
    ).fetchall()
    for step in steps:
        old, new = step["before"], step["after"]
        if redo:
            old, new = new, old
        _step_back(connection, image, changes, step, old=old, new=new, at=at)
    connection.execute("UPDATE edit SET undone = ? WHERE id = ?", (int(not redo), row["id"]))
    return changes, edit_id, state


def _step_back(
    connection: sqlite3.Connection,
    image: sqlite3.Row,
    changes: Changes,
    step: sqlite3.Row,
    *,
    old: str | None,
    new: str | None,
    at: float,
) -> None:
    """Lead one box, or one caption, from `new` back to `old`."""
    if step["box_id"] is None:
        kept = None if old is None else json.loads(old)
        _check_mark(connection, image, step["caption"], new)
        write_asked(connection, image["id"], step["caption"], kept)
        changes.note(None, new, old, step["caption"])
        return
    box_id = step["box_id"]
    row = connection.execute(f"{BOX_QUERY} WHERE box.id = ?", (box_id,)).fetchone()
    now = None if row["removed"] else snapshot(box_row(row))
    if _compared(now) != _compared(new):
        raise ConflictError(
            f"box {box_id} was changed by somebody else since.",
            "Correct it by hand.",
            version=image["version"],
            changes=history_of(connection, box_id)[-1:],
        )
    restore_box(connection, box_id, None if old is None else json.loads(old), at)
    changes.note(box_id, now, old)
    if old is None:
        changes.deleted.append(box_id)
    else:
        changes.touched.append(box_id)


def _check_mark(
    connection: sqlite3.Connection, image: sqlite3.Row, caption: str, expected: str | None
) -> None:
    """Refuse to take back a mark of a caption that another person's mark has replaced."""
    row = connection.execute(
        "SELECT found, confirmed FROM asked WHERE image_id = ? AND caption = ?",
        (image["id"], caption),
    ).fetchone()
    if _marked(row) != _marked(None if expected is None else json.loads(expected)):
        raise ConflictError(
            f"the caption {caption!r} was marked by somebody else since.",
            "Correct it by hand.",
            version=image["version"],
        )


def _marked(kept: Mapping[str, Any] | sqlite3.Row | None) -> bool | None:
    """What a person said of a caption; None: nobody did, a model's opinion may change."""
    return bool(kept["found"]) if kept is not None and kept["confirmed"] else None


def _compared(kept: str | None) -> list[Any] | None:
    """Of a snapshot, what people change: scores may have been measured again."""
    return None if kept is None else [json.loads(kept)[key] for key in _COMPARED]


def history_of(connection: sqlite3.Connection, box_id: int) -> list[HistoryEntry]:
    """Return all that happened to a box, oldest first."""
    return _entries(connection, "change.box_id = ? ORDER BY edit.id, change.number", (box_id,))


def changes_since(
    connection: sqlite3.Connection, image_id: int, version: int
) -> list[HistoryEntry]:
    """Return what happened to the boxes of an image after a version, oldest first."""
    where = "edit.image_id = ? AND edit.version > ? ORDER BY edit.id, change.number LIMIT 50"
    return _entries(connection, where, (image_id, version))


def _entries(
    connection: sqlite3.Connection, where: str, values: tuple[object, ...]
) -> list[HistoryEntry]:
    rows = connection.execute(
        "SELECT edit.id AS edit_id, at, who, kind, before, after FROM change "
        f"JOIN edit ON edit.id = change.edit_id WHERE change.box_id IS NOT NULL AND {where}",
        values,
    )
    return [
        HistoryEntry(
            edit_id=row["edit_id"],
            at=row["at"],
            who=row["who"],
            kind=row["kind"],
            before=None if row["before"] is None else json.loads(row["before"]),
            after=None if row["after"] is None else json.loads(row["after"]),
        )
        for row in rows
    ]
