"""The finished data set: figures, plots, pictures, download, and the way to Hugging Face.

In: the room's `made`. Out: calls of `made`, `gallery`, `push`; pictures open in the large view.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_synth as text
from frontends.ui.parts import read_part

__all__ = ["create_made"]

_FOLDER = Path(__file__).parent


def create_made(
    *,
    room: str,
    made: Callable[[dict[str, Any]], dict[str, object]],
    gallery: Callable[[dict[str, Any]], dict[str, object]],
    picture: Callable[[dict[str, Any]], dict[str, object]],
    push: Callable[..., dict[str, object]],
    progress: Callable[[dict[str, Any]], dict[str, object]],
    elem_id: str,
) -> gr.HTML:
    """Return the panel; it stays invisible until something is made.

    Args:
        room: Name of the shared browser state.
        made: `{visit}` to figures, plots and the address of the ZIP. The browser calls this and
            the next by their names.
        gallery: `{visit, start}` to some small pictures from there on.
        picture: `{visit, index}` to one picture in full size.
        push: `{visit, repo, token, private}` to the state of the run that sends it.
        progress: `{visit}` to the state of that run.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createMade"),
        room=room,
        words=text.MADE,
        plot_words=text.PLOTS,
        scene_words=text.SCENES,
        time_words=text.MAKE,
        server_functions=[made, gallery, picture, push, progress],
        apply_default_css=False,
        elem_id=elem_id,
    )
