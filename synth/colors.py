"""The caption's color words for an object, from its pixels.

Here: what each word looks like in the light and in the shade, and how much of an object each one
explains. Not here: sentences (``synth.captions``). In: straight RGBA; out: shares that sum to 1.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.words import COLORS

__all__ = ["measure_colors"]

# sRGB colors that people call by each word, under even white light.
_ANCHORS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "white": ((250, 250, 250), (240, 240, 235), (232, 236, 240)),
    "black": ((14, 14, 15), (28, 29, 31), (44, 45, 48)),
    "grey": ((84, 88, 92), (106, 110, 114), (128, 131, 134), (150, 153, 156), (166, 168, 170)),
    "silver": ((182, 186, 190), (194, 198, 202), (206, 208, 210)),
    "red": ((205, 28, 32), (160, 24, 34), (226, 50, 45), (120, 20, 28)),
    "blue": (
        (28, 66, 170),
        (20, 40, 104),
        (70, 130, 206),
        (112, 170, 220),
        (0, 150, 200),
        (20, 40, 250),
        (60, 205, 225),
    ),
    "green": (
        (36, 130, 64),
        (60, 78, 48),
        (92, 112, 66),
        (110, 170, 60),
        (22, 92, 60),
        (20, 215, 50),
    ),
    "yellow": (
        (244, 206, 32),
        (236, 186, 22),
        (228, 202, 88),
        (250, 230, 80),
        (249, 168, 4),
        (226, 156, 40),
    ),
    "orange": ((240, 120, 26), (226, 92, 22), (244, 134, 40)),
    "brown": (
        (116, 76, 42),
        (142, 106, 66),
        (168, 134, 92),
        (92, 60, 40),
        (196, 168, 124),
        (228, 206, 168),
    ),
    "purple": (
        (108, 48, 148),
        (140, 74, 172),
        (84, 40, 112),
        (170, 110, 200),
        (225, 110, 180),
        (245, 180, 205),
    ),
}
# How bright a surface appears, of what it would be in full light, and how often.
_SHADES = ((1.0, 0.25), (0.8, 0.2), (0.62, 0.25), (0.48, 0.15), (0.36, 0.1), (0.22, 0.05))
# Bare metal is rare, and looks like white in the shade: it has to explain much to be named.
_RARITY = {"silver": 0.1}
_SPREAD_LAB = (4.5, 5.5, 5.5)
# What tires, glass, engines and deep shade may take without being named.
_FITTINGS = {"grey": 0.28, "black": 0.15}
_TAIL = 1e-4
_SAMPLES = 1500
_ROUNDS = 20
_SHARE_MIN = 0.03


def measure_colors(rgba: NDArray[np.uint8]) -> dict[str, float]:
    """Share of the visible area of each color word, the largest first; empty if nothing is seen.

    A mixture of words is fitted to the object's pixels as a whole, so that a white object's shaded
    side counts as white, while the same pixels beside black ones count as grey.

    Args:
        rgba: uint8 (h, w, 4) with straight alpha.

    Example:
        >>> measure_colors(np.full((8, 8, 4), (20, 40, 104, 255), np.uint8))
        {'blue': 1.0}
    """
    lab = _sample_lab(rgba)
    if not len(lab):
        return {}
    likelihood = _likelihood(lab)
    shares = np.full(len(COLORS), 1 / len(COLORS))
    for _ in range(_ROUNDS):
        belongs = likelihood * shares
        belongs /= belongs.sum(axis=1, keepdims=True) + 1e-12
        # Words that explain next to nothing are given up, so that few words remain.
        shares = np.maximum(belongs.mean(axis=0) - _SHARE_MIN / 4, 0)
        shares /= shares.sum()
    shares = _leave_fittings(np.where(shares < _SHARE_MIN, 0, shares))
    order = np.argsort(-shares, kind="stable")
    return {COLORS[row]: round(float(shares[row]), 3) for row in order if shares[row] > 0}


def _leave_fittings(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares without little grey and black: tires, glass, engines and shade are not paint."""
    kept = shares.copy()
    for word, most in _FITTINGS.items():
        row = COLORS.index(word)
        if kept[row] < most and kept[row] < kept.max():
            kept[row] = 0
    return np.asarray(kept / kept.sum(), np.float64)


def _sample_lab(rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIELAB of up to about 1500 visible pixels, evenly spread, without the rim if possible."""
    solid = (rgba[..., 3] >= 200).astype(np.uint8)
    inner = cv2.erode(solid, np.ones((3, 3), np.uint8), borderValue=0)
    chosen = inner if inner.sum() >= 0.3 * solid.sum() else solid
    if not chosen.any():
        chosen = (rgba[..., 3] >= 64).astype(np.uint8)
    pixels = rgba[..., :3][chosen > 0]
    pixels = pixels[:: max(1, len(pixels) // _SAMPLES)]
    return _to_lab(pixels.astype(np.float32) / np.float32(255))


def _to_lab(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    if not len(rgb):
        return rgb.reshape(-1, 3)
    return np.asarray(cv2.cvtColor(rgb[None], cv2.COLOR_RGB2LAB)[0], np.float32)


def _likelihood(lab: NDArray[np.float32]) -> NDArray[np.float64]:
    """How likely each word shows each of the colors, (n, words)."""
    columns = []
    spread = np.array(_SPREAD_LAB, np.float32)
    for word in COLORS:
        anchors = np.array(_ANCHORS[word], np.float32) / 255
        levels = np.array([level for level, _ in _SHADES], np.float32)
        weights = np.array([weight for _, weight in _SHADES])
        linear = np.clip(anchors[:, None] ** 2.2 * levels[:, None], 0, 1) ** (1 / 2.2)
        centers = _to_lab(linear.reshape(-1, 3).astype(np.float32))
        far = (((lab[:, None] - centers) / spread) ** 2).sum(axis=2)
        rarity = _RARITY.get(word, 1.0) / len(anchors)
        # The tail lets colors that no word expects, such as neon ones, go to the nearest.
        density = np.exp(-far / 2) + _TAIL / (1 + far)
        columns.append(density @ np.tile(weights, len(anchors)) * rarity)
    return np.stack(columns, axis=1)
