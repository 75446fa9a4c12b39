"""Captions: the sentence that describes an object, cleaned once at the border."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import CaptionError

__all__ = ["MAX_CAPTION_CHARS", "clean_caption", "clean_captions"]

MAX_CAPTION_CHARS = 2000


def clean_caption(caption: str) -> str:
    """Return the caption stripped, with runs of white space made one space.

    Raises:
        CaptionError: It is not text, is empty, or is longer than 2000 characters.

    Example:
        >>> clean_caption("  red and  white  helicopter ")
        'red and white helicopter'
    """
    if not isinstance(caption, str):
        raise CaptionError(f"a caption must be text, got {type(caption).__name__}.")
    # Lone surrogates (half an emoji) come from broken clients and cannot be encoded as UTF-8.
    clean = " ".join(caption.encode("utf-8", "replace").decode("utf-8").split())
    if not clean:
        raise CaptionError(
            "the caption is empty.", "Describe one object, for example 'red helicopter'."
        )
    if len(clean) > MAX_CAPTION_CHARS:
        raise CaptionError(
            f"the caption has {len(clean)} characters, the limit is {MAX_CAPTION_CHARS}.",
            "Describe one object in a few words.",
        )
    return clean


def clean_captions(captions: Sequence[str]) -> list[str]:
    """Return each caption cleaned; see `clean_caption`.

    Raises:
        CaptionError: One is unusable, or a single text was given instead of a list.
    """
    if isinstance(captions, str):
        raise CaptionError(
            "captions must be a list of texts, got one text.", f"Write [{captions!r}]."
        )
    return [clean_caption(caption) for caption in captions]
