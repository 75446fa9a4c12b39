"""A contact sheet of scenes: side by side, each with its boxes and captions."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from synth.render import Rendered

__all__ = ["draw_boxes", "draw_sheet"]

_GAP_PX = 6
_PAPER = (28, 30, 34)
_LINE = (255, 221, 51)
_SHADE = (0, 0, 0)


def draw_boxes(scene: Rendered) -> NDArray[np.uint8]:
    """A copy of a scene's image with its boxes and captions drawn on it, uint8 (h, w, 3) RGB."""
    picture = PilImage.fromarray(scene.image)
    draw = ImageDraw.Draw(picture)
    size = max(10.0, scene.image.shape[1] / 55)
    font = ImageFont.load_default(size=size)
    for (x1, y1, x2, y2), caption in zip(scene.xyxy.tolist(), scene.captions, strict=True):
        draw.rectangle((x1 - 2, y1 - 2, x2 + 1, y2 + 1), outline=_SHADE)
        draw.rectangle((x1 - 1, y1 - 1, x2, y2), outline=_LINE)
        width = draw.textlength(caption, font)
        place = (min(max(x1, 1.0), max(scene.image.shape[1] - width - 2, 1.0)), y1 - 4)
        anchor = "ls" if y1 > size + 4 else "la"
        if anchor == "la":
            place = (place[0], y2 + 4)
        draw.text(
            place, caption, fill=_LINE, font=font, anchor=anchor, stroke_width=1, stroke_fill=_SHADE
        )
    return np.asarray(picture, np.uint8)


def draw_sheet(scenes: Sequence[Rendered], *, columns: int = 3) -> NDArray[np.uint8]:
    """All scenes in rows, uint8 (h, w, 3) RGB.

    Args:
        scenes: At least one; of different sizes where effects turned some.
        columns: Scenes in a row.
    """
    images = [draw_boxes(scene) for scene in scenes]
    width, height = (max(image.shape[axis] for image in images) for axis in (1, 0))
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    shape = (rows * (height + _GAP_PX) + _GAP_PX, columns * (width + _GAP_PX) + _GAP_PX, 3)
    sheet = np.full(shape, _PAPER, np.uint8)
    for number, image in enumerate(images):
        ratio = min(width / image.shape[1], height / image.shape[0])
        wh = (round(image.shape[1] * ratio), round(image.shape[0] * ratio))
        fitted = cv2.resize(image, wh, interpolation=cv2.INTER_AREA) if ratio < 1 else image
        top = _GAP_PX + number // columns * (height + _GAP_PX)
        left = _GAP_PX + number % columns * (width + _GAP_PX)
        sheet[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return sheet
