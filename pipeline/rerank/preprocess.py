"""A crop as the reranker's network wants it; training uses the same function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from core.types import Image

__all__ = ["Fit", "fit_input", "square_input", "to_pixel_values"]

Fit: TypeAlias = Literal["pad", "stretch", "crop"]

_PAD_VALUE = 127
_HALVES = (0.5, 0.5, 0.5)


def fit_input(
    crop: Image,
    side: int,
    fit: Fit = "pad",
    resample: PilImage.Resampling = PilImage.Resampling.BICUBIC,
) -> Image:
    """Return the crop as (side, side, 3) uint8.

    Args:
        crop: uint8 (h, w, 3) RGB of any size.
        side: Side of the square in pixels.
        fit: "pad": made square with grey, see `square_input`; "stretch": out of shape, as SigLIP;
            "crop": the shorter side fits and the middle is kept, as CLIP.
        resample: Pillow's filter of "stretch" and "crop".
    """
    if fit == "pad":
        return square_input(crop, side)
    height, width = crop.shape[:2]
    wh = (side, side)
    if fit == "crop":
        factor = side / min(width, height)
        wh = (max(side, int(width * factor)), max(side, int(height * factor)))
    # Pillow's filters average when shrinking, as in the training of these models.
    resized = PilImage.fromarray(crop).resize(wh, resample)
    left, top = (wh[0] - side) // 2, (wh[1] - side) // 2
    return np.asarray(resized.crop((left, top, left + side, top + side)), np.uint8)


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


def to_pixel_values(
    squares: NDArray[np.uint8],
    mean: Sequence[float] = _HALVES,
    std: Sequence[float] = _HALVES,
) -> NDArray[np.float32]:
    """Return (n, 3, s, s) float32 of (n, s, s, 3) uint8 squares; in -1..1 unless told otherwise.

    Args:
        squares: RGB.
        mean: Subtracted from the colors in 0..1.
        std: What they are divided by then.
    """
    values = squares.transpose(0, 3, 1, 2).astype(np.float32)
    if tuple(mean) == tuple(std) == _HALVES:
        return values * np.float32(1 / 127.5) - np.float32(1)
    middle, spread = (np.array(three, np.float32)[:, None, None] for three in (mean, std))
    return np.ascontiguousarray((values / np.float32(255) - middle) / spread, np.float32)
