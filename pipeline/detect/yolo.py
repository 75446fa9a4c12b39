"""Detectors of the YOLO kind, as Ultralytics exports them: raw anchors out, decoded here.

Heads without suppression (v10, 26, RT-DETR) give some 300 finished rows instead, which the same
class reads.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.boxes import cxcywh_to_xyxy
from core.errors import ModelError
from pipeline.detect.network import Candidates, NetworkDetector

__all__ = ["YoloDetector"]

# A finished row: x1, y1, x2, y2, score, class.
_ROW = 6


class YoloDetector(NetworkDetector):
    """A detector whose network gives (n, 4 + classes, anchors) or (n, rows, 6).

    Anchors are cx, cy, w, h in pixels and one score per class; rows are x1, y1, x2, y2 in pixels,
    score, class.
    """

    def decode(
        self, outputs: Mapping[str, NDArray[np.float32]], input_wh: tuple[int, int]
    ) -> Candidates:
        """Return what the network says about one image."""
        (output,) = outputs.values()
        num_classes = len(self._class_names)
        if output.ndim == 2 and len(output) == 4 + num_classes:
            return _from_anchors(output)
        if output.ndim == 2 and output.shape[1] == _ROW:
            return _from_rows(output, num_classes)
        raise ModelError(
            f"the detector gave {output.shape} per image, expected ({4 + num_classes}, anchors) "
            f"for {num_classes} classes, or (rows, {_ROW}).",
            "Check class_names in the catalogue, and export without NMS.",
        )


def _from_anchors(output: NDArray[np.float32]) -> Candidates:
    return Candidates(
        cxcywh_to_xyxy(output[:4].T), output[4:].max(axis=0), output[4:].argmax(axis=0)
    )


def _from_rows(output: NDArray[np.float32], num_classes: int) -> Candidates:
    class_id = np.clip(output[:, 5], 0, num_classes - 1).astype(np.int64)
    return Candidates(output[:, :4], output[:, 4], class_id)
