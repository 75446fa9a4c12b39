"""Tokenizers of SentencePiece files, read as data: no further package, nothing run.

The file is a protocol buffer: pieces with scores, and a table that normalizes characters. Only
unigram models are read; that is what T5, SigLIP and their kin use.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from core.errors import ModelError

__all__ = ["tokenizer_of"]

_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_UNKNOWN_TYPE, _CONTROL_TYPE = 2, 3
_UNIGRAM = 1
_END = "</s>"


def tokenizer_of(data: bytes) -> Tokenizer:
    """Return the tokenizer in a spiece.model; it ends each text with "</s>", as T5's does.

    Raises:
        ModelError: It is no unigram model.
    """
    pieces: list[tuple[str, float, int]] = []
    charsmap = b""
    for number, value in _fields(data):
        if number == _PIECES and isinstance(value, bytes):
            pieces.append(_piece(value))
        elif number == _NORMALIZER and isinstance(value, bytes):
            table = dict(_fields(value)).get(2, b"")
            charsmap = table if isinstance(table, bytes) else b""
        elif number == _TRAINER and isinstance(value, bytes):
            kind = dict(_fields(value)).get(3, _UNIGRAM)
            if kind != _UNIGRAM:
                raise ModelError("the SentencePiece model is not of the unigram kind.")
    if not pieces:
        raise ModelError("the file holds no SentencePiece model.")
    unknown = next((i for i, piece in enumerate(pieces) if piece[2] == _UNKNOWN_TYPE), 0)
    tokenizer = Tokenizer(models.Unigram([piece[:2] for piece in pieces], unknown))
    steps = [normalizers.Precompiled(charsmap)] if charsmap else []
    tokenizer.normalizer = normalizers.Sequence(
        [*steps, normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    controls = [piece[0] for piece in pieces if piece[2] == _CONTROL_TYPE]
    tokenizer.add_special_tokens(controls)
    end = tokenizer.token_to_id(_END)
    if end is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A {_END}", special_tokens=[(_END, end)]
        )
    return tokenizer


def _piece(data: bytes) -> tuple[str, float, int]:
    """Text, score and kind of a piece."""
    fields = dict(_fields(data))
    text, score, kind = fields.get(1, b""), fields.get(2, 0.0), fields.get(3, 1)
    assert isinstance(text, bytes)
    return text.decode("utf-8"), float(score), int(kind)  # type: ignore[arg-type]


def _fields(data: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Numbers and values of the fields of a protocol buffer, in order."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, position = _varint(data, position)
            yield number, value
        elif kind == 5:
            yield number, struct.unpack_from("<f", data, position)[0]
            position += 4
        elif kind == 1:
            yield number, struct.unpack_from("<d", data, position)[0]
            position += 8
        elif kind == 2:
            length, position = _varint(data, position)
            yield number, data[position : position + length]
            position += length
        else:
            raise ModelError("the file is no protocol buffer.")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise ModelError("the file ends in the middle of a number.")
