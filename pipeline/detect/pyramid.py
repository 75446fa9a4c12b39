"""A detector that sees the whole image at several scales, each with the sizes it sees well.

A small network learns objects of some ten to two hundred pixels far better than of six hundred. So
large objects are looked for in a smaller copy of the image, which costs a quarter of the time
again, and the next copy a sixteenth. A wrapper: detectors go in, the same contract comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.boxes import area, intersection_matrix, nms
from core.types import Detections, Image
from pipeline.config import DetectConfig
from pipeline.stages import Detector

__all__ = ["PyramidDetector", "open_levels", "without_parts"]

# So much of a box inside a surer, larger one makes it a part of that object.
PART_INSIDE_RATIO = 0.85
# A part is at most this share of the whole: a box of nearly the same size is left to suppression.
PART_AREA_RATIO = 0.5


class PyramidDetector:
    """Boxes of all levels together; an object is kept once, from where it was surest.

    Args:
        levels: One detector per scale, finest first; each fits the image into its own input.
        iou_max: A box that overlaps a better one by more is dropped.
        max_boxes: At most this many boxes per image.
    """

    def __init__(self, levels: Sequence[Detector], *, iou_max: float, max_boxes: int) -> None:
        self._levels = tuple(levels)
        self._iou_max = iou_max
        self._max_boxes = max_boxes

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image."""
        seen = [level(images) for level in self._levels]
        return [self._merge(found) for found in zip(*seen, strict=True)]

    def _merge(self, found: Sequence[Detections]) -> Detections:
        # Only coarser levels may swallow: the finest one's large boxes are often joined neighbours.
        level = np.repeat(np.arange(len(found)), [len(part) for part in found])
        together = Detections.concat(list(found))
        rows = without_parts(together.xyxy, together.score, level)
        together = together[rows]
        kept = nms(together.xyxy, together.score, iou_max=self._iou_max, max_boxes=self._max_boxes)
        return together[kept]


def open_levels(open_level: Callable[[DetectConfig], Detector], config: DetectConfig) -> Detector:
    """Return a detector of as many levels as the settings ask for.

    Args:
        open_level: Makes the detector of one level from its settings.
        config: The settings of the finest level.
    """
    levels = [open_level(config.at_level(number)) for number in range(config.level_count)]
    if len(levels) == 1:
        return levels[0]
    return PyramidDetector(levels, iou_max=config.iou_max, max_boxes=config.max_boxes)


def without_parts(
    xyxy: NDArray[np.float32], score: NDArray[np.float32], level: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rows that are not parts of an object which a coarser level saw whole.

    Args:
        xyxy: (n, 4) boxes of all levels.
        score: (n,) their scores.
        level: (n,) where each was seen; 0 is the finest.

    Example:
        >>> boxes = np.array([[0, 0, 10, 10], [0, 0, 40, 40]], np.float32)
        >>> without_parts(boxes, np.array([0.4, 0.8], np.float32), np.array([0, 1])).tolist()
        [1]
    """
    sizes = np.maximum(area(xyxy), 1e-6)
    inside = intersection_matrix(xyxy, xyxy) / sizes[:, None] >= PART_INSIDE_RATIO
    smaller = sizes[:, None] <= PART_AREA_RATIO * sizes[None]
    surer = score[:, None] < score[None]
    coarser = level[:, None] < level[None]
    return np.flatnonzero(~(inside & smaller & surer & coarser).any(axis=1))
