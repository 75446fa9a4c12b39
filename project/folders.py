"""Projects side by side in one folder: listing them, deleting one, and bringing it back.

A deleted project is moved aside and kept; only `purge` removes it for good.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError, InputError, SpotterError
from project.store import DATABASE_NAME, Project

__all__ = [
    "TRASH_NAME",
    "ProjectInfo",
    "delete_project",
    "list_projects",
    "purge",
    "restore_project",
]

TRASH_NAME = ".deleted"


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project in a list; `problem` tells why it cannot be opened, empty where it can."""

    folder: Path
    name: str
    images: int
    done: int
    problem: str = ""


def list_projects(root: Path) -> list[ProjectInfo]:
    """Return the projects right in a folder, by name; a damaged one is listed with its problem."""
    if not root.is_dir():
        return []
    found = []
    for path in sorted(root.glob(f"*/{DATABASE_NAME}")):
        if path.parent.name.startswith("."):
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

    It must not be open.

    Raises:
        DataError: There is no project, or it cannot be moved.
    """
    if not (folder / DATABASE_NAME).is_file():
        raise DataError(f"{folder} holds no project.", "Give the folder of a project.")
    # The name and the moment, so that deleting two of one name keeps both.
    place = folder.parent / TRASH_NAME / f"{folder.name}@{int(clock() * 1000)}"
    _move(folder, place)
    return place


def restore_project(place: Path) -> Path:
    """Bring a deleted project back where it was, and return its folder.

    Raises:
        InputError: There is another project of that name meanwhile, or it was not deleted.
        DataError: It cannot be moved.
    """
    if place.parent.name != TRASH_NAME or not (place / DATABASE_NAME).is_file():
        raise InputError(f"{place} is no deleted project.", "Give what deleting answered.")
    folder = place.parent.parent / place.name.rpartition("@")[0]
    if folder.exists():
        raise InputError(f"{folder} exists again.", "Rename it first.")
    _move(place, folder)
    return folder


def purge(place: Path) -> None:
    """Remove a deleted project for good.

    Raises:
        InputError: It is no deleted project.
    """
    if place.parent.name != TRASH_NAME or not (place / DATABASE_NAME).is_file():
        raise InputError(f"{place} is no deleted project.", "Delete it first; then purge.")
    shutil.rmtree(place)


def _move(here: Path, there: Path) -> None:
    try:
        there.parent.mkdir(parents=True, exist_ok=True)
        here.rename(there)
    except OSError as error:
        raise DataError(
            f"cannot move {here} to {there}: {error.strerror or error}.",
            "Close what has it open, and try again.",
        ) from error
