"""Where uploads lie, and which paths may count as one.

In: a path as a browser tells it, which may name any file of ours; out: whether it is an upload.
Gradio checks only what is marked as its file data, and a visitor can leave out the mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from core.errors import InputError
from frontends.material import Brought

__all__ = ["desks_folder", "find_upload", "read_uploads", "visits_folder"]


def visits_folder() -> Path:
    """Return the parent of the visitors' folders; below the uploads, whose files Gradio serves."""
    return Path(get_upload_folder()) / "visits"


def desks_folder() -> Path:
    """Return the parent of the folders in which visitors' projects lie; see `visits_folder`."""
    return Path(get_upload_folder()) / "desks"


def find_upload(told: object) -> Path | None:
    """Return the path of an upload, or None where what is told is none; it need not be there.

    What visitors keep or made lies below the uploads too, but was not uploaded by who asks.
    """
    path = Path(str(told)).resolve()
    inside = path.is_relative_to(Path(get_upload_folder()).resolve())
    kept = (visits_folder().resolve(), desks_folder().resolve())
    return path if inside and not any(path.is_relative_to(folder) for folder in kept) else None


def read_uploads(files: Iterable[Mapping[str, Any]]) -> list[Brought]:
    """Return uploaded files as the browser tells them, with the names their owner gave them.

    Raises:
        InputError: A path is not one of an upload, or nothing is there.
    """
    brought = []
    for file in files:
        path = find_upload(file.get("path"))
        if path is None or not path.is_file():
            raise InputError("a file was not uploaded.", "Upload it first.")
        brought.append(Brought(path, str(file.get("name", "")) or "file"))
    return brought
