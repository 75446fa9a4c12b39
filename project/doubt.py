"""How much a person's look at an image is worth: what the models are unsure of comes first.

Pure functions of the boxes that wait. Each sign of doubt is in [0, 1]; a box is as doubtful as its
strongest sign, an image as its boxes. Not here: the queue (``project.store``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from core.boxes import iou_matrix
from project.types import BoxRow

__all__ = ["box_doubt", "image_doubt"]

# Weights say how often each sign turned out to be a mistake, in order: a doubled box nearly always.
_DOUBLED_WEIGHT = 0.95
_SCORE_WEIGHT = 0.85
_DISAGREE_WEIGHT = 0.8
_MARGIN_WEIGHT = 0.7
_DOUBLED_IOU_MIN = 0.3
_MARGIN_SCALE = 1.5  # logits; a lead of this much is already a good sign
_NOTHING_FOUND = 0.6
_TWIN_FACTOR = 0.5  # a second look at nearly the same picture teaches half as much


def box_doubt(box: BoxRow, overlap: float = 0.0) -> tuple[float, str]:
    """Return the doubt about one proposed box, and the reason.

    Args:
        box: A proposal.
        overlap: Its largest IoU with another box of the image.

    Example:
        >>> low = BoxRow(1, 1, (0, 0, 9, 9), "object", "", "proposed", 0.2, None, None, None, "", 0)
        >>> box_doubt(low)
        (0.68, 'low score')
    """
    signs = [(0.0, "")]
    if overlap >= _DOUBLED_IOU_MIN:
        signs.append((_DOUBLED_WEIGHT * min(1.0, overlap + 0.3), "two boxes on one object"))
    if box.detector is not None:
        signs.append((_SCORE_WEIGHT * (1 - box.detector), "low score"))
        if box.probability is not None:
            gap = abs(box.detector - box.probability)
            signs.append((_DISAGREE_WEIGHT * gap, "detector and caption disagree"))
    if box.margin is not None:
        lead = math.exp(-max(box.margin, 0.0) / _MARGIN_SCALE)
        signs.append((_MARGIN_WEIGHT * lead, "two captions fit"))
    doubt, reason = max(signs)
    return round(doubt, 4), reason


def image_doubt(
    boxes: Sequence[BoxRow], *, looked: bool, has_twin: bool = False
) -> tuple[float, str]:
    """Return the doubt about an image in [0, 1], and the reason.

    Args:
        boxes: All its boxes; only proposals are doubted.
        looked: Whether a model looked at it at all.
        has_twin: Whether an earlier image looks nearly the same.
    """
    proposals = [row for row, box in enumerate(boxes) if box.state == "proposed"]
    factor = _TWIN_FACTOR if has_twin else 1.0
    if not proposals:
        nothing = looked and not boxes
        return (_NOTHING_FOUND * factor, "nothing was found") if nothing else (0.0, "")
    live = [row for row, box in enumerate(boxes) if box.state != "rejected"]
    xyxy = np.array([boxes[row].xyxy for row in live], np.float32)
    iou = iou_matrix(xyxy, xyxy)
    np.fill_diagonal(iou, 0)
    overlap = dict(zip(live, iou.max(axis=1, initial=0.0).tolist(), strict=True))
    doubts = [box_doubt(boxes[row], overlap[row]) for row in proposals]
    worst, reason = max(doubts)
    mean = sum(doubt for doubt, _ in doubts) / len(doubts)
    return round(factor * (0.7 * worst + 0.3 * mean), 4), reason
