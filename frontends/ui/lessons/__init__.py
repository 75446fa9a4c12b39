"""Training on a project: runs with curves, figures before and after, which model is used.

In: the room's project. Out: calls of the functions below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_annotate as text
from frontends.ui.parts import read_part

__all__ = ["create_lessons"]

_FOLDER = Path(__file__).parent


def create_lessons(
    *,
    room: str,
    layer: str,
    calls: Sequence[Callable[..., dict[str, Any]]],
    elem_id: str,
) -> gr.HTML:
    """Return the sheet.

    Args:
        room: Name of the shared browser state.
        layer: Id of the element that covers the page while the sheet is open.
        calls: `list_lessons`, `start_lesson`, `stop_lesson`, `resume_lesson`, `use_lesson` and
            `leave_lesson`; the browser calls them by these names.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createLessons"),
        room=room,
        layer=layer,
        words=text.LESSONS,
        server_functions=list(calls),
        apply_default_css=False,
        elem_id=elem_id,
    )
