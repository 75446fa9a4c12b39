"""What the events of the cutout maker call: read the wish, cut, describe or keep the cutout.

Holds no layout. In: a wish, as the browser sends it, which may be anything; out: the answer to its
turn. Errors are part of the answer, so that they stand where their cause is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from gradio.data_classes import FileData
from numpy.typing import NDArray
from PIL import Image as PilImage

from core.errors import ImageError, InputError, SpotterError
from core.image import read_image, read_rgba
from frontends.failures import guarded
from frontends.ui.display import displayable
from frontends.ui.present import data_url
from frontends.ui.uploads import find_picture
from synth.captions import choose_colors, write_caption
from synth.colors import measure_colors
from synth.cutout_folder import add_cutout, encode_rgba
from synth.matting import Matte, Stroke, cut_out

__all__ = ["answer_cut", "answer_take"]

Value = dict[str, Any]

_PREVIEW_SIDE_PX = 900
_STROKES_MAX, _POINTS_MAX = 500, 5000
_PART_MIN_RATIO = 0.25  # of the largest part's area
_SOURCE = "cut out by a visitor"


def answer_cut(wish: Value, *, max_pixels: int, max_bytes: int) -> Value:
    """Return `{turn, display, result}`: the cutout as a picture, or why there is none.

    Args:
        wish: `{image, box, strokes, turn}`.
        max_pixels: larger pictures are refused before they are decoded.
        max_bytes: larger files are refused unread.
    """
    return _answer(wish, "result", lambda: _cut(wish, max_pixels, max_bytes))


def answer_take(
    wish: Value, *, folder_of: Callable[[], Path], max_pixels: int, max_bytes: int
) -> Value:
    """Return `{turn, saved}`: the name under which the cutout was kept, or why it was not.

    Args:
        wish: as for `answer_cut`, with `type`, `caption` and `name`.
        folder_of: the visitor's cutouts; may raise.
        max_pixels: as for `answer_cut`.
        max_bytes: as for `answer_cut`.
    """
    return _answer(wish, "saved", lambda: _take(wish, folder_of(), max_pixels, max_bytes))


def _answer(wish: Value, key: str, work: Callable[[], Value]) -> Value:
    answer = guarded(_describe_error)(work)()
    return {"turn": wish.get("turn"), "display": answer.pop("display", None), key: answer}


def _describe_error(error: SpotterError) -> Value:
    return {"message": str(error)}


def _cut(wish: Value, max_pixels: int, max_bytes: int) -> Value:
    path = _uploaded(wish, max_bytes)
    display = displayable(path, max_pixels=max_pixels)
    shown = FileData(path=str(display), orig_name=path.name).model_dump() if display else None
    image = _read(path, max_pixels)
    box, strokes = _read_drawing(wish)
    asked = box or any(stroke.keep for stroke in strokes)
    if not asked and image.shape[2] == 3:
        return {"message": "", "display": shown}
    matte = cut_out(image, box_xyxy=box, strokes=strokes)
    return {**_describe(matte, _stem(wish)), "display": shown}


def _take(wish: Value, folder: Path, max_pixels: int, max_bytes: int) -> Value:
    box, strokes = _read_drawing(wish)
    image = _read(_uploaded(wish, max_bytes), max_pixels)
    matte = cut_out(image, box_xyxy=box, strokes=strokes)
    type_name = str(wish.get("type") or "").strip() or "object"
    cutout = add_cutout(
        folder,
        matte.rgba,
        name=str(wish.get("name") or "").strip() or _stem(wish),
        class_name=type_name,
        caption=str(wish.get("caption") or ""),
        source=_SOURCE,
    )
    return {"name": cutout.name}


def _read_drawing(wish: Value) -> tuple[list[float] | None, list[Stroke]]:
    """The box and the strokes, checked: a browser may send anything."""
    drawn = wish.get("strokes") or []
    try:
        too_many = len(drawn) > _STROKES_MAX
        if too_many or sum(len(line["points"]) for line in drawn) > _POINTS_MAX:
            raise InputError("there are too many strokes.", "Start over, and draw fewer.")
        strokes = [
            Stroke(
                tuple((float(x), float(y)) for x, y in line["points"]),
                keep=bool(line["keep"]),
                radius_px=float(line["radius"]),
            )
            for line in drawn
        ]
        box = [float(edge) for edge in wish["box"]] if wish.get("box") else None
    except (TypeError, ValueError, KeyError) as error:
        raise InputError("the box or a stroke cannot be read.", "Start over.") from error
    return box, strokes


def _describe(matte: Matte, stem: str) -> Value:
    colors = choose_colors(measure_colors(matte.rgba))
    return {
        "preview": _preview(matte.rgba),
        "window": list(matte.window_xyxy),
        "parts": _count_parts(matte.rgba),
        "lacks": matte.lacks,
        "method": matte.method,
        "colors": write_caption(colors, ""),
        "name": stem,
    }


def _count_parts(rgba: NDArray[np.uint8]) -> int:
    """How many separate parts are large enough to be objects of their own."""
    solid = (rgba[..., 3] >= 128).astype(np.uint8)
    areas = cv2.connectedComponentsWithStats(solid)[2][1:, cv2.CC_STAT_AREA]
    return int((areas >= _PART_MIN_RATIO * areas.max(initial=1)).sum())


def _preview(rgba: NDArray[np.uint8]) -> str:
    """The cutout as a data address, no larger than a screen shows."""
    side = max(rgba.shape[:2])
    if side > _PREVIEW_SIDE_PX:
        small = PilImage.fromarray(rgba)
        small.thumbnail((_PREVIEW_SIDE_PX, _PREVIEW_SIDE_PX), PilImage.Resampling.LANCZOS)
        rgba = np.array(small, np.uint8)
    return data_url(encode_rgba(rgba), "webp")


def _read(path: Path, max_pixels: int) -> NDArray[np.uint8]:
    """RGBA where the picture is transparent somewhere, else RGB."""
    try:
        return read_rgba(path, max_pixels=max_pixels)
    except ImageError:
        return read_image(path, max_pixels=max_pixels)


def _stem(wish: Value) -> str:
    return Path(str((wish.get("image") or {}).get("orig_name") or "cutout")).stem


def _uploaded(wish: Value, max_bytes: int) -> Path:
    """Path of the uploaded photograph. It comes from the browser, and could name any file.

    Raises:
        ImageError: there is none, it was not uploaded, or it is too large.
    """
    path = find_picture((wish.get("image") or {}).get("path"), max_bytes=max_bytes)
    if path is None:
        raise ImageError("there is no photograph yet.", "Choose one first.")
    return path
