"""Engines of TensorRT-RTX, built ahead of time for a named card, on any machine.

    python app.py export --preset mini --tensorrt-rtx sm89

The real parser and builder of NVIDIA run without a card and without a driver; only running the
engine needs one. In: a graph and the sizes it meets. Out: the engine and a small ONNX file that
tells ONNX Runtime's provider where it is (pipeline/engines/rtx_files.py).

Loading such an engine has never been tried on a card. Where it fails, the graph is compiled anew.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

from core.errors import EngineError, MissingPackageError, ModelError
from core.files import write_bytes
from pipeline.cache import make_cached
from pipeline.config import LocateConfig
from pipeline.detect.card import read_detector_card
from pipeline.engines.base import Profile, TensorSpec
from pipeline.engines.machine import RTX, RTX_CAPABILITIES
from pipeline.engines.providers import shape_texts
from pipeline.engines.rtx_files import context_path
from pipeline.models import FAMILY_FILES, Model, network_sha256
from pipeline.networks import card_profile, rerank_profile, upscale_profile

__all__ = ["ARCHITECTURES", "build_context", "build_model", "build_plan", "missing_packages"]

# Those that an engine can be loaded on.
ARCHITECTURES = tuple(f"sm{major}{minor}" for major, minor in RTX_CAPABILITIES)
_PLUGIN = "onnxruntime_ep_nv_tensorrt_rtx"
_BINDINGS = "tensorrt_rtx_bindings"
_INSTALL = (
    "Run: pip install --no-deps onnxruntime-ep-nv-tensorrt-rtx-cu12==0.5.0 "
    "tensorrt_rtx_cu12_bindings==1.7.1.116"
)
_LIBRARIES = ("libtensorrt_rtx.so.*", "libtensorrt_onnxparser_rtx.so.*")
_DISTRIBUTIONS = tuple(f"onnxruntime-ep-nv-tensorrt-rtx{end}" for end in ("", "-cu13", "-cu12"))
_WORKSPACE_BYTES = 4 << 30


def missing_packages() -> list[str]:
    """Return which of the packages that building needs are not installed; imports nothing."""
    return [name for name in (_PLUGIN, _BINDINGS) if find_spec(name) is None]


def build_model(
    model: Model,
    config: LocateConfig,
    architecture: str,
    *,
    on_built: Callable[[Path, float, int], None] | None = None,
) -> list[Path]:
    """Return the loadable files of a model's networks, built for a card.

    Args:
        model: The model.
        config: The settings it is used with: they tell the sizes of its inputs.
        architecture: One of `ARCHITECTURES`.
        on_built: See `build_context`.

    Raises:
        SpotterError: See `build_context`.
    """
    if model.task == "detect":
        profile = card_profile(config.detect, read_detector_card(model))
    else:
        profile = upscale_profile(config.upscale) if model.task == "upscale" else rerank_profile()
    graphs = [name for name in FAMILY_FILES.get(model.family, ()) if name.endswith(".onnx")]
    return [
        build_context(model.file(name).resolve(), profile, architecture, on_built=on_built)
        for name in graphs
    ]


def build_context(
    path: Path,
    profile: Profile,
    architecture: str,
    *,
    on_built: Callable[[Path, float, int], None] | None = None,
) -> Path:
    """Return the file that ONNX Runtime loads an engine from, built now unless it was before.

    Args:
        path: The graph; 16-bit where the engine should be, because types are kept as they are.
        profile: Sizes of its free axes.
        architecture: One of `ARCHITECTURES`.
        on_built: Told the graph, the seconds it took and the engine's size in bytes.

    Raises:
        MissingPackageError: The builder is not installed.
        EngineError: There is no such architecture, or the build failed.
        ModelError: The parser refuses the graph.
        DataError: The folder of engines cannot be made or written to.
    """
    inputs = _read_inputs(path)
    free = any(None in spec.shape for spec in inputs)
    shapes = shape_texts(profile, inputs) if free else ()
    target = context_path(network_sha256(path), architecture, _version(), shapes)
    if target.is_file():
        return target
    make_cached(target.parent)  # before the minutes that a build takes
    start_s = perf_counter()
    plan = build_plan(path, profile, architecture)
    engine = target.with_suffix(".engine")
    write_bytes(engine, plan)
    write_bytes(target, _context_model(path, engine.name, architecture))
    if on_built is not None:
        on_built(path, perf_counter() - start_s, len(plan))
    return target


def build_plan(path: Path, profile: Profile, architecture: str) -> bytes:
    """Return a serialized engine for a card that need not be here.

    Raises:
        MissingPackageError: The builder is not installed.
        EngineError: There is no such architecture, or the build failed.
        ModelError: The parser refuses the graph.
    """
    if architecture not in ARCHITECTURES:
        raise EngineError(
            f"TensorRT-RTX builds for no '{architecture}'.", f"Known: {', '.join(ARCHITECTURES)}."
        )
    trt = _load_builder()
    builder = trt.Builder(_logger())
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, _logger())
    if not parser.parse_from_file(str(path)):
        errors = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise ModelError(f"TensorRT-RTX cannot read {path.name}: {errors}.")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, _WORKSPACE_BYTES)
    config.num_compute_capabilities = 1
    config.set_compute_capability(getattr(trt.ComputeCapability, architecture.upper()), 0)
    _add_profile(builder, network, config, profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(f"TensorRT-RTX could not build {path.name} for {architecture}.")
    return bytes(plan)


def _add_profile(builder: Any, network: Any, config: Any, profile: Profile) -> None:
    """The sizes of every input with a free axis."""
    optimization = builder.create_optimization_profile()
    is_needed = False
    for number in range(network.num_inputs):
        tensor = network.get_input(number)
        shape = tuple(side if side >= 0 else None for side in tensor.shape)
        if None in shape:
            spec = TensorSpec(tensor.name, str(tensor.dtype), shape)
            optimization.set_shape(tensor.name, *profile.shapes(spec))
            is_needed = True
    if is_needed:
        config.add_optimization_profile(optimization)


def _read_inputs(path: Path) -> list[TensorSpec]:
    """The inputs of a graph, without its weights."""
    import onnx

    return [
        TensorSpec(
            value.name,
            onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
            tuple(
                side.dim_value if side.HasField("dim_value") else None
                for side in value.type.tensor_type.shape.dim
            ),
        )
        for value in onnx.load(path, load_external_data=False).graph.input
    ]


def _context_model(path: Path, engine_name: str, architecture: str) -> bytes:
    """An ONNX file with one node, which stands for the engine beside it."""
    import onnx
    from onnx import helper

    graph = onnx.load(path, load_external_data=False).graph
    node = helper.make_node(
        "EPContext",
        [value.name for value in graph.input],
        [value.name for value in graph.output],
        name=path.stem,
        domain="com.microsoft",
        main_context=1,
        embed_mode=0,
        ep_cache_context=engine_name,
        source=RTX,
        hardware_architecture=architecture.removeprefix("sm"),
        onnx_model_filename=path.name,
    )
    context = helper.make_graph([node], path.stem, list(graph.input), list(graph.output))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(context, opset_imports=opsets, ir_version=9)
    serialized: bytes = model.SerializeToString()
    return serialized


@cache
def _load_builder() -> Any:
    """NVIDIA's bindings, with the libraries of the provider's package behind them."""
    if missing := missing_packages():
        raise MissingPackageError(f"building engines needs {', '.join(missing)}.", _INSTALL)
    spec = find_spec(_PLUGIN)
    assert spec is not None
    assert spec.origin is not None
    for pattern in _LIBRARIES:
        # The bindings look for them by name only: loaded before, they are found.
        for library in sorted(Path(spec.origin).parent.glob(pattern)):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    import tensorrt_rtx_bindings as trt

    return trt


@cache
def _logger() -> Any:
    # One for the process: the library keeps the first that it meets.
    trt = _load_builder()
    return trt.Logger(trt.Logger.ERROR)


def _version() -> str:
    """The version that a provider must have to load the engine."""
    for name in _DISTRIBUTIONS:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    raise MissingPackageError(f"building engines needs {_PLUGIN}.", _INSTALL)
