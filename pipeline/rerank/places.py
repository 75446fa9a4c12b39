"""Which one a caption means by its place: "the plane on the left", "the topmost drone".

In: words of a caption. Out: the same, those marked that tell the place, and the places. Only what
the boxes alone can tell is a place: a side of the picture, its middle, the largest or smallest, and
only where it is said of the thing itself. "Left of the tower" needs the tower, "the left wing" is a
part, "flying to the left" a direction, "behind the left helicopter" the place of another thing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.result import Place
from pipeline.rerank.caption_words import Word, denies
from pipeline.rerank.small_words import (
    AMONG,
    CAMERA,
    COMPARATIVES,
    LINKS,
    LINKS_BEHIND_KINDS,
    ORDINALS,
    PARTS,
    PICTURE,
    PLACE_SIDES,
    PLACES,
    SUPERLATIVES,
)

__all__ = ["mark_places", "tell_places"]

_ARTICLES = frozenset(("the", "this", "that"))
_AT = frozenset(("on", "at", "in"))
_ONE = frozenset(("one", "thing", "object"))
# Plain adjectives: "the left plane". "Front" and "back" before a noun are parts and views.
_ADJECTIVES = frozenset(
    ("left", "right", "top", "bottom", "upper", "lower", "middle", "center", "centre", "central")
)
_FURTHER = ("further", "farther")
_SIDEWAYS = frozenset(("left", "right"))
_OPPOSITES: tuple[set[Place], ...] = ({"left", "right"}, {"top", "bottom"}, {"large", "small"})
_TOLD: dict[Place, str] = {
    "left": "leftmost", "right": "rightmost", "top": "topmost", "bottom": "lowest",
    "middle": "most central", "large": "largest", "small": "smallest",
}  # fmt: skip


def mark_places(
    words: Sequence[Word], kinds: Collection[str] = ()
) -> tuple[list[Word], tuple[Place, ...]]:
    """Return the words, those marked that tell a place, and the places, each once.

    Args:
        words: The caption's words.
        kinds: Words that name a kind of thing, in lower case; empty where any word may.
    """
    low = [word.text.lower() for word in words]
    marked = list(words)
    places: dict[Place, None] = {}
    start = 0
    for row, word in enumerate(words):
        if word.ends or row == len(words) - 1 or low[row] == "but":
            part = _Part(words, low, start, row + 1, frozenset(kinds))
            for found in part.find():
                places |= dict.fromkeys(place for at in found for place in PLACES.get(low[at], ()))
                for at in found:
                    marked[at] = marked[at]._replace(is_place=True)
            start = row + 1
    if any(places.keys() >= both for both in _OPPOSITES):
        return list(words), ()
    return marked, tuple(places)


def tell_places(places: Sequence[Place]) -> str:
    """Return what places decide, in words.

    Example:
        >>> tell_places(("top", "left"))
        'topmost and leftmost'
    """
    return " and ".join(_TOLD[place] for place in places)


@dataclass(frozen=True, slots=True)
class _Part:
    """Words start to stop of a caption, up to a comma or "but"."""

    words: Sequence[Word]
    low: Sequence[str]
    start: int
    stop: int
    kinds: frozenset[str]

    def find(self) -> list[range]:
        """The words that tell places, each time with all that belongs to it."""
        span = range(self.start, self.stop)
        if any(denies(self.low[row]) and self.low[row] != "but" for row in span):
            return []
        if any(word in ORDINALS or word[:1].isdigit() for word in self.low[self.start : self.stop]):
            return []
        found: list[range] = []
        row = self.start
        while row < self.stop:
            told = self._read(row) if self.low[row] in PLACES else None
            if told:
                found.append(told)
            row = told.stop if told else row + 1
        return found

    def _read(self, row: int) -> range | None:
        """What tells a place around its first word; None where that is none."""
        behind = row + 1
        while behind < self.stop and (
            self.low[behind] in PLACE_SIDES or self.low[behind] in PLACES
        ):
            behind += 1
        first = row
        if first > self.start and self.low[first - 1] in ("far", *_FURTHER, "very", "most"):
            first -= 1
        ends_so = self.low[first] in _FURTHER or self._is_corner(first, behind)
        if (ends_so and behind == self.stop) or self._is_alone(first, behind):
            return range(first, behind)
        if self.low[row] in SUPERLATIVES and (told := self._superlative(first, behind)):
            return told
        if told := self._phrase(first, behind):
            return told
        is_adjective = self.low[row] in _ADJECTIVES | SUPERLATIVES or len(PLACES[self.low[row]]) > 1
        if is_adjective and not self._kind_before(first) and self._kind_follows(row, behind):
            return range(first, behind)
        return None

    def _is_corner(self, first: int, behind: int) -> bool:
        """Whether a side and a height are told: "upper left", "topleft"."""
        told = {place for at in range(first, behind) for place in PLACES.get(self.low[at], ())}
        return bool(told & {"left", "right"}) and bool(told & {"top", "bottom"})

    def _is_alone(self, first: int, behind: int) -> bool:
        """Whether a comma's part holds nothing else: "plane, right"."""
        rest = {*self.low[self.start : first], *self.low[behind : self.stop]} - _ARTICLES - _AT
        return not rest and (self.start > 0 or self.stop < len(self.words))

    def _superlative(self, first: int, behind: int) -> range | None:
        """Behind it stands what it is compared with, or nothing: "the largest of the two"."""
        if behind == self.stop:
            is_most = self.low[behind - 1] not in COMPARATIVES
            is_told = self.low[max(first - 1, 0)] == "is" or not self._behind_link(first)
            return range(first, behind) if is_most and is_told else None
        link = self.low[behind]
        at = behind + 1
        while at < self.stop and self.low[at] in _ARTICLES:
            at += 1
        then = self.low[at] if at < self.stop else ""
        if link == "of" and (then in AMONG or self._is_kind(then)):
            # What they are stays: "the largest of the two drones".
            return range(first, at + (then in AMONG))
        if (link in ("to", "from") and then in CAMERA) or (
            link == "than" and then in ("other", "others", "rest")
        ):
            return range(first, at + 1)
        return None

    def _phrase(self, first: int, behind: int) -> range | None:
        """As in "on the left", "in the upper right corner of the picture", "to the right"."""
        at = first
        while at > self.start and self.low[at - 1] in _ARTICLES:
            at -= 1
        has_article = at < first
        at -= 1
        # "A plane on top" needs no article, and nothing behind it.
        is_certain = has_article or self.low[first] in _SIDEWAYS or self._is_corner(first, behind)
        is_certain |= self.low[first] in ("top", "bottom") and behind == self.stop
        if at < self.start or not is_certain:
            return None
        before = at - 1
        if self.low[at] == "to":
            is_most = before >= self.start and self.low[before] == "most"
            if not has_article or not (is_most or self._is_kind_at(before)):
                return None
            at -= is_most
        elif self.low[at] not in _AT or not self._is_of_the_thing(first, at):
            return None
        stop = behind
        if stop + 1 < self.stop and self.low[stop] == "of":
            stop += 1
            while stop < self.stop and self.low[stop] in _ARTICLES:
                stop += 1
            if stop == self.stop or self.low[stop] not in PICTURE:
                return None
            return range(at, stop + 1)
        ended = stop == self.stop or self.low[stop] in LINKS | LINKS_BEHIND_KINDS | {"is"}
        return range(at, stop) if ended else None

    def _is_of_the_thing(self, first: int, at: int) -> bool:
        """Whether "on the left", from `at` on, is said of the thing and not of what it is with."""
        with_at = [row for row in range(self.start, at) if self.low[row] in ("with", "has")]
        if self.low[first] in _SIDEWAYS:
            if not with_at:
                return True
            between = self.words[with_at[-1] + 1 : at]
            return bool(self.kinds) and all(
                word.tokens or not word.is_meant or word.text.lower() in PARTS for word in between
            )
        # "White at the bottom" is painted so.
        return not with_at and (not self.kinds or self._is_kind_at(at - 1) or self._says_little(at))

    def _says_little(self, at: int) -> bool:
        """Whether the word before a phrase tells no color: "flying at the top"."""
        if at <= self.start:
            return True
        word = self.words[at - 1]
        return not word.tokens or word.is_verb or self.low[at - 1] in _ONE | {"is", "right"}

    def _kind_before(self, row: int) -> bool:
        return any(self._is_kind(word) for word in self.low[self.start : row])

    def _behind_link(self, row: int) -> bool:
        return any(word in LINKS or word == "of" for word in self.low[self.start : row])

    def _kind_follows(self, row: int, behind: int) -> bool:
        """Whether a kind of thing comes next, or adjectives and then a kind."""
        for at in range(behind, self.stop):
            word = self.low[at]
            if self._is_kind(word):
                return True
            is_adjective = not (word in LINKS | PARTS or word in LINKS_BEHIND_KINDS - {"and"})
            if not is_adjective or (self.words[at].is_verb and self.low[row] not in SUPERLATIVES):
                return False
        # Without kinds, "the largest shoe" is sure to be a thing, "left shoe" or "top hat" is not.
        return not self.kinds and self.low[row] in SUPERLATIVES and behind < self.stop

    def _is_kind(self, word: str) -> bool:
        return word in _ONE or word in self.kinds or word.removesuffix("s") in self.kinds

    def _is_kind_at(self, row: int) -> bool:
        return row >= self.start and self._is_kind(self.low[row])
