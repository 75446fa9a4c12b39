"""Fire and smoke below a rising rocket: scenery that belongs to it and is no part of its box.

In: how wide the rocket is, a generator. Out: premultiplied RGBA with the nozzle in its middle.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_plume"]

Pixels = NDArray[np.float32]

# Longest plume, in widths of its rocket.
_LENGTH_MAX = 20.0
_WIDTH_PX_MAX = 400.0


def draw_plume(width_px: float, rng: np.random.Generator, *, height_px: int) -> NDArray[np.uint8]:
    """Return a plume, premultiplied RGBA uint8 (h, w, 4).

    The nozzle is the middle of the picture, so the upper half is empty.

    Args:
        width_px: Width of the rocket, px.
        rng: The plume's own generator; its shape does not depend on the size.
        height_px: Of the scene: no plume is drawn longer.
    """
    width = float(np.clip(width_px, 2, _WIDTH_PX_MAX))
    length = width * float(np.exp(rng.uniform(np.log(2.5), np.log(_LENGTH_MAX))))
    on_ground = rng.random() < 0.5
    spread = float(rng.uniform(1.5, 6.0) if on_ground else rng.uniform(0.4, 1.6))
    shown = max(4, min(int(length * 1.3), height_px))
    half_width = int(width * (1.5 + 2.2 * spread)) + 3
    plume = np.zeros((shown, 2 * half_width, 4), np.float32)
    middle = (float(half_width), 0.0)
    if rng.random() < 0.8:
        _add_smoke(plume, middle, width, length, spread, rng, on_ground=on_ground)
        _roughen(plume, rng)
    if rng.random() < 0.9:
        _add_fire(plume, middle, width, length, rng)
    soft = cv2.GaussianBlur(plume, (0, 0), max(0.6, 0.04 * width))
    return np.concatenate([np.zeros_like(soft), soft]).round().astype(np.uint8)


def _add_smoke(
    plume: Pixels,
    nozzle: tuple[float, float],
    width: float,
    length: float,
    spread: float,
    rng: np.random.Generator,
    *,
    on_ground: bool,
) -> None:
    """Puffs along the way down, more and larger ones far from the nozzle, lit from above."""
    count = int(rng.integers(80, 240))
    start = float(rng.uniform(0.0, 0.35))
    down = start + (1 - start) * rng.beta(1.6, 1.0, count)
    if on_ground:
        down = np.where(rng.random(count) < 0.6, rng.uniform(0.7, 1.0, count), down)
    away = rng.normal(0, 0.45, count) * (0.5 + spread * down ** (3 if on_ground else 1))
    radius = width * (0.35 + 0.5 * spread * down) * np.exp(rng.normal(-0.75, 0.4, count))
    shade = rng.uniform(120, 255) * (1 + rng.normal(0, 0.06, count))
    warm = rng.uniform(0, 0.5)  # the fire's light on the smoke beside it
    opacity = float(rng.uniform(0.6, 1.0))
    for row in np.argsort(-radius):
        at = nozzle[0] + away[row] * width, nozzle[1] + down[row] * length
        near = warm * max(0.0, 1 - 2 * abs(away[row]) / (1 + spread))
        color = shade[row] * np.array([1 + 0.2 * near, 1 - 0.1 * near, 1 - 0.35 * near])
        _add_puff(plume, at, float(radius[row]), color, opacity)


def _roughen(plume: Pixels, rng: np.random.Generator) -> None:
    """Uneven light on the smoke, and no straight lower edge."""
    height, width = plume.shape[:2]
    for cells in (5, 11):
        coarse = rng.normal(1, 0.1, (cells, cells)).astype(np.float32)
        plume[..., :3] *= cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)[
            ..., None
        ]
    np.clip(plume[..., :3], 0, plume[..., 3:], out=plume[..., :3])
    left = (height - np.arange(height, dtype=np.float32)) / max(0.15 * height, 1)
    plume *= np.clip(left, 0, 1)[:, None, None]


def _add_puff(
    plume: Pixels,
    center: tuple[float, float],
    radius: float,
    color: NDArray[np.float64],
    opacity: float,
) -> None:
    """A ball with a soft rim, bright above and dark below."""
    height, width = plume.shape[:2]
    x1, x2 = max(int(center[0] - radius), 0), min(int(center[0] + radius) + 2, width)
    y1, y2 = max(int(center[1] - radius), 0), min(int(center[1] + radius) + 2, height)
    if x1 >= x2 or y1 >= y2:
        return
    y, x = np.ogrid[y1:y2, x1:x2]
    dy = (y - center[1]) / max(radius, 0.5)
    away = np.hypot((x - center[0]) / max(radius, 0.5), dy)
    alpha = (np.clip((1 - away) / 0.3, 0, 1) * opacity).astype(np.float32)[..., None]
    light = (1 - 0.22 * dy)[..., None]
    top = np.clip(color * light, 0, 255).astype(np.float32) * alpha
    part = plume[y1:y2, x1:x2]
    part *= 1 - alpha
    part[..., :3] += top
    part[..., 3:] += 255 * alpha


def _add_fire(
    plume: Pixels,
    nozzle: tuple[float, float],
    width: float,
    length: float,
    rng: np.random.Generator,
) -> None:
    """A jet, white where it is hottest, yellow and orange towards its rim and its end."""
    reach = max(3.0, length * float(rng.uniform(0.15, 0.9)))
    girth = width * float(rng.uniform(0.35, 0.75))
    height = min(int(reach), plume.shape[0])
    y, x = np.mgrid[0:height, 0 : plume.shape[1]].astype(np.float32)
    down = (y + 0.5 - nozzle[1]) / reach
    half = girth * (0.7 + 0.8 * down) * np.sqrt(np.clip(1 - down, 0, 1))
    across = np.abs(x + 0.5 - nozzle[0]) / np.maximum(half, 0.4)
    heat = np.clip(1.35 - across, 0, 1) * np.clip(1.3 - down, 0, 1)
    alpha = np.clip(heat * 2.2, 0, 1)[..., None]
    red = np.full_like(heat, 255)
    green = 120 + 135 * np.clip(1.6 * heat, 0, 1)
    blue = 40 + 215 * np.clip(1.8 * heat - 0.5, 0, 1)
    color = np.stack([red, green, blue], axis=-1)
    part = plume[:height]
    part *= 1 - alpha
    part[..., :3] += color * alpha
    part[..., 3:] += 255 * alpha
