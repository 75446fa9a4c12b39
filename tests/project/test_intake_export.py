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
