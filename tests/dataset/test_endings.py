"""No picture vanishes for how its file is called, in any format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DataError
from core.image import READABLE, read_image
from dataset.archive import pack, unpack
from dataset.record import Dataset, Record
from dataset.registry import FORMATS, read_dataset, write_dataset

NAMES = [f"picture{ending}" for ending in READABLE] + ["photo.jfif", "plain", ".hidden.png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set in JSON Lines, of a picture of every ending and of some odd names."""
    folder = tmp_path / "all"
    folder.mkdir()
    lines = []
    for number, name in enumerate(NAMES):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        kind = {"photo.jfif": "jpeg", "plain": "png"}.get(name)
        Image.fromarray(pixels).save(folder / name, format=kind)
        box = {"caption": name, "bbox": [1, 2, 10, 5]}
        lines.append({"image": name, "annotations": [box]})
    (folder / "annotations.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


@pytest.mark.parametrize("name", FORMATS.names())
def test_every_picture_comes_back(name: str, folder: Path, tmp_path: Path) -> None:
    dataset = read_dataset(folder)
    write_dataset(dataset, tmp_path / "out", name)
    write_dataset(dataset, tmp_path / "out", name)  # what is there is its own
    pack(tmp_path / "out", tmp_path / "out.zip")
    unpack(tmp_path / "out.zip", tmp_path / "in")
    got = {record.image_id: record for record in read_dataset(tmp_path / "in", name)}
    assert set(got) == {record.image_id for record in dataset}
    for record in dataset:
        assert got[record.image_id].captions == record.captions
        np.testing.assert_array_equal(got[record.image_id].load_image(), record.load_image())


@pytest.mark.parametrize("name", ["yolo", "yolo-seg"])
def test_what_ultralytics_passes_over_becomes_png(name: str, folder: Path, tmp_path: Path) -> None:
    write_dataset(read_dataset(folder), tmp_path / "out", name)
    for path in (tmp_path / "out" / "images").rglob("*.*"):
        assert path.suffix not in (".gif", ".avif", ".jfif", "")
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
    [kept] = (tmp_path / "out" / "images").rglob("*.jpg")
    assert kept.read_bytes() == (folder / "picture.jpg").read_bytes(), "copied as it is"


@pytest.mark.parametrize("ending", [".gif", ".avif"])
def test_pictures_of_others_are_seen_whatever_their_ending(
    ending: str, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "out" / "images" / "train" / f"other{ending}"
    other.parent.mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(other)
    with pytest.raises(DataError, match=f"such as other{ending}"):
        write_dataset(read_dataset(folder), tmp_path / "out", "yolo")


@pytest.mark.parametrize(("folder_name", "labels"), [("images", "labels"), ("JPEGImages", "")])
def test_gif_is_found_where_no_file_names_it(folder_name: str, labels: str, tmp_path: Path) -> None:
    for place in (folder_name, labels or "Annotations"):
        (tmp_path / place).mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / folder_name / "a.gif")
    if labels:
        (tmp_path / "labels/a.txt").write_text("0 .5 .5 .2 .4\n")
    else:
        (tmp_path / "Annotations/a.xml").write_text("<annotation></annotation>")
    [record] = read_dataset(tmp_path)
    assert record.path.name == "a.gif"
    assert read_image(record.path).shape == (30, 40, 3)


@pytest.mark.parametrize("name", [".a", "..", "", "a/b"])
def test_an_id_is_a_name_that_is_seen(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="without a dot in front"):
        Record(name, tmp_path / "a.png", (9, 9), np.zeros((0, 4), np.float32), ())


def test_hidden_names_are_told_apart(tmp_path: Path) -> None:
    rows = []
    for number, name in enumerate((".a.png", "a.png", "..png")):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(tmp_path / name, format="png")
        rows.append(json.dumps({"image": name, "annotations": []}))
    (tmp_path / "annotations.jsonl").write_text("\n".join(rows))
    dataset: Dataset = read_dataset(tmp_path)
    assert [record.image_id for record in dataset] == ["a", "a-2", "image"]
