"""OpenVINO on the CPU: the fast path, in bfloat16 where the CPU has it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Self, TypeAlias

import numpy as np
import openvino
from numpy.typing import NDArray

from core.errors import ModelError
from pipeline.engines.base import Choice, Feeds, TensorSpec, fixed_batch, run_in_batches

__all__ = ["OpenVinoEngine"]

# Networks of 8 bits say so themselves; what is not quantized in them runs in float32.
_PRECISIONS = {"f32": "f32", "bf16": "bf16", "int8": "f32"}
# A copy for one shape takes half a second of one core to compile, so only for what comes again.
_RUNS_BEFORE_COPY = 6
# Two shapes of picture at three scales, and 8, 4, 2 or 1 windows of a closer look; some to spare.
# A copy for 960x544 holds some 60 MB of its own.
_MAX_COPIES = 12
# A copy that was not used for so many runs may go; sooner, sizes that take turns would drive each
# other out and be compiled for ever.
_STALE_RUNS = 300
_MAX_COPIED_BYTES = 32 << 20

_Shapes: TypeAlias = tuple[tuple[int, ...], ...]
_Compile: TypeAlias = Callable[[_Shapes], openvino.CompiledModel]

_LOG = logging.getLogger(__name__)


class OpenVinoEngine:
    """A network compiled by OpenVINO: an ONNX file, or one of OpenVINO's own.

    A network of free sizes plans anew whenever the size changes, which costs up to a fifth of its
    time. So sizes that come again get a copy that knows them, compiled beside the runs. In float32
    it gives the same numbers; in bfloat16 and 8 bits others are rounded, and scores differ by some
    hundredths at most. Where the batch alone is free that gains nothing, and there are no copies.
    One request at a time: side by side they would only share the same threads.

    Args:
        compiled: The compiled network.
        compile_for: Compiles the network for inputs of these shapes; None: no copies.
        name: What it is, for messages.
    """

    def __init__(
        self,
        compiled: openvino.CompiledModel,
        compile_for: _Compile | None = None,
        *,
        name: str = "the network",
    ) -> None:
        self._name = name
        self._request = compiled.create_infer_request()
        self._copies = _Copies(compile_for, name) if compile_for else None
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

        def compile_for(shapes: _Shapes) -> openvino.CompiledModel:
            fixed = model.clone()
            fixed.reshape(dict(zip(fixed.inputs, shapes, strict=True)))
            return _core().compile_model(fixed, "CPU", settings)

        try:
            model = _core().read_model(path)
            compiled = _core().compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot load {path.name}: {error}.") from error
        return cls(compiled, compile_for if _is_copied(model) else None, name=path.name)

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
            request = self._request
            if self._copies:
                shapes = tuple(arrays[spec.name].shape for spec in self.inputs)
                request = self._copies.find(shapes) or request
            request.infer(arrays, share_inputs=True)
            # Copies: the request reuses its output buffers.
            return {
                spec.name: request.get_output_tensor(i).data.copy()
                for i, spec in enumerate(self.outputs)
            }


class _Copies:
    """Copies of one network for single shapes; they are made one at a time.

    Args:
        compile_for: Makes a copy.
        name: The network, for messages.
    """

    def __init__(self, compile_for: _Compile, name: str) -> None:
        self._compile_for = compile_for
        self._name = name
        self._num_runs = 0
        self._runs: Counter[_Shapes] = Counter()
        self._ready: dict[_Shapes, openvino.InferRequest] = {}
        self._last_run: dict[_Shapes, int] = {}
        self._is_busy = False
        self._lock = Lock()

    def find(self, shapes: _Shapes) -> openvino.InferRequest | None:
        """Return the copy for inputs of these shapes, if there is one; count that they came."""
        with self._lock:
            self._num_runs += 1
            if found := self._ready.get(shapes):
                self._last_run[shapes] = self._num_runs
                return found
            self._runs[shapes] += 1
            if self._runs[shapes] >= _RUNS_BEFORE_COPY and not self._is_busy and self._has_room():
                self._is_busy = True
                # Runs never depend on copies: where no thread can be had any more, there are none.
                with suppress(RuntimeError):
                    _compiler().submit(self._add, shapes)
        return None

    def _has_room(self) -> bool:
        """Whether another copy may be held, after the longest unused one went if it is stale."""
        if len(self._ready) < _MAX_COPIES:
            return True
        oldest = min(self._ready, key=self._last_run.__getitem__)
        if self._num_runs - self._last_run[oldest] < _STALE_RUNS:
            return False
        del self._ready[oldest]
        self._runs[oldest] = 0
        return True

    def _add(self, shapes: _Shapes) -> None:
        request = None
        try:
            request = self._compile_for(shapes).create_infer_request()
        except Exception as error:
            # The network of free sizes goes on doing the work; memory is likely to be short.
            _LOG.info("%s gets no more copies, one for %s failed: %s", self._name, shapes, error)
        with self._lock:
            if request:
                self._ready[shapes] = request
                self._last_run[shapes] = self._num_runs
                self._is_busy = False


@cache
def _core() -> openvino.Core:
    return openvino.Core()


@cache
def _compiler() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="openvino-compile")


def _is_copied(model: openvino.Model) -> bool:
    """Whether a network has free sizes, and weights so few that they can be held several times."""
    free_sizes = any(
        side.is_dynamic for port in model.inputs for side in list(port.get_partial_shape())[1:]
    )
    weights = (node for node in model.get_ops() if node.get_type_name() == "Constant")
    return free_sizes and sum(node.get_byte_size() for node in weights) <= _MAX_COPIED_BYTES


def _output_name(port: openvino.ConstOutput) -> str:
    """The name that the ONNX file gives an output; inside, its tensor may have others too."""
    name = port.node.get_friendly_name().removesuffix("/sink_port_0")
    return name if name in port.get_names() else port.get_any_name()


def _spec(port: openvino.ConstOutput, name: str = "") -> TensorSpec:
    shape = tuple(
        side.get_length() if side.is_static else None for side in port.get_partial_shape()
    )
    return TensorSpec(name or port.get_any_name(), port.get_element_type().to_dtype().name, shape)
