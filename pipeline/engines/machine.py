"""What this machine has: packages, CPU features, GPUs, execution providers, usable CPU threads.

`Machine` is a plain value, so that the choice of an engine is tested with made-up machines.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

__all__ = ["CUDA", "RTX", "RTX_CAPABILITIES", "TENSORRT", "Gpu", "Machine", "cpu_flags",
           "probe_machine", "read_gpus", "usable_threads"]  # fmt: skip

_LOG = logging.getLogger(__name__)

TENSORRT = "TensorrtExecutionProvider"
RTX = "NvTensorRTRTXExecutionProvider"
CUDA = "CUDAExecutionProvider"
# What the TensorRT-RTX provider runs on: RTX 30, RTX 40, RTX 50, GB10. Its builder takes RTX 20
# and A100 too, but the provider refuses them.
RTX_CAPABILITIES = ((8, 6), (8, 9), (12, 0), (12, 1))

_ENGINE_PACKAGES = ("onnxruntime", "openvino")
_RTX_PACKAGE = "onnxruntime_ep_nv_tensorrt_rtx"
# The compilers whose version an engine is tied to, by the provider that uses them.
_COMPILERS = {
    TENSORRT: ("tensorrt-cu13", "tensorrt-cu12", "tensorrt"),
    RTX: ("onnxruntime-ep-nv-tensorrt-rtx", "onnxruntime-ep-nv-tensorrt-rtx-cu13",
          "onnxruntime-ep-nv-tensorrt-rtx-cu12"),
}  # fmt: skip
_GPU_QUESTION = ("--query-gpu=uuid,name,compute_cap,memory.total,driver_version",
                 "--format=csv,noheader,nounits")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gpu:
    """An NVIDIA card.

    Args:
        name: As its driver calls it.
        capability: Compute capability, for example (8, 9).
        memory_mib: Its memory.
        driver: Version of the driver.
    """

    name: str
    capability: tuple[int, int]
    memory_mib: int = 0
    driver: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """What matters for choosing an engine.

    Args:
        packages: Installed runtimes, as imported: "onnxruntime", "openvino".
        cpu_flags: CPU features as /proc/cpuinfo names them, for example "avx512_bf16".
        providers: Execution providers that ONNX Runtime offers here.
        threads: CPU threads that we may use.
        gpus: The NVIDIA cards that CUDA may use, in its order.
        compilers: Version of TensorRT by the provider that uses it; absent: not installed.
    """

    packages: frozenset[str]
    cpu_flags: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset({"CPUExecutionProvider"})
    threads: int = 1
    gpus: tuple[Gpu, ...] = ()
    compilers: tuple[tuple[str, str], ...] = ()

    @property
    def has_bf16(self) -> bool:
        """True when the CPU multiplies bfloat16 numbers itself."""
        return bool(self.cpu_flags & {"avx512_bf16", "amx_bf16"})

    @property
    def has_int8(self) -> bool:
        """True when the CPU is known to multiply 8-bit numbers faster than 32-bit ones."""
        return "avx2" in self.cpu_flags

    def compiler(self, provider: str) -> str:
        """Return the version of TensorRT that a provider uses; empty when it is not installed."""
        return dict(self.compilers).get(provider, "")


@cache
def probe_machine() -> Machine:
    """Return what this machine has; looked up once."""
    packages = frozenset(name for name in _ENGINE_PACKAGES if find_spec(name) is not None)
    gpus = read_gpus()
    return Machine(
        packages=packages,
        cpu_flags=cpu_flags(),
        providers=_providers(gpus) if "onnxruntime" in packages else frozenset(),
        threads=usable_threads(),
        gpus=gpus,
        compilers=tuple(
            (provider, found)
            for provider, names in _COMPILERS.items()
            if (found := _version(names))
        ),
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
    """Return the CPU's features; where the system does not list them, what numpy found of them."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return _numpy_flags()
    line = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(line.partition(":")[2].split())


def _numpy_flags() -> frozenset[str]:
    """The one feature that numpy tells and that matters here, on Windows and macOS."""
    told = np.show_config(mode="dicts")
    simd = told.get("SIMD Extensions", {}) if told else {}
    found = {*simd.get("baseline", ()), *simd.get("found", ())}
    # X86_V3: AVX2 and what came with it, in numpy's words since 2.4.
    return frozenset({"avx2"} if found & {"AVX2", "X86_V3"} else ())


def read_gpus(
    command: Sequence[str] = ("nvidia-smi",), environment: Mapping[str, str] = os.environ
) -> tuple[Gpu, ...]:
    """Return the NVIDIA cards that CUDA may use, in its order; none where there is no driver.

    Args:
        command: The driver's own tool, which lists all cards; another one in tests.
        environment: CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER count.
    """
    try:
        done = subprocess.run(
            [*command, *_GPU_QUESTION], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    cards = [_read_gpu(line) for line in done.stdout.splitlines()]
    if environment.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        # The tool lists them by bus, CUDA the fastest first; how it guesses that, it does not say.
        cards.sort(key=lambda card: (card[1].capability, card[1].memory_mib), reverse=True)
    wanted = environment.get("CUDA_VISIBLE_DEVICES")
    if wanted is not None:
        cards = _visible(cards, wanted)
    return tuple(gpu for _, gpu in cards if gpu.name)


def _visible(cards: Sequence[tuple[str, Gpu]], wanted: str) -> list[tuple[str, Gpu]]:
    """The cards that a list of numbers and UUIDs names; as CUDA does, up to the first wrong one."""
    found: list[tuple[str, Gpu]] = []
    for entry in (entry.strip() for entry in wanted.split(",")):
        if entry.isdecimal():
            named = cards[int(entry) : int(entry) + 1]
        elif entry.startswith("MIG-"):
            # A part of a card; its UUID names the card in older drivers only.
            named = [card for card in cards if card[0] in entry][:1] or cards[:1]
        else:
            named = [card for card in cards if entry and card[0].startswith(entry)][:1]
        if not named:
            break
        found += named
    return found


def _read_gpu(line: str) -> tuple[str, Gpu]:
    """A card and its UUID; without a name where the tool does not tell enough."""
    uuid, *fields = [field.strip() for field in line.split(",")]
    try:
        name, capability, memory, driver = fields
        major, _, minor = capability.partition(".")
        return uuid, Gpu(name, (int(major), int(minor)), int(memory), driver)
    except ValueError:
        return uuid, Gpu("", (0, 0))


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


def _providers(gpus: Sequence[Gpu]) -> frozenset[str]:
    # Asking costs an import of the runtime; without an NVIDIA card the answer is known.
    is_absent = platform.system() == "Linux" and not Path("/dev/nvidiactl").exists()
    # "" and "-1" hide every card; the tool may be missing where a card is not.
    is_hidden = not re.match(r"\s*(\d|GPU-|MIG-)", os.environ.get("CUDA_VISIBLE_DEVICES", "0"))
    if not gpus and (is_absent or is_hidden):
        return frozenset({"CPUExecutionProvider"})
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        _LOG.warning("no GPU is used: onnxruntime cannot be imported: %s", error)
        return frozenset({"CPUExecutionProvider"})
    plugins = {RTX} if find_spec(_RTX_PACKAGE) is not None else set()
    return frozenset(onnxruntime.get_available_providers()) | plugins


def _version(names: Sequence[str]) -> str:
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""
