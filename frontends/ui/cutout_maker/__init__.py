"""The cutout maker: a photograph, a box or strokes, the cutout on a checkerboard, its name.

Holds the component, with its files beside it. In: what a visitor draws; out: cutouts in that
visitor's folder, and the event `added`. Not here: what its events call (`handlers`), cutting
(`synth.matting`), and the other panels of the tab.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui.cutout_maker.handlers import answer_cut, answer_take
from frontends.ui.cutout_maker.words import WORDS
from frontends.ui.parts import Part, read_part
from synth.words import TYPES

__all__ = ["create_cutout_maker"]

_FOLDER = Path(__file__).parent
_PICTURE = _FOLDER.parent / "picture"
# Cutting takes a core for a moment. The browser waits for an answer before it asks again.
_CUT: dict[str, Any] = {
    "concurrency_id": "cut",
    "concurrency_limit": 2,
    "trigger_mode": "multiple",
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

    limits = {"max_pixels": max_pixels, "max_bytes": upload_max_bytes}

    def cut(event: gr.EventData) -> dict[str, Any]:
        return answer_cut(event.wish, **limits)

    def take(event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        return answer_take(event.wish, folder_of=lambda: folder_of(request), **limits)

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
