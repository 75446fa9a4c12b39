"""The head of an open project: progress, runs, imports, and the ways to everything else.

In: the room's project, progress and run. Out: the room's `run` and `sheet`; calls of the functions
below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_annotate as text
from frontends.ui.parts import read_part

__all__ = ["create_bench"]

_FOLDER = Path(__file__).parent


def create_bench(
    *,
    room: str,
    upload_max_bytes: int,
    calls: Sequence[Callable[[dict[str, Any]], dict[str, Any]]],
    elem_id: str,
) -> gr.HTML:
    """Return the head of a project.

    Args:
        room: Name of the shared browser state.
        upload_max_bytes: Larger files are refused before they travel, in bytes.
        calls: `import_files`, `run_state`, `stop_run` and `describe_project`; the browser calls
            them by these names.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=None,
        **read_part(_FOLDER, "createBench"),
        room=room,
        words=text.BENCH,
        upload_max_bytes=upload_max_bytes,
        server_functions=list(calls),
        apply_default_css=False,
        elem_id=elem_id,
    )
