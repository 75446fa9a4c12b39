"""Outlines of what is seen of an object, and how they and boxes move with the pixels.

Here: polygons around a mask, clipping, flipping. In and out: pixels at edges, as boxes are; the
extent of an object's outlines is its box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dataset.outlines import outline_area

__all__ = ["Marks", "Outline", "clip_marks", "flip_marks", "trace_outlines"]

Outline = NDArray[np.float32]
_TOLERANCE_PX = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Boxes, the outlines in each, and what share of each object is still in the image.

    Args:
        xyxy: float32 (n, 4).
        outlines: One tuple per box, of float32 (k, 2) polygons; empty where none were traced.
        inside_ratio: float32 (n,), 1 before anything is cut off.
    """

    xyxy: NDArray[np.float32]
    outlines: tuple[tuple[Outline, ...], ...]
    inside_ratio: NDArray[np.float32]

    @classmethod
    def from_boxes(
        cls, xyxy: NDArray[np.float32], outlines: Sequence[tuple[Outline, ...]] = ()
    ) -> Marks:
        """Marks of whole objects."""
        boxes = np.array(xyxy, np.float32).reshape(-1, 4)
        given = tuple(outlines) or tuple(() for _ in boxes)
        return cls(boxes, given, np.ones(len(boxes), np.float32))

    def __len__(self) -> int:
        return len(self.xyxy)


def trace_outlines(mask: NDArray[np.uint8], left: int, top: int) -> tuple[Outline, ...]:
    """The outer outlines of a mask's parts; their common extent is the mask's, exactly.

    Args:
        mask: uint8 (h, w), 0 or 1.
        left: Where the mask lies in the image, px.
        top: Likewise.
    """
    x, y, width, height = cv2.boundingRect(mask)
    # A contour runs through the centres of pixels, and so half a pixel inside of the outline:
    # on an enlarged mask that is little.
    fine = 4 if max(width, height) <= 160 else 2
    part = np.ascontiguousarray(mask[y : y + height, x : x + width])
    enlarged = cv2.resize(part, None, fx=fine, fy=fine, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(enlarged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outlines = []
    for contour in contours:
        points = cv2.approxPolyDP(contour, _TOLERANCE_PX * fine, closed=True).reshape(-1, 2)
        low = contour.reshape(-1, 2).min(axis=0) // fine
        high = contour.reshape(-1, 2).max(axis=0) // fine + 1
        span = np.ptp(points, axis=0) if len(points) >= 3 else np.zeros(2)
        if (span == 0).any():
            corners = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
            polygon = np.array(corners, np.float32)
        else:  # what is left of the difference, and what the tolerance took
            polygon = (points - points.min(axis=0)) / span * (high - low) + low
        outlines.append((polygon + np.array([left + x, top + y])).astype(np.float32))
    return tuple(sorted(outlines, key=lambda outline: -outline_area(outline)))


def flip_marks(
    image: NDArray[np.uint8], marks: Marks, axis: int
) -> tuple[NDArray[np.uint8], Marks]:
    """The image and its marks mirrored: 0 across, 1 upside down, 2 both."""
    height, width = image.shape[:2]
    flipped = np.asarray(cv2.flip(image, {0: 1, 1: 0, 2: -1}[axis]), np.uint8)
    boxes = marks.xyxy.copy()
    sides = [side for side, turned in ((0, axis != 1), (1, axis != 0)) if turned]
    limits = (width, height)
    for side in sides:
        boxes[:, [side, side + 2]] = limits[side] - boxes[:, [side + 2, side]]
    outlines = tuple(tuple(_mirror(o, sides, limits) for o in row) for row in marks.outlines)
    return flipped, Marks(boxes, outlines, marks.inside_ratio)


def _mirror(outline: Outline, sides: Sequence[int], limits: tuple[int, int]) -> Outline:
    mirrored = outline.copy()
    for side in sides:
        mirrored[:, side] = limits[side] - mirrored[:, side]
    return mirrored


def clip_marks(
    outlines: Sequence[tuple[Outline, ...]],
    inside_ratio: NDArray[np.float32],
    image_wh: tuple[int, int],
) -> tuple[Marks, NDArray[np.int64]]:
    """Marks of the outlines' parts inside the image, and the rows of those that have any.

    Args:
        outlines: Of each object, wherever they lie now.
        inside_ratio: float32 (n,) shares that were inside before.
        image_wh: Width and height of the image, px.
    """
    boxes, kept_outlines, ratios, rows = [], [], [], []
    for row, parts in enumerate(outlines):
        clipped = [c for part in parts if len(c := _clip_polygon(part, image_wh)) >= 3]
        after = sum(map(outline_area, clipped))
        before = sum(map(outline_area, parts))
        if after <= 0 or before <= 0:
            continue
        points = np.concatenate(clipped)
        boxes.append((*points.min(axis=0), *points.max(axis=0)))
        kept_outlines.append(tuple(clipped))
        ratios.append(float(inside_ratio[row]) * min(after / before, 1.0))
        rows.append(row)
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    marks = Marks(xyxy, tuple(kept_outlines), np.array(ratios, np.float32))
    return marks, np.array(rows, np.int64)


def _clip_polygon(points: Outline, image_wh: tuple[int, int]) -> Outline:
    """Sutherland and Hodgman's clipping against the four sides of the image."""
    for axis in (0, 1):
        for limit, sign in ((0.0, 1.0), (float(image_wh[axis]), -1.0)):
            if not len(points):
                return points
            depth = sign * (points[:, axis] - limit)
            if (depth >= 0).all():
                continue
            ahead, depth_ahead = np.roll(points, -1, axis=0), np.roll(depth, -1)
            result = []
            for p, q, a, b in zip(points, ahead, depth, depth_ahead, strict=True):
                if a >= 0:
                    result.append(p)
                if (a >= 0) != (b >= 0):
                    result.append(p + (q - p) * (a / (a - b)))
            points = np.array(result, np.float32).reshape(-1, 2)
    return np.clip(points, 0, np.array(image_wh, np.float32))
