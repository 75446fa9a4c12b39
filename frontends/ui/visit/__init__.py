"""The visit itself: begins when the tab is first opened; nothing is seen of it.

Out: event `enter`; in: the visit's key, which goes into the room as `visit`.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from frontends.ui.parts import read_part

__all__ = ["create_visit"]

_FOLDER = Path(__file__).parent


def create_visit(*, room: str, tab: str, elem_id: str) -> gr.HTML:
    """Return the component; its value is the visit's key, empty before.

    Args:
        room: Name of the shared browser state.
        tab: The tab whose opening begins the visit.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value="",
        **read_part(_FOLDER, "createVisit"),
        room=room,
        tab=tab,
        apply_default_css=False,
        elem_id=elem_id,
    )
