"""Where files that can be made again are kept: converted models and compiled engines.

One folder for the whole process. A front end sets it (from its environment); everything below asks.
Asking makes nothing: a home folder may be missing or closed where nothing is ever cached.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import DataError

__all__ = ["cache_folder", "is_cached", "make_cached", "set_cache_folder"]

_HINT = "Name a folder that can be written with the environment variable SPOTTER_CACHE."

_chosen: list[Path] = []


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of file, whether it is there or not; see `make_cached`.

    Args:
        kind: "engines", "models", "rtx", "synthetic".

    Raises:
        DataError: None was set, and the user has no home folder.
    """
    if _chosen:
        return _chosen[0] / kind
    try:
        return Path.home() / ".cache" / "spotter" / kind
    except RuntimeError as error:
        raise DataError("this user has no home folder to keep files in.", _HINT) from error


def is_cached(path: Path) -> bool:
    """Return whether a file is there; one in a folder that may not be looked into is not."""
    try:
        return path.is_file()
    except OSError:  # may not be looked into: a container that runs as another user, HOME at /root
        return False


def make_cached(folder: Path) -> Path:
    """Make a folder of the cache and those above it, if they are missing; return it.

    Raises:
        DataError: It cannot be made or not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise DataError(f"cannot make the folder {folder}: {why}.", _HINT) from error
    if not os.access(folder, os.W_OK):
        raise DataError(f"cannot write to the folder {folder}.", _HINT)
    return folder


def set_cache_folder(folder: Path | None) -> None:
    """Keep cached files in another folder from now on; None: in the user's own cache."""
    _chosen[:] = [] if folder is None else [folder]
