"""Files that tell captions beside pictures: what a project takes of them, whatever is in them."""

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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.jsonl", "[" * 100_000),
        (
            "x.jsonl",
            f'{{"image": "a.png", "annotations": [{{"caption": "b", "bbox": [{9**400}]}}]}}',
        ),
        ("x.csv", 'image,"caption\n'),
        ("x.csv", '"image"a,caption\n'),
        ("x.csv", "image," + "c" * 200_000),
    ],
    ids=["deep", "large", "open", "quoted", "long"],
)
def test_a_damaged_file_stops_no_picture_beside_it(
    name: str, text: str, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").write_bytes(picture_bytes(0))
    (tmp_path / "set" / name).write_text(text)
    came = import_path(project, tmp_path / "set")
    assert (came.added, [one.kind for one in came.findings]) == (1, ["no-captions"])
    assert str(tmp_path) not in came.findings[0].what
