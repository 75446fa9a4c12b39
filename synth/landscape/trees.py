"""Single trees, drawn as outlines with a sunny side, where a wood stands near the camera.

Flow: ground + what each pixel sees + density of trees -> a layer of color and opacity over the
ground.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.landscape.terrain import Air, Ground, Hit
from synth.landscape.view import Sun, View

__all__ = ["Stand", "plant"]

Pixels = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Stand:
    """Which trees grow, and how thick."""

    dark: Pixels  # shaded color, linear (3,), already lit
    bright: Pixels  # sunny color, linear (3,), already lit
    conifers: float  # share of pointed trees
    height_km: float = 0.016
    near_km: float = 0.3
    far_km: float = 1.6
    per_km2: float = 2600.0


def plant(
    color: Pixels,
    hit: Hit,
    view: View,
    ground: Ground,
    wood: Pixels,
    stand: Stand,
    *,
    camera_km: float,
    sun: Sun,
    air: Air,
    rng: np.random.Generator,
) -> tuple[Pixels, Hit]:
    """Return ground color and hits with trees in front; a tree's pixels take its distance.

    Args:
        color: light of the ground (h, w, 3), of the hit's size.
        hit: what each pixel sees.
        view: camera of the hit's size.
        ground: relief.
        wood: density of trees in 0..1, a texture of the ground.
        stand: which trees.
        camera_km: height of the camera above zero.
        sun: its side of a tree is brighter.
        air: not applied here, but trees too deep in haze are not worth drawing.
        rng: source of randomness.
    """
    half = 0.62 / view.focal_ratio
    far = min(stand.far_km, air.range_km)
    count = int(stand.per_km2 * half * (far**2 - stand.near_km**2))
    z = np.sqrt(rng.uniform(stand.near_km**2, far**2, count)).astype(np.float32)
    x = (rng.uniform(-half, half, count) * z).astype(np.float32)
    x, z = x[None], z[None]
    keep = rng.random(count) < ground.at(wood, x, z)[0]
    base = ground.at(ground.heights, x, z)[0][keep]
    x, z = x[0][keep], z[0][keep]
    columns = view.width / 2 + view.focal_px * x / z
    rows = view.horizon_px - view.focal_px * (base - camera_km) / z
    color, depth, mask = color.copy(), hit.z.copy(), hit.mask.astype(np.uint8)
    side = np.sign(sun.direction()[0]) or 1.0
    for i in np.argsort(-z):
        row, column = int(rows[i]), int(columns[i])
        inside = 0 <= column < view.width and 0 <= row < view.height
        # Hidden behind a nearer slope: that slope is what the pixel at the foot sees.
        if (
            inside
            and hit.z[max(row - 2, 0), column] < z[i] * 0.93
            and hit.mask[max(row - 2, 0), column]
        ):
            continue
        height = view.focal_px * stand.height_km * rng.uniform(0.6, 1.25) / z[i]
        tree = (_conifer if rng.random() < stand.conifers else _round)(rng, height)
        tone = rng.uniform(0.75, 1.2) * (1 + rng.normal(0, 0.05, 3))
        for shape, share in tree:
            offset = np.array((columns[i] + 0.0, rows[i] + 0.08 * height))
            points = np.rint((shape + offset) * 8).astype(np.int32)
            shown = (stand.dark * (1 - share) + stand.bright * share) * tone
            mirrored = points.copy()
            if side < 0:
                mirrored[:, 0] = 2 * round(columns[i] * 8) - mirrored[:, 0]
            cv2.fillPoly(color, [mirrored], shown.tolist(), shift=3)
            cv2.fillPoly(depth, [mirrored], float(z[i]), shift=3)
            cv2.fillPoly(mask, [mirrored], 1, shift=3)
    return color, Hit(hit.x, depth, mask.astype(bool))


def _conifer(rng: np.random.Generator, height: float) -> list[tuple[Pixels, float]]:
    """Return outlines (points above the foot, y down) of a spruce with their share of sun."""
    tiers = int(np.clip(height / 5, 3, 9))
    outlines = []
    for share, width in ((0.0, 0.2), (0.55, 0.12)):
        left, right = [], []
        for tier in range(tiers + 1):
            level = tier / tiers
            out = height * width * level**0.85
            top = height * (level - 1)
            jag = 0.62 if tier < tiers else 1.0
            right += [(out * rng.uniform(0.85, 1.15), top), (out * jag, top + 0.01 * height)]
            left += [(-out * rng.uniform(0.85, 1.15), top), (-out * jag, top + 0.01 * height)]
        if share:  # the sunny side reaches from the trunk to the right
            left = [(0.02 * height, y) for _, y in left]
        outlines.append((np.array(right + left[::-1], np.float32), share))
    return outlines


def _round(rng: np.random.Generator, height: float) -> list[tuple[Pixels, float]]:
    """Return outlines of a broad-leaved tree: a dark crown, brighter lobes towards the sun."""
    outlines = []
    angles = np.linspace(0, 2 * np.pi, 14 if height < 25 else 26, endpoint=False)
    lobes = [(0.0, -0.52, 0.42, 0.0), (-0.16, -0.42, 0.3, 0.08), (0.18, -0.4, 0.3, 0.25)]
    lobes += [(0.1, -0.66, 0.25, 0.5), (0.22, -0.5, 0.17, 0.7), (-0.02, -0.76, 0.15, 0.75)]
    lobes += [
        (rng.uniform(-0.1, 0.3), rng.uniform(-0.75, -0.35), 0.09, rng.uniform(0.5, 1))
        for _ in range(4)
    ]
    for x, y, radius, share in lobes:
        ragged = radius * rng.uniform(0.82, 1.12, len(angles))
        x, y = x + rng.normal(0, 0.03), y + rng.normal(0, 0.03)
        points = np.stack([(x + ragged * np.cos(angles)), (y + ragged * np.sin(angles) * 0.9)], 1)
        points[:, 1] = np.minimum(points[:, 1], 0.0)
        outlines.append(((points * height).astype(np.float32), share))
    return outlines
