"""Data sets whose lines tell captions: what a project takes of them, boxes or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from project.intake import import_path
from project.store import Project
from tests.project.pictures import picture_bytes

BOX = [1, 2, 10, 5]
DRONE = {"caption": "drone", "bbox": BOX}


@pytest.mark.parametrize(
    ("line", "state", "captions", "boxes"),
    [
        ({"file_name": "a.png", "text": 5, "objects": {"bbox": [BOX]}}, "done", (), 1),
        ({"file_name": "a.png", "text": "kite", "objects": None}, "new", ("kite",), 0),
        ({"image": "a.png", "captions": {"raw": "kite"}, "annotations": [DRONE]}, "done", (), 1),
        ({"image": "a.png", "annotations": [{"caption": "kite"}]}, "new", ("kite",), 0),
        (
            {"image": "a.png", "annotations": [DRONE, {"caption": "drone"}]},
            "new", ("drone", "drone"), 1,
        ),
    ],
)  # fmt: skip
def test_a_picture_is_done_only_where_all_it_shows_has_boxes(
    line: dict[str, object],
    state: str,
    captions: tuple[str, ...],
    boxes: int,
    project: Project,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture_bytes(0))
    index = "annotations.jsonl" if "image" in line else "metadata.jsonl"
    (folder / index).write_text(json.dumps(line))
    import_path(project, folder)
    [image] = project.walk()
    assert (image.state, image.captions, image.confirmed) == (state, captions, boxes)
