"""How a project leaves: as a file in a chosen format, or to Hugging Face.

In: the room's project and progress. Out: the room's `run`; calls of `start_outlet`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.desk_runs import WHOLE
from frontends.project_out import EXPORTS
from frontends.ui import text_annotate as text
from frontends.ui.parts import read_part

__all__ = ["create_outlet"]

_FOLDER = Path(__file__).parent


def create_outlet(
    *,
    room: str,
    layer: str,
    calls: Sequence[Callable[..., dict[str, Any]]],
    signed_in: bool,
    elem_id: str,
) -> gr.HTML:
    """Return the sheet.

    Args:
        room: Name of the shared browser state.
        layer: Id of the element that covers the page while the sheet is open.
        calls: `start_outlet`; the browser calls them by these names.
        signed_in: Whether visitors sign in to Hugging Face on the page and so need no token.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createOutlet"),
        room=room,
        layer=layer,
        words=text.OUTLET,
        formats=[(name, *text.FORMATS[name]) for name in (*EXPORTS, WHOLE)],
        signed_in=signed_in,
        server_functions=list(calls),
        apply_default_css=False,
        elem_id=elem_id,
    )
