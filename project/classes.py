"""Which class a caption names: that of a proposal of a model, which knows captions and no classes.

In: a caption and the names of a project's classes. Out: one of them, or "object", or none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["UNNAMED", "class_of", "class_told"]

UNNAMED = "object"
"""The class of what is of none of a project's own classes."""


def class_of(caption: str, class_names: Sequence[str]) -> str:
    """Return the class that a caption names; of several the longest, then the last named.

    A project of one class means everything by it. Where there are several and the caption names
    none, the answer is "object", which nobody takes for a choice, and not the first of them.

    Example:
        >>> class_of("two-seat hot-air balloons", ("plane", "balloon", "hot air balloon"))
        'hot air balloon'
        >>> class_of("white fighter jet", ("plane", "balloon"))
        'object'
    """
    if len(class_names) == 1:
        return class_names[0]
    named = _named(caption, class_names)
    return max(named)[2] if named else UNNAMED


def class_told(caption: str, class_names: Sequence[str]) -> str:
    """Return the class that a caption tells beyond doubt; empty where it names none or several.

    Example:
        >>> class_told("red hot air balloon", ("plane", "balloon", "hot air balloon"))
        'hot air balloon'
        >>> class_told("balloon above a plane", ("plane", "balloon"))
        ''
    """
    named = _named(caption, class_names)
    told = {
        name
        for length, start, name in named
        if name != UNNAMED
        and not any(
            other > length and first <= start and start + length <= first + other
            for other, first, _ in named
        )
    }
    return told.pop() if len(told) == 1 else ""


def _named(caption: str, class_names: Sequence[str]) -> list[tuple[int, int, str]]:
    """All classes that a caption names: number of words, place of the first one, name."""
    words = _words(caption)
    return [
        (len(parts), start, name)
        for name in class_names
        if (parts := _words(name))
        for start in range(len(words) - len(parts) + 1)
        if words[start : start + len(parts)] == parts
    ]


@lru_cache(maxsize=10_000)
def _words(text: str) -> list[str]:
    """Words in small letters, an s at their end left out; not to be changed."""
    found = re.findall(r"[^\W_]+", text.casefold())
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in found]
