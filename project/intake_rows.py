"""New images in the tables: unique names, labels that come with them, near copies.

In: a checked picture and what a data set says about it. Not here: files (``project.intake``).
"""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.boxes import iou_matrix
from project.editing import BOXES_MAX, Changes, checked_box, insert_box, tidy_caption
from project.journal import begin_edit
from project.pictures import TWIN_BITS_MAX, Picture, is_same_detail
from project.proposals import SAME_IOU, drop_proposals
from project.rows import BOX_QUERY, Giving, box_row, boxes_of, class_id_of, find_image, snapshot
from project.types import BoxRow, ImageState, Xyxy

__all__ = ["Added", "Label", "LabelBox", "Looks", "add_image"]

_COMPARED_MAX = 200
_UNFIT = '/\\:*?"<>|'


@dataclass(frozen=True, slots=True)
class LabelBox:
    """A box that a label set vouches for."""

    xyxy: Xyxy
    class_name: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a picture when it comes in.

    Args:
        boxes: Its boxes, vouched for.
        state: "done" for a labelled picture, also one without boxes; "new" otherwise.
        group: What must stay in one split with it.
        split: "train", "val", "test" or empty.
        source: Where it comes from.
        licence: Its licence.
        who: Who vouches for the boxes: a person, or the name of a data set.
        captions: What the picture is known to show, one for each object; empty: not told.
    """

    boxes: tuple[LabelBox, ...] = field(default=())
    state: ImageState = "new"
    group: str = ""
    split: str = ""
    source: str = ""
    licence: str = ""
    who: str = "import"
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a picture that came in.

    Args:
        image_id: Its image.
        is_new: Whether the picture was not there before.
        boxes: Number of boxes of its label that came in.
        left_out: Number of those that are not there, as people have decided about the image.
        captions: What became of the captions of its label.
        came_back: Whether the picture had been taken out of the project.
        crowded: Number of proposals that went, as there is no room for them beside the labels.
    """

    image_id: int
    is_new: bool
    boxes: int = 0
    left_out: int = 0
    captions: Giving = "same"
    came_back: bool = False
    crowded: int = 0


class Looks:
    """The looks of all images of a project, to recognise near copies."""

    def __init__(self) -> None:
        # Arrays: a list would be converted as a whole for each picture that comes in.
        self._ids, self._looks = array("q"), array("q")

    def find_twin(
        self, connection: sqlite3.Connection, look: int, detail: bytes = b""
    ) -> int | None:
        """Return the id of the first image that looks nearly the same, or None.

        Args:
            connection: Within a transaction that has added no image yet: what is kept of it here
                stays true if it fails.
            look: Of a new picture; 0 has no twin, it is a plain one.
            detail: Of this picture. Where it or an image has none, the look decides alone.
        """
        last = self._ids[-1] if self._ids else 0
        query = "SELECT id, look FROM image WHERE id > ? ORDER BY id"
        rows = connection.execute(query, (last,)).fetchall()
        self._ids.extend(row["id"] for row in rows)
        self._looks.extend(row["look"] for row in rows)
        if look == 0 or not self._looks:
            return None
        differ = np.bitwise_xor(np.frombuffer(self._looks, np.int64), np.int64(look))
        # Of the bit pattern, not of the absolute value as for signed numbers.
        bits = np.bitwise_count(differ.view(np.uint64))
        near = np.flatnonzero(bits <= TWIN_BITS_MAX)
        # The nearest ones, and of those the latest: a series of shots came just before.
        near = near[np.lexsort((-near, bits[near]))][:_COMPARED_MAX]
        same = (self._ids[row] for row in near.tolist())
        return min(
            (number for number in same if _has_detail(connection, number, detail)), default=None
        )


def _has_detail(connection: sqlite3.Connection, image_id: int, detail: bytes) -> bool:
    query = "SELECT cells FROM detail WHERE image_id = ?"
    row = connection.execute(query, (image_id,)).fetchone() if detail else None
    return row is None or is_same_detail(bytes(row["cells"]), detail)


def add_image(
    connection: sqlite3.Connection,
    picture: Picture,
    name: str,
    label: Label,
    *,
    twin_id: int | None,
    at: float,
) -> Added:
    """Return what became of a picture; see `Project.add_labelled`."""
    row = connection.execute(
        "SELECT id, state, removed FROM image WHERE sha256 = ?", (picture.sha256,)
    ).fetchone()
    tells = bool(label.boxes) or label.state != "new"
    if row is not None:
        image_id, came_back = int(row["id"]), bool(row["removed"])
        connection.execute(
            "UPDATE image SET removed = 0, updated_at = ?, version = version + 1 "
            "WHERE id = ? AND removed != 0",
            (at, image_id),
        )
        here = boxes_of(connection, image_id)
        if row["state"] == "done" or not all(box.is_untouched for box in here):
            lost = _count_missing(label, here)
            return Added(image_id, False, left_out=lost, came_back=came_back)
        crowded = _add_labels(connection, image_id, label, at) if tells else 0
        return Added(image_id, False, len(label.boxes), came_back=came_back, crowded=crowded)
    cursor = connection.execute(
        "INSERT INTO image (name, sha256, suffix, width, height, look, twin_id, group_name, "
        "split, source, licence, added_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            _free_name(connection, name), picture.sha256, picture.suffix, *picture.image_wh,
            picture.look, twin_id, label.group, label.split, label.source, label.licence, at, at,
        ),
    )  # fmt: skip
    image_id = int(cursor.lastrowid or 0)
    if picture.detail:
        query = "INSERT INTO detail (image_id, cells) VALUES (?, ?)"
        connection.execute(query, (image_id, picture.detail))
    if tells:
        _add_labels(connection, image_id, label, at)
    return Added(image_id, True, len(label.boxes))


def _count_missing(label: Label, here: Sequence[BoxRow]) -> int:
    """Number of boxes of a label that nobody vouches for here."""
    vouched = [box for box in here if box.state == "confirmed"]
    return len(label.boxes) - int(_lie_on(label, vouched).any(axis=1).sum())


def _lie_on(label: Label, here: Sequence[BoxRow]) -> NDArray[np.bool_]:
    """Whether each box of a label is the same as each box that is here."""
    told = np.array([box.xyxy for box in label.boxes], np.float32).reshape(-1, 4)
    there = np.array([box.xyxy for box in here], np.float32).reshape(-1, 4)
    return iou_matrix(told, there) >= SAME_IOU


def _add_labels(connection: sqlite3.Connection, image_id: int, label: Label, at: float) -> int:
    """Put in what a label set vouches for, instead of proposals that nobody has decided.

    Where it does not tell all of the image, proposals that lie on none of its boxes stay, the
    surest ones, as far as there is room; returned is how many go for the lack of it.
    """
    image = find_image(connection, image_id)
    kind = "import"
    edit_id = begin_edit(connection, image, who=label.who, kind=kind, at=at)
    changes = Changes(connection, image, edit_id, label.who, at)
    before = boxes_of(connection, image_id)
    doubled = _lie_on(label, before)
    is_whole = label.state == "done"
    stays = [box for row, box in enumerate(before) if not (is_whole or doubled[:, row].any())]
    stays.sort(key=lambda box: -box.certainty)
    room = max(BOXES_MAX - len(label.boxes), 0)
    kept = {box.id for box in stays[:room]}
    drop_proposals(connection, changes, [box for box in before if box.id not in kept])
    for one in label.boxes:
        box_id = insert_box(
            connection, image_id, checked_box(one.xyxy, (image["width"], image["height"])),
            class_id_of(connection, one.class_name), tidy_caption(one.caption),
            state="confirmed", source=label.who, at=at,
        )  # fmt: skip
        row = connection.execute(f"{BOX_QUERY} WHERE box.id = ?", (box_id,)).fetchone()
        changes.note(box_id, None, snapshot(box_row(row)))
    connection.execute(
        "UPDATE image SET version = version + 1, state = ?, "
        "group_name = iif(group_name = '', ?, group_name), split = iif(split = '', ?, split), "
        "source = iif(source = '', ?, source), licence = iif(licence = '', ?, licence) "
        "WHERE id = ?",
        (
            label.state if label.state != "new" else image["state"],
            label.group, label.split, label.source, label.licence, image_id,
        ),
    )  # fmt: skip
    return len(stays) - len(kept)


def _free_name(connection: sqlite3.Connection, wished: str) -> str:
    """Return the wished name without a folder, with a number where it is taken."""
    stem = "".join(sign if sign.isprintable() and sign not in _UNFIT else "_" for sign in wished)
    stem = stem.strip(". ")[:150] or "image"

    def is_free(name: str) -> bool:
        query = "SELECT 1 FROM image WHERE name = ?"
        return connection.execute(query, (name,)).fetchone() is None

    if is_free(stem):
        return stem
    # Thousands of folders may have an "rgb.png" each: the number is searched, not counted up to.
    end = 2
    while not is_free(f"{stem}-{end}"):
        end *= 2
    numbers = range(end)
    number = bisect_left(numbers, True, end // 2 + 1, key=lambda n: is_free(f"{stem}-{n}"))
    return f"{stem}-{number}"
