"""What the models shall look for, and the start of their run over the project.

In: the room's project. Out: the room's `run`; calls of `start_looking`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_annotate as text
from frontends.ui.parts import read_part
from synth.words import COLORS, TYPES

__all__ = ["create_prelabel"]

_FOLDER = Path(__file__).parent


def create_prelabel(
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
        calls: `start_looking`; the browser calls them by these names.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createPrelabel"),
        room=room,
        layer=layer,
        words=text.PRELABEL,
        vocabulary={"types": list(TYPES), "colors": [*COLORS, "camouflage"]},
        server_functions=list(calls),
        apply_default_css=False,
        elem_id=elem_id,
    )
