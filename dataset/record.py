"""One labelled image, and a set of them.

Here: the canonical form in memory, checked once. Not here: pixels (read on demand by path) or any
file format (``dataset.formats``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import DataError
from core.image import IMAGE_ERRORS, open_picture, read_image, upright_wh
from core.types import Image
from dataset.splits import SPLITS, split_of

__all__ = ["Dataset", "Record", "read_image_wh"]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One image with its boxes.

    Args:
        image_id: Name of the image within its data set, with no folder and no dot in front:
            readers and archives leave hidden files out.
        path: Where the image lies.
        image_wh: Width and height, px.
        xyxy: (n, 4) float32, pixels at edges, inside the image.
        captions: One per box; empty text where unknown.
        class_id: (n,) int64, index into the data set's class names; zeros by default.
        visible_ratio: (n,) float32 in [0, 1]; ones by default.
        group: What must stay in one split; the image's own name by default.
        split: "train", "val", "test", or empty to let the group decide.
        source: Where the image comes from.
        licence: Its licence.
        polygons: For each box its outlines, each (k, 2) float32 px with k >= 3: several where
            something in front cuts the object apart, none where they are not known. An empty
            tuple when they are known for no box.

    Raises:
        DataError: Lengths differ, a box is empty or outside of the image, a visible ratio is
            outside of [0, 1], or an outline has fewer than three points; the image_id is no plain
            name.
    """

    image_id: str
    path: Path
    image_wh: tuple[int, int]
    xyxy: NDArray[np.float32]
    captions: tuple[str, ...]
    class_id: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    visible_ratio: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    group: str = ""
    split: str = ""
    source: str = ""
    licence: str = ""
    polygons: tuple[tuple[NDArray[np.float32], ...], ...] = ()

    def __post_init__(self) -> None:
        boxes = _own(np.asarray(self.xyxy, np.float32).reshape(-1, 4))
        n = len(boxes)
        class_id = self.class_id if len(self.class_id) else np.zeros(n, np.int64)
        visible = self.visible_ratio if len(self.visible_ratio) else np.ones(n, np.float32)
        object.__setattr__(self, "xyxy", boxes)
        object.__setattr__(self, "captions", tuple(self.captions))
        object.__setattr__(self, "class_id", _own(np.asarray(class_id, np.int64)))
        object.__setattr__(self, "visible_ratio", _own(np.asarray(visible, np.float32)))
        object.__setattr__(self, "group", self.group or self.image_id)
        object.__setattr__(self, "split", self.split or split_of(self.group))
        if not len(self.captions) == len(self.class_id) == len(self.visible_ratio) == n:
            raise DataError(
                f"{self.image_id}: {n} boxes, {len(self.captions)} captions, "
                f"{len(self.class_id)} classes and {len(self.visible_ratio)} visible ratios; "
                "all must be of one length."
            )
        hidden = self.image_id.startswith(".")
        if not self.image_id or hidden or self.image_id != Path(self.image_id).name:
            raise DataError(
                "image_id must be a file's name without a folder and without a dot in front, "
                f"got {self.image_id!r}."
            )
        if self.split not in SPLITS:
            raise DataError(
                f"{self.image_id}: split must be one of {', '.join(SPLITS)}, got {self.split!r}."
            )
        self._check_boxes()
        self._keep_outlines(n)

    def _check_boxes(self) -> None:
        limit = np.tile(np.array(self.image_wh, np.float32), 2)
        inside = (self.xyxy >= -0.01).all(axis=1) & (self.xyxy <= limit + 0.01).all(axis=1)
        solid = (self.xyxy[:, 2:] > self.xyxy[:, :2]).all(axis=1)
        bad = np.flatnonzero(~(inside & solid))
        if len(bad):
            raise DataError(
                f"{self.image_id}: box {self.xyxy[bad[0]].tolist()} must have x2 > x1, y2 > y1 "
                f"and lie in the image of {self.image_wh[0]}x{self.image_wh[1]} px."
            )
        bad = np.flatnonzero(~((self.visible_ratio >= 0) & (self.visible_ratio <= 1)))
        if len(bad):
            raise DataError(
                f"{self.image_id}: visible_ratio must be in [0, 1], got "
                f"{self.visible_ratio[bad[0]]:g} for box {bad[0] + 1}."
            )

    def _keep_outlines(self, n: int) -> None:
        outlines = tuple(
            tuple(_own(np.asarray(outline, np.float32)) for outline in box) for box in self.polygons
        )
        if len(outlines) not in (0, n):
            raise DataError(
                f"{self.image_id}: {n} boxes and outlines of {len(outlines)}; give the outlines "
                "of every box (an empty tuple where unknown) or none at all."
            )
        for outline in (outline for box in outlines for outline in box):
            if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3:
                raise DataError(
                    f"{self.image_id}: an outline must be (k, 2) with k >= 3, got {outline.shape}."
                )
            if not np.isfinite(outline).all():
                raise DataError(f"{self.image_id}: an outline must hold finite numbers.")
        object.__setattr__(self, "polygons", outlines if any(outlines) else ())

    def __len__(self) -> int:
        return len(self.xyxy)

    def load_image(self) -> Image:
        """The image's pixels, uint8 (h, w, 3) RGB, read anew each time."""
        return read_image(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Records and the names of their classes; every change gives a new data set."""

    records: tuple[Record, ...]
    class_names: tuple[str, ...] = ("object",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", tuple(self.records))
        object.__setattr__(self, "class_names", tuple(self.class_names))
        ids = [record.image_id for record in self.records]
        if len(set(ids)) != len(ids):
            twice = next(name for name in ids if ids.count(name) > 1)
            raise DataError(f"image_id {twice!r} occurs more than once; it must be unique.")
        for record in self.records:
            if len(record) and int(record.class_id.max()) >= len(self.class_names):
                raise DataError(
                    f"{record.image_id}: class_id {int(record.class_id.max())} has no name among "
                    f"{len(self.class_names)}."
                )

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def filter(self, keep: Callable[[Record], bool]) -> Dataset:
        """The records for which ``keep`` is true."""
        return replace(self, records=tuple(r for r in self.records if keep(r)))

    def map(self, change: Callable[[Record], Record]) -> Dataset:
        """Every record changed by a function that returns a new one."""
        return replace(self, records=tuple(change(r) for r in self.records))

    def merge(self, other: Dataset) -> Dataset:
        """Both data sets' records; class names are joined, ids moved where needed."""
        names = (*self.class_names, *(n for n in other.class_names if n not in self.class_names))
        table = np.array([names.index(name) for name in other.class_names], np.int64)
        moved = (replace(r, class_id=table[r.class_id]) for r in other.records)
        return Dataset((*self.records, *moved), names)

    def split(self, name: str) -> Dataset:
        """The records of one split, "train", "val" or "test"."""
        return self.filter(lambda record: record.split == name)


def read_image_wh(path: Path) -> tuple[int, int]:
    """Width and height of an image file as it will be read, from its header alone.

    Raises:
        DataError: The file is missing or is not an image.
    """
    try:
        with open_picture(path) as image:
            return upright_wh(image)
    except IMAGE_ERRORS as error:
        raise DataError(f"cannot read {path} as an image: {error}.") from error


def _own(array: ArrayLike) -> NDArray:
    copy = np.array(array)
    copy.setflags(write=False)
    return copy
