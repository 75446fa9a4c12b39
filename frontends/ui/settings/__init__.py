"""The settings of the tab Locate, with the controls of `knobs`.

In: a mapping with every setting. Out: event `turn` after each change; the room's `score_min`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from frontends.ui import text
from frontends.ui.parts import read_part

__all__ = ["create_settings"]

_FOLDER = Path(__file__).parent
_KNOBS = _FOLDER.parent / "knobs"


def create_settings(
    *,
    room: str,
    values: dict[str, Any],
    presets: list[dict[str, Any]],
    ready: Callable[[dict[str, Any]], dict[str, Any]],
    elem_id: str,
) -> gr.HTML:
    """Return the folded panel; its value is the mapping.

    Args:
        room: Name of the shared browser state.
        values: The settings of the page before anything is changed.
        presets: For each `{"name", "installed", "values"}`, its own settings.
        ready: Preset and engine to what `present_readiness` tells of them.
        elem_id: Id of the element.
    """
    part = read_part(_FOLDER, "createSettings")
    controls = (_KNOBS / "controls.js").read_text(encoding="utf-8")
    part["js_on_load"] = f"{controls}\n{part['js_on_load']}"
    part["css_template"] = (_KNOBS / "knobs.css").read_text(encoding="utf-8") + part["css_template"]
    return gr.HTML(
        value=values,
        **part,
        room=room,
        words=text.SETTINGS,
        knobs=_knobs([one["name"] for one in presets]),
        presets=presets,
        engines=text.ENGINES,
        server_functions=[ready],
        apply_default_css=False,
        elem_id=elem_id,
    )


def _knobs(presets: list[str]) -> list[dict[str, Any]]:
    """What is shown, in order: key, kind and range; titles and help are `text.SETTINGS`."""
    kinds: list[dict[str, Any]] = [
        {"key": "score_min", "kind": "number", "low": 0.05, "high": 0.95, "step": 0.01},
        {"key": "iou_max", "kind": "number", "low": 0.1, "high": 0.95, "step": 0.05},
        {"key": "upscale", "kind": "switch"},
        {"key": "tiles", "kind": "switch"},
        {"key": "assignment", "kind": "choice", "choices": ["independent", "joint"]},
        {"key": "preset", "kind": "choice", "choices": presets},
        {"key": "engine", "kind": "choice", "choices": list(text.ENGINES)},
    ]
    words = text.SETTINGS
    return [
        {**kind, "title": words[kind["key"]], "help": words[f"{kind['key']}_info"], "unit": ""}
        for kind in kinds
    ]
