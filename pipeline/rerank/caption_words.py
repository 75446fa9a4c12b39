"""One word of a caption: whether it is known, and what it is there for."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.rerank.small_words import (
    CHAT,
    LINKS,
    LINKS_BEHIND_KINDS,
    NEGATIONS,
    ORDINALS,
    PLACE_WORDS,
)

__all__ = ["Word", "denies", "is_place_word", "ordinal_of"]

_PASSED_OVER = CHAT | LINKS | LINKS_BEHIND_KINDS
_NUMBERED = re.compile(r"([1-9]\d?)(?:st|nd|rd|th)")


class Word(NamedTuple):
    """A word of a caption as the tokenizer sees it."""

    text: str
    tokens: list[str]
    """None of them where the word is unknown."""
    ends: bool
    """Whether a comma or the like follows."""
    is_place: bool = False
    """Whether it tells where in the picture the thing is."""
    is_around: bool = False
    """Whether it tells of what is around the thing: "over the blue sea"."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether it tells nothing of how the thing itself looks."""
        return self.is_place or self.is_around

    @property
    def is_meant(self) -> bool:
        """Whether it is there to say what to look for, known or not; a pictogram adds nothing."""
        low = self.text.lower()
        if self.is_elsewhere or low in _PASSED_OVER or is_place_word(low):
            return False
        return (
            not self.text.isdigit() and not denies(self.text) and any(map(str.isalnum, self.text))
        )

    @property
    def counts(self) -> bool:
        """Whether it tells where to look, or is known and tells something of a single crop."""
        if self.is_elsewhere:
            return self.is_place
        return bool(self.tokens) and not (is_place_word(self.text) or denies(self.text))

    @property
    def is_verb(self) -> bool:
        """Whether it tells what the thing does, or what was done to it: "landing", "parked"."""
        low = self.text.lower()
        return low.endswith("ing") or (low.endswith("ed") and not self.tokens)

    @property
    def is_name(self) -> bool:
        """Whether it looks like a name or a number: "Lufthansa", "KLM", "h145"."""
        return self.text[0].isupper() or any(map(str.isdigit, self.text))


def denies(text: str) -> bool:
    """Return whether a word says that something is not there.

    Example:
        >>> [word for word in "a jet that isn't red".split() if denies(word)]
        ["isn't"]
    """
    low = text.lower()
    return low in NEGATIONS or low.replace("\u2019", "'").endswith("n't")


def ordinal_of(text: str) -> int | None:
    """Return the number that a word counts with; None where it is no such word.

    Example:
        >>> [ordinal_of(word) for word in ("Second", "3rd", "747", "left")]
        [2, 3, None, None]
    """
    low = text.lower()
    numbered = _NUMBERED.fullmatch(low)
    return int(numbered[1]) if numbered else ORDINALS.get(low)


def is_place_word(text: str) -> bool:
    """Return whether a word tells a place, a direction or a number, which no single crop shows."""
    return text.lower() in PLACE_WORDS or ordinal_of(text) is not None
