"""Which pixels are object: GrabCut (Rother, Kolmogorov, Blake 2004) from a box and strokes.

Here: what is known beforehand as labels, the cut, and the removal of crumbs. Not here: soft edges
(``synth.alpha``). In: a small RGB window and labels; out: a boolean mask.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["BACK", "FRONT", "MAYBE_BACK", "MAYBE_FRONT", "drop_crumbs", "find_object"]

BACK, FRONT = cv2.GC_BGD, cv2.GC_FGD
MAYBE_BACK, MAYBE_FRONT = cv2.GC_PR_BGD, cv2.GC_PR_FGD

_ROUNDS = 6
_CRUMB_RATIO = 0.02  # parts smaller than this share of the largest are crumbs


def find_object(rgb: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The pixels of the object, bool (h, w); all false when nothing can be told apart.

    Args:
        rgb: (h, w, 3).
        labels: (h, w): BACK and FRONT are certain, MAYBE_BACK and MAYBE_FRONT a first guess.
    """
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


def drop_crumbs(mask: NDArray[np.bool_], keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask without parts much smaller than the largest, unless they touch ``keep``."""
    count, parts, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    areas = facts[:, cv2.CC_STAT_AREA]
    wanted = areas >= max(4.0, _CRUMB_RATIO * float(areas[1:].max()))
    wanted[np.unique(parts[keep & mask])] = True
    wanted[0] = False
    return np.asarray(wanted[parts], bool)
