"""What a person should know of how a caption is read.

The reranker tells which words it does not understand. Beside that, what no network can tell: that
a line seems to name several things, where each line is one.
"""

from __future__ import annotations

import re

from core.result import Ranking, Result
from frontends.ui import text
from frontends.verdict import contrast_of
from synth.captions import parse_caption
from synth.words import TYPES

__all__ = ["contrast_note", "notes_of"]

# "Red and white drone" is one: of its parts only one names a thing.
_BETWEEN = re.compile(r"[,;&+]|\b(?:and|or)\b", re.IGNORECASE)
_OR = re.compile(r"\bor\b", re.IGNORECASE)
_ONE_THING = "This is looked for as one thing. Give each thing a caption of its own."
_BOTH_COLORS = (
    "This is looked for as one thing in all these colors, not in one or the other. Give each a "
    "caption of its own."
)


def notes_of(ranking: Ranking) -> tuple[str, ...]:
    """Return whole sentences, to be told below the caption's answer."""
    parts = _BETWEEN.split(ranking.caption)
    # "Thing" may be any type, a color is none.
    named = sum(0 < len(parse_caption(part).types) < len(TYPES) for part in parts)
    if named > 1:
        return (*ranking.reading.notes, _ONE_THING)
    colors = [set(parse_caption(part).colors) for part in _OR.split(ranking.caption)]
    # "Grey or gray" is one color.
    differ = sum(bool(these) for these in colors) > 1 and len(set().union(*colors)) > 1
    return (*ranking.reading.notes, *([_BOTH_COLORS] if differ else []))


def contrast_note(ranking: Ranking, result: Result) -> str:
    """Return a sentence where both scores of an answer seem to contradict each other, or "".

    Args:
        ranking: One of the result's.
        result: Has the detector's scores.
    """
    if ranking.answer_row is None:
        return ""
    detector = float(result.detections.score[ranking.answer_row])
    contrast = contrast_of(ranking, detector)
    return text.CONTRASTS[contrast].format(detector=f"{detector:.2f}") if contrast else ""
