"""A picture that a data set tells of in several places comes in with all its boxes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from project.intake import import_path
from project.store import Project
from tests.project.pictures import picture_bytes

BOXES = [[1, 2, 10, 5], [20, 20, 8, 6]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").write_bytes(picture_bytes(0))
    return tmp_path / "set"


def _table(boxes: list[list[int]]) -> str:
    images = [{"id": n, "file_name": "a.png"} for n, _ in enumerate(boxes)]
    rows = [{"image_id": n, "category_id": 1, "bbox": box} for n, box in enumerate(boxes)]
    categories = [{"id": 1, "name": "drone"}]
    return json.dumps({"images": images, "annotations": rows, "categories": categories})


def _lines(*annotations: object) -> str:
    return "\n".join(json.dumps({"image": "a.png", "annotations": [one]}) for one in annotations)


@pytest.mark.parametrize("name", ["annotations.jsonl", "told.json"])
def test_all_boxes_come_in(project: Project, folder: Path, name: str) -> None:
    lines = _lines(*({"bbox": box} for box in BOXES))
    (folder / name).write_text(_table(BOXES) if name == "told.json" else lines)
    came = import_path(project, folder)
    assert (came.added, came.known, came.boxes) == (1, 0, 2)
    assert [(f.level, f.kind) for f in came.findings] == [("note", "joined-entries")]
    [image] = project.walk()
    assert (image.state, image.confirmed) == ("done", 2)


def test_a_lost_line_leaves_its_image_to_be_looked_at(project: Project, folder: Path) -> None:
    (folder / "annotations.jsonl").write_text(_lines({"bbox": BOXES[0]}, {"bbox": [1, 2]}))
    import_path(project, folder)
    [image] = project.walk()
    assert (image.state, image.confirmed) == ("new", 1)


def test_two_tables_of_one_picture_leave_it_to_be_looked_at(project: Project, folder: Path) -> None:
    (folder / "one.json").write_text(_table(BOXES[:1]))
    (folder / "two.json").write_text(_table(BOXES[1:]))
    came = import_path(project, folder)
    assert [f.kind for f in came.findings if f.level == "error"] == ["repeated-image"]
    [image] = project.walk()
    assert (image.state, image.confirmed) == ("new", 2)
