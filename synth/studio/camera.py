"""Viewpoints and light as a photographer on the ground, or level with the object, meets them."""

from __future__ import annotations

import numpy as np

from synth.studio.render import Light, View

Rng = np.random.Generator
_UPRIGHT = ("hot air balloon", "toy balloon", "kite", "flying saucer", "airship")
_COME_STRAIGHT = (
    "cargo aircraft", "commercial aircraft", "fighter jet", "fighter plane", "glider",
    "helicopter", "light aircraft",
)  # fmt: skip


def sample_view(rng: Rng, type_name: str, head_on_ratio: float = 0.0) -> View:
    """Returns a viewpoint: any heading; mostly from below or level, sometimes from above.

    `head_on_ratio` is the share of aircraft that come, or a quarter of them go, straight: all
    that is seen of them then is a dot with thin wings or blades, as from the end of a runway.
    """
    elevation = float(
        rng.choice(
            [rng.normal(-18, 14), rng.normal(0, 6), rng.uniform(4, 50), rng.uniform(-75, -35)],
            p=[0.38, 0.32, 0.2, 0.1],
        )
    )
    # Sides show more than noses and tails, and photographers wait for them.
    side = rng.choice([0.0, 180.0]) + rng.normal(0, 38)
    yaw = float(side if rng.random() < 0.62 else rng.uniform(-180, 180))
    pitch, roll = float(rng.normal(3, 9)), float(rng.normal(0, 13))
    if (
        type_name in ("fighter jet", "fighter plane", "light aircraft", "drone")
        and rng.random() < 0.3
    ):
        roll, pitch = float(rng.uniform(-110, 110)), float(rng.normal(0, 28))
    if type_name == "fighter jet" and rng.random() < 0.06:
        roll = 180 + roll * 0.2
    if type_name == "missile":
        pitch = float(rng.uniform(-80, 85)) if rng.random() < 0.65 else pitch
    if type_name in ("rocket", "space shuttle"):
        pitch = float(rng.normal(88, 7) if rng.random() < 0.72 else rng.uniform(-20, 80))
        roll = float(rng.uniform(-180, 180)) if type_name == "rocket" else float(rng.normal(0, 60))
    if type_name in _UPRIGHT:
        pitch, roll = float(rng.normal(0, 4)), float(rng.normal(0, 3))
        elevation = float(np.clip(elevation, -45, 25))
    distance = float(np.exp(rng.uniform(np.log(1.6), np.log(9))))
    # Nothing is drawn for it without such a share: the pictures of a seed stay what they were.
    if head_on_ratio and type_name in _COME_STRAIGHT and rng.random() < head_on_ratio:
        yaw = float((90.0 if rng.random() < 0.25 else -90.0) + rng.normal(0, 11))
        elevation = float(rng.normal(-8, 9))
        pitch, roll = float(rng.normal(4, 4)), float(rng.normal(0, 9))
    return View(yaw, pitch, roll, float(np.clip(elevation, -80, 65)), distance)


def sample_light(rng: Rng) -> Light:
    """Returns sun and sky: clear, hazy, overcast, low sun, or against the light."""
    kind = str(
        rng.choice(
            ["clear", "haze", "overcast", "golden", "backlit"], p=[0.36, 0.2, 0.2, 0.12, 0.12]
        )
    )
    azimuth, height = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(18, 75))
    if kind == "golden":
        height = np.deg2rad(rng.uniform(4, 18))
    if kind == "backlit":
        azimuth = np.pi / 2 + rng.normal(0, 0.4)
    elif rng.random() < 0.6:
        azimuth = -np.pi / 2 + rng.normal(0, 0.8)
    sun = np.array(
        [np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height)]
    )
    power, tint, blue, fill = {
        "clear": (
            rng.uniform(0.9, 1.5),
            (1.0, 0.96, 0.9),
            (0.55, 0.72, 1.0),
            rng.uniform(0.3, 0.55),
        ),
        "haze": (rng.uniform(0.4, 0.8), (1.0, 0.97, 0.93), (0.8, 0.9, 1.0), rng.uniform(0.5, 0.8)),
        "overcast": (
            rng.uniform(0.0, 0.2),
            (1.0, 1.0, 1.0),
            (0.95, 0.98, 1.0),
            rng.uniform(0.7, 1.1),
        ),
        "golden": (
            rng.uniform(0.9, 1.4),
            (1.0, 0.78, 0.55),
            (0.7, 0.74, 0.95),
            rng.uniform(0.3, 0.5),
        ),
        "backlit": (
            rng.uniform(0.8, 1.5),
            (1.0, 0.95, 0.88),
            (0.6, 0.75, 1.0),
            rng.uniform(0.34, 0.6),
        ),
    }[kind]
    zenith = np.array(blue) * fill
    horizon = (0.5 * np.array(blue) + 0.5) * fill * rng.uniform(1.0, 1.35)
    warm = np.array([1.0, 0.78, 0.6]) if kind == "golden" else np.array([1.0, 0.97, 0.9])
    ground = warm * fill * rng.uniform(0.3, 0.75)
    return Light(
        sun=sun,
        sun_color=np.array(tint) * power,
        zenith=zenith,
        horizon=horizon * (warm if kind == "golden" else 1.0),
        ground=ground,
        exposure=float(rng.uniform(1.15, 2.0)),
    )
