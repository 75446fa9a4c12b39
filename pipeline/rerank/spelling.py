"""Misspelt words of a caption: "helicoptr" is read as "helicopter".

Only what can hardly be anything else is read so: a long word, a letter away from a single known
one, with the same first letter, and no English word itself. "Rocked" is no rocket.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection

from pipeline.rerank.small_words import (
    CHAT,
    COMPARATIVES,
    LINKS,
    NEGATIONS,
    PARTS,
    PICTURE,
    PLACE_WORDS,
    SCENERY,
    SUPERLATIVES,
)

__all__ = ["Speller", "edits_between"]

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_SHORTEST, _SHORTEST_KNOWN = 5, 6
# From so many letters on two may be wrong.
_LONG = 9
_NEVER_MEANT = frozenset(("leftest", "rightest"))
_SMALL = PLACE_WORDS | CHAT | LINKS | NEGATIONS | PARTS | PICTURE | SCENERY
# English words that near to a known one, of all in two dictionaries; without their plurals.
_ENGLISH = """
aerophone airletter airlifted airline aluminize aluminous apace arcane ariadne arian being boding
boning booing boring bowing boxing camouflager chipper chopped choppier chroma chromo closet
colter concord coper copier copper cotter cropper derisible divisible dreaminess dreamlike
firefighter firelighter freighted frightens gilder glide glided gripe griped griper guider gulden
marion marlon marron metallica microlith misfile missies missises missive neatest orang orbited
racket rafael raffle rickets rightist rochet rocked rocker salver sauce sauced saucier sauger
scuttle shuttled sliver solver spaced spacer spacey starlet tidiest tinniest toniest topmast
transform transpire transported transporter transpose ultrahigh undermost uttermost vesicle
violent
"""


class Speller:
    """Corrects words of captions.

    Args:
        vocabulary: Words that are known, in lower case.
        fillers: Those of them that say nothing, so nothing is read as one of them.
    """

    def __init__(self, vocabulary: Collection[str], fillers: Collection[str]) -> None:
        most = (word for word in SUPERLATIVES - COMPARATIVES if len(word) > _SHORTEST_KNOWN)
        wished = ({*vocabulary} - {*fillers}) | {*most}
        self._meant = {
            word for word in wished if word.isalpha() and len(word) >= _SHORTEST_KNOWN
        } - _NEVER_MEANT
        self._known = {*vocabulary, *fillers, *_SMALL}
        self._right = self._known | {*_ENGLISH.split()}
        self._rivals: dict[str, list[str]] = {}
        for word in sorted((self._known | self._meant) - _NEVER_MEANT):
            if word.isalpha():
                self._rivals.setdefault(word[0], []).append(word)

    def correct(self, caption: str, is_known: Callable[[str], bool]) -> tuple[str, dict[str, str]]:
        """Return the caption with its misspelt words as what they mean; and those, with that.

        Args:
            caption: As people write it.
            is_known: Whether a word is one that needs no correction.
        """
        read: dict[str, str] = {}

        def corrected(match: re.Match[str]) -> str:
            word = match[0]
            meant = None if is_known(word) else self.meant(word)
            if meant:
                read[word] = meant
            return meant or word

        return _WORD.sub(corrected, caption), read

    def meant(self, word: str) -> str | None:
        """Return the known word that an unknown one is a misspelling of, a plural as a plural.

        None where it is short, an English word, or not near to one alone.
        """
        low = _plain(word.lower())
        if len(low) < _SHORTEST or not low.isalpha():
            return None
        if {low, low.removesuffix("s"), low.removesuffix("es")} & self._right:
            return None
        near: dict[str, tuple[int, str]] = {}
        for known in self._rivals.get(low[0], ()):
            most = 2 if min(len(low), len(known)) >= _LONG else 1
            for form in (known, f"{known}s"):
                edits = edits_between(low, form, most)
                if edits is not None and edits < near.get(known, (9, ""))[0]:
                    near[known] = edits, form
        nearest = min((edits for edits, _ in near.values()), default=0)
        found = [(known, form) for known, (edits, form) in near.items() if edits == nearest]
        if len(found) != 1 or found[0][0] not in self._meant:
            return None
        return found[0][1]


def edits_between(one: str, other: str, most: int) -> int | None:
    """Return how many letters are wrong, missing, too many or swapped; None above `most`.

    Example:
        >>> [edits_between("baloon", word, 2) for word in ("balloon", "bablono", "helicopter")]
        [1, 2, None]
    """
    if abs(len(one) - len(other)) > most:
        return None
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        then = [i]
        for j, wished in enumerate(other, 1):
            edits = min(row[j] + 1, then[-1] + 1, row[j - 1] + (letter != wished))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wished:
                edits = min(edits, before[j - 2] + 1)
            then.append(edits)
        if min(then) > most:
            return None
        before, row = row, then
    return row[-1] if row[-1] <= most else None


def _plain(word: str) -> str:
    """A word without accents."""
    letters = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
