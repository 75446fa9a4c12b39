"""Which files a folder brings, and what is told of those that it does not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from core.errors import DataError
from core.files import list_files
from dataset.formats.raw import Finding
from dataset.registry import FORMATS, detect_format

__all__ = [
    "NAMED_MAX",
    "data_sets_in",
    "inner_folder",
    "links_left_out",
    "passed_over",
    "unread_labels",
]

NAMED_MAX = 5
"""As many files are named; of more, how many there are."""

_LABEL_SUFFIXES = (".json", ".xml", ".yaml", ".yml")
_UNTOLD = ("Thumbs.db", "desktop.ini")  # what systems put beside pictures


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


def data_sets_in(folder: Path) -> list[Path]:
    """Return all data sets in a folder, however deep, sorted; it alone where it is one itself.

    Folders in a data set are its own.
    """
    found = [folder] if _is_labelled(folder) else []
    for place, names, _ in () if found else os.walk(folder):
        paths = [Path(place, name) for name in names if _is_seen(name)]
        labelled = [path for path in paths if _is_labelled(path)]
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


def unread_labels(
    files: Sequence[Path], pictures: Sequence[Path]
) -> tuple[list[Path], tuple[Finding, ...]]:
    """Return which files among pictures may hold labels of them, and what is told of those.

    Args:
        files: Those that were not read.
        pictures: The pictures that came in without labels.
    """
    stems = {path.stem for path in pictures}
    found = [
        path
        for path in files
        if path.suffix.lower() in _LABEL_SUFFIXES
        or (path.suffix.lower() == ".txt" and path.stem in stems)
    ]
    if not found:
        return [], ()
    where = ", ".join(path.name for path in found)
    if len(found) > NAMED_MAX:
        where = f"{len(found)} files, such as {found[0].name}"
    what = (
        "perhaps labels, but NOT READ, as no data set was recognised there: the pictures came in "
        "without boxes. Import the folder of the data set itself (with data.yaml or labels/, "
        "annotations/*.json, Annotations/*.xml, metadata.jsonl or annotations.jsonl)."
    )
    return found, (Finding("unread-labels", "warning", where, what),)


def passed_over(names: Sequence[str]) -> tuple[Finding, ...]:
    """Return what is told, at most once, of files among pictures that are none: nobody named them.

    Args:
        names: Of the files, in order.
    """
    names = [name for name in names if name not in _UNTOLD]
    if not names:
        return ()
    where, what = _named(names, "files", "no picture", "no pictures")
    return (Finding("no-picture", "note", where, what),)


def links_left_out(
    folder: Path, elsewhere: Sequence[Path] = (), *, links: bool
) -> tuple[Finding, ...]:
    """Return what is told, at most once, of the links below a folder that are not followed.

    Args:
        folder: Where to look; what is hidden is passed over without a word.
        elsewhere: Folders in it that are taken in on their own.
        links: Whether links to files count as files; links to folders never do.
    """
    taken = set(list_files(folder, links=links))
    names = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in name.parts)
        is_elsewhere = any(path.is_relative_to(part) for part in elsewhere)
        if path.is_symlink() and path not in taken and not (is_hidden or is_elsewhere):
            names.append(name.as_posix())
    if not names:
        return ()
    kinds = ("a link to a folder", "links to folders") if links else ("a link", "links")
    where, what = _named(names, "links", *kinds)
    return (Finding("left-out-link", "warning", where, what, "Import what it leads to itself."),)


def _named(names: Sequence[str], all_of_them: str, one: str, many: str) -> tuple[str, str]:
    """Which files, and what of them: by name where they are few."""
    if len(names) > NAMED_MAX:
        return f"{len(names)} {all_of_them}", f"{many}, such as {names[0]}, left out."
    return ", ".join(names), f"{one if len(names) == 1 else many}, left out."
