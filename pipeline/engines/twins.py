"""Twins of a network in another precision: found beside it, used only if made from it.

`detector.onnx` may have `detector.int8.xml` and `detector.int8.bin` beside it, the same network in
8 bits as OpenVINO writes it, and `detector.int8.json`, which names the hashes of both networks.
When the weights are replaced, the old twin no longer fits and is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.errors import DataError
from core.files import read_json, write_bytes, write_json
from pipeline.models import network_sha256, numbers_beside

__all__ = ["find_twin", "twin_path", "write_twin"]


def twin_path(source: Path, precision: str) -> Path:
    """Return where the graph of a network's twin lies, whether it is there or not.

    Example:
        >>> twin_path(Path("m/detector.onnx"), "int8").as_posix()
        'm/detector.int8.xml'
    """
    return source.with_suffix(f".{precision}.xml")


def find_twin(source: Path, precision: str) -> Path | None:
    """Return the twin of a network; None when there is none, or one of other weights."""
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
    source: Path,
    precision: str,
    graph: bytes,
    numbers: bytes,
    *,
    notes: Mapping[str, object] | None = None,
) -> Path:
    """Write a twin and its note; return the path of its graph.

    Args:
        source: The network that it was made from.
        precision: "int8".
        graph: OpenVINO's description of the network (.xml).
        numbers: Its weights (.bin).
        notes: What else the note says, for readers.
    """
    twin = twin_path(source, precision)
    (beside,) = numbers_beside(twin)
    write_bytes(beside, numbers)
    write_bytes(twin, graph)
    # Last: until the note fits both, the network itself is used.
    hashes = {"source_sha256": network_sha256(source), "sha256": network_sha256(twin)}
    write_json(twin.with_suffix(".json"), {**hashes, **(notes or {})})
    return twin
