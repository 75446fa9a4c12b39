"""What `batch` is asked of a folder, where the pictures of a data file are, and data sets.

In: a folder and captions for all of its pictures, or names that a data file tells. Out: plain
values.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core import files
from core.errors import DataError, ImageError, InputError
from core.image import READABLE
from core.words import listed
from dataset.data_file import Annotation, DataLine
from dataset.folders import dataset_in

__all__ = ["confined_path", "folder_data", "folder_lines", "found_dataset"]


def folder_data(folder: Path, captions: Sequence[str]) -> tuple[list[DataLine], list[str]]:
    """Return all pictures below a folder, links to some too, by name; each asked the same captions.

    Returns:
        The pictures, and the names of the other files.

    Raises:
        DataError: no picture is there.
    """
    names: list[str] = []
    others: list[str] = []
    for path in files.list_files(folder, links=True):
        kind = names if path.suffix.lower() in READABLE else others
        kind.append(path.relative_to(folder).as_posix())
    if not names:
        raise DataError(
            f"{folder} holds no picture.", f"Give a folder of {', '.join(READABLE)} files."
        )
    asked = tuple(Annotation(caption, None, False) for caption in captions)
    return [DataLine(name, asked) for name in names], others


def folder_lines(folder: Path) -> list[DataLine]:
    """Return the pictures of a data set of any format with their boxes and captions, by name.

    Names are below the folder. Where a data set knows classes alone, these are the captions.

    Raises:
        DataError: It is no data set, or something in it is not as it should be.
    """
    from dataset.registry import read_dataset

    root = folder.resolve()
    lines = []
    for record in read_dataset(folder):
        boxes: list[tuple[float, float, float, float]] = list(map(tuple, record.xyxy.tolist()))
        told = zip(record.captions, boxes, strict=True)
        name = Path(os.path.relpath(record.path.resolve(), root)).as_posix()
        lines.append(DataLine(name, tuple(Annotation(*one, ambiguous=False) for one in told)))
    return lines


def found_dataset(folder: Path, format: str | None) -> Path:
    """Return the folder of the data set in a folder, see `dataset_in`; stderr says where it lies.

    Raises:
        DataError: it holds several data sets, or none of a known format.
        UnknownNameError: there is no format of that name.
    """
    found = dataset_in(folder, format)
    if found != folder:
        sys.stderr.write(f"The data set is in {found}.\n")
    return found


def confined_path(folder: Path, name: str) -> Path:
    """Return the path of a picture inside a folder, or inside ``images/`` there.

    A name without ending, as tables of a project have it, means the one picture that has it.

    Raises:
        ImageError: the name leads out of the folder, or there is no such file, or several.
    """
    places = (name, f"images/{name}")  # the second: data sets of JSON lines
    try:
        found = next(filter(None, (_called(folder, place) for place in places)), [])
    except InputError as error:
        raise ImageError(error.message, error.hint) from error
    if len(found) > 1:
        which = listed([path.name for path in found])
        raise ImageError(f"{name!r} in {folder} may be any of: {which}.", "Add the ending.")
    if not found:
        raise ImageError(
            f"{name!r} is not in {folder}, nor in images/ there.", "Check the name and --images."
        )
    return found[0]


def _called(folder: Path, name: str) -> list[Path]:
    """The picture of a name, or those of a name without ending."""
    path = files.confined_path(folder, name)
    if path.is_file():
        return [path]
    if Path(name).suffix.lower() in READABLE:
        return []
    known: dict[tuple[int, int], Path] = {}  # systems without capitals find a file twice
    for suffix in READABLE:
        for ending in (suffix, suffix.upper()):
            path = files.confined_path(folder, name + ending)
            if path.is_file():
                known.setdefault((path.stat().st_dev, path.stat().st_ino), path)
    return sorted(known.values())
