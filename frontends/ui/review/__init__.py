"""Labels that look wrong, and how far another project agrees.

Out: the room's `goto`; calls of `find_suspicious` and `compare_projects`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_annotate as text
from frontends.ui.parts import read_part

__all__ = ["create_review"]

_FOLDER = Path(__file__).parent
_SHOWN_MAX = 200


def create_review(
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
        calls: `find_suspicious` and `compare_projects`; the browser calls them by these names.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createReview"),
        room=room,
        layer=layer,
        words=text.REVIEW,
        most=_SHOWN_MAX,
        server_functions=list(calls),
        apply_default_css=False,
        elem_id=elem_id,
    )
