"""What visitors bring: cutouts and backgrounds from uploaded files and ZIPs, checked and bounded.

Knows no page. In: files with their names; out: cutouts and photographs in a visitor's folder, and
what could not be taken, with the reason.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from core.errors import ImageError, InputError, SpotterError
from core.files import read_json_lines, write_bytes
from core.image import READABLE, encode_image, read_image, read_rgba, resize_image
from dataset.archive import Limits as ArchiveLimits
from dataset.archive import unpack
from synth.captions import parse_caption
from synth.cutout_folder import NewCutout, add_cutouts, clean_name, copy_of, read_folder
from synth.library import (
    BACKGROUND_SIDE_MIN_PX,
    BACKGROUNDS_INDEX,
    Background,
    Cutout,
    read_backgrounds,
    read_cutouts_below,
)
from synth.matting import trim
from synth.source_notes import NOTE_BYTES_MAX, is_note, notes_in

__all__ = [
    "Brought",
    "Taken",
    "add_backgrounds",
    "add_own_cutouts",
    "remove_backgrounds",
    "words_of",
]

_CUTOUT_SIDE_MAX_PX = 1600
_BACKGROUND_SIDE_MAX_PX = 2560
_TOO_LONG = f"has more than {NOTE_BYTES_MAX} bytes."
_MEANINGLESS = frozenset(
    ("img", "image", "images", "dsc", "dscn", "pic", "picture", "photo", "screenshot", "cutout",
     "copy", "file", "untitled", "export")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Brought:
    """One uploaded file: where it lies and what its owner calls it."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the files: names of what was added, and (file, reason) of what was not."""

    added: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


def words_of(name: str) -> str:
    """Return what a file's name says about its picture; empty where it says nothing.

    Example:
        >>> words_of("Red_Drone-02.png"), words_of("IMG_2041.png")
        ('red drone', '')
    """
    words = re.findall(r"[^\W\d_]{2,}", Path(name).stem.lower())
    return " ".join(word for word in words if word not in _MEANINGLESS)


def add_own_cutouts(
    files: Sequence[Brought], folder: Path, *, most: int, max_pixels: int, max_bytes: int
) -> Taken:
    """Add pictures with a transparent ground to a folder of cutouts.

    What the cutout lists of a ZIP (``cutouts.jsonl``) say of a picture is kept; else a caption is
    taken from the file's name, else from the colours that are seen.

    Args:
        files: Pictures, or ZIPs of pictures.
        folder: The visitor's cutouts.
        most: Largest number of cutouts in the folder.
        max_pixels: Larger pictures are refused before they are decoded.
        max_bytes: Most that a ZIP may hold.
    """
    added: list[str] = []
    refused: list[tuple[str, str]] = []
    room = most - len(read_folder(folder))
    for file, listed in _each(files, max_bytes, refused, most):
        if len(added) >= room:
            refused.append((file.name, f"is one too many, the limit is {most}."))
            continue
        try:
            rgba = _read_cutout(file.path, max_pixels)
            new = (
                copy_of(listed, rgba) if isinstance(listed, Cutout) else _describe(rgba, file.name)
            )
            added.append(add_cutouts(folder, [new])[0].name)
        except SpotterError as error:
            refused.append((file.name, _reason(error, file)))
    return Taken(tuple(added), tuple(refused))


def add_backgrounds(
    files: Sequence[Brought], folder: Path, *, most: int, max_pixels: int, max_bytes: int
) -> Taken:
    """Add photographs to a folder of backgrounds, as JPEG without anything else in the file.

    What a ZIP's ``backgrounds.jsonl`` says of their sources and licences is kept, and so are notes
    on sources, such as SOURCES.md, alone or in a ZIP.

    The arguments are those of ``add_own_cutouts``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    added: list[str] = []
    refused: list[tuple[str, str]] = []
    rows: list[dict[str, str]] = []
    for file, listed in _each(files, max_bytes, refused, most, folder):
        taken = {path.stem for path in folder.glob("*.jpg")}
        if len(taken) >= most:
            refused.append((file.name, f"is one too many, the limit is {most}."))
            continue
        try:
            image = read_image(file.path, max_pixels=max_pixels)
            if min(image.shape[:2]) < BACKGROUND_SIDE_MIN_PX:
                least = f"{BACKGROUND_SIDE_MIN_PX}x{BACKGROUND_SIDE_MIN_PX}"
                size = f"{image.shape[1]}x{image.shape[0]}"
                raise ImageError(f"has {size} px, a background needs {least}.")
            ratio = _BACKGROUND_SIDE_MAX_PX / max(image.shape[:2])
            if ratio < 1:
                image = resize_image(
                    image, (round(image.shape[1] * ratio), round(image.shape[0] * ratio))
                )
            name = _free(Path(file.name).stem, taken)
            write_bytes(folder / f"{name}.jpg", encode_image(image, format="jpeg"))
            added.append(name)
            if isinstance(listed, Background) and (listed.source or listed.licence):
                told = {"source": listed.source, "licence": listed.licence}
                rows.append({"name": f"{name}.jpg", **told})
        except SpotterError as error:
            refused.append((file.name, _reason(error, file)))
    if rows:
        _write_told(folder, [*_told_of(folder), *rows])
    return Taken(tuple(added), tuple(refused))


def remove_backgrounds(folder: Path, names: Collection[str]) -> None:
    """Remove backgrounds and what was told of them; with the last one all notes on sources.

    Args:
        folder: The user's backgrounds.
        names: Of files in it; those that are gone are passed over.
    """
    for name in names:
        (folder / name).unlink(missing_ok=True)
    rows = _told_of(folder)
    kept = [row for row in rows if row.get("name") not in names]
    if len(kept) < len(rows):
        _write_told(folder, kept)
    if not any(folder.glob("*.jpg")):
        for note in notes_in(folder):
            note.unlink()


def _told_of(folder: Path) -> list[Mapping[str, Any]]:
    index = folder / BACKGROUNDS_INDEX
    return list(read_json_lines(index)) if index.is_file() else []


def _write_told(folder: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_bytes(folder / BACKGROUNDS_INDEX, text.encode())


def _each(
    files: Sequence[Brought],
    max_bytes: int,
    refused: list[tuple[str, str]],
    most: int,
    backgrounds: Path | None = None,
) -> Iterator[tuple[Brought, Cutout | Background | None]]:
    """Every picture, with what a ZIP says of it; ZIPs are unpacked beside and forgotten again.

    Notes on sources are put into the folder of backgrounds, where it is one.
    """
    for file in files:
        if backgrounds is not None and is_note(Path(file.name).name):
            if file.path.stat().st_size > NOTE_BYTES_MAX:
                refused.append((file.name, _TOO_LONG))
            else:
                _keep_note(file.path, backgrounds, Path(file.name).name)
            continue
        if not zipfile.is_zipfile(file.path):
            yield file, None
            continue
        folder = Path(tempfile.mkdtemp(prefix="brought-"))
        try:
            limits = ArchiveLimits(files=4 * most, total_bytes=max_bytes)
            unpack(file.path, folder, limits=limits)
            paths = [
                path
                for path in sorted(folder.rglob("*"))
                if path.suffix.lower() in READABLE and not path.name.startswith("._")
            ]
            listed: Mapping[Path, Cutout | Background] = read_cutouts_below(folder)
            if backgrounds is not None:
                indexes = sorted(folder.rglob(BACKGROUNDS_INDEX))
                told = [item for index in indexes for item in read_backgrounds(index.parent)]
                # An outer index says nothing of what has one of its own deeper down.
                listed = {one.path.resolve(): one for one in told if one.source or one.licence}
                for path in notes_in(folder):
                    _keep_note(path, backgrounds, f"{Path(file.name).stem[:40]}-{path.name}")
                refused += [(path.name, _TOO_LONG) for path in notes_in(folder, too_long=True)]
            if not paths:
                refused.append((file.name, "holds no pictures."))
            for path in paths:
                yield Brought(path, path.name), listed.get(path.resolve())
        except SpotterError as error:
            # Where it was unpacked to is nobody's business.
            refused.append((file.name, str(error).replace(str(folder), file.name)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _keep_note(path: Path, folder: Path, name: str) -> None:
    """Put a note on sources beside backgrounds, and beside one of its name that says otherwise."""
    stem, suffix = clean_name(Path(name).stem), Path(name).suffix
    name = f"{stem}{suffix}" if is_note(f"{stem}{suffix}") else f"{stem}-sources{suffix}"
    data, target, number = path.read_bytes(), folder / name, 2
    while target.is_file() and target.read_bytes() != data:
        target, number = folder / f"{number}-{name}", number + 1
    write_bytes(target, data)


def _read_cutout(path: Path, max_pixels: int) -> NDArray[np.uint8]:
    """Straight RGBA, trimmed, no larger than needed.

    Raises:
        ImageError: It is no picture, too large, or not transparent anywhere.
    """
    rgba, _ = trim(read_rgba(path, max_pixels=max_pixels))
    if max(rgba.shape[:2]) > _CUTOUT_SIDE_MAX_PX:
        small = PilImage.fromarray(rgba)
        small.thumbnail((_CUTOUT_SIDE_MAX_PX, _CUTOUT_SIDE_MAX_PX))
        rgba = np.array(small, np.uint8)
    return rgba


def _describe(rgba: NDArray[np.uint8], name: str) -> NewCutout:
    stem = clean_name(Path(name).stem or "cutout")
    words = words_of(name)
    if not words:
        return NewCutout(rgba, stem, "object")
    description = parse_caption(words)
    class_name = description.types[0] if len(description.types) == 1 else words
    # A name without colours leaves them to be seen.
    return NewCutout(rgba, stem, class_name, words if description.colors else "")


def _free(stem: str, taken: set[str]) -> str:
    try:
        base = clean_name(stem)
    except InputError:
        base = "background"
    name, number = base, 1
    while name in taken:
        number += 1
        # A letter, not a number: numbers at the end count as views of one place.
        name = f"{base}-copy-{'i' * (number - 1)}"
    return name


def _reason(error: SpotterError, file: Brought) -> str:
    """What is wrong with a file; its name stands before."""
    return str(error).removeprefix(f"{file.path.name} ")
