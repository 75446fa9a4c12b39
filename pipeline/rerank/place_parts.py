"""The words of a part of a caption that tell a place, and what they tell.

A part is what stands between commas. Its words are read from left to right: a number that counts
from a place ("second from the left"), a place that is gone to ("furthest to the right"), or one
that is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.result import Place
from pipeline.rerank.caption_words import Word, denies, is_place_word, ordinal_of
from pipeline.rerank.small_words import (
    AMONG,
    CAMERA,
    CHAT,
    COMPARATIVES,
    LINKS,
    LINKS_BEHIND_KINDS,
    PARTS,
    PICTURE,
    PLACE_SIDES,
    PLACES,
    SUPERLATIVES,
)

__all__ = ["OPPOSITES", "SIDES", "Part", "Told"]

OPPOSITES: tuple[set[Place], ...] = ({"left", "right"}, {"top", "bottom"}, {"large", "small"})
_ARTICLES = frozenset(("the", "this", "that"))
_AT = frozenset(("on", "at", "in"))
_ONE = frozenset(("one", "thing", "object"))
# Plain adjectives: "the left plane". "Front" and "back" before a noun are parts and views.
_ADJECTIVES = frozenset(
    ("left", "right", "top", "bottom", "upper", "lower", "middle", "center", "centre", "central")
)
_FURTHER = ("further", "farther")
# "Furthest to the right" is the right one, "closest to the top" the top one.
_FAR = frozenset(("far", "furthest", "farthest", *_FURTHER))
_NEAR = frozenset(("near", "nearer", "nearest", "close", "closer", "closest"))
_TOWARD = frozenset(("to", "toward", "towards", "on", "at"))
_RELATIVES = frozenset(("that", "which", "who"))
_SIDEWAYS = frozenset(("left", "right"))
SIDES: frozenset[Place] = frozenset(("left", "right", "top", "bottom"))
# Said before a place that is all there is: "who is the largest", "find the left one".
_ASKING = CHAT - PARTS | {"find", "look", "for", "is", "which", "where"}


class Told(NamedTuple):
    """The rows of the words that tell places, and what they tell."""

    rows: Sequence[int]
    places: tuple[Place, ...]
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """Words start to stop of a caption, up to a comma or "but"."""

    words: Sequence[Word]
    low: Sequence[str]
    start: int
    stop: int
    kinds: frozenset[str]

    def find(self) -> list[Told]:
        """The words that tell places, each time with all that belongs to it."""
        span = range(self.start, self.stop)
        if any(denies(self.low[row]) and self.low[row] != "but" for row in span):
            return []
        found: list[Told] = []
        row = self.start
        while row < self.stop:
            told = self._told_at(row)
            if told:
                found.append(told)
            row = told.rows[-1] + 1 if told else row + 1
        counting = {row for row in span if self._counts(row)}
        # A number that is not understood may change everything: "the second plane on the left".
        if counting and not (len(found) == 1 and counting <= set(found[0].rows)):
            return []
        return found

    def _counts(self, row: int) -> bool:
        return (ordinal_of(self.low[row]) or 1) > 1 or self.low[row][:1].isdigit()

    def _told_at(self, row: int) -> Told | None:
        """What is told from a word on: a place counted from, one that is gone to, or one alone."""
        if ordinal_of(self.low[row]):
            return self._counted(row)
        if sides := self._side_behind(row):
            return self._toward(row, sides)
        return self._told(self._read(row)) if self.low[row] in PLACES else None

    def _told(self, rows: Sequence[int] | None) -> Told | None:
        """All places of the words; None without words."""
        if not rows:
            return None
        places = dict.fromkeys(place for at in rows for place in PLACES.get(self.low[at], ()))
        return Told(rows, tuple(places))

    def _counted(self, row: int) -> Told | None:
        """As in "the second largest drone", "3rd from the left", "second red plane from left"."""
        nth = ordinal_of(self.low[row])
        behind = row + 1
        if nth is None or behind == self.stop or self._is_of_another(row):
            return None
        if self.low[behind] in SUPERLATIVES - COMPARATIVES or self._side_behind(behind):
            told = self._told_at(behind)
            return told and Told((row, *told.rows), told.places, nth)
        at = behind
        while at < self.stop and self._may_describe(at):
            at += 1
        is_thing = at == behind or not self.kinds or any(map(self._is_kind_at, range(behind, at)))
        if at < self.stop and self.low[at] in ("counted", "counting"):
            at += 1
        if not is_thing or self._text(at) != "from":
            return None
        side = self._behind_articles(at + 1)
        places = PLACES.get(self._text(side), ())
        if len(places) != 1 or places[0] not in SIDES:
            return None
        stop = self._behind_sides(side + 1)
        if self._text(stop) == "to":
            # "From left to right".
            towards = self._behind_articles(stop + 1)
            if {*places, *PLACES.get(self._text(towards), ())} not in OPPOSITES:
                return None
            stop = towards + 1
        end = self._end_of_place(stop)
        return None if end is None else Told((row, *range(at, end)), places, nth)

    def _toward(self, row: int, sides: range) -> Told | None:
        """As in "furthest to the right", "nearest the top", "closest to the left edge"."""
        word, before = self.low[row], row - 1
        while before >= self.start and self.low[before] in _ARTICLES:
            before -= 1
        is_most = word in SUPERLATIVES - COMPARATIVES
        goes_there = before >= self.start and self.words[before].is_verb and not is_most
        if goes_there or not self._is_of_the_thing(sides[0], before + 1):
            return None
        places = dict.fromkeys(place for at in sides for place in PLACES.get(self.low[at], ()))
        rows = range(row, sides[-1] + 1)
        is_adjective = word in _FAR and not _TOWARD & {*self.low[row : sides[0]]}
        if is_adjective and self._kind_follows(row, rows.stop):
            is_ours = not (self._kind_before(row) or self._behind_link(row))
            return Told(rows, tuple(places)) if is_ours else None
        end = None if self._is_of_another(row) else self._end_of_place(rows.stop, is_most=is_most)
        return None if end is None else Told(range(row, end), tuple(places))

    def _side_behind(self, row: int) -> range | None:
        """The words of the side that a word leads to: "furthest (to the) right", "near the top"."""
        word = self.low[row]
        if word not in _FAR | _NEAR:
            return None
        first = row + 1
        has_link = self._text(first) in _TOWARD if word in _FAR else self._text(first) == "to"
        first = self._behind_articles(link := first + has_link)
        # "The far left" is read as "the left" is, "close the top" is not said.
        if word == "far" and not has_link:
            return None
        if word in _NEAR and not (has_link or (first > link and word in ("near", "nearest"))):
            return None
        sides = range(first, self._behind_sides(first))
        told = {place for at in sides for place in PLACES.get(self.low[at], ())}
        return sides if told and told <= SIDES | ({"middle"} if word in _NEAR else set()) else None

    def _end_of_place(self, stop: int, *, is_most: bool = False) -> int | None:
        """Behind "(furthest to the left) of the picture"; None where it is told of something."""
        if self._text(stop) == "of":
            then = self._behind_articles(stop + 1)
            if self._text(then) in PICTURE or (is_most and self._text(then) in AMONG):
                return then + 1
            return then if is_most and self._is_kind(self._text(then)) else None
        ended = stop == self.stop or self.low[stop] in LINKS | LINKS_BEHIND_KINDS | {"is"}
        return stop if ended else None

    def _text(self, row: int) -> str:
        return self.low[row] if self.start <= row < self.stop else ""

    def _behind_articles(self, row: int) -> int:
        while self._text(row) in _ARTICLES:
            row += 1
        return row

    def _behind_sides(self, row: int) -> int:
        while self._text(row) in PLACE_SIDES or self._text(row) in PLACES:
            row += 1
        return row

    def _may_describe(self, row: int) -> bool:
        """Whether a word may stand between "second" and "from the left"."""
        word = self.low[row]
        is_small = word in LINKS | LINKS_BEHIND_KINDS | PARTS and word != "and"
        return not (is_small or is_place_word(word) or word in ("counted", "counting"))

    def _is_of_another(self, row: int) -> bool:
        """Whether what a row tells is said of a thing behind a link: "near the (drone) (second"."""
        links = [
            at
            for at in range(self.start, row)
            if self.low[at] in LINKS - _RELATIVES and not self.words[at].ends
        ]
        if ordinal_of(self.low[row]):
            return bool(links)
        return any(map(self._is_kind_at, range(links[0], row))) if links else False

    def _read(self, row: int) -> range | None:
        """What tells a place around its first word; None where that is none."""
        behind = self._behind_sides(row + 1)
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
        """Whether a caption or a comma's part holds nothing else: "plane, right"."""
        before = {*self.low[self.start : first]} - _ASKING
        rest = before | {*self.low[behind : self.stop]} - {"please"}
        return not rest - _ARTICLES - _AT

    def _superlative(self, first: int, behind: int) -> range | None:
        """Behind it stands what it is compared with, or nothing: "the largest of the two"."""
        if behind == self.stop:
            is_most = self.low[behind - 1] not in COMPARATIVES
            before = first - 1
            while self._text(before) in _ARTICLES or ordinal_of(self._text(before)):
                before -= 1
            is_told = self._text(before) == "is" or not self._behind_link(first)
            return range(first, behind) if is_most and is_told else None
        link = self.low[behind]
        at = self._behind_articles(behind + 1)
        then = self._text(at)
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
