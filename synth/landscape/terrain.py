"""Ground with relief, seen in perspective: mountains, hills, dunes, snow.

A column of the picture is a vertical plane through the camera. Walking outwards along all columns
at once, the ground's outline on the picture is known for each distance; a pixel shows the first
distance whose outline reaches up to it. Flow: heights (repeating texture) + view -> per pixel the
world position, or sky.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.landscape.noise import sample, smoothstep
from synth.landscape.view import Sun, View

__all__ = [
    "Air",
    "Ground",
    "Hit",
    "Setting",
    "cast",
    "close_up",
    "ground_shadow",
    "lay",
    "over",
    "shade",
    "slopes_of",
]

Pixels = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A relief that repeats for ever. Lengths in kilometers."""

    heights: Pixels  # (n, n)
    texel_km: float
    offset: tuple[float, float] = (0.0, 0.0)  # where the camera stands, in texels

    def at(self, texture: Pixels, x: Pixels, z: Pixels, *, finer: float = 1.0) -> Pixels:
        """Return a texture at world positions, repeated `finer` times as often as the relief."""
        u = (x / self.texel_km + self.offset[0]) * finer
        v = (z / self.texel_km + self.offset[1]) * finer
        return sample(texture, np.asarray(u, np.float32), np.asarray(v, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """What each pixel sees: world x and z in kilometers, and whether it is ground; all (h, w)."""

    x: Pixels
    z: Pixels
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Air:
    """What lies between the camera and the ground."""

    haze: Pixels  # linear (w, 3): color of the sky at the horizon
    range_km: float  # at this distance about two thirds of the color is haze


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Everything a painter of ground needs to know of the rest of the picture."""

    view: View
    sun: Sun
    sunlight: Pixels  # linear (3,)
    ambient: Pixels  # light from the sky, linear (3,)
    air: Air


def cast(
    view: View,
    ground: Ground,
    *,
    camera_km: float,
    near_km: float = 0.05,
    far_km: float = 60.0,
    steps: int = 900,
    rise_km: float = 0.0,
) -> Hit:
    """Return what each pixel sees.

    Args:
        view: camera.
        ground: relief.
        camera_km: height of the camera above zero.
        near_km: where the walk begins.
        far_km: where it ends.
        steps: places on the way, their distances growing in equal proportion.
        rise_km: the relief grows from nothing at `near_km` to its full height this much further.
    """
    x_slope, _ = view.slopes()
    distance = np.geomspace(near_km, far_km, steps).astype(np.float32)[:, None]
    height = ground.at(
        ground.heights, x_slope * distance, np.broadcast_to(distance, (steps, view.width))
    )
    if rise_km > 0:
        height = height * smoothstep(near_km, near_km + rise_km, distance)
    outline = (
        view.horizon_px - view.focal_px * (height - camera_km) / distance
    )  # row, per step and column
    reached = np.minimum.accumulate(outline, axis=0)
    z = np.zeros((view.height, view.width), np.float32)
    rows = np.arange(view.height, dtype=np.float32) + 0.5
    for column in range(view.width):
        step = np.searchsorted(-reached[:, column], -rows)
        inside = step < steps
        after = np.minimum(step, steps - 1)
        before = np.maximum(after - 1, 0)
        low, high = outline[before, column], outline[after, column]
        share = np.clip((low - rows) / np.maximum(low - high, 1e-4), 0, 1)
        z[:, column] = (distance[before, 0] * (1 - share) + distance[after, 0] * share) * inside
    return Hit(np.asarray(x_slope * z, np.float32), z, z > 0)


def close_up(texture: Pixels, ground: Ground, hit: Hit, *, reach_km: float = 3.0) -> Pixels:
    """Return detail that stays fine near the camera: the texture repeated at four scales.

    Args:
        texture: (n, n) or (n, n, channels), mean 0.
        ground: whose texels it is laid on.
        hit: what each pixel sees.
        reach_km: distance at which the coarsest repetition has faded.
    """
    total = None
    for finer in (4.0, 16.0, 64.0, 256.0):
        fade = np.exp(-hit.z * finer / (4 * reach_km)).astype(np.float32)
        layer = ground.at(texture, hit.x, hit.z, finer=finer)
        layer = layer * (fade if layer.ndim == 2 else fade[..., None])
        total = layer if total is None else total + layer
    assert total is not None
    return np.asarray(total, np.float32)


def slopes_of(heights: Pixels, texel_km: float) -> Pixels:
    """Return the slope along x and along z (n, n, 2) of a repeating relief."""
    dx = (np.roll(heights, -1, 1) - np.roll(heights, 1, 1)) / (2 * texel_km)
    dz = (np.roll(heights, -1, 0) - np.roll(heights, 1, 0)) / (2 * texel_km)
    return np.asarray(np.dstack([dx, dz]), np.float32)


def ground_shadow(ground: Ground, sun: Sun) -> Pixels:
    """Return how much sun reaches each texel (n, n), 0 to 1, behind the relief around it.

    Args:
        ground: relief.
        sun: direction of light.
    """
    sx, sy, sz = sun.direction()
    flat = max(float(np.hypot(sx, sz)), 1e-3)
    fall = max(sy, 0.03) / flat * ground.texel_km  # height lost per texel away from the sun
    highest = ground.heights.copy()
    reach = 1
    while reach < 200:  # doubling: after k rounds the shadows of 2^k texels are in
        moved = _rolled(highest, -sx / flat * reach, -sz / flat * reach) - reach * fall
        highest = np.maximum(highest, moved)
        reach *= 2
    soft = np.asarray(cv2.GaussianBlur(highest - ground.heights, (0, 0), 0.8), np.float32)
    return 1 - smoothstep(0.0, 4.0 * ground.texel_km * max(sy, 0.1), soft)


def _rolled(field: Pixels, by_x: float, by_z: float) -> Pixels:
    return np.roll(field, (round(by_z), round(by_x)), (0, 1))


def shade(
    albedo: Pixels, slopes: Pixels, lit: Pixels, sun: Sun, *, sunlight: Pixels, ambient: Pixels
) -> Pixels:
    """Return the light (h, w, 3) that matt ground sends back.

    Args:
        albedo: its color, linear (h, w, 3).
        slopes: (h, w, 2), along x and z.
        lit: share of the sun that arrives (h, w).
        sun: direction of light.
        sunlight: linear (3,).
        ambient: light from the sky, linear (3,).
    """
    sx, sy, sz = sun.direction()
    length = np.sqrt(1 + slopes[..., 0] ** 2 + slopes[..., 1] ** 2)
    facing = np.clip((sy - slopes[..., 0] * sx - slopes[..., 1] * sz) / length, 0, 1)
    upward = 0.55 + 0.45 / length
    light = (facing * lit)[..., None] * sunlight + upward[..., None] * ambient
    return np.asarray(albedo * light, np.float32)


def over(sky: Pixels, color: Pixels, hit: Hit, air: Air, view: View) -> Pixels:
    """Return the ground in front of the sky, dimmed and tinted by the air, at the view's size.

    Args:
        sky: linear (h, w, 3), of the view's size.
        color: light of the ground, of the hit's size, which may be finer.
        hit: what each pixel sees.
        air: haze.
        view: camera, with the size of the result.
    """
    haze = cv2.resize(air.haze[None], (hit.z.shape[1], 1), interpolation=cv2.INTER_LINEAR)
    # Blue light is scattered most: far ground first turns blue, then takes the color of the
    # horizon.
    through = np.exp(-(hit.z[..., None] / air.range_km) * np.array((0.85, 1.0, 1.22), np.float32))
    color = color * through + haze * (1 - through)
    opaque = hit.mask.astype(np.float32)
    size = (view.width, view.height)
    small = cv2.resize(color * opaque[..., None], size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(opaque, size, interpolation=cv2.INTER_AREA)
    return np.asarray(sky * (1 - share[..., None]) + small, np.float32)


def lay(
    sky: Pixels, setting: Setting, ground: Ground, hit: Hit, albedo: Pixels, slopes: Pixels
) -> Pixels:
    """Return the sky with this ground in front of it, lit and in its own shadow.

    Args:
        sky: linear (h, w, 3).
        setting: camera, light and air.
        ground: relief.
        hit: what each pixel sees.
        albedo: color of the ground, of the hit's size.
        slopes: (h, w, 2), of the hit's size.
    """
    lit = ground.at(ground_shadow(ground, setting.sun), hit.x, hit.z)
    light = shade(
        albedo, slopes, lit, setting.sun, sunlight=setting.sunlight, ambient=setting.ambient
    )
    return over(sky, light, hit, setting.air, setting.view)
