"""The raw material of scenes: cutouts and backgrounds read from folders, decoded when first used.

Here: the index, the split, and two bounded caches of decoded pixels. Not here: how a cutout was
made (``synth.studio``) or pasted (``synth.render``). In: folders. Out: a ``Library``.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.files import confined_path, read_json_lines
from core.image import READABLE, read_image, read_rgba
from dataset.splits import select_split

__all__ = [
    "Background",
    "Cutout",
    "Library",
    "background_group",
    "open_library",
    "read_backgrounds",
    "read_cutouts",
    "read_cutouts_below",
    "read_library",
]

BACKGROUND_SIDE_MIN_PX = 64  # smaller pictures show no place
BACKGROUNDS_INDEX = "backgrounds.jsonl"
# What cameras, phones and programs call all their pictures.
_PLACELESS = frozenset(
    ("background", "bg", "dcim", "dji", "dsc", "dscf", "dscn", "file", "frame", "g", "gh", "gopr",
     "gx", "image", "img", "mg", "mvimg", "p", "photo", "pic", "picture", "pxl", "scan", "scene",
     "screenshot", "untitled", "wa")
)  # fmt: skip
_REQUIRED = ("name", "file", "class_name", "caption", "identity")
_OPTIONAL = ("source", "licence")


@dataclass(frozen=True, slots=True)
class Cutout:
    """One object on a transparent ground: where its pixels lie and what is known about it."""

    name: str
    path: Path
    class_name: str
    caption: str
    identity: str
    labelled: bool = True
    colors: Mapping[str, float] = field(default_factory=dict)
    camouflage: bool = False
    source: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Background:
    """One photograph to paste on; ``group`` is the place it shows, the unit of a split."""

    name: str
    path: Path
    group: str
    source: str = ""
    licence: str = ""


Item = TypeVar("Item", Cutout, Background)


class _PixelCache:
    """Least-recently-used arrays up to a number of bytes; safe to share between threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self._items: OrderedDict[str, tuple[NDArray[np.uint8], ...]] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, key: str, make: Callable[[], tuple[NDArray[np.uint8], ...]]
    ) -> tuple[NDArray[np.uint8], ...]:
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
                return self._items[key]
        arrays = make()
        for array in arrays:
            array.setflags(write=False)
        with self._lock:
            if key not in self._items:
                self._items[key] = arrays
                self._used_bytes += sum(array.nbytes for array in arrays)
            while self._used_bytes > self._limit_bytes and len(self._items) > 1:
                _, old = self._items.popitem(last=False)
                self._used_bytes -= sum(array.nbytes for array in old)
        return arrays


class Library:
    """Cutouts and backgrounds by name, with their pixels decoded on demand.

    Args:
        cutouts: At least none; scenes without any are empty scenes.
        backgrounds: At least one.
        cache_bytes: Decoded pixels kept in memory, most of it for backgrounds.
        background_side_px: Longer side that a background is reduced to when it is read; scenes of
            640 px never need more, and a whole photograph does not fit many times into memory.

    Raises:
        InputError: No background, or two entries of one name.
    """

    def __init__(
        self,
        cutouts: Sequence[Cutout],
        backgrounds: Sequence[Background],
        *,
        cache_bytes: int = 1_200_000_000,
        background_side_px: int = 1280,
    ) -> None:
        if not backgrounds:
            raise InputError("a library needs at least one background, got none.")
        self.cutouts = tuple(cutouts)
        self.backgrounds = tuple(backgrounds)
        self.labelled = tuple(cutout for cutout in self.cutouts if cutout.labelled)
        self.distractors = tuple(cutout for cutout in self.cutouts if not cutout.labelled)
        self._cutout_by_name = _by_name(self.cutouts, "cutout")
        self._background_by_name = _by_name(self.backgrounds, "background")
        self.background_side_px = background_side_px
        self._cutout_pixels = _PixelCache(cache_bytes * 3 // 10)
        self._background_pixels = _PixelCache(cache_bytes * 7 // 10)
        self.by_class: dict[str, list[Cutout]] = {}
        for cutout in self.labelled:
            self.by_class.setdefault(cutout.class_name, []).append(cutout)

    def part(self, cutouts: Sequence[Cutout], backgrounds: Sequence[Background]) -> Library:
        """A library of some of this one's entries, with the same caches of pixels."""
        library = Library(
            cutouts, backgrounds, cache_bytes=1, background_side_px=self.background_side_px
        )
        library._cutout_pixels = self._cutout_pixels
        library._background_pixels = self._background_pixels
        return library

    def cutout(self, name: str) -> Cutout:
        """The cutout of a name; an unknown name is an ``InputError``."""
        if name not in self._cutout_by_name:
            raise InputError(f"no cutout is named {name!r} among the {len(self.cutouts)} known.")
        return self._cutout_by_name[name]

    def rgba(self, name: str) -> NDArray[np.uint8]:
        """A cutout's pixels, uint8 (h, w, 4) RGBA with *premultiplied* colours, read-only."""
        return self._pyramid(name)[0]

    def rgba_near(self, name: str, long_side_px: float) -> NDArray[np.uint8]:
        """The smallest prepared reduction that still has at least ``long_side_px``.

        Premultiplied RGBA, uint8 (h, w, 4). Halving once when a cutout is read makes each later
        resize cheap; reductions by two with the area filter lose nothing that it would keep.
        """
        levels = self._pyramid(name)
        for level in reversed(levels):
            if max(level.shape[:2]) >= long_side_px:
                return level
        return levels[0]

    def mean_rgb(self, name: str) -> NDArray[np.float32]:
        """The mean visible colour of a cutout, float32 (3,), 0..255."""
        smallest = self._pyramid(name)[-1].reshape(-1, 4).astype(np.float32)
        weight = max(float(smallest[:, 3].sum()) / 255.0, 1e-3)
        return np.asarray(smallest[:, :3].sum(axis=0) / weight, dtype=np.float32)

    def background(self, name: str) -> NDArray[np.uint8]:
        """A background's pixels, RGB uint8 (h, w, 3), read-only; unknown names are refused."""
        return self._background_levels(name)[0]

    def background_entry(self, name: str) -> Background:
        """The background of a name; an unknown name is an ``InputError``."""
        if name not in self._background_by_name:
            raise InputError(
                f"no background is named {name!r} among the {len(self.backgrounds)} known."
            )
        return self._background_by_name[name]

    def background_thumbnail(self, name: str) -> NDArray[np.uint8]:
        """The background reduced to 96x54 pixels, to choose places by colour."""
        return self._background_levels(name)[1]

    def _pyramid(self, name: str) -> tuple[NDArray[np.uint8], ...]:
        path = self.cutout(name).path
        return self._cutout_pixels.get(name, lambda: _read_pyramid(path))

    def _background_levels(self, name: str) -> tuple[NDArray[np.uint8], ...]:
        path, side_px = self.background_entry(name).path, self.background_side_px
        return self._background_pixels.get(name, lambda: _read_background(path, side_px))


def open_library(
    cutouts_paths: Sequence[Path],
    backgrounds_paths: Sequence[Path],
    *,
    background_side_px: int = 1280,
    cache_bytes: int = 200_000_000,
) -> Library:
    """The library in some folders of cutouts and some of backgrounds.

    Args:
        cutouts_paths: Folders with ``cutouts.jsonl``. Of several folders, names begin with the
            folder's number, so that they differ.
        backgrounds_paths: Folders of photographs, likewise.
        background_side_px: Longer side that a background is reduced to when it is read.
        cache_bytes: Decoded pixels kept in memory.

    Raises:
        InputError: A folder, a file or a key is missing; the message says which.
    """
    cutouts = [
        _numbered(item, number, len(cutouts_paths))
        for number, path in enumerate(cutouts_paths)
        for item in read_cutouts(path)
    ]
    backgrounds = [
        _numbered(item, number, len(backgrounds_paths))
        for number, path in enumerate(backgrounds_paths)
        for item in read_backgrounds(path)
    ]
    return Library(
        cutouts, backgrounds, background_side_px=background_side_px, cache_bytes=cache_bytes
    )


def _numbered(item: Item, number: int, num_folders: int) -> Item:
    return item if num_folders == 1 else replace(item, name=f"{number}/{item.name}")


def read_library(
    cutouts_path: str | Path, *backgrounds_paths: str | Path, split: str | None = None
) -> Library:
    """The library in a folder of cutouts and some of backgrounds, whole or one split of it.

    Args:
        cutouts_path: Folder with ``cutouts.jsonl`` and its images.
        backgrounds_paths: Folders of photographs, searched with their sub-folders.
        split: "train", "val" or "test": cutouts by identity and backgrounds by place, so that no
            object and no place of one split is seen in another. None takes everything.

    Raises:
        InputError: A folder, a file or a key is missing; the message says which.
    """
    cutouts = read_cutouts(Path(cutouts_path))
    backgrounds = [item for path in backgrounds_paths for item in read_backgrounds(Path(path))]
    if split is not None:
        cutouts = select_split(cutouts, split, lambda cutout: cutout.identity)
        backgrounds = select_split(backgrounds, split, lambda background: background.group)
    return Library(cutouts, backgrounds)


def read_cutouts(folder: Path) -> list[Cutout]:
    """The cutouts listed in ``folder/cutouts.jsonl``; pixels are not read yet."""
    index = folder / "cutouts.jsonl"
    if not index.is_file():
        raise InputError(
            f"{index} does not exist; a cutout folder needs this index.",
            "For transparent images: python app.py synth cutouts from-images "
            f'"{folder}" --out cutouts, then give that folder.',
        )
    cutouts = []
    for number, row in enumerate(read_json_lines(index), start=1):
        cutouts.append(_parse_cutout(row, folder, f"{index}, cutout {number}"))
    return cutouts


def read_cutouts_below(folder: Path) -> dict[Path, Cutout]:
    """The cutouts that a folder and those below it list, by their image files.

    Raises:
        InputError: A key is missing, or a value is not one of its kind.
        DataError: An index cannot be read.
    """
    indexes = sorted(path for path in folder.rglob("cutouts.jsonl") if path.is_file())
    return {cutout.path: cutout for index in indexes for cutout in read_cutouts(index.parent)}


def read_backgrounds(folder: Path) -> list[Background]:
    """Every photograph below a folder, by name, as its ``backgrounds.jsonl`` tells of it."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give one with photographs.")
    index = folder / BACKGROUNDS_INDEX
    told = {str(row.get("name")): row for row in read_json_lines(index)} if index.is_file() else {}
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in READABLE)
    backgrounds = []
    for path in paths:
        name = path.relative_to(folder).with_suffix("").as_posix()
        row = told.get(path.relative_to(folder).as_posix(), {})
        backgrounds.append(
            Background(
                name=name,
                path=path,
                group=background_group(path.stem),
                source=str(row.get("source", "")),
                licence=str(row.get("licence", "")),
            )
        )
    return backgrounds


def background_group(stem: str) -> str:
    """The place a view shows: its file name without the number of the view.

    A name that a camera or a program gave says no place: then each file is one of its own.

    Example:
        >>> [background_group(stem) for stem in ("autumn_forest_1", "IMG_2041")]
        ['autumn_forest', 'IMG_2041']
    """
    place = re.sub(r"[_-]?\d+$", "", stem)
    words = re.findall(r"[^\W\d_]+", place.lower())
    return place if any(word not in _PLACELESS for word in words) else stem


def _parse_cutout(row: Mapping[str, Any], folder: Path, where: str) -> Cutout:
    missing = [key for key in _REQUIRED if key not in row]
    if missing:
        raise InputError(f"{where}: missing {', '.join(missing)}.")
    odd = [key for key in (*_REQUIRED, *_OPTIONAL) if not isinstance(row.get(key, ""), str)]
    if odd or not isinstance(row.get("colors", {}), dict):
        raise InputError(f"{where}: {', '.join(odd or ['colors'])} cannot be read.")
    return Cutout(
        name=row["name"],
        path=confined_path(folder, row["file"]),
        class_name=row["class_name"],
        caption=row["caption"],
        identity=row["identity"],
        labelled=bool(row.get("labelled", True)),
        colors=dict(row.get("colors", {})),
        camouflage=bool(row.get("camouflage", False)),
        source=row.get("source", ""),
        licence=row.get("licence", ""),
    )


def _by_name(items: Sequence[Cutout] | Sequence[Background], what: str) -> dict:
    named: dict = {}
    for item in items:
        if item.name in named:
            files = f"{named[item.name].path.name} and {item.path.name}"
            raise InputError(
                f"two {what}s are called {item.name!r}: {files}.", "Rename one, or keep only one."
            )
        named[item.name] = item
    return named


def _decode(path: Path) -> NDArray:
    """A file's pixels, BGR; ``cv2.imread`` itself does not open all names on Windows."""
    with suppress(OSError):
        data = np.frombuffer(path.read_bytes(), np.uint8)
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if decoded is not None:
            return decoded
    # GIF and AVIF are not known to every OpenCV; all else is told.
    return cv2.cvtColor(read_image(path), cv2.COLOR_RGB2BGR)


def _read_pyramid(path: Path) -> tuple[NDArray[np.uint8], ...]:
    rgba = read_rgba(path)
    alpha = rgba[..., 3:].astype(np.uint16)
    rgba[..., :3] = ((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8)
    levels = [rgba]
    while max(levels[-1].shape[:2]) > 32:
        height, width = levels[-1].shape[:2]
        half_wh = (max(1, (width + 1) // 2), max(1, (height + 1) // 2))
        half = cv2.resize(levels[-1], half_wh, interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.uint8))
    return tuple(levels)


def _read_background(path: Path, side_px: int) -> tuple[NDArray[np.uint8], ...]:
    image = _decode(path)
    if min(image.shape[:2]) < BACKGROUND_SIDE_MIN_PX:
        size, least = f"{image.shape[1]}x{image.shape[0]}", f"{BACKGROUND_SIDE_MIN_PX}"
        raise InputError(f"{path} has {size} px, a background needs {least}x{least}.")
    ratio = side_px / max(image.shape[:2])
    if ratio < 1:
        wh = (round(image.shape[1] * ratio), round(image.shape[0] * ratio))
        image = cv2.resize(image, wh, interpolation=cv2.INTER_AREA)
    rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    thumbnail = cv2.resize(rgb, (96, 54), interpolation=cv2.INTER_AREA)
    return rgb, np.asarray(thumbnail, np.uint8)
