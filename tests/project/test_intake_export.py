"""Pictures and data sets come in whole or are told; what goes out is what people vouched for."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from core.errors import Cancelled, DataError, InputError
from core.image import read_image
from dataset.archive import pack, unpack
from dataset.data_file import read_data
from dataset.registry import FORMATS, read_dataset
from project.export import export_crops, export_csv, export_dataset, to_dataset
from project.imported import Imported
from project.intake import import_path
from project.pictures import read_picture
from project.proposals import Proposal
from project.store import Project
from project.types import Absent, Accept, Add, StoreError
from tests.project.pictures import picture_bytes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, one of them below, one damaged and one that is no picture."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    (folder / "a.png").write_bytes(picture_bytes(0))
    (folder / "b.jpg").write_bytes(picture_bytes(1, format="jpeg"))
    (folder / "more" / "a.png").write_bytes(picture_bytes(2))
    (folder / "cut.jpg").write_bytes(picture_bytes(3, (200, 150), "jpeg")[:900])
    (folder / "words.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not looked at")
    return folder


def test_a_folder_comes_in_and_bad_files_are_told(project: Project, folder: Path) -> None:
    told = import_path(project, folder, source="mine", licence="CC0-1.0")
    assert (told.added, told.known, told.failed) == (3, 0, 2)
    assert sorted(f.where for f in told.findings) == ["cut.jpg", "notes.txt", "words.png"]
    assert [i.name for i in project.images("name")] == ["a", "a-2", "b"]
    assert {i.source for i in project.images()} == {"mine"}
    again = import_path(project, folder)
    assert (again.added, again.known) == (0, 3)
    assert project.count() == 3


def test_files_that_are_no_pictures_are_noted_once(project: Project, folder: Path) -> None:
    (folder / "README.md").write_text("not looked at")
    (folder / "told.jsonl").write_text("not read")
    taken = import_path(project, folder, format="images")
    [told] = [f for f in taken.findings if f.kind == "no-picture"]
    names = "README.md, notes.txt, told.jsonl"
    assert (told.level, told.where, told.what) == ("note", names, "no pictures, left out.")


def test_many_files_that_are_no_pictures_are_told_as_a_number(
    project: Project, folder: Path
) -> None:
    for name in ("Thumbs.db", ".hidden", *(f"{number}.txt" for number in range(6))):
        (folder / name).write_text("not looked at")
    [told] = [f for f in import_path(project, folder).findings if f.kind == "no-picture"]
    assert (told.where, told.what) == ("7 files", "no pictures, such as 0.txt, left out.")


def test_a_zip_file_comes_in(project: Project, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, f"wrapped/{file.relative_to(folder)}")
    assert import_path(project, path).added == 2
    assert not list(project.folder.glob(".import-*")), "nothing is left behind"


def test_a_zip_file_that_leads_out_is_refused(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../evil.png", picture_bytes(0))
    with pytest.raises(InputError, match="leads out"):
        import_path(project, path)
    assert project.count() == 0


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_nothing_to_import_is_told(project: Project, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"does not exist|no pictures"):
        import_path(project, tmp_path / name)


def test_a_full_disk_is_not_told_as_unreadable_pictures(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the project cannot be written: disk full.", "Make room.", passes=True)

    monkeypatch.setattr(project, "add_labelled", fail)
    with pytest.raises(StoreError, match="disk full"):
        import_path(project, folder)


def test_importing_can_be_stopped_and_done_again(project: Project, folder: Path) -> None:
    def stop(done: int, total: int, what: str) -> None:
        if done == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        import_path(project, folder, on_progress=stop)
    before = project.count()
    assert import_path(project, folder).added == 3 - before


def test_pictures_are_kept_upright_and_showable(tmp_path: Path) -> None:
    turned = PilImage.fromarray(np.zeros((20, 40, 3), np.uint8))
    exif = PilImage.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    kept = read_picture((tmp_path / "turned.jpg").read_bytes(), "turned.jpg")
    assert (kept.image_wh, kept.suffix) == ((20, 40), ".jpg")
    turned.save(tmp_path / "scan.tiff")
    scan = read_picture((tmp_path / "scan.tiff").read_bytes(), "scan.tiff")
    assert (scan.suffix, scan.data[:4]) == (".png", b"\x89PNG"), "browsers show no TIFF"


# ---------------------------------------------------------------- out


@pytest.mark.parametrize("format", FORMATS.names())
def test_long_names_can_go_out(
    format: str, project: Project, make_picture: Callable[..., object], tmp_path: Path
) -> None:
    for number, name in enumerate(("ä" * 125, "ä" * 125, "機" * 150)):
        project.add(make_picture(number), name)
    export_dataset(project, tmp_path / "out", format, what="all")
    names = {record.image_id for record in read_dataset(tmp_path / "out")}
    assert names == {"ä" * 100, "ä" * 100 + "-2", "機" * 66}


def test_names_that_differ_by_case_can_go_out_and_come_in(
    project: Project, make_picture: Callable[..., object], tmp_path: Path
) -> None:
    for number, name in enumerate(("IMG", "img", "img-2", "Ä", "ä")):
        project.add(make_picture(number), name)
    dataset = export_dataset(project, tmp_path / "out", "coco", what="all")
    assert [r.image_id for r in dataset] == ["IMG", "img-2", "img-2-2", "Ä", "ä-2"]
    assert [r.group for r in dataset] == ["IMG", "img", "img-2", "Ä", "ä"]
    pack(tmp_path / "out", tmp_path / "out.zip")
    unpack(tmp_path / "out.zip", tmp_path / "in")
    assert len(read_dataset(tmp_path / "in")) == 5


@pytest.fixture
def labelled(project: Project, make_picture: Callable[..., object]) -> Project:
    """One image done with two boxes, one done without, one with a proposal, one new."""
    ids = [project.add(make_picture(i), f"image{i}")[0] for i in range(4)]
    boxes = [
        Add((10.25, 10.5, 30.75, 20), "drone", "red drone"),
        Add((40, 30, 45, 35), "object", "=kite"),
    ]
    # There is no blimp, and no other red drone.
    absent = [Absent("blimp"), Absent("red drone")]
    project.apply(ids[0], [*boxes, *absent], who="ann", version=0)
    proposal = Proposal((50, 5, 60, 15), "drone", "blue drone", 0.4)
    version = project.propose(ids[0], [proposal], source="model:m", key="k").version
    applied = project.apply(ids[0], (), who="ann", version=version, state="done")
    project.apply(ids[1], (), who="ann", version=0, state="done")
    project.propose(ids[2], [Proposal((5, 5, 15, 15), "drone", "", 0.9)], source="model:m", key="k")
    assert applied.image.state == "done"
    return project


def test_what_is_confirmed_goes_out(labelled: Project) -> None:
    dataset = to_dataset(labelled)
    assert [record.image_id for record in dataset] == ["image0", "image1"]
    assert dataset.class_names == ("object", "drone")
    assert dataset.records[0].captions == ("red drone", "=kite")
    assert [len(record) for record in to_dataset(labelled, "all")] == [3, 0, 1, 0]


def test_nothing_done_is_told(project: Project, image_id: int) -> None:
    with pytest.raises(DataError, match="no picture of the project is done"):
        to_dataset(project)
    with pytest.raises(InputError, match="'confirmed' or 'all'"):
        to_dataset(project, "some")


@pytest.mark.parametrize("format", ["yolo", "coco", "voc", "hf", "jsonl"])
def test_a_project_survives_every_format(labelled: Project, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    export_dataset(labelled, out, format)
    read = read_dataset(out, format)
    records = {record.image_id: record for record in read}
    assert sorted(records) == ["image0", "image1"]
    first = records["image0"]
    # VOC knows whole pixels alone.
    tolerance = 1.0 if format == "voc" else 0.01
    expected = [[10.25, 10.5, 30.75, 20], [40, 30, 45, 35]]
    np.testing.assert_allclose(first.xyxy, expected, atol=tolerance)
    assert first.captions == ("red drone", "=kite")
    names = [read.class_names[i] for i in first.class_id]
    assert names == ["drone", "object"]
    with Project.create(tmp_path / "second", "second") as second:
        told = import_path(second, out)
        assert (told.added, told.boxes, told.failed) == (2, 2, 0)
        image = second.images("name")[0]
        assert (image.state, image.confirmed) == ("done", 2)
        np.testing.assert_allclose(second.boxes(image.id)[0].xyxy, expected[0], atol=tolerance)
        assert second.boxes(image.id)[0].caption == "red drone"
        assert second.path(image.id).read_bytes() == labelled.path(image.id).read_bytes()


def test_an_image_of_a_damaged_annotation_is_not_done(project: Project, tmp_path: Path) -> None:
    table: dict[str, list[object]] = {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 64, "height": 48} for i in (1, 2)],
        "categories": [{"id": 1, "name": "drone"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20]},
            {"id": 2, "image_id": 2, "category_id": 1, "bbox": [10, 10, 20, 20]},
            {"id": 3, "image_id": 2, "category_id": 1, "bbox": None},
        ],
    }
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "instances_train.json").write_text(json.dumps(table))
    for i in (1, 2):
        (folder / f"{i}.png").write_bytes(picture_bytes(i, (64, 48), "png"))
    assert import_path(project, folder).boxes == 2
    assert {image.name: image.state for image in project.images()} == {"1": "done", "2": "new"}


def test_a_split_told_in_other_words_keeps_nothing_from_going_out(
    project: Project, tmp_path: Path
) -> None:
    folder, lines = tmp_path / "data", []
    folder.mkdir()
    for number, split in enumerate(("validation", "holdout", "train")):
        (folder / f"{number}.png").write_bytes(picture_bytes(number, (64, 48), "png"))
        box = {"caption": "drone", "bbox": [1, 1, 20, 20]}
        lines.append(json.dumps({"image": f"{number}.png", "split": split, "annotations": [box]}))
    (folder / "annotations.jsonl").write_text("\n".join(lines))
    told = import_path(project, folder)
    assert [(f.kind, f.where) for f in told.findings] == [
        ("unknown-split", "annotations.jsonl, line 2")
    ]
    images = project.images("name")
    assert [(i.state, i.split) for i in images] == [
        ("done", "val"),
        ("done", ""),
        ("done", "train"),
    ]
    assert len(to_dataset(project)) == 3


def test_more_boxes_than_a_picture_may_have_are_left_out_and_told(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("project.intake.BOXES_MAX", 2)
    monkeypatch.setattr("project.editing.BOXES_MAX", 3)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture_bytes(0, (64, 48), "png"))
    boxes = [{"caption": "drone", "bbox": [x, 1, 9, 9]} for x in (1, 11, 21)]
    row = {"image": "a.png", "annotations": boxes}
    (folder / "annotations.jsonl").write_text(json.dumps(row))
    told = import_path(project, folder)
    assert [finding.kind for finding in told.findings] == ["many-boxes"]
    [image] = project.images()
    assert (image.state, image.confirmed) == ("new", 2)
    drawn = Add((30, 30, 40, 40))
    with pytest.raises(InputError, match="the limit"):
        project.apply(image.id, [drawn, drawn], who="ann", version=image.version)
    assert len(project.boxes(image.id)) == 2
    project.apply(image.id, [drawn], who="ann", version=image.version)


def test_only_whole_labels_make_an_image_done(project: Project, tmp_path: Path) -> None:
    """One image with its boxes, one empty, one without a file, and two that lose a box."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    good = "0 .5 .5 .2 .2\n"
    texts = {
        "good": good,
        "empty": "",
        "outside": good + "0 3 3 .1 .1\n",
        "corrupt": good + "0 x\n",
    }
    for number, name in enumerate((*texts, "nothing")):
        (folder / "images" / f"{name}.png").write_bytes(picture_bytes(number))
        if name in texts:
            (folder / "labels" / f"{name}.txt").write_text(texts[name])
    (folder / "data.yaml").write_text("train: images\nnames: [drone]\n")
    told = import_path(project, folder)
    states = {image.name: (image.state, image.confirmed) for image in project.walk()}
    assert states == {
        "corrupt": ("new", 1), "empty": ("done", 0), "good": ("done", 1), "nothing": ("new", 0),
        "outside": ("new", 1),
    }  # fmt: skip
    assert {project.image(id).name for id in project.waiting_for(lambda _: "k")} == {
        "corrupt", "nothing", "outside",
    }  # fmt: skip
    [finding] = [f for f in told.findings if f.kind == "missing-labels"]
    assert "waits for a look" in finding.what


def test_a_caption_that_is_too_long_loses_neither_box_nor_picture(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "images" / "a.png").write_bytes(picture_bytes(0))
    things = [{"caption": c, "bbox": [4, 4, 20, 20]} for c in ("red kite", "x" * 5000)]
    line = {"image": "a.png", "annotations": things, "source": "half \ud83d"}
    (tmp_path / "data" / "annotations.jsonl").write_text(json.dumps(line))
    told = import_path(project, tmp_path / "data")
    assert [finding.kind for finding in told.findings] == ["unusable-caption"]
    [image] = project.walk()
    assert (image.state, image.source) == ("new", "half ?")
    assert [box.caption for box in project.boxes(image.id)] == ["red kite", ""]


def test_a_folder_may_hold_data_sets_and_loose_pictures(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    (folder / "set" / "images").mkdir(parents=True)
    (folder / "set" / "images" / "a.png").write_bytes(picture_bytes(0))
    (folder / "loose.png").write_bytes(picture_bytes(1))
    line = {"image": "a.png", "annotations": [{"caption": "kite", "bbox": [4, 4, 20, 20]}]}
    (folder / "set" / "annotations.jsonl").write_text(json.dumps(line))
    (folder / "told.csv").write_text("image,caption\nloose.png,red kite\n")
    told = import_path(project, folder)
    assert (told.added, told.boxes, told.captioned, told.findings) == (2, 1, 1, ())
    states = {image.name: (image.state, image.captions) for image in project.walk()}
    assert states == {"a": ("done", ()), "loose": ("new", ("red kite",))}


def test_what_was_removed_comes_back_and_is_told(project: Project, folder: Path) -> None:
    import_path(project, folder)
    project.remove_images([project.images("name")[0].id])
    assert import_path(project, folder).restored == 1
    assert project.removed() == []


def test_a_jpeg_with_a_preview_behind_it_stays_as_it_is() -> None:
    buffer = io.BytesIO()
    first, second = (PilImage.effect_noise((80, 60), 30).convert("RGB") for _ in range(2))
    first.save(buffer, "MPO", save_all=True, append_images=[second])
    picture = read_picture(buffer.getvalue(), "camera.jpg")
    assert (picture.suffix, picture.data) == (".jpg", buffer.getvalue())


def test_a_box_of_no_class_is_an_error(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    (folder / "images" / "a.png").write_bytes(picture_bytes(0))
    (folder / "labels" / "a.txt").write_text("0 .5 .5 .2 .2\n7 .2 .2 .1 .1\n")
    (folder / "data.yaml").write_text("train: images\nnames: [drone]\n")
    told = import_path(project, folder)
    [finding] = told.findings
    assert (finding.kind, finding.level, told.boxes) == ("unusable-box", "error", 1)
    assert [image.state for image in project.walk()] == ["new"]


def test_boxes_outside_are_left_out_and_told(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "a.png").write_bytes(picture_bytes(0))
    notes = [{"caption": "x", "bbox": box} for box in ([1, 1, 9, 9], [90, 1, 9, 9], [5, 5, -3, 2])]
    row = {"image": "a.png", "annotations": notes}
    (folder / "annotations.jsonl").write_text(json.dumps(row) + "\nnonsense\n")
    told = import_path(project, folder)
    assert (told.added, told.boxes) == (1, 1)
    assert [f.kind for f in told.findings].count("unusable-box") == 2
    assert any(f.kind == "corrupt-labels" for f in told.findings)


# Boxes of a label set, and what a model proposed before it came.
LABELS = [[1, 1, 9, 9], [20, 20, 40, 40]]
PROPOSED = [Proposal((1, 1, 9, 10), detector=0.6), Proposal((50, 30, 60, 40), detector=0.9)]


def _write_labels(folder: Path, boxes: list[list[float]]) -> Path:
    """A data set of one picture, in JSON Lines."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "images" / "a.png").write_bytes(picture_bytes(0))
    notes = [{"caption": "red drone", "bbox": box} for box in boxes]
    row = {"image": "a.png", "annotations": notes, "split": "val"}
    (folder / "annotations.jsonl").write_text(json.dumps(row) + "\n")
    return folder


@pytest.mark.parametrize("proposed", [[], PROPOSED], ids=["nothing", "boxes"])
def test_labels_take_the_place_of_what_a_model_proposed(
    project: Project, image_id: int, tmp_path: Path, proposed: list[Proposal]
) -> None:
    project.propose(image_id, proposed, source="model:m", key="k")
    told = import_path(project, _write_labels(tmp_path / "data", LABELS))
    assert (told.added, told.known, told.boxes, told.findings) == (0, 1, 2, ())
    image = project.image(image_id)
    assert (image.state, image.confirmed, image.proposed, image.split) == ("done", 2, 0, "val")
    again = import_path(project, tmp_path / "data")
    assert (again.boxes, again.findings) == (0, ()), "they are there already"


def test_labels_that_come_after_a_person_are_left_out_and_told(
    project: Project, image_id: int, tmp_path: Path
) -> None:
    project.propose(image_id, PROPOSED, source="model:m", key="k")
    first, _ = project.boxes(image_id)
    version = project.image(image_id).version
    project.apply(image_id, [Accept(first.id)], who="ann", version=version)
    told = import_path(project, _write_labels(tmp_path / "data", LABELS))
    assert (told.boxes, [f.kind for f in told.findings]) == (0, ["labels-left-out"])
    assert told.findings[0].what.startswith("1 box left out"), "the other one ann vouches for"
    assert [box.state for box in project.boxes(image_id)] == ["confirmed", "proposed"]


def test_csv_has_a_row_for_each_box(labelled: Project, tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    assert export_csv(labelled, path, what="all") == 4
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert [row["image"] for row in rows] == ["image0"] * 3 + ["image1", "image2", "image3"]
    assert rows[1]["caption"] == "'=kite", "no formula for table programs"
    assert [float(rows[0][key]) for key in ("x1", "y1", "x2", "y2")] == [10.25, 10.5, 30.75, 20]
    assert (rows[2]["detector"], rows[2]["state"]) == ("0.4", "proposed")
    assert rows[3]["x1"] == ""
    assert read_data(path)[0].captions[1] == "=kite", "read as it was"


def test_crops_carry_their_captions(labelled: Project, tmp_path: Path) -> None:
    out = tmp_path / "crops"
    assert export_crops(labelled, out) == 2
    lines = [json.loads(line) for line in (out / "crops.jsonl").read_text().splitlines()]
    assert [line["caption"] for line in lines] == ["red drone", "=kite"]
    assert lines[0]["absent_captions"] == ["blimp"]
    x1, y1, x2, y2 = lines[0]["region_xyxy"]
    whole = read_image(labelled.path(labelled.images("name")[0].id))
    np.testing.assert_array_equal(read_image(out / lines[0]["file"]), whole[y1:y2, x1:x2])


def test_crops_go_into_a_folder_of_their_own(labelled: Project, tmp_path: Path) -> None:
    assert export_crops(labelled, tmp_path / "crops") == export_crops(labelled, tmp_path / "crops")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(DataError, match="holds something already"):
        export_crops(labelled, tmp_path / "mine")


def test_rejected_boxes_never_leave(labelled: Project) -> None:
    image = labelled.images("name")[0]
    [waiting] = [box for box in labelled.boxes(image.id) if box.state == "proposed"]
    labelled.apply(image.id, [Accept(waiting.id)], who="ann", version=image.version)
    assert len(to_dataset(labelled).records[0]) == 3


@pytest.mark.parametrize(
    ("imported", "said"),
    [
        (Imported(1), "1 picture added."),
        (Imported(2, 1, 1), "2 pictures added with 1 box, 1 was there already."),
        (Imported(0, 3), "0 pictures added, 3 were there already."),
        (Imported(0, 2, 3), "0 pictures and 3 boxes added, 2 were there already."),
        (Imported(1, restored=2), "1 picture added, 2 removed before came back."),
    ],
)
def test_an_import_is_summed_up_in_one_sentence(imported: Imported, said: str) -> None:
    assert imported.sentence() == said
