"""Where one begins: the projects that are there, and a new one.

Out: the room's `project`, once one is opened; calls of the functions below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_annotate as text
from frontends.ui.parts import read_part

__all__ = ["create_projects"]

_FOLDER = Path(__file__).parent


def create_projects(
    *, room: str, calls: Sequence[Callable[[dict[str, Any]], dict[str, Any]]], elem_id: str
) -> gr.HTML:
    """Return the start of the tab; its value is set by the event that begins the visit.

    Args:
        room: Name of the shared browser state.
        calls: `list_projects`, `open_project`, `create_project`, `delete_project` and
            `restore_project`; the browser calls them by these names.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createProjects"),
        room=room,
        words=text.PROJECTS,
        server_functions=list(calls),
        apply_default_css=False,
        elem_id=elem_id,
    )
