"""A contact sheet of scenes: side by side, each with its boxes and captions.

What has no label on purpose is dashed and grey, so that nobody takes it for forgotten.
"""

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
_QUIET = (205, 208, 214)
_DASH_PX = 5
_DISTRACTOR = "distractor"


def draw_boxes(scene: Rendered) -> NDArray[np.uint8]:
    """A copy of a scene's image with its boxes and captions drawn on it, uint8 (h, w, 3) RGB."""
    picture = PilImage.fromarray(scene.image)
    draw = ImageDraw.Draw(picture)
    size = max(10.0, scene.image.shape[1] / 55)
    font = ImageFont.load_default(size=size)
    small = ImageFont.load_default(size=0.85 * size)
    for x1, y1, x2, y2 in scene.distractors_xyxy.tolist():
        _draw_dashes(draw, (round(x1) - 1, round(y1) - 1, round(x2), round(y2)))
        _write(draw, _DISTRACTOR, (x1, y1, x2, y2), small, _QUIET, picture.width)
    for (x1, y1, x2, y2), caption in zip(scene.xyxy.tolist(), scene.captions, strict=True):
        draw.rectangle((x1 - 2, y1 - 2, x2 + 1, y2 + 1), outline=_SHADE)
        draw.rectangle((x1 - 1, y1 - 1, x2, y2), outline=_LINE)
        _write(draw, caption, (x1, y1, x2, y2), font, _LINE, picture.width)
    return np.asarray(picture, np.uint8)


def _write(
    draw: ImageDraw.ImageDraw,
    words: str,
    xyxy: tuple[float, float, float, float],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    ink: tuple[int, int, int],
    image_width: int,
) -> None:
    """Words above a box, or below it where there is no room, inside the image's sides."""
    x1, y1, _, y2 = xyxy
    above = y1 > image_width / 55 + 4
    left = min(max(x1, 1.0), max(image_width - draw.textlength(words, font) - 2, 1.0))
    draw.text(
        (left, y1 - 4 if above else y2 + 4), words, fill=ink, font=font,
        anchor="ls" if above else "la", stroke_width=1, stroke_fill=_SHADE,
    )  # fmt: skip


def _draw_dashes(draw: ImageDraw.ImageDraw, xyxy: tuple[int, int, int, int]) -> None:
    """The outline of a box in dashes, light ones with dark gaps: seen on any ground."""
    x1, y1, x2, y2 = xyxy
    draw.rectangle(xyxy, outline=_SHADE)
    for x in range(x1, x2, 2 * _DASH_PX):
        end = min(x + _DASH_PX, x2)
        draw.line((x, y1, end, y1), fill=_QUIET)
        draw.line((x, y2, end, y2), fill=_QUIET)
    for y in range(y1, y2, 2 * _DASH_PX):
        end = min(y + _DASH_PX, y2)
        draw.line((x1, y, x1, end), fill=_QUIET)
        draw.line((x2, y, x2, end), fill=_QUIET)


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
