"""Which pixels are object: GrabCut (Rother, Kolmogorov, Blake 2004) with a better beginning.

By the book everything in the box is taken for the object at first. Here what looks like the
surroundings, continued into the box, is not; and of several cuts the one that fills the box best
wins, since a box is drawn around an object. Not here: soft edges (``synth.alpha``). In: a small RGB
window and labels; out: a boolean mask.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

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
_FILL_GOOD_IOU = 0.8  # of the mask's extent with what may be object: no second try
_UNLIKE_QUANTILE = 0.98  # of the surroundings' own distance from their continuation
_UNLIKE_MIN = 6.0  # CIELAB units; noise stays below
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
    found = _choose_cut(np.asarray(sized, np.uint8), np.asarray(guess, np.uint8))
    back = cv2.resize(
        found.astype(np.float32), (width, height), interpolation=_filter_for(1 / scale)
    )
    return np.asarray((back >= 0.5) & (labels != BACK) | (labels == FRONT), bool)


def unlike_ratio(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
    """The share of what may be object that differs from the surroundings, 0 to 1."""
    return float(_find_unlike(rgb, labels).sum()) / max(1, int((labels != BACK).sum()))


def _filter_for(scale: float) -> int:
    return cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA


def _choose_cut(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Mask:
    """The first cut that fills the box well, else the one that fills it best."""
    certain = labels == FRONT
    room = labels != BACK
    unlike = _find_unlike(rgb, labels)
    first = np.where(room & ~certain, np.where(unlike, MAYBE_FRONT, MAYBE_BACK), labels)
    boxed = bool((labels == MAYBE_FRONT).any())
    tries = [first.astype(np.uint8), labels] if unlike.any() and boxed else [labels]
    best, best_fill = np.zeros(labels.shape, bool), -1.0
    for guess in tries:
        mask = drop_crumbs(_cut(rgb, guess), certain)
        fill = _fill_iou(mask, room)
        if fill > best_fill:
            best, best_fill = mask, fill
        if best_fill >= _FILL_GOOD_IOU:
            return best
    mask = drop_crumbs((unlike & room) | certain, certain)
    return mask if boxed and _fill_iou(mask, room) > best_fill + 0.1 else best


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
    unlike = (far > limit) & ~around
    return unlike if unlike.sum() > _SEEDS_MIN_RATIO * (~around).sum() else nothing


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
