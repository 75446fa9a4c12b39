"""The settings of scenes: presets, the few that matter, the others in folded groups, files.

In: a section of settings and how presets and files are read; out: the room's `settings`, a mapping
with every setting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text_synth as text
from frontends.ui.knobs.describe import describe_knobs
from frontends.ui.parts import read_part

__all__ = ["create_knobs", "describe_knobs"]

_FOLDER = Path(__file__).parent


def create_knobs(
    *,
    room: str,
    knobs: list[dict[str, Any]],
    presets: Sequence[str],
    values: dict[str, Any],
    preset: Callable[[str], dict[str, Any]],
    save_settings: Callable[[dict[str, Any]], dict[str, Any]],
    load_settings: Callable[[str], dict[str, Any]],
    elem_id: str,
) -> gr.HTML:
    """Return the panel.

    Args:
        room: Name of the shared browser state.
        knobs: From ``describe_knobs``.
        presets: Names of presets, the first is the one shown.
        values: The first preset's settings.
        preset: Name to `{"values"}`. The browser calls this and the next two by their names.
        save_settings: Settings to `{"toml"}`, or `{"error"}`.
        load_settings: The text of a TOML file to `{"values"}`, or `{"error"}`.
        elem_id: Id of the element.
    """
    return gr.HTML(
        value=values,
        **read_part(_FOLDER, "createKnobs"),
        room=room,
        words=text.KNOBS_PANEL,
        knobs=knobs,
        presets=list(presets),
        server_functions=[preset, save_settings, load_settings],
        apply_default_css=False,
        elem_id=elem_id,
    )
