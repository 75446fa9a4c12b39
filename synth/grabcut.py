"""Which pixels are object: GrabCut (Rother, Kolmogorov, Blake 2004) with a better beginning.

By the book everything in the box is taken for the object at first. Here only what differs from the
surroundings, as they would continue into the box, and has a color that is rarer around the box than
in it. Not here: soft edges (``synth.alpha``). In: a small RGB window and labels; out: a mask.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

__all__ = [
    "BACK",
    "FRONT",
    "MAYBE_BACK",
    "MAYBE_FRONT",
    "drop_crumbs",
    "find_object",
    "unlike_ratio",
]

BACK, FRONT = cv2.GC_BGD, cv2.GC_FGD
MAYBE_BACK, MAYBE_FRONT = cv2.GC_PR_BGD, cv2.GC_PR_FGD

_SIDE_PX = 320  # longer side at which the cut is made
_SCALE_MAX = 3.0
_ROUNDS = 4
_CRUMB_RATIO = 0.02  # parts smaller than this share of the largest are crumbs
_AREA_MIN_RATIO = 0.04  # of the box; less is a detail of something else
_FILL_MIN_IOU = 0.2  # of the mask's extent with the box
_UNLIKE_QUANTILE = 0.98  # of the surroundings' own distance from their continuation
_UNLIKE_MIN = 6.0  # CIELAB units; noise stays below
_ODDS_MIN = 2.0
_BIN_SIDES = (12, 6, 6)  # of the histogram of colors, in OpenCV's 8-bit CIELAB
_BINS = (22, 43, 43)
_SEEDS_MIN_RATIO = 0.03  # of the box; fewer say nothing
_SMOOTH_LEVELS = 2  # the continuation has no detail below 4 px

Mask = NDArray[np.bool_]


def find_object(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Mask:
    """The pixels of the object, bool (h, w); all false when nothing can be told apart.

    Args:
        rgb: (h, w, 3).
        labels: (h, w): BACK and FRONT are certain, MAYBE_BACK and MAYBE_FRONT a first guess.
    """
    height, width = labels.shape
    # Small objects are enlarged: lines of a pixel or two would be lost otherwise.
    scale = min(_SCALE_MAX, _SIDE_PX / max(height, width))
    wh = (max(4, round(width * scale)), max(4, round(height * scale)))
    sized = cv2.resize(rgb, wh, interpolation=_filter_for(scale))
    guess = cv2.resize(labels, wh, interpolation=cv2.INTER_NEAREST)
    found = _try_cuts(np.asarray(sized, np.uint8), np.asarray(guess, np.uint8))
    back = cv2.resize(
        found.astype(np.float32), (width, height), interpolation=_filter_for(1 / scale)
    )
    return np.asarray((back >= 0.5) & (labels != BACK) | (labels == FRONT), bool)


def unlike_ratio(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
    """The share of what may be object that differs from the surroundings, 0 to 1."""
    return float(_find_unlike(rgb, labels).sum()) / max(1, int((labels != BACK).sum()))


def _filter_for(scale: float) -> int:
    return cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA


def _try_cuts(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Mask:
    """The first cut, from the best beginning to the plainest, that leaves an object in the box."""
    certain, room = labels == FRONT, labels != BACK
    mask = np.zeros(labels.shape, bool)
    for guess in _beginnings(rgb, labels):
        mask = drop_crumbs(_cut(rgb, guess), certain)
        if mask.sum() >= _AREA_MIN_RATIO * room.sum() and _fill_iou(mask, room) >= _FILL_MIN_IOU:
            break
    return mask


def _beginnings(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """First guesses for what may be object; the last one is GrabCut's own: all of it."""
    certain, room = labels == FRONT, labels != BACK
    if (labels == MAYBE_FRONT).any():
        unlike = _find_unlike(rgb, labels)
        own = unlike & (_color_odds(rgb, labels) > _ODDS_MIN)
        for front in (own, unlike):
            if front.sum() > _SEEDS_MIN_RATIO * room.sum():
                guess = np.where(front, MAYBE_FRONT, MAYBE_BACK)
                yield np.where(room & ~certain, guess, labels).astype(np.uint8)
    yield labels


def _cut(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Mask:
    mask = labels.copy()
    front = (mask == FRONT) | (mask == MAYBE_FRONT)
    # Each of the two color models has five components; fewer pixels cannot fill them.
    if min(front.sum(), (~front).sum()) < 10:
        return np.zeros(mask.shape, bool)
    models = np.zeros((2, 1, 65), np.float64)
    # The models start from k-means, which draws from a generator of the thread.
    cv2.setRNGSeed(0)
    cv2.grabCut(rgb, mask, (0, 0, 1, 1), models[0], models[1], _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return (mask == FRONT) | (mask == MAYBE_FRONT)


def _find_unlike(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Mask:
    """Pixels that differ from the surroundings more than these do; none where nothing is known."""
    around = labels == BACK
    nothing = np.zeros(labels.shape, bool)
    if around.sum() < 32:
        return nothing
    unit = rgb.astype(np.float32) / np.float32(255)
    lab = np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2LAB), np.float32)
    far = np.linalg.norm(lab - _continue_inwards(lab, around), axis=2)
    limit = max(float(np.quantile(far[around], _UNLIKE_QUANTILE)), _UNLIKE_MIN)
    return (far > limit) & ~around


def _color_odds(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much more often each pixel's color occurs where the object may be than around it."""
    room = labels != BACK
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.int64)
    row = np.ravel_multi_index(tuple(np.moveaxis(lab // _BIN_SIDES, 2, 0)), _BINS)
    share = []
    for part in (room, ~room):
        count = np.bincount(row[part], minlength=math.prod(_BINS)).reshape(_BINS)
        share.append(gaussian_filter(count / max(1, int(part.sum())), 1.0) + 1e-6)
    return np.asarray((share[0] / share[1]).ravel()[row], np.float32)


def _continue_inwards(image: NDArray[np.float32], known: Mask) -> NDArray[np.float32]:
    """The image's known part, smoothed and continued into the unknown one (push and pull)."""
    total, weight = image * known[..., None], known.astype(np.float32)
    levels = []
    while min(weight.shape) > 2:
        levels.append((total, weight))
        half_wh = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        total = np.asarray(cv2.resize(total, half_wh, interpolation=cv2.INTER_AREA), np.float32)
        weight = np.asarray(cv2.resize(weight, half_wh, interpolation=cv2.INTER_AREA), np.float32)
    mean = total.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6)
    smooth = np.broadcast_to(mean, total.shape).astype(np.float32)
    for level, (total, weight) in reversed(list(enumerate(levels))):
        wh = (weight.shape[1], weight.shape[0])
        smooth = np.asarray(cv2.resize(smooth, wh), np.float32)
        if level >= _SMOOTH_LEVELS:
            cover = weight[..., None]
            known_mean = total / np.maximum(cover, np.float32(1e-3))
            smooth = np.asarray(smooth + (known_mean - smooth) * cover, np.float32)
    return smooth


def _fill_iou(mask: Mask, room: Mask) -> float:
    """IoU of the mask's extent with that of the room it has."""
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    left, top, width, height = cv2.boundingRect(room.astype(np.uint8))
    across = max(0, min(x + w, left + width) - max(x, left))
    down = max(0, min(y + h, top + height) - max(y, top))
    return across * down / max(1, w * h + width * height - across * down)


def drop_crumbs(mask: Mask, keep: Mask) -> Mask:
    """The mask without parts much smaller than the largest, unless they touch ``keep``."""
    count, parts, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    areas = facts[:, cv2.CC_STAT_AREA]
    wanted = areas >= max(4.0, _CRUMB_RATIO * float(areas[1:].max()))
    wanted[np.unique(parts[keep & mask])] = True
    wanted[0] = False
    return np.asarray(wanted[parts], bool)
