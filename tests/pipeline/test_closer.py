"""A closer look: small candidates are placed and judged again where the image has more pixels."""

from __future__ import annotations

import numpy as np
import pytest

from core.image import image_wh
from core.types import Detections
from pipeline.build import build_detector
from pipeline.catalog import find_model
from pipeline.config import load_config
from pipeline.detect.closer import UNSEEN_SCORE, CloserDetector, plan_looks
from pipeline.engines.base import Choice
from pipeline.engines.ort_engine import OrtEngine

INPUT_WH = (200, 100)
WH = (800, 400)
IMAGE = np.zeros((400, 800, 3), np.uint8)
SMALL = [100, 100, 140, 120]


def boxes(xyxy, score, wh=WH):
    return Detections.from_xyxy(
        np.array(xyxy, np.float32).reshape(-1, 4), wh, score=np.array(score, np.float32)
    )


def looked(first, *looks, image=IMAGE, iou_max=0.5):
    """What comes of a first look and what each window shows; and the windows' sizes."""
    sizes, waiting = [], list(looks)

    def closer(views):
        sizes.extend(image_wh(view) for view in views)
        return [boxes(*waiting.pop(0), wh=image_wh(view)) for view in views]

    detector = CloserDetector(
        lambda images: [first] * len(images), closer, input_wh=INPUT_WH, iou_max=iou_max
    )
    return detector([image])[0], sizes


def in_window(first, box):
    """A box of the image in pixels of the first window."""
    _, windows = plan_looks(first, INPUT_WH)
    return (np.array(box) - np.tile(windows[0, :2], 2)).tolist()


def test_both_looks_place_and_judge_a_box():
    first = boxes([SMALL], [0.2])
    seen, sizes = looked(first, ([in_window(first, [104, 100, 144, 120])], [0.8]))
    # Log-odds of 0.2 and 0.8 cancel; weights 0.04 and 0.64 leave a seventeenth of 4 px.
    assert seen.score.tolist() == [pytest.approx(0.5)]
    assert seen.xyxy.tolist() == [pytest.approx([103.765, 100, 143.765, 120], abs=0.01)]
    assert sizes == [(128, 128)], "the image's own pixels"


def test_what_the_closer_look_does_not_see_falls():
    first = boxes([SMALL, [300, 300, 330, 330]], [0.6, 0.5])
    seen, _ = looked(first, ([], []), ([[0, 0, 5, 5]], [0.9]))
    odds = np.sqrt(0.6 / 0.4 * UNSEEN_SCORE / (1 - UNSEEN_SCORE))
    assert seen.score[0] == pytest.approx(odds / (1 + odds))
    assert seen.xyxy.tolist() == first.xyxy.tolist(), "and stays where it was"


def test_neighbours_that_touch_stay_two():
    # Each window shows both; the surer one overlaps the other by 0.38.
    pair = boxes([[100, 100, 140, 120], [118, 100, 158, 120]], [0.85, 0.8])
    _, windows = plan_looks(pair, INPUT_WH)
    shown = [(pair.xyxy - np.tile(window[:2], 2)).tolist() for window in windows]
    seen, _ = looked(pair, *((both, [0.95, 0.85]) for both in shown), iou_max=0.45)
    assert seen.xyxy.tolist() == pair.xyxy.tolist()


def test_boxes_come_best_first_and_once():
    pair = boxes([SMALL, [300, 300, 330, 330], [302, 302, 334, 334]], [0.6, 0.5, 0.4])
    _, windows = plan_looks(pair, INPUT_WH)
    truth = np.array([301, 301, 332, 332])
    second, third = ((truth - np.tile(window[:2], 2)).tolist() for window in windows[1:])
    seen, _ = looked(pair, ([], []), ([second], [0.9]), ([third], [0.9]))
    assert len(seen) == 2
    assert (np.diff(seen.score) <= 0).all()
    assert seen.xyxy[0] == pytest.approx(truth, abs=1)


@pytest.mark.parametrize(
    ("wh", "box"),
    [
        ((200, 100), [10, 10, 20, 20]),  # the network saw every pixel
        ((240, 120), [10, 10, 20, 20]),  # nearly
        (WH, [0, 0, 400, 200]),  # large enough at the first look
    ],
)
def test_no_closer_look_where_it_would_show_nothing_new(wh, box):
    rows, windows = plan_looks(boxes([box], [0.5], wh), INPUT_WH)
    assert len(rows) == len(windows) == 0
    assert windows.shape == (0, 4)


@pytest.mark.parametrize("box", [SMALL, [0, 0, 8, 8], [792, 392, 800, 400], [500, 0, 780, 200]])
@pytest.mark.parametrize("wh", [WH, (801, 90)])
def test_windows_lie_in_the_image_and_hold_the_box(wh, box):
    box = np.minimum(box, [*wh, *wh])
    if (box[2:] <= box[:2]).any():
        box = np.array([wh[0] - 8, wh[1] - 8, *wh])
    found = boxes([box], [0.5], wh)
    _, ((x1, y1, x2, y2),) = plan_looks(found, INPUT_WH)
    assert (np.array([x1, y1, -x2, -y2]) <= box * [1, 1, -1, -1]).all()
    assert (np.array([x1, y1, -x2, -y2]) >= [0, 0, -wh[0], -wh[1]]).all()
    assert x2 - x1 == y2 - y1 or y2 - y1 == wh[1], "square where the image is high enough"


def test_windows_of_all_images_are_looked_at_in_groups():
    calls = []

    def closer(views):
        calls.append(len(views))
        return [boxes([], [], wh=image_wh(view)) for view in views]

    many = boxes([[x, 10, x + 9, 19] for x in range(0, 700, 60)], [0.5] * 12)
    none = boxes([], [])
    found = iter([many, none, many])
    detector = CloserDetector(
        lambda images: [next(found) for _ in images], closer, input_wh=INPUT_WH, iou_max=0.5
    )
    assert [len(seen) for seen in detector([IMAGE] * 3)] == [12, 0, 12]
    assert sum(calls) == 24
    assert max(calls) <= 8
    assert detector([]) == []


class Watched:
    """An engine that keeps the shapes of what it is given; of one size, if one is told."""

    def __init__(self, path, fixed=None):
        choice = Choice("onnxruntime", "cpu", "f32", 1, "test", "CPUExecutionProvider")
        self._engine = OrtEngine.open(path, choice)
        spec = self._engine.inputs[0]
        self.inputs = (spec if fixed is None else type(spec)(spec.name, spec.dtype, fixed),)
        self.outputs = self._engine.outputs
        self.shapes = []

    def run(self, feeds):
        self.shapes += [feed.shape for feed in feeds.values()]
        return self._engine.run(feeds)


def built(*sets, fixed=None):
    """The shipped detector with these settings, and its engine."""
    model = find_model("spotter-detector-n", "detect")
    engine = Watched(model.file("detector.onnx"), fixed)
    config = load_config("mini", sets=sets).detect
    return build_detector([model], config, lambda _: lambda _: engine), engine


@pytest.fixture
def crosses():
    """An image of small dark crosses on a bright sky, some of them hardly to be seen."""
    image = np.full((870, 1520, 3), (150, 180, 210), np.uint8)
    for number, x in enumerate(range(160, 1520, 200)):
        color = [40, 40, 40, 120, 140, 150, 155][number]
        image[398:403, x - 18 : x + 19] = image[382:419, x - 2 : x + 3] = color
    return image


@pytest.mark.parametrize("score_min", [0.01, 0.02, 0.1, 0.6])
def test_what_is_shown_has_the_score_after_both_looks(crosses, score_min):
    detector, engine = built(f"detect.score_min={score_min}")
    (seen,) = detector([crosses])
    assert len(seen) >= 2
    assert seen.score.min() >= score_min
    assert any(shape[2:] == (128, 128) for shape in engine.shapes)
    engine.shapes.clear()
    built(f"detect.score_min={score_min}", "detect.look_closer=false")[0]([crosses])
    assert not any(shape[2:] == (128, 128) for shape in engine.shapes)


def test_what_is_looked_at_closer_does_not_depend_on_what_is_shown(crosses):
    (few,), (many,) = (built(f"detect.score_min={least}")[0]([crosses]) for least in (0.5, 0.1))
    np.testing.assert_array_equal(few.xyxy, many.xyxy[: len(few)])
    np.testing.assert_array_equal(few.score, many.score[: len(few)])


def test_a_network_of_one_size_looks_once(crosses):
    detector, engine = built(fixed=(1, 3, 544, 960))
    assert len(detector([crosses])[0])
    assert engine.shapes == [(1, 3, 544, 960)], "neither further scales nor windows"


def test_presets_that_rebuild_others_do_without():
    assert load_config("mini").detect.look_closer
    for name in ("origin", "origin-v9e", "zero-shot"):
        assert not load_config(name).detect.look_closer, "as those it rebuilds"
