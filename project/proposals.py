"""What a model proposes for an image, put among what is there already.

What a person drew, corrected, accepted or refused stays; a proposal on such a box is left out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.boxes import iou_matrix
from core.errors import InputError
from project.classes import UNNAMED, class_of
from project.editing import BOXES_MAX, Changes, checked_box, insert_box, tidy_caption, write_asked
from project.journal import begin_edit
from project.rows import BOX_QUERY, box_row, boxes_of, class_id_of, snapshot
from project.trimming import forget_proposal
from project.types import Asked, BoxRow, Xyxy

__all__ = ["SAME_IOU", "Proposal", "add_proposals", "drop_proposals", "replace_proposals"]

SAME_IOU = 0.5
"""From this overlap on two boxes are taken for one."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A box that a model proposes; see `BoxRow` for the columns.

    Without a class it gets the one that its caption names, see `project.classes.class_of`, or else
    what its caption is `about`, as a model reads it: an "F-16" is a fighter jet.
    """

    xyxy: Xyxy
    class_name: str = ""
    caption: str = ""
    detector: float | None = None
    logit: float | None = None
    probability: float | None = None
    margin: float | None = None
    about: str = ""


def replace_proposals(
    connection: sqlite3.Connection,
    image: sqlite3.Row,
    proposals: Sequence[Proposal],
    *,
    source: str,
    at: float,
    asked: Sequence[Asked] = (),
) -> None:
    """Replace the untouched proposals of an image, as a new version of it if that changes it.

    Those beyond `BOXES_MAX` boxes of the image are left out.
    """
    state = "proposed" if image["state"] == "new" else image["state"]
    edit_id = begin_edit(connection, image, who=source, kind="propose", at=at, state=state)
    changes = Changes(connection, image, edit_id, source, at)
    untouched = [box for box in boxes_of(connection, image["id"]) if box.is_untouched]
    drop_proposals(connection, changes, untouched)
    _insert(connection, image, changes, proposals, source, at)
    _keep_asked(connection, image["id"], asked)
    noted = changes.any or state != image["state"]
    if not noted:
        connection.execute("DELETE FROM edit WHERE id = ?", (edit_id,))
    if noted or untouched:
        _set_state(connection, image["id"], state)


def drop_proposals(
    connection: sqlite3.Connection, changes: Changes, untouched: Sequence[BoxRow]
) -> None:
    """Remove proposals that nobody touched; only what a person could come back to is remembered."""
    for box in untouched:
        if not forget_proposal(connection, box.id):
            connection.execute("UPDATE box SET removed = 1 WHERE id = ?", (box.id,))
            changes.note(box.id, snapshot(box), None)


def add_proposals(
    connection: sqlite3.Connection,
    image: sqlite3.Row,
    proposals: Sequence[Proposal],
    *,
    source: str,
    at: float,
) -> int:
    """Add proposals to an image and return how many; one that was done waits again.

    Those beyond `BOXES_MAX` boxes of the image are left out.
    """
    edit_id = begin_edit(connection, image, who=source, kind="propose", at=at, state="proposed")
    changes = Changes(connection, image, edit_id, source, at)
    count = _insert(connection, image, changes, proposals, source, at)
    if count:
        _set_state(connection, image["id"], "proposed")
    else:
        connection.execute("DELETE FROM edit WHERE id = ?", (edit_id,))
    return count


def _set_state(connection: sqlite3.Connection, image_id: int, state: str) -> None:
    connection.execute(
        "UPDATE image SET version = version + 1, state = ? WHERE id = ?", (state, image_id)
    )


def _insert(
    connection: sqlite3.Connection,
    image: sqlite3.Row,
    changes: Changes,
    proposals: Sequence[Proposal],
    source: str,
    at: float,
) -> int:
    """Insert those that lie on no box of the image, as far as it has room; return how many."""
    image_id, count = image["id"], 0
    kept = np.array([box.xyxy for box in boxes_of(connection, image_id)], np.float32)
    kept = kept.reshape(-1, 4)
    names = [row["name"] for row in connection.execute("SELECT name FROM class ORDER BY id")]
    for one in proposals:
        if len(kept) + count >= BOXES_MAX:
            break
        try:
            xyxy = checked_box(one.xyxy, (image["width"], image["height"]))
        except InputError:
            continue  # less than a pixel: nothing that a person could check
        if iou_matrix([xyxy], kept).max(initial=0.0) >= SAME_IOU:
            continue
        box_id = insert_box(
            connection, image_id, xyxy,
            class_id_of(connection, one.class_name or _class_named(one, names)),
            tidy_caption(one.caption), state="proposed", source=source, at=at,
            scores=(one.detector, one.logit, one.probability, one.margin),
        )  # fmt: skip
        row = connection.execute(f"{BOX_QUERY} WHERE box.id = ?", (box_id,)).fetchone()
        changes.note(box_id, None, snapshot(box_row(row)))
        count += 1
    return count


def _class_named(one: Proposal, class_names: Sequence[str]) -> str:
    named = class_of(one.caption, class_names)
    return named if named != UNNAMED else class_of(one.about, class_names)


def _keep_asked(connection: sqlite3.Connection, image_id: int, asked: Sequence[Asked]) -> None:
    """Keep the model's opinions on captions instead of its earlier ones."""
    connection.execute("DELETE FROM asked WHERE image_id = ? AND confirmed = 0", (image_id,))
    told = {
        row["caption"]
        for row in connection.execute("SELECT caption FROM asked WHERE image_id = ?", (image_id,))
    }
    for one in asked:
        if (caption := tidy_caption(one.caption)) not in told:
            kept = {"found": int(one.found), "probability": one.probability, "confirmed": 0}
            write_asked(connection, image_id, caption, kept)
