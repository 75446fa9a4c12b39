"""What a text tower reads of a caption, and what it cannot.

In: captions as people write them. Out: token ids, and what of the caption counts. Plurals and names
are read as what the vocabulary has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache

from tokenizers import Encoding, Tokenizer

from core.result import Grasp, Reading
from core.words import listed
from pipeline.rerank.caption_words import Word, denies, is_place_word, ordinal_of
from pipeline.rerank.names import KnownNames
from pipeline.rerank.places import mark_places, tell_places
from pipeline.rerank.small_words import (
    CHAT,
    LINKS,
    LINKS_BEHIND_KINDS,
    SMALL_WORDS,
)
from pipeline.rerank.spelling import Speller
from pipeline.rerank.surroundings import mark_surroundings

__all__ = ["CaptionReader", "Words"]

_UNKNOWN_TOKENS = ("[UNK]", "<unk>")
# Letters and digits of any script, apostrophes within; a pictogram is a word of its own.
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*|[\u2600-\u27bf\U0001f000-\U0001faff]")
_BREAK = re.compile(r"\s*[,;:.!?()/]")
_POSSESSIVE = re.compile("['\u2019]s$")
_SHOWN_CHARS = 40
_KEPT_CAPTIONS = 256
_TOLD_MAX = 5
_ANYTHING = "one"
_ANYTHINGS = frozenset((_ANYTHING, "thing", "object"))
# Said before what has no plural of its own: "all aircraft".
_MANY = frozenset(
    ("all", "both", "few", "several", "many", "two", "three", "four", "five", "six", "seven",
     "eight", "nine", "ten")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """What a reranker's card says of its vocabulary; all in lower case.

    Args:
        fillers: Words that alone say nothing of what is looked for: "a", "of", "sky".
        kinds: Words that name a kind of thing: "drone", "object"; empty: any word may.
        names: Names that people use, and what the vocabulary has for them.
    """

    fillers: Collection[str] = ()
    kinds: Collection[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)


class CaptionReader:
    """Reads captions for one text tower.

    Args:
        tokenizer: Pads and cuts captions to the length of the text tower.
        template: What stands around a caption, with ``{}`` for it.
        words: What is known of its vocabulary.
    """

    def __init__(self, tokenizer: Tokenizer, template: str, words: Words) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._fillers = frozenset(words.fillers)
        self._kinds = frozenset(word.lower() for word in words.kinds)
        self._given_names = tuple(words.names)
        self._names = KnownNames(words.names, self._kinds)
        # What a caption says and its ids are asked one after the other.
        self._read = lru_cache(_KEPT_CAPTIONS)(self._read_anew)

    def token_ids(self, caption: str) -> list[int]:
        """Return the ids of a caption, as many as the tower reads."""
        return self._read(caption)[0]

    def read(self, caption: str) -> Reading:
        """Return how much of a caption says something to the model, what, and where it looks.

        An answer for "not a helicopter" is about "helicopter".
        """
        return self._read(caption)[1]

    def _read_anew(self, caption: str) -> tuple[list[int], Reading]:
        spelt, misspelt = self._speller.correct(caption, self._is_known_in_any_number)
        translated, named = self._names.translate(spelt)
        translated = translated.strip()
        text = self._in_known_numbers(translated)
        encoding = self._encode(text)
        words, places, nth = mark_places(self._words(text, encoding), self._kinds)
        words = mark_surroundings(words, self._kinds, self._fillers)
        read = {**misspelt, **named}
        notes = [f"'{_short(said)}' is read as '{meant}'." for said, meant in read.items()]
        notes += self._notes(caption, words, is_cut=bool(encoding.overflowing))
        grasp = self._grasp(words, is_cut=bool(encoding.overflowing))
        if places and grasp != "nothing":
            notes.append(f"Of the boxes that fit, the {tell_places(places, nth)} is meant.")
        whole = caption if translated == caption else text
        about = "" if grasp == "nothing" else self._about(words) or whole
        known = [word for word in words if self._is_shown(word)]
        shown = [word.text for word in known]
        telling = [word.text.lower() for word in known if self._names_something(word)]
        is_anything = grasp != "nothing" and _ANYTHINGS.issuperset(telling)
        if places and is_anything and not telling and self._is_known(_ANYTHING):
            # "Lower left": whatever is there.
            shown = ["the", *(one for one in shown if one.lower() not in SMALL_WORDS), _ANYTHING]
        if shown and len(known) < len(words):
            # As if they had not been said: a token for them would move the answer anywhere.
            encoding = self._encode(" ".join(shown))
        # A place picks one of several: "the largest of the two drones".
        is_plural = not places and self._is_plural(translated, words)
        return encoding.ids, Reading(
            grasp, about, tuple(notes), places, nth, is_plural, is_anything
        )

    def _is_plural(self, said: str, words: Sequence[Word]) -> bool:
        """Whether several are asked for: "helicopters", "every plane", not "drone near planes".

        Args:
            said: The caption with its own plurals.
            words: Its words as they are read.
        """
        low = [text.lower() for text in _WORD.findall(said)]
        for row, (text, word) in enumerate(zip(low, words, strict=False)):
            if word.is_around or denies(text) or text in ("with", "one"):
                return False
            if text in ("every", "each"):
                return True
            if text in self._kinds or text.removesuffix("s") in self._kinds:
                is_counted = any(before in _MANY for before in low[:row])
                return text not in self._kinds or (text == "aircraft" and is_counted)
        return False

    def _names_something(self, word: Word) -> bool:
        """Whether a word says what to look for, or stands for whatever it is: "red", "thing"."""
        low = word.text.lower()
        return low in self._kinds or low == _ANYTHING or not self._fillers.issuperset(word.tokens)

    def _is_shown(self, word: Word) -> bool:
        """Whether the network is given a word: known, and of the thing itself."""
        is_place = bool(self._kinds) and is_place_word(word.text)
        return bool(word.tokens) and not word.is_elsewhere and not is_place

    def _encode(self, text: str) -> Encoding:
        return self._tokenizer.encode(self._template.replace("{}", text))

    def _grasp(self, words: Sequence[Word], *, is_cut: bool) -> Grasp:
        if not self._says_something(words):
            return "nothing"
        if self._may_be_something_else(words):
            return "looks"
        return "part" if is_cut or not all(word.counts for word in words) else "whole"

    def _about(self, words: Sequence[Word]) -> str:
        """The words that count for something; empty where all do."""
        kept: list[Word] = []
        for row, word in enumerate(words):
            if word.counts:
                kept.append(word)
            elif all(_is_small(next_one) for next_one in words[row + 1 : row + 2]):
                # What led to it goes with it: "plane on a (runway)", but "jet in (matte) blue".
                while kept and _is_small(kept[-1]):
                    kept.pop()
        if len(kept) == len(words):
            return ""
        said = [i for i, word in enumerate(kept) if not _is_small(word)]
        within = kept[said[0] : said[-1] + 1] if said else kept
        return " ".join(word.text for word in within)

    def _notes(self, caption: str, words: Sequence[Word], *, is_cut: bool) -> Iterator[str]:
        """What the model does not understand, or comes too late to be read."""
        short = _short(caption)
        unknown = self._unknown(words)
        if not self._says_something(words):
            near = ", ".join(f"'{known}'" for known in unknown.values() if known)
            hint = f" Did you mean {near}?" if near else self._examples() if unknown else ""
            yield f"The model knows no word of '{short}' that says what to look for.{hint}"
        else:
            yield from self._passed_over(words)
            if unknown:
                yield self._left_out(unknown, decides=self._may_be_something_else(words))
        if is_cut and words:
            yield f"'{short}' is too long: it is read up to '{words[-1].text}'."

    def _left_out(self, unknown: Mapping[str, str], *, decides: bool) -> str:
        words = [
            f"'{word}' (did you mean '{known}'?)" if known else f"'{word}'"
            for word, known in unknown.items()
        ]
        told = listed(words, _TOLD_MAX)
        if decides:
            return (
                f"The model does not know {told}. That may be what to look for, so nothing counts "
                "as found."
            )
        return f"The model does not know {told}; the answer rests on the other words."

    def _may_be_something_else(self, words: Sequence[Word]) -> bool:
        """Whether an unknown word may say what the thing is: "red car", "shuttle bus".

        The thing is what the first part of a caption ends with; what is unknown before it only
        tells of it ("a shiny drone"), and so do names and what it does ("plane landing").
        """
        if not self._kinds or all(word.tokens or not word.is_meant for word in words):
            return False
        part: list[Word] = []
        kind = told = None  # the last word that names a kind, and whether anything was said yet
        for word in words:
            low = word.text.lower()
            is_link = low in LINKS or (low not in self._kinds and word.is_verb)
            if (told and is_link) or (kind and low in LINKS_BEHIND_KINDS):
                break
            if not word.is_meant:
                continue
            told = told or not self._fillers.issuperset(word.tokens or ("",))
            if word.tokens and low in self._kinds:
                kind, part = word, []
            else:
                part.append(word)
            if kind and word.ends:
                break
        if kind:
            # In a caption of capitals alone they tell no names.
            may_be_names = kind.text.islower()
            return any(not word.tokens and not (may_be_names and word.is_name) for word in part)
        # "The yellow one" may be anything, "one yellow car" may not.
        return not part or part[-1].text.lower() != "one"

    def _in_known_numbers(self, caption: str) -> str:
        """The caption with unknown plurals and singulars as the ones that are known."""

        def known_form(match: re.Match[str]) -> str:
            return next(filter(self._is_known, _in_numbers(match[0])), match[0])

        return _WORD.sub(known_form, caption)

    def _is_known_in_any_number(self, word: str) -> bool:
        return any(map(self._is_known, _in_numbers(word)))

    def _is_known(self, word: str) -> bool:
        tokens = self._tokenizer.encode(word, add_special_tokens=False)
        kept = [
            token
            for token, (low, high) in zip(tokens.tokens, tokens.offsets, strict=True)
            if high > low
        ]
        return bool(kept) and not any(token in _UNKNOWN_TOKENS for token in kept)

    def _words(self, caption: str, encoding: Encoding) -> list[Word]:
        """The words that the model reads, each with its tokens: none where it is unknown.

        Some tokenizers turn what they do not know into a token for that, others into nothing.
        """
        start = max(self._template.find("{}"), 0)
        end = max((high for _, high in encoding.offsets), default=0) - start
        words = []
        for match in _WORD.finditer(caption):
            if encoding.overflowing and match.start() >= end:
                break
            tokens = [
                token
                for (low, high), token in zip(encoding.offsets, encoding.tokens, strict=True)
                if low - start < match.end() and high - start > match.start()
            ]
            unknown = any(token in _UNKNOWN_TOKENS for token in tokens)
            ends = _BREAK.match(caption, match.end()) is not None
            words.append(Word(match[0], [] if unknown else tokens, ends))
        return words

    def _says_something(self, words: Sequence[Word]) -> bool:
        if any(not self._fillers.issuperset(word.tokens) for word in words):
            return True
        # "The thing in the sky" asks for whatever is there; "the one on the left" does not, and
        # what is left around an unknown word fits everything.
        return bool(words) and all(word.counts or word.text.lower() in CHAT for word in words)

    def _passed_over(self, words: Sequence[Word]) -> Iterator[str]:
        """A note about words whose meaning no crop shows; none where there are none."""
        if around := " ".join(word.text for word in words if word.is_around):
            yield f"'{_short(around)}' counts for nothing: what is around a thing is not looked at."
        asked = [word.text for word in words if not word.is_elsewhere]
        if denied := _quoted(filter(denies, asked)):
            yield f"The model does not understand {denied}: it looks for what the rest says."
        elif passed := [word for word in asked if is_place_word(word)]:
            verb = "counts" if len(set(passed)) == 1 else "count"
            why = "where one goes, and what is beside it, is not looked at."
            if any(map(ordinal_of, passed)):
                why = "numbers count from a place alone, as in 'second from the left'."
            yield f"Objects are compared one by one, so {_quoted(passed)} {verb} for nothing: {why}"

    def _unknown(self, words: Sequence[Word]) -> dict[str, str]:
        """The first words that the model does not know; each with a known one like it, or ""."""
        unknown = dict.fromkeys(word.text for word in words if not word.tokens and word.is_meant)
        told = {}
        for number, word in enumerate(unknown):
            # Only the first ones are told, and looking for words like them takes time.
            told[_short(word)] = self._like(word) if number < _TOLD_MAX else ""
        return told

    def _like(self, word: str) -> str:
        """The known word that is most like an unknown one; empty without one."""
        near = get_close_matches(word.lower(), self._vocabulary, n=1, cutoff=0.8)
        return near[0] if near else ""

    def _examples(self) -> str:
        """A few of the kinds that are known, from all over the list; empty without one."""
        kinds = sorted(self._kinds)
        some = [f"'{kind}'" for kind in kinds[len(kinds) // 8 :: max(len(kinds) // 4, 1)][:4]]
        return f" It knows English words such as {', '.join(some)}." if some else ""

    @cached_property
    def _speller(self) -> Speller:
        single_names = {name for name in self._given_names if name.isalpha()}
        return Speller({*self._tokenizer.get_vocab(), *single_names}, self._fillers)

    @cached_property
    def _vocabulary(self) -> list[str]:
        """The telling words, where the tokenizer has whole words at all."""
        words = {*self._tokenizer.get_vocab(), *self._given_names} - self._fillers
        return sorted(word for word in words if len(word) > 3 and word.isalpha())


def _in_numbers(word: str) -> list[str]:
    """A word as it is, in lower case, and as a singular and a plural."""
    low = _POSSESSIVE.sub("", word.lower())
    if len(low) <= 3:
        return [word, low]
    return [word, low, low.removesuffix("s"), low.removesuffix("es"), f"{low}s"]


def _is_small(word: Word) -> bool:
    return word.text.lower() in SMALL_WORDS or not word.counts


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."


def _quoted(words: Iterable[str]) -> str:
    """The words, each once, quoted."""
    return ", ".join(f"'{word}'" for word in dict.fromkeys(words))
