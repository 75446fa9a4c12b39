"""Why this box: crops, scores, runner-up, time per stage, all boxes, JSON and downloads.

In: the room's answer. Out: calls of the server functions `crops`, `overlay`, `places` and
`send`; in the room of Annotate, what shall be opened there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text
from frontends.ui.parts import read_part

__all__ = ["create_evidence"]

_FOLDER = Path(__file__).parent


def create_evidence(
    *,
    room: str,
    crops: Callable[[dict[str, Any]], dict[str, object]],
    overlay: Callable[[dict[str, Any]], str],
    sending: Sequence[Callable[[dict[str, Any]], dict[str, Any]]],
    elem_id: str,
) -> gr.HTML:
    """Return the evidence strip.

    Args:
        room: name of the shared browser state.
        crops: `{key, row}` to the crop before and after upscaling. The browser calls this and
            the others by their names, so they must be called as they are here.
        overlay: `{key, captions, assignment, score_min}` to the annotated picture, as a data
            address.
        sending: `places`, `{visit}` to the projects of the tab Annotate, `{places: [{key, name}]}`;
            `send`, what `overlay` gets and `{visit, project}` to `{project, image, said}`: the
            picture is in that project.
        elem_id: id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createEvidence"),
        room=room,
        words={**text.EVIDENCE, "default_project": text.SENDING["project"]},
        server_functions=[crops, overlay, *sending],
        apply_default_css=False,
        elem_id=elem_id,
    )
