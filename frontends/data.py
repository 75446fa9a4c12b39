"""What `batch` and `evaluate` are asked: a data file with one picture a line, or a folder.

In: a folder and captions for all of its pictures; or JSON lines `{"image", "annotations":
[{"caption", "bbox", "ambiguous"}]}`; or, where there is nothing to measure against, `{"image",
"captions": [text]}`. Out: plain values.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import files
from core.errors import DataError, ImageError, InputError
from dataset.formats.files import IMAGE_SUFFIXES

__all__ = ["Annotation", "DataLine", "confined_path", "folder_data", "read_data"]


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
        DataError: the file is missing, or a line is not as it should be; names file and line.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}.", "Give a file of JSON lines.") from error
    lines = []
    for number, text in enumerate(content.split("\n"), start=1):
        if not text.strip():
            continue
        try:
            lines.append(_parse(json.loads(text)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path}, line {number}: {_reason(error)}.",
                'Write {"image": name, "captions": [text]}, or, with boxes, '
                '{"image": name, "annotations": [{"caption": text, "bbox": [l, t, w, h]}]}.',
            ) from error
    return lines


def folder_data(folder: Path, captions: Sequence[str]) -> list[DataLine]:
    """Return all pictures below a folder, by name, each asked the same captions.

    Raises:
        DataError: no picture is there.
    """
    names = [
        path.relative_to(folder).as_posix()
        for path in files.list_files(folder, links=True)
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]
    if not names:
        raise DataError(
            f"{folder} holds no picture.", f"Give a folder of {', '.join(IMAGE_SUFFIXES)} files."
        )
    asked = tuple(Annotation(caption, None, False) for caption in captions)
    return [DataLine(name, asked) for name in names]


def confined_path(folder: Path, name: str) -> Path:
    """Return the path of a picture inside a folder.

    Raises:
        ImageError: the name leads out of the folder, or there is no such file.
    """
    try:
        path = files.confined_path(folder, name)
    except InputError as error:
        raise ImageError(error.message, error.hint) from error
    if not path.is_file():
        raise ImageError(f"{name!r} is not in {folder}.", "Check the name and --images.")
    return path


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
