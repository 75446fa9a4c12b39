"""The words from which a model may choose a caption for a box: types and colors, both editable.

Captions read as everywhere else: "red drone", "red and white drone". Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.captions import clean_caption
from core.errors import InputError
from project.classes import UNNAMED

__all__ = ["SETTING", "Vocabulary", "usual_vocabulary"]

SETTING = "vocabulary"
"""The name under which a project keeps its vocabulary."""
_CAPTIONS_MAX = 5000
_PATTERNS = ("camouflage", "striped", "checkered")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Types and colors.

    Args:
        types: What things are: "drone".
        colors: What they look like: "red", "camouflage"; none: the types alone are captions.

    Raises:
        InputError: There is no type, or there are more than 5000 combinations.

    Example:
        >>> Vocabulary(("drone", "kite"), ("red", "blue")).captions()
        ('red drone', 'blue drone', 'red kite', 'blue kite')
    """

    types: tuple[str, ...]
    colors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", _clean(self.types))
        object.__setattr__(self, "colors", _clean(self.colors))
        if not self.types:
            raise InputError("the vocabulary has no type.", "Name at least one, such as 'drone'.")
        if (count := len(self.types) * max(1, len(self.colors))) > _CAPTIONS_MAX:
            raise InputError(
                f"the vocabulary gives {count} captions, the limit is {_CAPTIONS_MAX}.",
                "Leave out some types or colors.",
            )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Vocabulary:
        """Return the vocabulary that `to_dict` wrote.

        Raises:
            InputError: It is none.
        """
        types, colors = data.get("types"), data.get("colors", [])
        if not isinstance(types, list | tuple) or not isinstance(colors, list | tuple):
            raise InputError(
                "a vocabulary has lists of types and colors.", 'Write {"types": ["drone"]}.'
            )
        return cls(tuple(map(str, types)), tuple(map(str, colors)))

    def to_dict(self) -> dict[str, list[str]]:
        """Return plain JSON types."""
        return {"types": list(self.types), "colors": list(self.colors)}

    def captions(self) -> tuple[str, ...]:
        """Return each type in each single color."""
        if not self.colors:
            return self.types
        return tuple(f"{color} {kind}" for kind in self.types for color in self.colors)

    def two_colored(self, caption: str) -> tuple[str, ...]:
        """Return a caption of `captions` with each second color beside its own.

        Example:
            >>> Vocabulary(("drone",), ("red", "blue", "white")).two_colored("red drone")
            ('red and blue drone', 'red and white drone')
            >>> Vocabulary(("drone",), ("brown", "camouflage")).two_colored("camouflage drone")
            ('brown camouflage drone',)
        """
        for kind in self.types:
            for color in self.colors:
                if caption == f"{color} {kind}":
                    others = (other for other in self.colors if other != color)
                    return tuple(f"{_both(color, other)} {kind}" for other in others)
        return ()


def usual_vocabulary(
    class_names: Sequence[str], types: Sequence[str], colors: Sequence[str]
) -> Vocabulary:
    """Return what is proposed first: a project's own types, or those that the models learnt.

    Args:
        class_names: Of the project.
        types: What the models learnt, for a project that names nothing but "object".
        colors: All colors.
    """
    own = tuple(name for name in class_names if name != UNNAMED)
    return Vocabulary(own or tuple(types), tuple(colors))


def _both(color: str, other: str) -> str:
    """Two colors in words; a pattern comes last, as an adjective of its own."""
    if color in _PATTERNS or other in _PATTERNS:
        plain, pattern = (other, color) if color in _PATTERNS else (color, other)
        return f"{plain} {pattern}"
    return f"{color} and {other}"


def _clean(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clean_caption(word) for word in words if word.strip()))
