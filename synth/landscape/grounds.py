"""The kinds of ground: mountains, hills with woods and fields, dunes, snow.

Each function lays one of them in front of a sky. Not here: how relief is seen and lit (`terrain`),
single trees (`trees`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.landscape.noise import band, mix, power, ridges, smoothstep
from synth.landscape.terrain import (
    Ground,
    Hit,
    Setting,
    cast,
    close_up,
    ground_shadow,
    lay,
    over,
    shade,
    slopes_of,
)
from synth.landscape.trees import Stand, plant
from synth.landscape.view import linear

__all__ = ["add_dunes", "add_hills", "add_mountains", "add_snowfield"]

Pixels = NDArray[np.float32]
_SIZE = 1024  # texels across the repeating relief
_FINER = 1.6  # the ground is drawn with more pixels than the picture, against jagged outlines


def add_mountains(
    sky: Pixels, setting: Setting, rng: np.random.Generator, *, snow_ratio: float, near_km: float
) -> Pixels:
    """Return the sky behind a mountain range: woods below, rock above, snow on top.

    The range stands at a distance; lay hills in front of its foot.

    Args:
        sky: linear (h, w, 3).
        setting: camera, light and air.
        rng: source of randomness.
        snow_ratio: share of the heights above the snow line, 0 for none.
        near_km: distance at which the range begins.
    """
    texel = 0.036
    broad = power(rng, _SIZE, 2.0, lowest=1.0)
    crests = ridges(rng, _SIZE, cycles=5, octaves=7, gain=0.52)
    heights = np.asarray(2.1 * crests * smoothstep(-2.4, 1.4, broad) + 0.05 * broad, np.float32)
    ground = Ground(heights, texel, (float(rng.uniform(0, _SIZE)), float(rng.uniform(0, _SIZE))))
    floor = float(np.quantile(heights, 0.25))
    hit = cast(
        setting.view.finer(_FINER), ground, camera_km=floor, near_km=near_km, far_km=75, rise_km=5
    )
    height = ground.at(heights, hit.x, hit.z)
    slopes = ground.at(slopes_of(heights, texel), hit.x, hit.z)
    steep = np.hypot(slopes[..., 0], slopes[..., 1])
    rock = power(rng, 512, 1.0)
    patchy = ground.at(rock, hit.x, hit.z, finer=2.3) + 0.5 * ground.at(rock, hit.x, hit.z, finer=9)
    low, high = (float(v) for v in np.quantile(heights, (0.3, 0.995)))
    level = (height - low) / (high - low) + 0.06 * patchy
    color = mix(linear("#655f57"), linear("#91897e"), smoothstep(-1.2, 1.2, patchy))
    color = mix(
        color, linear("#6a7048"), smoothstep(0.58, 0.4, level) * smoothstep(1.0, 0.5, steep)
    )
    color = mix(
        color, linear("#2c3d24"), smoothstep(0.4, 0.24, level) * smoothstep(1.2, 0.6, steep)
    )
    line = 1.02 - 0.75 * snow_ratio
    snow = smoothstep(line - 0.07, line + 0.07, level - 0.12 * steep) * smoothstep(1.5, 0.9, steep)
    snow = snow * float(snow_ratio > 0)
    color = mix(color, linear("#eef2f8"), np.asarray(snow, np.float32))
    roughness = slopes_of(band(rng, 512, 60), 1.0)
    bump = ground.at(roughness, hit.x, hit.z, finer=4.0) * (0.55 * (1 - 0.6 * snow))[..., None]
    return lay(sky, setting, ground, hit, color, slopes + bump)


def add_hills(
    sky: Pixels,
    setting: Setting,
    rng: np.random.Generator,
    *,
    autumn: bool = False,
    relief: float = 1.0,
) -> Pixels:
    """Return the sky behind rolling hills with meadows, fields and woods.

    Args:
        sky: linear (h, w, 3).
        setting: camera, light and air.
        rng: source of randomness.
        autumn: yellow and rust instead of green.
        relief: height of the hills; 1 rises about 200 m.
    """
    broad = power(rng, _SIZE, 2.4, lowest=2.0)
    woods = smoothstep(0.2, 0.4, power(rng, _SIZE, 1.5, lowest=5.0) + 0.3 * broad)
    crowns = np.abs(band(rng, _SIZE, 330))
    plots = _plots(rng, autumn=autumn)
    stand = Stand(linear("#182a12"), linear("#55692f"), conifers=0.25)
    if autumn:
        stand = Stand(linear("#33240f"), linear("#b0702c"), conifers=0.15)
    shapes = (np.asarray(0.05 * relief * broad, np.float32), woods, crowns)
    return _wooded(sky, setting, rng, shapes, plots, stand)


def add_snowfield(sky: Pixels, setting: Setting, rng: np.random.Generator) -> Pixels:
    """Return the sky behind snow-covered hills with dark spruce woods.

    Args:
        sky: linear (h, w, 3).
        setting: camera, light and air.
        rng: source of randomness.
    """
    broad = power(rng, _SIZE, 2.3, lowest=1.5)
    woods = smoothstep(0.5, 0.8, power(rng, _SIZE, 1.4, lowest=5.0) + 0.3 * broad)
    crowns = np.clip(band(rng, _SIZE, 340), -0.5, 2.5)
    drifts = power(rng, _SIZE, 1.6, lowest=20)
    snow = np.broadcast_to(linear("#f7f9fd"), (_SIZE, _SIZE, 3)).astype(np.float32)
    stand = Stand(linear("#17211f"), linear("#8795a0"), conifers=1.0, height_km=0.014)
    shapes = (np.asarray(0.075 * broad + 0.0005 * drifts, np.float32), woods, crowns)
    return _wooded(sky, setting, rng, shapes, snow, stand, smooth=0.35)


def _wooded(
    sky: Pixels,
    setting: Setting,
    rng: np.random.Generator,
    shapes: tuple[Pixels, Pixels, Pixels],
    open_ground: Pixels,
    stand: Stand,
    *,
    smooth: float = 1.0,
) -> Pixels:
    """Lay open ground with woods: crowns as bumps far away, single trees near the camera."""
    texel = 0.008
    bare, woods, crowns = shapes
    place = _viewpoint(bare, rng)
    distant = woods * _clearing(place, radius=stand.far_km * 0.8 / texel)
    nearby = woods * _clearing(place, radius=stand.near_km / texel)
    heights = np.asarray(bare + distant * (0.008 + 0.003 * crowns), np.float32)
    camera = float(bare[place[1], place[0]]) + 0.022
    ground, hit = _stand(heights, texel, setting, place, camera, far_km=30)
    turf = power(rng, 512, 0.7)
    canopy = np.asarray(ground.at(woods, hit.x, hit.z) * smoothstep(0.5, 1.5, hit.z), np.float32)
    far_turf = ground.at(turf, hit.x, hit.z)
    grain = (0.08 * far_turf + 0.07 * close_up(turf, ground, hit)) * (0.3 + 0.7 * smooth)
    grown = ground.at(open_ground, hit.x, hit.z) * (1 + grain)[..., None]
    leaves = mix(stand.dark, stand.bright, np.clip(ground.at(crowns, hit.x, hit.z) * 0.45, 0, 1))
    color = mix(grown, leaves, canopy)
    slopes = ground.at(slopes_of(heights, texel), hit.x, hit.z) * (1 - 0.5 * canopy)[..., None]
    blades = close_up(slopes_of(turf, 1.0), ground, hit) * (0.28 * smooth * (1 - canopy))[..., None]
    lit = ground.at(ground_shadow(ground, setting.sun), hit.x, hit.z)
    light = shade(
        color,
        np.asarray(slopes + blades, np.float32),
        lit,
        setting.sun,
        sunlight=setting.sunlight,
        ambient=setting.ambient,
    )
    lamp = setting.ambient * 0.9 + setting.sunlight * 0.25
    sunny = setting.ambient * 0.9 + setting.sunlight * 0.75
    trees = Stand(
        stand.dark * lamp,
        stand.bright * sunny,
        stand.conifers,
        stand.height_km,
        stand.near_km,
        stand.far_km,
    )
    light, hit = plant(
        light,
        hit,
        setting.view.finer(_FINER),
        ground,
        nearby,
        trees,
        camera_km=camera,
        sun=setting.sun,
        air=setting.air,
        rng=rng,
    )
    return over(sky, light, hit, setting.air, setting.view)


def _plots(rng: np.random.Generator, *, autumn: bool) -> Pixels:
    """Return a patchwork of fields (n, n, 3), linear: a point has the color of its nearest seed."""
    green = ("#67733f", "#73804a", "#5b6b3b", "#858a54", "#9c9562", "#51623a", "#8b8355", "#6d7b45")
    brown = ("#8d8350", "#a08f57", "#7d7547", "#94794a", "#6f7344", "#ab9a63", "#7a6a45", "#868051")
    palette = brown if autumn else green
    count = 110
    seeds = (rng.random((count, 2)) * _SIZE).astype(int)
    colors = np.stack([linear(palette[i]) for i in rng.integers(0, len(palette), count)])
    labels = np.ones((_SIZE, _SIZE), np.uint8)
    labels[seeds[:, 1], seeds[:, 0]] = 0
    _, nearest = cv2.distanceTransformWithLabels(
        labels, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return np.asarray(cv2.GaussianBlur(colors[(nearest - 1) % count], (0, 0), 1.2), np.float32)


def add_dunes(sky: Pixels, setting: Setting, rng: np.random.Generator) -> Pixels:
    """Return the sky behind sand dunes with sharp crests and wind ripples.

    Args:
        sky: linear (h, w, 3).
        setting: camera, light and air.
        rng: source of randomness.
    """
    texel = 0.004
    y, x = np.mgrid[0:_SIZE, 0:_SIZE].astype(np.float32) / _SIZE
    bend = power(rng, _SIZE, 2.2, lowest=1.0)
    heights = np.zeros((_SIZE, _SIZE), np.float32)
    for waves, strength in ((5, 1.0), (11, 0.16)):
        wobble = 0.34 * bend + 0.1 * np.roll(bend, waves * 30, 0)
        phase = np.mod(waves * x + (waves // 2) * y + wobble, 1)
        rise = np.where(phase < 0.74, phase / 0.74, (1 - phase) / 0.26)  # long windward, short lee
        strong = 0.35 + 0.65 * smoothstep(-1, 1.2, np.roll(bend, 200 * waves, 1))
        heights += strength * rise**1.3 * strong
    heights = np.asarray(cv2.GaussianBlur(heights * 0.085 + 0.02 * bend, (0, 0), 1.0), np.float32)
    place = _viewpoint(heights, rng)
    camera = float(heights[place[1], place[0]]) + 0.014
    ground, hit = _stand(heights, texel, setting, place, camera, far_km=25)
    ripples, grains = slopes_of(_ripples(rng, 512), 1.0), power(rng, 512, 0.7)
    close = np.exp(-hit.z / 0.5)
    slopes = ground.at(slopes_of(heights, texel), hit.x, hit.z)
    slopes = slopes + ground.at(ripples, hit.x, hit.z, finer=14.0) * (1.1 * close)[..., None]
    tint = smoothstep(-1.6, 1.6, ground.at(grains, hit.x, hit.z))
    color = mix(linear("#d6aa74"), linear("#e8c692"), tint)
    color = color * (1 + 0.04 * close_up(grains, ground, hit, reach_km=1.0))[..., None]
    return lay(sky, setting, ground, hit, color, np.asarray(slopes, np.float32))


def _ripples(rng: np.random.Generator, size: int) -> Pixels:
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    bend = power(rng, size, 1.8, lowest=2.0)
    return np.asarray(0.5 * np.sin(2 * np.pi * (34 * x + 10 * y + 0.55 * bend)), np.float32)


def _viewpoint(heights: Pixels, rng: np.random.Generator) -> tuple[int, int]:
    """Return (column, row) of one of the higher places, with lower ground in front of it."""
    places = rng.integers(0, _SIZE, (40, 2))
    ahead = (5, 12, 30, 80)
    gain = [
        float(2 * heights[z, x] - max(heights[(z + a) % _SIZE, x] for a in ahead))
        for x, z in places
    ]
    x, z = places[int(np.argmax(gain))]
    return int(x), int(z)


def _clearing(place: tuple[int, int], *, radius: float) -> Pixels:
    """Return 0 around a place and 1 away from it (n, n), across the seam too."""
    x = np.abs(np.arange(_SIZE) - place[0])
    z = np.abs(np.arange(_SIZE) - place[1])
    x, z = np.minimum(x, _SIZE - x), np.minimum(z, _SIZE - z)
    away = np.hypot(x[None, :], z[:, None]).astype(np.float32)
    return smoothstep(radius * 0.8, radius * 1.1, away)


def _stand(
    heights: Pixels,
    texel_km: float,
    setting: Setting,
    place: tuple[int, int],
    camera_km: float,
    *,
    far_km: float,
) -> tuple[Ground, Hit]:
    """Return the ground with the camera above a place, and what that camera sees."""
    ground = Ground(heights, texel_km, (float(place[0]), float(place[1])))
    view = setting.view.finer(_FINER)
    return ground, cast(view, ground, camera_km=camera_km, near_km=texel_km * 0.7, far_km=far_km)
