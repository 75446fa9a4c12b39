"""A detector that also looks closer: at overlapping tiles of the image, each by itself.

For small objects in large images. A wrapper: any detectors go in, the same contract comes out. The
tiles of all images go to the inner detector in groups, which runs those of one size as batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.boxes import area, intersection_matrix, move_detections, nms
from core.errors import ConfigError
from core.image import image_wh
from core.types import Detections, Image
from pipeline.config import DetectConfig
from pipeline.detect.card import DetectorCard
from pipeline.detect.network import PARTS_AT_ONCE
from pipeline.stages import Detector

__all__ = ["TiledDetector", "Tiling", "auto_tile_wh", "merge_parts", "plan_tiles"]

Merge: TypeAlias = Literal["nms", "nmm"]

OVERLAP_RATIO = 0.25
# The largest picture that any setting allows has 620 tiles of the usual size.
MAX_TILES = 1000
# A box this near to an inner border of its tile is taken for part of a larger object.
_BORDER_PX = 2.0
# A piece of which so much lies in another box is taken for part of the same object.
_PIECE_SHARE = 0.5
# An image less than this much larger than the input is seen as well in one piece.
_WORTH_TILES = 1.25


@dataclass(frozen=True, slots=True)
class Tiling:
    """How images are cut into tiles, and how what they show is put together.

    Args:
        tile_wh: Size of a tile in pixels of the image; None: `auto_tile_wh` of `input_wh`.
        input_wh: Size that the detector fits images into.
        turns: Whether that is turned for upright images.
        overlap_ratio: Overlap of neighbours, share of a tile.
        merge: Of overlapping boxes keep the surest ("nms"), or join them ("nmm").
        iou_max: Boxes that overlap by more are one object.
        max_boxes: At most this many boxes per image.
    """

    tile_wh: tuple[int, int] | None
    input_wh: tuple[int, int] = (960, 544)
    turns: bool = True
    overlap_ratio: float = OVERLAP_RATIO
    merge: Merge = "nms"
    iou_max: float = 0.45
    max_boxes: int = 20

    @classmethod
    def of(cls, config: DetectConfig, card: DetectorCard) -> Self:
        """Return how images are cut for a detector; into `auto_tile_wh` where no size is set.

        Args:
            config: What is wished.
            card: How the detector wants its images.
        """
        return cls(
            tile_wh=None if config.tile_wh == "auto" else config.tile_wh,
            input_wh=card.input_wh or config.input_wh,
            turns=card.fit == "letterbox",
            overlap_ratio=config.tile_overlap_ratio,
            merge=config.tile_merge,
            iou_max=config.iou_max,
            max_boxes=config.max_boxes,
        )

    def tiles(self, wh: tuple[int, int]) -> NDArray[np.int64]:
        """Return the (n, 4) tiles of an image of this size; none if it needs none.

        Raises:
            ConfigError: There would be too many.
        """
        tile_wh = self.tile_wh or auto_tile_wh(wh, self.input_wh, turns=self.turns)
        return plan_tiles(wh, tile_wh, self.overlap_ratio)


class TiledDetector:
    """Tiles and whole image together; an object is kept once.

    Args:
        inner: Looks at the tiles.
        tiling: Sizes, overlap, merging.
        whole: Looks at the whole image, for what is larger than a tile; None: nobody does.
        at_once: How many tiles a call of the inner detector is given.
    """

    def __init__(
        self,
        inner: Detector,
        tiling: Tiling,
        *,
        whole: Detector | None,
        at_once: int = PARTS_AT_ONCE,
    ) -> None:
        self._inner = inner
        self._tiling = tiling
        self._whole = whole
        self._at_once = at_once

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image.

        Raises:
            ConfigError: An image would have too many tiles.
        """
        tiles = [self._plan(image_wh(image)) for image in images]
        views = (
            np.ascontiguousarray(image[y1:y2, x1:x2])
            for image, planned in zip(images, tiles, strict=True)
            for x1, y1, x2, y2 in planned
        )
        groups = iter(lambda: list(islice(views, self._at_once)), [])
        seen = (found for group in groups for found in self._inner(group))
        wholes = self._whole(images) if self._whole is not None and images else [None] * len(images)
        return [
            self._join(image_wh(image), [(tile, next(seen)) for tile in planned], whole)
            for image, planned, whole in zip(images, tiles, wholes, strict=True)
        ]

    def _plan(self, wh: tuple[int, int]) -> list[list[int]]:
        """The tiles of an image; without any it is its own only one, unless seen whole anyway."""
        planned: list[list[int]] = self._tiling.tiles(wh).tolist()
        return planned if planned or self._whole is not None else [[0, 0, *wh]]

    def _join(
        self,
        wh: tuple[int, int],
        parts: Sequence[tuple[Sequence[int], Detections]],
        whole: Detections | None,
    ) -> Detections:
        if whole is not None and not parts:
            return whole
        complete = [] if whole is None else [whole]
        pieces = []
        for tile, part in parts:
            is_cut = _cut_by(part, tile, wh)
            moved = move_detections(part, tile[0], tile[1], image_wh=wh)
            complete.append(moved[np.flatnonzero(~is_cut)])
            pieces.append(moved[np.flatnonzero(is_cut)])
        seen = Detections.concat(complete)
        iou_max, max_boxes = self._tiling.iou_max, self._tiling.max_boxes
        if self._tiling.merge == "nmm":
            together = Detections.concat([seen, *pieces])
            return merge_parts(together, iou_max=iou_max, max_boxes=max_boxes)
        # Nobody else may have seen the object: its largest piece is better than nothing.
        seen = Detections.concat([seen, _unseen(Detections.concat(pieces), seen)])
        return seen[nms(seen.xyxy, seen.score, iou_max=iou_max, max_boxes=max_boxes)]


def auto_tile_wh(
    image_wh: tuple[int, int], input_wh: tuple[int, int], *, turns: bool = True
) -> tuple[int, int]:
    """Return the tile that the detector sees without shrinking it: as large as its input.

    For upright images both are turned, unless the detector does not do that. An image that is
    hardly larger than the input is its own tile.

    Example:
        >>> auto_tile_wh((4000, 3000), (960, 544)), auto_tile_wh((1100, 600), (960, 544))
        ((960, 544), (1100, 600))
    """
    long_px, short_px = max(input_wh), min(input_wh)
    width, height = image_wh
    tile = (long_px, short_px) if width >= height else (short_px, long_px)
    tile = tile if turns else input_wh
    if width <= _WORTH_TILES * tile[0] and height <= _WORTH_TILES * tile[1]:
        return image_wh
    return tile


def plan_tiles(
    image_wh: tuple[int, int], tile_wh: tuple[int, int], overlap_ratio: float = OVERLAP_RATIO
) -> NDArray[np.int64]:
    """Return (n, 4) tiles that cover the image and overlap at least so much; none if one would do.

    Raises:
        ConfigError: There would be more than a thousand.

    Example:
        >>> plan_tiles((1000, 500), (600, 500)).tolist()
        [[0, 0, 600, 500], [400, 0, 1000, 500]]
    """
    starts = [
        _starts(side, min(tile, side), overlap_ratio)
        for side, tile in zip(image_wh, tile_wh, strict=True)
    ]
    if (count := len(starts[0]) * len(starts[1])) > MAX_TILES:
        raise ConfigError(
            f"an image of {image_wh[0]}x{image_wh[1]} has {count} tiles of "
            f"{tile_wh[0]}x{tile_wh[1]} pixels, at most {MAX_TILES} are looked at.",
            "Set a larger detect.tile_wh or 'auto', or a smaller detect.tile_overlap_ratio.",
        )
    width, height = (min(tile, side) for side, tile in zip(image_wh, tile_wh, strict=True))
    tiles = [(x, y, x + width, y + height) for y in starts[1] for x in starts[0]]
    return np.array(tiles if len(tiles) > 1 else [], np.int64).reshape(-1, 4)


def merge_parts(seen: Detections, *, iou_max: float, max_boxes: int) -> Detections:
    """Return the boxes with overlapping ones joined to one that covers them all, best first.

    Greedy non-maximum merging: a box joins the surest one that covers more than `iou_max` of the
    smaller of the two, as parts of an object cut by tiles do.

    Example:
        >>> parts = Detections.from_xyxy([[0, 0, 60, 20], [40, 0, 100, 20]], (100, 50))
        >>> merge_parts(parts, iou_max=0.3, max_boxes=5).xyxy.tolist()
        [[0.0, 0.0, 100.0, 20.0]]
    """
    waiting = np.argsort(-seen.score, kind="stable")
    rows: list[int] = []
    joined: list[NDArray[np.float32]] = []
    while len(waiting) and len(rows) < max_boxes:
        boxes = seen.xyxy[waiting]
        smaller = np.minimum(area(boxes[:1]), area(boxes))
        shared = intersection_matrix(boxes[:1], boxes)[0] / np.maximum(smaller, 1e-6)
        belongs = shared > iou_max
        belongs[0] = True
        members = boxes[belongs]
        joined.append(np.concatenate([members[:, :2].min(axis=0), members[:, 2:].max(axis=0)]))
        rows.append(int(waiting[0]))
        waiting = waiting[~belongs]
    return replace(seen[np.array(rows, np.int64)], xyxy=np.array(joined).reshape(-1, 4))


def _starts(side_px: int, tile_px: int, overlap_ratio: float) -> list[int]:
    if tile_px >= side_px:
        return [0]
    step = tile_px * (1 - overlap_ratio)
    count = int(np.ceil((side_px - tile_px) / step)) + 1
    return [round(start) for start in np.linspace(0, side_px - tile_px, count)]


def _cut_by(part: Detections, tile: Sequence[int], wh: tuple[int, int]) -> NDArray[np.bool_]:
    """Which boxes an inner border of the tile cuts."""
    x1, y1, x2, y2 = tile
    low = np.where(np.array([x1, y1]) > 0, _BORDER_PX, -np.inf)
    high = np.where(
        np.array([x2, y2]) < np.array(wh), np.array([x2 - x1, y2 - y1]) - _BORDER_PX, np.inf
    )
    outside = (part.xyxy[:, :2] < low) | (part.xyxy[:, 2:] > high)
    return np.asarray(outside.any(axis=1))


def _unseen(pieces: Detections, complete: Detections) -> Detections:
    """The pieces that belong to no complete box and to no larger piece."""
    pieces = pieces[np.argsort(-area(pieces.xyxy), kind="stable")]
    own = np.maximum(area(pieces.xyxy), 1e-6)
    known = intersection_matrix(pieces.xyxy, complete.xyxy) / own[:, None]
    among = intersection_matrix(pieces.xyxy, pieces.xyxy) / own[:, None]
    kept: list[int] = []
    for row in range(len(pieces)):
        shares = [*known[row], *among[row, kept]]
        if max(shares, default=0.0) < _PIECE_SHARE:
            kept.append(row)
    return pieces[np.array(kept, np.int64)]
