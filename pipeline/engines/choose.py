"""Which engine runs the networks, and why: a pure function of the wishes and the machine.

"auto" takes the fastest that is there and says why. An explicit wish is met or refused, never
replaced by something else.
"""

from __future__ import annotations

from core.errors import EngineError
from pipeline.config import EngineConfig
from pipeline.engines.base import Choice
from pipeline.engines.machine import Machine

__all__ = ["choose_engine"]

_GPU_PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider")


def choose_engine(config: EngineConfig, machine: Machine) -> Choice:
    """Return what will run the networks.

    Order of preference: ONNX Runtime on a GPU (TensorRT, then CUDA), OpenVINO, ONNX Runtime on CPU.

    Args:
        config: Wishes; "auto" leaves it to us.
        machine: What is there.

    Raises:
        EngineError: A wish cannot be met, or no runtime is installed.

    Example:
        >>> choice = choose_engine(EngineConfig(), Machine(packages=frozenset({"onnxruntime"})))
        >>> choice.engine, choice.precision
        ('onnxruntime', 'f32')
    """
    _check_installed(config, machine)
    provider = next((name for name in _GPU_PROVIDERS if name in machine.providers), None)
    if config.device == "cuda":
        return _on_gpu(config, machine, provider)
    gpu_allowed = config.device == "auto" and config.engine != "openvino"
    if gpu_allowed and provider and config.precision != "bf16":
        return _on_gpu(config, machine, provider)
    return _on_cpu(config, machine)


def _check_installed(config: EngineConfig, machine: Machine) -> None:
    if config.engine != "auto" and config.engine not in machine.packages:
        raise EngineError(
            f"engine '{config.engine}' is not installed.", f"Run: pip install {config.engine}"
        )
    if not machine.packages:
        raise EngineError(
            "no engine is installed.", "Run: pip install onnxruntime (or openvino, on Intel/AMD)"
        )


def _on_gpu(config: EngineConfig, machine: Machine, provider: str | None) -> Choice:
    if config.engine == "openvino":
        raise EngineError("OpenVINO runs on the CPU here.", "Use engine 'auto' or 'onnxruntime'.")
    if provider is None or "onnxruntime" not in machine.packages:
        raise EngineError(
            "device 'cuda' needs ONNX Runtime with a CUDA or TensorRT provider, found "
            f"{', '.join(sorted(machine.providers)) or 'none'}.",
            "Run: pip install -r requirements-gpu.txt",
        )
    if config.precision == "bf16":
        raise EngineError("ONNX Runtime runs these networks in f32.", "Use precision 'auto'.")
    wish = "asked for" if config.device == "cuda" else "an NVIDIA GPU is present"
    return Choice(
        engine="onnxruntime",
        device="cuda",
        precision="f32",
        threads=_threads(config, machine),
        reason=f"ONNX Runtime with {provider}: {wish}",
        provider=provider,
    )


def _on_cpu(config: EngineConfig, machine: Machine) -> Choice:
    threads = _threads(config, machine)
    asked = config.engine != "auto"
    if config.engine == "openvino" or (not asked and "openvino" in machine.packages):
        precision, why = _openvino_precision(config, machine)
        reason = "asked for" if asked else "installed, and the faster engine on a CPU"
        return Choice("openvino", "cpu", precision, threads, f"OpenVINO: {reason}; {why}")
    if config.precision == "bf16":
        raise EngineError(
            "precision 'bf16' on a CPU needs OpenVINO.", "Run: pip install openvino; or use 'auto'."
        )
    reason = "asked for" if asked else "OpenVINO is not installed"
    return Choice(
        engine="onnxruntime",
        device="cpu",
        precision="f32",
        threads=threads,
        reason=f"ONNX Runtime on the CPU: {reason}",
        provider="CPUExecutionProvider",
    )


def _openvino_precision(config: EngineConfig, machine: Machine) -> tuple[str, str]:
    if config.precision == "bf16" and not machine.has_bf16:
        raise EngineError(
            "precision 'bf16' needs a CPU with avx512_bf16 or amx_bf16, this one has neither.",
            "Use precision 'auto' or 'f32'.",
        )
    if config.precision != "auto":
        return config.precision, f"{config.precision} asked for"
    if machine.has_bf16:
        return "bf16", "bf16 because the CPU has it"
    return "f32", "f32 because the CPU has no bf16"


def _threads(config: EngineConfig, machine: Machine) -> int:
    return config.threads or machine.threads
