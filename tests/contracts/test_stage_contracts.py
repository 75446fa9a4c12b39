"""What every detector, upscaler, reranker and engine must do, for every registered name."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from core.result import Reading
from core.types import Crops, Detections
from pipeline.build import open_engine
from pipeline.catalog import MODELS_PATH, Model, find_model
from pipeline.config import DetectConfig, EngineConfig, RerankConfig, UpscaleConfig
from pipeline.cut import cut
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import probe_machine
from pipeline.registry import DETECTORS, ENGINES, RERANKERS, UPSCALERS
from pipeline.stages import Detector, Reranker, Upscaler

REGISTRIES = (DETECTORS, UPSCALERS, RERANKERS, ENGINES)
REAL = {
    "detect": "spotter-detector-n",
    "upscale": "spotter-upscaler-x4",
    "rerank": "spotter-reranker",
}
FOLDERS = {"detect": "detector", "upscale": "upscaler", "rerank": "reranker"}
PARTS = {
    "detect": (DETECTORS, DetectConfig()),
    "upscale": (UPSCALERS, UpscaleConfig()),
    "rerank": (RERANKERS, RerankConfig()),
}


def open_file(path: Path):
    return open_engine(path, choose_engine(EngineConfig(precision="f32"), probe_machine()))


def open_stage(task: str, source: str, request: pytest.FixtureRequest):
    """A stage of a task: a family around a tiny network, or the weights that ship."""
    registry, config = PARTS[task]
    if source == "weights":
        if not list((MODELS_PATH / REAL[task]).glob("*.onnx")):
            pytest.skip(f"no weights in assets/models/{REAL[task]}: train and export them")
        model = find_model(REAL[task], task)
    elif source in ("fake", "lanczos"):
        model = Model(id=source, task=task, family=source)
    else:
        folders = request.getfixturevalue("tiny_models")
        folder = folders / f"{FOLDERS[task]}-{source}"
        folder = folder if folder.is_dir() else folders / FOLDERS[task]
        model = Model(id=source, task=task, family=source, folder=folder)
    return registry.load(model.family).open(model, config, open_file)


@pytest.fixture(params=[*DETECTORS.names(), "weights"])
def detector(request):
    stage = open_stage("detect", request.param, request)
    # It finds nothing without being told what.
    return stage.looking_for(["red", "blue"]) if request.param == "grounding" else stage


@pytest.fixture(params=[*UPSCALERS.names(), "weights"])
def upscaler(request):
    return open_stage("upscale", request.param, request)


@pytest.fixture(params=[*RERANKERS.names(), "weights"])
def reranker(request):
    return open_stage("rerank", request.param, request)


@pytest.fixture
def crops(image):
    picture = image((300, 200))
    boxes = [[20, 20, 50, 40], [0, 0, 9, 9], [100, 50, 280, 190]]
    return cut(picture, Detections.from_xyxy(boxes, (300, 200)))


@pytest.mark.parametrize(
    ("registry", "name"),
    [pytest.param(r, n, id=f"{r.kind}-{n}") for r in REGISTRIES for n in r.names()],
)
def test_every_name_leads_somewhere(registry, name):
    """Loads what is installed; reads the source of what is not."""
    entry = registry.entry(name)
    if not entry.missing():
        assert callable(registry.load(name).open)
        return
    module, _, attribute = entry.target.partition(":")
    source = Path(find_spec(module).origin).read_text(encoding="utf-8")
    assert attribute in {getattr(node, "name", None) for node in ast.walk(ast.parse(source))}


class TestDetectors:
    def test_is_a_detector(self, detector):
        assert isinstance(detector, Detector)

    def test_lists_in_lists_out(self, detector, image, shapes_image):
        assert detector([]) == []
        images = [shapes_image, image((1, 1)), image((90, 30)), image((30, 90))]
        before = [picture.copy() for picture in images]
        seen = detector(images)
        assert len(seen) == 4
        for picture, copy, found in zip(images, before, seen, strict=True):
            np.testing.assert_array_equal(picture, copy)
            width, height = found.image_wh
            assert (width, height) == (picture.shape[1], picture.shape[0])
            assert (found.xyxy >= 0).all()
            assert (found.xyxy[:, 2] <= width).all()
            assert (found.xyxy[:, 3] <= height).all()
            assert (np.diff(found.score) <= 0).all()
            assert len(found) <= DetectConfig().max_boxes

    def test_batch_equals_each_alone(self, detector, image, shapes_image):
        images = [shapes_image, image((200, 100), seed=4), image((64, 64))]
        for picture, together in zip(images, detector(images), strict=True):
            alone = detector([picture])[0]
            np.testing.assert_allclose(alone.xyxy, together.xyxy, atol=0.05)
            np.testing.assert_allclose(alone.score, together.score, atol=1e-3)

    def test_threads_agree(self, detector, shapes_image, in_threads):
        first, *others = in_threads(lambda: detector([shapes_image])[0])
        for other in others:
            np.testing.assert_array_equal(first.xyxy, other.xyxy)


class TestUpscalers:
    def test_is_an_upscaler(self, upscaler):
        assert isinstance(upscaler, Upscaler)

    def test_same_crops_larger(self, upscaler, crops):
        larger, none = upscaler([crops, Crops.empty()])
        assert len(none) == 0
        np.testing.assert_array_equal(larger.region_xyxy, crops.region_xyxy)
        np.testing.assert_array_equal(larger.row, crops.row)
        assert (larger.scale[:2] > 1).all()
        assert upscaler([]) == []

    def test_colors_stay(self, upscaler):
        picture = np.full((120, 120, 3), (200, 120, 40), np.uint8)
        flat = cut(picture, Detections.from_xyxy([[30, 30, 60, 60]], (120, 120)))
        mean = upscaler([flat])[0].images[0].mean(axis=(0, 1))
        # The tiny network is random; trained ones are much closer.
        np.testing.assert_allclose(mean, (200, 120, 40), atol=100)

    def test_threads_and_batches_agree(self, upscaler, crops, in_threads):
        alone = upscaler([crops])[0]
        for other in in_threads(lambda: upscaler([crops, crops])[1]):
            for a, b in zip(alone.images, other.images, strict=True):
                assert np.abs(a.astype(int) - b).max() <= 1


class TestRerankers:
    def test_is_a_reranker(self, reranker):
        assert isinstance(reranker, Reranker)

    def test_shapes_and_lengths(self, reranker, crops):
        embeds, none = reranker.embed_images([crops, Crops.empty()])
        texts = reranker.embed_texts(["red helicopter", "zzz", "🚁" * 500])
        assert embeds.shape[0] == 3
        assert len(none) == 0
        np.testing.assert_allclose(np.linalg.norm(embeds, axis=1), 1, atol=1e-4)
        logits = reranker.logits(embeds, texts)
        assert logits.shape == (3, 3)
        assert logits.dtype == np.float32
        assert reranker.logits(none, texts).shape == (3, 0)
        assert reranker.logits(embeds, reranker.embed_texts([])).shape == (0, 3)
        assert reranker.embed_images([]) == []
        assert np.isfinite(logits).all()

    def test_call_composes(self, reranker, crops):
        whole = reranker([crops], ["red", "blue"])[0]
        parts = reranker.logits(
            reranker.embed_images([crops])[0], reranker.embed_texts(["red", "blue"])
        )
        np.testing.assert_allclose(whole, parts, atol=1e-4)

    def test_notes_of_captions_are_sentences(self, reranker):
        for caption in ("red", "red " * 100, "zzz qqq"):
            reading = reranker.read(caption)
            assert (reading.about == "") is (reading.grasp == "nothing")
            for note in reading.notes:
                assert note.endswith(".")

    def test_a_color_is_read(self, reranker):
        assert reranker.read("red") == Reading("whole", "red")

    def test_threads_agree(self, reranker, crops, in_threads):
        first, *others = in_threads(lambda: reranker([crops], ["red"])[0])
        for other in others:
            np.testing.assert_allclose(first, other, atol=1e-5)


class TestEngines:
    @pytest.fixture(params=ENGINES.available())
    def engine(self, request, tiny_models):
        choice = choose_engine(
            EngineConfig(engine=request.param, precision="f32", device="cpu"), probe_machine()
        )
        return open_engine(tiny_models / "reranker" / "vision.onnx", choice)

    def test_interface_is_told(self, engine):
        assert [(s.name, s.dtype, s.shape) for s in engine.inputs] == [
            ("pixel_values", "float32", (None, 3, 32, 32))
        ]
        assert [spec.name for spec in engine.outputs] == ["image_embeds"]

    def test_outputs_are_ones_own(self, engine, rng):
        feeds = {"pixel_values": rng.normal(size=(2, 3, 32, 32)).astype(np.float32)}
        first = engine.run(feeds)["image_embeds"]
        kept = first.copy()
        engine.run({"pixel_values": np.zeros((2, 3, 32, 32), np.float32)})
        np.testing.assert_array_equal(first, kept)
        first[:] = 0
        np.testing.assert_array_equal(engine.run(feeds)["image_embeds"], kept)
