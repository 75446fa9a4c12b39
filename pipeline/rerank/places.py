"""Which one a caption means by its place: "the plane on the left", "the second largest drone".

In: words of a caption. Out: the same, those marked that tell the place, and the places. Only what
the boxes alone can tell is a place: a side of the picture, its middle, the largest or smallest, and
only where it is said of the thing itself. "Left of the tower" needs the tower, "the left wing" is a
part, "flying to the left" a direction, "behind the left helicopter" the place of another thing.
A number counts from a single place: "third from the left".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from core.result import Place
from core.words import nth_word
from pipeline.rerank.caption_words import Word
from pipeline.rerank.place_parts import OPPOSITES, SIDES, Part

__all__ = ["MarkedPlaces", "mark_places", "tell_places"]

_TOLD: dict[Place, str] = {
    "left": "leftmost", "right": "rightmost", "top": "topmost", "bottom": "lowest",
    "middle": "most central", "large": "largest", "small": "smallest",
}  # fmt: skip


class MarkedPlaces(NamedTuple):
    """A caption's words and the places that they tell."""

    words: list[Word]
    """All of them, those marked that tell a place."""
    places: tuple[Place, ...] = ()
    """Each once."""
    nth: int = 1
    """Which of the boxes counted from the place is meant; above 1 with a single place alone."""


def mark_places(words: Sequence[Word], kinds: Collection[str] = ()) -> MarkedPlaces:
    """Return the words, those marked that tell a place, the places, and which one from there.

    Args:
        words: The caption's words.
        kinds: Words that name a kind of thing, in lower case; empty where any word may.
    """
    low = [word.text.lower() for word in words]
    marked = list(words)
    places: dict[Place, None] = {}
    nth = 1
    start = 0
    for row, word in enumerate(words):
        if word.ends or row == len(words) - 1 or low[row] == "but":
            part = Part(words, low, start, row + 1, frozenset(kinds))
            for found in part.find():
                places |= dict.fromkeys(found.places)
                nth = max(nth, found.nth)
                for at in found.rows:
                    marked[at] = marked[at]._replace(is_place=True)
            start = row + 1
    # "Second from the left in the top row" would need to know what is a row.
    if any(places.keys() >= both for both in OPPOSITES) or (nth > 1 and len(places) > 1):
        return MarkedPlaces(list(words))
    return MarkedPlaces(marked, tuple(places), nth)


def tell_places(places: Sequence[Place], nth: int = 1) -> str:
    """Return what places decide, in words.

    Example:
        >>> tell_places(("top", "left")), tell_places(("left",), 2), tell_places(("large",), 2)
        ('topmost and leftmost', 'second from the left', 'second largest')
    """
    if nth > 1 and places[0] in SIDES:
        return f"{nth_word(nth)} from the {places[0]}"
    return " and ".join(f"{nth_word(nth)} {_TOLD[at]}" if nth > 1 else _TOLD[at] for at in places)
