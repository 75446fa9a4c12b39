from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import CaptionError, ConfigError, ImageError, InputError
from core.image import image_wh
from core.types import Detections
from frontends.service import ENVIRONMENT, Service, read_limits
from pipeline.config import DetectConfig, LocateConfig, load_config
from pipeline.fakes import FakeDetector
from pipeline.locate import Locator


class CountingLocator(Locator):
    """Counts how often an image was looked at."""

    looks = 0

    def observe(self, images, *, on_progress=None):
        self.looks += 1
        return super().observe(images, on_progress=on_progress)


@pytest.fixture
def counting(fake_locator: Locator) -> CountingLocator:
    return CountingLocator(
        fake_locator.detector, fake_locator.reranker, upscalers=fake_locator.upscalers
    )


@pytest.fixture
def counted(counting: CountingLocator) -> Service:
    return Service(read_limits({}), open_locator=lambda config: counting)


@pytest.mark.parametrize(
    ("environment", "field", "expected"),
    [
        ({}, "upload_max_bytes", 32_000_000),
        ({"SPOTTER_UPLOAD_MB": "5"}, "upload_max_bytes", 5_000_000),
        ({"SPOTTER_ARCHIVE_MB": "5"}, "archive_max_bytes", 5_000_000),
        ({"SPOTTER_PRESET": "fake"}, "preset", "fake"),
        ({"SPOTTER_PRESET": ""}, "preset", None),
    ],
)
def test_limits_come_from_the_environment(environment, field, expected):
    assert getattr(read_limits(environment), field) == expected


@pytest.mark.parametrize("value", ["0", "-3", "many", "1.5"])
def test_a_limit_must_be_a_whole_number(value):
    with pytest.raises(ConfigError, match="SPOTTER_CACHE_MB must be a whole number above 0"):
        read_limits({"SPOTTER_CACHE_MB": value})


def test_every_variable_is_described():
    assert all(name.startswith("SPOTTER_") and meaning for name, _, meaning in ENVIRONMENT)


def test_the_documented_limits_are_those_of_the_table():
    told = (Path(__file__).parents[2] / "docs" / "page.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"\| `(SPOTTER_\w+)` \| (\d+) \|", told))
    assert rows == {name: default for name, default, _ in ENVIRONMENT if default}


def test_new_captions_need_no_second_look(counted, counting, shapes_path):
    config = LocateConfig()
    first = counted.locate(shapes_path, ["red thing"], config)
    second = counted.locate(shapes_path, ["blue thing", "red thing"], config)
    assert counting.looks == 1
    assert (first.reused, second.reused) == (False, True)
    assert first.key == second.key


def test_a_renamed_picture_is_the_same_picture(counted, counting, shapes_path, tmp_path):
    copy = tmp_path / "copy.png"
    copy.write_bytes(shapes_path.read_bytes())
    counted.locate(shapes_path, ["red thing"], LocateConfig())
    counted.locate(copy, ["red thing"], LocateConfig())
    assert counting.looks == 1


def test_a_higher_confidence_only_filters_and_a_lower_one_looks_again(
    counted, counting, shapes_path
):
    def ask(score_min: float) -> int:
        config = LocateConfig().with_values({"detect": {"score_min": score_min}})
        return len(counted.locate(shapes_path, ["red thing"], config).result.detections)

    assert ask(0.3) == 2
    assert ask(0.9) == 1
    assert ask(0.999) == 0
    assert counting.looks == 1
    ask(0.1)
    assert counting.looks == 2


def test_an_answer_tells_the_settings_it_was_asked_with(service, shapes_path):
    """A picture that was looked at for more is not looked at again, and yet asked for less."""
    for score_min in (0.05, 0.3):
        config = service.base_config("fake", [f"detect.score_min={score_min}"])
        answer = service.locate(shapes_path, ["red thing"], config)
        assert f"detect.score_min={score_min}" in answer.result.provenance["config"]
    assert answer.reused


class TwoViews:
    """Sees a thing a little elsewhere at each input size, and cuts at its score as networks do."""

    num_looks = 0

    def __init__(self, config: DetectConfig) -> None:
        self.config = config

    def __call__(self, images):
        type(self).num_looks += 1
        wide = self.config.input_wh[0] > 500
        xyxy, score = ([10, 10, 40, 40], 0.9) if wide else ([14, 14, 48, 48], 0.2)
        return [
            Detections.from_xyxy([xyxy], image_wh(image), score=np.array([score], np.float32))[
                np.flatnonzero([score >= self.config.score_min])
            ]
            for image in images
        ]


def test_fused_views_answer_the_same_whatever_was_asked_before(shapes_path, monkeypatch):
    monkeypatch.setattr(FakeDetector, "open", lambda model, config, open_file: TwoViews(config))
    monkeypatch.setattr(TwoViews, "num_looks", 0)
    config = load_config("fake", sets=["detect.scales=[0.5]"])

    def ask(service: Service, score_min: float) -> dict:
        wish = config.with_values({"detect": {"score_min": score_min}})
        return service.locate(shapes_path, ["red thing"], wish).result.detections.to_dict()

    asked = (0.1, 0.3, 0.5, 0.05, 0.3, 0.1)
    cold = [ask(Service(read_limits({})), score_min) for score_min in asked]
    TwoViews.num_looks = 0
    service = Service(read_limits({}))
    assert [ask(service, score_min) for score_min in asked] == cold
    assert TwoViews.num_looks == 2 * 2  # two views: at 0.1 and above, and below that
    assert cold[1]["xyxy"] == cold[0]["xyxy"] != [[10, 10, 40, 40]]
    assert cold[1]["score"] == pytest.approx([0.55])


def test_other_settings_look_again(counted, counting, shapes_path):
    counted.locate(shapes_path, ["red thing"], LocateConfig())
    other = LocateConfig().with_values({"upscale": {"mode": "none"}})
    counted.locate(shapes_path, ["red thing"], other)
    assert counting.looks == 2


def test_the_cache_forgets_the_oldest(fake_locator, shapes_path, image, tmp_path):
    from core.image import encode_image

    limits = replace(read_limits({}), cache_max_bytes=1)
    service = Service(limits, open_locator=lambda config: fake_locator)
    key = service.locate(shapes_path, ["red thing"], LocateConfig()).key
    other = tmp_path / "other.png"
    other.write_bytes(encode_image(image()))
    service.locate(other, ["red thing"], LocateConfig())
    with pytest.raises(InputError, match="no longer kept"):
        service.crops(key, 0)


def test_crops_are_those_of_the_box(service, shapes_path):
    answer = service.locate(shapes_path, ["red thing"], service.base_config())
    row = answer.result.rankings[0].answer_row
    pair = service.crops(answer.key, row)
    assert pair.scale == 4
    assert pair.upscaled.shape[0] == pair.cut.shape[0] * 4
    assert (pair.cut == (255, 0, 0)).all(axis=2).any()
    with pytest.raises(InputError, match="there is no box 7"):
        service.crops(answer.key, 7)


def test_answer_again_needs_no_picture(service, shapes_path):
    answer = service.locate(shapes_path, ["red thing"], service.base_config())
    path, result = service.answer_again(answer.key, ["blue thing"], score_min=0.2)
    assert path == shapes_path
    assert result.answer_xyxy() == (100, 50, 160, 90)


def test_locators_are_opened_once_per_settings(fake_locator, shapes_path, in_threads):
    opened = []

    def open_locator(config: LocateConfig) -> Locator:
        opened.append(config)
        return fake_locator

    service = Service(read_limits({}), open_locator=open_locator)
    in_threads(lambda: service.locate(shapes_path, ["red thing"], LocateConfig()))
    assert len(opened) == 1


def test_settings_that_open_slowly_stop_no_others(fake_locator, shapes_path):
    slow = LocateConfig().with_values({"upscale": {"mode": "none"}})
    begun, go_on = threading.Event(), threading.Event()

    def open_locator(config: LocateConfig) -> Locator:
        if config == slow:
            begun.set()
            assert go_on.wait(20), "nobody else came through"
        return fake_locator

    service = Service(read_limits({}), open_locator=open_locator)
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(service.locate, shapes_path, ["red thing"], slow)
        assert begun.wait(20)
        others = threads.submit(service.locate, shapes_path, ["red thing"], LocateConfig())
        try:
            key = others.result(timeout=10).key
            service.answer_again(key, ["blue thing"], score_min=0.2)
        finally:
            go_on.set()
        assert waiting.result(timeout=10).result.rankings[0].found


def test_too_large_a_file_is_refused_unread(service, tmp_path):
    path = tmp_path / "large.jpg"
    path.write_bytes(b"0" * 2_000_000)
    small = Service(replace(service.limits, upload_max_bytes=1_000_000))
    with pytest.raises(ImageError, match=r"large\.jpg has 2 MB, the limit is 1 MB"):
        small.locate(path, ["red thing"], service.base_config())


def test_too_many_captions_are_refused(service, shapes_path):
    with pytest.raises(CaptionError, match="got 51 captions, the limit is 50"):
        service.locate(shapes_path, ["red thing"] * 51, service.base_config())


def test_a_missing_file_is_named(service, tmp_path):
    with pytest.raises(ImageError, match=r"cannot read gone\.png: No such file"):
        service.locate(tmp_path / "gone.png", ["x"], service.base_config())


def test_warm_up_runs_the_fakes(service: Service) -> None:
    service.warm_up()


def test_the_page_never_accepts_more_pixels_than_the_limit(
    service: Service, odd_file: Callable[[str], Path]
) -> None:
    small = Service(replace(service.limits, max_pixels=1000))
    with pytest.raises(ImageError, match="the limit is 1000 pixels"):
        small.locate(odd_file("tiff"), ["red thing"], small.base_config())


def test_downloads_use_the_newest_upload_of_a_picture(service, shapes_path, tmp_path):
    old = tmp_path / "old.png"
    old.write_bytes(shapes_path.read_bytes())
    config = service.base_config()
    service.locate(old, ["red thing"], config)
    old.unlink()
    key = service.locate(shapes_path, ["red thing"], config).key
    path, _ = service.answer_again(key, ["red thing"], score_min=0.0)
    assert path == shapes_path


def test_captions_are_limited_for_downloads_too(service, shapes_path):
    key = service.locate(shapes_path, ["red thing"], service.base_config()).key
    with pytest.raises(CaptionError, match="the limit is"):
        service.answer_again(key, ["x"] * 1000, score_min=0.0)


def test_a_picture_that_is_kept_does_not_wait_for_other_pictures(service, shapes_path):
    config = service.base_config()
    service.locate(shapes_path, ["red thing"], config)
    with service._working:  # as while another visitor's picture is looked at
        assert service.locate(shapes_path, ["green thing"], config).reused
