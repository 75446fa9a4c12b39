"""A file that says what pictures show: one picture a line, captions with or without boxes.

JSON lines `{"image", "annotations": [{"caption", "bbox", "ambiguous"}]}`, or one object a line,
`{"image", "caption", "bbox"}`, or, where there are no boxes, `{"image", "captions": [text]}`, or
`caption`, or as image folders of Hugging Face have it `{"file_name", "text"}`; or a table in CSV
with the columns image and caption, one row a caption.
Out: plain values.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from core.errors import DataError
from dataset.formats.files import open_text, scan_json_lines
from dataset.formats.raw import Finding

__all__ = ["DATA_SUFFIXES", "Annotation", "DataLine", "guarded", "read_data", "unguarded"]

DATA_SUFFIXES = (".jsonl", ".csv")
"""Endings of such files; whatever does not end in .csv is read as JSON lines."""
_CAPTION_KEYS = ("captions", "caption", "text")
_SHOWN_CHARS = 100
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
_BYTES_MAX = 64_000_000
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
        DataError: The file is missing or too large, or a line is not as it should be; names file
            and line.
    """
    try:
        size = path.stat().st_size
        if size > _BYTES_MAX:
            raise DataError(
                f"{path.name} has {size} bytes, the limit is {_BYTES_MAX}.",
                "Split it into several files.",
            )
        return _table(path) if path.suffix.lower() == ".csv" else list(_json_lines(path))
    except OSError as error:
        raise DataError(
            f"cannot read {path.name}: {error.strerror or error}.",
            "Give a file of JSON lines, or a CSV table.",
        ) from error


def _json_lines(path: Path) -> Iterator[DataLine]:
    for where, row in scan_json_lines(path):
        if isinstance(row, Finding):
            raise DataError(f"{where}: {row.what}", row.advice)
        try:
            yield _parse(row)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{where}: {_reason(error)}.", _JSON_HINT) from error


def _table(path: Path) -> list[DataLine]:
    """Rows of the same picture are one line; the pictures are in the order in which they come."""
    asked = defaultdict[str, list[Annotation]](list)
    try:
        with open_text(path, newline="") as file:
            head = file.readline()
            # Spreadsheets of some countries write semicolons, and tabs in UTF-16.
            delimiter = max(",;\t", key=head.count)
            table = csv.reader(chain([head], file), delimiter=delimiter, strict=True)
            rows = (row for row in table if any(cell.strip() for cell in row))
            columns = [name.strip().casefold() for name in next(rows, [])]
            if not {"image", "caption"} <= set(columns):
                there = ", ".join(columns)[:_SHOWN_CHARS] or "none"
                what = f"{path.name} has no columns image and caption; its columns: {there}."
                raise DataError(what, _CSV_HINT)
            places = columns.index("image"), columns.index("caption")
            for row in rows:
                # Captions have commas: without quotes what follows in the last column is theirs.
                last = len(columns) - 1
                row[last:] = [delimiter.join(row[last:]).rstrip(f"{delimiter} ")]
                image, caption = (
                    unguarded(row[i].strip()).strip() if i < len(row) else "" for i in places
                )
                if not image:
                    where = f"{path.name}, line {table.line_num}"
                    raise DataError(f"{where}: image is missing.", _CSV_HINT)
                known = asked[_image_name(image)]
                if caption:
                    known.append(Annotation(caption, None, False))
    except csv.Error as error:
        raise DataError(f"{path.name}, line {table.line_num}: {error}.", _CSV_HINT) from error
    except UnicodeError as error:
        raise DataError(f"{path.name} is no UTF-8 text.", "Save it as CSV UTF-8.") from error
    return [DataLine(image, tuple(annotations)) for image, annotations in asked.items()]


def guarded(text: str) -> str:
    """Return a text for a cell, so that no table program takes it for a formula."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_SIGNS) else text


def unguarded(cell: str) -> str:
    """Return the text of a cell, see `guarded`."""
    return cell[1:] if cell.startswith("'") and guarded(cell) != cell else cell


def _image_name(told: str) -> str:
    """The name of an image with slashes alone, and with nothing that is no text."""
    return told.encode("utf-8", "replace").decode("utf-8").replace("\\", "/")


def _parse(row: dict[str, Any]) -> DataLine:
    image = row["file_name"] if "file_name" in row else row["image"]
    if not isinstance(image, str):
        raise TypeError("image must be a file name")
    if "bbox" in row and row.get("annotations") is None and isinstance(row.get("caption"), str):
        return DataLine(_image_name(image), (_annotation(row),))  # one object a line
    key = next((key for key in _CAPTION_KEYS if key in row), None)
    captions = row[key] if key else []
    if key != "captions" and isinstance(captions, str):
        captions = [captions]
    if not isinstance(captions, list):
        raise TypeError("captions must be a list of texts")
    # One of both must be there: a mistyped name would ask nothing, and nobody would notice.
    entries = row.get("annotations", []) if key else row["annotations"]
    entries = [*entries, *({"caption": caption} for caption in captions)]
    return DataLine(_image_name(image), tuple(_annotation(entry) for entry in entries))


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
