"""The choice of an engine with made-up machines; batches; what the machine tells."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from core.errors import EngineError
from pipeline.config import EngineConfig
from pipeline.engines import machine
from pipeline.engines.base import run_in_batches
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import (
    Gpu,
    Machine,
    cpu_flags,
    probe_machine,
    read_gpus,
    usable_threads,
)

BOTH = frozenset({"onnxruntime", "openvino"})
ORT = frozenset({"onnxruntime"})
AVX2 = frozenset({"avx2"})
BF16 = frozenset({"avx512_bf16"})
CUDA = frozenset({"CUDAExecutionProvider", "CPUExecutionProvider"})
TRT = CUDA | {"TensorrtExecutionProvider"}
RTX = CUDA | {"NvTensorRTRTXExecutionProvider"}
ADA = Gpu("RTX 4070 Ti SUPER", (8, 9), 16376, "580.65")
HOPPER = Gpu("H100", (9, 0))
TURING = Gpu("RTX 2080", (7, 5))
PASCAL = Gpu("GTX 1080", (6, 1))


def machine_with(providers, *gpus, compilers=()):
    return Machine(BOTH, BF16, providers, gpus=gpus, compilers=tuple(compilers))


TRT11 = [("TensorrtExecutionProvider", "11.4.0.106")]
TRT10 = [("TensorrtExecutionProvider", "10.16.1.11")]


@pytest.mark.parametrize(
    ("wish", "machine", "expected"),
    [
        ({}, Machine(BOTH, BF16), ("openvino", "cpu", "bf16", "")),
        ({}, Machine(BOTH), ("openvino", "cpu", "f32", "")),
        ({}, Machine(ORT, BF16), ("onnxruntime", "cpu", "f32", "CPUExecutionProvider")),
        ({}, Machine(BOTH, BF16, CUDA), ("onnxruntime", "cuda", "f16", "CUDAExecutionProvider")),
        ({}, Machine(BOTH, BF16, TRT), ("onnxruntime", "cuda", "f16", "TensorrtExecutionProvider")),
        (
            {"precision": "f32"},
            machine_with(TRT, ADA, compilers=TRT10),
            ("onnxruntime", "cuda", "f32", "TensorrtExecutionProvider"),
        ),
        (
            {},
            machine_with(TRT, ADA, compilers=TRT11),
            ("onnxruntime", "cuda", "f16", "CUDAExecutionProvider"),
        ),
        (
            {},
            machine_with(RTX, ADA),
            ("onnxruntime", "cuda", "f16", "NvTensorRTRTXExecutionProvider"),
        ),
        ({}, machine_with(RTX, HOPPER), ("onnxruntime", "cuda", "f16", "CUDAExecutionProvider")),
        ({}, machine_with(RTX, TURING), ("onnxruntime", "cuda", "f16", "CUDAExecutionProvider")),
        ({}, machine_with(RTX - CUDA, TURING), ("openvino", "cpu", "bf16", "")),
        ({}, machine_with(CUDA, PASCAL), ("onnxruntime", "cuda", "f32", "CUDAExecutionProvider")),
        (
            {"provider": "cuda"},
            machine_with(TRT, ADA),
            ("onnxruntime", "cuda", "f16", "CUDAExecutionProvider"),
        ),

        ({"device": "cpu"}, Machine(BOTH, BF16, TRT), ("openvino", "cpu", "bf16", "")),
        ({"engine": "openvino"}, Machine(BOTH, BF16, TRT), ("openvino", "cpu", "bf16", "")),
        ({"precision": "bf16"}, Machine(BOTH, BF16, TRT), ("openvino", "cpu", "bf16", "")),
        ({"precision": "f32"}, Machine(BOTH, BF16), ("openvino", "cpu", "f32", "")),
        (
            {"engine": "onnxruntime"},
            Machine(BOTH, BF16),
            ("onnxruntime", "cpu", "f32", "CPUExecutionProvider"),
        ),
    ],
    ids=[
        "best-cpu", "old-cpu", "no-openvino", "cuda", "tensorrt", "f32-asked-on-gpu", "tensorrt-11",
        "rtx", "rtx-not-for-hopper", "rtx-not-for-turing", "only-rtx-on-turing", "pascal",
        "cuda-provider-asked", "cpu-asked", "openvino-asked", "bf16-asked", "f32-asked",
        "ort-asked",
    ],
)  # fmt: skip
def test_choice(wish, machine, expected):
    choice = choose_engine(EngineConfig(**wish), machine)
    assert (choice.engine, choice.device, choice.precision, choice.provider) == expected
    assert choice.reason


@pytest.mark.parametrize(
    ("wish", "machine", "message"),
    [
        ({}, Machine(frozenset()), "no engine is installed"),
        ({"engine": "openvino"}, Machine(ORT), r"'openvino' is not installed. Run: pip install"),
        ({"device": "cuda"}, Machine(BOTH), "needs ONNX Runtime with a CUDA"),
        ({"device": "cuda", "engine": "openvino"}, Machine(BOTH, BF16, TRT), "runs on the CPU"),
        ({"device": "cuda", "precision": "bf16"}, Machine(BOTH, BF16, TRT), "in f32 or f16"),
        ({"device": "cpu", "provider": "cuda"}, Machine(BOTH, BF16, TRT), "needs a GPU"),
        ({"provider": "tensorrt"}, machine_with(TRT, ADA, compilers=TRT11), "11.4.0.106 is inst"),
        (
            {"provider": "tensorrt-rtx"},
            machine_with(RTX, TURING),
            "RTX 30 to 50.*RTX 2080.*-gpu.txt",
        ),
        ({"provider": "tensorrt-rtx"}, Machine(BOTH), "no NVIDIA GPU.*pip install onnxruntime-ep"),
        ({"precision": "f16"}, Machine(BOTH), "needs a GPU"),
        ({"precision": "int8"}, Machine(BOTH), "training.quantize"),
        ({"precision": "bf16"}, Machine(BOTH), "this one has neither"),
        ({"precision": "bf16"}, Machine(ORT, BF16), "needs OpenVINO"),
    ],
    ids=[
        "none",
        "absent",
        "no-gpu",
        "openvino-gpu",
        "gpu-bf16",
        "gpu-on-cpu",
        "tensorrt-11",
        "rtx-turing",
        "rtx-none",
        "cpu-f16",
        "no-int8",
        "cpu-bf16",
        "ort-bf16",
    ],
)
def test_wishes_are_refused(wish, machine, message):
    with pytest.raises(EngineError, match=message):
        choose_engine(EngineConfig(**wish), machine)


@pytest.mark.parametrize(
    ("wish", "machine", "expected"),
    [
        ({}, Machine(BOTH, AVX2), ("openvino", "int8")),
        ({}, Machine(BOTH), ("openvino", "f32")),
        ({}, Machine(BOTH, AVX2 | BF16), ("openvino", "bf16")),
        ({}, Machine(ORT, AVX2), ("onnxruntime", "f32")),
        ({}, machine_with(TRT, ADA), ("onnxruntime", "f16")),
        ({"precision": "int8"}, Machine(BOTH), ("openvino", "int8")),
        ({"precision": "int8"}, Machine(BOTH, AVX2 | BF16), ("openvino", "int8")),
        ({"precision": "int8"}, machine_with(TRT, ADA), ("openvino", "int8")),
        ({"precision": "f32"}, Machine(BOTH, AVX2), ("openvino", "f32")),
        ({"engine": "onnxruntime"}, Machine(BOTH, AVX2), ("onnxruntime", "f32")),
    ],
    ids=[
        "auto", "unknown-cpu", "bf16", "ort-only", "gpu", "asked", "asked-beside-bf16",
        "asked-beside-gpu", "f32", "ort-asked",
    ],
)  # fmt: skip
def test_eight_bits_on_cpus_without_bfloat16_and_for_those_who_ask(wish, machine, expected):
    choice = choose_engine(EngineConfig(**wish), machine, has_int8=True)
    assert (choice.engine, choice.precision) == expected


@pytest.mark.parametrize(
    ("wish", "machine"),
    [
        ({"precision": "int8"}, Machine(ORT, AVX2)),
        ({"precision": "int8", "engine": "onnxruntime"}, Machine(BOTH, AVX2)),
    ],
    ids=["absent", "named"],
)
def test_eight_bits_are_openvino_s(wish, machine):
    with pytest.raises(EngineError, match="'int8' on a CPU needs OpenVINO"):
        choose_engine(EngineConfig(**wish), machine, has_int8=True)


def test_what_could_have_been_faster_is_said():
    choice = choose_engine(EngineConfig(), machine_with(TRT, ADA, compilers=TRT11))
    assert "not tensorrt: ONNX Runtime needs TensorRT 10, 11.4.0.106 is installed" in choice.reason
    assert "RTX 4070 Ti SUPER" in choice.reason
    slow = choose_engine(EngineConfig(), machine_with(RTX - CUDA, TURING))
    assert "not tensorrt-rtx: TensorRT-RTX is for RTX 30 to 50, this is a RTX 2080" in slow.reason
    compiled = choose_engine(EngineConfig(), machine_with(TRT, ADA, compilers=TRT10))
    assert compiled.hardware == "RTX 4070 Ti SUPER, sm89, TensorRT 10.16.1.11"


def test_cards_are_read_from_the_drivers_tool(tmp_path):
    tool = tmp_path / "smi.py"
    tool.write_text(
        "print('GPU-1, NVIDIA RTX 4070, 8.9, 16376, 580.65')\n"
        "print('GPU-2, Odd card, [N/A], [N/A], 1')"
    )
    assert read_gpus([sys.executable, str(tool)], {}) == (
        Gpu("NVIDIA RTX 4070", (8, 9), 16376, "580.65"),
    )
    assert read_gpus([str(tmp_path / "no-such-tool")]) == ()
    tool.write_text("raise SystemExit(9)")
    assert read_gpus([sys.executable, str(tool)]) == ()


@pytest.mark.parametrize(
    ("visible", "order", "expected"),
    [
        (None, "", "RTX 4070, RTX 4060, GTX 1080"),
        (None, "PCI_BUS_ID", "GTX 1080, RTX 4060, RTX 4070"),
        ("2", "", "GTX 1080"),
        ("2", "PCI_BUS_ID", "RTX 4070"),
        ("2, 0", "", "GTX 1080, RTX 4070"),
        ("GPU-1b", "", "RTX 4060"),
        ("GPU-1b,GPU-0", "", "RTX 4060, GTX 1080"),
        ("MIG-GPU-1b22/1/0", "", "RTX 4060"),
        ("MIG-44", "", "RTX 4070"),
        ("1,7,0", "", "RTX 4060"),
        ("GPU-9", "", ""),
        ("-1", "", ""),
        ("", "", ""),
    ],
)
def test_cards_are_those_that_cuda_sees_in_its_order(tmp_path, visible, order, expected):
    tool = tmp_path / "smi.py"
    tool.write_text(
        "print('GPU-0a11, GTX 1080, 6.1, 8192, 580.65')\n"
        "print('GPU-1b22, RTX 4060, 8.9, 8188, 580.65')\n"
        "print('GPU-2c33, RTX 4070, 8.9, 16376, 580.65')"
    )
    environment = {"CUDA_DEVICE_ORDER": order}
    if visible is not None:
        environment["CUDA_VISIBLE_DEVICES"] = visible
    cards = read_gpus([sys.executable, str(tool)], environment)
    assert ", ".join(card.name for card in cards) == expected


@pytest.mark.parametrize(("visible", "is_asked"), [("", False), ("-1", False), ("0", True)])
def test_no_gpu_is_tried_where_all_are_hidden(monkeypatch, visible, is_asked):
    """The tool may be missing, as in a container, though a card is there."""
    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: offered)
    monkeypatch.setattr("platform.system", lambda: "Windows")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert ("CUDAExecutionProvider" in machine._providers(())) == is_asked


def test_threads():
    assert choose_engine(EngineConfig(threads=3), Machine(BOTH, threads=8)).threads == 3
    assert choose_engine(EngineConfig(), Machine(BOTH, threads=8)).threads == 8


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({}, None),
    ],
    ids=["v2", "v2-half", "v2-free", "v1", "v1-free", "broken", "none"],
)
def test_container_limits_are_respected(tmp_path, files, limit):
    free = usable_threads(tmp_path)
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert usable_threads(tmp_path) == (free if limit is None else min(free, limit))


def test_this_machine(tmp_path):
    machine = probe_machine()
    assert machine.threads >= 1
    assert machine.packages
    (tmp_path / "cpuinfo").write_text("model\t: x\nflags\t\t: fpu amx_bf16\n")
    assert Machine(ORT, cpu_flags(tmp_path / "cpuinfo")).has_bf16


@pytest.mark.parametrize(
    ("told", "has_int8"),
    [
        ({"baseline": ["X86_V2"], "found": ["X86_V3", "X86_V4"], "not found": []}, True),
        ({"baseline": ["SSE"], "found": ["AVX", "AVX2"]}, True),
        ({"baseline": ["X86_V3"]}, True),
        ({"baseline": ["X86_V2"], "not found": ["X86_V3"]}, False),
        ({"baseline": ["NEON", "ASIMD"], "found": ["ASIMDHP"]}, False),
        ({}, False),
    ],
    ids=["v3", "by-name", "baseline", "old", "arm", "silent"],
)
def test_where_the_system_lists_no_features_numpy_is_asked(tmp_path, monkeypatch, told, has_int8):
    monkeypatch.setattr(np, "show_config", lambda mode: {"SIMD Extensions": told})
    machine = Machine(ORT, cpu_flags(tmp_path / "none"))
    assert machine.has_int8 == has_int8
    assert not machine.has_bf16


def test_large_batches_are_split():
    sizes = []

    def double(feeds):
        sizes.append(len(feeds["x"]))
        return {"y": feeds["x"] * 2}

    x = np.arange(70).reshape(7, 10)
    out = run_in_batches(double, {"x": x}, max_numbers=25)["y"]
    np.testing.assert_array_equal(out, x * 2)
    assert sizes == [2, 2, 2, 1]
    sizes.clear()
    run_in_batches(double, {"x": x}, max_numbers=5)
    assert sizes == [1] * 7


@pytest.mark.parametrize(
    ("num_items", "expected"),
    [(0, [0]), (1, [1]), (7, [4, 2, 1]), (21, [8, 8, 4, 1])],
)
def test_few_shapes(num_items, expected):
    sizes = []

    def same(feeds):
        sizes.append(len(feeds["x"]))
        return {"y": feeds["x"]}

    x = np.arange(num_items)
    np.testing.assert_array_equal(run_in_batches(same, {"x": x}, few_shapes=True)["y"], x)
    assert sizes == expected
