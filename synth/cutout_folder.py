"""A folder of cutouts that can be added to: ``cutouts.jsonl`` and ``images/``.

Here: adding, renaming, describing and removing, safe for several writers at once. Not here: reading
for scenes (``synth.library``) and making cutouts (``synth.matting``). An image is there before the
line that names it, and the index is replaced as a whole, so readers never see half of either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.captions import clean_caption
from core.errors import CaptionError, DataError, InputError
from core.files import confined_path, read_json_lines, write_bytes
from core.locks import wait_lock
from synth.captions import choose_colors, write_caption
from synth.colors import measure_colors
from synth.library import Cutout, read_cutouts

__all__ = [
    "INDEX_NAME",
    "NewCutout",
    "add_cutout",
    "add_cutouts",
    "clean_name",
    "copy_of",
    "describe",
    "encode_rgba",
    "read_folder",
    "reason_against",
    "remove",
    "rename",
]

INDEX_NAME = "cutouts.jsonl"
_NAME_CHARS_MAX = 80
_SIDE_MAX_PX = 4096

Rgba = NDArray[np.uint8]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class NewCutout:
    """One cutout to be added.

    Args:
        rgba: uint8 (h, w, 4) with straight alpha.
        name: Wished for; a number is added where it is taken.
        class_name: The object's type.
        caption: What it looks like; empty: suggested from its colors.
        identity: What must stay in one split, such as "cessna-d-eabc"; empty: its name.
        source: Where it comes from.
        licence: Its licence.
        origin: Which box of which image it was, so that it is not cut twice; may be empty.
        labelled: False for a distractor: painted, never the answer.
        camouflage: Whether it wears a camouflage pattern.
    """

    rgba: Rgba
    name: str
    class_name: str
    caption: str = ""
    identity: str = ""
    source: str = ""
    licence: str = ""
    origin: str = ""
    labelled: bool = True
    camouflage: bool = False


def copy_of(cutout: Cutout, rgba: Rgba) -> NewCutout:
    """A cutout of another folder, with its pixels, as one to be added."""
    return NewCutout(
        rgba, cutout.name, cutout.class_name, cutout.caption, cutout.identity, cutout.source,
        cutout.licence, labelled=cutout.labelled, camouflage=cutout.camouflage,
    )  # fmt: skip


def read_folder(folder: Path) -> list[Cutout]:
    """The cutouts of a folder, in the order they came; none where nothing was added yet."""
    return read_cutouts(folder) if (folder / INDEX_NAME).is_file() else []


def add_cutout(
    folder: Path,
    rgba: Rgba,
    *,
    name: str,
    class_name: str,
    caption: str = "",
    identity: str = "",
    source: str = "",
    licence: str = "",
) -> Cutout:
    """The cutout as it was added; its name may have got a number.

    Args:
        folder: Made if missing.
        rgba: uint8 (h, w, 4) with straight alpha.
        name: See ``NewCutout``, as for the others.
        class_name: The object's type.
        caption: Empty: suggested.
        identity: Empty: the name.
        source: Where it comes from.
        licence: Its licence.

    Raises:
        InputError: A field or the pixels cannot be used.
        DataError: The folder cannot be written to, or its index is damaged.
    """
    new = NewCutout(rgba, name, class_name, caption, identity, source, licence)
    return add_cutouts(folder, [new])[0]


def add_cutouts(folder: Path, cutouts: Sequence[NewCutout]) -> list[Cutout]:
    """The cutouts as they were added, in order: all of them, or none when one cannot be used."""
    for new in cutouts:
        _check_pixels(new.rgba, new.name)
    prepared = [(_describe(new), encode_rgba(new.rgba)) for new in cutouts]
    added = []
    with _changing(folder) as rows:
        # A renamed cutout's image keeps its file, so its old name stays taken.
        taken = {word.lower() for row in rows for word in (row["name"], Path(row["file"]).stem)}
        for row, data in prepared:
            row["name"] = _free_name(row["name"], taken)
            taken.add(row["name"].lower())
            row["file"] = f"images/{row['name']}.webp"
            row["identity"] = row["identity"] or row["name"]
            write_bytes(confined_path(folder, row["file"]), data)
            added.append(row["name"])
        rows.extend(row for row, _ in prepared)
    by_name = {cutout.name: cutout for cutout in read_cutouts(folder)}
    return [by_name[name] for name in added]


def reason_against(new: NewCutout) -> str:
    """Why ``add_cutouts`` would refuse a cutout, in a few words; empty where it would not.

    Asked before cutouts are gathered to be added together, so that one cannot spoil all.

    Example:
        >>> reason_against(NewCutout(np.full((8, 8, 4), 100, np.uint8), "a", "drone"))
        'too faint to be seen'
    """
    if max(new.rgba.shape[:2]) > _SIDE_MAX_PX:
        return f"larger than {_SIDE_MAX_PX} px a side"
    if not _is_visible(new.rgba):
        return "too faint to be seen"
    try:
        clean_name(new.name)
    except InputError:
        return "without a usable name"
    try:
        _clean_class(new.class_name)
        if new.caption.strip():
            clean_caption(new.caption)
    except InputError:
        return "without a usable class or caption"
    return ""


def rename(folder: Path, name: str, new_name: str) -> Cutout:
    """The cutout under its new name; its image keeps its file.

    Raises:
        InputError: There is no such cutout, or the new name is taken.
    """
    wished = clean_name(new_name)
    with _changing(folder) as rows:
        row = _row(rows, name)
        if any(other is not row and other["name"].lower() == wished.lower() for other in rows):
            raise InputError(f"a cutout is named {wished!r} already.", "Choose another name.")
        row["name"] = wished
    return _cutout(folder, wished)


def describe(
    folder: Path, name: str, *, class_name: str | None = None, caption: str | None = None
) -> Cutout:
    """The cutout with another type or caption; None leaves one as it is."""
    with _changing(folder) as rows:
        row = _row(rows, name)
        if class_name is not None:
            row["class_name"] = _clean_class(class_name)
        if caption is not None:
            row["caption"] = clean_caption(caption)
    return _cutout(folder, name)


def remove(folder: Path, name: str) -> None:
    """Take a cutout out of the folder, its image too.

    Raises:
        InputError: There is no such cutout.
    """
    with _changing(folder) as rows:
        rows.remove(_row(rows, name))


def clean_name(name: str) -> str:
    """The name as one that every file system takes.

    Raises:
        InputError: Nothing is left of it.

    Example:
        >>> clean_name("  My plane (2).png ")
        'My-plane-2-png'
    """
    clean = re.sub(r"[^\w-]+", "-", name).strip("-_")[:_NAME_CHARS_MAX].strip("-_")
    if not clean:
        raise InputError(f"{name[:80]!r} is no usable name.", "Use letters and digits.")
    # Windows keeps these for devices.
    if re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)", clean):
        clean += "-1"
    return clean


def _describe(new: NewCutout) -> Row:
    colors = measure_colors(new.rgba)
    class_name = _clean_class(new.class_name)
    caption = new.caption.strip() or write_caption(choose_colors(colors), class_name)
    row: Row = {
        "name": clean_name(new.name),
        "file": "",
        "class_name": class_name,
        "caption": clean_caption(caption),
        "colors": colors,
        "camouflage": new.camouflage,
        "identity": " ".join(new.identity.split()),
        "labelled": new.labelled,
        "size_wh": [new.rgba.shape[1], new.rgba.shape[0]],
        "source": new.source,
        "licence": new.licence,
    }
    return {**row, "origin": new.origin} if new.origin else row


def _clean_class(class_name: str) -> str:
    try:
        return clean_caption(class_name)[:_NAME_CHARS_MAX]
    except CaptionError as error:
        raise InputError("the class is empty.", "Say what it is, such as 'helicopter'.") from error


def _check_pixels(rgba: Rgba, name: str) -> None:
    if rgba.dtype != np.uint8 or rgba.ndim != 3 or rgba.shape[2] != 4:
        raise InputError(f"{name}: a cutout is uint8 (h, w, 4), got {rgba.dtype} {rgba.shape}.")
    if max(rgba.shape[:2]) > _SIDE_MAX_PX:
        raise InputError(
            f"{name}: {rgba.shape[1]}x{rgba.shape[0]} px, at most {_SIDE_MAX_PX} px a side.",
            "Scale it down.",
        )
    if not _is_visible(rgba):
        raise InputError(f"{name}: nothing of it is visible.", "Use an image with an object.")


def _is_visible(rgba: Rgba) -> bool:
    return bool((rgba[..., 3] >= 128).any())


def encode_rgba(rgba: Rgba) -> bytes:
    """The bytes of a WebP file that holds straight RGBA without loss."""
    bgra = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA)
    # A quality above 100 means without loss.
    done, data = cv2.imencode(".webp", bgra, (cv2.IMWRITE_WEBP_QUALITY, 101))
    assert done
    return data.tobytes()


def _free_name(wished: str, taken: set[str]) -> str:
    number, name = 1, wished
    while name.lower() in taken:
        number += 1
        name = f"{wished}-{number}"
    return name


def _row(rows: list[Row], name: str) -> Row:
    for row in rows:
        if row["name"] == name:
            return row
    raise InputError(f"no cutout is named {name[:80]!r} among the {len(rows)} of this folder.")


def _cutout(folder: Path, name: str) -> Cutout:
    return next(cutout for cutout in read_cutouts(folder) if cutout.name == name)


@contextmanager
def _changing(folder: Path) -> Iterator[list[Row]]:
    """The index' rows, to be changed in place; written back unless an error is raised.

    Images that no row names any more are then removed, while no other writer can take their names.
    """
    index = folder / INDEX_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a+b")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"cannot write to {folder}: {reason}.", "Choose another folder.") from error
    with lock:
        wait_lock(lock.fileno())  # other writers; it ends when the file is closed
        rows: list[Row] = [dict(row) for row in read_json_lines(index)] if index.is_file() else []
        before = _files(rows)
        yield rows
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_bytes(index, lines.encode())
        for file in before - _files(rows):
            confined_path(folder, file).unlink(missing_ok=True)


def _files(rows: list[Row]) -> set[str]:
    return {str(row["file"]) for row in rows if "file" in row}
