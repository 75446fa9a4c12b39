"""Captions that come with pictures: what each is known to show, from files beside them.

The files are those that `batch` reads (``dataset.data_file``). Pictures that come in with them are
found by their places, those of the project by their names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.captions import clean_caption
from core.errors import CaptionError, DataError, InputError
from dataset.data_file import DataLine, read_data
from dataset.formats.raw import Finding
from project.naming import Names
from project.store import Project

__all__ = ["Given", "give", "read_given", "usable_captions"]


@dataclass(slots=True)
class Given:
    """What files tell of pictures.

    Args:
        of_path: Captions of pictures that lie beside the files.
        others: Lines about other pictures, each with the name of its file.
        findings: What could not be used.
        unread: Files that tell nothing of pictures, each with the reason.
    """

    of_path: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    others: list[tuple[str, DataLine]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unread: list[tuple[Path, str]] = field(default_factory=list)


def read_given(tables: Sequence[Path], pictures: Sequence[Path], folder: Path) -> Given:
    """Return what files in a folder tell of its pictures.

    Args:
        tables: The files.
        pictures: The pictures.
        folder: Above all of them.
    """
    places = {path.relative_to(folder).as_posix(): path for path in pictures}
    of_name = defaultdict[str, list[Path]](list)
    for picture in pictures:
        of_name[picture.name].append(picture)
    given = Given()
    for table in tables:
        try:
            lines = read_data(table)
        except DataError as error:
            given.unread.append((table, f"{error.message} {error.hint}"))
            continue
        beside = table.parent.relative_to(folder).as_posix()
        for line in lines:
            path = _place(line.image.replace("\\", "/"), beside, places, of_name)
            if path is None:
                given.others.append((table.name, line))
            else:
                told = usable_captions(line.captions, f"{table.name}, {line.image}", given.findings)
                given.of_path[path] = given.of_path.get(path, ()) + told
    return given


def usable_captions(
    captions: Sequence[str], where: str, findings: list[Finding]
) -> tuple[str, ...]:
    """Return captions cleaned; one that cannot be used is left out, with a finding."""
    usable = []
    for caption in captions:
        try:
            usable.append(clean_caption(caption))
        except CaptionError as error:
            findings.append(
                Finding("unusable-caption", "warning", where, error.message, "Left out.")
            )
    return tuple(usable)


def _place(
    name: str, beside: str, places: Mapping[str, Path], of_name: Mapping[str, Sequence[Path]]
) -> Path | None:
    """The picture that a file in the folder `beside` means: near it, below the top, or alone so."""
    for wished in (PurePosixPath(beside) / name, PurePosixPath(name)):
        if wished.as_posix() in places:
            return places[wished.as_posix()]
    alike = of_name.get(PurePosixPath(name).name, ())
    return alike[0] if len(alike) == 1 else None


def give(project: Project, lines: Sequence[tuple[str, DataLine]]) -> tuple[int, list[Finding]]:
    """Keep what lines tell of pictures that are in a project already.

    Args:
        project: Holds the pictures.
        lines: Each with the name of the file that it is from.

    Returns:
        The number of pictures whose captions are others now, and what could not be used.
    """
    names = Names(project, project.walk() if lines else ())
    captions: dict[int, tuple[str, ...]] = {}
    findings: list[Finding] = []
    for where, line in lines:
        try:
            image = names.find(line.image)
        except InputError as error:
            findings.append(Finding("unknown-picture", "error", where, error.message, error.hint))
        else:
            told = usable_captions(line.captions, f"{where}, {line.image}", findings)
            captions[image.id] = captions.get(image.id, ()) + told
    return project.give_captions(captions), findings
