"""The real families and engines around tiny networks, end to end."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from core.errors import DataError, EngineError, ModelError, UnknownNameError
from core.result import Reading
from core.types import Crops, Detections
from pipeline.build import build_stages, open_engine
from pipeline.catalog import MODELS_PATH, find_model, load_catalog, update_catalog
from pipeline.config import EngineConfig, load_config
from pipeline.cut import cut
from pipeline.engines.base import Choice, Profile
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import probe_machine
from pipeline.locate import Locator
from pipeline.models import Model, write_model
from pipeline.registry import ENGINES

ENGINE_NAMES = ENGINES.available()


def config_for(folder, *sets):
    return load_config(
        sets=[
            "detect.level_count=1",  # the tiny network's objects are of one size
            "detect.look_closer=false",
            f'detect.model="{folder / "detector"}"',
            f'upscale.model="{folder / "upscaler"}"',
            f'rerank.model="{folder / "reranker"}"',
            "engine.precision=f32",
            "detect.score_min=0.25",
            "upscale.below_px=96",
            *sets,
        ]
    )


@pytest.fixture(params=ENGINE_NAMES)
def locator(request, tiny_models):
    return Locator.open(config_for(tiny_models, f"engine.engine={request.param}"))


@pytest.fixture
def scene():
    """960x544, so that detector pixels are image pixels: red at the first anchor."""
    picture = np.full((544, 960, 3), 30, np.uint8)
    picture[70:130, 70:130] = (255, 40, 40)
    picture[170:230, 250:350] = (40, 40, 255)
    return picture


def test_end_to_end(locator, scene):
    result = locator.locate([scene], ["red", "blue"], keep_crops=True)[0]
    assert result.detections.xyxy.tolist() == [
        [80, 80, 120, 120],
        [270, 185, 330, 215],
        [0, 0, 40, 40],
    ]
    assert result.answer_xyxy(0) == (80, 80, 120, 120)
    assert result.answer_xyxy(1) == (270, 185, 330, 215)
    assert result.upscaled.scale.tolist() == [4, 4, 4]
    assert result.crops.region_xyxy[0].tolist() == [76, 76, 124, 124]


def test_boxes_scale_with_the_image(locator, scene):
    large = scene.repeat(2, axis=0).repeat(2, axis=1)
    result = locator.locate([large], ["red"])[0]
    assert result.answer_xyxy(0) == (160, 160, 240, 240)


@pytest.mark.parametrize("wh", [(1, 1), (3, 200), (200, 3), (33, 31)])
def test_odd_sizes(locator, image, wh):
    result = locator.locate([image(wh)], ["red"], keep_crops=True)[0]
    boxes = result.detections.xyxy
    assert (boxes >= 0).all()
    assert (boxes[:, 2] <= wh[0]).all()
    assert (boxes[:, 3] <= wh[1]).all()


def test_engines_agree(tiny_models, image):
    picture = image((700, 500))
    results = [
        Locator.open(config_for(tiny_models, f"engine.engine={name}")).locate([picture], ["red"])[0]
        for name in ENGINE_NAMES
    ]
    for result in results[1:]:
        np.testing.assert_allclose(result.detections.xyxy, results[0].detections.xyxy, atol=1e-3)
        np.testing.assert_allclose(
            result.rankings[0].score, results[0].rankings[0].score, atol=1e-3
        )


def test_batch_equals_each_alone(locator, image):
    images = [image((96, 80), seed=1), image((500, 300), seed=2), image((96, 80), seed=3)]
    together = locator.observe(images)
    for one, observed in zip(images, together, strict=True):
        alone = locator.observe([one])[0]
        np.testing.assert_array_equal(alone.detections.xyxy, observed.detections.xyxy)
        np.testing.assert_allclose(alone.embeds, observed.embeds, atol=1e-5)


def test_threads_agree(locator, scene, in_threads):
    embeds = in_threads(lambda: locator.observe([scene])[0].embeds)
    for other in embeds[1:]:
        np.testing.assert_array_equal(embeds[0], other)


def test_upscaler_sees_real_context(tiny_models, image):
    """A window's middle equals the same place in the whole image upscaled at once."""
    stages = build_stages(config_for(tiny_models, f"engine.engine={ENGINE_NAMES[0]}"))
    upscaler = stages.upscalers[0]
    picture = image((200, 160))
    boxes = Detections.from_xyxy([[50, 40, 80, 70], [100, 60, 190, 150]], (200, 160))
    crops = cut(picture, boxes)
    enlarged = upscaler([crops])[0]
    whole = upscaler._run(picture[None])[0]
    x1, y1, x2, y2 = 4 * crops.region_xyxy[0]
    expected = np.rint(np.clip(whole[:, y1:y2, x1:x2], 0, 1) * 255).transpose(1, 2, 0)
    assert np.abs(enlarged.images[0].astype(int) - expected).max() <= 1
    # The second one is large enough and stays as it is.
    assert enlarged.scale.tolist() == [4, 1]
    np.testing.assert_array_equal(enlarged.images[1], crops.images[1])


def test_upscaler_needs_the_source_once(tiny_models, image, make_detections):
    upscaler = build_stages(config_for(tiny_models)).upscalers[0]
    crops = cut(image(), make_detections())
    with pytest.raises(DataError, match="no longer know the image"):
        upscaler([crops.without_source()])
    with pytest.raises(DataError, match="enlarged before"):
        upscaler(upscaler([crops]))
    assert len(upscaler([Crops.empty()])[0]) == 0


def test_reranker_caches_captions_and_notes_words(tiny_models):
    reranker = build_stages(config_for(tiny_models)).reranker
    first = reranker.embed_texts(["red", "blue", "red"])
    np.testing.assert_array_equal(first[0], first[2])
    np.testing.assert_array_equal(reranker.embed_texts(["red"])[0], first[0])
    assert reranker.read("red white") == Reading("whole", "red white")
    assert "does not know 'Zeppelin'" in reranker.read("red Zeppelin").notes[0]
    long = reranker.read("red blue red blue red blue white")
    assert (long.grasp, "read up to" in long.notes[-1]) == ("part", True)
    assert "did you mean 'green'?" in reranker.read("red grren").notes[0]
    assert reranker.read("grren") == Reading(
        "nothing",
        "",
        ("The model knows no word of 'grren' that says what to look for. Did you mean 'green'?",),
    )
    assert reranker.read("Not red grren").about == "red"
    assert reranker.read("дрон").notes[0].endswith("that says what to look for.")
    assert "does not know 'дрон'" in reranker.read("red дрон").notes[0]
    assert reranker.embed_texts([]).shape[0] == 0


def test_embeddings_that_are_no_numbers_are_told(tiny_models, monkeypatch):
    """As of 16 bits that are too few: NaN would be compared with everything, and found nowhere."""
    reranker = build_stages(config_for(tiny_models)).reranker
    engine = reranker._text
    run = engine.run
    monkeypatch.setattr(engine, "run", lambda feeds: {k: v * np.nan for k, v in run(feeds).items()})
    with pytest.raises(EngineError, match=r"no numbers.*engine.precision=f32"):
        reranker.embed_texts(["red"])


def test_reranker_cache_is_bounded(tiny_models):
    reranker = build_stages(config_for(tiny_models, "rerank.cached_captions=2")).reranker
    for caption in ("red", "blue", "green", "white"):
        reranker.embed_texts([caption])
    assert len(reranker._cache._embeds) == 2
    reranker.embed_texts([f"red {number}" for number in range(20)])
    kept = reranker._cache._embeds.values()
    assert [row.base for row in kept] == [None, None], "a view keeps all that was asked with it"


@pytest.mark.parametrize("mode", ["model", "lanczos", "none"])
def test_upscale_modes(tiny_models, scene, mode):
    locator = Locator.open(config_for(tiny_models, f"upscale.mode={mode}"))
    result = locator.locate([scene], ["red"], keep_crops=True)[0]
    assert result.answer_xyxy() == (80, 80, 120, 120)
    assert set(result.upscaled.scale.tolist()) == {1.0 if mode == "none" else 4.0}


def test_provenance_says_what_ran(locator, scene):
    provenance = locator.locate([scene], ["red"])[0].provenance
    assert provenance["engine"] in ENGINE_NAMES
    assert provenance["precision"] == "f32"
    assert "asked for" in provenance["engine_reason"]
    assert "detector.onnx " in provenance["detector"]
    assert "cut.shape=square " in provenance["config"]


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_what_a_runtime_refuses_is_an_engine_error_with_advice(tiny_models, engine):
    path = tiny_models / "reranker" / "vision.onnx"
    config = EngineConfig(engine=engine, precision="f32")
    network = open_engine(path, choose_engine(config, probe_machine()))
    with pytest.raises(EngineError, match=r"vision\.onnx could not be run with 2x3x7x7") as caught:
        network.run({network.inputs[0].name: np.zeros((2, 3, 7, 7), np.float32)})
    assert "app.py doctor" in caught.value.hint
    assert len(caught.value.message) < 500


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_a_detector_of_one_size_sees_every_picture_in_it(tiny_models, tmp_path, engine, scene):
    graph = onnx.load(tiny_models / "detector" / "detector.onnx")
    axes = graph.graph.input[0].type.tensor_type.shape.dim
    for axis, side in zip(axes, (1, 3, 640, 640), strict=True):
        axis.dim_value = side
    onnx.save(graph, tmp_path / "detector.onnx")
    wish = (f'detect.model="{tmp_path}"', f"engine.engine={engine}", "detect.level_count=3")
    locator = Locator.open(config_for(tiny_models, *wish))
    # 960 px wide becomes 640, and so the boxes of the input lie half as far again.
    wide, tall = locator.observe([scene[:480], np.ascontiguousarray(scene[:, :480])])
    np.testing.assert_allclose(wide.detections.xyxy[0], [120, 120, 180, 180], atol=1e-3)
    # 544 px high becomes 640.
    np.testing.assert_allclose(tall.detections.xyxy[0], [68, 68, 102, 102], atol=0.1)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_a_network_of_several_images_at_once_is_refused_when_it_is_opened(
    tiny_models, tmp_path, engine
):
    graph = onnx.load(tiny_models / "detector" / "detector.onnx")
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    onnx.save(graph, tmp_path / "detector.onnx")
    wish = (f'detect.model="{tmp_path}"', f"engine.engine={engine}")
    with pytest.raises(ModelError, match="takes 4 items at once") as caught:
        Locator.open(config_for(tiny_models, *wish))
    assert "batch of 1" in caught.value.hint


def test_engines_are_shared(tiny_models):
    choice = Choice(ENGINE_NAMES[0], "cpu", "f32", 1, "test", "CPUExecutionProvider")
    path = tiny_models / "detector" / "detector.onnx"
    network = open_engine(path, choice)
    assert open_engine(path, replace(choice, reason="another")) is network
    other_sizes = Profile(height=(32, 384, 640), width=(32, 640, 640))
    assert open_engine(path, choice, other_sizes) is network, "only TensorRT is tied to sizes"


def test_a_network_that_is_replaced_on_disk_is_loaded_anew(tiny_models, tmp_path, scene):
    folder = tmp_path / "detector"
    shutil.copytree(tiny_models / "detector", folder)
    config = config_for(tiny_models, f'detect.model="{folder}"')
    before = Locator.open(config)
    assert len(before.observe([scene])[0].detections) == 3
    graph = onnx.load(folder / "detector.onnx")
    anchors = next(part for part in graph.graph.initializer if part.name == "anchors")
    anchors.CopyFrom(numpy_helper.from_array(0 * numpy_helper.to_array(anchors), "anchors"))
    onnx.save(graph, folder / "detector.onnx")
    after = Locator.open(config)
    assert after.provenance["detector"] != before.provenance["detector"]
    assert len(after.observe([scene])[0].detections) == 0
    assert len(before.observe([scene])[0].detections) == 3, "what is open keeps its own"


def test_engines_opened_at_the_same_time_are_shared(in_threads, monkeypatch, tmp_path):
    opened = []

    class SlowEngine:
        @classmethod
        def open(cls, path, choice, profile=None):
            opened.append(path)
            time.sleep(0.05)
            return cls()

    monkeypatch.setattr("pipeline.networks.ENGINES.load", lambda name: SlowEngine)
    choice = Choice(ENGINE_NAMES[0], "cpu", "f32", 1, "test", "CPUExecutionProvider")
    (tmp_path / "network.onnx").write_bytes(b"graph")
    engines = in_threads(lambda: open_engine(tmp_path / "network.onnx", choice))
    assert len(opened) == 1
    assert len(set(map(id, engines))) == 1


def test_models_of_ones_own(tiny_models, tmp_path):
    assert find_model(str(tiny_models / "reranker"), "rerank").family == "siglip"
    (tmp_path / "half").mkdir()
    with pytest.raises(ModelError, match=r"lacks detector.onnx"):
        find_model(str(tmp_path / "half"), "detect")
    with pytest.raises(UnknownNameError, match="Did you mean 'spotter-detector-n'"):
        find_model("spotter-detector", "detect")
    with pytest.raises(UnknownNameError, match="is for rerank, not for detect"):
        find_model("spotter-reranker", "detect")
    with pytest.raises(UnknownNameError, match="or give the path of a folder"):
        find_model("no-file-has-such-a-name" * 20, "detect")


def test_a_folder_called_like_a_model_of_the_catalogue_is_taken_by_its_path_alone(
    tiny_models, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("spotter-detector-n", "google/siglip-base-patch16-224", "mine"):
        shutil.copytree(tiny_models / "detector", tmp_path / name)
    assert find_model("spotter-detector-n", "detect").folder.parent == MODELS_PATH
    own = find_model("./spotter-detector-n", "detect").folder
    assert own.resolve() == tmp_path / "spotter-detector-n"
    assert find_model("mine", "detect").folder == Path("mine")
    folder = find_model("google/siglip-base-patch16-224", "detect").folder
    assert folder.is_dir(), "before a public id"


def test_damaged_files_are_refused(tiny_models, tmp_path):
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(
        '[mine]\ntask = "detect"\nfamily = "yolo"\n'
        f'folder = "{tiny_models / "detector"}"\n'
        '[mine.files."detector.onnx"]\nbytes = 5\nsha256 = "' + "0" * 64 + '"\n',
        encoding="utf-8",
    )
    model = find_model("mine", "detect", catalog=catalog)
    with pytest.raises(ModelError, match="not the file of the catalogue"):
        model.file("detector.onnx")
    with pytest.raises(ModelError, match="is missing"):
        model.file("other.onnx")


@pytest.mark.parametrize("beside", ["text.onnx.data", "text.onnx_data"])
def test_damaged_numbers_beside_a_graph_are_refused(tmp_path, beside):
    (tmp_path / "text.onnx").write_bytes(b"graph")
    (tmp_path / beside).write_bytes(b"numbers")
    model = write_model(tmp_path, Model(id="mine", task="rerank", family="siglip"))
    assert model.file("text.onnx") == tmp_path / "text.onnx"
    (tmp_path / beside).write_bytes(b"others")
    with pytest.raises(ModelError, match=f"{beside} is not the file of the catalogue"):
        model.file("text.onnx")


def test_how_a_damaged_conversion_is_mended_is_told(tmp_path):
    made = Model(id="spotter-detector-n", task="detect", family="yolo", made_from="0" * 64)
    for name, said in (("a", "detector-n --again"), ("a@f16", "detector-n --precision fp16")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "detector.onnx").write_bytes(b"graph")
        model = write_model(tmp_path / name, made)
        (tmp_path / name / "detector.onnx").write_bytes(b"other")
        with pytest.raises(ModelError, match=f"Convert it again: .*{said}"):
            model.file("detector.onnx")


def test_catalogue_is_updated(tiny_models, tmp_path):
    catalog = tmp_path / "catalog.toml"
    entry = '[{}]\ntask = "detect"\nfamily = "yolo"\nlicence = "MIT"\n\n'
    catalog.write_text("# A comment.\n\n" + entry.format("detector") + entry.format("absent"))
    for _ in range(2):
        assert update_catalog(catalog, models_path=tiny_models) == ["detector"]
        models = load_catalog(catalog, models_path=tiny_models)
        assert list(models["detector"].files) == ["detector.onnx"]
        assert models["detector"].file("detector.onnx").is_file()
        assert models["detector"].licence == "MIT"
        assert models["absent"].files == {}
        assert catalog.read_text().startswith("# A comment.\n\n[detector]\n")
        assert catalog.read_text().count("files.") == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("reranker.json", "{}", r"reranker.json is malformed"),
        ("reranker.json", "{", r"reranker.json is malformed"),
        ("tokenizer.json", "{}", r"tokenizer.json is malformed"),
        ("reranker.json", None, r"gives 6 tokens, the network reads 9"),
    ],
    ids=["empty", "cut", "tokenizer", "length"],
)
def test_damaged_reranker(tiny_models, tmp_path, name, text, message):
    folder = tmp_path / "reranker"
    shutil.copytree(tiny_models / "reranker", folder)
    if text is None:
        text = (folder / name).read_text().replace('"text_length": 6', '"text_length": 9')
    (folder / name).write_text(text)
    with pytest.raises(ModelError, match=message):
        Locator.open(config_for(tiny_models, f'rerank.model="{folder}"'))


def test_malformed_catalogue(tmp_path):
    catalog = tmp_path / "catalog.toml"
    catalog.write_text('[mine]\ntask = "dance"\nfamily = "yolo"\n')
    with pytest.raises(ModelError, match="entry 'mine' is malformed"):
        load_catalog(catalog)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_wrong_networks_are_refused(tiny_models, tmp_path, engine):
    bad = tmp_path / "detector"
    bad.mkdir()
    (bad / "detector.onnx").write_bytes(b"not onnx")
    config = config_for(tiny_models, f'detect.model="{bad}"', f"engine.engine={engine}")
    with pytest.raises(ModelError, match=r"cannot load detector.onnx"):
        Locator.open(config)
    (bad / "detector.onnx").write_bytes((tiny_models / "upscaler" / "upscaler.onnx").read_bytes())
    config = config_for(tiny_models, f'detect.model="{bad}"', f"engine.engine={engine}")
    with pytest.raises(ModelError, match="the detector gave"):
        Locator.open(config).observe([np.zeros((64, 64, 3), np.uint8)])


def test_explicit_wishes_are_refused_not_replaced(tiny_models):
    with pytest.raises(EngineError, match="OpenVINO runs on the CPU"):
        Locator.open(config_for(tiny_models, "engine.device=cuda", "engine.engine=openvino"))
