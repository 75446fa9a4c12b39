"""What other tools write beside the usual: names, companions of a file, turned photographs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DataError
from dataset.checks import check_folder
from dataset.formats.raw import RawDataset
from dataset.outlines import outline_extent
from dataset.record import Dataset, Record
from dataset.registry import FORMATS, detect_format, read_dataset, scan_dataset, write_dataset


def _image(path: Path, wh: tuple[int, int] = (100, 50)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", wh, (len(str(path)) % 256, 9, 9)).save(path)
    return path


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _splits(folder: Path) -> dict[str, str]:
    return {record.image_id: record.split for record in read_dataset(folder)}


def test_voc_names_with_spaces_keep_their_split(tmp_path: Path) -> None:
    # The last two end in what may be a flag of a class's list.
    splits = {"drone": "train", "drone 2": "val", "drone (3)": "test", "IMG 1": "val",
              "IMG": "test"}  # fmt: skip
    box = np.array([[1, 1, 20, 20]], np.float32)
    records = tuple(
        Record(name, _image(tmp_path / f"{name}.png"), (100, 50), box, ("x",), split=split)
        for name, split in splits.items()
    )
    write_dataset(Dataset(records), tmp_path / "out", "voc")
    assert _splits(tmp_path / "out") == splits


def test_voc_lists_with_flags(tmp_path: Path) -> None:
    for name in ("000012", "photo 2", "both", "both 1"):
        _image(tmp_path / f"JPEGImages/{name}.jpg")
        _write(tmp_path / f"Annotations/{name}.xml", "<annotation></annotation>")
    _write(tmp_path / "ImageSets/Main/train.txt", "000012  1\n\nboth 1\n")
    _write(tmp_path / "ImageSets/Main/val.txt", "photo 2 -1\nboth  0\n")
    assert _splits(tmp_path) == {
        "000012": "train", "photo 2": "val", "both": "val", "both 1": "train",
    }  # fmt: skip


def _coco(path: Path, *, keys: tuple[str, ...] = ("categories",), image: str = "1.jpg") -> None:
    table = {
        "images": [{"id": 1, "file_name": image, "width": 100, "height": 50}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [40, 15, 20, 20]}],
        **{key: [{"id": 1, "name": "person"}] for key in keys},
    }
    _write(path, json.dumps(table))


@pytest.mark.parametrize("place", ["val2017", "images/val2017", "images"])
def test_the_original_coco_is_read_once(place: str, tmp_path: Path) -> None:
    _image(tmp_path / place / "1.jpg")
    for task in ("instances", "person_keypoints", "stuff"):
        _coco(tmp_path / f"annotations/{task}_val2017.json")
    _coco(tmp_path / "annotations/captions_val2017.json", keys=())
    [record] = read_dataset(tmp_path)
    assert (record.image_id, record.split) == ("1", "val")
    np.testing.assert_allclose(record.xyxy, [[40, 15, 60, 35]])
    (tmp_path / "annotations/instances_val2017.json").unlink()
    (tmp_path / "annotations/stuff_val2017.json").unlink()
    assert _splits(tmp_path) == {"1": "val"}


def test_two_coco_files_of_one_image_are_refused(tmp_path: Path) -> None:
    _image(tmp_path / "images/1.jpg")
    _image(tmp_path / "images/2.jpg")
    _coco(tmp_path / "annotations/train.json")
    _coco(tmp_path / "annotations/val.json", image="2.jpg")
    assert _splits(tmp_path) == {"1": "train", "2": "val"}
    _coco(tmp_path / "annotations/val.json")
    with pytest.raises(
        DataError, match=r"val.json, 1.jpg: annotations/train.json describes it too"
    ):
        read_dataset(tmp_path)
    kinds = [finding.kind for finding in check_folder(tmp_path).findings]
    assert kinds.count("repeated-image") == 1


def _pose(folder: Path, shape: str, row: str) -> Path:
    _image(folder / "images/train/a.jpg")
    _write(folder / "labels/train/a.txt", row + "\n")
    _write(folder / "data.yaml", f"train: images/train\nkpt_shape: {shape}\nnames: [plate]\n")
    return folder


@pytest.mark.parametrize(
    ("shape", "points"),
    [("[4, 2]", ".4 .4 .6 .4 .6 .6 .4 .6"), ("[4, 3]", ".4 .4 2 .6 .4 2 .6 .6 2 .4 .6 0"),
     ("[1, 2]", ".1 .1")],
)  # fmt: skip
def test_rows_with_keypoints_give_their_box(shape: str, points: str, tmp_path: Path) -> None:
    _pose(tmp_path, shape, f"0 .5 .5 .2 .4 {points}")
    assert detect_format(tmp_path) == "yolo"
    [record] = read_dataset(tmp_path)
    np.testing.assert_allclose(record.xyxy, [[40, 15, 60, 35]], atol=1e-4)
    assert record.polygons == ()


@pytest.mark.parametrize(
    ("shape", "row", "message"),
    [
        ("[4, 2]", "0 .5 .5 .2 .4 .1 .1", "cx cy w h and 8 numbers of keypoints; got"),
        ("[1, 2]", "0 .5 .5 .2 .4", "row 1 must be class cx cy w h and 2 numbers"),
        ("[4, x]", "0 .5 .5 .2 .4", "kpt_shape must be the number of points and 2 or 3, got"),
        ("17", "0 .5 .5 .2 .4", "kpt_shape must be"),
    ],
)
def test_wrong_rows_with_keypoints(shape: str, row: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_dataset(_pose(tmp_path, shape, row))


def _labelled_without_yaml(folder: Path) -> None:
    for number in range(3):
        _image(folder / f"images/{number}.jpg")
        _write(folder / f"labels/{number}.txt", f"{number} .5 .5 .2 .4\n")


@pytest.mark.parametrize("place", [".", "labels"])
def test_yolo_without_yaml_takes_the_names_of_classes_txt(place: str, tmp_path: Path) -> None:
    _labelled_without_yaml(tmp_path)
    names = ("red bird of more words than a box has", "drone", "plane")
    _write(tmp_path / place / "classes.txt", "\n".join(names) + "\n")
    assert detect_format(tmp_path) == "yolo"
    got = read_dataset(tmp_path)
    assert got.class_names == names
    assert {record.image_id: record.captions for record in got} == {
        str(number): (name,) for number, name in enumerate(names)
    }
    _write(tmp_path / "data.yaml", "train: images\nnames: [a, b, c]\n")
    assert read_dataset(tmp_path).class_names == ("a", "b", "c")


def test_yolo_classes_that_no_file_names_are_an_error(tmp_path: Path) -> None:
    _labelled_without_yaml(tmp_path)
    [finding] = scan_dataset(tmp_path).all_findings()
    assert (finding.kind, finding.level) == ("no-class-names", "error")
    assert "class 1 has no name" in finding.what
    assert "(2 boxes in the data set)" in finding.what
    for number in range(3):
        _write(tmp_path / f"labels/{number}.txt", "0 .5 .5 .2 .4\n")
    assert read_dataset(tmp_path).class_names == ("object",)


def _photograph(path: Path, orientation: int) -> Path:
    """100x50 px as stored, white, its pixels 10 to 40 from the left and 5 to 20 down red."""
    pixels = np.full((50, 100, 3), 255, np.uint8)
    pixels[5:20, 10:40] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def _describe(folder: Path, format: str, wh: tuple[int, int], name: str, width: int = 30) -> None:
    """A box of the red pixels as stored, and its outline, beside a stated size."""
    size = {"width": wh[0], "height": wh[1]}
    right = 10 + width
    outline = [10, 5, right, 5, right, 20, 10, 20]
    if format == "coco":
        thing = {"image_id": 1, "category_id": 1, "bbox": [10, 5, width, 15]}
        table = {
            "images": [{"id": 1, "file_name": name, **size}],
            "annotations": [{**thing, "segmentation": [outline]}],
            "categories": [{"id": 1, "name": "x"}],
        }
        _write(folder / "annotations/train.json", json.dumps(table))
    elif format == "hf":
        things = {"bbox": [[10, 5, width, 15]], "segmentation": [[outline]]}
        row = {"file_name": f"images/{name}", "objects": things, **size}
        _write(folder / "metadata.jsonl", json.dumps(row) + "\n")
    else:
        points = "".join(
            f"<{axis}{n // 2}>{value + 1}</{axis}{n // 2}>"
            for n, (axis, value) in enumerate(zip("xyxyxyxy", outline, strict=True))
        )
        _write(
            folder / "Annotations/a.xml",
            f"<annotation><filename>{name}</filename>"
            f"<size><width>{wh[0]}</width><height>{wh[1]}</height></size><object><name>x</name>"
            f"<bndbox><xmin>11</xmin><ymin>6</ymin><xmax>{right}</xmax><ymax>20</ymax></bndbox>"
            f"<polygon>{points}</polygon></object></annotation>",
        )


@pytest.mark.parametrize("format", ["coco", "voc", "hf"])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_boxes_of_stored_pixels_turn_with_the_photograph(
    suffix: str, orientation: int, format: str, tmp_path: Path
) -> None:
    _photograph(tmp_path / f"images/a{suffix}", orientation)
    _describe(tmp_path, format, (100, 50), f"a{suffix}")
    [record] = read_dataset(tmp_path, format)
    y, x = np.nonzero(record.load_image()[..., 1] == 0)
    seen = [x.min(), y.min(), x.max() + 1, y.max() + 1]
    assert record.image_wh == (50, 100)
    np.testing.assert_allclose(record.xyxy, [seen], atol=1e-3)
    np.testing.assert_allclose(outline_extent(record.polygons[0]), seen, atol=1e-3)
    kinds = {finding.kind for finding in check_folder(tmp_path, format).findings}
    assert "turned-boxes" in kinds
    assert "outline-beside-box" not in kinds


def test_an_outline_without_a_number_is_an_error_of_its_file(tmp_path: Path) -> None:
    _photograph(tmp_path / "images/a.png", 1)
    _describe(tmp_path, "voc", (100, 50), "a.png")
    path = tmp_path / "Annotations/a.xml"
    path.write_text(path.read_text().replace("<y0>6</y0>", "<y0/>"))
    assert not check_folder(tmp_path, "voc").ok
    with pytest.raises(DataError, match=r"a\.xml: object 1 .* a point that is no number"):
        read_dataset(tmp_path, "voc")


@pytest.mark.parametrize("format", ["coco", "voc", "hf"])
def test_boxes_of_an_upright_photograph_stay(format: str, tmp_path: Path) -> None:
    _photograph(tmp_path / "images/a.png", 6)
    for stated in ((50, 100), (0, 0)):
        _describe(tmp_path, format, stated, "a.png")
        [record] = read_dataset(tmp_path, format)
        np.testing.assert_allclose(record.xyxy, [[10, 5, 40, 20]], atol=1e-3)


@pytest.mark.parametrize("format", ["coco", "voc", "hf"])
@pytest.mark.parametrize(
    ("orientation", "wh", "width"), [(3, (50, 100), 30), (1, (200, 100), 30), (6, (100, 50), 95)]
)
def test_sizes_that_tell_nothing_are_an_error(
    orientation: int, wh: tuple[int, int], width: int, format: str, tmp_path: Path
) -> None:
    _photograph(tmp_path / "images/a.png", orientation)
    _describe(tmp_path, format, wh, "a.png", width)
    with pytest.raises(DataError, match=rf"stated as {wh[0]}x{wh[1]} px, the file has"):
        read_dataset(tmp_path, format)


@pytest.mark.parametrize("name", FORMATS.names())
def test_files_that_an_editor_marked_as_utf8_are_read(name: str, tmp_path: Path) -> None:
    box = np.array([[1, 1, 20, 20]], np.float32)
    records = tuple(
        Record(stem, _image(tmp_path / f"{stem}.png"), (100, 50), box, ("red",), split=split)
        for stem, split in (("a", "train"), ("b", "val"))
    )
    write_dataset(Dataset(records, ("drone", "plane")), tmp_path / "out", name)
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file() and path.suffix != ".png":
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert detect_format(tmp_path / "out") == name
    got = read_dataset(tmp_path / "out")
    assert got.class_names == ("drone", "plane")
    assert [(r.image_id, r.split, r.captions) for r in got] == [
        ("a", "train", ("red",)), ("b", "val", ("red",)),
    ]  # fmt: skip


_BOX = {"caption": "kite", "bbox": [1, 2, 10, 5]}
_TOLD = {"caption": "drone"}


def _scan_line(folder: Path, name: str, row: dict[str, object]) -> RawDataset:
    _image(folder / "a.png")
    index = "metadata.jsonl" if name == "hf" else "annotations.jsonl"
    key = "file_name" if name == "hf" else "image"
    _write(folder / index, json.dumps({key: "a.png", **row}))
    return scan_dataset(folder, name)


@pytest.mark.parametrize(
    ("name", "row", "captions"),
    [
        ("hf", {"text": "kite"}, ("kite",)),
        ("hf", {"text": "kite", "objects": None}, ("kite",)),
        ("hf", {"text": 5, "caption": ["kite", "drone"]}, ("kite", "drone")),
        ("jsonl", {"captions": ["kite", "drone"]}, ("kite", "drone")),
        ("jsonl", {"captions": "kite", "annotations": None}, ("kite",)),
        ("jsonl", {"annotations": [_TOLD, {**_TOLD, "bbox": None}]}, ("drone", "drone")),
        ("jsonl", {"annotations": [_BOX, _TOLD]}, ("kite", "drone")),
    ],
)
def test_captions_without_boxes_are_known_and_not_learnt(
    name: str, row: dict[str, object], captions: tuple[str, ...], tmp_path: Path
) -> None:
    [image] = _scan_line(tmp_path, name, row).images
    assert image.captions == captions
    assert [(one.kind, one.level) for one in image.findings] == [("missing-labels", "warning")]
    assert len(image.objects) == str(row).count("[1, 2, 10, 5]"), "what has a box keeps it"
    assert check_folder(tmp_path).ok
    with pytest.raises(DataError, match="not all have boxes: it would be learnt"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("told", [5, True, {"raw": "kite"}, [{"raw": "kite"}], [5], "", "kite"])
@pytest.mark.parametrize("key", ["text", "caption", "captions"])
@pytest.mark.parametrize("name", ["hf", "jsonl"])
def test_a_column_of_anything_costs_no_boxes(
    name: str, key: str, told: object, tmp_path: Path
) -> None:
    labels = {"objects": {"bbox": [_BOX["bbox"]]}} if name == "hf" else {"annotations": [_BOX]}
    [image] = _scan_line(tmp_path, name, {key: told, **labels}).images
    is_text = told == "kite" and (name == "hf" or key == "captions")
    assert image.captions == (("kite",) if is_text else ())
    [record] = read_dataset(tmp_path)
    assert record.xyxy.tolist() == [[1, 2, 11, 7]]


@pytest.mark.parametrize(
    "row", [{}, {"captions": 5}, {"annotations": None}, {"annotations": [{"class": "kite"}]}]
)
def test_a_line_that_tells_nothing_is_an_error(row: dict[str, object], tmp_path: Path) -> None:
    [finding] = _scan_line(tmp_path, "jsonl", row).all_findings()
    assert (finding.kind, finding.level) == ("corrupt-labels", "error")


_WINDOWS = {
    "yolo": {"data.yaml": "train: images\\train\nval: val.txt\nnames: [kite]\n",
             "labels/train/a.txt": "0 .5 .5 .2 .2\n",
             "labels/val/b.txt": "0 .5 .5 .2 .2\n", "val.txt": ".\\images\\val\\b.png\n"},
    "coco": {"instances_train.json": json.dumps({
        "images": [{"id": 1, "file_name": "images\\train\\a.png"},
                   {"id": 2, "file_name": "images\\val\\b.png"}],
        "annotations": [{"id": i, "image_id": i, "category_id": 1, "bbox": [1, 2, 10, 5]}
                        for i in (1, 2)],
        "categories": [{"id": 1, "name": "kite"}],
    })},
    "hf": {"metadata.jsonl": "\n".join(
        json.dumps({"file_name": f"images\\{name}.png", "objects": {"bbox": [[1, 2, 10, 5]]}})
        for name in ("train\\a", "val\\b")
    )},
    "jsonl": {"annotations.jsonl": "\n".join(
        json.dumps({"image": f"{name}.png", "annotations": [_BOX]})
        for name in ("train\\a", "val\\b")
    )},
}  # fmt: skip


@pytest.mark.parametrize("name", _WINDOWS)
def test_paths_of_windows_are_read(name: str, tmp_path: Path) -> None:
    for place in ("train/a", "val/b"):
        _image(tmp_path / "images" / f"{place}.png")
    for place, text in _WINDOWS[name].items():
        _write(tmp_path / place, text)
    records = read_dataset(tmp_path)
    assert [(record.image_id, len(record.xyxy)) for record in records] == [("a", 1), ("b", 1)]
    if name in ("yolo", "hf"):
        assert [record.split for record in records] == ["train", "val"]


def test_voc_names_its_picture_by_a_path_of_windows(tmp_path: Path) -> None:
    _image(tmp_path / "JPEGImages/other.png")
    text = "<annotation><filename>C:\\mine\\other.png</filename></annotation>"
    _write(tmp_path / "Annotations/a.xml", text)
    [image] = scan_dataset(tmp_path, "voc").images
    assert image.path == tmp_path / "JPEGImages/other.png"
