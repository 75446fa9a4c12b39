"""Every format: written, read back, written again; from elsewhere; damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DataError, UnknownNameError
from dataset.checks import check_folder
from dataset.formats import yolo
from dataset.formats.files import split_named
from dataset.outlines import join_outlines, outline_area, outline_extent
from dataset.record import Dataset, Record
from dataset.registry import FORMATS, detect_format, read_dataset, write_dataset

KEEPS_OUTLINES = {"yolo-seg", "coco", "voc", "hf", "jsonl"}


@pytest.fixture
def dataset(tmp_path: Path, rng: np.random.Generator) -> Dataset:
    """Six images in all splits, some empty, with all that a record can hold."""
    records = []
    for number, suffix in enumerate((".jpg", ".png", ".jpg", ".webp", ".jpg", ".jpg")):
        # A name that is awkward in XML, YAML, and for rules that split at dots or spaces.
        path = tmp_path / "source" / f"scène {number}.v1{suffix}"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (87, 152, 3), dtype=np.uint8)).save(path)
        n = number % 3
        corner = rng.uniform(0, 40, (n, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(0.7, 46, (n, 2))], axis=1)
        boxes = np.concatenate([boxes, [[0, 0, 152, 87]]]) if number == 2 else boxes
        boxes = boxes.astype(np.float32)
        records.append(
            Record(
                path.stem, path, (152, 87), boxes,
                tuple(f'red & <white> "drone", no. {row}' for row in range(len(boxes))),
                class_id=np.arange(len(boxes))[::-1] % 3,
                visible_ratio=rng.uniform(0.2, 1, len(boxes)).astype(np.float32),
                group=f"place {number // 2}",
                split=("train", "train", "val", "val", "test", "test")[number],
                source="own photograph & work", licence=("CC0-1.0", "CC-BY-4.0")[number % 2],
                polygons=tuple(_outlines(box, row) for row, box in enumerate(boxes)),
            )
        )  # fmt: skip
    # Named out of their alphabet, and one of them never used.
    return Dataset(tuple(records), ("zeppelin", "drone: 'big'", "missile", "unused"))


def _outlines(box: np.ndarray, row: int) -> tuple[np.ndarray, ...]:
    """None, one or two outlines whose extent is the box."""
    x1, y1, x2, y2 = box
    middle = (x1 + x2) / 2
    left = np.array([[x1, y1], [middle - 0.1, y1], [x1, y2]], np.float32)
    right = np.array([[middle + 0.1, y1], [x2, y1], [x2, y2], [middle + 0.1, y2]], np.float32)
    return ((), (np.array([[x1, y1], [x2, y1], [x2, y2]], np.float32),), (left, right))[row % 3]


def _state(dataset: Dataset) -> list[object]:
    return [
        (r.image_id, r.xyxy.tolist(), r.captions, r.path.read_bytes(), r.path.stat().st_mtime_ns)
        for r in dataset
    ]


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _check_same(expected: Dataset, got: Dataset, *, outlines: bool) -> None:
    by_id = {record.image_id: record for record in got}
    assert set(by_id) == {record.image_id for record in expected}
    assert got.class_names == expected.class_names
    for record in expected:
        other = by_id[record.image_id]
        np.testing.assert_allclose(other.xyxy, record.xyxy, atol=0.01)
        np.testing.assert_allclose(other.visible_ratio, record.visible_ratio, atol=1e-3)
        assert other.class_id.tolist() == record.class_id.tolist()
        for key in ("image_wh", "captions", "group", "split", "source", "licence"):
            assert getattr(other, key) == getattr(record, key), key
        assert other.path.read_bytes() == record.path.read_bytes()
        if outlines:
            assert [len(known) for known in other.polygons] == [len(k) for k in record.polygons]
            for known, others in zip(record.polygons, other.polygons, strict=True):
                for one, two in zip(known, others, strict=True):
                    np.testing.assert_allclose(two, one, atol=0.01)


@pytest.mark.parametrize("name", FORMATS.names())
def test_round_trip_twice(name: str, dataset: Dataset, tmp_path: Path) -> None:
    before = _state(dataset)
    write_dataset(dataset, tmp_path / "one", name)
    assert detect_format(tmp_path / "one") == name
    once = read_dataset(tmp_path / "one")
    _check_same(dataset, once, outlines=name in KEEPS_OUTLINES)
    write_dataset(once, tmp_path / "two", name)
    _check_same(dataset, read_dataset(tmp_path / "two", name), outlines=name in KEEPS_OUTLINES)
    assert _state(dataset) == before, "writing changed its source"


def test_folders_may_be_texts(dataset: Dataset, tmp_path: Path) -> None:
    folder = str(tmp_path / "out")
    write_dataset(dataset, folder, "coco")
    assert detect_format(folder) == "coco"
    _check_same(dataset, read_dataset(folder), outlines=True)
    assert check_folder(folder).ok


@pytest.mark.parametrize("name", FORMATS.names())
def test_formats_follow_each_other_without_loss(
    name: str, dataset: Dataset, tmp_path: Path
) -> None:
    current = dataset
    for step, other in enumerate((name, "coco", "yolo-seg", "voc", name)):
        write_dataset(current, tmp_path / str(step), other)
        current = read_dataset(tmp_path / str(step))
    _check_same(dataset, current, outlines=False)


@pytest.mark.parametrize("name", FORMATS.names())
def test_writing_again_changes_nothing(name: str, dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path / "out", name)
    first = _files(tmp_path / "out")
    # What a killed run may leave behind.
    any_image = next(path for path in first if path.endswith(".png"))
    (tmp_path / "out" / any_image).unlink()
    part = Path(any_image).with_name(f".{Path(any_image).name}.0123cdef").as_posix()
    (tmp_path / "out" / part).write_bytes(b"half")
    write_dataset(dataset, tmp_path / "out", name)
    assert _files(tmp_path / "out") == {**first, part: b"half"}
    _check_same(dataset, read_dataset(tmp_path / "out"), outlines=False)


@pytest.mark.parametrize("name", FORMATS.names())
def test_two_data_sets_do_not_mix(name: str, dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path / "out", name)
    fewer = Dataset(dataset.records[1:], dataset.class_names)
    with pytest.raises(DataError, match="already holds 1 images"):
        write_dataset(fewer, tmp_path / "out", name)


@pytest.mark.parametrize("image_id", ["../../outside", "/etc/outside", "train/a", "", "."])
def test_names_do_not_lead_out_of_the_folder(image_id: str, dataset: Dataset) -> None:
    with pytest.raises(DataError, match="image_id must be a file's name without a folder"):
        replace(dataset.records[0], image_id=image_id)


def test_unwritable_and_empty(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no image"):
        write_dataset(Dataset(()), tmp_path, "coco")
    with pytest.raises(UnknownNameError, match="Did you mean 'yolo'"):
        write_dataset(dataset, tmp_path, "yoloo")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        write_dataset(dataset, tmp_path / "file", "coco")
    with pytest.raises(DataError, match="no data set of a known format"):
        detect_format(tmp_path / "source")
    with pytest.raises(DataError, match="not a folder"):
        read_dataset(tmp_path / "nowhere")


def test_yolo_yaml_names_no_place(dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path / "out", "yolo")
    text = (tmp_path / "out/data.yaml").read_text(encoding="utf-8")
    assert text.startswith("path:  # ")
    assert str(tmp_path) not in text
    assert "test: images/test\n" in text
    assert "nc: 4\n" in text
    one = Dataset(dataset.split("val").records, dataset.class_names)
    write_dataset(one, tmp_path / "val", "yolo")
    text = (tmp_path / "val/data.yaml").read_text(encoding="utf-8")
    assert "train: images/val\nval: images/val\nnc" in text
    assert [r.split for r in read_dataset(tmp_path / "val")] == ["val", "val"]


@pytest.mark.parametrize("name", ["yolo", "yolo-seg", "coco", "hf", "jsonl"])
def test_class_names_keep_odd_signs(name: str, dataset: Dataset, tmp_path: Path) -> None:
    odd = ("a\x7fb", "a\x85b \u2028c", 'quoted "\\" \U0001f681', "tag\U000e0001\x07")
    write_dataset(Dataset(dataset.records, odd), tmp_path / "out", name)
    assert read_dataset(tmp_path / "out", name).class_names == odd


def test_xml_loses_odd_signs_and_no_class(dataset: Dataset, tmp_path: Path) -> None:
    odd = ("a\x07b", "a\x00b c\ufffe", "missile\x1b", "unused\uffff")
    write_dataset(Dataset(dataset.records, odd), tmp_path / "out", "voc")
    got = read_dataset(tmp_path / "out", "voc")
    assert got.class_names == ("ab", "ab c", "missile", "unused")
    assert [r.class_id.tolist() for r in got] == [r.class_id.tolist() for r in dataset]


SCRIPTS = (
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian with a non-joiner
    "\U0001f468\u200d\U0001f680",  # an astronaut, joined
    "10\u00a0km, 10\u202fkm", "\u7a7a\u3000\u6e2f", "a\u2028b\u2029c", "a\rb\tc", "a\x7fb\x85c",
    "soft\u00adware", "\ue000\ufdd0\ufffd\U0010ffff",
)  # fmt: skip


@pytest.mark.parametrize("text", SCRIPTS, ids=ascii)
@pytest.mark.parametrize("name", FORMATS.names())
def test_texts_of_all_scripts_come_back(
    name: str, text: str, dataset: Dataset, tmp_path: Path
) -> None:
    [first, *_] = (record for record in dataset if len(record) == 1)
    told = replace(first, captions=(text,), image_id="\u7a7a\u3000\u6e2f", group=text)
    names = (*dataset.class_names[:-1], text)
    write_dataset(Dataset((told,), names), tmp_path / "out", name)
    got = read_dataset(tmp_path / "out", name)
    assert got.class_names == names
    [record] = got
    assert (record.image_id, record.captions, record.group) == (told.image_id, (text,), text)


def test_edited_labels_win_over_the_sidecar(dataset: Dataset, tmp_path: Path) -> None:
    write_dataset(dataset, tmp_path, "yolo")
    record = dataset.records[2]
    label = tmp_path / f"labels/val/{record.image_id}.txt"
    rows = label.read_text().splitlines()
    # The first row is gone, the others have changed places, and one is new.
    label.write_text("\n".join([rows[2], rows[1], "3 0.95 0.95 0.01 0.01"]) + "\n")
    edited = next(r for r in yolo.read(tmp_path) if r.image_id == record.image_id)
    assert edited.captions == (record.captions[2], record.captions[1], "unused")
    assert edited.visible_ratio.tolist() == pytest.approx(
        [record.visible_ratio[2], record.visible_ratio[1], 1], abs=1e-3
    )


def test_a_box_drawn_over_a_labelled_one_has_no_caption_yet(tmp_path: Path) -> None:
    _image(path := tmp_path / "a.png")
    boxes = np.array([[10, 10, 50, 40], [12, 10, 52, 40]], np.float32)
    record = Record("a", path, (100, 50), boxes, ("red drone", "blue kite"), split="train")
    write_dataset(Dataset((record,)), tmp_path / "out", "yolo")
    label = tmp_path / "out/labels/train/a.txt"
    label.write_text("0 0.3 0.5 0.38 0.6\n" + label.read_text())
    [edited] = yolo.read(tmp_path / "out")
    assert edited.captions == ("object", "red drone", "blue kite")


def _image(path: Path, wh: tuple[int, int] = (100, 50)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", wh, (len(str(path)) % 256, 9, 9)).save(path)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _roboflow_yolo(folder: Path) -> None:
    for split in ("train", "valid"):
        _image(folder / split / "images/a.jpg")
        _write(folder / split / "labels/a.txt", "1 0.5 0.5 0.2 0.4\n")
    text = "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['plane', 'a drone']\n"
    _write(folder / "data.yaml", text)


def _listed_yolo(folder: Path) -> None:
    for name in ("x/images/a.jpg", "y/images/b.jpg"):
        _image(folder / name)
        label = folder / name.replace("images", "labels").replace("jpg", "txt")
        _write(label, "1 0.5 0.5 0.2 0.4\n")
    _write(folder / "lists/train.txt", "x/images/a.jpg\n")
    _write(folder / "lists/val.txt", "./y/images/b.jpg\n")
    names = "names:\n  0: plane\n  1: a drone # comment\n"
    text = f"path: /data/elsewhere\ntrain: lists/train.txt\nval: [lists/val.txt]\n{names}"
    _write(folder / "data.yaml", text)


def _original_coco(folder: Path) -> None:
    for split in ("train", "val"):
        _image(folder / f"{split}2017/a.jpg")
        table = {
            "images": [{"id": 7, "file_name": "a.jpg", "width": 100, "height": 50}],
            "categories": [{"id": 18, "name": "a drone"}, {"id": 3, "name": "plane"}],
            "annotations": [
                {"id": 1, "image_id": 7, "category_id": 18, "bbox": [40, 15, 20, 20],
                 "segmentation": {"counts": "abc", "size": [50, 100]}, "iscrowd": 0},
                {"id": 2, "image_id": 7, "category_id": 18, "bbox": [0, 0, 100, 50], "iscrowd": 1},
            ],
        }  # fmt: skip
        _write(folder / f"annotations/instances_{split}2017.json", json.dumps(table))


def _voc_of_labelimg(folder: Path) -> None:
    for split in ("train", "valid"):
        _image(folder / split / "a.jpg")
        corners = "<xmin>41</xmin><ymin>16</ymin><xmax>60</xmax><ymax>35</ymax>"
        text = (
            "<annotation><filename>C:\\mine\\a.jpg</filename>"
            f"<object><bndbox>{corners}</bndbox><name>a drone</name></object></annotation>"
        )
        _write(folder / split / "a.xml", text)


def _hf_of_the_docs(folder: Path) -> None:
    for split in ("train", "validation"):
        _image(folder / "data" / split / "a.jpg")
        row = {"file_name": "a.jpg", "objects": {"bbox": [[40, 15, 20, 20]], "categories": [1]}}
        _write(folder / "data" / split / "metadata.jsonl", json.dumps(row) + "\n")
    _write(folder / "classes.txt", "plane\na drone\n")


@pytest.mark.parametrize(
    ("make", "format", "names"),
    [
        (_roboflow_yolo, "yolo", ("plane", "a drone")),
        (_listed_yolo, "yolo", ("plane", "a drone")),
        (_original_coco, "coco", ("plane", "a drone")),
        (_voc_of_labelimg, "voc", ("a drone",)),
        (_hf_of_the_docs, "hf", ("plane", "a drone")),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_data_sets_from_elsewhere(
    make: Callable[[Path], None], format: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    make(tmp_path)
    assert detect_format(tmp_path) == format
    got = read_dataset(tmp_path)
    assert got.class_names == names
    assert sorted(record.split for record in got) == ["train", "val"]
    assert len({record.image_id for record in got}) == 2
    for record in got:
        np.testing.assert_allclose(record.xyxy, [[40, 15, 60, 35]], atol=1e-3)
        assert [names[c] for c in record.class_id] == ["a drone"]
        assert record.captions == ("a drone",)
        assert record.polygons == ()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0 0.5 0.5 0.2", "row 1 must be class cx cy w h"),
        ("0 0.5 0.5 0.2 x", "row 1 must be"),
        ("0 0.1 0.1 0.9 0.1 0.5 0.5 0.7", "row 1 must be"),
        ("5 0.5 0.5 0.2 0.2", "class 5 has no name: neither data.yaml nor"),
        ("0 0.5 0.5 0 0.2", "box 1 is empty"),
        ("0 nan 0.5 0.1 0.2", "box 1 is empty"),
    ],
)
def test_damaged_yolo_rows_are_explained(tmp_path: Path, rows: str, message: str) -> None:
    _image(tmp_path / "images/train/a.jpg")
    _write(tmp_path / "labels/train/a.txt", rows + "\n")
    with pytest.raises(DataError, match=rf"labels/train/a.txt: {message}"):
        read_dataset(tmp_path, "yolo")


def test_data_yaml_cannot_reach_other_folders(tmp_path: Path) -> None:
    _image(tmp_path / "secret/images/a.jpg")
    _write(tmp_path / "set/data.yaml", f"train: {tmp_path}/secret/images\nval: ../secret/images\n")
    with pytest.raises(DataError, match="no folder or list inside the data set"):
        read_dataset(tmp_path / "set")


@pytest.mark.parametrize(
    ("name", "index", "text"),
    [
        ("jsonl", "annotations.jsonl", '{"image": "../../up.jpg", "annotations": []}'),
        ("hf", "metadata.jsonl", '{"file_name": "../up.jpg"}'),
        ("coco", "annotations/a.json",
         '{"images": [{"id": 1, "file_name": "../../up.jpg"}], "annotations": [],'
         ' "categories": []}'),
    ],
)  # fmt: skip
def test_labels_cannot_name_images_elsewhere(
    name: str, index: str, text: str, tmp_path: Path
) -> None:
    _image(tmp_path / "up.jpg")
    _write(tmp_path / "a/set" / index, text)
    with pytest.raises(DataError, match=r"leads out of|does not exist"):
        read_dataset(tmp_path / "a/set", name)


def test_outlines() -> None:
    square = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)
    triangle = np.array([[12, 4], [16, 4], [16, 8]], np.float32)
    far = square / 5 + 30
    joined = join_outlines([triangle, far, square])
    assert outline_area(joined) == pytest.approx(100 + 8 + 4)
    assert outline_extent([joined]) == (0, 0, 32, 32)
    assert len(join_outlines([square])) == 4
    given = replace(
        Record("a", Path("a.png"), (64, 48), np.array([[0, 0, 9, 9]], np.float32), ("",)),
        polygons=((square,),),
    )
    assert not given.polygons[0][0].flags.writeable
    for wrong in (((square[:2],),), ((square,), ()), ((square * np.nan,),)):
        with pytest.raises(DataError, match="outline"):
            replace(given, polygons=wrong)


def test_split_names() -> None:
    names = ["train2017", "instances_val2017", "valid", "Test", "dev-set", "contest", "images"]
    assert [split_named(name) for name in names] == ["train", "val", "val", "test", "val", "", ""]


def test_names_that_differ_by_case_are_numbered(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10)).save(tmp_path / "IMG.png")
    Image.new("RGB", (20, 10)).save(tmp_path / "img.jpg")
    lines = ['{"image": "IMG.png", "annotations": []}', '{"image": "img.jpg", "annotations": []}']
    (tmp_path / "annotations.jsonl").write_text("\n".join(lines))
    assert [record.image_id for record in read_dataset(tmp_path)] == ["IMG", "img-2"]


def test_images_beside_the_index_are_found(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "one.png")
    row = {"image": "one.png", "annotations": [{"caption": "red drone", "bbox": [1, 2, 10, 5]}]}
    (tmp_path / "annotations.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    [record] = read_dataset(tmp_path)
    assert record.path == tmp_path / "one.png"
    assert record.xyxy.tolist() == [[1, 2, 11, 7]]
