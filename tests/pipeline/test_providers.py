"""What GPU providers are told, where engines are kept, and which file is run: made-up machines."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from core.errors import ModelError
from core.files import sha256_of
from pipeline.build import build_stages
from pipeline.cache import make_cached, set_cache_folder
from pipeline.config import EngineConfig, load_config
from pipeline.detect.card import DetectorCard, prepare
from pipeline.engines.base import Choice, Profile, TensorSpec
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import RTX, Gpu, Machine
from pipeline.engines.ort_engine import OrtEngine
from pipeline.engines.providers import engine_key, plugin_options, provider_chain, shape_texts
from pipeline.engines.rtx_files import context_path, find_context
from pipeline.engines.twins import find_twin, write_twin
from pipeline.models import Model, network_sha256
from pipeline.networks import (
    Networks,
    card_profile,
    detect_profile,
    find_models,
    open_engine,
    rerank_profile,
    upscale_profile,
)

IMAGES = TensorSpec("images", "float32", (None, 3, None, None))
TRT = Choice(
    "onnxruntime", "cuda", "f16", 4, "test", "TensorrtExecutionProvider",
    "RTX 4070 Ti SUPER, sm89, TensorRT 10.16",
)  # fmt: skip


@pytest.fixture
def own_cache(tmp_path):
    set_cache_folder(tmp_path / "cache")
    yield tmp_path / "cache"
    set_cache_folder(None)


def test_profiles_follow_the_settings():
    config = load_config("mini", sets=["detect.tile_wh=auto", "detect.scales=[1.5]"])
    assert detect_profile(config.detect).shapes(IMAGES) == (
        (1, 3, 32, 32),
        (1, 3, 832, 1440),
        (8, 3, 1440, 1440),
    )
    # 544 px are padded to 576 where a card asks for multiples of 64.
    plain = load_config("mini", sets=["detect.look_closer=false"]).detect
    assert detect_profile(plain, 64).shapes(IMAGES)[1:] == ((1, 3, 576, 960), (1, 3, 960, 960))
    # A card may know its own size, and no side is padded to less than the pipeline's own step.
    own = DetectorCard(input_wh=(1333, 800), multiple_px=1)
    assert card_profile(plain, own).shapes(IMAGES)[1] == (1, 3, 800, 1344)
    # Windows of a closer look are inputs too, even of small ones; not of a network of one size.
    small = load_config("mini", sets=["detect.input_wh=[64,64]"]).detect
    assert detect_profile(small).shapes(IMAGES)[2] == (8, 3, 128, 128)
    assert card_profile(small, own).shapes(IMAGES)[2][0] == 1
    assert upscale_profile(config.upscale).shapes(IMAGES)[2] == (20, 3, 128, 128)
    ids = TensorSpec("input_ids", "int64", (None, 64))
    assert rerank_profile().shapes(ids) == ((1, 64), (10, 64), (20, 64))
    fixed = TensorSpec("images", "float32", (1, 3, 896, 1536))
    assert set(Profile().shapes(fixed)) == {(1, 3, 896, 1536)}
    with pytest.raises(ModelError, match="leaves axis 1 open"):
        rerank_profile().shapes(TensorSpec("mask", "int64", (None, None)))


def test_tensorrt_is_told_precision_sizes_and_where_engines_are_kept(tmp_path):
    shapes = shape_texts(Profile((1, 10, 20)), [TensorSpec("ids", "int64", (None, 64))])
    chain = provider_chain(TRT, folder=tmp_path / "key", shapes=shapes, halves=True)
    assert [name for name, _ in chain] == [
        "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider",
    ]  # fmt: skip
    options = chain[0][1]
    assert options["trt_fp16_enable"] == "True"
    assert options["trt_engine_cache_path"] == str(tmp_path / "key")
    assert options["trt_profile_opt_shapes"] == "ids:10x64"
    exact = provider_chain(replace(TRT, precision="f32"), folder=tmp_path)
    assert exact[0][1]["trt_fp16_enable"] == "False"
    assert exact[1][1]["use_tf32"] == "0"
    assert not any(key.startswith("trt_profile") for key in exact[0][1])
    cuda = provider_chain(replace(TRT, provider="CUDAExecutionProvider"))
    assert [name for name, _ in cuda] == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert plugin_options(folder=tmp_path, shapes=shapes)["nv_profile_max_shapes"] == "ids:20x64"


def two_layers(onnx, *, stored="float32", batch="n"):
    """An output of two matrices; stored in 16 bits they are cast before they are used."""
    matrix = np.eye(32, dtype=stored)
    weights = [onnx.numpy_helper.from_array(matrix, name) for name in ("a", "b")]
    nodes = [] if stored == "float32" else [
        onnx.helper.make_node("Cast", [name], [f"{name}_wide"], to=1) for name in ("a", "b")
    ]  # fmt: skip
    a, b = [node.output[0] for node in nodes] or ["a", "b"]
    nodes += [
        onnx.helper.make_node("MatMul", ["x", a], ["y"]),
        onnx.helper.make_node("MatMul", ["y", b], ["z"]),
    ]
    ports = [onnx.helper.make_tensor_value_info(name, 1, [batch, 32]) for name in ("x", "z")]
    graph = onnx.helper.make_graph(nodes, "two", ports[:1], ports[1:], weights)
    opset = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)


@pytest.mark.parametrize("stored", ["float32", "float16"])
def test_tensorrt_keeps_the_types_of_16_bit_graphs_and_halves_32_bit_ones(
    tmp_path, own_cache, monkeypatch, stored
):
    onnx = pytest.importorskip("onnx", reason="pip install -r requirements-convert.txt")
    from convert.half import to_half

    real, told = onnxruntime.InferenceSession, []

    def session(path, sess_options=None, providers=()):
        told.extend(options for name, options in providers if name == TRT.provider)
        return real(path, sess_options=sess_options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    monkeypatch.setattr("pipeline.engines.ort_engine._checked", lambda session, choice: session)
    single, half = tmp_path / "single.onnx", tmp_path / "half.onnx"
    onnx.save(two_layers(onnx, stored=stored), single)
    onnx.save(to_half(onnx.load(single)), half)
    for path, choice in ((single, TRT), (half, TRT), (single, replace(TRT, precision="f32"))):
        OrtEngine.open(path, choice, rerank_profile())
    assert [one["trt_fp16_enable"] for one in told] == ["True", "False", "False"]
    assert len({one["trt_engine_cache_path"] for one in told}) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"choice": replace(TRT, hardware="RTX 4070 Ti SUPER, sm89, TensorRT 10.17")},
        {"choice": replace(TRT, hardware="RTX 5090, sm120, TensorRT 10.16")},
        {"choice": replace(TRT, precision="f32")},
        {"shapes": ("a:1", "a:2", "a:4")},
        {"network": "f" * 64},
        {"halves": True},
    ],
    ids=["tensorrt", "card", "precision", "profile", "graph", "types"],
)
def test_an_engine_is_used_only_for_what_it_was_built_for(other):
    def key(network="0" * 64, choice=TRT, shapes=("a:1", "a:2", "a:3"), halves=False):
        return engine_key(network, choice, shapes, halves=halves)

    assert key() == key()
    assert key(**other) != key()


def test_engines_built_ahead_are_found_by_graph_card_and_version(tmp_path, own_cache):
    graph = tmp_path / "detector.onnx"
    graph.write_bytes(b"graph")
    rtx = replace(TRT, provider=RTX, hardware="RTX 4070, sm89, TensorRT-RTX 0.5.0")
    assert find_context(graph, rtx) is None
    built = context_path(sha256_of(graph), "sm89", "0.5.0")
    make_cached(built.parent)
    built.write_bytes(b"context")
    assert own_cache in built.parents
    assert find_context(graph, rtx) == built
    assert find_context(graph, replace(rtx, hardware="RTX 5090, sm120, TensorRT-RTX 0.5.0")) is None
    assert find_context(graph, replace(rtx, hardware="RTX 4070, sm89, TensorRT-RTX 0.6.0")) is None
    assert find_context(graph, TRT) is None


@pytest.mark.parametrize("beside", ["vision.onnx.data", "vision.onnx_data"])
def test_numbers_beside_a_graph_make_another_network(tmp_path, own_cache, beside):
    graph, weights = tmp_path / "vision.onnx", tmp_path / beside
    graph.write_bytes(b"graph")
    alone = network_sha256(graph)
    assert alone == sha256_of(b"graph")
    model = Model(id="large", task="rerank", family="siglip", folder=tmp_path)
    rtx = replace(TRT, provider=RTX, hardware="RTX 4070, sm89, TensorRT-RTX 0.5.0")
    seen = [(alone, model.version())]
    for numbers in (b"1", b"333"):
        weights.write_bytes(numbers)
        seen.append((network_sha256(graph), model.version()))
        built = context_path(network_sha256(graph), "sm89", "0.5.0")
        make_cached(built.parent)
        built.write_bytes(b"context")
        twin = write_twin(graph, "int8", b"small", b"numbers")
        assert find_context(graph, rtx) is not None
        assert find_twin(graph, "int8") == twin
    assert len({digest for digest, _ in seen}) == 3
    assert len({version for _, version in seen}) == 3
    weights.write_bytes(b"other")
    assert find_context(graph, rtx) is None, "an engine of the old weights"
    assert find_twin(graph, "int8") is None


def test_a_twin_is_used_only_for_the_weights_it_was_made_from(tmp_path):
    source = tmp_path / "detector.onnx"
    source.write_bytes(b"weights")
    assert find_twin(source, "int8") is None
    twin = write_twin(source, "int8", b"graph", b"small weights", notes={"pictures": 3})
    for path, data in ((twin, b"graph"), (twin.with_suffix(".bin"), b"small weights")):
        assert find_twin(source, "int8") == twin
        path.write_bytes(b"damaged")
        assert find_twin(source, "int8") is None
        path.write_bytes(data)
    twin.with_suffix(".bin").rename(tmp_path / "away")
    assert find_twin(source, "int8") is None
    (tmp_path / "away").rename(twin.with_suffix(".bin"))
    assert find_twin(source, "int8") == twin
    source.write_bytes(b"new weights")
    assert find_twin(source, "int8") is None
    twin.with_suffix(".json").write_text("{")
    assert find_twin(source, "int8") is None


def twin_of(source):
    """The same network as OpenVINO writes it, passed off as one of 8 bits."""
    openvino = pytest.importorskip("openvino", reason="pip install -r requirements.txt")
    copy = source.with_name("copy.xml")
    openvino.save_model(openvino.Core().read_model(source), copy, compress_to_fp16=False)
    return write_twin(source, "int8", copy.read_bytes(), copy.with_suffix(".bin").read_bytes())


def settings(folder, *sets):
    models = {"detect": "detector", "upscale": "upscaler", "rerank": "reranker"}
    pairs = [f'{section}.model="{folder / name}"' for section, name in models.items()]
    return load_config("fake", sets=[*pairs, *sets])


def test_eight_bit_networks_are_run_and_named(tiny_models, tmp_path, shapes_image):
    folder = tmp_path / "models"
    shutil.copytree(tiny_models, folder)
    machine = Machine(frozenset({"onnxruntime", "openvino"}))
    plain = build_stages(settings(folder), machine=machine)
    assert plain.provenance["precision"] == "f32"
    twin_of(folder / "detector" / "detector.onnx")
    assert build_stages(settings(folder), machine=machine).provenance["precision"] == "f32"
    for stages in (
        build_stages(settings(folder, "engine.precision=int8"), machine=machine),
        build_stages(settings(folder), machine=replace(machine, cpu_flags=frozenset({"avx2"}))),
    ):
        twin = find_twin(folder / "detector" / "detector.onnx", "int8")
        assert stages.provenance["precision"] == "int8 (detector), f32"
        assert stages.provenance["twins"] == f"detector {network_sha256(twin)[:12]}"
        assert stages.provenance["provider"] == "openvino"
    np.testing.assert_array_equal(
        stages.detector([shapes_image])[0].xyxy, plain.detector([shapes_image])[0].xyxy
    )
    shutil.copytree(folder / "detector", folder / "other")
    eight = ["engine.precision=int8", f'detect.ensemble=["{folder / "other"}"]']
    both = build_stages(settings(folder, *eight), machine=machine).provenance
    assert both["precision"] == "int8 (detector), f32"
    assert both["twins"] == ", ".join(2 * [f"detector {network_sha256(twin)[:12]}"])
    asked = build_stages(settings(folder, "engine.precision=f32"), machine=machine)
    assert asked.provenance["engine_asked"] == "precision f32"
    assert asked.provenance["precision"] == "f32"


def test_half_precision_needs_converted_models_and_says_so(tiny_models, own_cache):
    ada = Gpu("RTX 4070", (8, 9))
    machine = Machine(
        frozenset({"onnxruntime"}), providers=frozenset({"CUDAExecutionProvider"}), gpus=(ada,)
    )
    config = load_config("mini")
    models = find_models(config, machine)
    assert "python app.py export" in models.no_half
    choice = choose_engine(config.engine, machine, no_half=models.no_half)
    assert choice.precision == "f32"
    assert f"f16 would be faster: {models.no_half}" in choice.reason
    with pytest.raises(ModelError, match="not converted yet"):
        find_models(load_config("mini", sets=["engine.precision=f16"]), machine)
    tensorrt = replace(machine, providers=frozenset({"TensorrtExecutionProvider"}))
    # TensorRT runs float32 graphs in 16 bits itself.
    models = find_models(load_config("mini", sets=["engine.precision=f16"]), tensorrt)
    choice = choose_engine(config.engine, tensorrt, no_half=models.no_half)
    assert choice.precision == "f16"
    assert f"decoding of boxes too, because TensorRT halves 32-bit networks: {models.no_half}" in (
        choice.reason
    )


def test_every_picture_stays_within_what_was_compiled():
    """Whatever its shape, and whatever multiple the card pads to."""
    config = load_config("mini").detect
    for multiple_px in (32, 64, 128):
        least, _, most = detect_profile(config, multiple_px).shapes(IMAGES)
        card = DetectorCard(multiple_px=multiple_px, order="bgr")
        for wh in ((1520, 870), (870, 1520), (500, 500), (3000, 40), (9, 7)):
            tensor, _ = prepare(np.zeros((wh[1], wh[0], 3), np.uint8), config.input_wh, card)
            assert all(
                a <= b <= c for a, b, c in zip(least[1:], tensor.shape, most[1:], strict=True)
            )


def test_only_the_eight_bit_network_is_loaded(tiny_models, tmp_path, monkeypatch):
    source = tmp_path / "detector.onnx"
    shutil.copyfile(tiny_models / "detector" / "detector.onnx", source)
    twin = twin_of(source)
    opened = []
    monkeypatch.setattr("pipeline.networks.open_engine", lambda path, *_: opened.append(path))
    networks = Networks(
        EngineConfig(precision="int8"), Machine(frozenset({"openvino"})), has_int8=True
    )
    networks.opener(Profile())(source)
    assert set(opened) == {twin}


def test_batches_stay_within_what_was_compiled(tiny_models, rng):
    path = tiny_models / "reranker" / "vision.onnx"
    choice = Choice("onnxruntime", "cpu", "f32", 1, "test", "CPUExecutionProvider")
    engine = open_engine(path, choice)
    feeds = {"pixel_values": rng.normal(size=(7, 3, 32, 32)).astype(np.float32)}
    sizes = []
    limited = OrtEngine(engine._session, max_items=3)
    run = limited._run
    limited._run = lambda part: sizes.append(len(part["pixel_values"])) or run(part)
    np.testing.assert_allclose(
        limited.run(feeds)["image_embeds"], engine.run(feeds)["image_embeds"], atol=1e-6
    )
    assert sizes == [3, 3, 1]


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_a_network_of_fixed_batch_is_given_no_other(tmp_path, rng, engine):
    onnx = pytest.importorskip("onnx", reason="pip install -r requirements-convert.txt")
    onnx.save(two_layers(onnx, batch=1), tmp_path / "one.onnx")
    choice = choose_engine(
        EngineConfig(engine=engine, precision="f32", device="cpu"), Machine(frozenset({engine}))
    )
    x = rng.normal(size=(3, 32)).astype(np.float32)
    got = open_engine(tmp_path / "one.onnx", choice).run({"x": x})["z"]
    np.testing.assert_allclose(got, x, atol=1e-6)
