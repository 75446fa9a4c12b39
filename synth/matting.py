"""Cutouts from photographs: a box or strokes around an object in, the object with alpha out.

Here: the whole way of one object, from the image to straight RGBA. Not here: the steps
(``synth.grabcut``, ``synth.alpha``, ``synth.saliency``) and where cutouts are kept
(``synth.cutout_folder``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import ImageError, InputError
from synth.alpha import enlarge_alpha, estimate_alpha, estimate_foreground
from synth.grabcut import (
    BACK,
    FRONT,
    MAYBE_BACK,
    MAYBE_FRONT,
    drop_crumbs,
    find_object,
    unlike_ratio,
)
from synth.saliency import load_saliency

__all__ = ["METHODS", "Matte", "Method", "NothingMarkedError", "Stroke", "cut_out", "trim"]

Pixels = NDArray[np.uint8]
Method = Literal["auto", "grabcut", "rembg"]
METHODS: tuple[Method, ...] = ("auto", "grabcut", "rembg")

_WORK_SIDE_PX = 512  # longer side, at most, at which its edges become soft
_SURROUNDINGS_RATIO = 0.3  # of the box's mean side: what is looked at around it
# Beyond the other sides: a box drawn by hand is loose, but about alike on all of them. In 22
# photographs it tells 52 of 54 missing parts of 7 % and more, and 10 of 78 cutouts without one.
_GAP_RATIO_MAX = 0.06
_MARGIN_PX = 2
_BAND_RATIO = 0.01  # half of the unknown band at the rim, of the object's side
_AREA_MIN_PX = 12.0
_FILLED_MAX_RATIO = 0.97


class NothingMarkedError(InputError):
    """Nothing says where the object is."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line drawn over the image to say what is object and what is not.

    Args:
        points_xy: One or more points, pixels of the image at edges.
        keep: True marks the object, False its surroundings.
        radius_px: Half the width of the line.
    """

    points_xy: tuple[tuple[float, float], ...]
    keep: bool = True
    radius_px: float = 4.0

    def __post_init__(self) -> None:
        points = np.asarray(self.points_xy, np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
            raise InputError("a stroke needs one or more points (x, y).", "Draw it again.")
        if not 0 < self.radius_px <= 1000:
            raise InputError(f"radius_px must be in (0, 1000], got {self.radius_px:g}.")


@dataclass(frozen=True, slots=True, eq=False)
class Matte:
    """One object cut out.

    Args:
        rgba: (h, w, 4) uint8 with straight alpha: the object and a transparent margin.
        window_xyxy: Where ``rgba`` lies in the image, px.
        box_xyxy: The visible object's extent in the image, px at edges.
        method: How it was found: "grabcut", "rembg", "outline", or "alpha" when the image was
            transparent already.
        gap_ratio: How much farther the object is from one side of the given box than from the
            others (their median), as a share of the box's width or height; 0 without a box.
        gap_side: That side: "left", "top", "right" or "bottom"; empty without a box.
    """

    rgba: Pixels
    window_xyxy: tuple[int, int, int, int]
    box_xyxy: tuple[int, int, int, int]
    method: str
    gap_ratio: float = 0.0
    gap_side: str = ""

    @property
    def lacks(self) -> str:
        """The side of the box at which something may be missing, or nothing."""
        return self.gap_side if self.gap_ratio > _GAP_RATIO_MAX else ""


def cut_out(
    image: Pixels,
    *,
    box_xyxy: ArrayLike | None = None,
    strokes: Sequence[Stroke] | None = None,
    outlines: Sequence[NDArray[np.float32]] = (),
    method: Method = "auto",
) -> Matte:
    """The object in a box, or under strokes, with soft edges and without the background's cast.

    An image that is transparent already is only cut to the box and trimmed.

    Args:
        image: uint8 (h, w, 3) RGB or (h, w, 4) RGBA.
        box_xyxy: Around the whole object, px of the image.
        strokes: On the object and on what does not belong to it; alone, or to mend a box.
        outlines: (k, 2) px each: the object's outline where it is roughly known, with a box; it
            then needs no finding, only soft edges.
        method: "grabcut" is always there; "rembg" finds the object with that package and a model
            that is on this machine; "auto" takes rembg where it can, else GrabCut.

    Raises:
        NothingMarkedError: Neither a box nor a stroke on the object.
        InputError: They lie outside of the image.
        ImageError: The image has no usable form, or nothing stands out in the box.
        MissingPackageError: The method "rembg" was asked for and cannot be had.

    Example:
        >>> sky = np.full((60, 80, 3), (120, 170, 230), np.uint8)
        >>> sky[20:40, 30:60] = (200, 30, 30)
        >>> cut_out(sky, box_xyxy=(28, 18, 62, 42)).box_xyxy
        (30, 20, 60, 40)
    """
    _check_image(image)
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}.")
    height, width = image.shape[:2]
    drawn = tuple(strokes or ())
    box = None if box_xyxy is None else _clip_box(box_xyxy, (width, height))
    if image.shape[2] == 4 and int(image[..., 3].min()) < 255:
        return _take_transparent(image, box)
    if box is None and not any(stroke.keep for stroke in drawn):
        raise NothingMarkedError(
            "there is neither a box nor a stroke on the object.", "Draw one of them."
        )
    rgb = np.ascontiguousarray(image[..., :3])
    window = _surroundings(box, drawn, (width, height))
    left, top, right, bottom = window
    view = np.ascontiguousarray(rgb[top:bottom, left:right])
    labels = _label(view.shape[:2], window, box, drawn)
    shape = _fill_outlines(view.shape[:2], (left, top), outlines)
    alpha, used = _find_alpha(view, labels, shape, method)
    _check_found(alpha, view, labels)
    rgba = np.dstack([estimate_foreground(view, alpha), np.round(alpha * 255).astype(np.uint8)])
    matte = _finish(np.asarray(rgba, np.uint8), (left, top), used)
    return matte if box is None else _with_gap(matte, box)


def _with_gap(matte: Matte, box: tuple[int, int, int, int]) -> Matte:
    found, (width, height) = matte.box_xyxy, (box[2] - box[0], box[3] - box[1])
    lengths = {
        "left": (found[0] - box[0], width),
        "top": (found[1] - box[1], height),
        "right": (box[2] - found[2], width),
        "bottom": (box[3] - found[3], height),
    }
    usual = {
        name: float(np.median([gap for other, (gap, _) in lengths.items() if other != name]))
        for name in lengths
    }
    gaps = {name: (gap - usual[name]) / whole for name, (gap, whole) in lengths.items()}
    side = max(gaps, key=lambda name: gaps[name])
    return replace(matte, gap_ratio=max(0.0, gaps[side]), gap_side=side)


def trim(rgba: Pixels, margin_px: int = _MARGIN_PX) -> tuple[Pixels, tuple[int, int]]:
    """Straight RGBA cut to what is visible plus a transparent margin, and how far it moved (x, y).

    Raises:
        ImageError: Nothing is visible.
    """
    visible = (rgba[..., 3] >= 8).astype(np.uint8)
    x, y, w, h = cv2.boundingRect(visible)
    if not w:
        raise ImageError("the image is wholly transparent.", "Use one that shows something.")
    trimmed = np.zeros((h + 2 * margin_px, w + 2 * margin_px, 4), np.uint8)
    part = rgba[y : y + h, x : x + w]
    trimmed[margin_px : margin_px + h, margin_px : margin_px + w] = part
    trimmed[trimmed[..., 3] == 0] = 0
    return trimmed, (x - margin_px, y - margin_px)


def _check_image(image: Pixels) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (3, 4):
        raise ImageError(
            f"an image must be uint8 (h, w, 3) or (h, w, 4), got {image.dtype} {image.shape}."
        )
    if min(image.shape[:2]) < 8:
        raise ImageError(
            f"the image has {image.shape[1]}x{image.shape[0]} px, at least 8x8 needed."
        )


def _clip_box(box_xyxy: ArrayLike, image_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    box = np.asarray(box_xyxy, np.float64).reshape(-1)
    if len(box) != 4 or not np.isfinite(box).all():
        raise InputError(f"a box must be left, top, right, bottom, got {box_xyxy!r}.")
    low, high = np.floor(box[:2]), np.ceil(box[2:])
    x1, y1 = (int(v) for v in np.clip(low, 0, image_wh))
    x2, y2 = (int(v) for v in np.clip(high, 0, image_wh))
    if x2 - x1 < 4 or y2 - y1 < 4:
        raise InputError(
            f"the box {[round(float(v), 1) for v in box]} has fewer than 4x4 px in the image of "
            f"{image_wh[0]}x{image_wh[1]} px.",
            "Draw it around the whole object.",
        )
    return x1, y1, x2, y2


def _take_transparent(image: Pixels, box: tuple[int, int, int, int] | None) -> Matte:
    x1, y1, x2, y2 = box or (0, 0, image.shape[1], image.shape[0])
    return _finish(np.ascontiguousarray(image[y1:y2, x1:x2]), (x1, y1), "alpha")


def _finish(rgba: Pixels, origin_xy: tuple[int, int], method: str) -> Matte:
    trimmed, (dx, dy) = trim(rgba)
    left, top = origin_xy[0] + dx, origin_xy[1] + dy
    height, width = trimmed.shape[:2]
    x, y, w, h = cv2.boundingRect((trimmed[..., 3] >= 128).astype(np.uint8))
    trimmed.setflags(write=False)
    return Matte(
        rgba=trimmed,
        window_xyxy=(left, top, left + width, top + height),
        box_xyxy=(left + x, top + y, left + x + w, top + y + h),
        method=method,
    )


def _surroundings(
    box: tuple[int, int, int, int] | None, strokes: Sequence[Stroke], image_wh: tuple[int, int]
) -> tuple[int, int, int, int]:
    """The part of the image that is looked at: the box with a rim, or all of it."""
    if box is None:
        return (0, 0, *image_wh)
    rim = max(8, round(_SURROUNDINGS_RATIO * (box[2] - box[0] + box[3] - box[1]) / 2))
    x1, y1 = max(0, box[0] - rim), max(0, box[1] - rim)
    return x1, y1, min(image_wh[0], box[2] + rim), min(image_wh[1], box[3] + rim)


def _label(
    size_hw: tuple[int, int],
    window: tuple[int, int, int, int],
    box: tuple[int, int, int, int] | None,
    strokes: Sequence[Stroke],
) -> Pixels:
    """What the box and the strokes say about each pixel of the window."""
    labels = np.full(size_hw, BACK if box else MAYBE_BACK, np.uint8)
    left, top = window[:2]
    if box:
        labels[box[1] - top : box[3] - top, box[0] - left : box[2] - left] = MAYBE_FRONT
    for stroke in strokes:
        points = np.round((np.array(stroke.points_xy) - (left, top) - 0.5) * 16).astype(np.int32)
        value = FRONT if stroke.keep else BACK
        thickness = max(1, round(2 * stroke.radius_px))
        cv2.polylines(labels, [points], False, int(value), thickness, cv2.LINE_8, shift=4)
    return labels


def _fill_outlines(
    size_hw: tuple[int, int], origin_xy: tuple[int, int], outlines: Sequence[NDArray[np.float32]]
) -> Pixels | None:
    if not len(outlines):
        return None
    shape = np.zeros(size_hw, np.uint8)
    parts = [np.round((part - origin_xy - 0.5) * 16).astype(np.int32) for part in outlines]
    cv2.fillPoly(shape, parts, 1, cv2.LINE_8, shift=4)
    return shape


def _find_alpha(
    view: Pixels, labels: Pixels, shape: Pixels | None, method: Method
) -> tuple[NDArray[np.float32], str]:
    """Alpha of the window, found at a bounded size, refined at full size; and the method used."""
    height, width = labels.shape
    scale = min(1.0, _WORK_SIDE_PX / max(height, width))
    small_wh = (max(4, round(width * scale)), max(4, round(height * scale)))
    small = np.asarray(cv2.resize(view, small_wh, interpolation=cv2.INTER_AREA), np.uint8)
    seeds = np.asarray(cv2.resize(labels, small_wh, interpolation=cv2.INTER_NEAREST), np.uint8)
    if shape is None:
        mask, used = _find_mask(small, seeds, method)
    else:
        known = cv2.resize(shape, small_wh, interpolation=cv2.INTER_NEAREST) > 0
        mask, used = np.asarray((known | (seeds == FRONT)) & (seeds != BACK), bool), "outline"
    alpha = _soften(small, drop_crumbs(mask, seeds == FRONT), seeds)
    if scale < 1:
        alpha = enlarge_alpha(view, small, alpha)
    return alpha, used


def _find_mask(rgb: Pixels, labels: Pixels, method: Method) -> tuple[NDArray[np.bool_], str]:
    saliency = None if method == "grabcut" else load_saliency(required=method == "rembg")
    if saliency is None:
        return find_object(rgb, labels), "grabcut"
    mask = (saliency(rgb) >= 0.5) & (labels != BACK) | (labels == FRONT)
    return mask, "rembg"


def _soften(rgb: Pixels, mask: NDArray[np.bool_], labels: Pixels) -> NDArray[np.float32]:
    """Alpha by closed-form matting in a band along the mask's edge."""
    area = mask.astype(np.uint8)
    half = int(np.clip(round(_BAND_RATIO * np.sqrt(area.sum())), 2, 4))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * half + 1,) * 2)
    band = cv2.dilate(area, disc) > cv2.erode(area, disc)
    # Outside of the box nothing belongs to the object, whatever the colors say.
    band &= (labels != BACK) & (labels != FRONT)
    return estimate_alpha(rgb, area.astype(np.float32), band)


def _check_found(alpha: NDArray[np.float32], view: Pixels, labels: Pixels) -> None:
    area, room = float(alpha.sum()), int((labels != BACK).sum())
    if area < _AREA_MIN_PX:
        raise ImageError(
            "nothing stands out from its surroundings there.",
            "Draw a line on the object, or a box closer around it.",
        )
    if area > _FILLED_MAX_RATIO * room and unlike_ratio(view, labels) < 0.5:
        raise ImageError(
            "the object cannot be told from its surroundings.",
            "Leave some room in the box around the object, or draw a line on what is not it.",
        )
