"""A crop as the reranker's network wants it; training uses the same function."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Image

__all__ = ["square_input", "to_pixel_values"]

_PAD_VALUE = 127


def square_input(crop: Image, side: int) -> Image:
    """Return the crop as (side, side, 3) uint8, padded to a square with grey first.

    Args:
        crop: uint8 (h, w, 3) RGB of any size.
        side: Side of the square in pixels.
    """
    height, width = crop.shape[:2]
    if height != width:
        longest = max(height, width)
        square = np.full((longest, longest, 3), _PAD_VALUE, np.uint8)
        top, left = (longest - height) // 2, (longest - width) // 2
        square[top : top + height, left : left + width] = crop
        crop = square
    if len(crop) == side:
        return np.ascontiguousarray(crop)
    # AREA averages all pixels when shrinking; CUBIC is smooth when enlarging.
    method = cv2.INTER_AREA if len(crop) > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, (side, side), interpolation=method), np.uint8)


def to_pixel_values(squares: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (n, 3, s, s) float32 in -1..1 of (n, s, s, 3) uint8 squares."""
    values = squares.transpose(0, 3, 1, 2).astype(np.float32)
    return values * np.float32(1 / 127.5) - np.float32(1)
