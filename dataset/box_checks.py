"""What can be wrong with the boxes and outlines of one image.

In: an image as written, before clipping. Out: findings; one of each kind for an image, so that a
thousand bad boxes do not bury the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.boxes import iou_matrix
from dataset.formats.raw import Finding, RawImage
from dataset.outlines import outline_extent

__all__ = ["check_boxes"]

_SLACK_PX = 1.0  # hand-made boxes may stand out by a pixel
_TINY_PX = 2.0
_SAME_IOU = 0.98
_WHOLE_SHARE = 0.98
_OUTLINE_SLACK_PX = 2.0


def check_boxes(image: RawImage, class_names: Sequence[str]) -> Iterable[Finding]:
    """Yield what is wrong with the boxes of one image.

    Args:
        image: Its size must be known for the checks of places; without it nothing is found.
        class_names: Of the whole data set.
    """
    if image.image_wh is None or not image.objects:
        return
    xyxy = np.array([o.xyxy for o in image.objects], np.float64).reshape(-1, 4)
    size = np.tile(np.array(image.image_wh, np.float64), 2)
    finite: NDArray[np.bool_] = np.isfinite(xyxy).all(axis=1)  # type: ignore[assignment]
    clipped = np.clip(np.where(finite[:, None], xyxy, 0), 0, size)
    sides = clipped[:, 2:] - clipped[:, :2]
    empty = ~finite | (sides <= 0).any(axis=1)
    beyond = np.maximum(-xyxy, xyxy - size).max(axis=1)
    width, height = image.image_wh
    yield from _found(
        image, empty, xyxy, "empty-box", "error",
        f"empty, or outside of the image of {width}x{height} px", "Correct or remove it.",
    )  # fmt: skip
    yield from _found(
        image, ~empty & (beyond > _SLACK_PX), xyxy, "box-outside", "warning",
        f"stands out of the image of {width}x{height} px", "It is cut; check the image's size.",
    )  # fmt: skip
    yield from _found(
        image, ~empty & (sides.min(axis=1) < _TINY_PX), xyxy, "tiny-box", "warning",
        f"has a side under {_TINY_PX:g} px", "No detector finds it; remove it.",
    )  # fmt: skip
    whole = ~empty & (sides.prod(axis=1) > _WHOLE_SHARE * width * height)
    yield from _found(
        image, whole, xyxy, "whole-image-box", "warning", "covers the whole image",
        "Check that it is a box and not a class of the image.",
    )  # fmt: skip
    class_id = np.array([o.class_id for o in image.objects])
    yield from _found(
        image, (class_id < 0) | (class_id >= len(class_names)), xyxy, "unknown-class", "error",
        f"has a class that is none of the {len(class_names)} named", "Name it, or correct it.",
    )  # fmt: skip
    visible = np.array([o.visible_ratio for o in image.objects])
    yield from _found(
        image, ~((visible >= 0) & (visible <= 1)), xyxy, "wrong-visibility", "error",
        "has a visible_ratio outside of [0, 1]", "Correct it, or leave it out.",
    )  # fmt: skip
    yield from _found(
        image, _repeated(clipped, class_id) & ~empty, xyxy, "same-box", "warning",
        "is there twice, with the same class", "Keep one of them.",
    )  # fmt: skip
    yield from _found(
        image, _loose_outlines(image, xyxy) & ~empty, xyxy, "outline-beside-box", "warning",
        f"differs from its outline by more than {_OUTLINE_SLACK_PX:g} px", "Write it again.",
    )  # fmt: skip


def _found(
    image: RawImage,
    bad: NDArray[np.bool_],
    xyxy: NDArray[np.float64],
    kind: str,
    level: str,
    what: str,
    advice: str,
) -> Iterable[Finding]:
    rows = np.flatnonzero(bad)
    if len(rows):
        first = [round(value, 2) for value in xyxy[rows[0]].tolist()]
        more = f" (and {len(rows) - 1} more of this image)" if len(rows) > 1 else ""
        text = f"box {rows[0] + 1}, {first}, {what}{more}."
        yield Finding(kind, "error" if level == "error" else "warning", image.where, text, advice)


def _repeated(xyxy: NDArray[np.float64], class_id: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which boxes nearly equal an earlier one of the same class."""
    same = (iou_matrix(xyxy, xyxy) > _SAME_IOU) & (class_id[:, None] == class_id[None])
    return np.triu(same, 1).any(axis=0)


def _loose_outlines(image: RawImage, xyxy: NDArray[np.float64]) -> NDArray[np.bool_]:
    loose = np.zeros(len(xyxy), bool)
    for row, written in enumerate(image.objects):
        if written.polygons:
            extent = np.array(outline_extent(written.polygons))
            loose[row] = not np.allclose(extent, xyxy[row], rtol=0, atol=_OUTLINE_SLACK_PX)
    return loose
