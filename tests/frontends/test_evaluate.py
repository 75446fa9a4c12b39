from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from core.errors import DataError, ImageError, ImageTooLargeError, InputError
from core.image import encode_image
from core.types import Image
from dataset.registry import read_dataset, write_dataset
from frontends.evaluate import _strangers, evaluate
from frontends.report import evaluation_report
from pipeline.fakes import FakeDetector, FakeReranker
from pipeline.locate import Locator


def _write(folder: Path, rows: dict[str, list[dict]], pictures: dict[str, Image]) -> Path:
    for name, picture in pictures.items():
        (folder / name).write_bytes(encode_image(picture))
    data = folder / "data.jsonl"
    lines = [json.dumps({"image": name, "annotations": boxes}) for name, boxes in rows.items()]
    data.write_text("\n".join(lines))
    return data


def _picture(*shapes: tuple[tuple[int, int, int], tuple[int, int, int, int]]) -> Image:
    picture = np.full((100, 200, 3), 200, np.uint8)
    for color, (x1, y1, x2, y2) in shapes:
        picture[y1:y2, x1:x2] = color
    return picture


RED, BLUE, GREEN, YELLOW = (255, 0, 0), (0, 0, 255), (0, 160, 0), (255, 255, 0)
LEFT, RIGHT = (20, 10, 60, 40), (100, 50, 160, 90)
LEFT_LTWH, RIGHT_LTWH = [20, 10, 40, 30], [100, 50, 60, 40]


def test_perfect_pictures_have_perfect_figures(fake_locator, tmp_path):
    data = _write(
        tmp_path,
        {
            "a.png": [
                {"caption": "red thing", "bbox": LEFT_LTWH},
                {"caption": "blue thing", "bbox": RIGHT_LTWH},
            ],
            "b.png": [{"caption": "green thing", "bbox": LEFT_LTWH}],
        },
        {"a.png": _picture((RED, LEFT), (BLUE, RIGHT)), "b.png": _picture((GREEN, LEFT))},
    )
    figures = evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)
    captions = figures["captions"]
    assert captions["asked"] == 3
    assert captions["accuracy_one_by_one"] == 1
    assert captions["accuracy_jointly"] == 1
    assert captions["accuracy_pooled"] == 1
    assert captions["pool_boxes"] == 3
    assert figures["detector"]["ap50"] == 1
    assert figures["detector"]["recall50"] == 1
    assert figures["detector"]["boxes_per_image"] == 1.5
    assert figures["not_found"]["captions_present"] == 3
    assert figures["not_found"]["captions_absent"] == 3
    assert figures["not_found"]["auroc"] == 1
    assert figures["milliseconds"]["total"]["median"] > 0
    json.dumps(figures)


def test_a_line_an_object_gives_the_figures_of_a_line_a_picture(fake_locator, tmp_path):
    boxes = [
        {"caption": "red thing", "bbox": LEFT_LTWH},
        {"caption": "red thing", "bbox": RIGHT_LTWH},
    ]
    data = _write(tmp_path, {"a.png": boxes}, {"a.png": _picture((RED, LEFT), (RED, RIGHT))})
    (tmp_path / "b.png").write_bytes(encode_image(_picture((GREEN, LEFT))))
    other = {"image": "b.png", "annotations": [{"caption": "green thing", "bbox": LEFT_LTWH}]}
    data.write_text(data.read_text() + "\n" + json.dumps(other))
    parted = tmp_path / "parted.jsonl"
    lines = [{"image": "a.png", "annotations": [box]} for box in boxes]
    parted.write_text("\n".join(map(json.dumps, [*lines, other, lines[0]])))
    whole, joined = (
        evaluate(fake_locator, data=file, images=tmp_path, show_progress=False)
        for file in (data, parted)
    )
    assert joined["images"] == 2
    for key in ("captions", "detector"):
        assert joined[key] == whole[key]


def test_a_wrong_box_counts_against_the_captions(fake_locator, tmp_path):
    rows = {"a.png": [{"caption": "red thing", "bbox": RIGHT_LTWH}]}
    data = _write(tmp_path, rows, {"a.png": _picture((RED, LEFT), (BLUE, RIGHT))})
    figures = evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)
    assert figures["captions"]["accuracy_one_by_one"] == 0
    assert figures["captions"]["accuracy_pooled"] == 0
    assert figures["detector"]["recall50"] == 1
    assert figures["not_found"]["accuracy_at_threshold"] == 0
    assert figures["not_found"]["auroc"] is None


def test_ambiguous_objects_count_for_the_detector_only(fake_locator, tmp_path):
    twins = [
        {"caption": "red thing", "bbox": LEFT_LTWH, "ambiguous": True},
        {"caption": "red thing", "bbox": RIGHT_LTWH, "ambiguous": True},
    ]
    picture = _picture((RED, LEFT), (RED, RIGHT))
    data = _write(tmp_path, {"a.png": twins}, {"a.png": picture})
    figures = evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)
    assert figures["captions"]["asked"] == 0
    assert figures["captions"]["accuracy_one_by_one"] is None
    assert figures["detector"]["boxes"] == 2


def test_a_caption_that_two_boxes_have_is_not_asked_even_if_nobody_says_so(fake_locator, tmp_path):
    """Classes for captions, as of YOLO's labels, and what `project export` writes."""
    row = [
        {"caption": "red thing", "bbox": LEFT_LTWH},
        {"caption": "red thing", "bbox": RIGHT_LTWH},
        {"caption": "blue thing", "bbox": [170, 10, 20, 20]},
        {"caption": "blue thing", "bbox": [170, 10, 20, 20]},  # told twice, one object
    ]
    picture = _picture((RED, LEFT), (RED, RIGHT), (BLUE, (170, 10, 190, 30)))
    data = _write(tmp_path, {"a.png": row}, {"a.png": picture})
    figures = evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)
    assert (figures["captions"]["asked"], figures["captions"]["ambiguous"]) == (1, 2)
    assert figures["captions"]["accuracy_one_by_one"] == 1
    assert figures["detector"]["recall50"] == 1
    assert re.search(r"captions of several boxes, not asked +2\n", evaluation_report(figures))


@pytest.mark.parametrize("name", ["coco", "yolo", "voc", "hf"])
def test_a_data_set_of_another_format_is_measured_as_it_lies(name, fake_locator, tmp_path):
    rows = {"a.png": [{"caption": "blue thing", "bbox": RIGHT_LTWH, "class": "drone"}]}
    source = tmp_path / "source"
    source.mkdir()
    _write(source, rows, {"a.png": _picture((RED, LEFT), (BLUE, RIGHT))})
    (source / "data.jsonl").rename(source / "annotations.jsonl")
    write_dataset(read_dataset(source), tmp_path / name, name)
    folder = tmp_path / name
    figures = evaluate(fake_locator, data=folder, images=folder, show_progress=False)
    assert figures["captions"]["accuracy_one_by_one"] == 1
    assert (figures["detector"]["boxes"], figures["detector"]["recall50"]) == (1, 1)


def test_labels_without_captions_are_asked_by_their_class(fake_locator, tmp_path):
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    (tmp_path / "images" / "a.png").write_bytes(encode_image(_picture((BLUE, LEFT), (RED, RIGHT))))
    (tmp_path / "labels" / "a.txt").write_text("0 0.2 0.25 0.2 0.3\n")
    (tmp_path / "data.yaml").write_text("path: .\ntrain: images\nnames: {0: blue thing}\n")
    figures = evaluate(fake_locator, data=tmp_path, images=tmp_path, show_progress=False)
    assert (figures["captions"]["asked"], figures["captions"]["accuracy_one_by_one"]) == (1, 1)
    with pytest.raises(DataError, match=r"data\.yaml, line 1: .* Give the data set's folder"):
        evaluate(fake_locator, data=tmp_path / "data.yaml", images=tmp_path, show_progress=False)


def test_boxes_that_nobody_described_count_for_the_detector_only(fake_locator, tmp_path):
    boxes = [{"caption": "red thing", "bbox": LEFT_LTWH}, {"caption": "", "bbox": RIGHT_LTWH}]
    rows = {"a.png": boxes, "b.png": [{"caption": " ", "bbox": LEFT_LTWH}]}
    pictures = {"a.png": _picture((RED, LEFT), (BLUE, RIGHT)), "b.png": _picture((GREEN, LEFT))}
    data = _write(tmp_path, rows, pictures)
    figures = evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)
    assert (figures["captions"]["asked"], figures["captions"]["boxes_without"]) == (1, 2)
    assert figures["captions"]["accuracy_pooled"] == 1
    assert (figures["detector"]["boxes"], figures["detector"]["recall50"]) == (3, 1)
    assert figures["not_found"]["captions_absent"] == 1, "of b.png the caption of a.png"
    report = evaluation_report(figures)
    assert re.search(r"boxes without a caption, for the detector alone +2\n", report)
    data = _write(tmp_path, {"b.png": rows["b.png"]}, {})
    figures = evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)
    assert figures["captions"]["accuracy_one_by_one"] is None
    assert "captions asked" in evaluation_report(figures)


def test_an_unusable_caption_is_told_with_its_picture(fake_locator, tmp_path):
    rows = {"a.png": [{"caption": "red " * 600, "bbox": LEFT_LTWH}]}
    data = _write(tmp_path, rows, {"a.png": _picture((RED, LEFT))})
    with pytest.raises(DataError, match=r"a\.png: the caption has 2399 characters"):
        evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)


def test_joint_answers_help_where_single_ones_collide(fake_locator, tmp_path):
    """Orange is nearer to the yellow box than to the red one: alone, both captions take it."""
    rows = [
        {"caption": "yellow thing", "bbox": LEFT_LTWH},
        {"caption": "orange thing", "bbox": RIGHT_LTWH},
    ]
    picture = _picture((YELLOW, LEFT), (RED, RIGHT))
    data = _write(tmp_path, {"a.png": rows}, {"a.png": picture})
    captions = evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)["captions"]
    assert captions["accuracy_one_by_one"] == 0.5
    assert captions["accuracy_jointly"] == 1


class _ToldDetector:
    """Refuses to look without captions, as Grounding DINO does, and keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []

    def __call__(self, images):
        raise InputError("this detector must be told what to look for.", "Give captions.")

    def looking_for(self, captions):
        self.told.append(list(captions))
        return FakeDetector()


def test_an_open_vocabulary_is_told_every_caption_that_is_asked(tmp_path):
    red, blue = (
        {"caption": "red thing", "bbox": LEFT_LTWH},
        {"caption": "blue thing", "bbox": RIGHT_LTWH},
    )
    data = _write(
        tmp_path,
        {"a.png": [red, blue], "b.png": [{"caption": "green thing", "bbox": LEFT_LTWH}]},
        {"a.png": _picture((RED, LEFT), (BLUE, RIGHT)), "b.png": _picture((GREEN, LEFT))},
    )
    detector = _ToldDetector()
    locator = Locator(detector, FakeReranker())
    figures = evaluate(locator, data=data, images=tmp_path, show_progress=False)
    assert detector.told == [
        ["red thing", "blue thing", "green thing"],
        ["green thing", "red thing", "blue thing"],
    ]
    assert figures["captions"]["accuracy_one_by_one"] == 1
    assert figures["not_found"]["captions_absent"] == 3


def test_an_open_vocabulary_with_nothing_to_look_for_is_said(tmp_path):
    data = _write(tmp_path, {"a.png": []}, {"a.png": _picture((RED, LEFT))})
    locator = Locator(_ToldDetector(), FakeReranker())
    with pytest.raises(DataError, match=r"a\.png: this detector must be told"):
        evaluate(locator, data=data, images=tmp_path, show_progress=False)


def test_a_missing_picture_stops_the_evaluation(fake_locator, tmp_path):
    data = _write(tmp_path, {"gone.png": []}, {})
    with pytest.raises(ImageError, match=r"gone\.png"):
        evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)


@pytest.mark.parametrize(
    ("last", "error", "message"),
    [
        (b"no picture", ImageError, r"z\.png as an image"),
        (encode_image(np.zeros((60, 60, 3), np.uint8)), ImageTooLargeError, r"z\.png has 60x60"),
    ],
)
def test_nothing_is_looked_at_before_the_last_picture_can_be_read(last, error, message, tmp_path):
    looked: list[int] = []

    def look(images):
        looked.append(len(images))
        return FakeDetector()(images)

    data = _write(tmp_path, {"a.png": [], "z.png": []}, {"a.png": np.zeros((40, 40, 3), np.uint8)})
    (tmp_path / "z.png").write_bytes(last)
    locator = Locator(look, FakeReranker(), max_pixels=2000)
    with pytest.raises(error, match=message):
        evaluate(locator, data=data, images=tmp_path, show_progress=False)
    assert not looked


@pytest.mark.parametrize("num_captions", [1, 4, 300])
def test_strangers_are_the_next_captions_and_cost_no_look_at_all_pairs(num_captions, rng):
    reads = []

    class Line:
        def __init__(self, captions):
            self._captions = captions

        @property
        def captions(self):
            reads.append(1)
            return self._captions

    drawn = rng.integers(num_captions, size=(200, 2)).astype(str).tolist()
    found = _strangers([Line(captions) for captions in drawn])
    assert len(reads) < 10 * len(drawn)
    for row, own in enumerate(drawn):
        following = chain.from_iterable([*drawn[row + 1 :], *drawn[:row]])
        assert found[row] == list(dict.fromkeys(c for c in following if c not in own))[:3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no pictures"),
        ('{"image": "a.png", "annotations": [{"caption": "x"}]}', "has no bbox"),
    ],
)
def test_data_without_boxes_is_refused(content, message, fake_locator, tmp_path):
    data = tmp_path / "data.jsonl"
    data.write_text(content)
    with pytest.raises(DataError, match=message):
        evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)


def test_without_true_boxes_there_are_no_shares_of_them(fake_locator, tmp_path):
    data = _write(tmp_path, {"a.png": []}, {"a.png": _picture((RED, LEFT))})
    figures = evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)
    assert figures["detector"]["boxes"] == 0
    assert figures["detector"]["ap50"] is figures["detector"]["recall50"] is None
    assert re.search(r"recall\) +-\n", evaluation_report(figures))
    data.write_text(json.dumps({"image": "a.png", "captions": ["red thing"]}))
    with pytest.raises(DataError, match="'red thing' has no bbox"):
        evaluate(fake_locator, data=data, images=tmp_path, show_progress=False)
