"""Detection transformers of the `transformers` library: RT-DETR, D-FINE and their kin.

The network gives a few hundred queries: class logits and a box as shares of the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.arrays import sigmoid
from core.boxes import cxcywh_to_xyxy
from core.errors import ModelError
from pipeline.detect.network import Candidates, NetworkDetector

__all__ = ["DetrDetector", "decode_queries"]


class DetrDetector(NetworkDetector):
    """A detector whose network gives `logits` (n, queries, classes) and `pred_boxes` (.., 4)."""

    num_outputs: ClassVar[int] = 2

    def decode(
        self, outputs: Mapping[str, NDArray[np.float32]], input_wh: tuple[int, int]
    ) -> Candidates:
        """Return what the network says about one image."""
        missing = [name for name in ("logits", "pred_boxes") if name not in outputs]
        if missing:
            raise ModelError(
                f"the detector gave {', '.join(outputs)}, but no {', '.join(missing)}.",
                "Convert it again: python app.py export --help",
            )
        logits = outputs["logits"]
        expected = len(self._class_names) + self._card.softmax
        if logits.shape[1] != expected:
            raise ModelError(
                f"the detector gave {logits.shape[1]} classes, expected {expected}.",
                "Check class_names in its model.json.",
            )
        return decode_queries(
            logits, outputs["pred_boxes"], input_wh=input_wh, softmax=self._card.softmax
        )


def decode_queries(
    logits: NDArray[np.float32],
    boxes: NDArray[np.float32],
    *,
    input_wh: tuple[int, int],
    softmax: bool = False,
) -> Candidates:
    """Return one candidate per query: its likeliest class.

    Args:
        logits: (queries, classes).
        boxes: (queries, 4): center x, center y, width, height as shares of the input.
        input_wh: Size of the input.
        softmax: The classes exclude each other and the last one means "nothing".

    Example:
        >>> boxes = np.array([[0.5, 0.5, 0.2, 0.4]])
        >>> found = decode_queries(np.zeros((1, 2)), boxes, input_wh=(10, 10))
        >>> found.xyxy.round(3).tolist(), found.score.tolist()
        ([[4.0, 3.0, 6.0, 7.0]], [0.5])
    """
    if softmax:
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        chance = (weights / weights.sum(axis=1, keepdims=True))[:, :-1]
    else:
        chance = sigmoid(logits)
    size = np.tile(np.array(input_wh, np.float32), 2)
    return Candidates(
        cxcywh_to_xyxy(boxes) * size,
        chance.max(axis=1).astype(np.float32),
        chance.argmax(axis=1),
    )
