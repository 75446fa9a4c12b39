"""Arithmetic on boxes: pure functions over (n, 4) arrays of pixels measured at edges.

No model, no image; every function returns a new array and leaves its arguments alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.types import Detections

__all__ = [
    "area",
    "clip_boxes",
    "cxcywh_to_xyxy",
    "fuse_boxes",
    "intersection_matrix",
    "iou_matrix",
    "is_valid",
    "move_detections",
    "nms",
    "scale_boxes",
    "xyxy_to_xywh",
]

Boxes = NDArray[np.float32]


def _boxes(array: ArrayLike) -> Boxes:
    return np.asarray(array, dtype=np.float32).reshape(-1, 4)


def is_valid(xyxy: ArrayLike) -> NDArray[np.bool_]:
    """Return (n,) bool: finite, and with positive width and height."""
    boxes = _boxes(xyxy)
    ordered: NDArray[np.bool_] = boxes[:, 2:] > boxes[:, :2]
    return np.logical_and.reduce([*np.isfinite(boxes).T, *ordered.T])


def area(xyxy: ArrayLike) -> NDArray[np.float32]:
    """Return (n,) float32 areas in square pixels; 0 for inverted boxes."""
    boxes = _boxes(xyxy)
    return np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)


def clip_boxes(xyxy: ArrayLike, image_wh: tuple[int, int]) -> Boxes:
    """Return the boxes cut to the image; those outside become empty, see `is_valid`."""
    boxes = _boxes(xyxy)
    return np.clip(boxes, 0, np.tile(np.array(image_wh, np.float32), 2))


def scale_boxes(xyxy: ArrayLike, factor: float | tuple[float, float]) -> Boxes:
    """Return the boxes of the same image resized by a factor (or one for x and one for y)."""
    x_factor, y_factor = factor if isinstance(factor, tuple) else (factor, factor)
    return _boxes(xyxy) * np.array([x_factor, y_factor, x_factor, y_factor], np.float32)


def intersection_matrix(a_xyxy: ArrayLike, b_xyxy: ArrayLike) -> NDArray[np.float32]:
    """Return (len(a), len(b)) float32 areas that are common to both, in square pixels."""
    a, b = _boxes(a_xyxy)[:, None], _boxes(b_xyxy)[None]
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., 2:], b[..., 2:])
    common: NDArray[np.float32] = np.clip(high - low, 0, None).prod(axis=-1)
    return common


def iou_matrix(a_xyxy: ArrayLike, b_xyxy: ArrayLike) -> NDArray[np.float32]:
    """Return (len(a), len(b)) float32 intersection over union, 0 where both are empty.

    Example:
        >>> iou_matrix([[0, 0, 2, 2]], [[0, 0, 2, 2], [1, 0, 3, 2]]).round(3).tolist()
        [[1.0, 0.3330000042915344]]
    """
    inter = intersection_matrix(a_xyxy, b_xyxy)
    union = area(a_xyxy)[:, None] + area(b_xyxy)[None] - inter
    return np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)


def nms(
    xyxy: ArrayLike, score: ArrayLike, *, iou_max: float, max_boxes: int | None = None
) -> NDArray[np.int64]:
    """Return the rows that survive greedy non-maximum suppression, best first.

    Args:
        xyxy: (n, 4) boxes.
        score: (n,) scores; ties keep the lower row.
        iou_max: A box is dropped when it overlaps a better one by more than this.
        max_boxes: Stop after this many.
    """
    boxes = _boxes(xyxy)
    waiting = np.argsort(-np.asarray(score, np.float32), kind="stable")
    kept: list[int] = []
    while len(waiting) and len(kept) != max_boxes:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        waiting = waiting[iou_matrix(boxes[best], boxes[waiting])[0] <= iou_max]
    return np.array(kept, dtype=np.int64)


def fuse_boxes(
    xyxy: ArrayLike, score: ArrayLike, *, iou_min: float, max_boxes: int | None = None
) -> tuple[Boxes, NDArray[np.int64]]:
    """Return fused boxes, best first, and the row of each one's surest member.

    Instead of dropping the boxes that overlap a better one, as `nms` does, their edges are averaged
    with it, weighted by squared scores: several views of an object place it better than one.
    After Solovyev, Wang and Gabruseva, "Weighted boxes fusion" (2021), except that the score stays
    the surest one's.

    Args:
        xyxy: (n, 4) boxes.
        score: (n,) scores; ties keep the lower row.
        iou_min: Boxes that overlap the surest one by more belong to it.
        max_boxes: Stop after this many.
    """
    boxes, scores = _boxes(xyxy), np.asarray(score, np.float32)
    waiting = np.argsort(-scores, kind="stable")
    fused: list[Boxes] = []
    rows: list[int] = []
    while len(waiting) and len(rows) != max_boxes:
        belongs = iou_matrix(boxes[waiting[0]], boxes[waiting])[0] > iou_min
        belongs[0] = True
        members = waiting[belongs]
        weights = np.maximum(scores[members].astype(np.float64), 1e-6) ** 2
        fused.append(np.average(boxes[members], axis=0, weights=weights).astype(np.float32))
        rows.append(int(members[0]))
        waiting = waiting[~belongs]
    return _boxes(fused), np.array(rows, dtype=np.int64)


def xyxy_to_xywh(xyxy: ArrayLike) -> Boxes:
    """Return (left, top, width, height), the COCO layout."""
    boxes = _boxes(xyxy)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def cxcywh_to_xyxy(cxcywh: ArrayLike) -> Boxes:
    """Return corner boxes of (centre x, centre y, width, height), the YOLO layout in pixels."""
    boxes = _boxes(cxcywh)
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def move_detections(
    detections: Detections, dx: float, dy: float, *, image_wh: tuple[int, int]
) -> Detections:
    """Return the detections of a tile as detections of the image that contains it.

    Args:
        detections: Boxes in pixels of the tile.
        dx: Left edge of the tile in the image, pixels.
        dy: Top edge of the tile in the image, pixels.
        image_wh: Size of the image.
    """
    offset = np.array([dx, dy, dx, dy], np.float32)
    moved = detections.xyxy + offset
    # Slivers of a thousandth of a pixel have no size any more where numbers are larger.
    kept = np.flatnonzero((moved[:, 2:] > moved[:, :2]).all(axis=1))
    return replace(detections[kept], xyxy=moved[kept], image_wh=image_wh)
