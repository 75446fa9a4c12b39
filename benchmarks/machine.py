"""What a measurement was made on and with: written into every benchmark's JSON."""

from __future__ import annotations

import platform
import resource
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from pipeline.engines.machine import cpu_flags, read_gpus, usable_threads

__all__ = ["describe_commit", "describe_machine", "peak_memory_mib", "summarize_ms"]

_PACKAGES = ("numpy", "onnxruntime", "openvino", "torch", "opencv-python-headless")


def describe_machine() -> dict[str, object]:
    """Return CPU, memory, threads, system and package versions, plain JSON types."""
    return {
        "cpu": _cpu_name(),
        "cpu_features": sorted(cpu_flags() & {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}),
        "threads": usable_threads(),
        "gpus": [f"{gpu.name}, driver {gpu.driver}" for gpu in read_gpus()],
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def describe_commit(root: Path = Path(__file__).parents[1]) -> str:
    """Return the commit measured, with "+changes" when files differ from it."""
    try:
        commit = _git(root, "rev-parse", "--short=12", "HEAD")
        return commit + ("+changes" if _git(root, "status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def peak_memory_mib(status: Path = Path("/proc/self/status")) -> float:
    """Return the most memory that this process held at once, in MiB.

    Args:
        status: What Linux tells about this process; another file in tests.
    """
    # Asked first: on Linux, getrusage hands the peak of the process that started this one down.
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        held = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        if held:
            return round(int(held[0]) / 2**10, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux tells kibibytes, macOS bytes.
    return round(peak / (2**20 if platform.system() == "Darwin" else 2**10), 1)


def summarize_ms(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile in milliseconds, rounded to 0.1.

    Example:
        >>> summarize_ms([0.010, 0.020, 0.030])
        (20.0, 29.0)
    """
    values = 1000 * np.asarray(seconds, np.float64)
    return round(float(np.median(values)), 1), round(float(np.percentile(values, 95)), 1)


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _memory_gib() -> float | None:
    try:
        line = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()[0]
    except OSError:
        return None
    return round(int(line.split()[1]) / 2**20, 1)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
