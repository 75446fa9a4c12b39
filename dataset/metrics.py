"""How good boxes and scores are: plain numbers in [0, 1], from arrays and ``Detections``.

Boxes: average precision and recall at one IoU by the COCO rules (greedy matching by score, 101
recall points), for one class. Scores: how well they tell right from wrong, and how far they can be
taken at their word. Not here: files or models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.boxes import iou_matrix
from core.errors import DataError
from core.types import Detections

__all__ = [
    "area_under_roc",
    "average_precision",
    "calibration_error",
    "match_boxes",
    "recall",
]

Boxes = NDArray[np.float32]
_BINS = 10


def match_boxes(prediction: Detections, truth: Boxes, *, iou_min: float = 0.5) -> NDArray[np.int64]:
    """The true box that each predicted box finds, (n,) int64, -1 for none.

    Predictions choose in the order of their score; each takes the still free true box it covers
    best, if by at least ``iou_min``.
    """
    iou = iou_matrix(prediction.xyxy, truth)
    found = np.full(len(prediction), -1, np.int64)
    free = np.ones(len(truth), bool)
    for row in np.argsort(-prediction.score, kind="stable"):
        open_iou = np.where(free, iou[row], -1.0)
        if len(truth) and open_iou.max() >= iou_min:
            found[row] = int(open_iou.argmax())
            free[found[row]] = False
    return found


def average_precision(
    predictions: Sequence[Detections], truths: Sequence[Boxes], *, iou_min: float = 0.5
) -> float:
    """The area under precision over recall, read at 101 recalls as COCO does.

    Args:
        predictions: One per image; scores are compared across the whole set.
        truths: True boxes of each image, float32 (n, 4) xyxy.
        iou_min: Overlap from which a box counts as found, in (0, 1].

    Returns:
        In [0, 1]. Without any true box it is 1.0 if nothing was predicted, else 0.0.

    Raises:
        DataError: The lengths differ, or ``iou_min`` is out of range.

    Example:
        >>> seen = Detections.from_xyxy([[0, 0, 4, 4]], (8, 8))
        >>> average_precision([seen], [np.array([[0, 0, 4, 4]], np.float32)])
        1.0
    """
    _check(predictions, truths, iou_min)
    num_truths = sum(len(truth) for truth in truths)
    scores = np.concatenate([np.zeros(0), *(p.score for p in predictions)])
    if num_truths == 0:
        return float(len(scores) == 0)
    found = [
        match_boxes(p, t, iou_min=iou_min) >= 0 for p, t in zip(predictions, truths, strict=True)
    ]
    hits = np.concatenate([np.zeros(0, bool), *found])[np.argsort(-scores, kind="stable")]
    true_positives = np.cumsum(hits)
    precision = true_positives / np.arange(1, len(hits) + 1)
    # The best precision at this recall or beyond.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    points = np.searchsorted(true_positives / num_truths, np.linspace(0, 1, 101), side="left")
    return float(np.append(envelope, 0.0)[np.minimum(points, len(envelope))].mean())


def recall(
    predictions: Sequence[Detections],
    truths: Sequence[Boxes],
    *,
    iou_min: float = 0.5,
) -> float:
    """The share of true boxes that some prediction finds; 1.0 where there are none.

    Args:
        predictions: One per image.
        truths: True boxes of each image, float32 (n, 4) xyxy.
        iou_min: Overlap from which a box counts as found.

    Raises:
        DataError: The lengths differ, or ``iou_min`` is out of range.
    """
    _check(predictions, truths, iou_min)
    num_truths = sum(len(truth) for truth in truths)
    num_found = sum(
        int((match_boxes(p, t, iou_min=iou_min) >= 0).sum())
        for p, t in zip(predictions, truths, strict=True)
    )
    return num_found / num_truths if num_truths else 1.0


def area_under_roc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float | None:
    """The chance that a positive outscores a negative (ties count half); None without both.

    By the ranks of Mann and Whitney (1947): no table of all pairs.

    Example:
        >>> area_under_roc(np.array([0.9, 0.4, 0.4]), np.array([True, True, False]))
        0.75
    """
    num_positive = int(positive.sum())
    num_negative = len(positive) - num_positive
    if num_positive == 0 or num_negative == 0:
        return None
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[which]  # ties share the middle one
    above = ranks[positive].sum() - num_positive * (num_positive + 1) / 2
    return float(above / (num_positive * num_negative))


def calibration_error(probability: NDArray[np.float64], right: NDArray[np.bool_]) -> float | None:
    """The expected calibration error in ten equal bins; None without any case.

    Example:
        >>> calibration_error(np.array([0.95, 0.95]), np.array([True, True]))
        0.05
    """
    if len(probability) == 0:
        return None
    bins = np.minimum((probability * _BINS).astype(np.int64), _BINS - 1)
    error = 0.0
    for number in np.unique(bins):
        inside = bins == number
        gap = abs(float(probability[inside].mean()) - float(right[inside].mean()))
        error += gap * float(inside.mean())
    return round(error, 6)


def _check(predictions: Sequence[Detections], truths: Sequence[Boxes], iou_min: float) -> None:
    if len(predictions) != len(truths):
        raise DataError(
            f"got predictions of {len(predictions)} images and truths of {len(truths)}.",
            "Give one of each per image, empty where there is nothing.",
        )
    if not 0 < iou_min <= 1:
        raise DataError(f"iou_min must be in (0, 1], got {iou_min:g}.")
