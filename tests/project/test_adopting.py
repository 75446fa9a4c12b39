"""A whole project that was taken out comes back into an empty one as it was."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import DataError, InputError
from project.adopting import adopt
from project.copying import copy_project
from project.intake import import_path
from project.proposals import Proposal
from project.store import DATABASE_NAME, Project
from project.types import Accept, Add, Asked, Describe, Reject
from project.whole import disarm


@pytest.fixture
def copy(project: Project, make_picture: Callable[..., object], tmp_path: Path) -> Path:
    """A project as it was exported: all states of boxes and images, an undone edit, a twin."""
    ids = [project.add(make_picture(seed), f"{seed}")[0] for seed in range(4)]
    boxes = [Proposal((4.0 * n, 4, 4.0 * n + 3, 9), caption="red drone") for n in range(4)]
    asked = [Asked("blue drone", False, 0.2, False)]
    project.propose(ids[0], boxes, source="model:m", key="k", asked=asked)
    first, second, *_ = project.boxes(ids[0])
    project.apply(ids[0], [Accept(first.id), Reject(second.id)], who="ann", version=1)
    project.apply(ids[0], [Describe(first.id, "helicopter", None)], who="ann", version=2)
    project.undo(ids[0], "ann", version=3)
    project.apply(ids[1], [Add((1, 1, 9, 9))], who="bob", state="done", version=0)
    project.apply(ids[2], [], who="bob", state="skipped", version=0)
    project.remove_images(ids[3:])
    project.set_setting("captions", ["red drone"])
    copy_project(project, tmp_path / "copy")
    return tmp_path / "copy"


def _rows(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as connection:
        tables = ("class", "image", "box", "edit", "change", "asked")
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
        query = "SELECT * FROM setting WHERE key != 'name'"
        return {**rows, "setting": connection.execute(query).fetchall()}


def test_everything_comes_back(project: Project, copy: Path, tmp_path: Path) -> None:
    with Project.create(tmp_path / "new", "Mine", class_names=("unused",)) as target:
        with Project.open(copy) as other:
            adopted = adopt(target, other)
        assert adopted.sentence() == "4 pictures came back with boxes and history."
        assert target.name == "Mine"
        assert target.problems() == []
    assert _rows(tmp_path / "new") == _rows(copy)
    with Project.open(tmp_path / "new") as target:
        # What was undone can be done again.
        redone = target.redo(1, "ann", version=target.image(1).version)
        assert redone.changed[0].class_name == "helicopter"


def test_only_an_empty_project_becomes_another(
    copy: Path, tmp_path: Path, make_picture: Callable[..., object]
) -> None:
    with Project.create(tmp_path / "new", "Mine") as target, Project.open(copy) as other:
        target.add(make_picture(9), "here")
        with pytest.raises(InputError, match="has pictures already"):
            adopt(target, other)


def test_a_picture_that_is_no_more_itself_stays_out(copy: Path, tmp_path: Path) -> None:
    with Project.open(copy) as other:
        first, second, third, _ = (path for _, path in other.files())
        first.unlink()
        second.unlink()  # a link to the project's own
        shutil.copyfile(third, second)
        with Project.create(tmp_path / "new", "Mine") as target:
            adopted = adopt(target, other)
            assert (adopted.images, sorted(adopted.failed)) == (2, ["0", "1"])
            assert [image.name for image in target.walk()] == ["2"]
            assert target.problems() == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE box SET class_id = 99",
        "UPDATE box SET x2 = 9e999",
        "INSERT INTO asked VALUES (77, 'a', 1, NULL, 0)",
    ],
)
def test_rows_that_contradict_each_other_bring_nothing(
    copy: Path, tmp_path: Path, damage: str
) -> None:
    with closing(sqlite3.connect(copy / DATABASE_NAME)) as connection:
        connection.execute(damage)
        connection.commit()
    with Project.create(tmp_path / "new", "Mine") as target, Project.open(copy) as other:
        with pytest.raises(DataError, match="damaged"):
            adopt(target, other)
        assert target.count() == 0
        assert target.class_names == ("object",)


def _pack(folder: Path, path: Path, prefix: str = "", *more: str) -> Path:
    """A ZIP file of a folder as file managers make it, and of further files without content."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"{prefix}{file.relative_to(folder).as_posix()}")
        for name in more:
            archive.writestr(name, b"")
    return path


@pytest.mark.parametrize(
    "how", ["folder", "outer folder", "archive", "wrapped archive", "deep archive"]
)
def test_a_project_that_is_imported_is_a_project(copy: Path, tmp_path: Path, how: str) -> None:
    mac = ("__MACOSX/flying/._project.sqlite", ".DS_Store")
    path = {
        "folder": lambda: copy,
        "outer folder": lambda: copy.rename(copy.parent / "outer" / "data").parent,
        "archive": lambda: _pack(copy, tmp_path / "plain.zip"),
        "wrapped archive": lambda: _pack(copy, tmp_path / "wrapped.zip", "flying/", *mac),
        "deep archive": lambda: _pack(copy, tmp_path / "deep.zip", "home/ann/data/flying/"),
    }
    (tmp_path / "outer").mkdir()
    with Project.create(tmp_path / "new", "Mine") as target:
        brought = path[how]()
        told = import_path(target, brought)
        assert told.sentence() == "4 pictures came back with boxes and history."
        assert [image.name for image in target.walk()] == ["0", "1", "2"]
        assert target.redo(1, "ann", version=target.image(1).version).changed
        again = import_path(target, brought)
        assert again.sentence().startswith("0 pictures added with 0 boxes. 3 pictures in both")
        assert not list(target.folder.glob(".import-*"))


def test_pictures_of_a_project_that_are_lost_are_told(copy: Path, tmp_path: Path) -> None:
    with Project.open(copy) as other:
        other.files()[0][1].unlink()
    with Project.create(tmp_path / "new", "Mine") as target:
        told = import_path(target, copy)
    assert [(f.kind, f.level, f.where) for f in told.findings] == [("lost-picture", "error", "0")]


def test_a_project_beside_other_things_is_refused(copy: Path, tmp_path: Path) -> None:
    with Project.create(tmp_path / "new", "Mine") as target:
        path = _pack(copy, tmp_path / "two.zip", "flying/", "more/notes.txt")
        with pytest.raises(InputError, match="flying is a project, and there are other things"):
            import_path(target, path)
        assert target.count() == 0
        assert import_path(target, path, format="images").added == 4, "as it was wished"


def test_a_project_is_not_imported_into_itself(tmp_path: Path) -> None:
    target = Project.create(tmp_path / "new", "Mine")
    with target, pytest.raises(InputError, match="into itself"):
        import_path(target, target.folder)


def test_what_sqlite_would_obey_is_removed(tmp_path: Path) -> None:
    inner = "home/ann/flying/project.sqlite"
    names = ("project.sqlite-journal", "home/project.sqlite-shm", f"{inner}-journal")
    (tmp_path / inner).parent.mkdir(parents=True)
    for name in (*names, inner):
        (tmp_path / name).write_bytes(b"x")
    disarm(tmp_path)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == [tmp_path / inner]
