"""The page beside the command line: both work on the project that lies there now."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from frontends import desk as desk_module
from frontends.desk import Desk
from frontends.service import Service, read_limits
from frontends.visits import Visit
from project.folders import delete_project, restore_project
from project.pictures import read_picture
from project.store import Project
from tests.project.pictures import picture_bytes


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    limits = replace(read_limits({}), preset="fake", projects_folder=tmp_path / "projects")
    return Desk(Service(limits), visits_root=tmp_path / "desks")


@pytest.fixture
def visit(desk: Desk) -> Visit:
    return desk.visits.enter("ann")


def test_a_project_that_was_made_anew_is_the_one_that_is_worked_on(
    desk: Desk, visit: Visit, tmp_path: Path
) -> None:
    key = desk.create(visit, "flying", ())
    desk.project(visit, key).set_setting("captions", ["first"])
    folder = desk.folder(visit) / key
    aside = delete_project(folder)
    with Project.create(folder, "flying again") as made:
        made.add(read_picture(picture_bytes(0), "p"), "p")
        found = desk.project(visit, key)
        assert (found.name, found.count()) == ("flying again", 1)
        found.set_setting("captions", ["second"])
        # The first one was closed meanwhile: the log of the second one is still there.
        assert (folder / "project.sqlite-wal").is_file()
        assert made.setting("captions") == ["second"]
        shutil.copytree(folder, tmp_path / "copy")
    with Project.open(tmp_path / "copy") as copy:
        assert (copy.count(), copy.setting("captions"), copy.problems()) == (1, ["second"], [])
    with Project.open(aside) as first:
        assert (first.name, first.setting("captions")) == ("flying", ["first"])
    assert desk.project(visit, key) is found, "kept open"


def test_a_project_that_was_deleted_is_gone_and_comes_back(desk: Desk, visit: Visit) -> None:
    key = desk.create(visit, "flying", ())
    open_before = desk.project(visit, key)
    aside = delete_project(desk.folder(visit) / key)
    with pytest.raises(InputError, match="is not there any more"):
        desk.project(visit, key)
    restore_project(aside)
    assert desk.project(visit, key).name == "flying"
    assert desk.project(visit, key) is not open_before


def test_a_name_keeps_to_one_rule_and_what_is_refused_leaves_nothing(
    desk: Desk, visit: Visit
) -> None:
    for name, classes, why in (
        ("x" * 81, (), "a project name has 81 characters, the limit is 80"),
        (" ", (), "no name"),
        ("Mine", ("y" * 101,), "a class name has 101 characters, the limit is 100"),
    ):
        with pytest.raises(InputError, match=why):
            desk.create(visit, name, classes)
    assert desk.projects(visit) == []
    key = desk.create(visit, " Half an  emoji \ud83d ", ("\ud83d",))
    project = desk.project(visit, key)
    assert (project.name, project.class_names) == ("Half an emoji ?", ("?",))
    with pytest.raises(InputError, match="the limit is 80"):
        desk.rename(visit, key, "x" * 81)
    assert project.name == "Half an emoji ?"


def test_what_was_seen_for_the_project_in_use_is_kept(desk: Desk, visit: Visit) -> None:
    keys = [desk.create(visit, f"{number}", ()) for number in range(desk_module._SCORERS_MAX + 1)]
    for number, key in enumerate(keys):
        desk.project(visit, key).set_setting("captions", [f"kite {number}"])
    in_use = desk.project(visit, keys[0])
    kept = desk.scorer(in_use)
    for key in keys[1:]:
        desk.scorer(desk.project(visit, key))
        assert desk.scorer(in_use) is kept
    assert len(desk._scorers) == desk_module._SCORERS_MAX
