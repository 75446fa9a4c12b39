"""What a person should know of how a caption is read.

The reranker tells which words it does not understand. Beside that, what no network can tell: that
a line seems to name several things, where each line is one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from synth.captions import parse_caption
from synth.words import TYPES

if TYPE_CHECKING:
    from pipeline.stages import Reading, Reranker

__all__ = ["read_caption"]

_ONE_THING = "This is looked for as one thing. Give each thing a caption of its own."


def read_caption(caption: str, reranker: Reranker) -> Reading:
    """Return what is made of a caption, with all that is to be told below its answer."""
    parts = caption.replace(";", ",").split(",")
    # "Thing" may be any type, a color is none.
    named = sum(0 < len(parse_caption(part).types) < len(TYPES) for part in parts)
    several = [_ONE_THING] if named > 1 else []
    reading = reranker.read(caption)
    return replace(reading, notes=(*reading.notes, *several))
