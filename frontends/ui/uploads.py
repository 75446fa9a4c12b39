"""Where uploads lie, which paths may count as one, and how large each may be.

In: a path as a browser tells it, which may name any file of ours; out: whether it is an upload.
Gradio checks only what is marked as its file data, and a visitor can leave out the mark.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from core.errors import ImageError, InputError
from dataset.archive import OWN
from dataset.archive import Limits as ArchiveLimits
from frontends.material import Brought
from frontends.service import Limits

__all__ = [
    "LABEL_SUFFIXES",
    "desks_folder",
    "find_picture",
    "find_upload",
    "labels_max_bytes",
    "read_uploads",
    "visits_folder",
]


LABEL_SUFFIXES = (".sqlite", ".json", ".jsonl", ".csv")
"""Endings of files that tell of many pictures at once."""


def labels_max_bytes(limits: Limits) -> dict[str, int]:
    """The most bytes of a file that tells of many pictures, by its ending: as in a ZIP file.

    Who shares a folder of projects with the page owns the disk.
    """
    allowed = ArchiveLimits() if limits.projects_folder is None else OWN
    return {
        suffix: min(limits.archive_max_bytes, allowed.bytes_of(suffix)) for suffix in LABEL_SUFFIXES
    }


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


def find_picture(told: object, *, max_bytes: int) -> Path | None:
    """Return the path of an uploaded picture, as `find_upload` does; Gradio lets ZIP files through.

    Raises:
        ImageError: The file is larger than a picture may be.
    """
    path = find_upload(told)
    if path is not None and path.is_file():
        _check_size(path, path.name, max_bytes)
    return path


def read_uploads(files: Iterable[Mapping[str, Any]], limits: Limits) -> list[Brought]:
    """Return uploaded files as the browser tells them, with the names their owner gave them.

    Raises:
        InputError: A path is not one of an upload, nothing is there, or it is too large: labels may
            be larger than a picture, and a ZIP file, if it is one by its name and in fact.
    """
    brought = []
    for file in files:
        path = find_upload(file.get("path"))
        if path is None or not path.is_file():
            raise InputError("a file was not uploaded.", "Upload it first.")
        name = str(file.get("name", "")) or "file"
        suffix, max_bytes = Path(name).suffix.lower(), limits.upload_max_bytes
        if suffix in LABEL_SUFFIXES:
            max_bytes = labels_max_bytes(limits)[suffix]
        elif suffix == ".zip" and zipfile.is_zipfile(path):
            max_bytes = limits.archive_max_bytes
        _check_size(path, name, max_bytes)
        brought.append(Brought(path, name))
    return brought


def _check_size(path: Path, name: str, max_bytes: int) -> None:
    if (size_bytes := path.stat().st_size) > max_bytes:
        raise ImageError(
            f"{name} has {size_bytes / 1e6:.0f} MB, the limit is {max_bytes / 1e6:.0f} MB.",
            "Make it smaller and try again.",
        )
