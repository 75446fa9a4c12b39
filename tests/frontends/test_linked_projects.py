"""Links among the projects: listed with their problem; what they lead to is never touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InputError
from frontends.cli import main
from frontends.desk import Desk
from project.folders import TRASH_NAME, delete_project, list_projects, purge
from project.store import DATABASE_NAME, Project
from tests.frontends.annotate_visit import Browser
from tests.frontends.desks import open_desk

pytestmark = pytest.mark.usefixtures("own_uploads")


@pytest.fixture
def shared(tmp_path: Path) -> Desk:
    return open_desk(tmp_path, shared=True)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    Project.create(tmp_path / "data" / "flying", "Flying").close()
    return tmp_path / "data" / "flying"


def _root(desk: Desk) -> Path:
    root = desk.folder(desk.visits.enter("ann"))
    root.mkdir(parents=True, exist_ok=True)
    return root


def _files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_linked_project_is_listed_with_its_problem(elsewhere: Path, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "mine").symlink_to(elsewhere)
    before = _files(elsewhere)
    [info] = list_projects(tmp_path / "root")
    assert (info.folder.name, info.name) == ("mine", "mine")
    assert "it is a link" in info.problem
    assert str(elsewhere) not in info.problem, "no visitor need know the disk"
    assert _files(elsewhere) == before, "not even opened"


@pytest.mark.parametrize("inside", [False, True], ids=["elsewhere", "beside"])
def test_the_page_neither_opens_nor_deletes_it(shared: Desk, elsewhere: Path, inside: bool) -> None:
    root, ann = _root(shared), Browser(shared)
    if inside:
        ann.open("Flying")
        elsewhere = root / "flying"
    (root / "mine").symlink_to(elsewhere)
    told = {one["key"]: one for one in ann.call("list_projects")["projects"]}
    assert "it is a link" in told["mine"]["problem"]
    for call in ("open_project", "delete_project"):
        assert "'mine' cannot be used: it is a link" in ann.call(call, project="mine")["error"]
    assert (elsewhere / DATABASE_NAME).is_file()
    assert (root / "mine").is_symlink()
    assert not (root / TRASH_NAME).exists()


def test_a_name_that_no_file_can_have_is_refused(shared: Desk) -> None:
    _root(shared)
    for key in ("x" * 5000, "a\0b"):
        assert "error" in Browser(shared).call("open_project", project=key)


def test_deleting_and_purging_leave_links_alone(elsewhere: Path, tmp_path: Path) -> None:
    link = tmp_path / "mine"
    link.symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"is a link to .*remove the link alone"):
        delete_project(link)
    with pytest.raises(SystemExit, match="2"):
        main(["project", "delete", str(link)])
    aside = tmp_path / TRASH_NAME / "mine@5"
    aside.parent.mkdir()
    aside.symlink_to(elsewhere)
    with pytest.raises(InputError, match="is a link"):
        purge(aside)
    assert (elsewhere / DATABASE_NAME).is_file()
    assert delete_project(elsewhere).is_dir(), "the folder itself can be deleted"
