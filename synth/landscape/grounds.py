"""The kinds of ground: mountains, hills with woods and fields, dunes, snow.

Each function lays one of them in front of a sky. Not here: how relief is seen and lit (`terrain`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.landscape.noise import band, mix, power, ridges, smoothstep
from synth.landscape.terrain import Air, Ground, Hit, cast, ground_shadow, over, shade, slopes_of
from synth.landscape.view import Sun, View, linear

__all__ = ["Light", "add_dunes", "add_hills", "add_mountains", "add_snowfield"]

Pixels = NDArray[np.float32]
Light = tuple[Pixels, Pixels]  # sunlight and ambient light, linear (3,) each
_FINER = 1.6  # the ground is drawn with more pixels than the picture, against jagged outlines


def add_mountains(
    sky: Pixels,
    view: View,
    rng: np.random.Generator,
    *,
    sun: Sun,
    light: Light,
    air: Air,
    snow_km: float = 1.9,
) -> Pixels:
    """Return the sky behind a mountain range with woods below, rock above, and snow on top.

    Args:
        sky: linear (h, w, 3).
        view: camera.
        rng: source of randomness.
        sun: direction of light.
        light: its color, and the sky's.
        air: haze.
        snow_km: height from which snow lies; beyond the summits for none.
    """
    size, texel = 1024, 0.03
    crests = ridges(rng, size, cycles=5, octaves=7, gain=0.48)
    broad = power(rng, size, 2.0, lowest=1.0)
    heights = np.asarray(
        2.9 * crests**1.25 * smoothstep(-1.8, 1.2, broad) + 0.12 * broad, np.float32
    )
    ground, hit = _stand(heights, texel, view, rng, camera_km=0.75, far_km=70)
    rock, roughness = power(rng, 512, 1.0), band(rng, 512, 60)
    height = ground.at(heights, hit.x, hit.z)
    slopes = ground.at(slopes_of(heights, texel), hit.x, hit.z)
    near = np.exp(-hit.z / 9)
    bump = (
        ground.at(slopes_of(roughness, 1.0), hit.x, hit.z, finer=3.0)
        * (0.5 * near + 0.25)[..., None]
    )
    steep = np.hypot(slopes[..., 0], slopes[..., 1])
    patchy = ground.at(rock, hit.x, hit.z, finer=1.7)
    color = mix(linear("#6b6459"), linear("#8d857a"), smoothstep(-1, 1, patchy))
    grass = smoothstep(1.75, 1.15, height + 0.16 * patchy) * smoothstep(1.3, 0.7, steep)
    color = mix(color, linear("#5f6b3c"), grass)
    woods = smoothstep(1.25, 0.85, height + 0.14 * patchy) * smoothstep(1.5, 0.9, steep)
    color = mix(color, linear("#26381f"), woods)
    snow = smoothstep(-0.12, 0.12, height - snow_km + 0.12 * patchy) * smoothstep(1.55, 0.95, steep)
    color = mix(color, linear("#eef2f8"), snow)
    slopes = slopes + bump * (1 - 0.6 * snow)[..., None]
    lit = ground.at(ground_shadow(ground, sun), hit.x, hit.z)
    return over(
        sky, shade(color, slopes, lit, sun, sunlight=light[0], ambient=light[1]), hit, air, view
    )


def add_hills(
    sky: Pixels,
    view: View,
    rng: np.random.Generator,
    *,
    sun: Sun,
    light: Light,
    air: Air,
    autumn: bool = False,
) -> Pixels:
    """Return the sky behind rolling hills with meadows, fields and woods.

    Args:
        sky: linear (h, w, 3).
        view: camera.
        rng: source of randomness.
        sun: direction of light.
        light: its color, and the sky's.
        air: haze.
        autumn: yellow and rust instead of green.
    """
    size, texel = 1024, 0.008
    broad = power(rng, size, 2.3, lowest=2.0)
    heights = np.asarray(0.055 * broad, np.float32)
    wood = smoothstep(0.25, 0.5, power(rng, size, 1.5, lowest=4.0) + 0.35 * broad)
    crowns = np.abs(band(rng, size, 300))
    heights = np.asarray(heights + wood * (0.010 + 0.005 * crowns), np.float32)
    ground, hit = _stand(heights, texel, view, rng, camera_km=0.05, far_km=30)
    turf, plots = power(rng, 512, 0.8), _plots(rng, size)
    woods = ground.at(wood, hit.x, hit.z)
    patchy = ground.at(turf, hit.x, hit.z, finer=4.0) * np.exp(-hit.z / 4) + ground.at(
        turf, hit.x, hit.z
    )
    color = ground.at(plots, hit.x, hit.z) * (1 + 0.09 * patchy)[..., None]
    tree = mix(linear("#1c3216"), linear("#3f5526"), ground.at(crowns, hit.x, hit.z) * 0.6)
    if autumn:
        tints = smoothstep(-1.2, 1.2, ground.at(band(rng, size, 160), hit.x, hit.z))
        tree = mix(
            mix(linear("#4a3a1a"), linear("#a8642a"), tints), tree, np.full_like(tints, 0.25)
        )
    color = mix(color, tree, woods)
    slopes = ground.at(slopes_of(heights, texel), hit.x, hit.z)
    slopes = slopes * np.clip(1 - 0.45 * woods, 0, 1)[..., None]
    blades = ground.at(slopes_of(turf, 1.0), hit.x, hit.z, finer=6.0)
    slopes = slopes + blades * (0.5 * np.exp(-hit.z / 1.2) * (1 - woods))[..., None]
    lit = ground.at(ground_shadow(ground, sun), hit.x, hit.z)
    return over(
        sky, shade(color, slopes, lit, sun, sunlight=light[0], ambient=light[1]), hit, air, view
    )


def _plots(rng: np.random.Generator, size: int) -> Pixels:
    """Return a patchwork of fields (size, size, 3), linear: each point takes the color of its nearest seed."""
    count = 110
    seeds = rng.random((count, 2)) * size
    palette = (
        "#5d7a34",
        "#6c8a3d",
        "#7d9448",
        "#8f9b52",
        "#a89f5a",
        "#4f6b30",
        "#9a8a52",
        "#66803a",
    )
    colors = np.stack([linear(palette[i]) for i in rng.integers(0, len(palette), count)])
    labels = np.ones((size, size), np.uint8)
    labels[seeds[:, 1].astype(int), seeds[:, 0].astype(int)] = 0
    _, nearest = cv2.distanceTransformWithLabels(
        labels, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    patchwork = colors[(nearest - 1) % count]
    return np.asarray(cv2.GaussianBlur(patchwork, (0, 0), 1.2), np.float32)


def add_dunes(
    sky: Pixels, view: View, rng: np.random.Generator, *, sun: Sun, light: Light, air: Air
) -> Pixels:
    """Return the sky behind sand dunes with sharp crests and wind ripples.

    Args:
        sky: linear (h, w, 3).
        view: camera.
        rng: source of randomness.
        sun: direction of light.
        light: its color, and the sky's.
        air: haze.
    """
    size, texel = 1024, 0.004
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    bend = power(rng, size, 2.1, lowest=1.0)
    heights = np.zeros((size, size), np.float32)
    for waves, strength in ((4, 1.0), (9, 0.3)):
        phase = np.mod(
            waves * x
            + (waves // 2) * y
            + 0.55 * bend
            + 0.2 * waves * np.roll(bend, waves * 30, 0) / 4,
            1,
        )
        rise = np.where(
            phase < 0.72, phase / 0.72, (1 - phase) / 0.28
        )  # long windward side, short lee side
        heights += (
            strength * rise**1.3 * (0.6 + 0.4 * smoothstep(-1, 1, np.roll(bend, 200 * waves, 1)))
        )
    heights = np.asarray(cv2.GaussianBlur(heights * 0.055 + 0.03 * bend, (0, 0), 1.2), np.float32)
    ground, hit = _stand(heights, texel, view, rng, camera_km=0.03, far_km=25)
    ripples = _ripples(rng, 512)
    grains = power(rng, 512, 0.7)
    slopes = ground.at(slopes_of(heights, texel), hit.x, hit.z)
    close = np.exp(-hit.z / 0.45)
    slopes = (
        slopes
        + ground.at(slopes_of(ripples, 1.0), hit.x, hit.z, finer=14.0) * (0.9 * close)[..., None]
    )
    tint = smoothstep(-1.6, 1.6, ground.at(grains, hit.x, hit.z))
    color = mix(linear("#c79a63"), linear("#dcb37c"), tint)
    color = color * (1 + 0.05 * close * ground.at(grains, hit.x, hit.z, finer=23.0))[..., None]
    lit = ground.at(ground_shadow(ground, sun), hit.x, hit.z)
    return over(
        sky, shade(color, slopes, lit, sun, sunlight=light[0], ambient=light[1]), hit, air, view
    )


def _ripples(rng: np.random.Generator, size: int) -> Pixels:
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    bend = power(rng, size, 1.8, lowest=2.0)
    return np.asarray(0.5 * np.sin(2 * np.pi * (34 * x + 10 * y + 0.55 * bend)), np.float32)


def add_snowfield(
    sky: Pixels, view: View, rng: np.random.Generator, *, sun: Sun, light: Light, air: Air
) -> Pixels:
    """Return the sky behind snow-covered hills with dark woods.

    Args:
        sky: linear (h, w, 3).
        view: camera.
        rng: source of randomness.
        sun: direction of light.
        light: its color, and the sky's.
        air: haze.
    """
    size, texel = 1024, 0.008
    broad = power(rng, size, 2.2, lowest=1.5)
    wood = smoothstep(0.7, 0.95, power(rng, size, 1.4, lowest=4.0) + 0.3 * broad)
    spikes = np.clip(band(rng, size, 340), -0.5, 2.5)
    drifts = power(rng, size, 1.6, lowest=20)
    heights = np.asarray(
        0.085 * broad + 0.0006 * drifts + wood * (0.012 + 0.008 * spikes), np.float32
    )
    ground, hit = _stand(heights, texel, view, rng, camera_km=0.06, far_km=30)
    woods = ground.at(wood, hit.x, hit.z)
    dusted = smoothstep(0.4, 1.8, ground.at(spikes, hit.x, hit.z))
    tree = mix(linear("#1d2a26"), linear("#7d8b93"), dusted)
    color = mix(linear("#e9eef5"), tree, np.asarray(woods * 0.95, np.float32))
    slopes = (
        ground.at(slopes_of(heights, texel), hit.x, hit.z)
        * np.clip(1 - 0.5 * woods, 0, 1)[..., None]
    )
    crust = power(rng, 512, 1.4, stretch=2.5)
    slopes = (
        slopes
        + ground.at(slopes_of(crust, 1.0), hit.x, hit.z, finer=5.0)
        * np.exp(-hit.z / 1.0)[..., None]
    )
    lit = ground.at(ground_shadow(ground, sun), hit.x, hit.z)
    return over(
        sky, shade(color, slopes, lit, sun, sunlight=light[0], ambient=light[1]), hit, air, view
    )


def _stand(
    heights: Pixels,
    texel_km: float,
    view: View,
    rng: np.random.Generator,
    *,
    camera_km: float,
    far_km: float,
) -> tuple[Ground, Hit]:
    """Return the ground with a camera on one of its higher places, and what that camera sees."""
    size = heights.shape[0]
    places = rng.integers(0, size, (40, 2))
    behind = [float(heights[z, x] - 0.3 * heights[(z + size // 12) % size, x]) for x, z in places]
    x, z = places[int(np.argmax(behind))]
    ground = Ground(heights, texel_km, (float(x), float(z)))
    camera = float(heights[z, x]) + camera_km * 0.35 + 0.002
    return ground, cast(
        view.finer(_FINER), ground, camera_km=camera, near_km=texel_km * 1.5, far_km=far_km
    )
