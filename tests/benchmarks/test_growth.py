"""The benchmarks of growth, tiles and accuracy: what they compare, without weights."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import accuracy, stages, tiles, timing
from benchmarks.accuracy import Question, compare, parse_variant
from benchmarks.machine import describe_machine, peak_memory_mib
from benchmarks.pictures import CUTOUTS_PATH, scatter_objects
from core.errors import InputError
from core.image import encode_image
from core.types import Detections
from pipeline.config import load_config
from pipeline.detect.network import PARTS_AT_ONCE
from pipeline.fakes import FakeDetector
from pipeline.locate import Locator

needs_cutouts = pytest.mark.skipif(
    not (CUTOUTS_PATH / "cutouts.jsonl").is_file(), reason="no cutouts in assets/cutouts"
)


@needs_cutouts
def test_stages_are_timed_for_each_amount_of_work(capsys, monkeypatch):
    monkeypatch.setattr(timing, "WARM_UP_S", 0.0)
    monkeypatch.setattr(stages, "SIZES_WH", ((64, 40), (320, 180)))
    monkeypatch.setattr(stages, "BOX_COUNTS", (1, 4))
    monkeypatch.setattr(stages, "CAPTION_COUNTS", (1, 4))
    stages.main(["--preset", "fake", "--repeats", "1", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert list(report["by_boxes_ms"]) == ["1", "4"]
    assert set(report["by_boxes_ms"]["4"]) == {"cut", "upscale", "embed"}
    assert list(report["by_captions_ms"]) == ["1", "4"]
    assert list(report["detect_by_size_ms"]) == ["64x40", "320x180"]
    assert report["provenance"]["preset"] == "fake"


def test_cutting_is_timed_with_the_settings_of_the_locator(monkeypatch, shapes_image):
    monkeypatch.setattr(timing, "WARM_UP_S", 0.0)
    monkeypatch.setattr(stages, "BOX_COUNTS", (4,))
    locator = Locator.open(load_config("fake", sets=["cut.shape=box", "cut.context_ratio=0"]))
    cuts = []
    monkeypatch.setattr(
        locator, "cut", lambda *given: cuts.append(Locator.cut(locator, *given)) or cuts[-1]
    )
    stages.measure_boxes(locator, shapes_image, repeats=2)
    assert len(cuts) == 1 + timing.WARM_UP_CALLS + 2
    assert all(crops.region_xyxy[0].tolist() == [0, 0, 16, 16] for crops in cuts)


@pytest.mark.parametrize("count", stages.BOX_COUNTS)
def test_boxes_to_time_are_as_many_as_asked_and_inside(count):
    boxes = stages._grid(count, (1520, 870))
    seen = Detections.from_xyxy(boxes, (1520, 870))
    assert len(seen) == count
    assert (boxes >= 0).all()
    assert (boxes.max(axis=0)[2:] <= (1520, 870)).all()


@needs_cutouts
def test_small_objects_lie_where_their_boxes_say():
    picture, again = (scatter_objects(0, wh=(400, 300), count=6) for _ in range(2))
    np.testing.assert_array_equal(picture.image, again.image)
    sides = (picture.xyxy[:, 2:] - picture.xyxy[:, :2]).max(axis=1)
    assert len(sides) == 6
    assert sides.min() >= 7
    assert sides.max() <= 16
    found = Detections.from_xyxy(picture.xyxy[:3], (400, 300))
    assert tiles.recall_of(found, picture) == 0.5


@pytest.mark.parametrize("sets", [[], ["detect.score_min=0.3"], ["detect.tile_whole=false"]])
def test_tiles_one_by_one_find_what_batched_tiles_find(sets, monkeypatch):
    ways = tiles.open_ways(tiles.load_tiled("fake", ["detect.input_wh=[160, 96]", *sets]))
    image = np.full((200, 400, 3), 200, np.uint8)
    image[150:160, 300:312] = (255, 0, 0)
    calls = []
    look = FakeDetector.__call__

    def watched(self, images):
        calls.append(len(images))
        return look(self, images)

    monkeypatch.setattr(FakeDetector, "__call__", watched)
    together = ways["tiles"]([image])[0]
    assert max(calls) == PARTS_AT_ONCE
    calls.clear()
    alone = ways["tiles_one_by_one"]([image])[0]
    assert max(calls) == 1
    np.testing.assert_array_equal(together.xyxy, alone.xyxy)
    assert together.xyxy.tolist() == [[300, 150, 312, 160]]
    figures = tiles.measure(ways, [tiles.Scattered(image, together.xyxy)])
    assert figures["tiles"]["recall50"] == 1.0
    assert set(figures) == {"whole", "tiles", "tiles_one_by_one"}


def test_variants_are_asked_the_same(shapes_image, tmp_path):
    path = tmp_path / "shapes.png"
    path.write_bytes(encode_image(shapes_image))
    boxes = np.array([[20, 10, 60, 40], [100, 50, 160, 90]], np.float32)
    questions = [Question(path, boxes, ("red thing", "blue thing")),
                 Question(path, boxes[::-1], ("red thing", "blue thing"))]  # fmt: skip
    plain = Locator.open(load_config("fake"))
    blind = Locator.open(load_config("fake", sets=["detect.score_min=1.0"]))
    figures = compare({"plain": plain, "blind": blind}, questions)
    assert figures["plain"]["caption_accuracy"] == 0.5
    assert figures["plain"]["recall50"] == 1.0
    assert figures["blind"]["caption_accuracy"] == 0.0
    assert figures["blind"]["boxes_per_image"] == 0.0


def test_variants_are_read():
    assert parse_variant("plain=") == ("plain", [])
    with pytest.raises(InputError, match="name=key=value"):
        parse_variant("nonsense")
    with pytest.raises(SystemExit):
        accuracy.main([])


def test_the_machine_is_told_with_its_cards_and_memory():
    assert isinstance(describe_machine()["gpus"], list)
    assert 1 < peak_memory_mib() < 1_000_000
