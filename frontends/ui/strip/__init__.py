"""The filmstrip of the tab Annotate: the queue in its order, with the state of each image.

In: the room's queue. Out: the room's `command`, `goto`, `order` and `only`; calls of `thumbs`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_annotate as text
from frontends.ui.parts import read_part

__all__ = ["create_strip"]

_FOLDER = Path(__file__).parent


def create_strip(
    *, room: str, thumbs: Callable[[dict[str, Any]], dict[str, Any]], elem_id: str
) -> gr.HTML:
    """Return the filmstrip.

    Args:
        room: Name of the shared browser state.
        thumbs: `{project, images}` to small pictures; the browser calls it by its name.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createStrip"),
        room=room,
        words=text.STRIP,
        server_functions=[thumbs],
        apply_default_css=False,
        elem_id=elem_id,
    )
