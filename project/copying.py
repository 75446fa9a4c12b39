"""A project as another folder: what is downloaded, carried elsewhere, and merged there.

The copy is one moment of the project, whatever is written meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from core.errors import DataError
from core.files import link_or_copy
from project.store import DATABASE_NAME, Project

__all__ = ["copy_project"]


def copy_project(
    project: Project,
    folder: Path,
    *,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> None:
    """Copy a project with its pictures into a new folder; pictures are linked where that works.

    Args:
        project: Not changed.
        folder: Made; must not exist.
        on_progress: Called after each picture with (done, total, name); may raise to stop.

    Raises:
        DataError: The folder exists or cannot be written to.
    """
    try:
        folder.mkdir(parents=True)
        source, target = project.folder / DATABASE_NAME, folder / DATABASE_NAME
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
            # One file alone: without a journal beside it.
            new.execute("PRAGMA journal_mode = DELETE")
        # Removed images too: the copied rows name their files, and they can be brought back there.
        files = project.files()
        for number, (name, picture) in enumerate(files, start=1):
            place = folder / picture.relative_to(project.folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(picture, place)
            if on_progress is not None:
                on_progress(number, len(files), name)
    except (OSError, sqlite3.Error) as error:
        raise DataError(
            f"cannot copy the project to {folder}: {error}.", "Choose a new folder, or make room."
        ) from error
