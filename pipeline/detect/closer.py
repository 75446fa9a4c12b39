"""A detector that looks again, closer, at what it found small.

A network sees an image fitted into its input, so a large photograph is shrunk and its small objects
lose what would tell them from a bird or a lamp. A small window around each candidate, cut from the
image as it is, costs a thirtieth of the first look; a finer look at everything costs two and a half
times as much. A wrapper: detectors go in, the same contract comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from core.boxes import clip_boxes, iou_matrix, move_detections, nms
from core.types import Detections, Image
from pipeline.config import DetectConfig
from pipeline.detect.ensemble import SureDetector
from pipeline.detect.letterbox import fit_factor
from pipeline.detect.network import PARTS_AT_ONCE
from pipeline.stages import Detector

__all__ = ["WINDOW_PX", "CloserDetector", "open_closer", "plan_looks"]

# Side of the network's input for a window, and the longer side that an object should have in it:
# about what the network knows best, with room around it.
WINDOW_PX = 128
OBJECT_PX = 40.0
# Objects that the first look already saw with a longer side of so many input pixels are left alone.
SIDE_PX_MAX = 80.0
# A look that is not so much finer than the first one shows nothing new.
WORTH_LOOKING = 1.25
# From this overlap on a box of the closer look is the same object, seen better.
SAME_IOU_MIN = 0.3
# Boxes from this score on are looked at closer: some that the first look hardly saw become sure.
FIRST_SCORE_MIN = 0.02
# What the closer look does not see at all has this score there, not nought: it may be mistaken.
UNSEEN_SCORE = 0.003


class CloserDetector:
    """Small boxes of a detector, placed and judged again by a closer look at each.

    The score becomes what both looks say together, the mean of their log-odds; the edges are
    averaged with squared scores as weights, as `core.boxes.fuse_boxes` does.

    Args:
        inner: Looks at the whole image.
        closer: Looks at windows of the image; gives scores down to `UNSEEN_SCORE`.
        input_wh: What the inner detector fits an image into.
        iou_max: Boxes that overlap by more after the closer look are one object.
    """

    def __init__(
        self, inner: Detector, closer: Detector, *, input_wh: tuple[int, int], iou_max: float
    ) -> None:
        self._inner = inner
        self._closer = closer
        self._input_wh = input_wh
        self._iou_max = iou_max

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image."""
        seen = self._inner(images)
        plans = [plan_looks(found, self._input_wh) for found in seen]
        views = (
            np.ascontiguousarray(image[y1:y2, x1:x2])
            for image, (_, windows) in zip(images, plans, strict=True)
            for x1, y1, x2, y2 in windows.tolist()
        )
        groups = iter(lambda: list(islice(views, PARTS_AT_ONCE)), [])
        looks = (look for group in groups for look in self._closer(group))
        return [
            self._judged(found, rows, windows, list(islice(looks, len(rows))))
            for found, (rows, windows) in zip(seen, plans, strict=True)
        ]

    def _judged(
        self,
        found: Detections,
        rows: NDArray[np.int64],
        windows: NDArray[np.int64],
        looks: Sequence[Detections],
    ) -> Detections:
        if not looks:
            return found
        xyxy, score = found.xyxy.copy(), found.score.copy()
        for row, window, look in zip(rows, windows, looks, strict=True):
            moved = move_detections(look, window[0], window[1], image_wh=found.image_wh)
            xyxy[row], score[row] = _together(found.xyxy[row], float(found.score[row]), moved)
        kept = nms(xyxy, score, iou_max=self._iou_max)
        judged = replace(found, xyxy=clip_boxes(xyxy, found.image_wh), score=score)
        return judged[kept]


def plan_looks(
    found: Detections, input_wh: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which rows are worth a closer look, and the (n, 4) windows of the image to look at.

    None where the image has hardly more pixels than the network has seen.

    Args:
        found: What the first look found.
        input_wh: What it fitted the image into.

    Example:
        >>> small = Detections.from_xyxy([[500, 400, 540, 420]], (3840, 2176))
        >>> rows, windows = plan_looks(small, (960, 544))
        >>> rows.tolist(), windows.tolist()
        ([0], [[456, 346, 584, 474]])
        >>> plan_looks(Detections.from_xyxy([[5, 4, 45, 24]], (960, 544)), (960, 544))[0].tolist()
        []
    """
    size = np.array(found.image_wh)
    fit = fit_factor(found.image_wh, input_wh)
    least = WORTH_LOOKING * fit
    sides = (found.xyxy[:, 2:] - found.xyxy[:, :2]).max(axis=1, initial=0)
    rows = np.flatnonzero((sides * fit <= SIDE_PX_MAX) & (least <= 1))
    # Pixels of the window per pixel of the image: no more than the image has.
    scale = np.clip(OBJECT_PX / np.maximum(sides[rows], 1e-6), least, 1)
    window_wh = np.minimum(np.ceil(WINDOW_PX / scale)[:, None], size).astype(np.int64)
    centers = (found.xyxy[rows, :2] + found.xyxy[rows, 2:]) / 2
    corners = np.clip(np.round(centers - window_wh / 2).astype(np.int64), 0, size - window_wh)
    return rows, np.concatenate([corners, corners + window_wh], axis=1)


def open_closer(open_one: Callable[[DetectConfig], Detector], config: DetectConfig) -> Detector:
    """Return a detector with a closer look, of the same network, which takes images of any size.

    Args:
        open_one: Makes a detector, of as many levels as its settings ask for.
        config: The settings; what has a lower score after both looks is dropped.
    """
    first = {"score_min": min(config.score_min, FIRST_SCORE_MIN)}
    # Neighbours in a window are none of its candidate's: few boxes do, whatever is asked of all.
    look = {"input_wh": (WINDOW_PX, WINDOW_PX), "level_count": 1, "score_min": UNSEEN_SCORE}
    look |= {"iou_max": 0.7, "max_boxes": 20}
    detector = CloserDetector(
        open_one(config.model_copy(update=first)),
        open_one(config.model_copy(update=look)),
        input_wh=config.input_wh,
        iou_max=config.iou_max,
    )
    return SureDetector(detector, score_min=config.score_min)


def _together(
    box: NDArray[np.float32], score: float, look: Detections
) -> tuple[NDArray[np.float32], float]:
    """A box and its score after both looks."""
    iou = iou_matrix(box, look.xyxy)[0]
    same = np.flatnonzero(iou > SAME_IOU_MIN)
    if not len(same):
        return box, _mean_odds(score, UNSEEN_SCORE)
    # Not the surest alone, or of two neighbours that touch both would become the surer one.
    best = same[(look.score[same] * iou[same]).argmax()]
    closer_score = float(look.score[best])
    pair = np.stack([box, look.xyxy[best]])
    edges = np.average(pair, axis=0, weights=np.square([score, closer_score]))
    return edges.astype(np.float32), _mean_odds(score, closer_score)


def _mean_odds(first: float, second: float) -> float:
    """The probability of which the log-odds are the mean of two probabilities' log-odds."""
    first, second = np.clip([first, second], 1e-4, 1 - 1e-4)
    for_, against = np.sqrt(first * second), np.sqrt((1 - first) * (1 - second))
    return float(for_ / (for_ + against))
