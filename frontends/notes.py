"""What a person should know of how a caption is read.

The reranker tells which words it does not understand. Beside that, what no network can tell: that
a line seems to name several things, where each line is one.
"""

from __future__ import annotations

import re

from core.result import Ranking
from synth.captions import parse_caption
from synth.words import TYPES

__all__ = ["notes_of"]

# "Red and white drone" is one: of its parts only one names a thing.
_BETWEEN = re.compile(r"[,;&+]|\b(?:and|or)\b", re.IGNORECASE)
_ONE_THING = "This is looked for as one thing. Give each thing a caption of its own."


def notes_of(ranking: Ranking) -> tuple[str, ...]:
    """Return whole sentences, to be told below the caption's answer."""
    parts = _BETWEEN.split(ranking.caption)
    # "Thing" may be any type, a color is none.
    named = sum(0 < len(parse_caption(part).types) < len(TYPES) for part in parts)
    several = [_ONE_THING] if named > 1 else []
    return (*ranking.reading.notes, *several)
