"""What holds the tab Annotate together in the browser; nothing of it is seen.

In: the room's project, commands and edits. Out: calls of the functions below, and in the room the
queue, the image that is open and its boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_annotate as text
from frontends.ui.palette import COLORS, MARKS
from frontends.ui.parts import read_part

__all__ = ["create_desk"]

_FOLDER = Path(__file__).parent


def create_desk(
    *, room: str, calls: Sequence[Callable[[dict[str, Any]], dict[str, Any]]], elem_id: str
) -> gr.HTML:
    """Return the component.

    Args:
        room: Name of the shared browser state.
        calls: `queue`, `photo`, `edit`, `step` and `score`; the browser calls them by these names.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createDesk"),
        room=room,
        words=text.DESK,
        colors=len(COLORS),
        marks=len(MARKS),
        server_functions=list(calls),
        apply_default_css=False,
        elem_id=elem_id,
    )
