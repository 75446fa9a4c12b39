"""Where in a scene something may be put: boxes of room, colours, and where the sky is.

In: a background's thumbnail and the window of it that is shown. Not here: the choice itself
(``synth.sample``).
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "Place", "box_around", "box_iou", "find_sky"]

Box: TypeAlias = tuple[float, float, float, float]

_STEP_MAX = 5  # grey levels from one pixel of the thumbnail to the next that are still sky
_SKY_SHARE_MIN = 0.06


class Place:
    """The chosen window of a background's thumbnail: which colour, and whether sky, lies where.

    Args:
        thumbnail: uint8 (h, w, 3) RGB of the whole background.
        window: Its shown part, x1 y1 x2 y2 as shares of the sides.
        flipped: It is shown mirrored.
        canvas_wh: Size of the scene, px; positions are given in it.
    """

    def __init__(
        self, thumbnail: NDArray[np.uint8], window: Box, flipped: bool, canvas_wh: tuple[int, int]
    ) -> None:
        height, width = thumbnail.shape[:2]
        x1, y1, x2, y2 = (np.array(window) * [width, height, width, height]).astype(int)
        part = np.s_[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        step = -1 if flipped else 1
        self._view = thumbnail[part][:, ::step]
        self._sky = find_sky(thumbnail)[part][:, ::step]
        self._canvas_wh = canvas_wh
        self.has_sky = bool(self._sky.mean() > _SKY_SHARE_MIN)

    def color_at(self, center_xy: tuple[float, float]) -> NDArray[np.float32]:
        """The background's colour there, float32 (3,)."""
        row, column = self._cell(center_xy)
        return self._view[row, column].astype(np.float32)

    def is_sky(self, center_xy: tuple[float, float]) -> bool:
        """Whether the sky is seen there."""
        return bool(self._sky[self._cell(center_xy)])

    def _cell(self, center_xy: tuple[float, float]) -> tuple[int, int]:
        height, width = self._view.shape[:2]
        column = int(np.clip(center_xy[0] / self._canvas_wh[0] * width, 0, width - 1))
        row = int(np.clip(center_xy[1] / self._canvas_wh[1] * height, 0, height - 1))
        return row, column


def find_sky(thumbnail: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the sky is, bool (h, w): what passes smoothly into the upper edge, and all above it.

    A flood of small steps from the upper edge goes round clouds and stops at what stands on the
    ground; a column belongs to the sky down to where the flood last held most of it.
    """
    soft = cv2.GaussianBlur(thumbnail, (0, 0), 0.8)
    height, width = soft.shape[:2]
    flooded = np.zeros((height + 2, width + 2), np.uint8)
    for column in range(0, width, 4):
        if not flooded[1, column + 1]:
            cv2.floodFill(
                np.ascontiguousarray(soft), flooded, (column, 0), 0, (_STEP_MAX,) * 3,
                (_STEP_MAX,) * 3, 4 | cv2.FLOODFILL_MASK_ONLY | (1 << 8),
            )  # fmt: skip
    held = flooded[1:-1, 1:-1].astype(np.float32)
    share = np.cumsum(held, axis=0) / np.arange(1, height + 1)[:, None]
    # From the lowest row up: the first one that the flood reached with most of what is above it.
    reached = (held > 0) & (share > 0.6)
    depth = np.where(reached.any(axis=0), height - np.argmax(reached[::-1], axis=0), 0)
    sky: NDArray[np.bool_] = np.arange(height)[:, None] < depth[None]
    return sky


def box_around(center: tuple[float, float], extent_wh: tuple[float, float]) -> Box:
    """The box of that extent around a centre."""
    half_w, half_h = extent_wh[0] / 2, extent_wh[1] / 2
    return center[0] - half_w, center[1] - half_h, center[0] + half_w, center[1] + half_h


def box_iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (areas - width * height)
