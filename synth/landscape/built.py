"""What people build: a town's skyline, an airfield.

Flow: linear sky (h, w, 3) + setting -> the same with buildings or a runway.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.landscape.noise import mix, power, profile, smoothstep
from synth.landscape.terrain import Ground, Setting, cast, close_up, over, shade, slopes_of
from synth.landscape.trees import Stand, plant
from synth.landscape.view import linear

__all__ = ["add_airfield", "add_skyline"]

Pixels = NDArray[np.float32]
_FINE = 2  # buildings are drawn twice as large, then averaged
_WALLS = ("#8d8a86", "#a79f94", "#7c868f", "#5f7284", "#93826f", "#b3aca2", "#6d7780", "#84705f")


def add_skyline(
    sky: Pixels,
    setting: Setting,
    rng: np.random.Generator,
    *,
    lights_ratio: float,
    tallest_ratio: float = 0.34,
) -> Pixels:
    """Return the sky behind the buildings of a town that stand on the horizon, four rows deep.

    Args:
        sky: linear (h, w, 3).
        setting: camera, light and air.
        rng: source of randomness.
        lights_ratio: share of windows that are lit.
        tallest_ratio: height of the tallest building over that of the picture.
    """
    view = setting.view
    for row in range(4):
        nearness = (row + 1) / 4
        width, height = view.width * _FINE, view.height * _FINE
        layer = np.zeros((height, width, 4), np.float32)
        skyline = profile(rng, 64, 0.6)
        column = int(rng.integers(-60, 0))
        while column < width:
            wide = int(rng.integers(22, 60) * (0.7 + 0.9 * nearness) * _FINE / 1.6)
            wave = 1 + 0.35 * float(skyline[int(np.clip(column / width, 0, 0.99) * 64)])
            share = np.clip(rng.gamma(4, 0.13) * wave, 0.12, 1.0) * (1.15 - 0.7 * nearness)
            foot = round(view.horizon_px * _FINE)
            top = foot - max(int(share * tallest_ratio * height), 8 * _FINE)
            _building(layer, (column, top, column + wide, foot), setting, rng, lights_ratio)
            column += int(wide * rng.uniform(0.72, 1.25))
        sky = _behind_air(sky, layer, setting, distance_km=9.0 * (1.05 - nearness))
    return sky


def _behind_air(sky: Pixels, layer: Pixels, setting: Setting, *, distance_km: float) -> Pixels:
    small = cv2.resize(layer, (sky.shape[1], sky.shape[0]), interpolation=cv2.INTER_AREA)
    through = np.exp(-distance_km / setting.air.range_km)
    color = small[..., :3] * through + setting.air.haze[None] * (1 - through) * small[..., 3:]
    return np.asarray(sky * (1 - small[..., 3:]) + color, np.float32)


def _building(
    layer: Pixels,
    box: tuple[int, int, int, int],
    setting: Setting,
    rng: np.random.Generator,
    lights: float,
) -> None:
    """Draw one building into `layer`, which holds color and opacity."""
    left, top, right, foot = box
    wall = linear(_WALLS[int(rng.integers(len(_WALLS)))]) * rng.uniform(0.7, 1.15)
    sx, _, sz = setting.sun.direction()
    front = setting.ambient * 0.8 + setting.sunlight * max(-sz, 0.0) * 0.8
    flank = setting.ambient * 0.75 + setting.sunlight * abs(sx) * 0.75
    edge = left + int(
        (right - left) * (rng.uniform(0.62, 0.85) if sx > 0 else rng.uniform(0.15, 0.38))
    )
    faces = ((left, edge, front if sx > 0 else flank), (edge, right, flank if sx > 0 else front))
    style, storey = int(rng.integers(3)), int(rng.integers(5, 8)) * _FINE // 2
    for start, end, light in faces:
        _rectangle(layer, (start, top, end, foot), wall * light)
        _windows(layer, (start, top, end, foot), wall, light, (style, storey), rng, lights)
    if rng.random() < 0.55:  # plant room on the roof
        inner = sorted(rng.integers(left, max(right, left + 2), 2).tolist())
        _rectangle(
            layer,
            (inner[0], top - int(rng.integers(3, 9)) * _FINE, inner[1] + 2, top),
            wall * front,
        )
    if rng.random() < 0.2:
        mast = int((left + right) / 2)
        _rectangle(
            layer,
            (mast, top - int(rng.integers(12, 45)) * _FINE, mast + 1, top),
            wall * 0.5 * front,
        )


def _rectangle(layer: Pixels, box: tuple[int, int, int, int], color: Pixels) -> None:
    left, top, right, bottom = (max(int(v), 0) for v in box)
    layer[top:bottom, left:right, :3] = color
    layer[top:bottom, left:right, 3] = 1


def _windows(
    layer: Pixels, box: tuple[int, int, int, int], wall: Pixels, light: Pixels, look: tuple[int,
        int],
    rng: np.random.Generator, lights: float,
) -> None:  # fmt: skip
    """Draw panes (0), bands of glass (1) or a glass front (2), some of them lit."""
    left, top, right, bottom = box
    style, storey = look
    glass = (0.25 * _mirrored(light) + 0.1 * light) * np.array((0.75, 0.9, 1.1), np.float32)
    warm = np.stack([linear("#ffd089"), linear("#ffe9c4"), linear("#d9e6ff")])
    pitch = storey if style != 1 else storey * 2
    for y in range(top + storey, bottom - storey // 2, storey):
        for x in range(left + 2, right - pitch // 2, pitch):
            lit = rng.random() < lights
            if not lit and lights > 0.3 and style == 0 and rng.random() < 0.3:
                continue
            color = (
                warm[int(rng.integers(3))] * rng.uniform(0.25, 0.9)
                if lit
                else glass * rng.uniform(0.8, 1.25)
            )
            gap = 1 if style == 2 else max(pitch // 3, 1)
            window = (
                max(x, 0),
                max(y, 0),
                max(min(x + pitch - gap, right), 0),
                y + storey - max(storey // 3, 1),
            )
            layer[window[1] : window[3], window[0] : window[2], :3] = color


def _mirrored(light: Pixels) -> Pixels:
    """Return the light that glass mirrors, the sky's: bluer than what falls on the wall."""
    return np.asarray(light * np.array((0.8, 0.95, 1.15), np.float32), np.float32)


def add_airfield(
    sky: Pixels, setting: Setting, rng: np.random.Generator, *, yaw_deg: float
) -> Pixels:
    """Return the sky behind a runway in short grass, with a line of trees at its far end.

    Args:
        sky: linear (h, w, 3).
        setting: camera, light and air.
        rng: source of randomness.
        yaw_deg: direction of the runway; 0 leads away from the camera.
    """
    size, texel, camera = 1024, 0.004, 0.007
    relief = power(rng, size, 2.2, lowest=2.0)
    ground = Ground(np.asarray(0.0004 * relief, np.float32), texel, (17.0, 40.0))
    view = setting.view.finer(1.6)
    hit = cast(view, ground, camera_km=camera, near_km=0.008, far_km=20, steps=1100)
    turf = power(rng, 512, 0.7)
    tone = 0.1 * ground.at(turf, hit.x, hit.z) + 0.09 * close_up(turf, ground, hit, reach_km=1.5)
    straw = smoothstep(-0.6, 1.4, ground.at(relief, hit.x, hit.z, finer=3))
    color = mix(linear("#5f6f3c"), linear("#8c8a55"), straw) * (1 + tone)[..., None]
    mown = np.floor(hit.x / 0.02) % 2
    color = color * (1 + 0.05 * (mown - 0.5))[..., None]
    color = _runway(np.asarray(color, np.float32), hit.x, hit.z, tone, yaw_deg, rng)
    slopes = ground.at(slopes_of(ground.heights, texel), hit.x, hit.z)
    light = shade(
        color,
        slopes,
        np.ones_like(hit.z),
        setting.sun,
        sunlight=setting.sunlight,
        ambient=setting.ambient,
    )
    lamp = setting.ambient * 0.9 + setting.sunlight * 0.3
    trees = Stand(
        linear("#182a12") * lamp,
        linear("#4d6130") * (lamp + setting.sunlight * 0.4),
        0.3,
        0.014,
        1.5,
        1.9,
        9000.0,
    )
    wood = np.ones((size, size), np.float32)
    light, hit = plant(
        light,
        hit,
        view,
        ground,
        wood,
        trees,
        camera_km=camera,
        sun=setting.sun,
        air=setting.air,
        rng=rng,
    )
    return over(sky, light, hit, setting.air, setting.view)


def _runway(
    color: Pixels, x: Pixels, z: Pixels, tone: Pixels, yaw_deg: float, rng: np.random.Generator
) -> Pixels:
    """Paint a runway 45 m wide and 1400 m long, with its markings, on the ground."""
    turn = np.radians(yaw_deg)
    start = (rng.uniform(-0.012, 0.012) - 0.02 * np.sin(turn), 0.03)
    across = (x - start[0]) * np.cos(turn) - (z - start[1]) * np.sin(turn)
    along = (x - start[0]) * np.sin(turn) + (z - start[1]) * np.cos(turn)
    inside = (along > 0) & (along < 1.4)
    asphalt = smoothstep(0.0232, 0.0224, np.abs(across)) * inside
    worn = np.exp(-((np.abs(across) - 0.005) ** 2) / 0.00002) * np.exp(-((along - 0.3) ** 2) / 0.03)
    tar = linear("#6b6c6e") * (1 + 0.7 * tone - 0.45 * worn)[..., None]
    color = mix(color, np.asarray(tar, np.float32), np.asarray(asphalt, np.float32))
    dashes = (np.abs(across) < 0.0006) & (np.mod(along, 0.05) < 0.03) & (along > 0.09)
    edges = np.abs(np.abs(across) - 0.0215) < 0.0006
    bars = (
        (np.mod(np.abs(across) - 0.002, 0.0036) < 0.0018)
        & (np.abs(across) > 0.002)
        & (np.abs(across) < 0.0195)
    )
    bars &= (along > 0.012) & (along < 0.042)
    blocks = (np.abs(np.abs(across) - 0.009) < 0.003) & (along > 0.3) & (along < 0.345)
    paint = (dashes | edges | bars | blocks) & inside
    white = linear("#e4e4df") * (0.9 + 0.5 * tone)[..., None]
    return mix(color, np.asarray(white, np.float32), paint.astype(np.float32) * 0.92)
