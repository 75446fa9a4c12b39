"""How many pictures, in which format: and the button that makes them, with progress and Stop.

In: the room's settings, material and seconds for a scene. Out: calls of `start`, `progress` and
`stop`; the room's `made` once a data set is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from dataset.splits import SHARES, SPLITS
from frontends.ui import text_synth as text
from frontends.ui.parts import read_part

__all__ = ["create_make"]

_FOLDER = Path(__file__).parent
_SIZES_WH = ((640, 366), (960, 544), (1280, 720), (1520, 870), (1920, 1080))


def create_make(
    *,
    room: str,
    formats: Sequence[str],
    most: int,
    start: Callable[[dict[str, Any]], dict[str, object]],
    progress: Callable[[dict[str, Any]], dict[str, object]],
    stop: Callable[[dict[str, Any]], dict[str, object]],
    elem_id: str,
) -> gr.HTML:
    """Return the form.

    Args:
        room: Name of the shared browser state.
        formats: Names of file formats, the first is chosen.
        most: Largest number of pictures.
        start: A wish (visit, settings, material, seed, shares, count...) to the state of its run.
            The browser calls this and the next two by their names.
        progress: `{visit}` to the state of the run.
        stop: `{visit}` to the state of the run, which ends soon.
        elem_id: Id of the element.
    """
    named = [(name, text.MAKE.get(f"format_{name.replace('-', '_')}", name)) for name in formats]
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createMake"),
        room=room,
        words=text.MAKE,
        formats=named,
        sizes=[list(wh) for wh in _SIZES_WH],
        most=most,
        splits=SPLITS,
        shares=[round(100 * share) for share in SHARES],
        server_functions=[start, progress, stop],
        apply_default_css=False,
        elem_id=elem_id,
    )
