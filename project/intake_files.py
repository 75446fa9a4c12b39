"""Which files a folder brings, and what is told of those that it does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.files import list_files
from dataset.formats.raw import Finding

__all__ = [
    "NAMED_MAX",
    "links_left_out",
    "passed_over",
    "unread_labels",
]

NAMED_MAX = 5
"""As many files are named; of more, how many there are."""

_LABEL_SUFFIXES = (".json", ".xml", ".yaml", ".yml")
_UNTOLD = ("Thumbs.db", "desktop.ini")  # what systems put beside pictures


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
