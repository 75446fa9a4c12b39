"""The benchmark itself: it runs, and compares like with like."""

from __future__ import annotations

import json
from importlib.util import find_spec
from time import perf_counter, sleep

import numpy as np
import pytest

from benchmarks import locate, timing
from benchmarks.machine import describe_commit, describe_machine, summarize_ms
from benchmarks.pictures import CUTOUTS_PATH, make_pictures
from core.errors import ConfigError
from core.types import Detections
from pipeline.build import build_stages
from pipeline.catalog import MODELS_PATH
from pipeline.config import load_config
from pipeline.cut import cut
from pipeline.locate import Locator


def test_report(capsys):
    if not (CUTOUTS_PATH / "cutouts.jsonl").is_file():
        pytest.skip("no cutouts in assets/cutouts")
    arguments = ["--preset", "fake", "--pictures", "1", "--repeats", "1", "--warm-up", "0"]
    locate.main([*arguments, "--no-reference", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert set(report["median_ms"]) == set(locate.STAGES)
    assert report["median_ms"]["total"] > 0
    assert report["provenance"]["preset"] == "fake"
    locate.main([*arguments, "--no-reference"])
    assert "second_caption_ms" in capsys.readouterr().out


def test_many_pictures_are_timed_when_the_engines_have_settled(monkeypatch):
    """A call that shares its cores with a compiler does not count, nor does a single slow one."""
    engine = pytest.importorskip("pipeline.engines.openvino_engine")
    slow = {*range(2 * engine._RUNS_BEFORE_COPY), timing.WARM_UP_CALLS + 1}
    calls = iter(range(100))

    class Settling:
        def locate(self, images, captions):
            sleep(0.05 if next(calls) in slow else 0.001)

    monkeypatch.setattr(timing, "WARM_UP_S", 0.0)
    pictures = [locate.Picture(np.zeros((4, 4, 3), np.uint8), ("thing",))] * 8
    rate = locate.measure_throughput(Settling(), pictures, repeats=5)
    assert next(calls) == timing.WARM_UP_CALLS + 5
    assert rate > 8 / 0.025


def test_warming_up_lasts_as_long_as_a_compiler_may_take(monkeypatch):
    monkeypatch.setattr(timing, "WARM_UP_S", 0.1)
    calls = []
    timing.time_settled_ms(lambda: calls.append(perf_counter()), 1)
    assert len(calls) > timing.WARM_UP_CALLS
    assert calls[-1] - calls[0] > 0.09


def test_pictures_are_the_same_every_time():
    if not (CUTOUTS_PATH / "cutouts.jsonl").is_file():
        pytest.skip("no cutouts in assets/cutouts")
    first, again = make_pictures(1)[0], make_pictures(1)[0]
    np.testing.assert_array_equal(first.image, again.image)
    assert len(first.captions) == 4


def test_machine_and_summary(tmp_path):
    assert describe_machine()["threads"] >= 1
    assert describe_commit(tmp_path) == "unknown"
    assert summarize_ms([0.010, 0.020, 0.030]) == (20.0, 29.0)


@pytest.mark.weights
def test_reference_upscales_alike(image):
    """Far from the border, padding by reflection and real context give the same pixels."""
    folder = MODELS_PATH / "spotter-upscaler-x4"
    if not (folder / "upscaler.safetensors").is_file():
        pytest.skip("no weights in assets/models/spotter-upscaler-x4: train and export them")
    pytest.importorskip("torch", reason="pip install -r requirements-train.txt")
    from benchmarks.one_by_one import OneByOneUpscaler, load_compact

    sets = [f'upscale.model="{folder}"', "engine.precision=f32", "upscale.below_px=96"]
    config = load_config("fake", sets=sets)
    ours = build_stages(config).upscalers[0]
    reference = OneByOneUpscaler(load_compact(folder / "upscaler.safetensors"), below_px=96)
    crops = cut(image((200, 160)), Detections.from_xyxy([[60, 50, 110, 100]], (200, 160)))
    a, b = ours([crops])[0].images[0], reference([crops])[0].images[0]
    middle = (slice(40, -40), slice(40, -40))
    assert np.abs(a[middle].astype(int) - b[middle]).max() <= 1
    assert np.abs(a.astype(int) - b).max() > 1


@pytest.mark.parametrize("setting", ["upscale.mode=none", "upscale.mode=lanczos",
                                     'detect.ensemble=["spotter-detector-n"]'])  # fmt: skip
def test_reference_refuses_work_that_it_does_not_do(setting):
    pytest.importorskip("torch", reason="pip install -r requirements-train.txt")
    from benchmarks.reference import open_reference

    with pytest.raises(ConfigError, match=setting.split("=")[0]):
        open_reference(load_config("mini", sets=[setting]), threads=1)


@pytest.mark.weights
@pytest.mark.parametrize(
    "sets",
    [
        ["cut.shape=box", "detect.flip=true"],
        ["detect.scales=[0.5]", "detect.score_min=0.3"],
        # In tiles of 400x300 two anchors of one object have the same score but for 0.0003, and
        # which of them leads the fused box depends on how its weights were rounded.
        ["detect.tile_wh=[440, 300]", "detect.level_count=1"],
    ],
)
def test_reference_does_the_same_work(sets, monkeypatch):
    """Whatever the settings, both ways look at as many pixels, and cut the same crops."""
    if not (MODELS_PATH / "spotter-detector-n" / "detector.safetensors").is_file():
        pytest.skip("no weights in assets/models/spotter-detector-n")
    if not (CUTOUTS_PATH / "cutouts.jsonl").is_file():
        pytest.skip("no cutouts in assets/cutouts")
    if find_spec("ultralytics") is None:
        pytest.skip("needs ultralytics: see requirements-train.txt")
    from benchmarks.reference import open_reference

    monkeypatch.setenv("YOLO_VERBOSE", "False")
    config = load_config("mini", sets=["engine.precision=f32", "detect.input_wh=[480, 288]", *sets])
    ours, reference = Locator.open(config), open_reference(config, threads=1)
    image = make_pictures(1, wh=(760, 436))[0].image
    a, b = (locator.observe([image])[0] for locator in (ours, reference))
    assert len(a.detections) == len(b.detections) > 0
    np.testing.assert_allclose(a.detections.xyxy, b.detections.xyxy, atol=0.5)
    np.testing.assert_allclose(a.detections.score, b.detections.score, atol=0.01)
    np.testing.assert_allclose(a.crops.region_xyxy, b.crops.region_xyxy, atol=2)
