"""Every action of the tab Annotate on a key, and the sheet that tells them.

Out: the room's `command`. One table, `text_annotate.KEYS`, makes both.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from frontends.ui import text_annotate as text
from frontends.ui.parts import read_part

__all__ = ["create_keys"]

_FOLDER = Path(__file__).parent


def create_keys(*, room: str, layer: str, elem_id: str) -> gr.HTML:
    """Return the sheet of keys.

    Args:
        room: Name of the shared browser state.
        layer: Id of the element that covers the page while the sheet is open.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createKeys"),
        room=room,
        layer=layer,
        words=text.HELP,
        keys=text.KEYS,
        apply_default_css=False,
        elem_id=elem_id,
    )
