"""Labels beside a stated size: do they belong to the image as it is read, upright?

Some tools pass over EXIF's orientation and label the pixels as the file stores them, a quarter turn
from what is seen. The size that they state tells. In: images with their objects. Changes both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from core.image import IMAGE_ERRORS, open_picture, orientation_of
from dataset.formats.raw import RawImage, RawObject

__all__ = ["fit_to_stated_size"]

_SLACK_PX = 1.0  # hand-made boxes may stand out by a pixel
_FLIPPED_X = (6, 7)  # EXIF's orientations that flip x once the axes are swapped
_FLIPPED_Y = (7, 8)


def fit_to_stated_size(image: RawImage, width: object, height: object) -> None:
    """Turn the objects of an image with it where they were made for its stored pixels.

    Sizes that differ otherwise are reported: then nobody knows where the boxes belong.

    Args:
        image: Measured, its objects complete.
        width: As the labels state it; what is no number above 0 counts as not stated.
        height: The same.
    """
    stated = _whole(width), _whole(height)
    if image.image_wh is None or 0 in stated or stated == image.image_wh:
        return
    found = f"stated as {stated[0]}x{stated[1]} px, the file has "
    found += f"{image.image_wh[0]}x{image.image_wh[1]}"
    orientation = _orientation(image) if stated == image.image_wh[::-1] else 1
    if orientation >= 5 and all(_is_inside(thing, stated) for thing in image.objects):
        image.objects = [_turned(o, image.image_wh, orientation) for o in image.objects]
        what = f"{found} when upright: its boxes were turned with it."
        image.report("turned-boxes", what, "Look at one of them.", level="warning")
    else:
        advice = "Check that the boxes belong to this file, and correct the size or the boxes."
        level: Literal["error", "warning"] = "error" if image.objects else "warning"
        image.report("wrong-size", f"{found}.", advice, level=level)


def _whole(value: object) -> int:
    try:
        return max(0, int(float(str(value))))
    except (OverflowError, ValueError):
        return 0


def _orientation(image: RawImage) -> int:
    try:
        with open_picture(image.path) as opened:
            return orientation_of(opened)
    except IMAGE_ERRORS:
        return 1


def _is_inside(thing: RawObject, wh: tuple[int, int]) -> bool:
    x1, y1, x2, y2 = thing.xyxy
    return min(x1, y1) >= -_SLACK_PX and x2 <= wh[0] + _SLACK_PX and y2 <= wh[1] + _SLACK_PX


def _turned(thing: RawObject, image_wh: tuple[int, int], orientation: int) -> RawObject:
    """The object in the upright image of a size: x and y swapped, then flipped where needed."""
    width, height = image_wh
    y1, x1, y2, x2 = thing.xyxy
    outlines = [outline[:, ::-1].copy() for outline in thing.polygons]
    if orientation in _FLIPPED_X:
        x1, x2 = width - x2, width - x1
        for outline in outlines:
            outline[:, 0] = width - outline[:, 0]
    if orientation in _FLIPPED_Y:
        y1, y2 = height - y2, height - y1
        for outline in outlines:
            outline[:, 1] = height - outline[:, 1]
    return replace(thing, xyxy=(x1, y1, x2, y2), polygons=tuple(outlines))
