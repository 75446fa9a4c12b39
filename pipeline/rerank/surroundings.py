"""What of a caption tells of the things around the one it means: "a plane over the blue sea".

Left in, the sea's color would be taken for the plane's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pipeline.rerank.caption_words import Word
from pipeline.rerank.small_words import (
    LINKS,
    LINKS_AROUND,
    LINKS_PERHAPS_AROUND,
    PARTS,
    PLACE_WORDS,
    SCENERY,
)

__all__ = ["mark_surroundings"]

# Behind these, more is told of the thing itself.
_TELLS_AGAIN = frozenset(("is", "are", "was", "has", "have", "having", "painted"))


def mark_surroundings(
    words: Sequence[Word], kinds: Collection[str], fillers: Collection[str]
) -> list[Word]:
    """Return the words, those marked that tell of surroundings.

    They stand behind a kind of thing and a link: for certain behind "over" or "near", and behind
    "in" or "on" where scenery is named. Phrases that tell nothing that could be mistaken ("in the
    sky") are left alone.

    Args:
        words: The caption's words; those that tell a place stay what they are.
        kinds: Words that name a kind of thing, in lower case; without any, nothing is marked.
        fillers: Known words that alone say nothing.
    """
    marked = list(words)
    has_kind = False
    row = 0
    while row < len(words):
        low = words[row].text.lower()
        # "Next to" and "left of" link as "near" does.
        is_relation = low in PLACE_WORDS and _text_at(words, row + 1) in ("to", "of", "from")
        is_link = is_relation or low in LINKS_AROUND | LINKS_PERHAPS_AROUND
        if has_kind and is_link and not words[row].is_place:
            behind = row + 1 + is_relation
            stop = _end_of_phrase(words, behind)
            for_certain = is_relation or low in LINKS_AROUND
            if _is_around(words[behind:stop], fillers, for_certain=for_certain):
                for at in range(row, stop):
                    marked[at] = words[at]._replace(is_around=not words[at].is_place)
                row = stop
                continue
        has_kind = has_kind or low in kinds
        row += 1
    return marked


def _text_at(words: Sequence[Word], row: int) -> str:
    return words[row].text.lower() if row < len(words) else ""


def _end_of_phrase(words: Sequence[Word], start: int) -> int:
    """The row behind a phrase: where the next link or verb stands, or behind a comma."""
    for row in range(start, len(words)):
        if words[row].text.lower() in LINKS | _TELLS_AGAIN:
            return row
        if words[row].ends:
            return row + 1
    return len(words)


def _is_around(phrase: Sequence[Word], fillers: Collection[str], *, for_certain: bool) -> bool:
    """Whether a phrase tells of surroundings, and of more than that there are some."""
    low = {word.text.lower() for word in phrase}
    if low & PARTS:
        return False
    telling = any(
        word.counts and not word.is_place and not set(fillers).issuperset(word.tokens)
        for word in phrase
    )
    if for_certain:
        unknown = any(not word.tokens and word.is_meant for word in phrase)
        return telling or unknown or bool(low & SCENERY)
    return telling and bool(low & SCENERY)
