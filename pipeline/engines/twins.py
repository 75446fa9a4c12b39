"""Twins of a network's file in another precision: found beside it, used only if made from it.

`detector.onnx` may have `detector.int8.onnx` beside it, and `detector.int8.json`, which names the
hashes of both. When the weights are replaced, the old twin no longer fits and is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.errors import DataError
from core.files import read_json, sha256_of, write_bytes, write_json
from pipeline.models import network_sha256

__all__ = ["find_twin", "twin_path", "write_twin"]


def twin_path(source: Path, precision: str) -> Path:
    """Return where the twin of a file lies, whether it is there or not.

    Example:
        >>> twin_path(Path("m/detector.onnx"), "int8").as_posix()
        'm/detector.int8.onnx'
    """
    return source.with_suffix(f".{precision}{source.suffix}")


def find_twin(source: Path, precision: str) -> Path | None:
    """Return the twin of a file; None when there is none, or one of other weights."""
    twin = twin_path(source, precision)
    note = twin.with_suffix(".json")
    if not (twin.is_file() and note.is_file()):
        return None
    try:
        told = read_json(note)
    except DataError:
        return None
    hashes = {"source_sha256": network_sha256(source), "sha256": network_sha256(twin)}
    return twin if isinstance(told, dict) and hashes.items() <= told.items() else None


def write_twin(
    source: Path, precision: str, data: bytes, *, notes: Mapping[str, object] | None = None
) -> Path:
    """Write a twin and its note; return the twin's path.

    Args:
        source: The file that it was made from.
        precision: "int8".
        data: The twin's contents.
        notes: What else the note says, for readers.
    """
    twin = twin_path(source, precision)
    write_bytes(twin, data)
    hashes = {"source_sha256": network_sha256(source), "sha256": sha256_of(data)}
    write_json(twin.with_suffix(".json"), {**hashes, **(notes or {})})
    return twin
