"""Numbers with the word for what they count, for messages."""

from __future__ import annotations

__all__ = ["counted"]


def counted(count: int, noun: str) -> str:
    """Return a number and its noun.

    Example:
        >>> counted(1, "box"), counted(1200, "box"), counted(0, "image")
        ('1 box', '1200 boxes', '0 images')
    """
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}{'es' if noun.endswith(('x', 's', 'ch')) else 's'}"
