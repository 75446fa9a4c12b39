"""Where engines lie that TensorRT-RTX built ahead of time for a named card.

Built by `python app.py export --preset P --tensorrt-rtx sm89` on any machine
(convert/tensorrt_rtx.py); found by the network's hash, its sizes, the card's architecture and the
version that built them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.cache import cache_folder, is_cached
from pipeline.engines.base import Choice
from pipeline.models import network_sha256

__all__ = ["context_path", "find_context"]


def context_path(
    network_hash: str, architecture: str, version: str, shapes: Sequence[str] = ()
) -> Path:
    """Return where the loadable file of an engine lies; the engine itself has the same stem.

    Args:
        network_hash: Of what it was built from, see `pipeline.models.network_sha256`.
        architecture: For example "sm89".
        version: Of TensorRT-RTX: another version does not load it.
        shapes: Least, usual and largest shapes that it was built for.
    """
    tied = hashlib.sha256("|".join([network_hash, *shapes]).encode()).hexdigest()[:24]
    name = f"{tied}-{architecture}-{version}"
    return cache_folder("rtx") / f"{name}.onnx"


def find_context(path: Path, choice: Choice, shapes: Sequence[str] = ()) -> Path | None:
    """Return the loadable file of an engine built ahead for a graph and this card; None if none."""
    found = re.search(r"\b(sm\d+)\b.*?TensorRT-RTX (\S+)", choice.hardware)
    if found is None:
        return None
    context = context_path(network_sha256(path), found[1], found[2], shapes)
    return context if is_cached(context) else None
