"""The boxes of the open image: type, caption, figures and history of each, and the score filter.

In: the room's boxes. Out: the room's `command`, `selected` and `score_min`; calls of `history`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_annotate as text
from frontends.ui.parts import read_part

__all__ = ["create_boxlist"]

_FOLDER = Path(__file__).parent


def create_boxlist(
    *, room: str, history: Callable[[dict[str, Any]], dict[str, Any]], elem_id: str
) -> gr.HTML:
    """Return the list of boxes.

    Args:
        room: Name of the shared browser state.
        history: `{project, box}` to what happened to it; the browser calls it by its name.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createBoxlist"),
        room=room,
        words=text.BOXES,
        server_functions=[history],
        apply_default_css=False,
        elem_id=elem_id,
    )
