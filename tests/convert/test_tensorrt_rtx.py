"""NVIDIA's real parser and builder accept our graphs, on a machine without a card.

Nothing here runs an engine: that needs the card it was built for.
"""

from __future__ import annotations

import re
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from convert import tensorrt_rtx
from convert.tensorrt_rtx import ARCHITECTURES, build_context, build_model, build_plan
from core.errors import EngineError, MissingPackageError, ModelError
from pipeline.cache import set_cache_folder
from pipeline.catalog import MODELS_PATH, Model, find_model
from pipeline.config import load_config
from pipeline.engines.base import Choice, Profile
from pipeline.engines.machine import RTX
from pipeline.engines.rtx_files import find_context
from pipeline.networks import detect_profile, rerank_profile, upscale_profile

INSTALL = "pip install --no-deps -r requirements-tensorrt-rtx.txt"
needs_builder = pytest.mark.skipif(
    bool(tensorrt_rtx.missing_packages()), reason=f"needs TensorRT-RTX: {INSTALL}"
)
CARDS = ("sm86", "sm89", "sm120")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path):
    set_cache_folder(tmp_path / "cache")
    yield
    set_cache_folder(None)


@needs_builder
def test_an_engine_is_built_once_and_found_by_its_card(tiny_models):
    onnx = pytest.importorskip("onnx", reason="pip install -r requirements-train.txt")
    path = tiny_models / "upscaler" / "upscaler.onnx"
    profile = upscale_profile(load_config("mini").upscale)
    told = []
    target = build_context(path, profile, "sm89", on_built=lambda *what: told.append(what))
    assert build_context(path, profile, "sm89", on_built=lambda *what: told.append(what)) == target
    ((graph, seconds, size_bytes),) = told
    assert graph == path
    assert seconds > 0
    assert target.with_suffix(".engine").stat().st_size == size_bytes
    (node,) = onnx.load(target).graph.node
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    assert node.op_type == "EPContext"
    assert values["ep_cache_context"].decode() == target.with_suffix(".engine").name
    assert values["source"].decode() == RTX
    # The provider finds it: same graph, sizes, architecture and version.
    version = tensorrt_rtx._version()
    choice = Choice(
        "onnxruntime", "cuda", "f16", 1, "", RTX, f"RTX 4070, sm89, TensorRT-RTX {version}"
    )
    from pipeline.engines.providers import shape_texts

    shapes = shape_texts(profile, tensorrt_rtx._read_inputs(path))
    assert find_context(path, choice, shapes) == target
    assert find_context(path, choice) is None


@needs_builder
def test_what_cannot_be_built_is_said(tiny_models, tmp_path):
    path = tiny_models / "upscaler" / "upscaler.onnx"
    for unloadable in ("sm75", "sm80", "sm90"):
        with pytest.raises(EngineError, match=rf"no '{unloadable}'.*: sm86, sm89, sm120, sm121"):
            build_plan(path, Profile(), unloadable)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no graph")
    with pytest.raises(ModelError, match=r"cannot read broken\.onnx"):
        build_plan(broken, Profile(), "sm89")


def test_without_the_builder_it_says_what_to_install(tiny_models, monkeypatch):
    monkeypatch.setattr(tensorrt_rtx, "_BINDINGS", "no_such_package")
    tensorrt_rtx._load_builder.cache_clear()
    with pytest.raises(MissingPackageError, match=r"no_such_package.*pip install --no-deps"):
        build_plan(tiny_models / "upscaler" / "upscaler.onnx", Profile(), "sm89")
    tensorrt_rtx._load_builder.cache_clear()


def test_the_requirements_name_what_the_message_names():
    text = (Path(__file__).parents[2] / "requirements-tensorrt-rtx.txt").read_text(encoding="utf-8")
    pins = re.findall(r"(?m)^([\w-]+==[\w.]+)", text)
    assert len(pins) == 2
    assert all(pin in tensorrt_rtx._INSTALL for pin in pins)


@pytest.mark.slow
@pytest.mark.weights
@needs_builder
@pytest.mark.parametrize("architecture", CARDS)
def test_every_graph_of_mini_is_accepted(architecture, tmp_path):
    """In 16 bits, with the sizes that the settings ask for, tiles included."""
    config = load_config("mini", sets=["detect.tile_wh=auto"])
    for name, task in (
        (config.detect.model, "detect"),
        (config.upscale.model, "upscale"),
        (config.rerank.model, "rerank"),
    ):
        model = find_model(name, task)
        if not (MODELS_PATH / name).is_dir():
            pytest.skip(f"no weights in assets/models/{name}: train and export them")
        halves = _halve(model, tmp_path / name)
        assert build_model(halves, config, architecture)


@pytest.mark.slow
@needs_builder
@pytest.mark.parametrize("part", ["detector", "upscaler", "vision", "text"])
def test_every_graph_of_origin_is_accepted(part, tmp_path):
    """At full size with random weights, in 16 bits."""
    config = load_config("origin")
    path = tmp_path / f"{part}.onnx"
    profile = {
        "detector": detect_profile(config.detect),
        "upscaler": upscale_profile(config.upscale),
    }.get(part, rerank_profile())
    _EXPORTERS[part](path)
    for architecture in CARDS:
        plan = build_plan(path, profile, architecture)
        assert len(plan) > 1e6
    assert set(CARDS) <= set(ARCHITECTURES)


def _halve(model: Model, folder: Path) -> Model:
    import onnx

    from convert.half import to_half

    folder.mkdir()
    for graph in model.folder.glob("*.onnx"):
        onnx.save(to_half(onnx.load(graph)), folder / graph.name)
    return Model(id=model.id, task=model.task, family=model.family, folder=folder)


def _save_half(module, examples, path: Path, ports) -> None:
    import onnx
    import torch

    from convert.half import to_half

    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of itself, and of every Python number
        torch.onnx.export(
            module.eval(),
            examples,
            str(path),
            input_names=list(ports),
            output_names=["output"],
            dynamic_axes={**ports, "output": {0: "n"}},
            opset_version=18,
            dynamo=False,
        )
    onnx.save(to_half(onnx.load(path)), path)


def _detector(path: Path) -> None:
    if find_spec("ultralytics") is None:
        pytest.skip("needs ultralytics: see requirements-train.txt")
    from convert.ultralytics_detector import export_detector
    from training.yolo import DetectionModel

    # YOLOv6-L6 itself is exported by its makers' tools; this is the same family's L.
    model = DetectionModel("yolov6l.yaml", nc=80, verbose=False).eval().fuse(verbose=False)
    made = export_detector(model, path.parent)
    import onnx

    from convert.half import to_half

    onnx.save(to_half(onnx.load(made)), path)


def _upscaler(path: Path) -> None:
    torch = pytest.importorskip("torch", reason="pip install -r requirements-train.txt")
    from training.compact import Compact

    free = {0: "n", 2: "height", 3: "width"}
    _save_half(
        Compact(features=64, convolutions=32), (torch.rand(1, 3, 64, 64),), path, {"input": free}
    )


def _siglip():
    transformers = pytest.importorskip(
        "transformers", reason="pip install -r requirements-train.txt"
    )
    side = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
            "intermediate_size": 4096}  # fmt: skip
    return transformers.SiglipModel(
        transformers.SiglipConfig(
            text_config={**side, "max_position_embeddings": 64, "vocab_size": 32000},
            vision_config={**side, "image_size": 384, "patch_size": 16},
        )
    )


def _vision(path: Path) -> None:
    import torch

    from convert.dual_encoder import _Images

    example = (torch.rand(1, 3, 384, 384),)
    _save_half(_Images(_siglip()), example, path, {"pixel_values": {0: "n"}})


def _text(path: Path) -> None:
    import torch

    from convert.dual_encoder import _Texts

    example = (torch.from_numpy(np.ones((1, 64), np.int64)),)
    _save_half(_Texts(_siglip()), example, path, {"input_ids": {0: "n"}})


_EXPORTERS = {"detector": _detector, "upscaler": _upscaler, "vision": _vision, "text": _text}
