"""What labels make of an image that comes in: done or new, and what of them is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import InputError
from project.export import to_dataset
from project.intake import import_path
from project.proposals import Proposal
from project.store import Project
from project.types import Accept, Add
from tests.project.pictures import picture_bytes


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


def test_proposals_that_labels_leave_no_room_for_go_and_are_told(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("intake", "intake_rows", "proposals"):
        monkeypatch.setattr(f"project.{module}.BOXES_MAX", 3)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture_bytes(0, (64, 48), "png"))
    import_path(project, folder)
    [image] = project.images()
    seen = [Proposal((x, 30, x + 9, 40), detector=x / 50) for x in (1, 31, 21, 11)]
    image = project.propose(image.id, seen, source="model:m", key="k")
    assert image.proposed == 3
    boxes = [{"caption": "drone", "bbox": [x, 1, 9, 9]} for x in (1, 11)]
    row = {"image": "a.png", "annotations": [*boxes, {"caption": "gone", "bbox": [99, 1, 9, 9]}]}
    (folder / "annotations.jsonl").write_text(json.dumps(row))
    told = [(f.kind, f.what) for f in import_path(project, folder).findings]
    assert ("many-boxes", "2 proposals left out: it has 3 boxes.") in told
    here = [(box.state, box.xyxy[0]) for box in project.boxes(image.id)]
    assert here == [("proposed", 31), ("confirmed", 1), ("confirmed", 11)]


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
