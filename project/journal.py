"""Undo, redo and history: what the journal of edits is kept for.

Each person undoes what that person did, image by image, unless somebody changed the same box since.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from core.errors import InputError
from project.editing import Changes, write_asked
from project.rows import BOX_QUERY, box_row, restore_box, snapshot
from project.types import ConflictError, HistoryEntry

__all__ = ["begin_edit", "changes_since", "drop_redo", "history_of", "reverse"]

_COMPARED = ("xyxy", "class_name", "caption", "state")


def begin_edit(
    connection: sqlite3.Connection,
    image: sqlite3.Row,
    *,
    who: str,
    kind: str,
    at: float,
    state: str | None = None,
) -> int:
    """Return the number of a new entry in the journal of an image."""
    after = state if state != image["state"] else None
    cursor = connection.execute(
        "INSERT INTO edit (image_id, version, who, kind, state_before, state_after, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            image["id"], image["version"] + 1, who, kind,
            None if after is None else image["state"], after, at,
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def drop_redo(connection: sqlite3.Connection, image_id: int, who: str) -> None:
    """Forget what this person could redo: a new edit leads elsewhere."""
    connection.execute(
        "UPDATE edit SET undone = 2 WHERE image_id = ? AND who = ? AND undone = 1", (image_id, who)
    )


def reverse(
    connection: sqlite3.Connection, image: sqlite3.Row, who: str, at: float, *, redo: bool
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
        raise InputError(f"there is nothing to {word} in this image.")
    state = row["state_after"] if redo else row["state_before"]
    expected = row["state_before"] if redo else row["state_after"]
    state = state if image["state"] == expected else None
    edit_id = begin_edit(connection, image, who=who, kind=word, at=at, state=state)
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
