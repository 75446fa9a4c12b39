"""What an index tells of one file in several places is one image, whatever the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.errors import DataError
from dataset.checks import check_folder
from dataset.formats.raw import RawDataset
from dataset.registry import read_dataset, scan_dataset

Told = list[tuple[str, list[list[float]], dict[str, Any]]]
BOXES: list[list[float]] = [[1, 2, 10, 5], [20, 20, 8, 6]]


def _image(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format="png")


def _jsonl(folder: Path, entries: Told) -> None:
    lines = [
        {"image": name, "annotations": [{"caption": "kite", "bbox": b} for b in boxes], **more}
        for name, boxes, more in entries
    ]
    (folder / "annotations.jsonl").write_text("\n".join(map(json.dumps, lines)))


def _hf(folder: Path, entries: Told) -> None:
    lines = [
        {"file_name": name, "objects": {"bbox": boxes, "caption": ["kite"] * len(boxes)}, **more}
        for name, boxes, more in entries
    ]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))


def _coco(folder: Path, entries: Told) -> None:
    images, annotations = [], []
    for number, (name, boxes, more) in enumerate(entries, start=1):
        images.append({"id": number, "file_name": name, **more})
        rows = [{"image_id": number, "category_id": 1, "bbox": box} for box in boxes]
        annotations += [{**row, "caption": "kite"} for row in rows]
    categories = [{"id": 1, "name": "object"}]
    table = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "told.json").write_text(json.dumps(table))


def _flat(folder: Path, entries: Told) -> None:
    lines = []
    for name, boxes, more in entries:
        rows = [{"image": name, "caption": "kite", "bbox": box, **more} for box in boxes]
        lines += rows or [{"image": name, "annotations": [], **more}]
    (folder / "annotations.jsonl").write_text("\n".join(map(json.dumps, lines)))


WRITERS = {"jsonl": _jsonl, "flat jsonl": _flat, "hf": _hf, "coco": _coco}


@pytest.mark.parametrize("name", WRITERS)
def test_a_line_an_object_is_one_image(name: str, tmp_path: Path) -> None:
    entries: Told = []
    for number in range(12):
        _image(tmp_path / f"{number}.png", number)
        entries += [(f"{number}.png", [box], {}) for box in BOXES]
    WRITERS[name](tmp_path, entries)
    records = read_dataset(tmp_path).records
    assert [record.image_id for record in records] == [str(number) for number in range(12)]
    for record in records:
        np.testing.assert_allclose(record.xyxy, [[1, 2, 11, 7], [20, 20, 28, 26]])
        assert record.captions == ("kite", "kite")
    report = check_folder(tmp_path)
    assert report.ok
    assert (report.counts["images"], report.counts["boxes"]) == (12, 24)
    [told] = [f for f in report.findings if f.level == "note"]
    assert told.what.startswith("12 images told of in 24 places, such as 0.png, also in ")
    assert "shared-name" not in {f.kind for f in report.findings}
    assert f"{len(report.findings) - 1} warning" in report.text(), "a note is none"


@pytest.mark.parametrize("name", WRITERS)
def test_a_box_told_again_counts_once(name: str, tmp_path: Path) -> None:
    _image(tmp_path / "a.png")
    WRITERS[name](tmp_path, [("a.png", BOXES, {}), ("a.png", BOXES[1:], {}), ("a.png", [], {})])
    [record] = read_dataset(tmp_path)
    assert len(record) == 2
    [told] = scan_dataset(tmp_path).all_findings()
    assert told.what.endswith("1 box told again counted once.")


@pytest.mark.parametrize(
    ("name", "key", "values"),
    [("jsonl", "split", ("train", "test")), ("hf", "group", "ab"), ("coco", "group", "ab")],
)
def test_two_splits_or_groups_of_one_file_are_an_error(
    name: str, key: str, values: tuple[str, str], tmp_path: Path
) -> None:
    _image(tmp_path / "a.png")
    entries = [("a.png", [box], {key: v}) for box, v in zip(BOXES, values, strict=True)]
    WRITERS[name](tmp_path, entries)
    told = rf"the {key} of a.png is told as {values[0]} \(.+\) and {values[1]} \(.+\)"
    with pytest.raises(DataError, match=told):
        read_dataset(tmp_path)
    assert not check_folder(tmp_path).ok
    WRITERS[name](tmp_path, [("a.png", BOXES[:1], {}), ("a.png", BOXES[1:], {key: values[1]})])
    [record] = read_dataset(tmp_path)
    assert getattr(record, key) == values[1], "one that is told once counts for all"


def test_sources_and_licences_are_all_kept(tmp_path: Path) -> None:
    _image(tmp_path / "a.png")
    told = [{"source": source, "licence": "CC0-1.0"} for source in ("mine", "yours")]
    _jsonl(tmp_path, [("a.png", [box], more) for box, more in zip(BOXES, told, strict=True)])
    [record] = read_dataset(tmp_path)
    assert (record.source, record.licence) == ("mine; yours", "CC0-1.0")


def _scan_lines(folder: Path, *lines: dict[str, object]) -> RawDataset:
    _image(folder / "a.png")
    rows = [json.dumps({"image": "a.png", **line}) for line in lines]
    (folder / "annotations.jsonl").write_text("\n".join(rows))
    return scan_dataset(folder)


def test_captions_without_boxes_join_those_with_boxes(tmp_path: Path) -> None:
    [image] = _scan_lines(
        tmp_path,
        {"annotations": [{"caption": "kite", "bbox": BOXES[0]}]},
        {"annotations": [{"caption": "drone"}]},
        {"captions": ["drone", "drone"]},
    ).images
    assert image.captions == ("kite", "drone", "drone", "drone")
    assert len(image.objects) == 1


def test_captions_told_again_count_once(tmp_path: Path) -> None:
    line: dict[str, object] = {"captions": ["red jet"]}
    more: dict[str, object] = {"captions": ["red jet", "kite"]}
    [image] = _scan_lines(tmp_path, line, line).images
    assert image.captions == ("red jet",)
    [image] = _scan_lines(tmp_path, line, more, line, more).images
    assert image.captions == ("red jet", "red jet", "kite"), "other lines tell other objects"
    boxed: dict[str, object] = {"annotations": [{"bbox": BOXES[0]}], **line}
    [image] = _scan_lines(tmp_path, boxed, boxed, line).images
    assert (image.captions, len(image.objects)) == (("red jet", "red jet"), 1)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("bare", [{}, {"caption": "object"}], ids=["none", "class"])
def test_of_a_box_told_twice_nothing_is_lost(
    order: int, bare: dict[str, str], tmp_path: Path
) -> None:
    outline = [1, 2, 11, 2, 11, 7]
    told = [
        {"bbox": BOXES[0], **bare},
        {"bbox": BOXES[0], "visible_ratio": 0.5},
        {"bbox": BOXES[0], "caption": "kite"},
        {"bbox": BOXES[0], "segmentation": [outline]},
    ]
    raw = _scan_lines(tmp_path, *({"annotations": [one]} for one in told[::order]))
    [thing] = raw.images[0].objects
    assert (thing.caption, thing.visible_ratio) == ("kite", 0.5)
    assert [polygon.ravel().tolist() for polygon in thing.polygons] == [outline]
    [note] = raw.all_findings()
    assert note.what.endswith("3 boxes told again counted once.")


@pytest.mark.parametrize(
    ("entries", "captions"),
    [
        ([["kite"], ["drone"]], ["kite", "drone"]),
        ([[""], ["kite", "drone"]], ["kite", "drone"]),
        ([["kite", "drone"], [""]], ["kite", "drone"]),
        ([["", "kite"], ["kite"]], ["", "kite"]),
        ([["", ""], ["kite", "drone"]], ["kite", "drone"]),
        ([["", ""], ["", ""]], ["", ""]),
        ([["kite", "kite"], ["kite", "kite"]], ["kite", "kite"]),
    ],
)
def test_boxes_in_one_place_are_told_apart_by_captions(
    entries: list[list[str]], captions: list[str], tmp_path: Path
) -> None:
    lines = [{"annotations": [{"bbox": BOXES[0], "caption": c} for c in e]} for e in entries]
    [image] = _scan_lines(tmp_path, *lines).images
    assert [thing.caption for thing in image.objects] == captions


def test_captions_of_an_image_follow_those_of_its_boxes(tmp_path: Path) -> None:
    bare, told = ({"annotations": [{"bbox": BOXES[0], **c}]} for c in ({}, {"caption": "kite"}))
    [image] = _scan_lines(tmp_path, bare, {"captions": ["drone"]}, told, told).images
    assert image.captions == ("kite", "drone")
    mixed = {"annotations": [{"bbox": BOXES[0]}, {"caption": "drone"}]}
    [image] = _scan_lines(tmp_path, mixed, told).images
    assert image.captions == ("drone", "kite")


def test_a_damaged_line_is_told_beside_its_image(tmp_path: Path) -> None:
    boxed = {"annotations": [{"caption": "kite", "bbox": BOXES[0]}]}
    [image] = _scan_lines(tmp_path, boxed, {"annotations": [{"bbox": [1, 2]}]}).images
    assert [f.kind for f in image.findings if f.level == "error"] == ["corrupt-labels"]
    assert image.findings[0].where == "annotations.jsonl, line 2"


def test_many_lines_of_one_file_take_no_longer_than_their_number(tmp_path: Path) -> None:
    lines = [{"annotations": [{"bbox": [1, 2, 3, 4 + n / 1000]}]} for n in range(3000)]
    [image] = _scan_lines(tmp_path, *lines).images
    assert len(image.objects) == 3000


@pytest.mark.parametrize(("split", "kind"), [("train", "same-image"), ("val", "image-leak")])
def test_links_to_one_file_are_copies_of_it(split: str, kind: str, tmp_path: Path) -> None:
    _image(tmp_path / "store/a")
    for name, place in (("a", "train"), ("b", split)):
        for folder in ("images", "labels"):
            (tmp_path / folder / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / f"images/{place}/{name}.png").symlink_to(tmp_path / "store/a")
        (tmp_path / f"labels/{place}/{name}.txt").write_text("0 .5 .5 .2 .4\n")
    assert {r.image_id: r.split for r in read_dataset(tmp_path)} == {"a": "train", "b": split}
    assert kind in {finding.kind for finding in check_folder(tmp_path).findings}


def test_links_of_several_names_are_several_images_in_an_index_too(tmp_path: Path) -> None:
    _image(tmp_path / "images" / "store" / "x.png")
    lines = []
    for name in ("a.png", "b.png"):
        (tmp_path / "images" / name).symlink_to(Path("store") / "x.png")
        box = {"bbox": [1, 2, 10, 10], "caption": "red drone"}
        lines.append(json.dumps({"image": name, "annotations": [box]}))
    (tmp_path / "annotations.jsonl").write_text("\n".join(lines))
    found = read_dataset(tmp_path, "jsonl")
    assert [record.path.name for record in found] == ["a.png", "b.png"]
    assert [len(record) for record in found] == [1, 1]
