"""The camera, the sun, and colors in linear light.

The camera stands upright: the horizon is a straight row and verticals stay vertical. World axes: x
to the right, y up, z into the picture. Flow: sizes and angles -> rays and colors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sun", "View", "develop", "linear"]

Pixels = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class View:
    """A camera: picture size, where its horizon lies, and how strongly it enlarges."""

    width: int
    height: int
    horizon_ratio: float  # 0 at the top, 1 at the bottom, may lie outside
    focal_ratio: float = 0.85  # focal length over picture width; 0.85 is about 61 degrees across

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return self.focal_ratio * self.width

    @property
    def horizon_px(self) -> float:
        """Row of the horizon."""
        return self.horizon_ratio * self.height

    def finer(self, factor: float) -> View:
        """Return the same view with more pixels."""
        size = (round(self.width * factor), round(self.height * factor))
        return View(*size, self.horizon_ratio, self.focal_ratio)

    def slopes(self) -> tuple[Pixels, Pixels]:
        """Return x / z as a row (1, w) and y / z as a column (h, 1), through pixel centers."""
        x = (
            np.arange(self.width, dtype=np.float32)[None, :] + 0.5 - self.width / 2
        ) / self.focal_px
        y = (
            self.horizon_px - np.arange(self.height, dtype=np.float32)[:, None] - 0.5
        ) / self.focal_px
        return x, y

    def elevation(self) -> Pixels:
        """Return the angle above the horizon of each pixel (h, w), in radians."""
        x, y = self.slopes()
        return np.arctan2(y, np.sqrt(1 + x * x)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Sun:
    """Where the light comes from: azimuth 0 is straight ahead, 90 right, 180 behind the camera."""

    azimuth_deg: float
    elevation_deg: float

    def direction(self) -> tuple[float, float, float]:
        """Return the unit vector (x, y, z) towards the sun."""
        azimuth, elevation = np.radians(self.azimuth_deg), np.radians(self.elevation_deg)
        flat = np.cos(elevation)
        return (
            float(flat * np.sin(azimuth)),
            float(np.sin(elevation)),
            float(flat * np.cos(azimuth)),
        )

    def angle(self, view: View) -> Pixels:
        """Return the angle between each pixel's ray and the sun (h, w), in radians."""
        x, y = view.slopes()
        sx, sy, sz = self.direction()
        cosine = (x * sx + y * sy + sz) / np.sqrt(1 + x * x + y * y)
        return np.arccos(np.clip(cosine, -1, 1)).astype(np.float32)


def linear(color: str) -> Pixels:
    """Return a display color in linear light.

    Args:
        color: "#rrggbb".

    Example:
        >>> linear("#ffffff").tolist()
        [1.0, 1.0, 1.0]
    """
    values = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def develop(light: Pixels, rng: np.random.Generator, *, grain: float = 0.006) -> NDArray[np.uint8]:
    """Return the display picture: highlights rolled off, gamma, a little vignetting and grain.

    Args:
        light: linear (h, w, 3).
        rng: source of the grain, which also hides banding in smooth skies.
        grain: standard deviation, of 1.
    """
    height, width = light.shape[:2]
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = np.maximum(light, 0) * (1 - 0.055 * (x * x + y * y)).astype(np.float32)[..., None]
    # Straight up to 0.7, then bending towards white without ever clipping.
    bright = 0.7 + 0.3 * (1 - np.exp(-(light - 0.7) / 0.3))
    light = np.where(light > 0.7, bright, light)
    shown = np.where(
        light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-6) ** (1 / 2.4) - 0.055
    )
    shown = shown + rng.standard_normal((height, width, 1), dtype=np.float32) * grain
    return np.clip(np.rint(shown * 255), 0, 255).astype(np.uint8)
