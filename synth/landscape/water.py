"""Water that mirrors the picture above it: sea with waves, or a calm river.

Flow: linear picture (h, w, 3), right above the horizon -> the same with water below the horizon.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.landscape.noise import mix, power, sample, smoothstep
from synth.landscape.terrain import Setting, slopes_of
from synth.landscape.view import linear

__all__ = ["add_water"]

Pixels = NDArray[np.float32]
_TEXELS = 512


def add_water(
    above: Pixels,
    setting: Setting,
    rng: np.random.Generator,
    *,
    roughness: float,
    deep: str = "#12404f",
    camera_m: float = 9.0,
) -> Pixels:
    """Return the picture with water from the horizon down.

    Args:
        above: what is reflected, linear (h, w, 3).
        setting: camera, light and air.
        rng: source of randomness.
        roughness: 0.15 a river, 1 a fresh breeze, 1.6 white caps.
        deep: color of the depth.
        camera_m: height of the camera above the water, in meters.
    """
    view, sun = setting.view, setting.sun
    top = int(np.ceil(view.horizon_px))
    if top >= view.height:
        return above
    x_slope, y_slope = view.slopes()
    y = np.minimum(y_slope[top:], -0.25 / view.focal_px)
    z = np.broadcast_to(camera_m / -y, (view.height - top, view.width)).astype(np.float32)
    x = np.asarray(x_slope * z, np.float32)
    tilt, height = _waves(x, z, z * z / (camera_m * view.focal_px), rng, roughness)
    mirrored, shine = _reflect(above, setting, x_slope, y, tilt)
    ray = np.sqrt(1 + x_slope * x_slope + y * y)
    facing = np.clip((-y - tilt[..., 0] * x_slope * -1 + tilt[..., 1]) / ray, 0.02, 1)
    fresnel = np.clip(0.02 + 0.98 * (1 - facing) ** 5, 0, 0.82 + 0.1 * (roughness < 0.5))
    light = setting.sunlight * max(sun.direction()[1], 0.12) + setting.ambient * 1.2
    body = linear(deep) * light * (1 + 0.25 * np.clip(height, -1, 2) * min(roughness, 1))[..., None]
    color = mix(np.asarray(body, np.float32), mirrored, np.asarray(fresnel, np.float32))
    color = color + setting.sunlight * (shine * 1.6)[..., None]
    fine = smoothstep(0.9, 2.2, height + 0.5 * sample(power(rng, 256, 0.6), x * 3, z * 3))
    foam = fine * smoothstep(0.9, 1.6, np.float32(roughness)) * np.exp(-z / 250)
    color = mix(color, np.asarray(light * 0.8, np.float32), np.asarray(foam, np.float32))
    haze = 1 - np.exp(-z / (setting.air.range_km * 900))
    color = mix(color, setting.air.haze[None], np.asarray(haze * 0.85, np.float32))
    result = above.copy()
    result[top:] = color
    result[top - 1 : top + 2] = cv2.GaussianBlur(result[top - 3 : top + 4], (1, 5), 0)[2:5]
    return result


def _waves(
    x: Pixels, z: Pixels, footprint: Pixels, rng: np.random.Generator, roughness: float
) -> tuple[Pixels, Pixels]:
    """Return tilt (h, w, 2) and height (h, w) of the surface, without waves below a pixel."""
    tilt = np.zeros((*z.shape, 2), np.float32)
    height = np.zeros_like(z)
    for span_m, steepness in ((9.0, 0.05), (38.0, 0.075), (170.0, 0.075), (800.0, 0.05)):
        waves = power(rng, _TEXELS, 1.7, stretch=2.4, lowest=6.0)
        slopes = slopes_of(waves, 1.0)
        slopes = np.asarray(slopes / slopes.std(), np.float32)
        scale = _TEXELS / span_m
        seen = np.exp(-((footprint / (span_m * 0.05)) ** 2)).astype(np.float32)
        turned = x * 0.94 + z * 0.34, z * 0.94 - x * 0.34
        u, v = np.asarray(turned[0] * scale, np.float32), np.asarray(turned[1] * scale, np.float32)
        tilt += sample(slopes, u, v) * (seen * steepness * roughness)[..., None]
        height += sample(waves, u, v) * seen * 0.6
    return tilt, height


def _reflect(
    above: Pixels, setting: Setting, x_slope: Pixels, y: Pixels, tilt: Pixels
) -> tuple[Pixels, Pixels]:
    """Return what the tilted surface mirrors (h, w, 3), and how much of the sun (h, w)."""
    view = setting.view
    normal = np.stack([-tilt[..., 0], np.ones_like(tilt[..., 0]), -tilt[..., 1]], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    ray = np.stack(np.broadcast_arrays(x_slope, y, np.float32(1)), -1).astype(np.float32)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    out = ray - 2 * (ray * normal).sum(-1, keepdims=True) * normal
    out[..., 1] = np.abs(out[..., 1]) + 1e-3
    forward = np.maximum(out[..., 2], 0.05)
    column = view.width / 2 + view.focal_px * out[..., 0] / forward
    row = view.horizon_px - view.focal_px * out[..., 1] / forward
    # Rows above the picture are taken from its mirrored top: a sky changes slowly up there.
    source = above[: max(int(view.horizon_px), 2)]
    column = _folded(column, view.width - 1)
    row = _folded(row, len(source) - 1)
    seen = cv2.remap(source, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cosine = (out * np.array(setting.sun.direction(), np.float32)).sum(-1)
    shine = np.exp(-np.square(np.arccos(np.clip(cosine, -1, 1)) / 0.06))
    return np.asarray(np.minimum(seen, 1.5), np.float32), np.asarray(shine, np.float32)


def _folded(position: NDArray[np.floating[Any]], last: int) -> Pixels:
    """Return positions reflected at 0 and at `last`, as often as it takes."""
    position = np.mod(position, 2 * last)
    return np.where(position > last, 2 * last - position, position).astype(np.float32)
