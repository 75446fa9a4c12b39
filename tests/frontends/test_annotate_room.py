"""Room, deleting and hostile uploads of the tab Annotate, as the server answers the browser."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from core.image import encode_image
from core.types import Image
from frontends import desk as desk_module
from frontends import desk_runs
from frontends.desk import Desk
from frontends.desk_runs import Outgoing, _lay_out, start_export, start_import, start_prelabel
from frontends.material import Brought
from frontends.runs import wait_for
from frontends.service import Service, read_limits
from frontends.ui.annotate_handlers import create_label_calls, create_project_calls
from frontends.ui.annotate_runs import create_run_calls
from frontends.visits import Visit, size_of
from project.folders import deleted_projects
from project.prelabel import Question
from project.store import DATABASE_NAME, Project
from tests.project.pictures import picture_bytes


def _desk(tmp_path: Path, *, shared: bool, room: int = 2_000_000_000) -> Desk:
    folder = tmp_path / "projects" if shared else None
    limits = replace(read_limits({}), preset="fake", projects_folder=folder, visit_max_bytes=room)
    return Desk(Service(limits), visits_root=tmp_path / "desks")


def _bring(desk: Desk, visit: Visit, key: str, *files: tuple[str, bytes]) -> str:
    brought = []
    for number, (name, data) in enumerate(files):
        path = desk.visits.enter("uploads").folder / f"{number}{Path(name).suffix}"
        path.write_bytes(data)
        brought.append(Brought(path, name))
    run = start_import(desk, visit, key, brought)
    wait_for(run, 20)
    return run.said


def _call(desk: Desk, visit: Visit, name: str, **wish: object) -> dict[str, object]:
    calls = {call.__name__: call for call in create_project_calls(desk)}
    return calls[name]({"visit": visit.key, **wish})


@pytest.fixture
def shared(tmp_path: Path) -> Desk:
    return _desk(tmp_path, shared=True)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A project of one picture that came from elsewhere."""
    with Project.create(tmp_path / "other", "Other") as made:
        (tmp_path / "picture.png").write_bytes(picture_bytes(1))
        from project.intake import import_path

        import_path(made, tmp_path / "picture.png")
    return tmp_path / "other"


def _packed(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in folder.rglob("*"):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return buffer.getvalue()


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
        _bring(shared, visit, key, ("other.zip", _packed(other)))
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
    _bring(
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
    _bring(shared, visit, key, ("one/a.png", picture_bytes(0)), ("captions.csv", table))
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
    _bring(shared, visit, key, exported, *named)
    assert shared.project(visit, key).count() == 1


@pytest.mark.parametrize(("offset", "value"), [(0, 0), (6, 99)])
def test_a_damaged_archive_is_explained(shared: Desk, other: Path, offset: int, value: int) -> None:
    """Its directory cannot be read, or asks for a version of ZIP that does not exist."""
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    data = bytearray(_packed(other))
    data[data.index(b"PK\x01\x02") + offset] = value
    with pytest.raises(InputError, match="no ZIP file that we can read"):
        _bring(shared, visit, key, ("other.zip", bytes(data)))


def test_a_damaged_archive_loses_nothing_of_the_others(shared: Desk, other: Path) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    data = _packed(other)
    said = _bring(
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
        _bring(shared, visit, key, (name, picture_bytes(1)))
    assert sorted(folder.iterdir()) == before


def test_journals_of_an_uploaded_project_are_not_played_back(
    shared: Desk, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ending in ("-journal", "-shm"):
        (other / f"{DATABASE_NAME}{ending}").write_bytes(b"x" * 2000)
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    packed, seen, open_it = _packed(other), [], Project.open

    def opened(folder: Path) -> Project:
        seen.append(sorted(path.name for path in folder.glob(f"{DATABASE_NAME}*")))
        return open_it(folder)

    monkeypatch.setattr(Project, "open", opened)
    assert "1 picture came back" in _bring(shared, visit, key, ("other.zip", packed))
    assert seen == [[DATABASE_NAME]]


def test_leftovers_of_killed_work_go_a_day_later(shared: Desk, tmp_path: Path) -> None:
    visit = shared.visits.enter("ann")
    folder = shared.project(visit, shared.create(visit, "Mine", ())).folder
    for name, age_s in ((".import-old", 2e5), (".merge-old", 2e5), (".import-new", 0)):
        (folder / name).mkdir()
        (folder / name / "x").write_bytes(b"x")
        moment = (folder / name).stat().st_mtime - age_s
        os.utime(folder / name, (moment, moment))
    (folder / "images" / "aa").mkdir()
    again = _desk(tmp_path, shared=True)
    again.project(again.visits.enter("ann"), "mine")
    assert {path.name for path in folder.glob(".*")} == {".import-new"}


# ---------------------------------------------------------------- deleting


def test_a_damaged_project_can_be_deleted(shared: Desk) -> None:
    visit = shared.visits.enter("ann")
    damaged = shared.folder(visit) / "damaged" / DATABASE_NAME
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    assert "error" in _call(shared, visit, "open_project", project="damaged")
    answer = _call(shared, visit, "delete_project", project="damaged")
    assert answer["projects"] == []
    assert not damaged.exists()
    assert "not there any more" in str(_call(shared, visit, "delete_project", project="damaged"))


def test_a_project_that_is_learnt_from_is_not_deleted(shared: Desk) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    run = shared.project(visit, key).folder / "runs" / "20260101-120000"
    run.mkdir(parents=True)
    told = {"state": "running", "phase": "training", "progress": 0.1, "pid": os.getppid()}
    (run / "status.json").write_text(json.dumps(told))
    answer = _call(shared, visit, "delete_project", project=key)
    assert "20260101-120000" in str(answer["error"])
    assert shared.project(visit, key).name == "Mine", "it can still be used"
    (run / "status.json").write_text(json.dumps({**told, "state": "stopped"}))
    assert "deleted" in _call(shared, visit, "delete_project", project=key)


def test_nobody_opens_a_project_while_it_is_moved(
    shared: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    found: list[object] = []

    def ask() -> None:
        try:
            found.append(shared.project(visit, key))
        except InputError as error:
            found.append(error)

    asking = threading.Thread(target=ask)

    def slow(folder: Path) -> Path:
        asking.start()
        asking.join(0.2)
        assert asking.is_alive(), "it waits until the project has moved"
        return delete(folder)

    delete = desk_module.delete_project
    monkeypatch.setattr(desk_module, "delete_project", slow)
    shared.delete(visit, key)
    asking.join(5)
    assert isinstance(found[0], InputError)


def test_a_log_that_vanishes_is_no_error(shared: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    gone = shared.folder(visit) / key / f"{DATABASE_NAME}-gone"
    find = Path.glob

    def glob(self: Path, pattern: str) -> Iterator[Path]:
        yield from find(self, pattern)
        if pattern == f"{DATABASE_NAME}*":
            yield gone

    monkeypatch.setattr(Path, "glob", glob)
    assert [info.folder.name for info in shared.projects(visit)] == [key]


# ---------------------------------------------------------------- room


def _noise(seed: int) -> bytes:
    """A picture of about 60 kB."""
    import numpy as np

    pixels = np.random.default_rng(seed).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    return encode_image(pixels)


def test_deleting_makes_room(tmp_path: Path) -> None:
    desk = _desk(tmp_path, shared=False, room=1_000_000)
    visit = desk.visits.enter("ann")
    key = desk.create(visit, "Mine", ())
    with pytest.raises(InputError, match="of your room of 1 MB"):
        _bring(desk, visit, key, *((f"{n}.png", _noise(n)) for n in range(10)))
    assert "5 pictures added" in _bring(
        desk, visit, key, *((f"{n}.png", _noise(n)) for n in range(5))
    )
    filled = size_of(visit.folder)
    desk.delete(visit, key)
    small = desk.create(visit, "Small", ())
    # Kept as long as there is room.
    [aside] = deleted_projects(desk.folder(visit))
    _bring(desk, visit, small, *((f"{n}.png", _noise(n)) for n in range(5, 11)))
    assert deleted_projects(desk.folder(visit)) == []
    with pytest.raises(InputError, match="gone for good"):
        desk.restore(visit, aside.name)
    assert size_of(visit.folder) < filled + 150_000


def test_who_is_full_makes_nothing_new_but_takes_away(tmp_path: Path, shapes_image: Image) -> None:
    desk = _desk(tmp_path, shared=False)
    visit = desk.visits.enter("ann")
    key = desk.create(visit, "Mine", ())
    _bring(desk, visit, key, *((f"{n}.png", _noise(n)) for n in range(3)))
    desk.limits = replace(desk.limits, visit_max_bytes=size_of(visit.folder) - 1)
    with pytest.raises(InputError, match="of your room"):
        desk.create(visit, "Another", ())
    run = start_export(desk, visit, key, Outgoing("project"))
    wait_for(run, 20)
    assert run.file is not None
    assert run.file.stat().st_size > 150_000
    desk.limits = replace(desk.limits, visit_max_bytes=size_of(visit.folder) // 4)
    with pytest.raises(InputError, match="export grows beyond"):
        wait_for(start_export(desk, visit, key, Outgoing("project")), 20)
    assert not list(run.file.parent.glob("*"))


def test_a_model_s_answers_take_no_more_than_the_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_runs, "_MEASURE_S", 0.0)
    desk = _desk(tmp_path, shared=False)
    visit = desk.visits.enter("ann")
    key = desk.create(visit, "Mine", ())
    _bring(desk, visit, key, *((f"{n}.png", _noise(n)) for n in range(4)))
    captions = tuple(f"{n}{' red thing' * 180}" for n in range(desk.limits.max_captions))
    room = size_of(visit.folder) + 60_000
    desk.limits = replace(desk.limits, visit_max_bytes=room)
    with pytest.raises(InputError, match="of your room"):
        wait_for(start_prelabel(desk, visit, key, Question(captions)), 20)
    project = desk.project(visit, key)
    assert project.count("new") == 3, "one was looked at, and what is known of it stays"
    assert len(project.asked(1)) == len(captions)
    with pytest.raises(InputError, match="of your room"):
        start_prelabel(desk, visit, key, Question(("red thing",)))


def test_the_page_looks_for_as_many_captions_as_elsewhere(shared: Desk) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    _bring(shared, visit, key, ("a.png", _noise(1)))
    look = create_run_calls(shared)["start_looking"]
    lines = [f"red thing {n}" for n in range(shared.limits.max_captions + 1)]
    wish = {"visit": visit.key, "project": key, "mode": "captions"}
    answer = look({**wish, "captions": "\n".join(lines)})
    assert "51 captions, the limit is 50" in str(answer["error"])
    assert shared.project(visit, key).setting("captions", []) == [], "it was not asked"
    look({**wish, "captions": "\n".join(lines[1:])})
    wait_for(shared.run_of(visit, key), 20)
    assert len(shared.project(visit, key).asked(1)) == 50


def test_an_archive_may_not_double_the_room(tmp_path: Path) -> None:
    desk = _desk(tmp_path, shared=False, room=1_000_000)
    visit = desk.visits.enter("ann")
    key = desk.create(visit, "Mine", ())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(12):
            archive.writestr(f"{number}.png", _noise(number))
    with pytest.raises(InputError, match="of your room"):
        _bring(desk, visit, key, ("many.zip", buffer.getvalue()))
    assert desk.project(visit, key).count() == 0


def test_a_merge_keeps_to_the_page_s_picture_size(shared: Desk, other: Path) -> None:
    shared.limits = replace(shared.limits, max_pixels=1000)
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    said = _bring(shared, visit, key, ("other.zip", _packed(other)))
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
    said = _bring(shared, visit, key, *brought)
    assert said == "1 picture came back with boxes and history."
    assert [image.name for image in shared.project(visit, key).walk()] == ["picture"]


def test_what_goes_out_is_counted_as_what_comes_back(shared: Desk) -> None:
    visit = shared.visits.enter("ann")
    key, empty = shared.create(visit, "Mine", ()), shared.create(visit, "Empty", ())
    _bring(shared, visit, key, ("a.png", _noise(1)), ("b.png", _noise(2)))
    shared.project(visit, key).remove_images([2])
    run = start_export(shared, visit, key, Outgoing("project"))
    wait_for(run, 20)
    assert run.said == "2 pictures with all boxes and history."
    assert run.file is not None
    came = _bring(shared, visit, empty, ("mine.zip", run.file.read_bytes()))
    assert came == "2 pictures came back with boxes and history."


def test_who_is_full_draws_no_more_boxes_but_deletes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = _desk(tmp_path, shared=False)
    visit = desk.visits.enter("ann")
    key = desk.create(visit, "Mine", ())
    _bring(desk, visit, key, ("a.png", _noise(1)))
    project = desk.project(visit, key)
    edit = create_label_calls(desk)["edit"]

    def ask(**told: object) -> str:
        version = project.image(1).version
        wish = {"visit": visit.key, "project": key, "image": 1, "version": version}
        return str(edit({**wish, "edits": [told]}).get("error", ""))

    drawn = {"kind": "add", "xyxy": [10, 10, 40, 40], "caption": ""}
    assert ask(**drawn) == ""
    desk.limits = replace(desk.limits, visit_max_bytes=size_of(visit.folder) - 1)
    assert ask(**drawn) == ""  # measured a moment ago
    monkeypatch.setattr(desk_module, "_MEASURE_EVERY_S", 0.0)
    assert "of your room" in ask(**drawn)
    assert ask(kind="delete", box=project.boxes(1)[0].id) == ""
    assert len(project.boxes(1)) == 1


def test_the_last_exports_stay_side_by_side(shared: Desk) -> None:
    visit = shared.visits.enter("ann")
    key = shared.create(visit, "Mine", ())
    _bring(shared, visit, key, ("a.png", _noise(1)))
    names = []
    for number, format in enumerate(("yolo", "coco", "voc", "csv", "yolo", "jsonl")):
        run = start_export(shared, visit, key, Outgoing(format, "all"))
        wait_for(run, 20)
        assert run.file is not None
        os.utime(run.file, (number, number))
        names = sorted(path.name for path in run.file.parent.iterdir())
        assert run.file.name in names
    assert names == ["mine-csv.csv", "mine-jsonl.zip", "mine-voc.zip", "mine-yolo.zip"]
