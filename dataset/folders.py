"""Where data sets lie in a folder: itself, wrapped in others as ZIP files unpack, or several.

In: a folder. Out: the folders of data sets. Not here: what is in them (``dataset.registry``).
"""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import DataError
from core.words import listed
from dataset.registry import FORMATS, detect_format

__all__ = ["data_sets_in", "dataset_in", "inner_folder"]


def dataset_in(folder: Path, format: str | None = None) -> Path:
    """Return the folder of the only data set in a folder, however deep; itself if it is one.

    Args:
        folder: Where to look; one that is not there or holds none of a named format is returned
            as it is: reading it says what it lacks.
        format: Name of the format; None: any.

    Raises:
        DataError: It holds several data sets, or none of a known format.
        UnknownNameError: There is no format of that name.
    """
    if format is not None:
        FORMATS.entry(format)
    if not folder.is_dir() or _is_labelled(folder):
        return folder
    # A link beside what it leads to is no second one.
    found = list({path.resolve(): path for path in data_sets_in(folder, format)}.values())
    if len(found) > 1:
        names = [path.relative_to(folder).as_posix() for path in found]
        raise DataError(
            f"{folder} holds {len(found)} data sets: {listed(names)}.",
            "Give the folder of one of them.",
        )
    if found or format is not None:
        return found[0] if found else folder
    try:
        detect_format(folder)
    except DataError as error:
        what = f"neither {folder} nor a folder in it looks like a data set of a known format."
        raise DataError(what, error.hint) from error
    return folder


def inner_folder(folder: Path, format: str | None = None) -> Path:
    """Return the folder in which everything is wrapped, through any number that hold one alone.

    Args:
        folder: Of an archive that was unpacked, or any other; a data set is not left.
        format: See `_is_labelled`.
    """
    while not _is_labelled(folder, format):
        inside = [path for path in folder.iterdir() if _is_seen(path.name)]
        if len(inside) != 1 or inside[0].is_symlink() or not inside[0].is_dir():
            break
        folder = inside[0]
    return folder


def data_sets_in(folder: Path, format: str | None = None) -> list[Path]:
    """Return all data sets in a folder, however deep, sorted; it alone where it is one itself.

    Folders in a data set are its own.

    Args:
        folder: Where to look; links to folders are not followed.
        format: See `_is_labelled`.
    """
    found = [folder] if _is_labelled(folder, format) else []
    for place, names, _ in () if found else os.walk(folder):
        paths = [Path(place, name) for name in names if _is_seen(name)]
        labelled = [path for path in paths if _is_labelled(path, format)]
        found += labelled
        names[:] = [path.name for path in paths if path not in labelled]
    return sorted(found)


def _is_labelled(folder: Path, format: str | None = None) -> bool:
    """Return whether a folder looks like a data set.

    Args:
        folder: Where to look; not below it.
        format: Of this format; None: of any; "images": never.
    """
    if format is not None:
        return format in FORMATS.names() and FORMATS.load(format).holds(folder)
    try:
        detect_format(folder)
    except DataError:
        return False
    return True


def _is_seen(name: str) -> bool:
    return not name.startswith((".", "__MACOSX"))
