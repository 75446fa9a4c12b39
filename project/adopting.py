"""A whole project into an empty one: rows, history and pictures, as they were taken out.

Where there are pictures already, `project.merge` is the way: it overwrites nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import DataError, InputError
from core.image import MAX_PIXELS
from core.words import counted
from project.pictures import keep_file, load_picture
from project.store import Project

__all__ = ["Adopted", "adopt"]


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came: the number of images, and the names of pictures that could not be read."""

    images: int
    failed: tuple[str, ...]

    def sentence(self) -> str:
        """Return the summary as one line."""
        lost = len(self.failed)
        told = f"{counted(self.images, 'picture')} came back with boxes and history."
        return told + f" {counted(lost, 'picture')} could not be read." * bool(lost)


def adopt(
    target: Project,
    other: Project,
    *,
    max_pixels: int = MAX_PIXELS,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Adopted:
    """Take everything of another project but its name into one that has no picture yet.

    Args:
        target: Without a picture, also without removed ones.
        other: Not changed. It may come from anybody: its pictures are decoded as uploads are.
        max_pixels: Larger pictures are refused.
        on_progress: Called after each picture with (done, total, name); may raise to stop, and
            nothing has come then.

    Raises:
        InputError: The target has pictures, or both are the same project.
        DataError: Rows of the other project contradict each other, or the disk is full.
    """
    if target.folder.resolve() == other.folder.resolve():
        raise InputError("a project cannot be brought into itself.", "Name another one.")
    if target.files():
        raise InputError("the project has pictures already.", "Merge the other one into it.")
    files = other.files()
    failed: dict[str, str] = {}
    for number, (name, path) in enumerate(files, start=1):
        try:
            picture = load_picture(path, name, max_pixels=max_pixels)
        except (OSError, InputError, DataError):
            failed[path.stem] = name
        else:
            if picture.sha256 == path.stem and picture.suffix == path.suffix:
                keep_file(target.folder / path.relative_to(other.folder), picture.data)
            else:
                failed[path.stem] = name
        if on_progress is not None:
            on_progress(number, len(files), name)
    target.adopt_rows(other.folder, without=tuple(failed))
    return Adopted(len(files) - len(failed), tuple(failed.values()))
