"""What a text tower reads of a caption, and what it cannot.

In: captions as people write them. Out: token ids, whether any word tells what to look for, and
notes for people. Plurals are read as what the vocabulary has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from functools import cached_property, lru_cache

from tokenizers import Encoding, Tokenizer

__all__ = ["CaptionReader"]

_UNKNOWN_TOKENS = ("[UNK]", "<unk>")
# Letters and digits of any script; a pictogram is a word of its own.
_WORD = re.compile(r"[^\W_]+|[\u2600-\u27bf\U0001f000-\U0001faff]")
_SHOWN_CHARS = 40
_KEPT_CAPTIONS = 256
_TOLD_MAX = 5
# A network that compares crops one by one cannot know these, however large its vocabulary is.
_PLACE_WORDS = frozenset(
    ("left", "leftmost", "right", "rightmost", "topmost", "corner", "foreground", "behind",
     "beside", "between", "above", "below", "near", "nearest", "closest", "farthest", "first",
     "second", "third", "last", "biggest", "largest", "smallest", "highest", "lowest")
)  # fmt: skip
# Text towers of this kind take them for words like any other.
_NEGATIONS = frozenset(("not", "no", "non", "without", "except", "never", "neither", "nor"))


class CaptionReader:
    """Reads captions for one text tower.

    Args:
        tokenizer: Pads and cuts captions to the length of the text tower.
        template: What stands around a caption, with ``{}`` for it.
        filler_words: Words that alone say nothing of what is looked for: "a", "of", "sky".
    """

    def __init__(self, tokenizer: Tokenizer, template: str, filler_words: Collection[str]) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._fillers = frozenset(filler_words)
        # Ids, notes and whether it says anything are asked one after the other.
        self._read = lru_cache(_KEPT_CAPTIONS)(self._read_anew)

    def token_ids(self, caption: str) -> list[int]:
        """Return the ids of a caption, as many as the tower reads."""
        return self._read(caption)[0].ids

    def can_read(self, caption: str) -> bool:
        """Return whether some word of the caption tells the model what to look for."""
        return self._says_something(self._read(caption)[1])

    def read_as(self, caption: str) -> str:
        """Return what an answer is about: the caption, or its words that count for something.

        That is "helicopter" of "a helicopter on the left"; empty for what cannot be read.
        """
        words = self._read(caption)[1]
        if not self._says_something(words):
            return ""
        kept = [
            (word, tokens)
            for word, tokens in words
            if tokens and word.lower() not in _PLACE_WORDS | _NEGATIONS
        ]
        if len(kept) == len(words):
            return caption
        telling = [i for i, (_, tokens) in enumerate(kept) if not self._fillers.issuperset(tokens)]
        within = kept[telling[0] : telling[-1] + 1] if telling else kept
        return " ".join(word for word, _ in within) or caption

    def notes(self, caption: str) -> list[str]:
        """Return notes about what the model does not understand, or comes too late to be read."""
        short = caption if len(caption) <= _SHOWN_CHARS else f"{caption[:_SHOWN_CHARS]}..."
        encoding, words = self._read(caption)
        readable = self._says_something(words)
        notes = [self._passed_over(words)] if readable else []
        unknown = self._unknown(words)
        if not readable:
            near = ", ".join(f"'{known}'" for known in unknown.values() if known)
            meant = f" Did you mean {near}?" if near else ""
            notes.append(f"The model knows no word of '{short}' that says what to look for.{meant}")
        elif unknown:
            told = ", ".join(
                f"'{word}' (did you mean '{known}'?)" if known else f"'{word}'"
                for word, known in unknown.items()
            )
            notes.append(f"The model does not know {told}; the answer rests on the other words.")
        if encoding.overflowing and words:
            notes.append(f"'{short}' is too long: it is read up to '{words[-1][0]}'.")
        return [note for note in notes if note]

    def _read_anew(self, caption: str) -> tuple[Encoding, list[tuple[str, list[str]]]]:
        caption = self._in_known_numbers(caption)
        encoding = self._tokenizer.encode(self._template.replace("{}", caption))
        return encoding, self._words(caption, encoding)

    def _in_known_numbers(self, caption: str) -> str:
        """The caption with unknown plurals and singulars as the ones that are known."""

        def known_form(match: re.Match[str]) -> str:
            word = match[0]
            if self._is_known(word):
                return word
            forms = (word.removesuffix("s"), word.removesuffix("es"), f"{word}s")
            return next((form for form in forms if form != word and self._is_known(form)), word)

        return _WORD.sub(known_form, caption)

    def _is_known(self, word: str) -> bool:
        tokens = self._tokenizer.encode(word, add_special_tokens=False)
        kept = [
            token
            for token, (low, high) in zip(tokens.tokens, tokens.offsets, strict=True)
            if high > low
        ]
        return bool(kept) and not any(token in _UNKNOWN_TOKENS for token in kept)

    def _words(self, caption: str, encoding: Encoding) -> list[tuple[str, list[str]]]:
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
            words.append((match[0], [] if unknown else tokens))
        return words

    def _says_something(self, words: Sequence[tuple[str, list[str]]]) -> bool:
        if any(not self._fillers.issuperset(tokens) for _, tokens in words):
            return True
        # "The thing in the sky" asks for whatever is there; "the one on the left" does not, and
        # what is left around an unknown word fits everything.
        return bool(words) and all(
            tokens and word.lower() not in _PLACE_WORDS | _NEGATIONS for word, tokens in words
        )

    def _passed_over(self, words: Sequence[tuple[str, list[str]]]) -> str:
        """A note about words whose meaning no crop shows; empty where there are none."""
        asked = [word for word, _ in words]
        if denied := _quoted(asked, _NEGATIONS):
            return f"The model does not understand {denied}: it looks for what the rest says."
        if places := _quoted(asked, _PLACE_WORDS):
            return (
                f"Objects are compared one by one, so {places} counts for nothing: "
                "where one is, and how large beside others, is not looked at."
            )
        return ""

    def _unknown(self, words: Sequence[tuple[str, list[str]]]) -> dict[str, str]:
        """The first words that the model does not know; each with a known one like it, or ""."""
        unknown = dict.fromkeys(
            word
            for word, tokens in words
            if not tokens and word.lower() not in _PLACE_WORDS | _NEGATIONS
        )
        told = {}
        for word in list(unknown)[:_TOLD_MAX]:
            near = get_close_matches(word.lower(), self._vocabulary, n=1, cutoff=0.8)
            told[word] = near[0] if near else ""
        return told

    @cached_property
    def _vocabulary(self) -> list[str]:
        """The telling words, where the tokenizer has whole words at all."""
        return sorted(
            word
            for word in self._tokenizer.get_vocab()
            if len(word) > 3 and word.isalpha() and word not in self._fillers
        )


def _quoted(words: Sequence[str], known: Collection[str]) -> str:
    """Those of the words that are known, each once, quoted."""
    return ", ".join(f"'{word}'" for word in dict.fromkeys(words) if word.lower() in known)
