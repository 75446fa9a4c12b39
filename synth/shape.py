"""A cutout as it lies in its scene: at its size, mirrored, turned and softened."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.library import Library
from synth.plan import Placement
from synth.texture import texture_object

__all__ = ["shape_object"]


def shape_object(placement: Placement, library: Library, blur_px: float) -> NDArray[np.float32]:
    """The cutout at its size, mirrored, turned and softened; premultiplied float32 RGBA."""
    source = library.rgba_near(placement.cutout, placement.long_side_px)
    scale = placement.long_side_px / max(source.shape[:2])
    wh = tuple(max(2, round(side * scale)) for side in (source.shape[1], source.shape[0]))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    rgba = np.array(cv2.resize(source, wh, interpolation=method), np.uint8)
    if scale >= 1:  # cubic enlargement overshoots; premultiplied colour can never exceed alpha
        np.minimum(rgba[..., :3], rgba[..., 3:], out=rgba[..., :3])
    if placement.flipped:
        rgba = rgba[:, ::-1]
    # Small things keep what makes them recognisable, however soft the background is.
    matched_px = min(blur_px, 0.03 * placement.long_side_px)
    soft_px = float(np.hypot(placement.softness_px, matched_px))
    margin = 2 + int(np.ceil(2.5 * soft_px))
    wide = cv2.copyMakeBorder(rgba, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    turned = np.asarray(wide, np.uint8)
    if placement.corners:
        turned = _tilt(turned, placement.corners)
    if placement.angle_deg:
        turned = _rotate(turned, placement.angle_deg)
    shaped = turned.astype(np.float32)
    if placement.texture:
        photograph = library.background(placement.texture.background)
        shaped = texture_object(shaped, photograph, placement.texture)
    if soft_px > 0.2:
        shaped = np.asarray(cv2.GaussianBlur(shaped, (0, 0), soft_px), np.float32)
    return shaped


def _tilt(rgba: NDArray[np.uint8], corners: tuple[float, ...]) -> NDArray[np.uint8]:
    """The object with its four corners moved inwards, as if seen from elsewhere."""
    height, width = rgba.shape[:2]
    ends = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    inwards = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], np.float32)
    shift = np.array(corners, np.float32).reshape(4, 2) * inwards * [width, height]
    matrix = cv2.getPerspectiveTransform(ends - 0.5, (ends + shift - 0.5).astype(np.float32))
    return np.asarray(cv2.warpPerspective(rgba, matrix, (width, height)), np.uint8)


def _rotate(rgba: NDArray[np.uint8], angle_deg: float) -> NDArray[np.uint8]:
    height, width = rgba.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), angle_deg, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    new_w, new_h = (
        int(np.ceil(width * cos + height * sin)),
        int(np.ceil(width * sin + height * cos)),
    )
    matrix[:, 2] += [(new_w - width) / 2, (new_h - height) / 2]
    turned = cv2.warpAffine(rgba, matrix, (new_w, new_h), flags=cv2.INTER_LINEAR)
    return np.asarray(turned, np.uint8)
