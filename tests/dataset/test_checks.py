"""Checks find what was planted, in every format, and nothing in a good data set."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DataError
from dataset.checks import Report, check_folder
from dataset.record import Dataset, Record
from dataset.registry import FORMATS, read_dataset, write_dataset


@pytest.fixture
def dataset(tmp_path: Path, rng: np.random.Generator) -> Dataset:
    """Eight images with one box each, in two splits, of two classes."""
    records = []
    for number in range(8):
        path = tmp_path / "source" / f"scene{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(path)
        records.append(
            Record(
                path.stem, path, (64, 48), np.array([[10, 10, 30, 25]], np.float32), ("a drone",),
                class_id=np.array([number % 2]), split="train" if number < 6 else "val",
                group=f"place{number}",
            )
        )  # fmt: skip
    return Dataset(tuple(records), ("drone", "missile"))


def _check(dataset: Dataset, folder: Path) -> Report:
    write_dataset(dataset, folder, "jsonl")
    return check_folder(folder)


def _kinds(report: Report) -> dict[str, str]:
    return {finding.kind: finding.level for finding in report.findings}


@pytest.mark.parametrize("name", FORMATS.names())
def test_a_good_data_set_passes(name: str, dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path / "out", name)
    report = check_folder(tmp_path / "out")
    # Its boxes have no outlines, so that the outline format writes rectangles.
    assert report.findings == ()
    assert report.ok
    assert report.format == name
    assert report.counts["images"] == report.counts["boxes"] == 8
    assert report.counts["images in train"] == 6
    assert report.counts["boxes of missile"] == 4
    assert "0 errors, 0 warnings" in report.text()
    json.dumps(report.to_dict())


def test_tiny_pictures_are_read_too(dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path / "out", "yolo")
    picture = next((tmp_path / "out").rglob("scene0*.jpg"))
    Image.new("RGB", (5, 40)).save(picture)
    assert "unreadable-image" not in _kinds(check_folder(tmp_path / "out"))


@pytest.mark.parametrize("name", FORMATS.names())
def test_damaged_images_are_found_in_every_format(
    name: str, dataset: Dataset, tmp_path: Path
) -> None:
    write_dataset(dataset, tmp_path / "out", name)
    one, two, three = sorted((tmp_path / "out").rglob("scene*.jpg"), key=lambda p: p.name)[:3]
    data = one.read_bytes()
    one.write_bytes(data[: len(data) // 2])
    two.write_text("no image at all")
    three.unlink()
    report = check_folder(tmp_path / "out")
    found = [f for f in report.findings if f.kind in ("unreadable-image", "missing-image")]
    assert not report.ok
    assert {"scene0", "scene1"} <= {name for f in found for name in ("scene0", "scene1")
                                    if name in f.where + f.what}  # fmt: skip
    # A YOLO folder lists its images itself: what is not there was never said to be.
    assert ("missing-image" in _kinds(report)) == (not name.startswith("yolo"))
    assert len(found) == (2 if name.startswith("yolo") else 3)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("yolo", "data.yaml"),
        ("yolo", "labels/train/scene0.txt"),
        ("yolo", "captions.jsonl"),
        ("coco", "annotations/instances_train.json"),
        ("voc", "Annotations/scene0.xml"),
        ("hf", "train/metadata.jsonl"),
        ("jsonl", "annotations.jsonl"),
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00broken",
        b"[" * 50_000,
        b"names: &a [x]\ntrain: [*a, *a]\n",
        b"{}\n[]\nnull\n",
        b'{"images": [1], "annotations": [null], "categories": [2], "image": 3, "file_name": 4}\n',
        b'{"image": "a\\u0000b", "annotations": [{"bbox": "abcd"}], "file_name": "a\\u0000b"}\n',
        b"<annotation><object><bndbox><xmin>a</xmin></bndbox></object></annotation>",
        b"train: 5\nnames: {a: b}\n0 0 0 0 0 0 0 0\n1e999 1 1 1 1\n-1 .5 .5 .1 .1\n",
        b"!!python/object/apply:os.system ['true']",
    ],
    ids=lambda content: content[:12].decode("latin1"),
)
def test_nothing_that_a_file_holds_stops_the_check(
    name: str, index: str, content: bytes, dataset: Dataset, tmp_path: Path
) -> None:
    write_dataset(dataset, tmp_path / "out", name)
    (tmp_path / "out" / index).write_bytes(content)
    report = check_folder(tmp_path / "out", name)
    # An empty label file is an empty scene, and captions of no image are of no consequence.
    assert report.findings or not content or index == "captions.jsonl"
    assert report.text()
    json.dumps(report.to_dict())


@pytest.mark.parametrize(
    ("name", "index", "content"),
    [
        ("coco", "annotations/a.json", b"[" * 200_000),
        ("voc", "Annotations/a.xml", b'<?xml version="1.0" encoding="foo"?><annotation/>'),
    ],
)
def test_nothing_stops_the_recognition(
    name: str, index: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / index).parent.mkdir()
    (tmp_path / index).write_bytes(content)
    report = check_folder(tmp_path)
    assert (report.format, _kinds(report)["corrupt-labels"]) == (name, "error")


def test_wrong_boxes_of_yolo(dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path, "yolo")
    for number, rows in enumerate(
        [
            "7 0.5 0.5 0.2 0.2",
            "0 0.5 0.5 0 0.2",
            "0 0.9 0.5 0.5 0.5",
            "0 0.5 0.5 0.01 0.2",
            "0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2",
            "0 0.5 0.5 1 1\n0 0.5 0.5 0.2",
        ]
    ):
        (tmp_path / f"labels/train/scene{number}.txt").write_text(rows + "\n")
    (tmp_path / "labels/val/scene6.txt").unlink()
    assert _kinds(check_folder(tmp_path)) == {
        "unknown-class": "error",
        "empty-box": "error",
        "corrupt-labels": "error",
        "box-outside": "warning",
        "tiny-box": "warning",
        "same-box": "warning",
        "whole-image-box": "warning",
        "missing-labels": "warning",
        "unlearned-class": "warning",
    }
    (tmp_path / "labels/train/scene0.txt").write_text("0 0.5 0.5 0.2 0.2 0.93\n")
    assert _kinds(check_folder(tmp_path))["predicted-labels"] == "warning"


@pytest.mark.parametrize("value", ["NaN", "7.0", "-1e999"])
def test_impossible_visibility(value: str, dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path, "jsonl")
    index = tmp_path / "annotations.jsonl"
    text = index.read_text().replace('"bbox"', f'"visible_ratio": {value}, "bbox"', 1)
    index.write_text(text)
    assert _kinds(check_folder(tmp_path)) == {"wrong-visibility": "error"}
    with pytest.raises(DataError, match="visible_ratio must be in"):
        read_dataset(tmp_path)


def test_leaks_between_splits(dataset: Dataset, tmp_path: Path) -> None:
    records = list(dataset.records)
    records[7] = replace(records[7], group="place0")
    shutil.copyfile(records[1].path, records[6].path)
    shutil.copyfile(records[2].path, records[3].path)
    report = _check(Dataset(tuple(records), dataset.class_names), tmp_path / "out")
    found = {finding.kind: finding for finding in report.findings}
    assert set(found) == {"group-leak", "image-leak", "same-image"}
    assert "place0" in found["group-leak"].what
    assert {"train/scene1.jpg", "val/scene6.jpg"} <= set(
        found["image-leak"].what.rstrip(".").replace(",", "").split()
    )
    assert [found[kind].level for kind in sorted(found)] == ["error", "error", "warning"]
    assert "scene2.jpg" in found["same-image"].what
    splits = {r.split for r in read_dataset(tmp_path / "out").records if r.group == "place0"}
    assert len(splits) == 2
    assert "read all the same" in found["group-leak"].advice


def test_splits_and_balance(dataset: Dataset, tmp_path: Path) -> None:
    train = Dataset(dataset.split("train").records, ("drone", "missile", "rocket"))
    assert _kinds(_check(train, tmp_path / "train")) == {
        "empty-split": "warning",
        "unused-class": "warning",
    }
    val_alone = Dataset(
        tuple(
            replace(r, class_id=np.array([1 if r.split == "val" else 0])) for r in dataset.records
        ),
        dataset.class_names,
    )
    assert set(_kinds(_check(val_alone, tmp_path / "val"))) == {"unlearned-class"}
    empty = dataset.map(
        lambda r: replace(r, xyxy=np.zeros((0, 4)), captions=(), class_id=np.zeros(0),
                          visible_ratio=np.zeros(0))
    )  # fmt: skip
    assert {"many-empty", "split-without-boxes"} <= set(_kinds(_check(empty, tmp_path / "empty")))
    (tmp_path / "annotations.jsonl").write_text("")
    assert "no-images" in _kinds(check_folder(tmp_path, "jsonl"))


def test_outline_beside_its_box(dataset: Dataset, tmp_path: Path) -> None:
    beside = np.array([[10, 10], [30, 10], [40, 25]], np.float32)
    moved = dataset.map(lambda r: replace(r, polygons=((beside,),)))
    assert _kinds(_check(moved, tmp_path / "out")) == {"outline-beside-box": "warning"}


def test_no_data_set(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        report = check_folder(folder)
        assert not report.ok
        assert [f.kind for f in report.findings] == ["no-dataset"]
        assert "->" in report.text()


def test_long_reports_stay_short(dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path, "yolo")
    for path in tmp_path.rglob("labels/*/*.txt"):
        path.write_text("rubbish\n")
    text = check_folder(tmp_path).text()
    assert "error: corrupt-labels (8)" in text
    assert "... and 3 more" in text
