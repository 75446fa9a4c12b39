"""What ONNX Runtime's GPU providers are told: pure functions of the choice and the sizes.

Compiled engines are kept in a folder named after all that they are tied to, so that a new card,
driver package, precision, range of sizes or network never meets an old engine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from pipeline.engines.base import Choice, Profile, TensorSpec
from pipeline.engines.graph_types import computes_in_half
from pipeline.engines.machine import CUDA, RTX, TENSORRT

__all__ = [
    "Options",
    "engine_key",
    "is_plugin",
    "network_precision",
    "plugin_options",
    "provider_chain",
    "shape_texts",
]

Options: TypeAlias = dict[str, str]

_WORKSPACE_BYTES = 4 << 30


def engine_key(
    network_sha256: str, choice: Choice, shapes: Sequence[str], *, halves: bool = False
) -> str:
    """Return the name of a compiled engine's folder: different whenever the engine would be.

    Args:
        network_sha256: Of graph and weights, see `pipeline.models.network_sha256`.
        choice: Provider, precision, card and compiler.
        shapes: Least, usual and largest shapes, see `shape_texts`.
        halves: See `provider_chain`.
    """
    types = "halved" if halves else "as given"
    tied = [network_sha256, choice.provider, choice.hardware, choice.precision, types, *shapes]
    return hashlib.sha256(json.dumps(tied).encode()).hexdigest()[:24]


def shape_texts(profile: Profile, inputs: Sequence[TensorSpec]) -> tuple[str, str, str]:
    """Return the least, usual and largest shapes of all inputs as TensorRT's options want them.

    Example:
        >>> shape_texts(Profile(batch=(1, 10, 20)), [TensorSpec("ids", "int64", (None, 64))])
        ('ids:1x64', 'ids:10x64', 'ids:20x64')
    """
    shapes = [profile.shapes(spec) for spec in inputs]
    low, usual, high = (
        ",".join(
            f"{spec.name}:{'x'.join(map(str, shape[which]))}"
            for spec, shape in zip(inputs, shapes, strict=True)
        )
        for which in range(3)
    )
    return low, usual, high


def provider_chain(
    choice: Choice,
    *,
    folder: Path | None = None,
    shapes: Sequence[str] = (),
    halves: bool = False,
) -> list[tuple[str, Options]]:
    """Return the chosen provider with its options, and those it hands unsupported nodes to.

    Args:
        choice: What was chosen; a provider that is built into ONNX Runtime.
        folder: Where compiled engines are kept; needed for TensorRT alone.
        shapes: Its least, usual and largest shapes; none: all sizes are fixed.
        halves: Whether TensorRT may run whatever it likes in 16 bits; else the graph's types hold.
    """
    chain: list[tuple[str, Options]] = []
    if choice.provider == TENSORRT:
        chain.append((TENSORRT, _tensorrt_options(folder, shapes, halves)))
    if choice.provider in (TENSORRT, CUDA):
        chain.append((CUDA, _cuda_options(choice)))
    return [*chain, ("CPUExecutionProvider", {})]


def plugin_options(*, folder: Path, shapes: Sequence[str] = ()) -> Options:
    """Return the options of the TensorRT-RTX plug-in provider."""
    # Kernels are compiled for the card when the engine is first loaded; they are kept here.
    options = {"nv_runtime_cache_path": str(folder)}
    if shapes:
        options |= dict(zip(_profile_keys("nv"), shapes, strict=True))
    return options


def _tensorrt_options(folder: Path | None, shapes: Sequence[str], halves: bool) -> Options:
    options = {
        # Without this the network is strongly typed; with it, TensorRT picks the fastest kernels,
        # and what a 16-bit graph keeps in 32 bits on purpose, like its boxes, is lost.
        "trt_fp16_enable": str(halves),
        "trt_max_workspace_size": str(_WORKSPACE_BYTES),
    }
    if folder is not None:
        options |= {
            "trt_engine_cache_enable": "True",
            "trt_engine_cache_path": str(folder),
            "trt_timing_cache_enable": "True",
            "trt_timing_cache_path": str(folder.parent),
        }
    if shapes:
        options |= dict(zip(_profile_keys("trt"), shapes, strict=True))
    return options


def _profile_keys(prefix: str) -> tuple[str, str, str]:
    if prefix == "nv":
        return "nv_profile_min_shapes", "nv_profile_opt_shapes", "nv_profile_max_shapes"
    return "trt_profile_min_shapes", "trt_profile_opt_shapes", "trt_profile_max_shapes"


def _cuda_options(choice: Choice) -> Options:
    return {
        # Trying every algorithm again for each new size costs seconds; sizes vary here.
        "cudnn_conv_algo_search": "HEURISTIC",
        # Memory grows by what is asked for: two networks share a card with others.
        "arena_extend_strategy": "kSameAsRequested",
        # float32 asked for is float32, as the parity tests mean it.
        "use_tf32": "0" if choice.precision == "f32" else "1",
    }


def network_precision(path: Path, choice: Choice) -> str:
    """Return the precision that a network runs in: of 16 bits, only what its file or TensorRT has.

    Args:
        path: Its file, for example in a folder of one's own, which may have 32-bit numbers alone.
        choice: What was chosen for all networks.
    """
    if choice.precision != "f16" or choice.provider == TENSORRT:
        return choice.precision
    try:
        return "f16" if computes_in_half(path) else "f32"
    except (LookupError, ValueError):  # no graph, as the runtime will say
        return choice.precision


def is_plugin(provider: str) -> bool:
    """Return whether a provider is a plug-in, which ONNX Runtime must be told of first."""
    return provider == RTX
