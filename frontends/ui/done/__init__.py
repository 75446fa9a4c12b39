"""What ends the work on a picture (done, nothing here, put off), and the tools of the hand.

Out: the room's `command`.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from frontends.ui import text_annotate as text
from frontends.ui.parts import read_part

__all__ = ["create_done"]

_FOLDER = Path(__file__).parent


def create_done(*, room: str, elem_id: str) -> gr.HTML:
    """Return the buttons.

    Args:
        room: Name of the shared browser state.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createDone"),
        room=room,
        words=text.DONE,
        apply_default_css=False,
        elem_id=elem_id,
    )
