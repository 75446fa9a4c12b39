"""Data sets that lie below what is imported keep their labels; what was not read is told."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from dataset.archive import pack
from dataset.folders import data_sets_in, inner_folder
from frontends.cli import main
from project.export import export_dataset
from project.intake import import_path
from project.store import Project
from project.types import Add
from tests.project.pictures import picture_bytes

FORMATS = ("yolo", "coco", "voc", "hf", "jsonl")


@pytest.fixture
def labelled(project: Project, tmp_path: Path) -> Project:
    """Two pictures with a box each, one of them without a caption."""
    for number, caption in enumerate(("red drone", "")):
        path = tmp_path / f"{number}.png"
        path.write_bytes(picture_bytes(number))
        import_path(project, path)
        image = project.images("name")[number]
        edits = [Add((4, 4, 20, 20), caption=caption)]
        project.apply(image.id, edits, who="ann", version=image.version, state="done")
    return project


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("above", ["x", "a/b/c"])
def test_a_wrapped_data_set_keeps_its_labels(
    labelled: Project, tmp_path: Path, format: str, packed: bool, above: str
) -> None:
    top = tmp_path / "top"
    export_dataset(labelled, top / above / "images", format)
    (top / "__MACOSX").mkdir()
    (top / above / ".DS_Store").write_text("of the system")
    source = top
    if packed:
        source = tmp_path / "top.zip"
        pack(top, source)
    with Project.create(tmp_path / "second", "second") as second:
        came = import_path(second, source)
        assert (came.added, came.boxes, came.findings) == (2, 2, ())
        assert [image.state for image in second.walk()] == ["done", "done"]


def test_a_named_format_is_looked_for_in_the_wrapping_too(
    labelled: Project, tmp_path: Path
) -> None:
    export_dataset(labelled, tmp_path / "top" / "lab", "coco")
    with Project.create(tmp_path / "second", "second") as second:
        assert import_path(second, tmp_path / "top", format="coco").boxes == 2


def test_data_sets_deep_in_several_folders_keep_their_labels(
    labelled: Project, tmp_path: Path
) -> None:
    top = tmp_path / "top"
    export_dataset(labelled, top / "x" / "lab", "coco")
    export_dataset(labelled, top / "y" / "deep" / "lab", "yolo")
    (top / "y" / "loose.png").write_bytes(picture_bytes(9))
    assert data_sets_in(top) == [top / "x" / "lab", top / "y" / "deep" / "lab"]
    assert data_sets_in(top / "x" / "lab") == [top / "x" / "lab"]
    with Project.create(tmp_path / "second", "second") as second:
        came = import_path(second, top)
        assert (came.added, came.known, came.boxes, came.findings) == (3, 2, 2, ())


def test_folders_are_left_only_where_they_hold_one_alone(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert inner_folder(tmp_path) == deep
    (tmp_path / "a" / "link").symlink_to(deep)
    assert inner_folder(tmp_path) == tmp_path / "a"
    (tmp_path / "annotations.jsonl").write_text("")
    assert inner_folder(tmp_path) == tmp_path, "a data set is not left"
    assert inner_folder(tmp_path, "coco") == tmp_path
    (tmp_path / "annotations.jsonl").unlink()
    (deep / "notes.txt").write_text("")
    assert inner_folder(tmp_path / "a" / "link") == tmp_path / "a" / "link"


def test_labels_that_were_not_read_are_told_at_the_end(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture_bytes(0))
    for name in ("a.json", "a.txt", "notes.txt"):
        (folder / name).write_text("{}")
    main(["project", "create", str(tmp_path / "mine")])
    assert main(["project", "import", str(tmp_path / "mine"), str(folder)]) == 0
    *_, noted, lost = capsys.readouterr().err.splitlines()
    assert noted == "notes.txt: no picture, left out."
    assert lost.startswith("warning: a.json, a.txt: perhaps labels, but NOT READ")
    assert "Import the folder of the data set" in lost
    for number in range(9):
        (folder / f"{number}.xml").write_text("<x/>")
    with Project.open(tmp_path / "mine") as project:
        [told] = [f for f in import_path(project, folder).findings if f.kind == "unread-labels"]
    assert told.where == "11 files, such as 0.xml"


def test_boxes_without_words_are_no_flood(labelled: Project, tmp_path: Path) -> None:
    """Where boxes are not read, those without a caption are told with the others."""
    export_dataset(labelled, tmp_path / "set", "jsonl")
    path = tmp_path / "flat.zip"
    with zipfile.ZipFile(path, "w") as archive:
        lines = (tmp_path / "set" / "annotations.jsonl").read_text()
        archive.writestr("told.jsonl", lines)
        for name in (json.loads(line)["image"] for line in lines.splitlines()):
            archive.write(tmp_path / "set" / "images" / name, name)
    with Project.create(tmp_path / "second", "second") as second:
        came = import_path(second, path)
    assert [finding.kind for finding in came.findings] == ["boxes-left-out"]
