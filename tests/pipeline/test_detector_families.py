"""Decoders against hand-made outputs, and images as each family wants them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.errors import ConfigError, EngineError, InputError, ModelError
from core.types import Detections
from pipeline.build import build_detector
from pipeline.config import DetectConfig, UpscaleConfig
from pipeline.cut import cut
from pipeline.detect.captioned import BoundDetector, CaptionWrapper
from pipeline.detect.card import DetectorCard, prepare
from pipeline.detect.detr import decode_queries
from pipeline.detect.network import NetworkDetector
from pipeline.detect.owl import caption_logits
from pipeline.detect.yolo import YoloDetector
from pipeline.detect.yolov6 import YoloV6Detector
from pipeline.detect.yolox import YoloxDetector
from pipeline.engines.base import TensorSpec
from pipeline.fakes import FakeDetector, FakeReranker
from pipeline.locate import Locator
from pipeline.models import Model
from pipeline.upscale.compact import CompactUpscaler, choose_sides
from tests.contracts.test_stage_contracts import open_stage


class FixedEngine:
    """Gives one output for every image, and remembers how it was called."""

    def __init__(self, output: np.ndarray, batch: int | None = None) -> None:
        self.output = output.astype(np.float32)
        self.inputs = (TensorSpec("images", "float32", (batch, 3, None, None)),)
        self.outputs = (TensorSpec("output", "float32", ()),)
        self.calls: list[np.ndarray] = []

    def run(self, feeds):
        self.calls.append(feeds["images"])
        return {"output": np.repeat(self.output[None], len(feeds["images"]), axis=0)}


def look(family: type[NetworkDetector], output, wh=(64, 32), card=None, **config):
    settings = DetectConfig(input_wh=(64, 32), score_min=0.3, level_count=1, **config)
    detector = family(FixedEngine(np.array(output)), settings, ("cat", "dog"), card)
    picture = np.zeros((wh[1], wh[0], 3), np.uint8)
    return detector([picture])[0]


def test_yolov6_multiplies_objectness():
    rows = [[10, 10, 4, 4, 1.0, 0.2, 0.9], [40, 20, 8, 8, 0.5, 0.8, 0.1], [30, 8, 2, 2, 1, 0, 0.1]]
    seen = look(YoloV6Detector, rows)
    assert seen.xyxy.tolist() == [[8, 8, 12, 12], [36, 16, 44, 24]]
    np.testing.assert_allclose(seen.score, [0.9, 0.4], atol=1e-6)
    assert seen.class_id.tolist() == [1, 0]


def test_finished_rows_are_read_as_corners():
    rows = np.zeros((300, 6))
    rows[0] = (5, 6, 15, 16, 0.8, 1)
    seen = look(YoloDetector, rows)
    assert seen.xyxy.tolist() == [[5, 6, 15, 16]]
    assert seen.class_id.tolist() == [1]


def test_yolox_decodes_three_grids():
    # 64x32 pixels: 8x4 cells of 8 px, 4x2 of 16, 2x1 of 32.
    cells = np.zeros((32 + 8 + 2, 7))
    cells[8 + 2] = (0.5, 0.5, 0, np.log(2), 0.9, 1.0, 0.0)  # second row, third column
    cells[32 + 8 + 1] = (0, 0.5, -1, -1, 1.0, 0.0, 0.5)  # the last grid's right cell
    seen = look(YoloxDetector, cells, card=DetectorCard(fit="corner", input_wh=(64, 32)))
    side = 32 * np.exp(-1) / 2
    expected = [[16, 4, 24, 20], [32 - side, 16 - side, 32 + side, 16 + side]]
    np.testing.assert_allclose(seen.xyxy, expected, atol=1e-4)
    np.testing.assert_allclose(seen.score, [0.9, 0.5], atol=1e-6)


@pytest.mark.parametrize("family", [YoloDetector, YoloV6Detector, YoloxDetector])
def test_other_shapes_are_refused(family):
    with pytest.raises(ModelError, match="expected"):
        look(family, np.zeros((9, 11)))


@pytest.mark.parametrize("column", [0, 4])
def test_a_network_that_gives_no_numbers_says_so(column):
    row = [5.0, 6, 15, 16, 0.8, 1]
    row[column] = np.nan
    with pytest.raises(EngineError, match=r"no numbers.*precision=f32"):
        look(YoloDetector, [row])


def test_softmax_leaves_nothing_out():
    boxes = np.array([[0.5, 0.5, 0.5, 0.5]] * 2)
    found = decode_queries(np.log([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]), boxes, input_wh=(8, 4),
                           softmax=True)  # fmt: skip
    np.testing.assert_allclose(found.score, [0.7, 0.1], atol=1e-6)
    assert found.xyxy[0].tolist() == [2, 1, 6, 3]


def test_images_of_one_size_go_to_the_engine_at_once_which_knows_how_many_it_takes():
    engine = FixedEngine(np.zeros((6, 3)), batch=1)
    detector = YoloDetector(engine, DetectConfig(input_wh=(64, 32)), ("cat", "dog"))
    detector([np.zeros((32, 64, 3), np.uint8)] * 3)
    assert [len(call) for call in engine.calls] == [3]


def test_images_as_the_card_says():
    picture = np.full((20, 40, 3), (255, 0, 51), np.uint8)
    card = DetectorCard(fit="stretch", input_wh=(32, 32), order="bgr", mean=(0.2, 0, 0.5),
                        std=(1, 1, 0.5))  # fmt: skip
    tensor, scale = prepare(picture, (960, 544), card)
    assert tensor.shape == (3, 32, 32)
    np.testing.assert_allclose(tensor[:, 0, 0], [0.0, 0.0, 1.0], atol=1e-6)
    assert scale == (0.8, 1.6)
    tensor, scale = prepare(picture, (1, 1), DetectorCard(fit="corner", input_wh=(64, 64), scale=1))
    assert scale == (1.6, 1.6)
    assert tensor[:, 31, 63].tolist() == [255, 0, 51]
    assert tensor[:, 32, 63].tolist() == [114, 114, 114]
    tensor, _ = prepare(picture, (80, 60), DetectorCard(multiple_px=64))
    assert tensor.shape == (3, 64, 128)


def test_padding_may_be_what_the_mean_leaves_nothing_of():
    mean = (0.485, 0.456, 0.406)
    card = DetectorCard(
        fit="corner", input_wh=(64, 64), mean=mean, std=(0.2, 0.2, 0.2),
        pad_value=tuple(255 * part for part in mean),
    )  # fmt: skip
    tensor, _ = prepare(np.full((30, 60, 3), 255, np.uint8), (1, 1), card)
    np.testing.assert_allclose(tensor[:, 40:], 0, atol=1e-5)
    assert tensor[:, :30].min() > 2


def test_engines_are_made_for_the_size_in_the_card(tmp_path):
    (tmp_path / "detector.json").write_text('{"input_wh": [1333, 800], "multiple_px": 1}')
    model = Model(id="x", task="detect", family="fake", folder=tmp_path)
    asked = []
    build_detector([model], DetectConfig(), asked.append)
    assert asked[0].height == (32, 800, 1344)
    assert asked[0].width == (32, 1344, 1344)


def test_a_network_of_one_size_is_tiled_in_that_size_and_takes_no_scales(tmp_path):
    (tmp_path / "detector.json").write_text('{"input_wh": [64, 48]}')
    seen = []

    class Looks(FakeDetector):
        def __call__(self, images):
            seen.extend(image.shape for image in images)
            return super().__call__(images)

    model = Model(id="x", task="detect", family="fake", folder=tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.fakes.FakeDetector", Looks)
        tiled = DetectConfig(tile_wh="auto", tile_whole=False)
        build_detector([model], tiled, lambda _: None)([np.zeros((96, 128, 3), np.uint8)])
    assert set(seen) == {(48, 64, 3)}
    with pytest.raises(ConfigError, match=r"x sees every image at 64x48 px.*tile_wh=auto"):
        build_detector([model], DetectConfig(scales=(1.5,)), lambda _: None)


class SquareEngine(FixedEngine):
    """Takes 64x64 pixels alone, and no file says so: what `yolo export format=onnx` makes."""

    def __init__(self) -> None:
        super().__init__(np.zeros((6, 3)))
        self.inputs = (TensorSpec("images", "float32", (1, 3, 64, 64)),)


def own_model(folder, card=None):
    (folder / "detector.onnx").write_bytes(b"")
    if card:
        (folder / "detector.json").write_text(json.dumps(card))
    return Model(id="own", task="detect", family="yolo", class_names=("cat", "dog"), folder=folder)


def test_a_graph_of_one_size_is_tiled_in_that_size_and_takes_no_scales(tmp_path, monkeypatch):
    model, seen = own_model(tmp_path), []

    def watched(image, input_wh, card):
        seen.append(image.shape[:2])
        return prepare(image, input_wh, card)

    monkeypatch.setattr("pipeline.detect.network.prepare", watched)
    tiled = DetectConfig(tile_wh="auto", tile_whole=False)
    detector = build_detector([model], tiled, lambda _: lambda _: SquareEngine())
    detector([np.zeros((128, 96, 3), np.uint8)])
    assert set(seen) == {(64, 64)}
    with pytest.raises(ConfigError, match="own sees every image at 64x64 px"):
        build_detector([model], DetectConfig(scales=(1.5,)), lambda _: lambda _: SquareEngine())


@pytest.mark.parametrize(("fit", "tile_hw"), [("corner", (32, 64)), ("letterbox", (64, 32))])
def test_tiles_of_upright_pictures_are_turned_if_the_network_turns(tmp_path, fit, tile_hw):
    model = own_model(tmp_path, {"fit": fit, "input_wh": [64, 32]})
    engine = FixedEngine(np.zeros((6, 3)))
    config = DetectConfig(tile_wh="auto", tile_whole=False)
    build_detector([model], config, lambda _: lambda _: engine)([np.zeros((128, 96, 3), np.uint8)])
    assert {call.shape[2:] for call in engine.calls} == {tile_hw}
    assert all((call == 0).all() for call in engine.calls), "no padding: seen as they are"


def test_a_detector_in_views_that_reads_captions_is_opened_once(tmp_path, monkeypatch):
    opened = []

    class Told(FakeDetector):
        takes_any_size = False

        @classmethod
        def open(cls, model, config, open_engine):
            opened.append(config)
            return cls()

        def looking_for(self, captions):
            return self

    monkeypatch.setattr("pipeline.fakes.FakeDetector", Told)
    model = Model(id="x", task="detect", family="fake", folder=tmp_path)
    config = DetectConfig(flip=True)
    detector = build_detector([model], config, lambda _: None)
    assert isinstance(detector, CaptionWrapper)
    assert len(opened) == 1
    detector.looking_for(["red"])
    assert len(opened) == 2


def test_owl_logits_are_shifted_and_scaled():
    seen = {
        "class_embeds": np.eye(2, dtype=np.float32),
        "logit_shift": np.array([[0.5], [0.0]], np.float32),
        "logit_scale": np.array([[2.0], [4.0]], np.float32),
    }
    logits = caption_logits(seen, np.array([[1.0, 0.0], [0.6, 0.8]], np.float32))
    np.testing.assert_allclose(logits, [[3.0, 2.2], [0.0, 3.2]], atol=1e-6)


class TestCaptions:
    @pytest.fixture(params=["owl", "grounding"])
    def detector(self, request):
        return open_stage("detect", request.param, request)

    def test_classes_are_the_captions(self, detector, image):
        seen = detector.looking_for(["blue", "red"])([image((960, 544))])[0]
        assert seen.class_names == ("blue", "red")
        # The tiny networks' first anchor is red, their second is blue.
        by_name = {
            seen.class_names[k]: box
            for k, box in zip(seen.class_id, seen.xyxy.tolist(), strict=True)
        }
        assert by_name["red"] == pytest.approx([80, 80, 120, 120], abs=0.1)
        assert by_name["blue"][0] > 600

    def test_other_captions_are_another_look(self, detector, image):
        locator = Locator(detector, FakeReranker())
        assert locator.reads_captions
        red, blue = (
            locator.observe([image((960, 544))], [[caption]])[0] for caption in ("red", "blue")
        )
        assert red.captions == ("red",)
        assert len(red.detections) == len(blue.detections) == 1
        assert red.detections.xyxy.tolist() != blue.detections.xyxy.tolist()

    def test_a_picture_without_captions_among_others_is_looked_at_too(self, image):
        class Told(FakeDetector):
            def looking_for(self, captions):
                assert captions
                return FakeDetector(boxes_ratio=[(0, 0, 0.5, 0.5)] * len(captions))

        locator = Locator(Told(boxes_ratio=[(0, 0, 1, 1)]), FakeReranker())
        seen = locator.observe([image(), image()], [["red", "blue"], []])
        assert [len(one.detections) for one in seen] == [2, 1]

    def test_wrappers_go_around_the_bound_detector(self, detector, image):
        wrapper = CaptionWrapper(detector.looking_for, FakeDetector())
        assert wrapper.looking_for(["red"])([image((960, 544))])[0].class_names == ("red",)
        assert len(wrapper([image()])) == 1

    def test_no_captions_are_refused(self):
        with pytest.raises(InputError, match="needs captions"):
            BoundDetector(lambda image, captions: None, [])


def test_large_windows_are_enlarged_one_by_one_and_small_ones_together(rng):
    sizes = []

    class Engine:
        inputs = (TensorSpec("x", "float32", (None, 3, None, None)),)
        outputs = (TensorSpec("y", "float32", (None, 3, None, None)),)

        def run(self, feeds):
            sizes.append(feeds["x"].shape[::3])
            return {"y": feeds["x"].repeat(4, axis=2).repeat(4, axis=3)}

    picture = rng.integers(0, 256, (600, 800, 3), np.uint8)
    boxes = [[0, 0, 400, 400], [300, 100, 700, 500], [10, 10, 30, 30], [60, 60, 78, 80]]
    crops = cut(picture, Detections.from_xyxy(boxes, (800, 600)), context_ratio=0)
    (larger,) = CompactUpscaler(Engine(), UpscaleConfig(below_px=512))([crops])
    assert sorted(sizes) == [(1, 512), (1, 512), (2, 48)]
    for image, small in zip(larger.images, crops.images, strict=True):
        np.testing.assert_array_equal(image, small.repeat(4, axis=0).repeat(4, axis=1))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], ()),
        ([32, 64], (32, 64)),
        ([32, 48, 64, 96, 128], (48, 64, 96, 128)),  # 32 -> 48 costs least
        ([32] * 9 + [48] + [64] * 9 + [96, 128, 256], (32, 64, 128, 256)),
    ],
    ids=["none", "few", "five", "six"],
)
def test_window_sides_are_at_most_four(wanted, expected):
    assert choose_sides(wanted) == expected
