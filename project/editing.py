"""Applying edits to the boxes of one image, within one transaction, with a journal of each change.

In: an open transaction and checked edits. Out: changed rows. Not here: versions, counts and undo
(``project.store``, ``project.journal``).
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence

from core.captions import clean_caption
from core.errors import DataError, InputError
from project.rows import BOX_QUERY, box_row, class_id_of, snapshot
from project.types import (
    Absent,
    Accept,
    Add,
    BoxRow,
    Delete,
    Describe,
    Edit,
    Move,
    Reject,
    Xyxy,
)

__all__ = [
    "BOXES_MAX",
    "Changes",
    "checked_box",
    "checked_person",
    "insert_box",
    "tidy_caption",
    "write_asked",
]

SIDE_MIN_PX = 1.0
BOXES_MAX = 3000
"""Most boxes of one picture: all of them are compared with each other."""


def tidy_caption(caption: str) -> str:
    """Return the caption clean, or empty where there is none.

    Raises:
        CaptionError: It is too long.
    """
    return clean_caption(caption) if caption.strip() else ""


def checked_person(who: str) -> str:
    """Return a person's name with single spaces between its words.

    Raises:
        InputError: It is empty, too long, or could be taken for a model's.
    """
    name = " ".join(who.split())
    if not name or len(name) > 100 or ":" in name:
        raise InputError(
            f"a person's name has 1 to 100 characters and no colon, got {who!r}.", "Give a name."
        )
    return name


def checked_box(xyxy: Sequence[float], image_wh: tuple[int, int]) -> Xyxy:
    """Return the box cut to its image.

    Raises:
        InputError: It is not four finite numbers, or less than one pixel of it lies in the image.
    """
    try:
        x1, y1, x2, y2 = (float(value) for value in xyxy)
    except (TypeError, ValueError) as error:
        raise InputError(f"a box is x1, y1, x2, y2, got {xyxy!r}.") from error
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise InputError(f"a box must be finite, got {xyxy!r}.", "Draw it again.")
    width, height = image_wh
    box = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    if box[2] - box[0] < SIDE_MIN_PX or box[3] - box[1] < SIDE_MIN_PX:
        raise InputError(
            f"the box {[round(v, 2) for v in (x1, y1, x2, y2)]} covers less than a pixel of the "
            f"picture of {width}x{height} px.",
            "Draw it larger, inside the picture.",
        )
    return box


def insert_box(
    connection: sqlite3.Connection,
    image_id: int,
    xyxy: Xyxy,
    class_id: int,
    caption: str,
    *,
    state: str,
    source: str,
    at: float,
    scores: Sequence[float | None] = (None, None, None, None),
) -> int:
    """Return the id of a new box; `scores` are detector, logit, probability and margin."""
    cursor = connection.execute(
        "INSERT INTO box (image_id, x1, y1, x2, y2, class_id, caption, state, detector, logit, "
        "probability, margin, source, updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (image_id, *xyxy, class_id, caption, state, *scores, source, at),
    )
    return int(cursor.lastrowid or 0)


class Changes:
    """The changes of one edit, applied and written down one after the other.

    Args:
        connection: Within a transaction.
        image: The row of the image.
        edit_id: The entry of the journal that they belong to.
        who: Who makes them.
        at: When.
    """

    def __init__(
        self, connection: sqlite3.Connection, image: sqlite3.Row, edit_id: int, who: str, at: float
    ) -> None:
        self._connection = connection
        self._image = image
        self._edit_id = edit_id
        self._who = who
        self._at = at
        self._count = 0
        self._room: int | None = None
        self.added: list[int] = []
        self.touched: list[int] = []
        self.deleted: list[int] = []

    @property
    def any(self) -> bool:
        """Whether anything was changed."""
        return self._count > 0

    def apply(self, edit: Edit) -> None:
        """Apply one edit.

        Raises:
            InputError: It cannot be: a box outside of the image, an unknown box.
        """
        match edit:
            case Add():
                self._add(edit)
            case Move():
                box = self._box(edit.box_id)
                xyxy = checked_box(edit.xyxy, (self._image["width"], self._image["height"]))
                if xyxy != box.xyxy or box.state != "confirmed":
                    # What was measured of the box belongs to the place where it was.
                    stale = {} if xyxy == box.xyxy else _UNMEASURED
                    sides = dict(zip(("x1", "y1", "x2", "y2"), xyxy, strict=True))
                    self._update(box, {"state": "confirmed", **sides, **stale})
            case Describe():
                self._describe(edit)
            case Accept():
                self._set_state(edit.box_id, "confirmed")
            case Reject():
                self._set_state(edit.box_id, "rejected")
            case Delete():
                box = self._box(edit.box_id)
                self._connection.execute(
                    "UPDATE box SET removed = 1, updated_at = ? WHERE id = ?", (self._at, box.id)
                )
                self.note(box.id, snapshot(box), None)
                self.deleted.append(box.id)
            case Absent():
                self._mark(edit)
            case _:
                raise InputError(f"unknown edit {edit!r}.")

    def note(
        self, box_id: int | None, before: str | None, after: str | None, caption: str | None = None
    ) -> None:
        """Write one change into the journal."""
        self._count += 1
        self._connection.execute(
            "INSERT INTO change (edit_id, number, box_id, caption, before, after) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (self._edit_id, self._count, box_id, caption, before, after),
        )

    def _box(self, box_id: int) -> BoxRow:
        row = self._connection.execute(
            f"{BOX_QUERY} WHERE box.id = ? AND box.image_id = ? AND box.removed = 0",
            (box_id, self._image["id"]),
        ).fetchone()
        if row is None:
            raise DataError(f"the picture has no box {box_id}.", "Load the picture again.")
        return box_row(row)

    def _take_room(self) -> None:
        if self._room is None:
            query = "SELECT count(*) FROM box WHERE image_id = ? AND removed = 0"
            [here] = self._connection.execute(query, (self._image["id"],)).fetchone()
            self._room = BOXES_MAX - int(here)
        if self._room <= 0:
            raise InputError(
                f"the picture has {BOXES_MAX} boxes, which is the limit.",
                "Delete some, or cut the picture into parts.",
            )
        self._room -= 1

    def _add(self, edit: Add) -> None:
        self._take_room()
        xyxy = checked_box(edit.xyxy, (self._image["width"], self._image["height"]))
        class_id = class_id_of(self._connection, edit.class_name)
        box_id = insert_box(
            self._connection, self._image["id"], xyxy, class_id, tidy_caption(edit.caption),
            state="confirmed", source=self._who, at=self._at,
        )  # fmt: skip
        self.note(box_id, None, snapshot(self._box(box_id)))
        self.added.append(box_id)
        self.touched.append(box_id)

    def _describe(self, edit: Describe) -> None:
        box = self._box(edit.box_id)
        values: dict[str, object] = {}
        if edit.caption is not None and tidy_caption(edit.caption) != box.caption:
            values |= {"caption": tidy_caption(edit.caption), **_UNMEASURED}
        if edit.class_name is not None and edit.class_name != box.class_name:
            values["class_id"] = class_id_of(self._connection, edit.class_name)
        if values or box.state != "confirmed":
            self._update(box, {"state": "confirmed", **values})

    def _set_state(self, box_id: int, state: str) -> None:
        box = self._box(box_id)
        if box.state != state:
            self._update(box, {"state": state}, keep_source=True)

    def _update(self, box: BoxRow, values: dict[str, object], *, keep_source: bool = False) -> None:
        # An accepted proposal remains the model's work; a corrected one is the person's.
        if not keep_source:
            values = {**values, "source": self._who}
        columns = ", ".join(f"{name} = ?" for name in values)
        self._connection.execute(
            f"UPDATE box SET {columns}, updated_at = ? WHERE id = ?",
            (*values.values(), self._at, box.id),
        )
        self.note(box.id, snapshot(box), snapshot(self._box(box.id)))
        if box.id not in self.touched:
            self.touched.append(box.id)

    def _mark(self, edit: Absent) -> None:
        caption = clean_caption(edit.caption)
        key = (self._image["id"], caption)
        row = self._connection.execute(
            "SELECT found, probability, confirmed FROM asked WHERE image_id = ? AND caption = ?",
            key,
        ).fetchone()
        before = None if row is None else dict(row)
        after = {
            "found": int(not edit.absent),
            "probability": None if row is None else row["probability"],
            "confirmed": 1,
        }
        if before != after:
            write_asked(self._connection, self._image["id"], caption, after)
            old = None if before is None else json.dumps(before)
            self.note(None, old, json.dumps(after), caption)


_UNMEASURED: dict[str, object] = {"logit": None, "probability": None, "margin": None}


def write_asked(
    connection: sqlite3.Connection, image_id: int, caption: str, kept: Mapping[str, object] | None
) -> None:
    """Keep what is known of a caption in an image; None forgets it."""
    connection.execute("DELETE FROM asked WHERE image_id = ? AND caption = ?", (image_id, caption))
    if kept is not None:
        connection.execute(
            "INSERT INTO asked (image_id, caption, found, probability, confirmed) "
            "VALUES (?, ?, ?, ?, ?)",
            (image_id, caption, kept["found"], kept["probability"], kept["confirmed"]),
        )
