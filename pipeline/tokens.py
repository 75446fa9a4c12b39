"""Tokenizers that lie beside a network's text tower."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from core.errors import ModelError

__all__ = ["read_tokenizer"]


def read_tokenizer(path: Path, length: int) -> Tokenizer:
    """Return a tokenizer that pads and cuts to the length that the network reads.

    Args:
        path: tokenizer.json.
        length: Tokens of every text.

    Raises:
        ModelError: The file is malformed, or gives another number.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        # The library raises plain Exception.
        raise ModelError(
            f"{path} is malformed: {error}.", "Export or convert the model again."
        ) from error
    got = len(tokenizer.encode("a").ids)
    if got != length:
        raise ModelError(
            f"{path.name} gives {got} tokens, the network reads {length}.",
            "Export or convert the model again.",
        )
    return tokenizer
