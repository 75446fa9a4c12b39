"""What this machine has: packages, CPU features, execution providers, usable CPU threads.

`Machine` is a plain value, so that the choice of an engine is tested with made-up machines.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["Machine", "cpu_flags", "probe_machine", "usable_threads"]

_ENGINE_PACKAGES = ("onnxruntime", "openvino")


@dataclass(frozen=True, slots=True)
class Machine:
    """What matters for choosing an engine.

    Args:
        packages: Installed runtimes, as imported: "onnxruntime", "openvino".
        cpu_flags: CPU features as /proc/cpuinfo names them, for example "avx512_bf16".
        providers: Execution providers that ONNX Runtime offers here.
        threads: CPU threads that we may use.
    """

    packages: frozenset[str]
    cpu_flags: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset({"CPUExecutionProvider"})
    threads: int = 1

    @property
    def has_bf16(self) -> bool:
        """True when the CPU multiplies bfloat16 numbers itself."""
        return bool(self.cpu_flags & {"avx512_bf16", "amx_bf16"})


@cache
def probe_machine() -> Machine:
    """Return what this machine has; looked up once."""
    packages = frozenset(name for name in _ENGINE_PACKAGES if find_spec(name) is not None)
    return Machine(
        packages=packages,
        cpu_flags=cpu_flags(),
        providers=_providers() if "onnxruntime" in packages else frozenset(),
        threads=usable_threads(),
    )


def usable_threads(root: Path = Path("/")) -> int:
    """Return how many CPU threads we may use: affinity and container limit, at least 1.

    Args:
        root: Where sys/fs/cgroup is found; another folder in tests.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    threads = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota = _cgroup_threads(root / "sys/fs/cgroup")
    return max(1, threads if quota is None else min(threads, quota))


def cpu_flags(path: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return the CPU's features; empty where the system does not tell."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    line = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(line.partition(":")[2].split())


def _cgroup_threads(folder: Path) -> int | None:
    """The container's CPU limit, rounded up; None without one."""
    try:
        if (folder / "cpu.max").is_file():
            quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        else:
            quota = (folder / "cpu/cpu.cfs_quota_us").read_text(encoding="utf-8")
            period = (folder / "cpu/cpu.cfs_period_us").read_text(encoding="utf-8")
        limit = -1 if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError):
        return None
    return limit if limit > 0 else None


def _providers() -> frozenset[str]:
    # Asking costs an import of the runtime; without an NVIDIA card the answer is known.
    if platform.system() == "Linux" and not Path("/dev/nvidiactl").exists():
        return frozenset({"CPUExecutionProvider"})
    import onnxruntime

    return frozenset(onnxruntime.get_available_providers())
