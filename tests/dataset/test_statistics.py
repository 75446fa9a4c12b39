"""Statistics by hand, and the card that tells them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from dataset.card import write_card
from dataset.record import Dataset, Record
from dataset.registry import FORMATS, read_dataset, write_dataset
from dataset.statistics import HEAT_MAP_WH, summarize


def _record(folder: Path, number: int, boxes: object, **values: object) -> Record:
    path = folder / f"a{number}.png"
    Image.new("RGB", (320, 180), (number, 0, 0)).save(path)
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    captions = values.pop("captions", tuple("red and white drone" for _ in xyxy))
    return Record(path.stem, path, (320, 180), xyxy, captions, **values)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(
        (
            # A whole frame, and a quarter at the top left.
            _record(tmp_path, 0, [[0, 0, 320, 180], [0, 0, 160, 90]], split="train",
                    licence="CC0-1.0", source="rendered | here", class_id=np.array([0, 1])),
            # Smaller than a cell of the heat map, at the bottom right.
            _record(tmp_path, 1, [[318, 178, 320, 180]], captions=("Gray Drone, darkred",),
                    split="val", visible_ratio=np.array([0.25]), licence="CC0-1.0"),
            _record(tmp_path, 2, [], split="train", licence="CC0-1.0"),
        ),
        ("drone", "missile", "rocket"),
    )  # fmt: skip


def test_numbers(dataset: Dataset) -> None:
    s = summarize(dataset)
    assert (s.num_images, s.num_boxes, s.num_empty) == (3, 3, 1)
    assert s.images_per_split == {"train": 2, "val": 1, "test": 0}
    assert s.boxes_per_split == {"train": 2, "val": 1, "test": 0}
    assert s.boxes_per_class == {"drone": 2, "missile": 1, "rocket": 0}
    assert s.boxes_per_color == {"red": 2, "white": 2, "grey": 1}
    assert s.objects_per_image == {0: 1, 1: 1, 2: 1}
    assert s.image_sizes == {"320x180": 3}
    assert s.visible_ratio_mean == pytest.approx(0.75)
    assert s.num_captions == 2
    assert json.loads(json.dumps(s.to_dict()))["num_boxes"] == 3


def test_histograms(dataset: Dataset) -> None:
    s = summarize(dataset)
    assert len(s.size_px_counts) == len(s.size_px_edges) - 1
    # Sizes 240, 120 and 2 px: the last is below the first edge.
    found = [s.size_px_edges[i] for i, count in enumerate(s.size_px_counts) if count]
    assert found == [4, pytest.approx(90.51), pytest.approx(181.019)]
    assert dict(zip(s.aspect_edges, s.aspect_counts, strict=False)) | {0.8: 1, 1.5: 2} == dict(
        zip(s.aspect_edges, s.aspect_counts, strict=False)
    )


def test_heat_map(dataset: Dataset) -> None:
    heat = np.array(summarize(dataset).heat_map)
    columns, rows = HEAT_MAP_WH
    assert heat.shape == (rows, columns)
    expected = np.full((rows, columns), 1 / 3)
    expected[: rows // 2, : columns // 2] = 2 / 3
    expected[-1, -1] = 2 / 3
    np.testing.assert_allclose(heat, expected, atol=1e-4)


def test_empty_data_set() -> None:
    s = summarize(Dataset(()))
    assert s.num_boxes == sum(s.size_px_counts) == 0
    assert np.array(s.heat_map).max() == 0


@pytest.mark.parametrize("name", FORMATS.names())
def test_card(name: str, dataset: Dataset, tmp_path: Path) -> None:
    other = "coco" if name == "yolo" else "yolo"
    for format in (other, name):
        write_dataset(dataset, tmp_path / "out", format)
    facts = {"seed": 7, "settings": {"canvas_wh": [320, 180]}, "version": "0.1 | <b>"}
    title = 'Planes: "small"\nones'
    write_card(dataset, tmp_path / "out", format=name, title=title, facts=facts)
    text = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---")[1])
    assert head["pretty_name"] == 'Planes: "small" ones'
    assert head["license"] == "cc0-1.0"
    assert head["task_categories"] == ["object-detection"]
    assert head["size_categories"] == ["n<1K"]
    if name == "hf":
        assert head["configs"][0]["data_files"] == [
            {"split": "train", "path": "train/**"},
            {"split": "validation", "path": "validation/**"},
        ]
    for line in (
        "3 images (320x180), 3 boxes, 2 different captions; 1 image without a box.",
        "| train | 2 | 2 |",
        "| missile | 1 |",
        "| 1 | rendered \\| here | CC0-1.0 |",
        "| seed | 7 |",
        '| settings | {"canvas_wh": [320, 180]} |',
        "| version | 0.1 \\| &lt;b> |",
        f"The format is `{name}`.",
    ):
        assert line in text.splitlines(), line
    assert len(read_dataset(tmp_path / "out", name)) == 3, (
        "the card is part of the data set's folder"
    )


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (("MIT", "MIT"), "mit"),
        (("", ""), None),
        (("CC0", "MIT, AGPL-3.0"), ["agpl-3.0", "cc0-1.0", "mit"]),
        (("CC0", ""), "other"),
        (("My own", "My own"), "other"),
    ],
)
def test_licences(licences: tuple[str, str], expected: object, tmp_path: Path) -> None:
    records = [_record(tmp_path, i, [], licence=name) for i, name in enumerate(licences)]
    written = Dataset(tuple(records))
    write_dataset(written, tmp_path / "out", "jsonl")
    write_card(written, tmp_path / "out", format="jsonl", title="T", facts={})
    text = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---")[1])
    assert head.get("license") == expected
    named = {("CC0", ""): "CC0, not told", ("My own", "My own"): "My own"}
    assert head.get("license_name") == named.get(licences)
    assert "How it was made" not in text


def test_the_card_says_that_validation_without_images_means_nothing(tmp_path: Path) -> None:
    for split, said in (("train", True), ("val", False)):
        dataset, out = Dataset((_record(tmp_path, 1, [], split=split),)), tmp_path / split
        write_dataset(dataset, out, "yolo")
        write_card(dataset, out, format="yolo", title="T", facts={})
        text = (out / "README.md").read_text(encoding="utf-8")
        assert ("validation on them mean nothing" in text) is said
