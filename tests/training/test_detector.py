"""The detector's crops, scene cache, training loop and export, at the smallest size."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import pytest

torch = pytest.importorskip("torch", reason="pip install -r requirements-train.txt")
if find_spec("ultralytics") is None:
    reason = "pip install --no-deps ultralytics==8.4.190 ultralytics-thop==2.2.3"
    pytest.skip(reason, allow_module_level=True)
sys.path.insert(0, str(Path(__file__).parent.parent / "synth"))

from safetensors.torch import load_file, save_file
from scene_library import make_library

from core.errors import ConfigError, DataError, ModelError
from pipeline.catalog import find_model
from pipeline.config import DetectConfig
from synth.config import SceneConfig
from training import detector
from training.detector_data import BatchFeed, cut_crop, cut_mosaic, to_batch
from training.evaluate_detector import evaluate, open_detectors
from training.export_detector import average_weights, balanced, export_detector, halve
from training.scenes import make_scenes, read_scenes
from training.widen import main as widen_main
from training.widen import widen
from training.yolo import DetectionModel

SMALL = SceneConfig(canvas_wh=(96, 64), size_px_range=(12, 50), effects="light")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    make_scenes(make_library(folder / "library"), SMALL, folder / "cache", count=100, seed=2)
    return folder / "cache"


def test_the_cache_is_continued_not_made_again(cache: Path) -> None:
    library = make_library(cache.parent / "again")
    assert make_scenes(library, SMALL, cache, count=100, seed=2) == 0
    before = (cache / "images" / "0000007.jpg").read_bytes()
    (cache / "blocks" / "00000.jsonl").unlink()
    with pytest.raises(DataError, match="no finished block"):
        read_scenes(cache)
    assert make_scenes(library, SMALL, cache, count=100, seed=2) == 100
    assert (cache / "images" / "0000007.jpg").read_bytes() == before
    assert len(read_scenes(cache)) == 100


def test_a_cache_grows_in_whole_blocks(cache: Path) -> None:
    library = make_library(cache.parent / "grown")
    with pytest.raises(ConfigError, match="multiple of 100, got 150"):
        make_scenes(library, SMALL, cache, count=200, seed=2, start=150)


def test_a_cache_holds_scenes_of_one_kind(cache: Path) -> None:
    library = make_library(cache.parent / "mixed")
    with pytest.raises(ConfigError, match="begun with another seed or settings"):
        make_scenes(library, SMALL, cache, count=200, seed=3)
    assert make_scenes(library, SMALL, cache, count=200, seed=3, start=100) == 100
    assert len(read_scenes(cache)) == 200


def test_boxes_follow_their_objects_into_crops(rng: np.random.Generator) -> None:
    image = np.full((183, 320, 3), 40, np.uint8)
    boxes = np.array([[60, 50, 100, 90], [200, 100, 230, 150]], np.float32)
    for x1, y1, x2, y2 in boxes.astype(int):
        image[y1:y2, x1:x2] = 230
    for _ in range(150):
        crop, moved = cut_crop(image, boxes, (96, 96), rng)
        assert crop.shape == (96, 96, 3)
        for box in moved:
            x1, y1, x2, y2 = np.round(box).astype(int)
            inside = crop[max(y1, 0) : y2, max(x1, 0) : x2].mean()
            assert inside > 140, (box, inside)
            wide = crop[max(y1 - 6, 0) : y2 + 6, max(x1 - 6, 0) : x2 + 6].mean()
            assert wide < inside or (x2 - x1 > 80 or y2 - y1 > 80)


def test_crops_show_large_objects_whole_and_in_part(rng: np.random.Generator) -> None:
    image = np.full((366, 640, 3), 40, np.uint8)
    boxes = np.array([[100, 20, 500, 340]], np.float32)
    shares = []
    for _ in range(60):
        _, moved = cut_crop(image, boxes, (256, 256), rng)
        sides = moved[:, 2:] - moved[:, :2]
        shares.extend((sides / 256).max(axis=1).tolist())
    assert min(shares) < 0.97
    assert max(shares) > 0.99
    assert len(shares) > 40


def test_a_mosaic_shows_four_scenes_with_their_boxes(rng: np.random.Generator) -> None:
    scenes = []
    for value in (60, 110, 160, 210):  # the object of each scene is 40 brighter than its ground
        image = np.full((183, 320, 3), value - 40, np.uint8)
        image[60:90, 100:140] = value
        scenes.append((image, np.array([[100, 60, 140, 90]], np.float32)))
    counts = []
    for _ in range(40):
        crop, boxes = cut_mosaic(scenes, (192, 160), rng)
        assert crop.shape == (160, 192, 3)
        assert (boxes >= 0).all()
        assert (boxes <= [192, 160, 192, 160]).all()
        for x1, y1, x2, y2 in np.round(boxes).astype(int):
            inside = crop[y1:y2, x1:x2].mean()
            around = crop[max(y1 - 3, 0) : y2 + 3, max(x1 - 3, 0) : x2 + 3].mean()
            # Beside a seam the ground may be a brighter scene's, so only most must stand out.
            counts.append(inside > around)
    assert len(counts) > 100
    assert np.mean(counts) > 0.8


def test_mosaics_stop_when_told_to(cache: Path) -> None:
    scenes = [scene for scene in read_scenes(cache) if len(scene.xyxy)]
    feed = BatchFeed(scenes, crop_wh=(96, 64), batch_size=8, seed=0, mosaic_ratio=1.0)
    many = np.mean([len(feed.next()["bboxes"]) for _ in range(6)])
    feed.set_mosaic(0.0)
    few = [len(feed.next()["bboxes"]) for _ in range(20)][-6:]  # past those already waiting
    feed.close()
    assert many > 1.3 * np.mean(few)


def test_batches_group_boxes_by_image() -> None:
    images = [np.zeros((32, 64, 3), np.uint8)] * 3
    boxes = [
        np.array([[0, 0, 32, 16]], np.float32),
        np.zeros((0, 4), np.float32),
        np.array([[0, 0, 64, 32], [16, 8, 48, 24]], np.float32),
    ]
    batch = to_batch(list(zip(images, boxes, strict=True)))
    assert batch["img"].shape == (3, 3, 32, 64)
    assert batch["batch_idx"].tolist() == [0, 2, 2]
    assert batch["bboxes"].tolist() == [[0.25] * 2 + [0.5] * 2, [0.5, 0.5, 1, 1], [0.5] * 4]


def test_errors_of_the_feed_reach_the_loop(cache: Path) -> None:
    missing = [replace(read_scenes(cache)[0], path=Path("none.jpg"))]
    feed = BatchFeed(missing, crop_wh=(32, 32), batch_size=2, seed=0)
    with pytest.raises(FileNotFoundError):
        feed.next()


def test_a_share_of_the_crops_are_hard_negatives(cache: Path) -> None:
    scenes = read_scenes(cache)
    full = [scene for scene in scenes if len(scene.xyxy)]
    empty = [replace(scene, xyxy=scene.xyxy[:0]) for scene in full]
    for ratio, count in ((0.0, 0), (1.0, 12)):
        feed = BatchFeed(
            full, crop_wh=(96, 64), batch_size=12, seed=0, negatives=empty, negative_ratio=ratio
        )
        rows = feed.next()["batch_idx"].unique()
        feed.close()
        assert (count == 12) == (len(rows) == 0)


def test_learning_rate_warms_up_and_falls() -> None:
    rates = [detector.learning_rate_at(step, step / 1000, 1.0) for step in range(1000)]
    assert rates[0] < 0.05
    assert max(rates) > 0.95
    assert rates[-1] == pytest.approx(0.015, abs=1e-3)


@pytest.mark.slow
def test_train_resume_export_measure(cache: Path, tmp_path: Path) -> None:
    options = detector.TrainOptions(
        batch_size=4, crop_wh=(64, 64), late_crop_wh=(96, 64), max_steps=2
    )
    weights = detector.train(cache, tmp_path / "run", options)
    longer = detector.TrainOptions(
        batch_size=4, crop_wh=(64, 64), late_crop_wh=(96, 64), max_steps=3
    )
    assert detector.train(cache, tmp_path / "run", longer, resume=True) == weights
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["step"] == 3
    path = export_detector(weights, out=tmp_path / "model")
    assert path.stat().st_size < 10_000_000
    scenes = read_scenes(cache)[:4]
    images = [lambda s=s: cv2.cvtColor(cv2.imread(str(s.path)), cv2.COLOR_BGR2RGB) for s in scenes]
    detectors = open_detectors(path, DetectConfig(input_wh=(96, 64)), 1)
    measured, found = evaluate(*detectors, images, [s.xyxy for s in scenes])
    assert measured["images"] == len(found) == 4
    assert 0 <= measured["ap50"] <= 1


def test_an_export_that_cannot_be_compared_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights.safetensors"
    save_file(halve(detector.build_model().state_dict()), weights)
    monkeypatch.setattr("training.export_detector.compare", lambda *_: (float("nan"), 0.0))
    with pytest.raises(ModelError, match="nothing was written"):
        export_detector(weights, out=tmp_path / "model")
    assert not list((tmp_path / "model").iterdir())


def test_weights_are_averaged() -> None:
    one = {"a": torch.tensor([1.0, 2.0]).half(), "n": torch.tensor(3)}
    two = {"a": torch.tensor([3.0, 6.0]), "n": torch.tensor(5)}
    mean = average_weights([one, two])
    assert (mean["a"].tolist(), mean["a"].dtype) == ([2.0, 4.0], torch.float32)
    assert mean["n"] == 5


def test_one_head_of_all(tmp_path: Path) -> None:
    model = detector.build_model()
    assert model.stride.tolist() == [8.0]
    whole = DetectionModel("yolo11n.yaml", nc=1, verbose=False).half()
    loaded = detector.load_model(whole.state_dict())
    first, ours = whole.model[23].cv3[0], loaded.model[17].cv3[0]
    for one, other in zip(first.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(one.float(), other)
    again = detector.load_model(loaded.state_dict())
    torch.testing.assert_close(again.state_dict(), loaded.state_dict())
    with pytest.raises(ModelError, match="not of this version"):
        detector.load_model({"stem.weight": torch.zeros(3)})


@pytest.mark.parametrize("factor", [1.5, 2.0])
def test_wider_network_computes_the_same(factor: float) -> None:
    narrow = trained_like(detector.build_model(deep_factor=1.0))
    wide = widen(narrow, factor)
    assert narrow.model[16].cv2.conv.out_channels == 64
    assert wide.model[16].cv2.conv.out_channels == 64 * factor
    assert wide.model[0].conv.out_channels == 16  # where pixels are many, nothing is added
    images = torch.rand(1, 3, 64, 160)
    with torch.no_grad():
        old, new = (model.eval()(images)[0] for model in (narrow, wide))
    torch.testing.assert_close(old[:, :4], new[:, :4], atol=0.05, rtol=0)
    torch.testing.assert_close(old[:, 4], new[:, 4], atol=1e-3, rtol=0)
    assert old[:, 4].std() > 0.02  # the answers are not all one number
    again = detector.load_model(wide.state_dict())
    assert again.model[7].conv.out_channels == 256 * factor


def test_wider_weights_are_written(tmp_path: Path) -> None:
    narrow, wide = tmp_path / "narrow.safetensors", tmp_path / "wide.safetensors"
    save_file(halve(detector.build_model(deep_factor=1.0).state_dict()), narrow)
    widen_main(["--weights", str(narrow), "--out", str(wide)])
    assert detector.load_model(load_file(narrow)).model[3].conv.out_channels == 64
    assert detector.load_model(load_file(wide)).model[3].conv.out_channels == 96


def test_grown_kernels_fit_into_16_bits() -> None:
    """What follows divides by the spread, so a kernel may grow in training and nobody sees it."""
    model = trained_like(detector.build_model(deep_factor=1.0)).eval()
    images = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        before = model(images)[0]
        block = model.model[8].cv1
        block.conv.weight *= 3000
        block.bn.running_mean *= 3000
        block.bn.running_var.copy_((block.bn.running_var + block.bn.eps) * 3000**2)
        torch.testing.assert_close(before[:, 4], model(images)[0][:, 4], atol=1e-3, rtol=0)
    with pytest.raises(ModelError, match="beyond the range of 16 bits"):
        halve(model.state_dict())
    weights = balanced(model)
    assert weights["model.8.cv1.bn.running_var"].max() < 10
    assert halve(weights).keys() == weights.keys()
    with torch.no_grad():
        after = detector.load_model(weights).eval()(images)[0]
    torch.testing.assert_close(before[:, 4], after[:, 4], atol=1e-3, rtol=0)


def test_shipped_weights_are_those_of_the_shipped_graph() -> None:
    folder = find_model("spotter-detector-n", "detect").folder
    model = detector.load_model(load_file(folder / "detector.safetensors")).float().eval()
    picture = Path(__file__).parents[2] / "assets" / "backgrounds"
    image = cv2.imread(str(sorted(picture.glob("*.jpg"))[0]))
    pixels = cv2.resize(image, (480, 256))[..., ::-1].astype(np.float32) / 255
    images = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
    graph = ort.InferenceSession(str(folder / "detector.onnx"), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        ours = model(torch.from_numpy(images))[0].numpy()
    theirs = graph.run(None, {"images": images})[0]
    # Rounded to 16 bits before and after the normalisation is folded in.
    assert np.abs(ours[:, 4] - theirs[:, 4]).max() < 0.01
    assert np.median(np.abs(ours[:, :4] - theirs[:, :4])) < 0.5


def test_copies_of_a_channel_learn_different_things() -> None:
    wide = widen(trained_like(detector.build_model(deep_factor=1.0)), 1.5).train()
    wide(torch.rand(2, 3, 64, 64))["boxes"].sum().backward()
    gradients = wide.model[3].conv.weight.grad
    assert (gradients[:32] - gradients[64:]).abs().max() > 0.01 * gradients[:32].abs().max()


def test_unequal_groups_are_refused() -> None:
    with pytest.raises(ModelError, match="heads of attention"):
        widen(detector.build_model(deep_factor=1.0), 1.25)


def trained_like(model: torch.nn.Module) -> torch.nn.Module:
    """The model with statistics of real activations, and no two channels alike."""
    torch.manual_seed(4)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
            elif isinstance(module, torch.nn.Conv2d) and module.bias is not None:
                module.weight.normal_(0, 0.3)  # the last ones begin with almost no effect
                module.bias.zero_()
        model.train()(torch.rand(4, 3, 96, 96))
    return model


def test_smoke_runs(capsys: pytest.CaptureFixture[str]) -> None:
    detector.main(["--smoke"])
    assert capsys.readouterr().out.count("box ") == 2
