"""Which engine runs the networks, and why: a pure function of the wishes and the machine.

"auto" takes the fastest that is there and says why. An explicit wish is met or refused, never
replaced by something else.
"""

from __future__ import annotations

from dataclasses import replace

from core.errors import EngineError
from pipeline.config import EngineConfig
from pipeline.engines.base import Choice
from pipeline.engines.machine import CUDA, RTX, RTX_CAPABILITIES, TENSORRT, Machine

__all__ = ["choose_engine"]

# Fastest first.
_GPU_PROVIDERS = {"tensorrt": TENSORRT, "tensorrt-rtx": RTX, "cuda": CUDA}
# Cards before this one multiply 16-bit numbers no faster than 32-bit ones.
_FAST_HALF_FROM = (7, 0)
_NO_BF16 = "because the CPU is not known to have bf16"
# The major version that ONNX Runtime's TensorRT provider is linked to.
_TENSORRT_MAJOR = "10"


def choose_engine(
    config: EngineConfig, machine: Machine, *, has_int8: bool = False, no_half: str = ""
) -> Choice:
    """Return what will run the networks.

    Order of preference: a GPU (TensorRT, TensorRT-RTX, CUDA); on a CPU OpenVINO, ONNX Runtime.
    In OpenVINO bfloat16, where the CPU has it, goes before 8 bits: it is as fast and nearer to the
    weights as trained.

    Args:
        config: Wishes; "auto" leaves it to us.
        machine: What is there.
        has_int8: Whether the models come with an 8-bit network, which only OpenVINO runs.
        no_half: Why the models have no 16-bit networks, which only TensorRT can do without; empty
            when they have.

    Raises:
        EngineError: A wish cannot be met, or no runtime is installed.

    Example:
        >>> choice = choose_engine(EngineConfig(), Machine(packages=frozenset({"onnxruntime"})))
        >>> choice.engine, choice.precision
        ('onnxruntime', 'f32')
    """
    _check_installed(config, machine)
    if config.device == "cuda" or config.provider != "auto":
        return _on_gpu(config, machine, no_half)
    gpu_allowed = config.device == "auto" and config.engine != "openvino"
    if not gpu_allowed or config.precision in ("bf16", "int8"):
        return _on_cpu(config, machine, has_int8)
    if _usable(machine):
        return _on_gpu(config, machine, no_half)
    choice = _on_cpu(config, machine, has_int8)
    return replace(choice, reason="; ".join([choice.reason, *_missed(machine)]))


def _check_installed(config: EngineConfig, machine: Machine) -> None:
    if config.engine != "auto" and config.engine not in machine.packages:
        raise EngineError(
            f"engine '{config.engine}' is not installed.", f"Run: pip install {config.engine}"
        )
    if not machine.packages:
        raise EngineError(
            "no engine is installed.", "Run: pip install onnxruntime (or openvino, on Intel/AMD)"
        )


def _usable(machine: Machine) -> dict[str, str]:
    """The GPU providers that can be tried, by our name, fastest first."""
    return {
        name: provider
        for name, provider in _GPU_PROVIDERS.items()
        if provider in machine.providers and not _obstacle(provider, machine)
    }


def _obstacle(provider: str, machine: Machine) -> str:
    """Why a provider that is offered cannot work; empty when nothing is known against it."""
    compiler = machine.compiler(provider)
    if provider == TENSORRT and compiler and compiler.split(".")[0] != _TENSORRT_MAJOR:
        return (
            f"ONNX Runtime needs TensorRT {_TENSORRT_MAJOR}, {compiler} is installed; run: "
            "pip install tensorrt-cu13==10.16.1.11"
        )
    if provider == RTX and machine.gpus and machine.gpus[0].capability not in RTX_CAPABILITIES:
        return f"TensorRT-RTX is for RTX 30 to 50, this is a {machine.gpus[0].name}"
    return ""


def _missed(machine: Machine) -> list[str]:
    """What could have been faster, and why it is not: a slow fallback must not be silent."""
    return [
        f"not {name}: {obstacle}"
        for name, provider in _GPU_PROVIDERS.items()
        if provider in machine.providers and (obstacle := _obstacle(provider, machine))
    ]


def _on_gpu(config: EngineConfig, machine: Machine, no_half: str) -> Choice:
    _check_gpu_wishes(config)
    provider = _gpu_provider(config, machine)
    precision, why = _gpu_precision(config, machine)
    if precision == "f16" and no_half:
        if provider == TENSORRT:
            why += (
                f"; the decoding of boxes too, because TensorRT halves 32-bit networks: {no_half}"
            )
        elif config.precision == "f16":
            raise EngineError(f"precision 'f16' with {provider} needs other files: {no_half}.")
        else:
            precision, why = "f32", f"f32, though f16 would be faster: {no_half}"
    asked = config.device == "cuda" or config.provider != "auto"
    wish = "asked for" if asked else "an NVIDIA GPU is present"
    missed = _missed(machine) if config.provider == "auto" else []
    card = f" on {machine.gpus[0].name}" if machine.gpus else ""
    return Choice(
        engine="onnxruntime",
        device="cuda",
        precision=precision,
        threads=_threads(config, machine),
        reason="; ".join([f"ONNX Runtime with {provider}{card}: {wish}", why, *missed]),
        provider=provider,
        hardware=_hardware(provider, machine),
    )


def _check_gpu_wishes(config: EngineConfig) -> None:
    if config.engine == "openvino":
        raise EngineError("OpenVINO runs on the CPU here.", "Use engine 'auto' or 'onnxruntime'.")
    if config.device == "cpu":
        raise EngineError(
            f"provider '{config.provider}' needs a GPU, and device 'cpu' was asked for.",
            "Use device 'auto' or 'cuda'.",
        )
    if config.precision in ("bf16", "int8"):
        raise EngineError(
            f"on a GPU the networks run in f32 or f16, not in {config.precision}.",
            "Use precision 'auto', 'f16' or 'f32'.",
        )


def _gpu_provider(config: EngineConfig, machine: Machine) -> str:
    """The provider to use, as ONNX Runtime calls it."""
    usable = _usable(machine) if "onnxruntime" in machine.packages else {}
    if config.provider == "auto" and usable:
        return next(iter(usable.values()))
    if config.provider in usable:
        return usable[config.provider]
    install = "Run, in a fresh environment: pip install -r requirements-gpu.txt"
    if config.provider == "auto":
        raise EngineError(
            "device 'cuda' needs ONNX Runtime with a CUDA or TensorRT provider, found "
            f"{', '.join(sorted(machine.providers)) or 'none'}.",
            install,
        )
    wanted = _GPU_PROVIDERS[config.provider]
    if wanted == RTX and RTX not in machine.providers:
        install = "Run: pip install onnxruntime-ep-nv-tensorrt-rtx"
    why = _obstacle(wanted, machine) if wanted in machine.providers else "it is not installed"
    if not machine.gpus and wanted not in machine.providers:
        why = "no NVIDIA GPU with its driver was found"
    raise EngineError(f"provider '{config.provider}' cannot be used: {why}.", install)


def _gpu_precision(config: EngineConfig, machine: Machine) -> tuple[str, str]:
    if config.precision != "auto":
        return config.precision, f"{config.precision} asked for"
    if machine.gpus and machine.gpus[0].capability < _FAST_HALF_FROM:
        return "f32", "f32 because the card has no fast f16"
    return "f16", "f16 because it is the fastest there"


def _hardware(provider: str, machine: Machine) -> str:
    """What an engine compiled here is tied to."""
    parts = []
    if machine.gpus:
        gpu = machine.gpus[0]
        parts = [gpu.name, f"sm{gpu.capability[0]}{gpu.capability[1]}"]
    if compiler := machine.compiler(provider):
        parts.append(f"{'TensorRT' if provider == TENSORRT else 'TensorRT-RTX'} {compiler}")
    return ", ".join(parts)


def _on_cpu(config: EngineConfig, machine: Machine, has_int8: bool) -> Choice:
    if config.precision == "f16":
        raise EngineError(
            "precision 'f16' needs a GPU.", "Use precision 'auto'; CPUs have bf16 and int8."
        )
    if config.precision == "int8" and not has_int8:
        raise EngineError(
            "no model of these settings comes with an 8-bit network made from its weights.",
            "Run: python -m training.quantize --help; or use precision 'auto'.",
        )
    asked = config.engine != "auto"
    threads = _threads(config, machine)
    if _takes_openvino(config, machine):
        precision, why = _openvino_precision(config, machine, has_int8)
        reason = "asked for" if asked else "installed, and the faster engine on a CPU"
        return Choice("openvino", "cpu", precision, threads, f"OpenVINO: {reason}; {why}")
    if config.precision in ("bf16", "int8"):
        hint = "Use engine 'auto'."
        if "openvino" not in machine.packages:
            hint = "Run: pip install openvino; or use precision 'auto'."
        raise EngineError(f"precision '{config.precision}' on a CPU needs OpenVINO.", hint)
    reason = "asked for" if asked else "OpenVINO is not installed, or failed"
    return Choice(
        engine="onnxruntime",
        device="cpu",
        precision="f32",
        threads=threads,
        reason=f"ONNX Runtime on the CPU: {reason}",
        provider="CPUExecutionProvider",
    )


def _takes_openvino(config: EngineConfig, machine: Machine) -> bool:
    if config.engine != "auto":
        return config.engine == "openvino"
    return "openvino" in machine.packages


def _openvino_precision(config: EngineConfig, machine: Machine, has_int8: bool) -> tuple[str, str]:
    if config.precision == "bf16" and not machine.has_bf16:
        raise EngineError(
            "precision 'bf16' needs a CPU with avx512_bf16 or amx_bf16, this one has neither.",
            "Use precision 'auto' or 'f32'.",
        )
    if config.precision != "auto":
        return config.precision, f"{config.precision} asked for"
    if machine.has_bf16:
        return "bf16", "bf16 because the CPU has it"
    if has_int8 and machine.has_int8:
        return "int8", f"int8 for networks that come with it, {_NO_BF16}"
    return "f32", f"f32, {_NO_BF16}"


def _threads(config: EngineConfig, machine: Machine) -> int:
    return config.threads or machine.threads
