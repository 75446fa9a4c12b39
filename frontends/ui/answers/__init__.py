"""What was found, caption by caption.

In: the answer that `ui.present` makes; it also reaches the picture and the evidence through the
room. Out: nothing, choosing and filtering stay in the browser.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from frontends.ui import text
from frontends.ui.parts import read_part

__all__ = ["create_answers"]

_FOLDER = Path(__file__).parent


def create_answers(*, room: str, elem_id: str) -> gr.HTML:
    """Return the list of answers; its value is None or the mapping from `ui.present`."""
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createAnswers"),
        room=room,
        words=text.ANSWERS,
        apply_default_css=False,
        elem_id=elem_id,
    )
