"""Outlines of objects: closed polygons in pixels, without repeating the first point.

Here: their extent, area, and several joined into one. Not here: how they are found in alpha
(``synth``). In and out: (k, 2) float arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["join_outlines", "outline_area", "outline_extent"]


def outline_extent(outlines: Sequence[ArrayLike]) -> tuple[float, float, float, float]:
    """The smallest box around all outlines, x1 y1 x2 y2."""
    points = np.concatenate([np.asarray(outline, np.float64) for outline in outlines])
    return (*map(float, points.min(axis=0)), *map(float, points.max(axis=0)))  # type: ignore[return-value]


def outline_area(outline: ArrayLike) -> float:
    """The area within one outline, square pixels, whichever way round it runs.

    Example:
        >>> outline_area([[0, 0], [4, 0], [4, 2], [0, 2]])
        8.0
    """
    x, y = np.asarray(outline, np.float64).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def join_outlines(outlines: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """One outline around all of them, for formats that have room for one.

    Each is joined where it comes nearest to what is joined already, by a seam that goes there and
    back along the same line, so that no area is added.

    Args:
        outlines: At least one; not changed.
    """
    waiting = sorted((np.asarray(o, np.float32) for o in outlines), key=outline_area, reverse=True)
    joined = waiting.pop(0)
    while waiting:
        gaps = [np.linalg.norm(joined[:, None] - other[None], axis=2) for other in waiting]
        nearest = int(np.argmin([gap.min() for gap in gaps]))
        here, there = np.unravel_index(gaps[nearest].argmin(), gaps[nearest].shape)
        other = np.roll(waiting.pop(nearest), -there, axis=0)
        joined = np.concatenate([joined[: here + 1], other, other[:1], joined[here:]])
    return joined
