"""A whole project that comes in: found in what was brought, then taken over or merged.

An empty project becomes it, with its history; where there are pictures it is merged. Not here: the
two ways themselves (``project.adopting``, ``project.merge``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.errors import InputError
from core.image import MAX_PIXELS
from project.adopting import Adopted, adopt
from project.merge import Merged, merge
from project.store import DATABASE_NAME, Project

__all__ = ["bring_project", "disarm", "find_project"]


def find_project(folder: Path) -> Path | None:
    """Return the folder of the project that a folder is, or that is all it holds; else None.

    Who packs a folder by hand often gets it wrapped in another one, or in several.

    Raises:
        InputError: It holds a project beside other things.
    """
    while not (folder / DATABASE_NAME).is_file():
        inside = [p for p in folder.iterdir() if not p.name.startswith((".", "__MACOSX"))]
        found = [path for path in inside if (path / DATABASE_NAME).is_file()]
        if found and len(inside) > 1:
            raise InputError(
                f"{found[0].name} is a project, and there are other things beside it.",
                "Import it alone.",
            )
        is_wrapped = len(inside) == 1 and inside[0].is_dir() and not inside[0].is_symlink()
        if not found and not is_wrapped:
            return None
        folder = inside[0]
    return folder


def disarm(folder: Path) -> None:
    """Remove what SQLite would obey in a folder that somebody else packed.

    A rollback journal may name any other file, which SQLite would then remove.
    """
    for ending in ("-journal", "-shm"):
        for path in list(folder.rglob(f"{DATABASE_NAME}{ending}")):
            if not path.is_dir():
                path.unlink()


def bring_project(
    target: Project,
    folder: Path,
    *,
    max_pixels: int = MAX_PIXELS,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Adopted | Merged:
    """Bring the project in a folder into another one; see `adopt` and `merge`.

    Raises:
        InputError: Both are the same project.
        DataError: It is damaged, or of a newer version.
    """
    bring = merge if target.files() else adopt
    with Project.open(folder) as other:
        return bring(target, other, max_pixels=max_pixels, on_progress=on_progress)
