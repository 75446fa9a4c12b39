"""The cutout maker: a photograph, a box or strokes, the cutout on a checkerboard, its name.

Holds the component, its files beside it, and the functions behind its events. In: what a visitor
draws; out: cutouts in that visitor's folder, and the event `added`. Not here: cutting
(`synth.matting`) and the other panels of the tab.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from gradio.utils import get_upload_folder
from numpy.typing import NDArray
from PIL import Image as PilImage

from core.errors import ImageError, InputError, SpotterError
from core.image import read_image
from frontends.failures import guarded
from frontends.ui.cutout_maker.words import WORDS
from frontends.ui.display import displayable
from frontends.ui.parts import Part, read_part
from synth.captions import choose_colors, write_caption
from synth.colors import measure_colors
from synth.cutout_folder import add_cutout, encode_rgba, read_rgba
from synth.matting import Matte, Stroke, cut_out
from synth.words import TYPES

__all__ = ["create_cutout_maker"]

Value = dict[str, Any]

_FOLDER = Path(__file__).parent
_PICTURE = _FOLDER.parent / "picture"
_PREVIEW_SIDE_PX = 900
_STROKES_MAX, _POINTS_MAX = 500, 5000
_SOURCE = "cut out by a visitor"
# Cutting takes a core for a moment; a newer wish replaces a waiting one.
_CUT: dict[str, Any] = {
    "concurrency_id": "cut",
    "concurrency_limit": 2,
    "trigger_mode": "always_last",
    "show_progress": "hidden",
    "api_visibility": "private",
}


def create_cutout_maker(
    *,
    folder_of: Callable[[gr.Request], Path],
    upload_max_bytes: int,
    max_pixels: int,
    room: str = "cutouts",
    elem_id: str = "cutout-maker",
) -> gr.HTML:
    """Return the component, connected; its event `added` says that the folder has one more.

    Args:
        folder_of: the folder of cutouts of the visitor who asks; may raise a `SpotterError`, for
            example when it is full.
        upload_max_bytes: larger files are refused before they travel.
        max_pixels: larger pictures are refused before they are decoded.
        room: prefix of ids in the browser.
        elem_id: id of the element.
    """
    maker = gr.HTML(
        value=None,
        **_read_parts(),
        room=room,
        words=WORDS,
        types=list(TYPES),
        upload_max_bytes=upload_max_bytes,
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="spotter-cutout-maker",
    )

    def cut(event: gr.EventData) -> Value:
        return _answer(event.wish, "result", lambda wish: _cut(wish, max_pixels))

    def take(event: gr.EventData, request: gr.Request) -> Value:
        return _answer(event.wish, "saved", lambda wish: _add(wish, folder_of(request), max_pixels))

    maker.cut(cut, None, maker, **_CUT)
    maker.take(take, None, maker, **_CUT)
    return maker


def _read_parts() -> Part:
    """The component's files, after those of the picture that it shares: intake, view and look."""
    part = read_part(_FOLDER, "createCutoutMaker")
    shared = [(_PICTURE / name).read_text(encoding="utf-8") for name in ("intake.js", "view.js")]
    look = (_PICTURE / "picture.css").read_text(encoding="utf-8")
    return {
        "html_template": part["html_template"],
        "css_template": look + part["css_template"],
        "js_on_load": "\n".join([*shared, part["js_on_load"]]),
    }


def _answer(wish: Value, key: str, work: Callable[[Value], Value]) -> Value:
    """The wish's turn with what became of it; errors are part of the answer."""

    @guarded(_describe_error)
    def run() -> Value:
        return work(wish)

    answer = run()
    return {"turn": wish.get("turn"), "display": answer.pop("display", None), key: answer}


def _describe_error(error: SpotterError) -> Value:
    return {"message": str(error)}


def _cut(wish: Value, max_pixels: int) -> Value:
    path = _uploaded(wish)
    display = displayable(path, max_pixels=max_pixels)
    shown = FileData(path=str(display), orig_name=path.name).model_dump() if display else None
    image = _read(path, max_pixels)
    asked = wish.get("box") or any(stroke.get("keep") for stroke in wish.get("strokes") or ())
    if not asked and image.shape[2] == 3:
        return {"message": "", "display": shown}
    matte = _cut_out(image, wish)
    return {**_describe(matte, _stem(wish)), "display": shown}


def _add(wish: Value, folder: Path, max_pixels: int) -> Value:
    matte = _cut_out(_read(_uploaded(wish), max_pixels), wish)
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


def _cut_out(image: NDArray[np.uint8], wish: Value) -> Matte:
    """What the browser says, checked: it may send anything."""
    drawn = wish.get("strokes") or []
    if len(drawn) > _STROKES_MAX or sum(len(line["points"]) for line in drawn) > _POINTS_MAX:
        raise InputError("there are too many strokes.", "Start over, and draw fewer.")
    try:
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
    return cut_out(image, box_xyxy=box, strokes=strokes)


def _describe(matte: Matte, stem: str) -> Value:
    colors = choose_colors(measure_colors(matte.rgba))
    return {
        "preview": _preview(matte.rgba),
        "window": list(matte.window_xyxy),
        "method": matte.method,
        "colors": write_caption(colors, ""),
        "name": stem,
    }


def _preview(rgba: NDArray[np.uint8]) -> str:
    """The cutout as a data address, no larger than a screen shows."""
    side = max(rgba.shape[:2])
    if side > _PREVIEW_SIDE_PX:
        small = PilImage.fromarray(rgba)
        small.thumbnail((_PREVIEW_SIDE_PX, _PREVIEW_SIDE_PX), PilImage.Resampling.LANCZOS)
        rgba = np.array(small, np.uint8)
    return "data:image/webp;base64," + base64.b64encode(encode_rgba(rgba)).decode()


def _read(path: Path, max_pixels: int) -> NDArray[np.uint8]:
    """RGBA where the picture is transparent somewhere, else RGB."""
    try:
        rgba = read_rgba(path, max_pixels=max_pixels)
    except ImageError:
        return read_image(path, max_pixels=max_pixels)
    return rgba if int(rgba[..., 3].min()) < 255 else np.ascontiguousarray(rgba[..., :3])


def _stem(wish: Value) -> str:
    return Path(str((wish.get("image") or {}).get("orig_name") or "cutout")).stem


def _uploaded(wish: Value) -> Path:
    """Path of the uploaded photograph. It comes from the browser, and could name any file.

    Raises:
        ImageError: there is none, or it was not uploaded.
    """
    path = Path(str((wish.get("image") or {}).get("path"))).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise ImageError("there is no photograph yet.", "Choose one first.")
    return path
