"""Six scenes that follow the settings as they change, each with its boxes and captions.

In: the room's settings and chosen material. Out: calls of the server functions `preview` and
`scene`; a click opens a scene in the large view.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_synth as text
from frontends.ui.parts import read_part

__all__ = ["create_scenes"]

_FOLDER = Path(__file__).parent


def create_scenes(
    *,
    room: str,
    preview: Callable[[dict[str, Any]], dict[str, object]],
    scene: Callable[[dict[str, Any]], dict[str, object]],
    elem_id: str,
) -> gr.HTML:
    """Return the grid of scenes.

    Args:
        room: Name of the shared browser state.
        preview: A wish (visit, settings, material, seed, indices) to small scenes. The browser
            calls this and the next by their names.
        scene: The same wish with one index to that scene in full size.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createScenes"),
        room=room,
        words=text.SCENES,
        server_functions=[preview, scene],
        apply_default_css=False,
        elem_id=elem_id,
    )
