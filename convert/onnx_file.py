"""ONNX files written and run once, without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx
import onnxruntime
from numpy.typing import NDArray

from core.errors import ModelError

__all__ = ["run_onnx", "save_graph"]

# A protobuf file ends at 2 GiB; larger graphs keep their numbers in a second file.
FILE_BYTES_MAX = 1_900_000_000


def save_graph(graph: onnx.ModelProto, path: Path) -> None:
    """Write a graph; numbers of large ones go to `<name>.data` beside it."""
    large = graph.ByteSize() > FILE_BYTES_MAX
    (path.parent / f"{path.name}.data").unlink(missing_ok=True)
    onnx.save(
        graph,
        str(path),
        save_as_external_data=large,
        all_tensors_to_one_file=True,
        location=f"{path.name}.data",
    )


def run_onnx(path: Path, feeds: Mapping[str, NDArray]) -> list[NDArray]:
    """Return the outputs of an ONNX file on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        wanted = {node.name for node in session.get_inputs()}
        # An argument that does not matter is no input of the graph.
        return session.run(None, {k: v for k, v in feeds.items() if k in wanted})
    except Exception as error:
        # The runtime's exceptions have no common base but Exception.
        raise ModelError(f"ONNX Runtime cannot run {path.name}: {error}.") from error
