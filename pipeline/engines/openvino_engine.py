"""OpenVINO on the CPU: the fast path, in bfloat16 where the CPU has it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np
import openvino
from numpy.typing import NDArray

from core.errors import ModelError
from pipeline.engines.base import Choice, Feeds, TensorSpec, fixed_batch, run_in_batches

__all__ = ["OpenVinoEngine"]

# Networks of 8 bits say so themselves; what is not quantized in them runs in float32.
_PRECISIONS = {"f32": "f32", "bf16": "bf16", "int8": "f32"}


class OpenVinoEngine:
    """An ONNX file compiled by OpenVINO.

    One inference request behind a lock: requests side by side would only share the same threads.

    Args:
        compiled: The compiled network.
        name: What it is, for messages.
    """

    def __init__(self, compiled: openvino.CompiledModel, *, name: str = "the network") -> None:
        self._name = name
        self._request = compiled.create_infer_request()
        self._lock = Lock()
        self.inputs = tuple(_spec(port) for port in compiled.inputs)
        self.outputs = tuple(_spec(port, _output_name(port)) for port in compiled.outputs)

    @classmethod
    def open(cls, path: Path, choice: Choice) -> Self:
        """Return the network in a file.

        Raises:
            ModelError: The file cannot be loaded.
        """
        # The hint is always given: OpenVINO's own default is bf16 wherever the CPU has it.
        settings = {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[choice.precision],
            "INFERENCE_NUM_THREADS": choice.threads,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
        }
        try:
            return cls(_core().compile_model(path, "CPU", settings), name=path.name)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot load {path.name}: {error}.") from error

    def run(self, feeds: Feeds) -> dict[str, NDArray]:
        """Return the outputs by name."""
        # The first run of a new shape costs some 50 ms; a few batch sizes soon are all known.
        return run_in_batches(
            self._run,
            feeds,
            name=self._name,
            max_items=fixed_batch(self.inputs),
            few_shapes=True,
        )

    def _run(self, feeds: Feeds) -> dict[str, NDArray]:
        arrays = {name: np.ascontiguousarray(feed) for name, feed in feeds.items()}
        with self._lock:
            self._request.infer(arrays, share_inputs=True)
            # Copies: the request reuses its output buffers.
            return {
                spec.name: self._request.get_output_tensor(i).data.copy()
                for i, spec in enumerate(self.outputs)
            }


@cache
def _core() -> openvino.Core:
    return openvino.Core()


def _output_name(port: openvino.ConstOutput) -> str:
    """The name that the ONNX file gives an output; inside, its tensor may have others too."""
    name = port.node.get_friendly_name().removesuffix("/sink_port_0")
    return name if name in port.get_names() else port.get_any_name()


def _spec(port: openvino.ConstOutput, name: str = "") -> TensorSpec:
    shape = tuple(
        side.get_length() if side.is_static else None for side in port.get_partial_shape()
    )
    return TensorSpec(name or port.get_any_name(), port.get_element_type().to_dtype().name, shape)
