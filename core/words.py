"""Numbers with the word for what they count, or as a place, and lists that end, for messages."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["counted", "listed", "nth_word"]

_NTH = ("", "first", "second", "third", "fourth", "fifth")


def counted(count: int, noun: str) -> str:
    """Return a number and its noun.

    Example:
        >>> counted(1, "box"), counted(1200, "box"), counted(0, "image")
        ('1 box', '1200 boxes', '0 images')
    """
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}{'es' if noun.endswith(('x', 's', 'ch')) else 's'}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return the first names, and how many more there are.

    Example:
        >>> listed(["a", "b"]), listed(["a", "b", "c", "d"], most=2)
        ('a, b', 'a, b and 2 more')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def nth_word(nth: int) -> str:
    """Return the word that counts up to a number.

    Example:
        >>> nth_word(2), nth_word(6), nth_word(11), nth_word(22)
        ('second', '6th', '11th', '22nd')
    """
    if 0 < nth < len(_NTH):
        return _NTH[nth]
    is_teen = nth // 10 % 10 == 1
    return f"{nth}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(nth % 10, 'th')}"
