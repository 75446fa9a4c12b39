"""Where files that can be made again are kept: converted models and compiled engines.

One folder for the whole process. A front end sets it (from its environment); everything below asks.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["cache_folder", "set_cache_folder"]

_chosen: list[Path] = []


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of file, made if it is missing.

    Args:
        kind: "engines", "models", "rtx", "synthetic".
    """
    # Asked late: a home folder may not exist where nothing is ever cached.
    root = _chosen[0] if _chosen else Path.home() / ".cache" / "spotter"
    folder = root / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def set_cache_folder(folder: Path | None) -> None:
    """Keep cached files in another folder from now on; None: in the user's own cache."""
    _chosen[:] = [] if folder is None else [folder]
