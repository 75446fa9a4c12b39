"""A file that says what pictures show: one picture a line, captions with or without boxes.

JSON lines `{"image", "annotations": [{"caption", "bbox", "ambiguous"}]}`, or, where there are no
boxes, `{"image", "captions": [text]}`; or a table in CSV with the columns image and caption, one
row a caption. Out: plain values.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import DataError

__all__ = ["DATA_SUFFIXES", "Annotation", "DataLine", "read_data"]

DATA_SUFFIXES = (".jsonl", ".csv")
"""Endings of such files; whatever does not end in .csv is read as JSON lines."""
_JSON_HINT = (
    'Write {"image": name, "captions": [text]}, or, with boxes, '
    '{"image": name, "annotations": [{"caption": text, "bbox": [l, t, w, h]}]}.'
)
_CSV_HINT = "Begin with the line image,caption and write one row a caption."


@dataclass(frozen=True, slots=True)
class Annotation:
    """One object of a picture."""

    caption: str
    xyxy: tuple[float, float, float, float] | None
    """Pixels, at edges; None where the file has no box."""
    ambiguous: bool
    """Another object of the picture has the same caption."""


@dataclass(frozen=True, slots=True)
class DataLine:
    """One picture with its objects."""

    image: str
    annotations: tuple[Annotation, ...]

    @property
    def captions(self) -> list[str]:
        """Captions in the order of the annotations."""
        return [annotation.caption for annotation in self.annotations]


def read_data(path: Path) -> list[DataLine]:
    """Return the pictures of a data file, in its order.

    Raises:
        DataError: The file is missing, or a line is not as it should be; names file and line.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot read {path}: {error}.", "Give a file of JSON lines, or a CSV table."
        ) from error
    is_table = path.suffix.lower() == ".csv"
    rows = _table(path, content) if is_table else _json_lines(path, content)
    return _one_a_picture(rows) if is_table else list(rows)


def _json_lines(path: Path, content: str) -> Iterator[DataLine]:
    for number, text in enumerate(content.split("\n"), start=1):
        if not text.strip():
            continue
        try:
            yield _parse(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path}, line {number}: {_reason(error)}.", _JSON_HINT) from error


def _table(path: Path, content: str) -> Iterator[DataLine]:
    # Spreadsheets of some countries write semicolons.
    head = content.split("\n", 1)[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    table = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    named = {str(name).strip().casefold(): name for name in table.fieldnames or ()}
    if not {"image", "caption"} <= named.keys():
        raise DataError(f"{path} has no columns image and caption.", _CSV_HINT)
    try:
        for row in table:
            image, caption = ((row[named[key]] or "").strip() for key in ("image", "caption"))
            if not image:
                raise DataError(f"{path}, line {table.line_num}: image is missing.", _CSV_HINT)
            asked = (Annotation(caption, None, False),) if caption else ()
            yield DataLine(image, asked)
    except csv.Error as error:
        raise DataError(f"{path}, line {table.line_num}: {error}.", _CSV_HINT) from error


def _one_a_picture(rows: Iterator[DataLine]) -> list[DataLine]:
    """Rows of the same picture as one line, in the order in which the pictures come."""
    asked: dict[str, tuple[Annotation, ...]] = {}
    for row in rows:
        asked[row.image] = asked.get(row.image, ()) + row.annotations
    return [DataLine(image, annotations) for image, annotations in asked.items()]


def _parse(row: Any) -> DataLine:
    if not isinstance(row["image"], str):
        raise TypeError("image must be a file name")
    captions = row.get("captions", [])
    if not isinstance(captions, list):
        raise TypeError("captions must be a list of texts")
    # One of both must be there: a mistyped name would ask nothing, and nobody would notice.
    entries = row.get("annotations", []) if "captions" in row else row["annotations"]
    entries = [*entries, *({"caption": caption} for caption in captions)]
    return DataLine(row["image"], tuple(_annotation(entry) for entry in entries))


def _annotation(entry: Any) -> Annotation:
    if not isinstance(entry["caption"], str):
        raise TypeError("caption must be text")
    box = entry.get("bbox")
    xyxy = None
    if box is not None:
        left, top, width, height = (float(value) for value in box)
        if not all(map(math.isfinite, (left, top, width, height))) or width <= 0 or height <= 0:
            raise ValueError(f"bbox must have a width and height above 0, got {box}")
        xyxy = (left, top, left + width, top + height)
    return Annotation(entry["caption"], xyxy, bool(entry.get("ambiguous", False)))


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
