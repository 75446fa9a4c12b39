"""What a background's camera did, measured, and objects brought to look alike.

Here: noise and blur of an image, estimated on tiles of it; an object's light. Not here: when it
is done (``synth.render``).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.plan import Light

__all__ = ["estimate_blur", "estimate_noise", "light_object"]

_TILE_PX = 64
_BLUR_PX_MAX = 2.5
# What a resized cutout's own edges measure; only more than this is added to it.
_SHARP_PX = 0.6


def estimate_noise(image: NDArray[np.uint8]) -> float:
    """Standard deviation of the noise in the calmest tenth of an image (Immerkaer 1996).

    Args:
        image: uint8 (h, w, 3) RGB.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = [
        float(np.abs(cv2.filter2D(tile, cv2.CV_32F, kernel)).mean()) for tile in _grey_tiles(image)
    ]
    return float(np.percentile(response, 10) * np.sqrt(np.pi / 2) / 6)


def estimate_blur(image: NDArray[np.uint8]) -> float:
    """By what Gaussian sigma, px, a sharp object must be blurred to be as sharp as an image.

    At a straight edge of blur s the second derivative's peak is the first's over s sqrt(e); the
    strongest edges of each tile vote, the sharpest tenth decides. 0 where there is no clear edge.

    Args:
        image: uint8 (h, w, 3) RGB.
    """
    votes = []
    for tile in _grey_tiles(image):
        grey = tile.astype(np.float32)
        first = np.hypot(
            cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3)
        )[2:-2, 2:-2] * np.float32(1 / 8)
        peak = float(np.percentile(first, 99))
        if peak < 6.0:
            continue
        second = np.abs(cv2.Laplacian(grey, cv2.CV_32F))[2:-2, 2:-2]
        near = cv2.dilate((first > 0.8 * peak).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        votes.append(peak / max(float(np.percentile(second[near], 90)), 1e-3) * np.exp(-0.5))
    if len(votes) < 2:
        return 0.0
    sigma = float(np.percentile(votes, 10))
    return min(float(np.sqrt(max(sigma**2 - _SHARP_PX**2, 0.0))), _BLUR_PX_MAX)


def _grey_tiles(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Tiles on a grid, at most 8x5: enough to know a whole picture by."""
    height, width = image.shape[:2]
    side = min(_TILE_PX, height, width)
    columns, rows = min(8, width // side), min(5, height // side)
    tiles = []
    for top in np.linspace(0, height - side, rows).astype(int):
        for left in np.linspace(0, width - side, columns).astype(int):
            part = np.ascontiguousarray(image[top : top + side, left : left + side])
            tiles.append(np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), np.uint8))
    return tiles


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
    total = float(rgba[..., 3].sum()) / 255.0
    if total < 1.0:
        return rgba
    mean = rgba[..., :3].sum(axis=(0, 1)) / total
    local = view.reshape(-1, 3).mean(axis=0)
    pull = np.clip(local.mean() / max(float(mean.mean()), 10.0), 0.5, 1.7) - 1.0
    gain = light.gain * (1.0 + light.match_ratio * pull)
    cast = 1.0 + light.tint_ratio * (local / max(float(local.mean()), 5.0) - 1.0)
    scale = (gain * cast * light.contrast * (1.0 - light.haze_ratio)).astype(np.float32)
    middle = float(mean.mean()) * gain
    offset = middle * (1.0 - light.contrast) * (1.0 - light.haze_ratio) + local * light.haze_ratio
    # c -> scale * c + offset on straight colours is the same with alpha on premultiplied ones.
    cover = rgba[..., 3:] * np.float32(1.0 / 255.0)
    lit: NDArray[np.float32] = np.empty(rgba.shape, np.float32)
    lit[..., :3] = rgba[..., :3] * scale + offset.astype(np.float32) * cover
    lit[..., 3] = rgba[..., 3]
    if noise_std > 0.7:
        grain = rng.standard_normal(rgba.shape[:2], dtype=np.float32)[..., None] * noise_std
        lit[..., :3] += grain * cover
    np.clip(lit[..., :3], 0, lit[..., 3:], out=lit[..., :3])
    return lit
