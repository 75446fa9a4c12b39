"""Conversions to and from other libraries' types, so that ours need not know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.types import Detections

if TYPE_CHECKING:
    import supervision

__all__ = ["from_supervision", "to_supervision"]


def to_supervision(detections: Detections) -> supervision.Detections:
    """Return a `supervision.Detections` with its own copies of the arrays."""
    import supervision

    names = np.array(detections.class_names)
    return supervision.Detections(
        xyxy=detections.xyxy.copy(),
        confidence=detections.score.copy(),
        class_id=detections.class_id.copy(),
        data={"class_name": names[detections.class_id]},
    )


def from_supervision(
    detections: supervision.Detections,
    image_wh: tuple[int, int],
    *,
    class_names: tuple[str, ...] = ("object",),
) -> Detections:
    """Return our detections; absent scores become 1.0 and absent classes 0."""
    return Detections.from_xyxy(
        detections.xyxy,
        image_wh,
        score=detections.confidence,
        class_id=detections.class_id,
        class_names=class_names,
    )
