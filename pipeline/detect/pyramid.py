"""A detector that sees the whole image at several scales, each with the sizes it sees well.

A small network learns objects of some ten to two hundred pixels far better than of six hundred. So
large objects are looked for in a smaller copy of the image, which costs a quarter of the time
again, and the next copy a sixteenth. A wrapper: detectors go in, the same contract comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.boxes import area, fuse_boxes, intersection_matrix, iou_matrix
from core.types import Detections, Image
from pipeline.config import DetectConfig
from pipeline.detect.letterbox import fit_factor
from pipeline.stages import Detector

__all__ = ["Level", "PyramidDetector", "open_levels", "without_parts"]

# What a level may report, longer side in pixels of its input: smaller things are seen better one
# level finer, larger ones one level coarser. The ends of the pyramid keep theirs.
SIDE_PX_MIN = 14.0
SIDE_PX_MAX = 150.0
# Within a level only what is nearly the same box is suppressed; the rest is for the fusion.
LEVEL_IOU_MAX = 0.7
# So much of a box inside a surer, larger one makes it a part of that object.
PART_INSIDE_RATIO = 0.85
# A part is at most this share of the whole: a box of nearly the same size is left to the fusion.
PART_AREA_RATIO = 0.5
# From this share of the larger box's score on, a smaller one is as sure: an object of its own.
AS_SURE_RATIO = 0.7
# Objects that stand beside each other overlap by less (IoU).
APART_IOU_MAX = 0.05


@dataclass(frozen=True, slots=True)
class Level:
    """A detector and the width and height in pixels that it fits an image into."""

    detector: Detector
    input_wh: tuple[int, int]


class PyramidDetector:
    """Boxes of all levels together; an object is kept once, where the levels agree it is.

    Args:
        levels: Finest first.
        iou_max: Boxes that overlap by more are one object, and are fused.
        max_boxes: At most this many boxes per image.
    """

    def __init__(self, levels: Sequence[Level], *, iou_max: float, max_boxes: int) -> None:
        self._levels = tuple(levels)
        self._iou_max = iou_max
        self._max_boxes = max_boxes

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image."""
        seen = [level.detector(images) for level in self._levels]
        return [self._merge(found) for found in zip(*seen, strict=True)]

    def _merge(self, found: Sequence[Detections]) -> Detections:
        parts = [self._fitting(part, number) for number, part in enumerate(found)]
        level = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        together = Detections.concat(parts)
        together = together[without_parts(together.xyxy, together.score, level)]
        boxes, rows = fuse_boxes(
            together.xyxy, together.score, iou_min=self._iou_max, max_boxes=self._max_boxes
        )
        return replace(together[rows], xyxy=boxes)

    def _fitting(self, part: Detections, number: int) -> Detections:
        """The boxes of a level that have the size it sees well."""
        fit = fit_factor(part.image_wh, self._levels[number].input_wh)
        side_px = (part.xyxy[:, 2:] - part.xyxy[:, :2]).max(axis=1, initial=0) * fit
        large_enough = (side_px >= SIDE_PX_MIN) | (number == 0)
        small_enough = (side_px <= SIDE_PX_MAX) | (number == len(self._levels) - 1)
        return part[np.flatnonzero(large_enough & small_enough)]


def open_levels(open_level: Callable[[DetectConfig], Detector], config: DetectConfig) -> Detector:
    """Return a detector of as many levels as the settings ask for.

    Args:
        open_level: Makes the detector of one level from its settings.
        config: The settings of the finest level.
    """
    if config.level_count == 1:
        return open_level(config)
    loose = config.model_copy(update={"iou_max": max(config.iou_max, LEVEL_IOU_MAX)})
    parts = [loose.at_level(number) for number in range(config.level_count)]
    levels = [Level(open_level(part), part.input_wh) for part in parts]
    return PyramidDetector(levels, iou_max=config.iou_max, max_boxes=config.max_boxes)


def without_parts(
    xyxy: NDArray[np.float32], score: NDArray[np.float32], level: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rows of whole objects: neither parts of one nor several taken for one.

    A coarser level sees large objects whole, of which a finer one sees parts. It also takes small
    neighbours for one object, of which a finer one is as sure one by one.

    Args:
        xyxy: (n, 4) boxes of all levels.
        score: (n,) their scores.
        level: (n,) where each was seen; 0 is the finest.

    Example:
        >>> boxes = np.array([[0, 0, 10, 10], [30, 30, 40, 40], [0, 0, 40, 40]], np.float32)
        >>> without_parts(boxes, np.array([0.4, 0.3, 0.8]), np.array([0, 0, 1])).tolist()
        [2]
        >>> without_parts(boxes, np.array([0.7, 0.6, 0.8]), np.array([0, 0, 1])).tolist()
        [0, 1]
    """
    sizes = np.maximum(area(xyxy), 1e-6)
    inside = intersection_matrix(xyxy, xyxy) / sizes[:, None] >= PART_INSIDE_RATIO
    smaller = sizes[:, None] <= PART_AREA_RATIO * sizes[None]
    within = inside & smaller & (level[:, None] < level[None])
    as_sure = score[:, None] >= AS_SURE_RATIO * score[None]
    own = (within & as_sure).astype(np.float32)
    apart = (iou_matrix(xyxy, xyxy) < APART_IOU_MAX).astype(np.float32)
    several = (own * (apart @ own)).any(axis=0)  # at least two of its own, and apart
    parts = (within & ~as_sure & ~several).any(axis=1)
    return np.flatnonzero(~(parts | several))
