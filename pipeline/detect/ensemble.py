"""Several detectors, or one detector's several views, fused to one set of boxes.

A wrapper: detectors go in, the same contract comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.boxes import clip_boxes, iou_matrix
from core.types import Detections, Image
from pipeline.stages import Detector

__all__ = ["EnsembleDetector", "SureDetector", "fuse_weighted"]


class EnsembleDetector:
    """Boxes on which the members agree, placed by all of them.

    Args:
        members: Detectors. Where their lists of classes differ, all that they find is of one class.
        iou_min: Boxes that overlap by more are one object.
        score_min: Fused boxes with a lower score are dropped.
        max_boxes: At most this many boxes per image.
    """

    def __init__(
        self, members: Sequence[Detector], *, iou_min: float, score_min: float, max_boxes: int
    ) -> None:
        self._members = tuple(members)
        self._iou_min = iou_min
        self._score_min = score_min
        self._max_boxes = max_boxes

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image."""
        seen = [member(images) for member in self._members]
        return [self._fuse(found) for found in zip(*seen, strict=True)]

    def _fuse(self, found: Sequence[Detections]) -> Detections:
        fused = fuse_weighted(_of_one_vocabulary(found), iou_min=self._iou_min)
        return fused[np.flatnonzero(fused.score >= self._score_min)][: self._max_boxes]


class SureDetector:
    """The boxes of a detector that have at least a score.

    Args:
        inner: The detector that looks.
        score_min: Boxes with a lower score are dropped.
    """

    def __init__(self, inner: Detector, *, score_min: float) -> None:
        self._inner = inner
        self._score_min = score_min

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image."""
        return [found[found.score >= self._score_min] for found in self._inner(images)]


def fuse_weighted(found: Sequence[Detections], *, iou_min: float) -> Detections:
    """Return the weighted fusion of what several detectors found in one image, best first.

    After Solovyev, Wang and Gabruseva, "Weighted boxes fusion" (2021): a box joins the fused box
    it overlaps most; edges are averaged with scores as weights; the score is the mean, lowered
    where fewer members found the object than there are. As everywhere one object is one candidate,
    whatever its looks name it: the class is that of the surest box.

    Args:
        found: One set per member, of the same image.
        iou_min: Boxes that overlap a fused box by more join it.

    Example:
        >>> a = Detections.from_xyxy([[0, 0, 10, 10]], (20, 20), score=np.array([0.9], np.float32))
        >>> b = Detections.from_xyxy([[0, 0, 12, 10]], (20, 20), score=np.array([0.3], np.float32))
        >>> fused = fuse_weighted([a, b], iou_min=0.5)
        >>> fused.xyxy.round(2).tolist(), fused.score.round(2).tolist()
        ([[0.0, 0.0, 10.5, 10.0]], [0.6000000238418579])
    """
    together = Detections.concat(found)
    clusters: list[list[int]] = []
    centers: list[NDArray[np.float32]] = []
    for row in np.argsort(-together.score, kind="stable").tolist():
        near = _nearest(together.xyxy[row], centers, iou_min)
        if near is None:
            clusters.append([row])
            centers.append(together.xyxy[row])
            continue
        clusters[near].append(row)
        centers[near] = _average(together, clusters[near])
    score = np.array(
        [_shared_score(together.score[rows], len(found)) for rows in clusters], np.float32
    )
    fused = replace(
        together[np.array([rows[0] for rows in clusters], np.int64)],
        xyxy=clip_boxes(np.array(centers, np.float32).reshape(-1, 4), together.image_wh),
        score=score,
    )
    return fused[np.argsort(-score, kind="stable")]


def _of_one_vocabulary(found: Sequence[Detections]) -> Sequence[Detections]:
    """The same boxes with classes that can be compared: an "airplane" here is an "object" there."""
    if len({part.class_names for part in found}) == 1:
        return found
    return [Detections.from_xyxy(part.xyxy, part.image_wh, score=part.score) for part in found]


def _nearest(
    box: NDArray[np.float32], centers: Sequence[NDArray[np.float32]], iou_min: float
) -> int | None:
    """The cluster that a box overlaps most, if by more than `iou_min`."""
    if not centers:
        return None
    iou = iou_matrix(box, np.array(centers))[0]
    best = int(iou.argmax())
    return best if iou[best] > iou_min else None


def _average(together: Detections, rows: Sequence[int]) -> NDArray[np.float32]:
    weights = np.maximum(together.score[rows].astype(np.float64), 1e-6)
    return np.average(together.xyxy[rows], axis=0, weights=weights).astype(np.float32)


def _shared_score(scores: NDArray[np.float32], num_members: int) -> float:
    return float(scores.mean()) * min(len(scores), num_members) / num_members
