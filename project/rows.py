"""Rows of the tables as values, and what the functions on a connection share."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeAlias

from core.captions import clean_caption
from core.errors import CaptionError, DataError, InputError
from dataset.formats.files import split_named
from dataset.splits import SPLITS
from project.doubt import image_doubt
from project.settings import KNOWN, parse_setting
from project.types import BoxRow, ImageRow

__all__ = [
    "BOX_QUERY",
    "CAPTIONS_MAX",
    "Giving",
    "adopt_rows",
    "box_row",
    "boxes_of",
    "captions_in",
    "class_id_of",
    "find_image",
    "give_captions",
    "image_row",
    "read_setting",
    "refresh_image",
    "restore_box",
    "snapshot",
    "tidy_class_name",
    "tidy_project_name",
    "write_setting",
]

CAPTIONS_MAX = 200
"""Most captions that are kept of one picture."""
BOX_QUERY = "SELECT box.*, class.name AS class_name FROM box JOIN class ON class.id = box.class_id"


def image_row(row: sqlite3.Row) -> ImageRow:
    """Return a row of the table `image` as a value."""
    return ImageRow(
        id=row["id"],
        name=row["name"],
        image_wh=(row["width"], row["height"]),
        state=row["state"],
        version=row["version"],
        doubt=row["doubt"],
        doubt_reason=row["doubt_reason"],
        proposed=row["proposed"],
        confirmed=row["confirmed"],
        rejected=row["rejected"],
        twin_id=row["twin_id"],
        group=row["group_name"],
        # One that no data set has, as somebody else's file may tell, would stop every export.
        split=row["split"] if row["split"] in SPLITS else split_named(row["split"]),
        source=row["source"],
        licence=row["licence"],
        error=row["error"],
        removed=bool(row["removed"]),
        captions=captions_in(row["captions"]),
    )


def captions_in(text: str) -> tuple[str, ...]:
    """Return captions as they are kept; what cannot be one in somebody else's file is left out."""
    if text == "[]":
        return ()
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    usable = []
    for one in told[:CAPTIONS_MAX] if isinstance(told, list) else ():
        with suppress(CaptionError):
            usable.append(clean_caption(one))
    return tuple(usable)


Giving: TypeAlias = Literal["new", "same", "kept", "replaced"]
"""What became of captions that are given: "kept" are others that were given before."""


def give_captions(
    connection: sqlite3.Connection, image_id: int, captions: Sequence[str], *, replace: bool = False
) -> Giving:
    """Keep what a picture is known to show; others that are known stay unless `replace`.

    Args:
        connection: Within a transaction.
        image_id: The image.
        captions: Cleaned; none changes nothing.
        replace: Whether they take the place of others.
    """
    row = connection.execute("SELECT captions FROM image WHERE id = ?", (image_id,)).fetchone()
    before, told = captions_in(row["captions"]), tuple(captions[:CAPTIONS_MAX])
    if not told or told == before:
        return "same"
    if before and not replace:
        return "kept"
    kept = json.dumps(told, ensure_ascii=False)
    connection.execute("UPDATE image SET captions = ? WHERE id = ?", (kept, image_id))
    return "replaced" if before else "new"


def box_row(row: sqlite3.Row) -> BoxRow:
    """Return a row of `BOX_QUERY` as a value."""
    return BoxRow(
        id=row["id"],
        image_id=row["image_id"],
        xyxy=(row["x1"], row["y1"], row["x2"], row["y2"]),
        class_name=row["class_name"],
        caption=row["caption"],
        state=row["state"],
        detector=row["detector"],
        logit=row["logit"],
        probability=row["probability"],
        margin=row["margin"],
        source=row["source"],
        updated_at=row["updated_at"],
    )


def find_image(
    connection: sqlite3.Connection, image_id: int, *, or_removed: bool = False
) -> sqlite3.Row:
    """Return the row of an image; of one that was removed only if `or_removed`.

    Raises:
        DataError: There is none.
    """
    row = connection.execute("SELECT * FROM image WHERE id = ?", (image_id,)).fetchone()
    if row is None or (row["removed"] and not or_removed):
        raise DataError(f"the project has no picture {image_id}.", "It may have been removed.")
    found: sqlite3.Row = row
    return found


def boxes_of(connection: sqlite3.Connection, image_id: int) -> list[BoxRow]:
    """Return the boxes of an image, oldest first, without the deleted ones."""
    rows = connection.execute(
        f"{BOX_QUERY} WHERE box.image_id = ? AND box.removed = 0 ORDER BY box.id", (image_id,)
    )
    return [box_row(row) for row in rows]


def tidy_project_name(name: str) -> str:
    """Return the name with single spaces between its words.

    Raises:
        InputError: It is empty or has more than 80 characters.
    """
    name = _tidied(name, "project", 80)
    if not name:
        raise InputError("the project has no name.", "Give it one.")
    return name


def tidy_class_name(name: str) -> str:
    """Return the name with single spaces between its words.

    Raises:
        InputError: It has more than 100 characters.
    """
    return _tidied(name, "class", 100)


def _tidied(name: str, what: str, chars_max: int) -> str:
    # Halves of an emoji, as broken clients send them, cannot be kept.
    name = " ".join(name.encode("utf-8", "replace").decode().split())
    if len(name) > chars_max:
        raise InputError(
            f"a {what} name has {len(name)} characters, the limit is {chars_max}.", "Shorten it."
        )
    return name


def class_id_of(connection: sqlite3.Connection, name: str) -> int:
    """Return the id of a class, made if it is new; no name: the first class.

    Raises:
        InputError: The name is no plain text of at most 100 characters.
    """
    name = tidy_class_name(name)
    if not name:
        first = connection.execute("SELECT name FROM class ORDER BY id LIMIT 1").fetchone()
        name = first["name"] if first else "object"
    connection.execute("INSERT OR IGNORE INTO class (name) VALUES (?)", (name,))
    row = connection.execute("SELECT id FROM class WHERE name = ?", (name,)).fetchone()
    return int(row["id"])


def snapshot(box: BoxRow) -> str:
    """Return all that may change of a box as JSON, for the journal."""
    kept = {
        "xyxy": list(box.xyxy),
        "class_name": box.class_name,
        "caption": box.caption,
        "state": box.state,
        "detector": box.detector,
        "logit": box.logit,
        "probability": box.probability,
        "margin": box.margin,
        "source": box.source,
    }
    return json.dumps(kept, ensure_ascii=False)


def restore_box(
    connection: sqlite3.Connection, box_id: int, kept: Mapping[str, Any] | None, at: float
) -> None:
    """Bring a box to what a snapshot says; None removes it."""
    if kept is None:
        connection.execute("UPDATE box SET removed = 1, updated_at = ? WHERE id = ?", (at, box_id))
        return
    connection.execute(
        "UPDATE box SET x1 = ?, y1 = ?, x2 = ?, y2 = ?, class_id = ?, caption = ?, state = ?, "
        "detector = ?, logit = ?, probability = ?, margin = ?, source = ?, removed = 0, "
        "updated_at = ? WHERE id = ?",
        (
            *kept["xyxy"], class_id_of(connection, kept["class_name"]), kept["caption"],
            kept["state"], kept["detector"], kept["logit"], kept["probability"], kept["margin"],
            kept["source"], at, box_id,
        ),
    )  # fmt: skip


def refresh_image(
    connection: sqlite3.Connection, image_id: int, at: float, boxes: Iterable[BoxRow] | None = None
) -> None:
    """Bring the counts and the doubt of an image up to its boxes."""
    now = boxes_of(connection, image_id) if boxes is None else list(boxes)
    has_twin = find_image(connection, image_id)["twin_id"] is not None
    looked = connection.execute("SELECT prelabel_key FROM image WHERE id = ?", (image_id,))
    doubt, reason = image_doubt(now, looked=bool(looked.fetchone()[0]), has_twin=has_twin)
    counts = [sum(box.state == s for box in now) for s in ("proposed", "confirmed", "rejected")]
    connection.execute(
        "UPDATE image SET proposed = ?, confirmed = ?, rejected = ?, doubt = ?, doubt_reason = ?, "
        "updated_at = ? WHERE id = ?",
        (*counts, doubt, reason, at, image_id),
    )


def read_setting(connection: sqlite3.Connection, key: str, default: Any = None) -> Any:
    """Return a setting of the project, parsed; the default where there is none that is usable."""
    row = connection.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
    value = None if row is None else parse_setting(key, row["value"])
    return default if value is None else value


def write_setting(connection: sqlite3.Connection, key: str, value: object) -> None:
    """Keep a setting of the project, as JSON."""
    connection.execute(
        "INSERT INTO setting (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, json.dumps(value, ensure_ascii=False)),
    )


def adopt_rows(connection: sqlite3.Connection, without: Sequence[str] = ()) -> None:
    """Copy the rows of `other`, attached, into a project without images; it keeps its name.

    Of the settings those come that are known and of their form.

    Args:
        connection: Within a transaction.
        without: SHA-256 of pictures that do not come.

    Raises:
        InputError: There are images.
        DataError: The rows contradict each other.
    """
    if connection.execute("SELECT 1 FROM image").fetchone():
        raise InputError("the project has pictures already.", "Merge the other one into it.")
    connection.execute("PRAGMA defer_foreign_keys = ON")
    connection.execute("DELETE FROM class")
    try:
        for table in ("class", "image", "detail", "box", "edit", "change", "asked"):
            # Without computed columns, in the order of this version.
            told = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
            names = ", ".join(row["name"] for row in told)
            connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM other.{table}")
        connection.executemany("DELETE FROM image WHERE sha256 = ?", [(one,) for one in without])
        for key, text in connection.execute("SELECT key, value FROM other.setting").fetchall():
            value = parse_setting(key, text) if key in KNOWN and key != "name" else None
            if value is not None:
                write_setting(connection, key, value)
    except sqlite3.IntegrityError as error:
        raise DataError(f"the other project is damaged: {error}.", "Take it out again.") from error
    lost = connection.execute("PRAGMA main.foreign_key_check").fetchone()
    outside = connection.execute(
        "SELECT 1 FROM box JOIN image ON image.id = box.image_id WHERE NOT "
        "(x1 >= 0 AND y1 >= 0 AND x2 <= width AND y2 <= height) LIMIT 1"
    ).fetchone()
    if lost or outside:
        what = "a row refers to nothing" if lost else "a box lies outside of its picture"
        raise DataError(f"the other project is damaged: {what}.", "Take it out again.")
