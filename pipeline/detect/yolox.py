"""YOLOX detectors: a network that gives offsets on three grids, decoded here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.boxes import cxcywh_to_xyxy
from core.errors import ModelError
from pipeline.detect.network import Candidates, NetworkDetector

__all__ = ["YoloxDetector", "decode_grids"]

STRIDES_PX = (8, 16, 32)
# dx, dy, log w, log h, objectness.
_HEAD = 5


class YoloxDetector(NetworkDetector):
    """A detector whose network gives (n, cells, 5 + classes), finest grid first."""

    def decode(
        self, outputs: Mapping[str, NDArray[np.float32]], input_wh: tuple[int, int]
    ) -> Candidates:
        """Return what the network says about one image."""
        (output,) = outputs.values()
        columns = _HEAD + len(self._class_names)
        cells = sum((input_wh[0] // s) * (input_wh[1] // s) for s in STRIDES_PX)
        if output.shape != (cells, columns):
            raise ModelError(
                f"the detector gave {output.shape} per image, expected ({cells}, {columns}) for "
                f"{input_wh[0]}x{input_wh[1]} pixels and {len(self._class_names)} classes.",
                "Check class_names, and export without --decode_in_inference.",
            )
        scores = output[:, _HEAD:] * output[:, 4:5]
        return Candidates(
            decode_grids(output[:, :4], input_wh), scores.max(axis=1), scores.argmax(axis=1)
        )


def decode_grids(offsets: NDArray[np.float32], input_wh: tuple[int, int]) -> NDArray[np.float32]:
    """Return (cells, 4) boxes in pixels of the input.

    Args:
        offsets: (cells, 4): distance from the cell's corner and logarithm of the size, in strides.
        input_wh: Size of the input.

    Example:
        >>> decode_grids(np.zeros((84, 4), np.float32), (64, 64))[[0, 9]].tolist()
        [[-4.0, -4.0, 4.0, 4.0], [4.0, 4.0, 12.0, 12.0]]
    """
    corners, strides = _grids(input_wh)
    center = (offsets[:, :2] + corners) * strides
    size = np.exp(offsets[:, 2:4]) * strides
    return cxcywh_to_xyxy(np.concatenate([center, size], axis=1))


@lru_cache(maxsize=8)
def _grids(input_wh: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(cells, 2) column and row of each cell, and (cells, 1) strides."""
    corners, strides = [], []
    for stride in STRIDES_PX:
        rows, columns = np.indices((input_wh[1] // stride, input_wh[0] // stride))
        corners.append(np.stack([columns, rows], axis=-1).reshape(-1, 2))
        strides.append(np.full((columns.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)
