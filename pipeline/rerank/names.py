"""Names that people use for what a vocabulary calls otherwise: "Cessna 172" is a light aircraft."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

__all__ = ["KnownNames"]

_BETWEEN = r"[\W_]*"
_NUMBERED = r"[^\W_]*\d[^\W_]*"


class KnownNames:
    """Translates names into words of a vocabulary.

    A number behind a name belongs to it, and so does the kind: "Boeing 747-8", "Apache helicopter".

    Args:
        names: From a name in lower case, with spaces ("f 16" also stands for "F-16" and "f16"), to
            what it means.
        kinds: Words of the vocabulary that name a kind of thing.

    Example:
        >>> names = KnownNames({"boeing": "airliner", "f 16": "fighter jet"}, ["plane", "jet"])
        >>> names.translate("the white Boeing 747 plane")
        ('the white airliner', {'Boeing 747 plane': 'airliner'})
        >>> names.translate("a grey F-16")
        ('a grey fighter jet', {'F-16': 'fighter jet'})
    """

    def __init__(self, names: Mapping[str, str], kinds: Collection[str]) -> None:
        self._names = [
            (re.compile(rf"\b{_spelt(name)}\b", re.IGNORECASE), meant)
            for name, meant in names.items()
        ]
        any_name = "|".join(map(_spelt, names))
        behind = "|".join([_NUMBERED, *(rf"{re.escape(kind)}s?" for kind in sorted(kinds))])
        self._pattern = re.compile(
            rf"\b(?:{any_name})\b(?:[\W_]+(?:{behind}|{any_name})\b)*" if names else r"(?!)",
            re.IGNORECASE,
        )

    def translate(self, caption: str) -> tuple[str, dict[str, str]]:
        """Return the caption with its names translated; and those that were, with their meaning."""
        named: dict[str, str] = {}

        def meaning(match: re.Match[str]) -> str:
            found = [
                (one.end(), meant)
                for pattern, meant in self._names
                for one in pattern.finditer(match[0])
            ]
            # The last one says most: "Boeing AH-64 Apache".
            named[match[0]] = max(found)[1]
            return named[match[0]]

        return self._pattern.sub(meaning, caption), named


def _spelt(name: str) -> str:
    """A pattern for the ways to write a name: "F-16", "f16", "F 16C"; "Cessna", "Cessnas"."""
    pattern = _BETWEEN.join(map(re.escape, name.split()))
    return pattern + ("[a-z]?" if name[-1].isdigit() else "s?")
