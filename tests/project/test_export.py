"""What leaves a project: near copies in one split, names and words that break no file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import DataError
from core.image import encode_image
from dataset.registry import read_dataset
from dataset.splits import Shares
from project.export import export_crops, export_csv, export_dataset, to_dataset
from project.groups import Place, places_of
from project.intake_rows import Label, LabelBox
from project.pictures import read_picture
from project.store import Project
from project.types import Add


@pytest.fixture
def add_copy(project: Project) -> Callable[..., str]:
    """Adds one more picture that looks as the others do, and returns its name."""

    def add(**known: str) -> str:
        number = project.count() + len(project.removed())
        scene = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        scene[0, 0] = number  # another file, the same look
        label = Label(state="done", **known)
        picture = read_picture(encode_image(scene), "p")
        image_id = project.add_labelled(picture, f"copy{number}", label).image_id
        image = project.image(image_id)
        box = Add((10, 10, 20, 20), caption="red kite")
        project.apply(image_id, [box], who="ann", version=image.version, state="done")
        return image.name

    return add


def test_near_copies_go_into_one_split(
    project: Project, add_copy: Callable[..., str], tmp_path: Path
) -> None:
    for _ in range(25):
        add_copy()
    export_dataset(project, tmp_path / "out", "yolo")
    read = read_dataset(tmp_path / "out")
    assert len(read) == 25
    assert len({record.split for record in read}) == 1
    assert {record.group for record in to_dataset(project)} == {"copy0"}
    export_crops(project, tmp_path / "crops")
    lines = (tmp_path / "crops" / "crops.jsonl").read_text().splitlines()
    assert {json.loads(line)["group"] for line in lines} == {"copy0"}


@pytest.mark.parametrize(
    ("shares", "filled"),
    [((0.8, 0.1, 0.1), {"train", "val", "test"}), ((0.5, 0.5, 0), {"train", "val"})],
)
def test_few_pictures_are_parted_by_the_shares(
    project: Project, tmp_path: Path, shares: Shares, filled: set[str]
) -> None:
    rng = np.random.default_rng(1)
    for number in range(4):
        scene = rng.integers(0, 256, (48, 64, 3), np.uint8)
        picture = read_picture(encode_image(scene), f"p{number}")
        box = LabelBox((10, 10, 20, 20), caption="red kite")
        project.add_labelled(picture, f"p{number}", Label((box,), state="done"))
    export_dataset(project, tmp_path / "yolo", "yolo", shares=shares)
    told = {record.image_id: record.split for record in read_dataset(tmp_path / "yolo")}
    assert set(told.values()) == filled
    export_csv(project, tmp_path / "boxes.csv", shares=shares)
    rows = csv.DictReader((tmp_path / "boxes.csv").open(encoding="utf-8"))
    assert {row["image"]: row["split"] for row in rows} == told
    export_crops(project, tmp_path / "crops", shares=shares)
    lines = (tmp_path / "crops" / "crops.jsonl").read_text().splitlines()
    crops = [json.loads(line) for line in lines]
    assert {crop["image"]: crop["split"] for crop in crops} == told


def test_a_copy_goes_where_its_original_was_put(
    project: Project, add_copy: Callable[..., str]
) -> None:
    names = [add_copy(), add_copy(split="test"), add_copy(), add_copy(split="train")]
    splits = {record.image_id: record.split for record in to_dataset(project)}
    assert [splits[name] for name in names] == ["test", "test", "test", "train"]


def test_copies_of_a_removed_picture_are_copies_of_each_other(
    project: Project, add_copy: Callable[..., str]
) -> None:
    names = [add_copy(), add_copy(), add_copy(group="flight 2")]
    project.remove_images([project.images("name")[0].id])
    places = places_of(project)
    assert {places[name] for name in names} == {Place("copy0", "")}
    assert {record.group for record in to_dataset(project)} == {"copy0"}


def test_every_text_of_a_table_is_no_formula(project: Project, tmp_path: Path) -> None:
    picture = read_picture(encode_image(np.full((48, 64, 3), 9, np.uint8)), "p")
    box = LabelBox((1, 1, 9, 9), "-kite", "@kite")
    known = Label((box,), "done", group="+group", licence="=licence", who="=HYPERLINK(1)")
    project.add_labelled(picture, "=HYPERLINK(1)", known)
    picture = read_picture(encode_image(np.full((48, 64, 3), 99, np.uint8)), "p")
    project.add_labelled(picture, "@empty", Label(state="done", licence="\t=1"))
    export_csv(project, tmp_path / "boxes.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "boxes.csv").read_text(encoding="utf-8"))))
    texts = [cell for row in rows[1:] for cell in row if cell]
    assert [text for text in texts if text[0] in "=+-@\t"] == []
    assert [text for text in texts if text.startswith("'")] == [
        "'=HYPERLINK(1)", "'-kite", "'@kite", "'=HYPERLINK(1)", "'+group", "'=licence",
        "'=HYPERLINK(1).png",
        "'@empty", "'@empty", "'\t=1", "'@empty.png",
    ]  # fmt: skip


def test_long_names_are_no_hindrance_to_crops(project: Project, tmp_path: Path) -> None:
    picture = read_picture(encode_image(np.full((48, 64, 3), 9, np.uint8)), "p")
    label = Label((LabelBox((1, 1, 9, 9), "", "red kite"),), "done")
    project.add_labelled(picture, "图" * 120, label)
    assert export_crops(project, tmp_path / "crops") == 1
    [line] = (tmp_path / "crops" / "crops.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["image"] == "图" * 120
    assert (tmp_path / "crops" / json.loads(line)["file"]).is_file()


@pytest.mark.parametrize("change", ["new", "renamed"])
def test_types_may_change_while_a_project_goes_out(
    project: Project, image_id: int, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    project.apply(image_id, [Add((10, 10, 20, 20), "drone")], who="ann", version=0, state="done")
    walk = project.walk_boxes

    def late(state: str | None = None) -> Iterator[object]:
        if change == "new":
            project.apply(image_id, [Add((30, 10, 40, 20), "kite")], who="bob", version=1)
        else:
            project.rename_class("drone", "quadcopter")
        yield from walk(state)

    monkeypatch.setattr(project, "walk_boxes", late)
    if change == "new":
        [record] = to_dataset(project)
        assert [project.class_names[row] for row in record.class_id] == ["drone", "kite"]
    else:
        with pytest.raises(DataError, match="meanwhile"):
            to_dataset(project)
