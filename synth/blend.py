"""How the rim of an object meets the background: masks softened, pixels mixed.

In and out: premultiplied float32 RGBA (0..255). Whatever happens to alpha happens to colour in
the same step, so no rim of the cutout's old background can appear.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.effect_filters import motion_kernel

__all__ = ["blend_poisson", "paste", "soften_rim"]

Rgba = NDArray[np.float32]
_CLONE_RIM_PX = 6


def soften_rim(rgba: Rgba, blend: str, rng: np.random.Generator, *, scale: float = 1.0) -> Rgba:
    """The object with the rim of one blend; it may grow by a few pixels of margin.

    Args:
        rgba: Premultiplied float32 (h, w, 4).
        blend: "none" leaves it, "gaussian", "feather" and "box" fade the rim inwards, "motion"
            smears the whole object along a short line; "poisson" is done when pasting.
        rng: Draws the strength.
        scale: Of the image to the one that strengths in pixels are meant for.
    """
    long_side = max(rgba.shape[:2])
    if blend == "gaussian":
        sigma = min(float(rng.uniform(0.5, 1.6)) * scale, 0.02 * long_side + 0.25)
        sigma = max(sigma, 0.15)
        faded = cv2.GaussianBlur(rgba[..., 3], (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        return _scale_alpha(rgba, np.asarray(faded, np.float32))
    if blend == "feather":
        width = min(float(rng.uniform(1.0, 3.0)) * scale, 0.025 * long_side)
        solid = cv2.copyMakeBorder(
            (rgba[..., 3] > 20).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT
        )
        distance = cv2.distanceTransform(solid, cv2.DIST_L2, 3)[1:-1, 1:-1]
        return _scale_alpha(rgba, rgba[..., 3] * np.clip(distance / max(width, 1.0), 0, 1))
    if blend == "box":
        side = min(float(rng.uniform(2.0, 4.0)) * scale, 0.05 * long_side + 1.0)
        kernel = _box_kernel(side)
        faded = cv2.sepFilter2D(rgba[..., 3], -1, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
        return _scale_alpha(rgba, np.asarray(faded, np.float32))
    if blend == "motion":
        length = min(float(rng.uniform(2.0, 7.0)) * scale, 0.08 * long_side + 1.0)
        margin = int(np.ceil(length / 2)) + 1
        wide = cv2.copyMakeBorder(rgba, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
        smeared = cv2.filter2D(wide, -1, motion_kernel(length, float(rng.uniform(0, 180))))
        return np.asarray(smeared, np.float32)
    return rgba


def _box_kernel(side_px: float) -> NDArray[np.float32]:
    """A mean over a width that need not be whole: the outer weights are what is left."""
    reach = int(np.ceil((side_px - 1) / 2))
    kernel = np.ones(2 * reach + 1, np.float32)
    kernel[[0, -1]] = 1.0 if reach == 0 else max((side_px - (2 * reach - 1)) / 2, 0.0)
    return kernel / kernel.sum()


def _scale_alpha(rgba: Rgba, alpha: NDArray[np.float32]) -> Rgba:
    ratio = np.minimum(alpha / np.maximum(rgba[..., 3], 1.0), 1.0)
    return rgba * ratio[..., None]


def paste(canvas: NDArray[np.uint8], rgba: Rgba) -> None:
    """Draw premultiplied RGBA over a canvas (or a view of one) of the same size, in place."""
    keep = 1.0 - rgba[..., 3] * np.float32(1.0 / 255.0)
    mixed = canvas * keep[..., None]
    mixed += rgba[..., :3]
    mixed += 0.5
    np.minimum(mixed, 255.0, out=mixed)
    np.copyto(canvas, mixed, casting="unsafe")


def blend_poisson(canvas: NDArray[np.uint8], rgba: Rgba, left: int, top: int) -> None:
    """Clone gradients instead of colours, in place; recolours the object, so it is opt-in.

    The object is cloned from a flat ground of the place's mean colour, with a rim of that ground:
    a mask that ends at the object's edge would lose the edge's gradient, and the object with it.
    Objects nearer to the border than the rim are pasted plainly.
    """
    height, width = rgba.shape[:2]
    solid = np.where(rgba[..., 3] > 60, 255, 0).astype(np.uint8)
    mask = cv2.dilate(
        np.pad(solid, _CLONE_RIM_PX),
        np.ones((2 * _CLONE_RIM_PX - 3,) * 2, np.uint8),
    )
    x, y, mask_width, mask_height = cv2.boundingRect(mask)
    x1, y1 = left - _CLONE_RIM_PX, top - _CLONE_RIM_PX
    x2, y2 = left + width + _CLONE_RIM_PX, top + height + _CLONE_RIM_PX
    fits = x1 > 0 and y1 > 0 and x2 < canvas.shape[1] and y2 < canvas.shape[0]
    if not fits or not mask_width:
        paste(canvas[top : top + height, left : left + width], rgba)
        return
    ground = canvas[y1:y2, x1:x2].reshape(-1, 3).mean(axis=0)
    source = np.broadcast_to(ground, (*mask.shape, 3)).astype(np.uint8)
    rim = _CLONE_RIM_PX
    paste(source[rim:-rim, rim:-rim], rgba)
    part = (slice(y, y + mask_height), slice(x, x + mask_width))
    # seamlessClone centres the mask's bounding box on the given point.
    centre = (x1 + x + mask_width // 2, y1 + y + mask_height // 2)
    canvas[:] = cv2.seamlessClone(source[part], canvas, mask[part], centre, cv2.NORMAL_CLONE)
