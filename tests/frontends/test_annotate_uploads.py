"""Uploads to the tab Annotate, hostile and mixed ones, as the server answers the browser."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from frontends.desk import Desk
from frontends.desk_runs import _lay_out
from frontends.material import Brought
from frontends.ui.uploads import labels_max_bytes
from project.store import DATABASE_NAME, Project
from tests.frontends.desks import bring, open_desk, packed
from tests.project.pictures import picture_bytes


@pytest.fixture
def shared(tmp_path: Path) -> Desk:
    return open_desk(tmp_path, shared=True)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A project of one picture that came from elsewhere."""
    with Project.create(tmp_path / "other", "Other") as made:
        (tmp_path / "picture.png").write_bytes(picture_bytes(1))
        from project.intake import import_path

        import_path(made, tmp_path / "picture.png")
    return tmp_path / "other"


def test_a_project_whose_rows_are_a_view_is_not_merged(shared: Desk, other: Path) -> None:
    secret = shared.shared / "other-person" / "secret.png"
    secret.parent.mkdir(parents=True)
    secret.write_bytes(picture_bytes(2))
    with closing(sqlite3.connect(other / DATABASE_NAME)) as connection:
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.execute("ALTER TABLE image RENAME TO kept")
        names = [row[1] for row in connection.execute("PRAGMA table_xinfo(kept)")]
        away = "CASE abs(random()) % 2 WHEN 0 THEN sha256 ELSE '../../../other-person/secret' END"
        columns = [f"{away} AS sha256" if name == "sha256" else name for name in names]
        connection.execute(f"CREATE VIEW image AS SELECT {', '.join(columns)} FROM kept")
        connection.commit()
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    with pytest.raises(Exception, match="are not those of a project"):
        bring(shared, visit, key, ("other.zip", packed(other)))
    assert shared.project(visit, key).count() == 0


def test_many_files_of_one_name_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(b"picture")
    wishes = ["image.jpg"] * 260 + ["image-2.jpg"] + ["ä" * 125 + ".png"] * 2
    _lay_out([Brought(tmp_path / "0", name) for name in wishes], tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    numbered = {f"image-{number}.jpg" for number in range(2, 261)}
    long = {"ä" * 125 + ".png", "ä" * 100 + "-2.png"}
    assert names == {"image.jpg", "image-2-2.jpg", *numbered, *long}


def test_data_sets_that_come_together_keep_their_labels(shared: Desk) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    lines = {"image": "a.png", "annotations": [{"caption": "red kite", "bbox": [4, 4, 20, 20]}]}
    bring(
        shared, visit, key,
        ("set/images/a.png", picture_bytes(0)),
        ("set/annotations.jsonl", json.dumps(lines).encode()),
        ("loose.png", picture_bytes(1)),
    )  # fmt: skip
    project = shared.project(visit, key)
    assert {image.name: image.confirmed for image in project.walk()} == {"a": 1, "loose": 0}


def test_captions_beside_folders_are_theirs(shared: Desk) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    table = b"image,caption\na.png,red kite\n"
    bring(shared, visit, key, ("one/a.png", picture_bytes(0)), ("captions.csv", table))
    assert [image.captions for image in shared.project(visit, key).walk()] == [("red kite",)]


def test_a_project_does_not_bring_its_own_exports(shared: Desk, other: Path) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("crops/b.png", picture_bytes(5))
    exported = ("other/exports/other-crops.zip", buffer.getvalue())
    files = [path for path in other.rglob("*") if path.is_file()]
    named = [(path.relative_to(other.parent).as_posix(), path.read_bytes()) for path in files]
    bring(shared, visit, key, exported, *named)
    assert shared.project(visit, key).count() == 1


@pytest.mark.parametrize(("offset", "value"), [(0, 0), (6, 99)])
def test_a_damaged_archive_is_explained(shared: Desk, other: Path, offset: int, value: int) -> None:
    """Its directory cannot be read, or asks for a version of ZIP that does not exist."""
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    data = bytearray(packed(other))
    data[data.index(b"PK\x01\x02") + offset] = value
    with pytest.raises(InputError, match="no ZIP file that we can read"):
        bring(shared, visit, key, ("other.zip", bytes(data)))


def test_a_damaged_archive_loses_nothing_of_the_others(shared: Desk, other: Path) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    data = packed(other)
    said = bring(
        shared, visit, key,
        ("torn.zip", data[: len(data) // 2]), ("other.zip", data), ("more.png", picture_bytes(7)),
    )  # fmt: skip
    assert shared.project(visit, key).count() == 2, said
    [(where, why)] = shared.run_of(visit, key).refused
    assert (where, "no ZIP file that we can read" in why) == ("torn.zip", True)


@pytest.mark.parametrize("name", [".", "a/..", "./"])
def test_a_file_without_a_name_is_refused(shared: Desk, name: str) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    folder = shared.project(visit, key).folder
    before = sorted(folder.iterdir())
    with pytest.raises(InputError, match="no file name"):
        bring(shared, visit, key, (name, picture_bytes(1)))
    assert sorted(folder.iterdir()) == before


def test_journals_of_an_uploaded_project_are_not_played_back(
    shared: Desk, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ending in ("-journal", "-shm"):
        (other / f"{DATABASE_NAME}{ending}").write_bytes(b"x" * 2000)
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    data, seen, open_it = packed(other), [], Project.open

    def opened(folder: Path) -> Project:
        seen.append(sorted(path.name for path in folder.glob(f"{DATABASE_NAME}*")))
        return open_it(folder)

    monkeypatch.setattr(Project, "open", opened)
    assert "1 picture came back" in bring(shared, visit, key, ("other.zip", data))
    assert seen == [[DATABASE_NAME]]


def test_a_merge_keeps_to_the_page_s_picture_size(shared: Desk, other: Path) -> None:
    shared.limits = replace(shared.limits, max_pixels=1000)
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    said = bring(shared, visit, key, ("other.zip", packed(other)))
    assert "1 picture could not be read" in said
    assert shared.project(visit, key).count() == 0


@pytest.mark.parametrize("how", ["wrapped", "loose"])
def test_a_project_in_a_folder_of_its_own_comes_back(shared: Desk, other: Path, how: str) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    buffer = io.BytesIO()
    files = {
        f"flying/{path.relative_to(other).as_posix()}": path.read_bytes()
        for path in other.rglob("*")
        if path.is_file()
    }
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    brought = [("wrapped.zip", buffer.getvalue())] if how == "wrapped" else list(files.items())
    said = bring(shared, visit, key, *brought)
    assert said == "1 picture came back with boxes and history."
    assert [image.name for image in shared.project(visit, key).walk()] == ["picture"]


def test_an_upload_is_not_written_into(
    shared: Desk, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Visitors who upload the same file share it."""
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    open_it, names = Project.open, []

    def opened(folder: Path) -> Project:
        names.append((folder / DATABASE_NAME).stat().st_nlink)
        return open_it(folder)

    monkeypatch.setattr(Project, "open", opened)
    files = [(f"flying/{path.relative_to(other).as_posix()}", path) for path in other.rglob("*.*")]
    loose = [(name, path.read_bytes()) for name, path in files]
    assert bring(shared, visit, key, *loose) == "1 picture came back with boxes and history."
    assert names == [1]


def test_labels_of_who_owns_the_disk_may_be_larger(shared: Desk, tmp_path: Path) -> None:
    visited = open_desk(tmp_path / "other", shared=False)
    assert labels_max_bytes(visited.limits)[".json"] == 32_000_000
    own = labels_max_bytes(shared.limits)
    assert own[".json"] == shared.limits.archive_max_bytes > 32_000_000
