"""Names that people use for what a vocabulary calls otherwise: "Cessna 172" is a light aircraft."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

__all__ = ["KnownNames"]

_START, _END = r"(?<![^\W_])", r"(?![^\W_])"
# What joins the words of one name. A comma begins something else.
_JOINT = r"[ _\u2010-\u2014-]"
_JOINT_BEHIND = re.compile(f"{_JOINT}+$")
# "747", "Su-27", "A320neo" behind a name.
_NUMBERED = rf"(?:[^\W\d_]{{1,3}}[\u2010-\u2014-])?[^\W_]*\d[^\W_]*(?:{_JOINT}\d+)?"
# They tell less than the name that they stand behind.
_GENERAL = ("aircraft", "airplane", "aeroplane", "plane", "jet")


class KnownNames:
    """Translates names into words of a vocabulary.

    Numbers and further names behind a name belong to it: "Boeing 747-8", "Sukhoi Su-27". If a kind
    follows, that is what is meant: "Airbus helicopter".

    Args:
        names: From a name in lower case to what it means. A space stands for any joint or none
            ("f 16": "F-16", "f16"), a hyphen for a hyphen or none ("a-320": not "a 320").
        kinds: Words of the vocabulary that name a kind of thing, in lower case.

    Example:
        >>> names = KnownNames({"boeing": "airliner", "f 16": "fighter jet"}, ["drone", "jet"])
        >>> names.translate("the white Boeing 747 jet")
        ('the white airliner', {'Boeing 747 jet': 'airliner'})
        >>> names.translate("two Boeing drones, one F-16")
        ('two drones, one fighter jet', {'F-16': 'fighter jet'})
    """

    def __init__(self, names: Mapping[str, str], kinds: Collection[str]) -> None:
        self._names = [
            (re.compile(f"{_START}{_spelt(name)}{_END}", re.IGNORECASE), meant)
            for name, meant in names.items()
        ]
        # The longest first: "piper cub" before "piper".
        any_name = "|".join(map(_spelt, sorted(names, key=len, reverse=True)))
        general = "|".join(word for word in _GENERAL if word in kinds) or r"(?!)"
        kind = "|".join(re.escape(kind) for kind in sorted(set(kinds) - set(_GENERAL))) or r"(?!)"
        # A name with all that belongs to it; then what follows: a kind, which is only looked at,
        # or a general word, unless that begins something else ("jet ski").
        self._pattern = re.compile(
            rf"(?P<by>{_START}(?:(?:made|built) )?(?:by|from) )?"
            rf"{_START}(?:{any_name}){_END}(?:{_JOINT}+(?:{any_name}|{_NUMBERED}){_END})*"
            rf"(?:{_JOINT}+(?:(?=(?:{kind})s?{_END})|(?:{general})s?{_END}(?!{_JOINT}+[^\W\d_])))?",
            re.IGNORECASE,
        )
        self._kind = re.compile(rf"(?:{kind})s?{_END}", re.IGNORECASE)

    def translate(self, caption: str) -> tuple[str, dict[str, str]]:
        """Return the caption with its names translated; and those that were, with their meaning."""
        named: dict[str, str] = {}
        if not self._names:
            return caption, named

        def meaning(match: re.Match[str]) -> str:
            # "Boeing helicopter", "drone by DJI": the kind is told beside it.
            if match["by"] or self._kind.match(caption, match.end()):
                return ""
            said = _JOINT_BEHIND.sub("", match[0])
            # The last one says most: "Boeing AH-64 Apache".
            found = [
                (one.end(), meant)
                for pattern, meant in self._names
                for one in pattern.finditer(said)
            ]
            meant = named[said] = max(found)[1]
            rest = caption[match.end() :].lstrip()
            # "Cessna light aircraft" says it already.
            return "" if rest.lower().startswith(meant) else meant + match[0][len(said) :]

        translated = self._pattern.sub(meaning, caption)
        return (" ".join(translated.split()) if translated != caption else caption), named


def _spelt(name: str) -> str:
    """A pattern for the ways to write a name: "F-16", "f16", "F 16C"; "Cessna", "Cessnas"."""
    words = [rf"(?:{_JOINT}|/)?".join(map(re.escape, word.split())) for word in name.split("-")]
    pattern = r"[\u2010-\u2014-]?".join(words)
    # Numbers may be glued to a name ("mig29") and letters to a number ("A320neo").
    return pattern + ("[a-z]{0,4}" if name[-1].isdigit() else r"(?:e?s|\d[^\W_]*)?")
