"""A library checked before it is used: which files can be read, and what names their content.

Images are drawn from what is left, by number: so previews and data sets look at the same check. A
file is looked into once, and again when it has changed.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from core.errors import ImageError, InputError
from core.files import sha256_of
from core.image import IMAGE_ERRORS, check_decodes, decode_rgba
from synth.config import SceneConfig
from synth.job import library_for
from synth.library import BACKGROUND_SIDE_MIN_PX, Background, Cutout, Library

__all__ = ["check_materials", "describe_software", "usable_library"]

_PACKAGES = ("numpy", "opencv-python-headless", "albumentations")
_NAMED_MAX = 5


def usable_library(
    cutouts: Sequence[Path], backgrounds: Sequence[Path], config: SceneConfig
) -> tuple[Library, list[str]]:
    """The library that a data set of some folders is made from, and notes on what was skipped.

    Args:
        cutouts: Folders of cutouts.
        backgrounds: Folders of photographs.
        config: How large backgrounds can be seen.

    Raises:
        InputError: A folder cannot be used, or nothing usable is left.
    """
    library, _, notes = check_materials(library_for(cutouts, backgrounds, config))
    return library, notes


def check_materials(library: Library) -> tuple[Library, dict[str, str | int], list[str]]:
    """The library without unreadable files, its content's hashes, and notes on what was skipped.

    Raises:
        InputError: Nothing usable is left.
    """
    cutouts, cutout_digest, cutout_notes = _check(library.cutouts, "cutout")
    backgrounds, background_digest, background_notes = _check(library.backgrounds, "background")
    has_objects = any(cutout.labelled for cutout in cutouts)
    if not has_objects or not backgrounds:
        lack = "background" if has_objects else "labelled cutout"
        reasons = "; ".join(background_notes if has_objects else cutout_notes) or "there is none"
        raise InputError(
            f"no usable {lack} is left: {reasons}.",
            "Give a folder with at least one labelled cutout and one with at least one photograph.",
        )
    digests: dict[str, str | int] = {
        "cutouts": cutout_digest,
        "backgrounds": background_digest,
        "num_cutouts": len(cutouts),
        "num_backgrounds": len(backgrounds),
    }
    return library.part(cutouts, backgrounds), digests, [*cutout_notes, *background_notes]


def describe_software() -> dict[str, str]:
    """Versions of what decides the pixels."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is now; equal under each of its names, as those that a visitor chose have."""

    path: Path = field(compare=False)
    is_cutout: bool
    state: tuple[int, ...]


def _identify(item: Cutout | Background) -> _File:
    now = item.path.stat()
    state = (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns)
    return _File(item.path, isinstance(item, Cutout), state)


@lru_cache(maxsize=20_000)
def _look(file: _File) -> tuple[str, str]:
    """The hash of a file's content, and why it cannot be used; an OSError is not remembered."""
    data = file.path.read_bytes()
    try:
        if file.is_cutout:
            decode_rgba(data)
        else:
            _check_size(*check_decodes(data))
    except (ImageError, *IMAGE_ERRORS) as error:
        return "", str(error) or type(error).__name__
    return sha256_of(data), ""


def _check_size(width: int, height: int) -> None:
    if min(width, height) < BACKGROUND_SIDE_MIN_PX:
        least = f"{BACKGROUND_SIDE_MIN_PX}x{BACKGROUND_SIDE_MIN_PX}"
        raise ImageError(f"{width}x{height} px, a background needs {least}.")


def _check(
    items: Sequence[Cutout] | Sequence[Background], what: str
) -> tuple[list, str, list[str]]:
    """The readable items in order, one hash of all their content, notes on the others."""
    digest = hashlib.sha256()
    kept, bad = [], []
    for item in items:
        try:
            sha256, problem = _look(_identify(item))
        except OSError as error:
            sha256, problem = "", str(error)
        if problem:
            bad.append(f"{item.path.name} ({problem})")
            continue
        kept.append(item)
        # Everything that labels may depend on, but not where it lies on this machine.
        digest.update(repr(replace(item, path=Path())).encode())
        digest.update(sha256.encode())
    notes = [f"unusable {what} skipped: {text}" for text in bad[:_NAMED_MAX]]
    if len(bad) > _NAMED_MAX:
        notes.append(f"{len(bad) - _NAMED_MAX} more unusable {what}s skipped")
    return kept, digest.hexdigest(), notes
