"""Skies: the gradient from horizon to zenith, the sun's glow, high thin clouds, cloud decks, stars.

Not here: clouds with volume (`clouds`). Flow: view + palette + sun -> linear (h, w, 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.landscape.noise import mix, power, sample, smoothstep
from synth.landscape.view import Sun, View, linear

__all__ = [
    "PALETTES",
    "Palette",
    "add_cirrus",
    "add_deck",
    "add_stars",
    "horizon_color",
    "paint_sky",
]

Pixels = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colors of a sky as "#rrggbb", and of the light that falls from it."""

    zenith: str
    middle: str
    horizon: str
    glow: str  # around the sun
    sunlight: str
    brightness: float = 1.0  # of the sunlight, relative to a clear noon
    glow_strength: float = 0.5


PALETTES = {
    "noon": Palette("#2a63ac", "#5d97d3", "#b5d2e8", "#fff6e2", "#fff4e4", 1.0, 0.35),
    "alpine": Palette("#1b4c93", "#4480c4", "#a3c5e3", "#fff8ea", "#fff6ea", 1.05, 0.3),
    "hazy": Palette("#7da3c8", "#a6c0d6", "#d6dedf", "#fff4dc", "#fff0d8", 0.85, 0.4),
    "tropical": Palette("#1f6fb8", "#4fa3d9", "#bfe0ea", "#fffbe8", "#fff6e0", 1.05, 0.35),
    "morning": Palette("#5b86bd", "#9db9d6", "#f2dcc2", "#ffd9a0", "#ffdcae", 0.75, 0.6),
    "golden": Palette("#5f7fa8", "#c0b39f", "#f3c98b", "#ffc065", "#ffc27a", 0.7, 0.9),
    "sunset": Palette("#39507f", "#9a7488", "#f0955a", "#ff9a45", "#ff9a5c", 0.5, 1.1),
    "crimson": Palette("#2f3866", "#7d4c70", "#e8694a", "#ff7a3c", "#ff7a50", 0.42, 1.1),
    "dusk": Palette("#1d2a52", "#49507f", "#c98a86", "#e8936a", "#8a7f9c", 0.22, 0.5),
    "overcast": Palette("#8f9aa5", "#a9b2ba", "#c6cbcd", "#ffffff", "#e4e8ec", 0.35, 0.1),
    "stormy": Palette("#4c5763", "#6b7681", "#a9b0b2", "#e8ecec", "#c8d0d6", 0.25, 0.1),
    "night": Palette("#0a1024", "#13203f", "#2b3c60", "#3d5480", "#7f9ccc", 0.09, 0.12),
}


def paint_sky(view: View, palette: Palette, sun: Sun) -> Pixels:
    """Return the cloudless sky, continued below the horizon by its horizon color.

    Args:
        view: camera.
        palette: colors.
        sun: where the glow sits; below the horizon there is glow but no disc.
    """
    elevation = np.maximum(view.elevation(), 0)
    zenith, middle, horizon = (linear(c) for c in (palette.zenith, palette.middle, palette.horizon))
    sky = mix(zenith, middle, np.exp(-elevation / 0.42))
    sky = mix(sky, horizon, np.exp(-elevation / 0.11))
    angle = sun.angle(view)
    glow = linear(palette.glow)
    low = np.exp(-elevation / 0.18) if sun.elevation_deg < 12 else np.ones_like(elevation)
    # Wide and narrow scattering about the sun; near sunset the wide part hugs the horizon.
    halo = (
        0.55 * np.exp(-angle / 0.5) * low
        + 0.6 * np.exp(-angle / 0.14)
        + 1.1 * np.exp(-angle / 0.035)
    )
    sky = sky + glow * (palette.glow_strength * halo)[..., None]
    if sun.elevation_deg > -0.5:
        disc = smoothstep(0.0062, 0.0048, angle)
        sky = (
            sky + linear(palette.sunlight) * (disc * 6 * (palette.glow_strength > 0.15))[..., None]
        )
    return np.asarray(sky, np.float32)


def horizon_color(sky: Pixels, view: View) -> Pixels:
    """Return the color of haze: the sky just above the horizon by column (w, 3), smoothed.

    Args:
        sky: cloudless, as `paint_sky` returns it.
        view: its camera.
    """
    row = int(np.clip(view.horizon_px - 0.02 * view.height, 0, view.height - 1))
    line = np.minimum(sky[row : row + 1], 1.2)
    return np.asarray(cv2.GaussianBlur(line, (0, 0), view.width * 0.06)[0], np.float32)


def _on_plane(view: View, *, height: float, drift: float = 0.0) -> tuple[Pixels, Pixels, Pixels]:
    """Return world x and z where rays meet a plane overhead, and 1 fading to 0 at the horizon."""
    x, y = view.slopes()
    z = height / np.maximum(y, 1e-3)
    far = smoothstep(0.02, 0.16, np.broadcast_to(y, (view.height, view.width)).astype(np.float32))
    return (
        np.asarray(x * z + drift, np.float32),
        np.broadcast_to(z, far.shape).astype(np.float32),
        far,
    )


def add_cirrus(
    sky: Pixels,
    view: View,
    rng: np.random.Generator,
    *,
    cover: float,
    light: Pixels,
    angle_deg: float = 20.0,
) -> Pixels:
    """Return the sky with high streaks of ice cloud.

    Args:
        sky: linear (h, w, 3).
        view: camera.
        rng: source of randomness.
        cover: 0 (none) to 1 (veil).
        light: color of the streaks, linear (3,).
        angle_deg: direction of the streaks seen from above.
    """
    u, v, far = _on_plane(view, height=1.0)
    turn = np.radians(angle_deg)
    u, v = u * np.cos(turn) + v * np.sin(turn), -u * np.sin(turn) + v * np.cos(turn)
    bend_x, bend_y = power(rng, 512, 1.7), power(rng, 512, 1.7)
    wide = power(rng, 512, 1.6)
    fibers = power(rng, 1024, 1.15, stretch=7.0)
    u_bent = u * 60 + 12 * sample(bend_x, u * 30, v * 30)
    v_bent = v * 60 + 12 * sample(bend_y, u * 30, v * 30)
    body = sample(wide, u_bent * 0.5, v_bent * 1.1)
    threads = sample(fibers, u_bent * 2.2, v_bent * 2.2)
    fine = sample(fibers, u_bent * 6.5, v_bent * 6.5)
    thick = smoothstep(1.2 - 1.6 * cover, 4.0 - 1.0 * cover, body + 0.6 * threads + 0.25 * fine)
    return mix(sky, np.asarray(light, np.float32), np.asarray(thick * 0.8 * far, np.float32))


def add_deck(
    sky: Pixels,
    view: View,
    rng: np.random.Generator,
    *,
    dark: Pixels,
    bright: Pixels,
    cover: float,
    scale: float = 1.0,
) -> Pixels:
    """Return the sky under a layer of stratus or stratocumulus seen from below.

    Args:
        sky: linear (h, w, 3).
        view: camera.
        rng: source of randomness.
        dark: color of the thick parts, linear (3,).
        bright: color of the thin parts, linear (3,).
        cover: 0 (broken) to 1 (closed).
        scale: size of the folds; 1 is a tenth of the sky.
    """
    u, v, far = _on_plane(view, height=1.0)
    coarse, fine = power(rng, 1024, 1.75, stretch=1.5), power(rng, 1024, 1.3)
    step = 55.0 / scale
    bend = sample(coarse, u * step * 0.7 + 300, v * step * 0.7)
    folds = sample(coarse, u * step + 30 * bend, v * step + 22 * bend)
    detail = sample(fine, u * step * 3 + 12 * bend, v * step * 3)
    thick = folds + 0.22 * detail
    tone = smoothstep(-1.6, 1.7, thick - 0.5 * bend)
    veil = smoothstep(1.1 - 3.2 * cover, 2.1 - 2.6 * cover, thick + 0.5 * bend)
    # Thin rims let light through and look brighter than both sky and cloud.
    deck = mix(np.asarray(bright, np.float32), np.asarray(dark, np.float32), tone)
    deck = mix(np.asarray(sky, np.float32), deck, np.asarray(0.35 + 0.65 * far, np.float32))
    return mix(sky, deck, veil)


def add_stars(sky: Pixels, view: View, rng: np.random.Generator, *, milky_way: bool) -> Pixels:
    """Return the sky with stars of natural brightness, and perhaps the band of our galaxy.

    Args:
        sky: linear (h, w, 3).
        view: camera.
        rng: source of randomness.
        milky_way: draw the band too.
    """
    height, width = sky.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    lane = (x - width * rng.uniform(0.3, 0.7)) * np.sin(1.05) + (y - height * 0.45) * np.cos(1.05)
    dust = sample(power(rng, 512, 1.6), x * 0.35, y * 0.35)
    across = (lane + 60 * dust) / (0.13 * width)
    band = np.exp(-across * across) * float(milky_way)
    cloudy = np.clip(0.65 + 0.4 * sample(power(rng, 512, 1.35), x * 0.6, y * 0.6), 0, 2)
    rift = 1 - 0.75 * np.exp(-((across + 0.1 + 0.4 * dust) ** 2) / 0.05)
    galaxy = (band * cloudy * rift)[..., None] * linear("#77748a") * 0.7
    count = int(width * height / 600)
    stars = np.zeros((height, width, 3), np.float32)
    rows, columns = rng.integers(0, height, count * 2), rng.integers(0, width, count * 2)
    keep = rng.random(count * 2) < 0.35 + 0.65 * band[rows, columns]
    rows, columns = rows[keep], columns[keep]
    strength = np.minimum(0.08 * rng.pareto(1.5, len(rows)) + 0.03, 3.0)
    warmth = rng.normal(0, 0.12, len(rows))
    stars[rows, columns] = strength[:, None] * np.stack(
        [1 + warmth, np.ones_like(warmth), 1 - warmth], 1
    )
    stars = cv2.GaussianBlur(stars, (0, 0), 0.6) * 1.5 + cv2.GaussianBlur(stars, (0, 0), 1.6) * 0.8
    fade = smoothstep(0.0, 0.25, view.elevation())
    return np.asarray(sky + (galaxy + stars) * fade[..., None], np.float32)
