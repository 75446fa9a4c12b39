"""A photograph's light and shade laid over an object: the doors, dirt and shadows it lacks.

Rendered objects are smoother than real ones. A network that has seen only those takes what has
more detail for background, so chance detail in training helps it to look at the whole (domain
randomization: Tobin et al. 2017, Tremblay et al. 2018).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.plan import Texture

__all__ = ["sample_texture", "texture_object"]

# The piece of photograph, in its own pixels, for each pixel of the object.
_REDUCTION_RANGE = (0.5, 4.0)
_SIDE_MIN_PX = 8
_DEPTH_MIN = 0.08
_SPREAD_MIN = 8.0  # grey levels; a plain piece stays plain instead of showing its grain
_DEVIATIONS_MAX = 2.2
_GLEAM = 25.0  # grey levels that one deviation adds at full depth, or black paint would show none


def sample_texture(
    rng: np.random.Generator,
    background: str,
    background_wh: tuple[int, int],
    long_side_px: float,
    depth_max: float,
) -> Texture:
    """A square piece anywhere in a photograph, about as sharp as the object that it will cover."""
    low, high = (math.log(ratio) for ratio in _REDUCTION_RANGE)
    side = long_side_px * math.exp(rng.uniform(low, high))
    width, height = background_wh
    side = min(max(side, _SIDE_MIN_PX), width, height)
    left, top = rng.uniform(0, width - side), rng.uniform(0, height - side)
    window = (left / width, top / height, (left + side) / width, (top + side) / height)
    depth = rng.uniform(min(_DEPTH_MIN, depth_max), depth_max)
    x1, y1, x2, y2 = (round(float(share), 5) for share in window)
    return Texture(background, (x1, y1, x2, y2), round(float(depth), 3))


def texture_object(
    rgba: NDArray[np.float32], photograph: NDArray[np.uint8], texture: Texture
) -> NDArray[np.float32]:
    """The object with the brightness of a photograph's piece on its own; its hues stay.

    Args:
        rgba: Premultiplied float32 (h, w, 4), 0..255.
        photograph: uint8 (H, W, 3) RGB.
        texture: Which piece of it, and how strongly.

    Returns:
        Premultiplied float32 (h, w, 4) with the same alpha.
    """
    height, width = rgba.shape[:2]
    relief = _cut_relief(photograph, texture, max(width, height))
    top, left = (relief.shape[0] - height) // 2, (relief.shape[1] - width) // 2
    relief = relief[top : top + height, left : left + width, None] * np.float32(texture.depth)
    alpha = rgba[..., 3:]
    painted = rgba[..., :3] * np.exp(relief) + relief * alpha * np.float32(_GLEAM / 255.0)
    return np.concatenate([np.clip(painted, 0, alpha), alpha], axis=2)


def _cut_relief(
    photograph: NDArray[np.uint8], texture: Texture, side_px: int
) -> NDArray[np.float32]:
    """Brightness of the piece at a size, (side, side), in deviations around its mean."""
    sides = np.array(photograph.shape[1::-1] * 2)
    x1, y1, x2, y2 = np.round(texture.window_ratio_xyxy * sides).astype(int)
    piece = photograph[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
    grey = cv2.cvtColor(piece, cv2.COLOR_RGB2GRAY)
    method = cv2.INTER_AREA if grey.shape[1] > side_px else cv2.INTER_LINEAR
    grey = cv2.resize(grey, (side_px, side_px), interpolation=method).astype(np.float32)
    spread = max(float(grey.std()), _SPREAD_MIN)
    relief = (grey - grey.mean()) / np.float32(spread)
    return np.asarray(np.clip(relief, -_DEVIATIONS_MAX, _DEVIATIONS_MAX), np.float32)
