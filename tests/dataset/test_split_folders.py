"""YOLO without ``data.yaml``: folders of splits are one data set, with one list of names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DataError
from dataset.registry import detect_format, read_dataset
from project.export import to_dataset
from project.intake import import_path
from project.store import Project

LAYOUTS = {
    "split first": ("{}/images", "{}/labels", ("train", "valid", "test")),
    "images first": ("images/{}", "labels/{}", ("training", "val", "eval")),
}
SPLITS = {"a": "train", "b": "val", "c": "test"}


def _write(folder: Path, layout: str, row: str = "0 .5 .5 .2 .4") -> tuple[str, ...]:
    """One labelled picture a split; gives the folders of labels."""
    images, labels, words = LAYOUTS[layout]
    for number, (name, word) in enumerate(zip(SPLITS, words, strict=True)):
        for place in (images, labels):
            (folder / place.format(word)).mkdir(parents=True)
        pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / images.format(word) / f"{name}.png")
        (folder / labels.format(word) / f"{name}.txt").write_text(f"{row}\n")
    return tuple(labels.format(word) for word in words)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("row", ["0 .5 .5 .2 .4", "0 .1 .1 .6 .1 .6 .7"], ids=["boxes", "outlines"])
def test_folders_of_splits_are_one_data_set(layout: str, row: str, tmp_path: Path) -> None:
    _write(tmp_path, layout, row)
    assert detect_format(tmp_path) == ("yolo" if row.endswith(".4") else "yolo-seg")
    assert {record.image_id: record.split for record in read_dataset(tmp_path)} == SPLITS


def test_a_project_keeps_the_splits(tmp_path: Path) -> None:
    _write(tmp_path / "set", "split first")
    with Project.create(tmp_path / "project", "Flying things") as project:
        came = import_path(project, tmp_path / "set")
        assert (came.added, came.boxes, came.findings) == (3, 3, ())
        assert {image.name: image.split for image in project.walk()} == SPLITS
        assert {record.image_id: record.split for record in to_dataset(project)} == SPLITS


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_may_stand_in_every_split(layout: str, tmp_path: Path) -> None:
    places = _write(tmp_path, layout, "1 .5 .5 .2 .4")
    (tmp_path / places[0] / "classes.txt").write_text("drone\nkite\n")
    (tmp_path / places[1] / "classes.txt").write_text("drone\nkite\nballoon\n")
    dataset = read_dataset(tmp_path)
    assert dataset.class_names == ("drone", "kite", "balloon")
    assert {record.captions for record in dataset} == {("kite",)}
    (tmp_path / places[2] / "classes.txt").write_text("kite\ndrone\n")
    with pytest.raises(DataError, match=r"classes\.txt: names other classes than"):
        read_dataset(tmp_path)
    (tmp_path / "classes.txt").write_text("plane\nballoon\n")
    assert read_dataset(tmp_path).class_names == ("plane", "balloon")


def test_pictures_alone_are_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "train" / "images").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "train" / "images" / "a.png")
    with pytest.raises(DataError, match="looks like no data set"):
        detect_format(tmp_path)


def _add_set(folder: Path, kind: str, seed: int = 9) -> None:
    """A data set of one box; "none" has the picture alone."""
    (folder / "images").mkdir(parents=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "images" / f"{seed}.png")
    if kind == "yolo":
        (folder / "labels").mkdir()
        (folder / "labels" / f"{seed}.txt").write_text("0 .5 .5 .2 .4\n")
        (folder / "classes.txt").write_text("thing\n")
    elif kind == "jsonl":
        line = {"image": f"{seed}.png", "annotations": [{"caption": "kite", "bbox": [1, 2, 9, 9]}]}
        (folder / "annotations.jsonl").write_text(json.dumps(line))


@pytest.mark.parametrize("name", ["holdout", "test2", "extra", "test"])
@pytest.mark.parametrize("kind", ["yolo", "jsonl"])
def test_a_data_set_beside_a_split_comes_in_too(name: str, kind: str, tmp_path: Path) -> None:
    _add_set(tmp_path / "set" / "train", "yolo", 1)
    _add_set(tmp_path / "set" / name, kind)
    with Project.create(tmp_path / "project", "Flying things") as project:
        came = import_path(project, tmp_path / "set")
        assert (came.added, came.boxes, came.findings) == (2, 2, ())
        assert [image.state for image in project.walk()] == ["done", "done"]


@pytest.mark.parametrize("name", ["pictures", ".hidden", "empty", "link"])
def test_what_is_no_data_set_beside_splits_parts_them_not(name: str, tmp_path: Path) -> None:
    _write(tmp_path, "split first")
    if name == "link":
        (tmp_path / name).symlink_to(tmp_path / "train")
    else:
        _add_set(tmp_path / name, "yolo" if name != "pictures" else "none")
    if name == "empty":
        (tmp_path / name / "images" / "9.png").unlink()
    assert {record.image_id: record.split for record in read_dataset(tmp_path)} == SPLITS
