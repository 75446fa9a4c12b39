"""Detectors as Meituan's YOLOv6 tools export them: decoded anchors with an objectness column."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.boxes import cxcywh_to_xyxy
from core.errors import ModelError
from pipeline.detect.network import Candidates, NetworkDetector

__all__ = ["YoloV6Detector"]

# cx, cy, w, h, objectness.
_HEAD = 5


class YoloV6Detector(NetworkDetector):
    """A detector whose network gives (n, anchors, 5 + classes), boxes in pixels.

    YOLOv6 writes 1 as objectness; YOLOv5 uses the same layout with a real one.
    """

    def decode(
        self, outputs: Mapping[str, NDArray[np.float32]], input_wh: tuple[int, int]
    ) -> Candidates:
        """Return what the network says about one image."""
        (output,) = outputs.values()
        columns = _HEAD + len(self._class_names)
        if output.ndim != 2 or output.shape[1] != columns:
            raise ModelError(
                f"the detector gave {output.shape} per image, expected (anchors, {columns}) for "
                f"{len(self._class_names)} classes.",
                "Check class_names, and export with deploy/ONNX/export_onnx.py without --end2end.",
            )
        scores = output[:, _HEAD:] * output[:, 4:5]
        return Candidates(cxcywh_to_xyxy(output[:, :4]), scores.max(axis=1), scores.argmax(axis=1))
