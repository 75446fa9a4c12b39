"""Which types an ONNX graph computes in, read without the package `onnx`.

A graph is a message of numbered fields (Protocol Buffers); all but a few of them are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

__all__ = ["computes_in_half"]

# Numbers of fields in onnx.proto: of a model, its graph, a node, its attribute, a weight.
_GRAPH = 7
_NODE, _INITIALIZER = 1, 5
_INPUT, _OP_TYPE, _ATTRIBUTE = 1, 4, 5
_INTEGER = 3
_DATA_TYPE, _NAME = 2, 8
# Its numbers of float16 and bfloat16.
_HALVES = (10, 16)
# How a field is written: a number of varying length, with its length before it, or in 8 or 4 bytes.
_VARINT, _WITH_LENGTH, _FIXED = 0, 2, {1: 8, 5: 4}


def computes_in_half(path: Path) -> bool:
    """Return whether some layer of a graph computes in 16 bits, not only stores its weights so."""
    with path.open("rb") as file:
        model = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
    (graph,) = _fields(model, _GRAPH)
    stored = {
        bytes(name)
        for weight in _fields(graph, _INITIALIZER)
        for name in _fields(weight, _NAME)
        if _is_half(weight, _DATA_TYPE)
    }
    return any(_is_half_node(node, stored) for node in _fields(graph, _NODE))


def _is_half_node(node: memoryview, stored: set[bytes]) -> bool:
    """Whether a node makes 16-bit numbers, or takes weights as they are stored."""
    if b"Cast" in (bytes(kind) for kind in _fields(node, _OP_TYPE)):
        return any(_is_half(one, _INTEGER) for one in _fields(node, _ATTRIBUTE))
    return any(bytes(name) in stored for name in _fields(node, _INPUT))


def _is_half(message: memoryview, number: int) -> bool:
    return any(_read_varint(value, 0)[0] in _HALVES for value in _fields(message, number))


def _fields(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The contents of the fields of one number."""
    at = 0
    while at < len(message):
        key, start = _read_varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            at = _read_varint(message, start)[1]
        elif kind == _WITH_LENGTH:
            size, start = _read_varint(message, start)
            at = start + size
        else:
            at = start + _FIXED[kind]
        if number == wanted:
            yield message[start:at]


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number in groups of 7 bits, the lowest first, and where it ends."""
    value, shift = 0, 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
