"""The light on a pasted object: that of its place, of the hour, and of the side it is seen from.

In: a premultiplied cutout and the picture it goes into. Out: the cutout as that scene would show
it. Its colors stay nameable, except against the light, where the object is black and said to be.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["light_object"]

Pixels = NDArray[np.float32]

_SILHOUETTE_RATIO = 0.06
_SHADED_RATIO = 0.5
_WARM_RATIO = 0.35
_REFLECTING_RATIO = 0.35
_UNEVEN_RATIO = 0.3
_DIM_RATIO = 0.2
# What lies below: fields, dry grass, sand, sea, concrete.
_GROUNDS = np.array(
    [(92, 118, 62), (150, 140, 84), (196, 160, 112), (60, 104, 122), (140, 140, 136)], np.float32
)


def light_object(sprite: Pixels, canvas: Pixels, rng: np.random.Generator) -> tuple[Pixels, bool]:
    """Return the object in the scene's light, and whether it stands against the light.

    Args:
        sprite: (h, w, 4) premultiplied RGBA, 0 to 255.
        canvas: (H, W, 3) picture that it will be pasted on, 0 to 255.
        rng: Draws what happens.
    """
    alpha = sprite[..., 3:] / 255
    color = sprite[..., :3]
    scene = canvas.mean((0, 1))
    silhouette = bool(rng.random() < _SILHOUETTE_RATIO and scene.mean() > 90)
    if silhouette:
        color = color * rng.uniform(0.03, 0.2)
    else:
        color = _adapt(color, alpha, scene, rng)
        if rng.random() < _SHADED_RATIO:
            color = color * _draw_shading(color.shape[:2], rng)
        if rng.random() < _WARM_RATIO:
            warmth = rng.normal(0.04, 0.1)  # a low sun, or the blue of an open shade
            color = color * np.array([1 + warmth, 1 + 0.3 * warmth, 1 - warmth])
    if rng.random() < 0.3:  # air between
        haze = rng.uniform(0, 0.3)
        color = color * (1 - haze) + scene * haze * alpha
    if not silhouette:
        color = _vary_contrast(color, alpha, rng)
        if rng.random() < _REFLECTING_RATIO:
            color = color * _draw_reflections(color.shape[0], canvas, rng)
        if rng.random() < _UNEVEN_RATIO:
            color = color * _draw_wear(color.shape[:2], rng)
        if rng.random() < _DIM_RATIO and scene.mean() > 100:
            color = color * rng.uniform(0.42, 0.85)  # its shaded side, before a bright sky
    color = np.clip(color, 0, 255 * alpha)
    result = np.concatenate([color, sprite[..., 3:]], axis=2).astype(np.float32)
    if rng.random() < 0.2:
        result = cv2.GaussianBlur(result, (0, 0), rng.uniform(0.3, 0.8))
    return result, silhouette


def _adapt(
    color: Pixels, alpha: Pixels, scene: NDArray[np.float32], rng: np.random.Generator
) -> Pixels:
    """Half of the objects take on some of the scene's lightness and tint."""
    if rng.random() >= 0.5:
        return color
    mean = color.sum((0, 1)).mean() / max(float(alpha.sum()), 1e-3)
    strength = rng.uniform(0, 0.3)
    lightness = np.clip(scene.mean() / max(float(mean), 10), 0.6, 1.5)
    tint = scene / max(float(scene.mean()), 5)
    return color * (1 + strength * (lightness - 1)) * (1 + 0.2 * strength * (tint - 1))


def _draw_shading(shape: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Hard light from one side, mostly from above: gains (h, w, 1) from a dark to a lit side."""
    height, width = shape
    angle = rng.normal(math.pi / 2, 0.7)
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    away = rows * math.sin(angle) + columns * math.cos(angle) + rng.uniform(-0.5, 0.5)
    dark, lit = rng.uniform(0.4, 0.9), rng.uniform(0.95, 1.25)
    share = 1 / (1 + np.exp(-away * rng.uniform(1.5, 6)))  # soft on a tube, hard at an edge
    return (lit + (dark - lit) * share)[..., None].astype(np.float32)


def _draw_reflections(height: int, canvas: Pixels, rng: np.random.Generator) -> Pixels:
    """The sky on what faces up and the ground on what faces down: gains (height, 1, 3)."""
    sky = canvas[: max(1, len(canvas) // 3)].mean((0, 1))
    ground = _GROUNDS[int(rng.integers(len(_GROUNDS)))]
    above, below = (light / max(float(light.mean()), 5) for light in (sky, ground))
    depth = np.linspace(0, 1, height, dtype=np.float32)[:, None, None] ** rng.uniform(0.5, 2)
    tint = above * (1 - depth) + below * depth
    return (1 + rng.uniform(0.1, 0.45) * (tint - 1)).astype(np.float32)


def _draw_wear(shape: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Dirt, faded paint and highlights: smooth gains (h, w, 1) around 1."""
    cells = rng.normal(1, rng.uniform(0.04, 0.16), tuple(rng.integers(3, 9, 2)))
    height, width = shape
    gains = cv2.resize(cells.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(gains, 0.5, 1.6)[..., None]


def _vary_contrast(color: Pixels, alpha: Pixels, rng: np.random.Generator) -> Pixels:
    """Harder or softer light within the object, and paint that is fuller or paler."""
    if rng.random() < 0.5:
        middle = color.sum() / 3 / max(float(alpha.sum()), 1e-3) * alpha
        color = (color - middle) * rng.uniform(0.75, 1.4) + middle * rng.uniform(0.75, 1.3)
    if rng.random() < 0.3:
        grey = color.mean(2, keepdims=True)
        color = grey + (color - grey) * rng.uniform(0.65, 1.4)
    return color
