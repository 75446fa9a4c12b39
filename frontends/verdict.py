"""What a ranking comes to, before it is put into words; pure.

The page, the command line and the drawn picture tell it with the words of `ui.text`. JSON keeps
the chance itself.
"""

from __future__ import annotations

from typing import Literal

from core.result import Ranking

__all__ = ["DOUBT_MIN", "Contrast", "Verdict", "contrast_of", "like_rows", "verdict_of"]

Verdict = Literal["found", "unsure", "taken", "absent", "unread"]
Contrast = Literal["weak_caption", "weak_detector"]

# One in five is too much to deny flatly what may stand in the middle of the picture.
DOUBT_MIN = 0.2
# So much less evidence, in logits, may a box have to be told beside the answer: of several alike,
# which comes first is chance.
_LIKE_MAX = 1.0
# Where one of both scores is this high and the other this low, a reader takes them for a mistake.
# The similarity is strict: right answers lie below its limit too.
_SURE_DETECTOR, _WEAK_DETECTOR = 0.5, 0.2
_SURE_CAPTION, _WEAK_CAPTION = 0.5, 0.05


def verdict_of(ranking: Ranking, limit: float = 1.0) -> Verdict:
    """Return how a caption's answer is told.

    "unsure" is a nearest box that may well be the one; "taken" one that is good enough, but
    another caption has it; "unread" a caption that says too little for an answer.

    Args:
        ranking: One caption's.
        limit: Below this chance there is no answer. Without it nothing counts as taken.
    """
    if ranking.found:
        return "found"
    if ranking.reading.grasp == "nothing":
        return "unread"
    if ranking.nearest_row is None:
        return "absent"
    if ranking.found_probability >= limit and ranking.reading.may_answer:
        return "taken"
    if ranking.found_probability >= DOUBT_MIN:
        return "unsure"
    # Of what is not known nobody can say that it is not there.
    return "absent" if ranking.reading.may_answer else "unread"


def like_rows(ranking: Ranking) -> list[int]:
    """Return the other detection rows that fit a found caption about as well, best first.

    For a plural, all others that would be found by themselves.
    """
    best = ranking.answer_row
    if best is None:
        return []
    least = float(ranking.evidence[best]) - _LIKE_MAX
    others = [row for row in ranking.order.tolist() if row != best]
    return [row for row in others if row in ranking.fitting_rows or ranking.evidence[row] >= least]


def contrast_of(ranking: Ranking, detector: float) -> Contrast | None:
    """Return which score of a caption's answer is far below the other one, or None.

    Where there is no answer, a low score needs no explanation.

    Args:
        ranking: One caption's.
        detector: The detector's score of its answer, 0 to 1.
    """
    if ranking.answer_row is None:
        return None
    similarity = float(ranking.score[ranking.answer_row])
    if detector >= _SURE_DETECTOR and similarity < _WEAK_CAPTION:
        return "weak_caption"
    if detector < _WEAK_DETECTOR and similarity >= _SURE_CAPTION:
        return "weak_detector"
    return None
