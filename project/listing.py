"""Asking for images: pages of a project's list by state, words, class and score.

In: an open connection. Every query walks an index in the order that is asked for, so that a page of
a large project costs as much as one of a small one.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from dataclasses import dataclass
from itertools import pairwise

from core.errors import InputError
from project.rows import image_row
from project.types import BOX_STATES, IMAGE_STATES, ORDERS, ImageRow, ImageState, Progress

__all__ = [
    "Filter",
    "count_images",
    "list_images",
    "list_states",
    "measure_progress",
]

_ORDER_BY = {
    "queue": "settled, doubt DESC, id",
    "added": "id",
    "name": "name",
    "updated": "updated_at DESC, id",
}
# As `project.given.missing_captions` has it: alike captions need as many boxes.
_LACKING = """captions != '[]' AND EXISTS (
    SELECT told.value FROM json_each(iif(json_valid(captions), captions, '[]')) AS told
    WHERE NOT EXISTS (
        SELECT 1 FROM asked WHERE image_id = image.id AND caption = told.value
        AND confirmed = 1 AND found = 0
    )
    GROUP BY told.value
    HAVING count(*) > (
        SELECT count(*) FROM box WHERE image_id = image.id AND caption = told.value
        AND removed = 0 AND state != 'rejected'
    )
)"""
_LIMIT_MAX = 1000
_PAUSE_S = 600.0  # longer gaps between two images are pauses, not work
_PACE_IMAGES = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """Which images are wished; every part narrows.

    Args:
        state: A state of images, or None: all.
        text: A part of the name, or of the caption or class of one of its boxes; any case.
        class_name: Has a box of this class.
        box_state: Has a box of this state; together with `class_name` and `score_max`: the same.
        score_max: Has a box with at most this detector score.
        removed: Those that were taken out of the project, instead of those that are in it.
        lacking: A caption that was given with it has no box, see `project.given`.
        waiting: For a person: neither done nor put off.
    """

    state: str | None = None
    text: str = ""
    class_name: str = ""
    box_state: str | None = None
    score_max: float | None = None
    removed: bool = False
    lacking: bool = False
    waiting: bool = False

    def where(self) -> tuple[str, list[object]]:
        """Return the condition in SQL and its values.

        Raises:
            InputError: There is no such state.
        """
        parts, values = [f"removed = {int(self.removed)}"], list[object]()
        if self.state is not None:
            _known(self.state, IMAGE_STATES, "state")
            parts.append("state = ?")
            values.append(self.state)
        if self.text.strip():
            name, value = _containing("name", self.text.strip())
            caption, _ = _containing("caption", self.text.strip())
            # Names and the distinct captions stand in indexes: each is looked at once.
            parts.append(
                f"id IN (SELECT id FROM image WHERE {name} UNION ALL "
                "SELECT image_id FROM box WHERE removed = 0 AND caption IN (SELECT caption FROM "
                f"(SELECT DISTINCT caption FROM box WHERE removed = 0) WHERE {caption}) UNION ALL "
                "SELECT image_id FROM box WHERE removed = 0 AND class_id IN "
                f"(SELECT id FROM class WHERE {name}))"
            )
            values += [value] * 3
        if self.lacking:
            parts.append(_LACKING)
        if self.waiting:
            parts.append("settled = 0")
        inner: list[str] = []
        if self.class_name:
            inner.append("class_id = (SELECT id FROM class WHERE name = ?)")
            values.append(self.class_name)
        if self.box_state is not None:
            _known(self.box_state, BOX_STATES, "box_state")
            inner.append("state = ?")
            values.append(self.box_state)
        if self.score_max is not None:
            inner.append("detector <= ?")
            values.append(self.score_max)
        if inner:
            parts.append(
                f"id IN (SELECT image_id FROM box WHERE removed = 0 AND {' AND '.join(inner)})"
            )
        return " AND ".join(parts), values


def list_images(
    connection: sqlite3.Connection, wished: Filter, order: str, offset: int, limit: int
) -> list[ImageRow]:
    """Return one page of the images that are wished.

    Raises:
        InputError: There is no such order or state, or the page is no page.
    """
    _known(order, ORDERS, "order")
    if offset < 0 or not 0 < limit <= _LIMIT_MAX:
        raise InputError(
            f"a page has offset >= 0 and 1 to {_LIMIT_MAX} pictures, got {offset} and {limit}."
        )
    where, values = wished.where()
    rows = connection.execute(
        f"SELECT * FROM image WHERE {where} ORDER BY {_ORDER_BY[order]} LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    return [image_row(row) for row in rows]


def list_states(
    connection: sqlite3.Connection, wished: Filter, order: str
) -> list[tuple[int, ImageState]]:
    """Return id and state of all images that are wished, in order: small enough for one answer.

    Raises:
        InputError: There is no such order or state.
    """
    _known(order, ORDERS, "order")
    where, values = wished.where()
    rows = connection.execute(
        f"SELECT id, state FROM image WHERE {where} ORDER BY {_ORDER_BY[order]}", values
    )
    return [(row["id"], row["state"]) for row in rows]


def count_images(connection: sqlite3.Connection, wished: Filter) -> int:
    """Return how many images are wished."""
    where, values = wished.where()
    return int(
        connection.execute(f"SELECT count(*) FROM image WHERE {where}", values).fetchone()[0]
    )


def measure_progress(connection: sqlite3.Connection, now: float | None = None) -> Progress:
    """Return how far the project is and how fast it went lately."""
    images = dict.fromkeys(IMAGE_STATES, 0)
    images |= dict(
        connection.execute("SELECT state, count(*) FROM image WHERE removed = 0 GROUP BY state")
        .fetchall()
    )  # fmt: skip
    sums = connection.execute(
        "SELECT sum(proposed), sum(confirmed), sum(rejected) FROM image WHERE removed = 0"
    ).fetchone()
    boxes = dict(zip(BOX_STATES, (int(value or 0) for value in sums), strict=True))
    pace = _pace(connection, time.time() if now is None else now)
    left = images["new"] + images["proposed"]
    removed = count_images(connection, Filter(removed=True))
    return Progress(images, boxes, pace, None if pace is None else pace * left, removed)


def _pace(connection: sqlite3.Connection, now: float) -> float | None:
    rows = connection.execute(
        "SELECT at FROM edit WHERE state_after = 'done' AND at <= ? ORDER BY at DESC LIMIT ?",
        (now, _PACE_IMAGES),
    ).fetchall()
    times = [row["at"] for row in rows]
    gaps = [a - b for a, b in pairwise(times) if a - b < _PAUSE_S]
    return statistics.median(gaps) if len(gaps) >= 3 else None


def _known(word: str, words: tuple[str, ...], what: str) -> None:
    if word not in words:
        raise InputError(f"{what} must be one of {', '.join(words)}, got {word!r}.")


def _containing(column: str, text: str) -> tuple[str, str]:
    """The condition that a column holds the text in any case, and its value."""
    if text.isascii():  # SQLite folds these itself, several times as fast
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{column} LIKE ? ESCAPE '\\'", f"%{escaped}%"
    return f"instr(fold({column}), ?)", text.casefold()
