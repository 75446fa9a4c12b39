"""What a background's camera did, measured, and objects brought to look alike.

Here: noise and blur of an image, estimated on tiles of it; an object's light. Not here: when it
is done (``synth.render``).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.plan import Light

__all__ = ["light_object", "measure_look"]

_TILE_PX = 64
_SIDE_MIN_PX = 5  # of an image; a lower one has nothing but rims
_GRAIN_MIN = 0.7  # grey levels; less noise than this is lost in rounding
_EDGE_MIN = 6.0  # grey levels a pixel; below, there is no edge to judge by
_BLUR_PX_MAX = 2.5
# What the edges of a resized cutout measure; only more than this is added to it.
_SHARP_PX = 0.7


def measure_look(image: NDArray[np.uint8]) -> tuple[float, float]:
    """The noise of an image, and how much a sharp object must be blurred to be like it.

    Noise: its standard deviation in the calmest tenth of the image (Immerkaer 1996). Blur: across
    an edge of blur s the energies of first and second derivative differ by 2 s^2; the sharpest
    fifth of the tiles with clear edges decides, as depth and haze soften the others.

    Args:
        image: uint8 (h, w, 3) RGB.

    Returns:
        Standard deviation in grey levels, and a Gaussian sigma in px, 0 where no edge is clear;
        both 0 of an image that is too low or narrow to tell.
    """
    if min(image.shape[:2]) < _SIDE_MIN_PX:
        return 0.0, 0.0
    tiles = _grey_tiles(image)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(_inner(cv2.filter2D(_stacked(tiles), cv2.CV_32F, kernel), tiles))
    noise = float(np.percentile(response.mean(axis=(1, 2)), 10) * np.sqrt(np.pi / 2) / 6)
    # Smoothed a little, or noise would hide the edges; what that adds is taken off again.
    grey = cv2.GaussianBlur(_stacked(tiles).astype(np.float32), (0, 0), 1.0)
    dx, dy = (_inner(cv2.Scharr(grey, cv2.CV_32F, *axis), tiles) / 32 for axis in ((1, 0), (0, 1)))
    first = dx * dx + dy * dy
    second = _inner(cv2.Laplacian(grey, cv2.CV_32F), tiles) ** 2
    peak = first.max(axis=(1, 2), keepdims=True)
    near = first > 0.04 * peak
    first_energy = (first * near).sum(axis=(1, 2)) - 0.043 * noise**2 * near.sum(axis=(1, 2))
    second_energy = (second * near).sum(axis=(1, 2)) - 0.112 * noise**2 * near.sum(axis=(1, 2))
    clear = (peak[:, 0, 0] > max(_EDGE_MIN, 3 * noise) ** 2) & (second_energy > 0)
    if clear.sum() < 2:
        return noise, 0.0
    sigma = np.sqrt(np.maximum(0.5 * first_energy[clear] / second_energy[clear], 0))
    blur = float(np.percentile(sigma, 20))
    return noise, min(float(np.sqrt(max(blur**2 - 1.0 - _SHARP_PX**2, 0.0))), _BLUR_PX_MAX)


def _grey_tiles(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tiles on a grid, uint8 (n, side, side), at most 7x4: enough to know a picture by."""
    height, width = image.shape[:2]
    side = min(_TILE_PX, height, width)
    columns, rows = min(7, width // side), min(4, height // side)
    tiles = [
        image[top : top + side, left : left + side]
        for top in np.linspace(0, height - side, rows).astype(int)
        for left in np.linspace(0, width - side, columns).astype(int)
    ]
    grey = cv2.cvtColor(np.concatenate(tiles), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.uint8).reshape(-1, side, side)


def _stacked(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return tiles.reshape(-1, tiles.shape[2])


def _inner(response: ArrayLike, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The response by tile, without the rims where the neighbour tile was seen."""
    return np.asarray(response, np.float32).reshape(tiles.shape)[:, 2:-2, 2:-2]


def light_object(
    rgba: NDArray[np.float32],
    view: NDArray[np.uint8],
    light: Light,
    noise_std: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """The object in the light of its place: brightness, cast, contrast, haze, noise.

    Args:
        rgba: Premultiplied float32 (h, w, 4), the part that is inside the image.
        view: uint8 (h, w, 3) RGB, what it will cover.
        light: How much it takes on.
        noise_std: Noise of the background, grey levels.
        rng: Draws the noise.
    """
    mean_rgba = cv2.mean(rgba)
    total = mean_rgba[3] / 255.0
    if total * rgba.shape[0] * rgba.shape[1] < 1.0 or (
        light == Light() and noise_std <= _GRAIN_MIN
    ):
        return rgba
    mean = np.array(mean_rgba[:3]) / total
    local = np.array(cv2.mean(view)[:3])
    pull = np.clip(local.mean() / max(float(mean.mean()), 10.0), 0.5, 1.7) - 1.0
    gain = light.gain * (1.0 + light.match_ratio * pull)
    cast = 1.0 + light.tint_ratio * (local / max(float(local.mean()), 5.0) - 1.0)
    scale = gain * cast * light.contrast * (1.0 - light.haze_ratio)
    middle = float(mean.mean()) * gain
    offset = middle * (1.0 - light.contrast) * (1.0 - light.haze_ratio) + local * light.haze_ratio
    # c -> scale * c + offset on straight colours is the same with alpha on premultiplied ones.
    matrix = np.diag(np.append(scale, 1.0))
    matrix[:3, 3] = offset / 255.0
    lit = np.asarray(cv2.transform(rgba, matrix.astype(np.float32)), np.float32)
    if noise_std > _GRAIN_MIN:
        grain = rng.standard_normal(rgba.shape[:2], dtype=np.float32)
        grain *= rgba[..., 3] * np.float32(noise_std / 255.0)
        lit[..., :3] += grain[..., None]
    np.maximum(lit, 0, out=lit)
    np.minimum(lit[..., :3], lit[..., 3:], out=lit[..., :3])
    return lit
