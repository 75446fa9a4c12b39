"""Which engine is taken after one failed, and what is said of it: made-up machines."""

from __future__ import annotations

import shutil
from dataclasses import replace
from importlib import import_module

import onnxruntime
import pytest

import core.registry
from core.errors import EngineError, ModelError
from pipeline.build import build_stages
from pipeline.cache import set_cache_folder
from pipeline.config import load_config
from pipeline.engines.machine import Gpu, Machine
from pipeline.engines.providers import provider_chain
from pipeline.networks import _load_engine, on_one_engine, rerank_profile

CPU, CUDA, TENSORRT = (f"{name}ExecutionProvider" for name in ("CPU", "CUDA", "Tensorrt"))
BOTH = Machine(frozenset({"onnxruntime", "openvino"}))
ORT_ON_GPU = Machine(frozenset({"onnxruntime"}), providers=frozenset({CUDA, CPU}))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path):
    set_cache_folder(tmp_path / "cache")
    yield
    set_cache_folder(None)


def settings(folder, *sets):
    models = {"detect": "detector", "upscale": "upscaler", "rerank": "reranker"}
    pairs = [f'{section}.model="{folder / name}"' for section, name in models.items()]
    return load_config("fake", sets=[*pairs, *sets])


def stages_told(folder, machine, *sets):
    return build_stages(settings(folder, *sets), machine=machine).provenance


@pytest.fixture
def refuse(monkeypatch):
    """Refuser: `refuse(provider, *files)` lets a provider load all networks but these."""
    real, refused, loaded = onnxruntime.InferenceSession, {}, []

    def session(path, sess_options=None, providers=()):
        provider = providers[0][0]
        loaded.append((provider, path.name))
        files = refused.get(provider, ())
        if path.name in files or "*" in files:
            raise RuntimeError(f"{provider} fails")
        return real(path, sess_options=sess_options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    monkeypatch.setattr("pipeline.engines.ort_engine._checked", lambda session, choice: session)

    def set_refused(provider, *files):
        refused[provider] = files
        return loaded

    return set_refused


@pytest.fixture
def break_import(monkeypatch):
    """Breaker: `break_import(module)` makes an installed engine one that cannot be imported."""
    broken = set()

    def load(name):
        if name in broken:
            raise ImportError(f"no libfoo.so for {name}")
        return import_module(name)

    monkeypatch.setattr(core.registry, "import_module", load)
    return broken.add


@pytest.fixture
def folder(tiny_models, tmp_path):
    """Models at a place of their own: what other tests loaded is not loaded here."""
    return shutil.copytree(tiny_models, tmp_path / "models")


@pytest.mark.parametrize(
    "refused",
    [("detector.onnx",), ("upscaler.onnx",), ("text.onnx",), ("vision.onnx", "text.onnx"), ("*",)],
    ids=["first", "second", "last", "two", "all"],
)
def test_whichever_network_is_refused_all_run_on_the_next_engine(folder, refuse, refused):
    loaded = refuse(TENSORRT, *refused)
    machine = replace(ORT_ON_GPU, providers=frozenset({TENSORRT, CUDA, CPU}))
    told = stages_told(folder, machine)
    assert (told["engine"], told["provider"], told["engine_asked"]) == ("onnxruntime", CUDA, "auto")
    assert "Tensorrt" in told["engine_reason"]
    assert f"{TENSORRT} fails" in told["engine_reason"]
    assert {name for provider, name in loaded if provider == CUDA} == {
        "detector.onnx", "upscaler.onnx", "vision.onnx", "text.onnx",
    }  # fmt: skip
    assert _load_engine.cache_info().currsize == 4, "what the refused engine opened is let go"


def test_each_engine_that_failed_is_named(folder, refuse, caplog):
    refuse(TENSORRT, "text.onnx")
    refuse(CUDA, "vision.onnx")
    machine = replace(BOTH, providers=frozenset({TENSORRT, CUDA, CPU}))
    told = stages_told(folder, machine)
    assert told["engine"] == "openvino"
    assert told["engine_reason"].index(TENSORRT) < told["engine_reason"].index(CUDA)
    assert caplog.text.count("all networks are opened on what is left") == 2


@pytest.mark.parametrize(
    "wish", ["engine.provider=tensorrt", "engine.device=cuda"], ids=["provider", "device"]
)
def test_what_was_named_is_not_replaced(folder, refuse, wish):
    refuse(TENSORRT, "text.onnx")
    machine = replace(BOTH, providers=frozenset({TENSORRT, CUDA, CPU}))
    with pytest.raises(EngineError, match=f"{TENSORRT} cannot load text.onnx"):
        stages_told(folder, machine, wish)


def test_an_openvino_that_cannot_be_imported_is_as_good_as_none(folder, break_import):
    break_import("pipeline.engines.openvino_engine")
    told = stages_told(folder, BOTH)
    assert (told["engine"], told["precision"]) == ("onnxruntime", "f32")
    assert "openvino is installed and cannot be imported: no libfoo.so" in told["engine_reason"]
    with pytest.raises(EngineError, match=r"no libfoo\.so.*pip install -r requirements\.txt"):
        stages_told(folder, BOTH, "engine.engine=openvino")
    with pytest.raises(EngineError, match=r"no libfoo\.so.*use precision 'auto'"):
        stages_told(folder, replace(BOTH, cpu_flags=frozenset({"amx_bf16"})),
                    "engine.precision=bf16")  # fmt: skip
    with pytest.raises(EngineError, match=r"no libfoo\.so.*pip install onnxruntime"):
        stages_told(folder, replace(BOTH, packages=frozenset({"openvino"})))


def test_where_no_engine_can_be_imported_nothing_runs(folder, break_import):
    break_import("pipeline.engines.openvino_engine")
    break_import("pipeline.engines.ort_engine")
    with pytest.raises(EngineError, match="onnxruntime is installed and cannot be imported"):
        stages_told(folder, BOTH)


def test_a_runtime_that_fails_with_every_provider_is_named_once(folder, break_import):
    break_import("pipeline.engines.ort_engine")
    told = stages_told(folder, replace(BOTH, providers=frozenset({TENSORRT, CUDA, CPU})))
    assert told["engine"] == "openvino"
    assert told["engine_reason"].count("onnxruntime is installed and cannot be imported") == 1


def test_a_network_that_openvino_cannot_load_runs_on_the_other_engine(folder, monkeypatch):
    openvino = pytest.importorskip("openvino", reason="pip install -r requirements.txt")
    real = openvino.Core.read_model

    def read_model(core, path, *rest):
        if "text" in str(path):
            raise RuntimeError("unknown operation")
        return real(core, path, *rest)

    monkeypatch.setattr(openvino.Core, "read_model", read_model)
    told = stages_told(folder, BOTH)
    assert told["engine"] == "onnxruntime"
    assert "OpenVINO cannot load text.onnx: unknown operation" in told["engine_reason"]
    with pytest.raises(ModelError, match="OpenVINO cannot load"):
        stages_told(folder, BOTH, "engine.engine=openvino")


def test_errors_that_no_engine_raised_change_no_engine(folder):
    calls = []

    def build(models, networks):
        calls.append(networks.opener(rerank_profile())(models.reranker.file("vision.onnx")))
        raise ModelError("this is another file.")

    with pytest.raises(ModelError, match="another file"):
        on_one_engine(settings(folder), BOTH, build)
    assert len(calls) == 1


def test_a_damaged_file_is_told_of_by_the_last_engine(folder):
    (folder / "reranker" / "text.onnx").write_bytes(b"?")
    with pytest.raises(ModelError, match=r"ONNX Runtime cannot load text\.onnx"):
        stages_told(folder, BOTH)


@pytest.mark.parametrize(("left", "expected"), [(CUDA, "f32"), (CPU, "bf16")])
def test_32_bit_networks_are_not_called_16_bit_where_tensorrt_does_not_load(
    folder, refuse, left, expected
):
    machine = replace(
        BOTH,
        cpu_flags=frozenset({"amx_bf16"}),
        providers=frozenset({TENSORRT, left}),
        gpus=(Gpu("L4", (8, 9)),),
    )
    refuse(TENSORRT, "*")
    config = load_config("mini")

    def build(models, networks):
        shutil.copy(models.reranker.file("vision.onnx"), folder / "vision.onnx")
        networks.opener(rerank_profile())(folder / "vision.onnx")
        return networks.describe()

    told = on_one_engine(config, machine, build)
    assert told["precision"] == expected
    assert told["engine_asked"] == "auto"
    assert ("python app.py export" in told["engine_reason"]) == (expected == "f32")
    assert f"{TENSORRT} fails" in told["engine_reason"]
    with pytest.raises(EngineError, match=f"{TENSORRT} fails.*app.py doctor"):
        on_one_engine(load_config("mini", sets=["engine.precision=f16"]), machine, build)


@pytest.mark.parametrize(
    ("provider", "halved", "expected", "tf32"),
    [
        (CUDA, ("vision.onnx", "text.onnx"), "f32 (detector, upscaler), f16", {"0", "1"}),
        (CUDA, (), "f32", {"0"}),
        (TENSORRT, (), "f16", {"1"}),  # halves 32-bit networks itself
    ],
    ids=["mixed", "all-32", "tensorrt"],
)
def test_32_bit_models_of_ones_own_are_not_called_16_bit(
    folder, refuse, monkeypatch, provider, halved, expected, tf32
):
    refuse(provider)
    monkeypatch.setattr(
        "pipeline.engines.providers.computes_in_half", lambda path: path.name in halved
    )
    chains = []
    monkeypatch.setattr(
        "pipeline.engines.ort_engine.provider_chain",
        lambda choice, **sizes: chains.append(chain := provider_chain(choice, **sizes)) or chain,
    )
    machine = replace(ORT_ON_GPU, providers=frozenset({provider, CPU}))
    assert stages_told(folder, machine)["precision"] == expected
    options = [options for chain in chains for name, options in chain if name == CUDA]
    assert {given["use_tf32"] for given in options} == tf32


def test_auto_falls_back_and_says_why_and_a_wish_does_not(folder):
    """The provider is said to be there, and is not: as with a missing library."""
    with pytest.warns(UserWarning, match=CUDA):
        told = stages_told(folder, ORT_ON_GPU)
    assert told["provider"] == CPU
    assert f"{CUDA} did not load" in told["engine_reason"]
    with (
        pytest.warns(UserWarning, match=CUDA),
        pytest.raises(EngineError, match="did not load"),
    ):
        stages_told(folder, ORT_ON_GPU, "engine.provider=cuda")


def test_in_16_bits_there_is_nothing_to_fall_back_to(folder, refuse):
    """What failed is said, not that there is no GPU."""
    refuse(CUDA, "*")
    told = stages_told(folder, ORT_ON_GPU)
    assert told["provider"] == CPU
    assert f"cannot load detector.onnx: {CUDA} fails" in told["engine_reason"]
    with pytest.raises(EngineError, match=rf"{CUDA} fails.*app.py doctor\. Use precision 'auto'"):
        stages_told(folder, ORT_ON_GPU, "engine.precision=f16")
