"""Projects side by side in one folder: listing them, deleting one, and bringing it back.

A deleted project is moved aside and kept; only `purge` removes it for good. Leftovers of work that
was killed go with `sweep`. What lies behind a link is never moved or removed.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError, InputError, SpotterError
from project.learning import list_runs
from project.store import DATABASE_NAME, Project

__all__ = [
    "LINK_PROBLEM",
    "TRASH_NAME",
    "ProjectInfo",
    "delete_project",
    "deleted_projects",
    "list_projects",
    "purge",
    "restore_project",
    "sweep",
]

TRASH_NAME = ".deleted"
LINK_PROBLEM = (
    "it is a link, and a project is used where it lies. Move the project here in place of its "
    "link, or have the page look where it is, with SPOTTER_PROJECTS."
)
"""Why a project in a list cannot be used: whoever opens the page would change what is elsewhere."""

_LEFTOVERS = (".import-*", ".merge-*", ".push-*")
_LEFT_S = 86_400.0  # another process may still work in a younger one


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project in a list; `problem` tells why it cannot be opened, empty where it can."""

    folder: Path
    name: str
    images: int
    done: int
    problem: str = ""


def list_projects(root: Path) -> list[ProjectInfo]:
    """Return the projects right in a folder, by name.

    Damaged ones, and links to projects elsewhere, are listed with their problem.
    """
    if not root.is_dir():
        return []
    found = []
    for path in sorted(root.glob(f"*/{DATABASE_NAME}")):
        if path.parent.name.startswith("."):
            continue
        if path.parent.is_symlink():
            found.append(ProjectInfo(path.parent, path.parent.name, 0, 0, LINK_PROBLEM))
            continue
        try:
            with Project.open(path.parent) as project:
                counts = project.count(), project.count("done")
                info = ProjectInfo(path.parent, project.name, *counts)
        except SpotterError as error:
            info = ProjectInfo(path.parent, path.parent.name, 0, 0, str(error))
        found.append(info)
    return sorted(found, key=lambda info: (info.name.casefold(), info.folder))


def delete_project(folder: Path, *, clock: Callable[[], float] = time.time) -> Path:
    """Move a project aside, into `.deleted` beside it, and return where it lies now.

    It must not be open. A damaged one can be deleted too.

    Raises:
        DataError: There is no project, or it cannot be moved.
        InputError: Something is learnt from it: that process would write on where it was. Or it is
            a link.
    """
    if folder.is_symlink():
        raise InputError(
            f"{folder} is a link to {folder.resolve()}.",
            "Give the folder that it leads to, or remove the link alone.",
        )
    if not (folder / DATABASE_NAME).is_file():
        raise DataError(f"{folder} holds no project.", "Give the folder of a project.")
    if (run := _running(folder)) is not None:
        raise InputError(f"the training {run} of this project is going on.", "Stop it first.")
    # The name and the moment, so that deleting two of one name keeps both.
    place = folder.parent / TRASH_NAME / f"{folder.name}@{int(clock() * 1000)}"
    _move(folder, place)
    return place


def restore_project(place: Path) -> Path:
    """Bring a deleted project back where it was, and return its folder.

    Args:
        place: What `delete_project` returned, or where the project was: the one deleted last.

    Raises:
        InputError: There is another project of that name meanwhile, or it was not deleted.
        DataError: It cannot be moved.
    """
    place = _deleted_ones(place)[-1]
    folder = place.parent.parent / place.name.rpartition("@")[0]
    if folder.exists():
        raise InputError(f"{folder} exists again.", "Rename it first.")
    _move(place, folder)
    return folder


def _deleted_ones(place: Path) -> list[Path]:
    """The deleted projects that are meant by a place, the one deleted first first; one or more.

    Raises:
        InputError: There is none.
    """
    if place.parent.name == TRASH_NAME:
        if not (place / DATABASE_NAME).is_file():
            raise InputError(f"{place} is no deleted project.", "Give what deleting answered.")
        return [place]
    gone = deleted_projects(place.parent)
    named = [one for one in gone if one.name.rpartition("@")[0] == place.name]
    if not named:
        known = ", ".join(str(one) for one in gone[-5:]) or "none is kept there"
        raise InputError(f"{place} is no deleted project.", f"Deleted ones: {known}.")
    return named


def deleted_projects(root: Path) -> list[Path]:
    """Return where the deleted projects of a folder lie, the one deleted first first."""
    places = [path.parent for path in (root / TRASH_NAME).glob(f"*/{DATABASE_NAME}")]
    return sorted(places, key=lambda place: place.name.rpartition("@")[2].zfill(20))


def sweep(folder: Path, *, clock: Callable[[], float] = time.time) -> None:
    """Remove what imports and uploads that were killed left in a project, a day later."""
    for pattern in _LEFTOVERS:
        for path in folder.glob(pattern):
            with contextlib.suppress(FileNotFoundError):
                if path.is_dir() and path.stat().st_mtime < clock() - _LEFT_S:
                    shutil.rmtree(path, ignore_errors=True)


def _running(folder: Path) -> str | None:
    """The name of the training of a project that is going on, or None."""
    try:
        with Project.open(folder) as project:
            return next((run.id for run in list_runs(project) if run.state == "running"), None)
    except SpotterError:  # damaged: nothing can learn from it
        return None


def purge(place: Path) -> Path:
    """Remove a deleted project for good, and return where it lay.

    Args:
        place: What `delete_project` returned, or where the project was.

    Raises:
        InputError: It is no deleted project, or several of that name were deleted, or it is a link.
    """
    if place.parent.name != TRASH_NAME and (place / DATABASE_NAME).is_file():
        raise InputError(f"{place} is no deleted project.", "Delete it first; then purge.")
    named = _deleted_ones(place)
    if len(named) > 1:  # nothing brings back the wrong one
        known = ", ".join(str(one) for one in named)
        raise InputError(
            f"{len(named)} deleted projects were at {place}.", f"Name one of: {known}."
        )
    if named[0].is_symlink():
        raise InputError(f"{named[0]} is a link.", "Remove the link alone.")
    shutil.rmtree(named[0])
    return named[0]


def _move(here: Path, there: Path) -> None:
    try:
        there.parent.mkdir(parents=True, exist_ok=True)
        here.rename(there)
    except OSError as error:
        raise DataError(
            f"cannot move {here} to {there}: {error.strerror or error}.",
            "Close what has it open, and try again.",
        ) from error
