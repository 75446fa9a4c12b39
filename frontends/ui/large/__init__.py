"""The head of the large view: which scene, its captions, and the ways to the next one and out.

In and out: the room's `large` and `large_scene`. The picture below it is the page's own.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from frontends.ui import text_synth as text
from frontends.ui.parts import read_part

__all__ = ["create_large"]

_FOLDER = Path(__file__).parent


def create_large(*, room: str, picture_room: str, layer: str, elem_id: str) -> gr.HTML:
    """Return the head of the large view.

    Args:
        room: Name of the shared browser state.
        picture_room: The room of the picture that it shows scenes in.
        layer: Id of the element that covers the page while the view is open.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createLarge"),
        room=room,
        picture_room=picture_room,
        layer=layer,
        words=text.SCENES,
        apply_default_css=False,
        elem_id=elem_id,
    )
