"""Locator: observe once, answer often; the rules about what is found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled, CaptionError, ImageError, ImageTooLargeError, InputError
from core.image import encode_image, to_pil
from core.result import Result
from pipeline.config import load_config
from pipeline.fakes import FakeDetector, FakeReranker
from pipeline.locate import Locator
from pipeline.stages import Calibration


def test_finds_by_color(fake_locator, shapes_image):
    result = fake_locator.locate([shapes_image], ["red box", "blue thing"])[0]
    assert result.answer_xyxy(0) == (20, 10, 60, 40)
    assert result.answer_xyxy(1) == (100, 50, 160, 90)
    assert result.image_wh == (200, 100)
    assert all(ranking.found for ranking in result.rankings)


def test_absent_object_is_not_invented(fake_locator, shapes_image):
    ranking = fake_locator.locate([shapes_image], ["yellow box"])[0].rankings[0]
    assert not ranking.found
    assert ranking.answer_row is None
    assert ranking.nearest_row == ranking.order[0]
    assert ranking.found_probability < 0.5


def test_answer_equals_locate_and_needs_no_image(fake_locator, shapes_image):
    observation = fake_locator.observe([shapes_image])[0]
    again = fake_locator.answer(observation, ["red box"])
    whole = fake_locator.locate([shapes_image], ["red box"])[0]
    assert again.rankings[0].to_dict() == whole.rankings[0].to_dict()
    assert observation.crops.source is None


def test_empty_image_finds_nothing(fake_locator):
    blank = np.full((30, 40, 3), 90, np.uint8)
    result = fake_locator.locate([blank], ["red box", "blue box"], assignment="joint")[0]
    assert len(result.detections) == 0
    assert [ranking.found for ranking in result.rankings] == [False, False]
    assert [ranking.nearest_row for ranking in result.rankings] == [None, None]


def test_one_list_of_captions_per_image(fake_locator, shapes_image):
    results = fake_locator.locate([shapes_image, shapes_image], [["red"], ["blue", "red"]])
    assert [len(result.rankings) for result in results] == [1, 2]


@pytest.mark.parametrize(
    ("captions", "error", "message"),
    [
        ("red box", CaptionError, r"list of texts"),
        ([["red"]], InputError, r"2 images and 1 lists"),
        (["  \n"], CaptionError, r"caption is empty"),
        (["x" * 2001], CaptionError, r"2001 characters, the limit is 2000"),
        ([["red"], [7]], CaptionError, r"must be text, got int"),
    ],
    ids=["text", "count", "empty", "long", "number"],
)
def test_bad_captions_are_refused(fake_locator, shapes_image, captions, error, message):
    with pytest.raises(error, match=message):
        fake_locator.locate([shapes_image, shapes_image], captions)


def test_captions_are_cleaned_and_odd_ones_work(fake_locator, shapes_image):
    captions = ["  red \n box ", "🚁" * 20, "x" * 2000, "{} % \\ \x00", "\ud83d"]
    result = fake_locator.locate([shapes_image], captions)[0]
    assert result.rankings[0].caption == "red box"
    assert len(result.rankings) == 5


def test_long_captions_are_noted(fake_locator, shapes_image):
    result = fake_locator.locate([shapes_image], ["red " * 30])[0]
    assert "cut after 24 words" in result.warnings[0]


def test_an_uncalibrated_reranker_says_so(fake_locator, shapes_image, monkeypatch):
    assert fake_locator.locate([shapes_image], ["red"])[0].warnings == ()
    guess = replace(fake_locator.calibration, is_fitted=False, found_probability_min=0.1)
    monkeypatch.setattr(fake_locator, "calibration", guess)
    (warning,) = fake_locator.locate([shapes_image], ["red", "blue"])[0].warnings
    assert warning == "This reranker is uncalibrated: that 10% counts as found is only a guess."


def test_accepts_bytes_and_refuses_rubbish(fake_locator, shapes_image):
    data = encode_image(shapes_image)
    assert fake_locator.locate([data], ["red"])[0].answer_xyxy() == (20, 10, 60, 40)
    with pytest.raises(ImageError, match="not an image"):
        fake_locator.locate([b"hello"], ["red"])


def test_of_several_images_an_error_tells_which(fake_locator, shapes_image, tmp_path):
    with pytest.raises(ImageError, match=r"^image 2 of 2: .*not an image"):
        fake_locator.observe([shapes_image, b"hello"])
    strict = Locator(fake_locator.detector, fake_locator.reranker, max_pixels=9)
    with pytest.raises(ImageTooLargeError, match=r"^image 1 of 2: "):
        strict.observe([shapes_image, shapes_image])
    with pytest.raises(ImageError, match=r"^[^:]*none\.png"):
        fake_locator.observe([shapes_image, tmp_path / "none.png"])


@pytest.mark.parametrize(
    "make", [str, Path, encode_image, to_pil, np.asarray], ids=lambda m: m.__name__
)
def test_one_image_instead_of_a_list_is_refused(fake_locator, shapes_image, make):
    """Its rows, its bytes or the letters of its path would pass for images."""
    one = make("a.png" if make in (str, Path) else shapes_image)
    for call in (fake_locator.observe, lambda image: fake_locator.locate(image, ["red"])):
        with pytest.raises(InputError, match=r"must be a list, got one .*\. Write \[image\]"):
            call(one)


def test_images_and_captions_may_come_from_anything_that_lists_them(fake_locator, shapes_image):
    stack = np.stack([shapes_image, shapes_image])
    lists = fake_locator.locate(stack, (text for text in ("red", "blue")))
    assert [result.captions for result in lists] == [("red", "blue")] * 2
    (one,) = fake_locator.locate((image for image in [shapes_image]), [["red"]])
    assert one.captions == ("red",)


def test_an_unknown_assignment_is_refused_before_the_work(fake_locator, shapes_image, monkeypatch):
    seen = fake_locator.observe([shapes_image])[0]
    monkeypatch.setattr(fake_locator, "detector", None)
    message = "must be independent or joint, got 'jointly'"
    with pytest.raises(InputError, match=message):
        fake_locator.locate([shapes_image], ["red"], assignment="jointly")
    with pytest.raises(InputError, match=message):
        fake_locator.answer(seen, ["red"], assignment="jointly")


def test_one_pixel(fake_locator):
    result = fake_locator.locate([np.zeros((1, 1, 3), np.uint8)], ["red"])[0]
    assert result.image_wh == (1, 1)


def test_seconds_add_up_and_crops_on_request(fake_locator, shapes_image):
    result = fake_locator.locate([shapes_image], ["red"], keep_crops=True)[0]
    parts = {"decode", "detect", "cut", "upscale", "rerank"}
    assert set(result.seconds) == parts | {"total", "answer"}
    assert result.seconds["total"] == pytest.approx(sum(result.seconds[p] for p in parts))
    assert len(result.crops) == len(result.upscaled) == 2
    assert result.upscaled.scale.tolist() == [4, 4]
    assert fake_locator.locate([shapes_image], ["red"])[0].crops is None


def test_result_survives_json(fake_locator, shapes_image):
    result = fake_locator.locate([shapes_image], ["red", "yellow"])[0]
    text = json.dumps(result.to_dict())
    assert Result.from_dict(json.loads(text)).to_dict() == result.to_dict()


def test_progress_and_cancel(fake_locator, shapes_image):
    calls = []
    fake_locator.observe([shapes_image], on_progress=lambda *call: calls.append(call))
    assert calls[0] == (1, 5, "decode")
    assert calls[-1] == (5, 5, "embed")

    def stop(done, total, what):
        raise Cancelled("stopped.")

    with pytest.raises(Cancelled):
        fake_locator.observe([shapes_image], on_progress=stop)


def test_joint_captions_take_different_boxes():
    locator = Locator(
        FakeDetector(boxes_ratio=[(0, 0, 0.4, 1), (0.6, 0, 1, 1)]),
        FakeReranker(),
        calibration=Calibration(a=1, b=0, c=0, found_probability_min=0.0),
    )
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, :50] = (255, 0, 0)
    image[:, 50:] = (230, 60, 0)
    captions = ["red one", "orange one", "red other"]
    apart = locator.locate([image], captions[:2], assignment="independent")[0]
    joint = locator.locate([image], captions, assignment="joint")[0]
    assert apart.rankings[0].answer_row is not None
    rows = [ranking.answer_row for ranking in joint.rankings]
    assert sorted(row for row in rows if row is not None) == [0, 1]
    assert rows.count(None) == 1


def test_threads_agree(fake_locator, shapes_image, in_threads):
    found = in_threads(lambda: fake_locator.locate([shapes_image], ["red"])[0].answer_xyxy())
    assert found == [(20, 10, 60, 40)] * 4


def test_fake_preset_opens_without_weights(shapes_image):
    locator = Locator.open(load_config("fake"))
    locator.warm_up()
    result = locator.locate([shapes_image], ["red"])[0]
    assert result.answer_xyxy() == (20, 10, 60, 40)
    assert result.provenance["detector"] == "fake-detector"
    assert result.provenance["engine_reason"]


def test_the_warm_up_meets_all_batches_of_a_closer_look(monkeypatch):
    locator = Locator.open(load_config())
    batches = set()
    stack = np.stack
    monkeypatch.setattr(
        "pipeline.detect.network.np.stack", lambda a: batches.add(len(a)) or stack(a)
    )
    locator.warm_up()
    assert {8, 7} <= batches, "engines take 7 as 4, 2 and 1"


def test_found_threshold_can_be_set(shapes_image):
    locator = Locator.open(load_config("fake", sets=["rerank.found_probability_min=0.999"]))
    assert not locator.locate([shapes_image], ["red"])[0].rankings[0].found


def test_many_images_equal_each_alone(fake_locator, shapes_image):
    images = [shapes_image, shapes_image[:, ::-1].copy(), shapes_image[:45]]
    together = fake_locator.locate(images, ["red"])
    alone = [fake_locator.locate([image], ["red"])[0] for image in images]
    assert [r.answer_xyxy() for r in together] == [r.answer_xyxy() for r in alone]
