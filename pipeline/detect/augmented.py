"""Looking at an image more than once: mirrored, and at other scales.

Each view is a detector of its own; `ensemble.py` fuses them. Wrappers: the same contract as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from core.types import Detections, Image
from pipeline.config import DetectConfig
from pipeline.detect.ensemble import EnsembleDetector
from pipeline.stages import Detector

__all__ = ["FlippedDetector", "mirror_detections", "open_views"]


class FlippedDetector:
    """Sees the mirrored image, and tells where things are in the real one.

    Args:
        inner: The detector that looks.
    """

    def __init__(self, inner: Detector) -> None:
        self._inner = inner

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image."""
        mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in images]
        return [mirror_detections(found) for found in self._inner(mirrored)]


def mirror_detections(found: Detections) -> Detections:
    """Return the detections of an image as those of its mirror image.

    Example:
        >>> mirror_detections(Detections.from_xyxy([[10, 5, 30, 9]], (100, 50))).xyxy.tolist()
        [[70.0, 5.0, 90.0, 9.0]]
    """
    x1, y1, x2, y2 = found.xyxy.T
    width = found.image_wh[0]
    turned = np.stack([width - x2, y1, width - x1, y2], axis=1)
    kept = np.flatnonzero(turned[:, 2] > turned[:, 0])  # slivers may have no width any more
    return replace(found[kept], xyxy=turned[kept])


def open_views(open_one: Callable[[DetectConfig], Detector], config: DetectConfig) -> Detector:
    """Return a detector with as many views as the settings ask for; one view is just itself.

    Args:
        open_one: Makes a detector from its settings.
        config: Settings with `flip` and `scales`.
    """
    detector = open_one(config)
    views = [detector]
    if config.flip:
        views.append(FlippedDetector(detector))
    views += [open_one(config.at_scale(scale)) for scale in config.scales]
    if len(views) == 1:
        return detector
    return EnsembleDetector(
        views,
        iou_min=config.iou_max,
        # Not lower than a single view's: the fused score falls where views disagree.
        score_min=config.score_min,
        max_boxes=config.max_boxes,
    )
