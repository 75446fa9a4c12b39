"""The head of the layer in which cutouts are made: what it is, and the way out.

In: the room's `cutter`, true while the layer is open.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from frontends.ui import text_synth as text
from frontends.ui.parts import read_part

__all__ = ["create_cutter_head"]

_FOLDER = Path(__file__).parent


def create_cutter_head(*, room: str, layer: str, elem_id: str) -> gr.HTML:
    """Return the head of the layer.

    Args:
        room: Name of the shared browser state.
        layer: Id of the element that covers the page while the layer is open.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createCutter"),
        room=room,
        layer=layer,
        words=text.CUTTER,
        apply_default_css=False,
        elem_id=elem_id,
    )
