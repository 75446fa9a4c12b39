"""ONNX Runtime: CPU, CUDA, TensorRT and TensorRT-RTX as execution providers of one session.

TensorRT compiles a network for a card, which takes seconds to minutes; the engine is kept, and the
log says before and after how long it took.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from core.errors import DataError, EngineError, ModelError, SpotterError
from pipeline.cache import cache_folder, make_cached
from pipeline.engines.base import (
    Choice,
    Feeds,
    Profile,
    TensorSpec,
    fixed_batch,
    run_in_batches,
)
from pipeline.engines.graph_types import computes_in_half
from pipeline.engines.machine import CUDA, RTX, TENSORRT
from pipeline.engines.providers import (
    engine_key,
    is_plugin,
    plugin_options,
    provider_chain,
    shape_texts,
)
from pipeline.engines.rtx_files import find_context
from pipeline.models import network_sha256

__all__ = ["OrtEngine"]

_LOG = logging.getLogger(__name__)
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}


class OrtEngine:
    """An ONNX file in an ONNX Runtime session; sessions are thread-safe.

    Args:
        session: The session to run.
        name: What it runs, for messages.
        max_items: The largest batch that it was compiled for; None: any. A network whose own batch
            is fixed gets no other.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        *,
        name: str = "the network",
        max_items: int | None = None,
    ) -> None:
        self._session = session
        self._name = name
        self.inputs = tuple(_spec(node) for node in session.get_inputs())
        self.outputs = tuple(_spec(node) for node in session.get_outputs())
        self._max_items = fixed_batch(self.inputs) or max_items
        self._output_names = [spec.name for spec in self.outputs]

    @classmethod
    def open(cls, path: Path, choice: Choice, profile: Profile | None = None) -> Self:
        """Return the network in a file, on the chosen provider.

        Args:
            path: The ONNX file.
            choice: What runs it.
            profile: Sizes that TensorRT compiles it for.

        Raises:
            ModelError: The file cannot be loaded.
            EngineError: The provider did not load, or not this file, or cannot keep its engine.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = choice.threads
        options.inter_op_num_threads = 1
        _preload(choice.provider)
        # 3: errors only; its warnings about constant folding say nothing to a user.
        options.log_severity_level = 3
        if choice.provider not in (TENSORRT, RTX):
            session = _load(path, options, provider_chain(choice), choice.provider)
            return cls(_checked(session, choice), name=path.name)
        compiled_for = profile or Profile()
        inputs = _read_inputs(path)
        free = any(None in spec.shape for spec in inputs)
        shapes = shape_texts(compiled_for, inputs) if free else ()
        halves = choice.precision == "f16" and not computes_in_half(path)
        key = engine_key(network_sha256(path), choice, shapes, halves=halves)
        is_built = find_context(path, choice, shapes) is not None
        folder = _engine_folder(key, choice.provider, is_built=is_built)
        is_new = not is_built and not _holds_files(folder)
        start_s = perf_counter()
        if is_new:
            _LOG.warning("compiling %s for %s; once, it takes a while", path.name, choice.hardware)
        if is_plugin(choice.provider):
            session = _load_plugin(path, options, choice, folder, shapes)
        else:
            chain = provider_chain(choice, folder=folder, shapes=shapes, halves=halves)
            session = _load(path, options, chain, choice.provider)
        if is_new:
            _LOG.warning("compiled %s in %.0f s", path.name, perf_counter() - start_s)
        max_items = compiled_for.batch[2] if free else None
        return cls(_checked(session, choice), name=path.name, max_items=max_items)

    def run(self, feeds: Feeds) -> dict[str, NDArray]:
        """Return the outputs by name."""
        return run_in_batches(self._run, feeds, name=self._name, max_items=self._max_items)

    def _run(self, feeds: Feeds) -> dict[str, NDArray]:
        arrays = {name: np.ascontiguousarray(feed) for name, feed in feeds.items()}
        outputs = self._session.run(self._output_names, arrays)
        return dict(zip(self._output_names, outputs, strict=True))


def _engine_folder(key: str, provider: str, *, is_built: bool = False) -> Path:
    """Where an engine is kept; what is compiled already may lie where nothing can be written."""
    try:
        folder = cache_folder("engines") / key
        return folder if is_built or _holds_files(folder) else make_cached(folder)
    except DataError as error:
        # An engine's failure: others compile nothing and need no folder.
        raise EngineError(
            f"{provider} cannot keep what it compiles: {error.message}", error.hint
        ) from error


def _holds_files(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def _preload(provider: str) -> None:
    """Load libraries that came as Python packages; ONNX Runtime finds only those of the system."""
    if provider not in (CUDA, TENSORRT) or not hasattr(onnxruntime, "preload_dlls"):
        return
    onnxruntime.preload_dlls()
    packages = [name for name in ("tensorrt", "tensorrt_libs") if find_spec(name) is not None]
    if provider == TENSORRT and packages:
        try:
            import_module(packages[0])
        except (ImportError, OSError) as error:
            _LOG.warning("TensorRT's own package does not load: %s", error)


def _load(
    path: Path,
    options: onnxruntime.SessionOptions,
    chain: list[tuple[str, dict[str, str]]] | None,
    provider: str,
) -> onnxruntime.InferenceSession:
    """A session; without a chain the options name the provider themselves.

    Raises:
        ModelError: The file cannot be loaded.
        EngineError: The provider of a GPU cannot load it; that says nothing about the file.
    """
    try:
        if chain is None:
            return onnxruntime.InferenceSession(path, sess_options=options)
        return onnxruntime.InferenceSession(path, sess_options=options, providers=chain)
    except Exception as error:
        # The runtime's exceptions have no common base but Exception.
        if provider in (CUDA, TENSORRT, RTX):
            raise EngineError(
                f"{provider} cannot load {path.name}: {error}.",
                "Check the card and its driver with: python app.py doctor",
            ) from error
        raise ModelError(f"ONNX Runtime cannot load {path.name}: {error}.") from error


def _load_plugin(
    path: Path,
    options: onnxruntime.SessionOptions,
    choice: Choice,
    folder: Path,
    shapes: tuple[str, ...],
) -> onnxruntime.InferenceSession:
    """A session of TensorRT-RTX: of an engine built ahead where there is one."""
    _register_plugin()
    devices = [device for device in onnxruntime.get_ep_devices() if device.ep_name == RTX]
    if not devices:
        raise EngineError(
            "TensorRT-RTX found no card.", "Check the driver with: nvidia-smi; or use 'cuda'."
        )
    options.add_provider_for_devices(devices[:1], plugin_options(folder=folder, shapes=shapes))
    context = find_context(path, choice, shapes)
    if context is not None:
        try:
            return _load(context, options, None, RTX)
        except SpotterError as error:
            _LOG.warning("%s; compiling it again", error.message.rstrip("."))
            with suppress(DataError):  # then it is compiled at every start
                make_cached(folder)
    return _load(path, options, None, RTX)


def _register_plugin() -> None:
    """Tell ONNX Runtime of the TensorRT-RTX provider, once."""
    if any(device.ep_name == RTX for device in onnxruntime.get_ep_devices()):
        return
    try:
        import onnxruntime_ep_nv_tensorrt_rtx as plugin

        onnxruntime.register_execution_provider_library(RTX, plugin.get_library_path())
    except Exception as error:
        # A missing driver shows as an OSError, a version that does not fit as the runtime's own.
        raise EngineError(
            f"TensorRT-RTX did not load: {error}.", "Check the driver with: nvidia-smi"
        ) from error


def _checked(session: onnxruntime.InferenceSession, choice: Choice) -> onnxruntime.InferenceSession:
    if choice.provider not in session.get_providers():
        raise EngineError(
            f"{choice.provider} did not load; ONNX Runtime would use "
            f"{', '.join(session.get_providers())}.",
            "Check the CUDA installation with: python app.py doctor",
        )
    return session


def _read_inputs(path: Path) -> list[TensorSpec]:
    """The inputs of a file, before anything compiles it."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = _load(path, options, [("CPUExecutionProvider", {})], "")
    return [_spec(node) for node in session.get_inputs()]


def _spec(node: onnxruntime.NodeArg) -> TensorSpec:
    shape = tuple(side if isinstance(side, int) else None for side in node.shape)
    return TensorSpec(node.name, _DTYPES.get(node.type, node.type), shape)
