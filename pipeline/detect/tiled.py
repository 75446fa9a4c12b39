"""A detector that also looks closer: at overlapping tiles of the image, each by itself.

For small objects in large images. A wrapper: any detector goes in, the same contract comes out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.boxes import move_detections, nms
from core.image import image_wh
from core.types import Detections, Image
from pipeline.stages import Detector

__all__ = ["TiledDetector", "plan_tiles"]

OVERLAP_RATIO = 0.25
# A box this near to an inner border of its tile is taken for part of a larger object.
_BORDER_PX = 2.0


class TiledDetector:
    """Whole image and tiles together; an object is kept once, from where it was surest.

    Args:
        inner: The detector that looks.
        tile_wh: Size of a tile in pixels of the image.
        iou_max: A box that overlaps a better one by more is dropped.
        max_boxes: At most this many boxes per image.
    """

    def __init__(
        self, inner: Detector, tile_wh: tuple[int, int], *, iou_max: float, max_boxes: int
    ) -> None:
        self._inner = inner
        self._tile_wh = tile_wh
        self._iou_max = iou_max
        self._max_boxes = max_boxes

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image."""
        return [self._detect(image) for image in images]

    def _detect(self, image: Image) -> Detections:
        wh = image_wh(image)
        tiles = plan_tiles(wh, self._tile_wh)
        views = [np.ascontiguousarray(image[y1:y2, x1:x2]) for x1, y1, x2, y2 in tiles]
        whole, *parts = self._inner([image, *views])
        moved = [
            move_detections(_drop_cut(part, tile, wh), tile[0], tile[1], image_wh=wh)
            for part, tile in zip(parts, tiles.tolist(), strict=True)
        ]
        seen = Detections.concat([whole, *moved])
        return seen[nms(seen.xyxy, seen.score, iou_max=self._iou_max, max_boxes=self._max_boxes)]


def plan_tiles(image_wh: tuple[int, int], tile_wh: tuple[int, int]) -> NDArray[np.int64]:
    """Return (n, 4) tiles that cover the image and overlap by a quarter; none if one would do.

    Example:
        >>> plan_tiles((1000, 500), (600, 500)).tolist()
        [[0, 0, 600, 500], [400, 0, 1000, 500]]
    """
    starts = [_starts(side, min(tile, side)) for side, tile in zip(image_wh, tile_wh, strict=True)]
    width, height = (min(tile, side) for side, tile in zip(image_wh, tile_wh, strict=True))
    tiles = [(x, y, x + width, y + height) for y in starts[1] for x in starts[0]]
    return np.array(tiles if len(tiles) > 1 else [], np.int64).reshape(-1, 4)


def _starts(side_px: int, tile_px: int) -> list[int]:
    if tile_px >= side_px:
        return [0]
    step = tile_px * (1 - OVERLAP_RATIO)
    count = int(np.ceil((side_px - tile_px) / step)) + 1
    return [round(start) for start in np.linspace(0, side_px - tile_px, count)]


def _drop_cut(part: Detections, tile: Sequence[int], wh: tuple[int, int]) -> Detections:
    """Without the boxes that a tile's inner border cuts: a neighbor or the whole image has them."""
    x1, y1, x2, y2 = tile
    low = np.where(np.array([x1, y1]) > 0, _BORDER_PX, -np.inf)
    high = np.where(
        np.array([x2, y2]) < np.array(wh), np.array([x2 - x1, y2 - y1]) - _BORDER_PX, np.inf
    )
    inside = (part.xyxy[:, :2] >= low).all(axis=1) & (part.xyxy[:, 2:] <= high).all(axis=1)
    return part[np.flatnonzero(inside)]
