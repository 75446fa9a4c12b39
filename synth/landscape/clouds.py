"""Cumulus clouds with volume, lit through themselves.

The cloud layer is cut into horizontal slices, drawn from the top one down. On the way the shadow
that the slices above throw along the sun's direction adds up, so that the same pass that draws a
slice also knows its light. Flow: linear sky (h, w, 3) -> linear sky with clouds.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.landscape.noise import power, sample, smoothstep, volume
from synth.landscape.view import Sun, View

__all__ = ["CumulusShape", "add_cumulus"]

Pixels = NDArray[np.float32]
_SIZE = 768  # texels across the repeating field of clouds
_LAYERS = 24


@dataclass(frozen=True, slots=True)
class CumulusShape:
    """What a field of cumulus looks like. Lengths are in units of the height of the cloud base."""

    cover: float = 0.4  # share of the sky, about
    thickness: float = 0.55
    cell: float = 1.5  # distance from cloud to cloud
    density: float = 26.0
    towering: float = 1.0  # above 1 fewer and taller


def add_cumulus(
    sky: Pixels,
    view: View,
    rng: np.random.Generator,
    *,
    shape: CumulusShape,
    sun: Sun,
    sunlight: Pixels,
    ambient: Pixels,
    haze: Pixels,
    slices: int = 72,
) -> Pixels:
    """Return the sky with a field of cumulus in front of it.

    Args:
        sky: linear (h, w, 3).
        view: camera, standing below the clouds.
        rng: source of randomness.
        shape: what the clouds look like.
        sun: direction of light.
        sunlight: its color and strength, linear (3,).
        ambient: light from the sky, linear (3,).
        haze: what distant clouds fade into, linear (w, 3).
        slices: more is smoother and slower.
    """
    small = view.finer(0.5) if view.width > 900 else view
    x, y = small.slopes()
    y = np.maximum(y, 0.012)
    texels = _SIZE / (shape.cell * 6)  # six clouds across the repeating field
    field = _Field(rng, shape)
    sx, sy, sz = sun.direction()
    steep = max(sy, 0.2)
    step = shape.thickness / slices
    shift = (sx / steep * step * texels, sz / steep * step * texels)
    shadow = np.zeros((_SIZE, _SIZE), np.float32)
    light = np.zeros(
        (small.height, small.width), np.float32
    )  # sunlight scattered towards the camera
    fill = np.zeros_like(light)  # sky light scattered towards the camera
    clear = np.ones_like(light)
    jitter = rng.random((small.height, small.width), dtype=np.float32)
    detail = power(rng, 512, 1.25)
    path = np.sqrt(1 + x * x + y * y) / y * step
    for index in range(slices - 1, -1, -1):
        level = (index + 0.5) / slices
        density = field.slice(level)
        shadow = _shifted(shadow, shift) + density * step
        lit = np.exp(-shadow * shape.density * 0.5 / steep)
        height = 1 + (index + jitter) * step
        u, v = x * height / y * texels, height / y * texels
        here = sample(np.dstack([density, lit]), u, v)
        eaten = 0.16 * sample(detail, u * 5.3 + 40 * level, v * 5.3 + 90 * level)
        thick = np.clip(here[..., 0] + eaten * (here[..., 0] > 0.001), 0, 1)
        cover = 1 - np.exp(-thick * shape.density * path)
        # Dense cores scatter light many times: they look brighter than one scattering says.
        direct = here[..., 1] * 0.85 + 0.22 * np.exp(
            -0.25 * shape.density * (1 - level) * shape.thickness
        )
        light = light * (1 - cover) + direct * cover
        fill = fill * (1 - cover) + (0.5 + 0.6 * level) * cover
        clear *= 1 - cover
    return _compose(sky, view, sun, (light, fill, clear), (sunlight, ambient, haze))


class _Field:
    """Density of the cloud layer, slice by slice."""

    def __init__(self, rng: np.random.Generator, shape: CumulusShape) -> None:
        base = power(rng, _SIZE, 1.75, lowest=4.0)
        limit = float(np.quantile(base, 1 - shape.cover))
        self.body = np.asarray((base - limit) / (base.max() - limit), np.float32)
        noise = volume(rng, (_LAYERS, _SIZE // 2, _SIZE // 2), 1.55)
        # Folded at zero, noise turns into round bulges with creases between: the look of a
        # cauliflower.
        self.bulges = np.asarray(0.8 - np.abs(noise), np.float32)
        self.towering = shape.towering

    def slice(self, level: float) -> Pixels:
        """Return the density in 0..1 at `level` (0 base, 1 top)."""
        position = level * (_LAYERS - 1)
        low = int(position)
        share = position - low
        bulge = self.bulges[low] * (1 - share) + self.bulges[min(low + 1, _LAYERS - 1)] * share
        bulge = cv2.resize(bulge, (_SIZE, _SIZE), interpolation=cv2.INTER_CUBIC)
        roof = self.body * 1.9 * self.towering - level**1.15 * (0.9 + 0.5 * self.towering)
        inside = roof + 0.42 * bulge * (0.3 + level) * smoothstep(-0.5, 0.1, roof)
        flat_base = smoothstep(0.0, 0.09, np.float32(level))
        return smoothstep(0.0, 0.34, inside) * flat_base


def _shifted(field: Pixels, by: tuple[float, float]) -> Pixels:
    matrix = np.array([[1, 0, -by[0]], [0, 1, -by[1]]], np.float32)
    return np.asarray(
        cv2.warpAffine(field, matrix, (_SIZE, _SIZE), borderMode=cv2.BORDER_WRAP), np.float32
    )


def _compose(
    sky: Pixels,
    view: View,
    sun: Sun,
    layers: tuple[Pixels, Pixels, Pixels],
    colors: tuple[Pixels, Pixels, Pixels],
) -> Pixels:
    """Color the clouds, let them fade into the distance, and lay them over the sky."""
    size = (view.width, view.height)
    light, fill, clear = (
        cv2.resize(_soften(a), size, interpolation=cv2.INTER_CUBIC) for a in layers
    )
    sunlight, ambient, haze = colors
    angle = sun.angle(view)
    forward = 0.8 + 0.9 * np.exp(-angle / 0.35)  # rims glow when the sun is behind them
    cloud = light[..., None] * forward[..., None] * sunlight + fill[..., None] * ambient
    opaque = np.clip(1 - clear, 0, 1)
    far = np.exp(-np.maximum(view.slopes()[1], 1e-3) / 0.055)  # distance grows as the ray flattens
    opaque = opaque * smoothstep(
        0.008, 0.05, np.broadcast_to(view.slopes()[1], opaque.shape).astype(np.float32)
    )
    cloud = cloud * (1 - far[..., None]) + opaque[..., None] * haze[None] * far[..., None]
    return np.asarray(
        sky * (1 - opaque[..., None]) + cloud * (opaque / np.maximum(1 - clear, 1e-4))[..., None],
        np.float32,
    )


def _soften(layer: Pixels) -> Pixels:
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), 0.8), np.float32)
