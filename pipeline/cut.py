"""Where to cut: boxes to square regions with context, and regions to upscaling windows.

In: boxes in pixels of the original image. Out: whole-pixel regions and the crops themselves.
Training cuts with the same functions, so the models meet the same framing everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.image import image_wh
from core.types import Crops, Detections, Image

__all__ = [
    "BUCKETS_PX",
    "CONTEXT_RATIO",
    "MARGIN_PX",
    "MAX_SIDE_PX",
    "MIN_SIDE_PX",
    "Shape",
    "Window",
    "box_regions",
    "crop_regions",
    "cut",
    "plan_windows",
    "read_window",
]

CONTEXT_RATIO = 0.1
MIN_SIDE_PX = 8
MAX_SIDE_PX = 1024
MARGIN_PX = 8
BUCKETS_PX = (32, 48, 64, 96, 128)

Shape: TypeAlias = Literal["square", "box"]

# Sides are rounded up; float32 boxes of whole pixels must not gain one from the last bit.
_ROUNDING_PX = 1e-3


def crop_regions(
    xyxy: ArrayLike, image_wh: tuple[int, int], context_ratio: float = CONTEXT_RATIO
) -> NDArray[np.int64]:
    """Return the square region of whole pixels to cut around each box.

    The side is the longer side of the box plus `context_ratio` of it on each end, at least 8 px.
    A region that leaves the image is shifted back into it; where the image is too small for that
    it is clipped, and no longer square.

    Args:
        xyxy: (n, 4) boxes, pixels at edges.
        image_wh: Size of the image.
        context_ratio: Context at each end, as a share of the longer side.

    Returns:
        (n, 4) int64 regions, inside the image, at least one pixel wide and high.

    Example:
        >>> crop_regions([[40, 40, 60, 50], [0, 0, 20, 20]], (100, 80)).tolist()
        [[38, 33, 62, 57], [0, 0, 24, 24]]
    """
    boxes = np.asarray(xyxy, dtype=np.float64).reshape(-1, 4)
    limit = np.array(image_wh, dtype=np.int64)
    longest = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0)
    side = np.ceil(longest * (1 + 2 * context_ratio) - _ROUNDING_PX).astype(np.int64)
    side = np.maximum(side, MIN_SIDE_PX)[:, None]
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    low = np.floor(center - side / 2 + 0.5).astype(np.int64)
    # Room to slide; when the image is narrower than the region, slide so that all of it shows.
    room = limit - side
    low = np.clip(low, np.minimum(room, 0), np.maximum(room, 0))
    return np.concatenate([np.maximum(low, 0), np.minimum(low + side, limit)], axis=1)


def box_regions(
    xyxy: ArrayLike, image_wh: tuple[int, int], context_ratio: float = CONTEXT_RATIO
) -> NDArray[np.int64]:
    """Return the region of whole pixels around each box, in the shape of the box.

    Args:
        xyxy: (n, 4) boxes, pixels at edges.
        image_wh: Size of the image.
        context_ratio: Context at each end, as a share of the longer side.

    Returns:
        (n, 4) int64 regions, inside the image, at least one pixel wide and high.

    Example:
        >>> box_regions([[40, 40, 60.5, 50]], (100, 80), 0.0).tolist()
        [[40, 40, 61, 50]]
    """
    boxes = np.asarray(xyxy, dtype=np.float64).reshape(-1, 4)
    limit = np.array(image_wh, dtype=np.int64)
    context = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0)[:, None] * context_ratio
    low = np.floor(boxes[:, :2] - context + _ROUNDING_PX).astype(np.int64)
    high = np.ceil(boxes[:, 2:] + context - _ROUNDING_PX).astype(np.int64)
    low = np.clip(low, 0, limit - 1)
    return np.concatenate([low, np.clip(high, low + 1, limit)], axis=1)


def cut(
    image: Image,
    detections: Detections,
    *,
    context_ratio: float = CONTEXT_RATIO,
    shape: Shape = "square",
) -> Crops:
    """Return one crop per detection: the real pixels of the image, at scale 1.

    Only crops of more than 1024 px are made smaller: no reranker and no page shows as much, and
    twenty large objects of a large photograph would fill gigabytes.

    Args:
        image: uint8 (h, w, 3) RGB.
        detections: Boxes of this image.
        context_ratio: See `crop_regions`.
        shape: "square" with real surroundings, or the shape of the "box".
    """
    find = crop_regions if shape == "square" else box_regions
    regions = find(detections.xyxy, image_wh(image), context_ratio)
    sides = regions[:, 2:] - regions[:, :2]
    scale = np.minimum(1, MAX_SIDE_PX / sides.max(axis=1, initial=1)).astype(np.float32)
    sizes = np.maximum(np.round(sides * scale[:, None]), 1).astype(np.int64)
    return Crops(
        images=tuple(map(partial(_shown, image), regions.tolist(), sizes.tolist())),
        region_xyxy=regions,
        row=np.arange(len(regions)),
        scale=scale,
        source=image,
    )


def _shown(image: Image, region: Sequence[int], wh: Sequence[int]) -> Image:
    x1, y1, x2, y2 = region
    crop = image[y1:y2, x1:x2]
    if image_wh(crop) == tuple(wh):
        return crop
    return np.asarray(cv2.resize(crop, wh, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, slots=True)
class Window:
    """A square of the image that holds a region and real context around it, for upscaling.

    Args:
        index: Which of the regions it is for.
        xyxy: Window in pixels of the image; leaves the image only where that is smaller.
        inner_xyxy: The region inside the window, pixels of the window.
        side_px: Side of the square, one of the buckets.
    """

    index: int
    xyxy: tuple[int, int, int, int]
    inner_xyxy: tuple[int, int, int, int]
    side_px: int


def plan_windows(
    regions: ArrayLike,
    image_wh: tuple[int, int],
    *,
    below_px: int,
    margin_px: int = MARGIN_PX,
    buckets_px: Sequence[int] = BUCKETS_PX,
) -> list[Window]:
    """Return a window for each region that is worth upscaling, in the order of the regions.

    The margin is real context, so that the network sees no artificial border; sides are rounded up
    to a few fixed sizes, so that windows of one size run as one batch.

    Args:
        regions: (n, 4) int regions, see `crop_regions`.
        image_wh: Size of the image.
        below_px: Only regions whose longer side is smaller than this get a window.
        margin_px: Context on each side, pixels of the image.
        buckets_px: Allowed window sides, ascending; larger windows keep their own size.
    """
    windows: list[Window] = []
    for index, region in enumerate(np.asarray(regions, dtype=np.int64).reshape(-1, 4)):
        x1, y1, x2, y2 = (int(value) for value in region)
        longest = max(x2 - x1, y2 - y1)
        if longest >= below_px:
            continue
        wanted = longest + 2 * margin_px
        side = next((bucket for bucket in buckets_px if bucket >= wanted), wanted)
        left = _window_start(x1, x2, side, image_wh[0])
        top = _window_start(y1, y2, side, image_wh[1])
        windows.append(
            Window(
                index=index,
                xyxy=(left, top, left + side, top + side),
                inner_xyxy=(x1 - left, y1 - top, x2 - left, y2 - top),
                side_px=side,
            )
        )
    return windows


def read_window(image: Image, window: Window) -> Image:
    """Return the pixels of a window, (side, side, 3); outside the image its edge is repeated."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = window.xyxy
    if x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height:
        return image[y1:y2, x1:x2]
    columns = np.clip(np.arange(x1, x2), 0, width - 1)
    rows = np.clip(np.arange(y1, y2), 0, height - 1)
    return image[rows[:, None], columns[None, :]]


def _window_start(low: int, high: int, side: int, limit: int) -> int:
    """Where a window of this side starts: centred on the region, shifted into the image."""
    start = (low + high - side) // 2
    if side > limit:
        return (limit - side) // 2
    return min(max(start, 0), limit - side)
