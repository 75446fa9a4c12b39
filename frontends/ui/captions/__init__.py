"""The captions field: one caption a line, each line with its color's mark.

In and out: the text as one string. Event `reword` after a pause in typing.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from frontends.ui import text
from frontends.ui.parts import read_part

__all__ = ["create_captions"]

_FOLDER = Path(__file__).parent


def create_captions(*, room: str, elem_id: str) -> gr.HTML:
    """Return the captions field; its value is the text with one caption a line."""
    return gr.HTML(
        value="",
        **read_part(_FOLDER, "createCaptions"),
        room=room,
        words=text.CAPTIONS,
        apply_default_css=False,
        elem_id=elem_id,
    )
