"""The captions field: one caption a line, each line with its color's mark, and the known words.

In and out: the text as one string. Event `reword` after a pause in typing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from frontends.ui import text
from frontends.ui.parts import read_part
from synth.words import COLORS, TYPES

__all__ = ["create_captions"]

_FOLDER = Path(__file__).parent


def create_captions(*, room: str, preset: str, own_words: Sequence[str], elem_id: str) -> gr.HTML:
    """Return the captions field; its value is the text with one caption a line.

    Args:
        room: name of the shared browser state, whose `preset` tells which one is chosen.
        preset: the one that is chosen first.
        own_words: the presets that know the words of our own data alone; others read any.
        elem_id: id of the element.
    """
    return gr.HTML(
        value="",
        **read_part(_FOLDER, "createCaptions"),
        room=room,
        words=text.CAPTIONS,
        preset=preset,
        own_words=list(own_words),
        types=list(TYPES),
        colors=[*COLORS, "camouflage"],
        apply_default_css=False,
        elem_id=elem_id,
    )
