"""Room and deleting in the tab Annotate, as the server answers the browser."""

from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from core.types import Image
from frontends import desk as desk_module
from frontends import desk_runs
from frontends.desk import Desk
from frontends.desk_runs import Outgoing, start_export, start_prelabel
from frontends.runs import wait_for
from frontends.ui.annotate_handlers import create_label_calls, create_project_calls
from frontends.ui.annotate_runs import create_run_calls
from frontends.visits import Visit, size_of
from project.folders import deleted_projects
from project.prelabel import Question
from project.store import DATABASE_NAME
from tests.frontends.desks import bring, noise, open_desk


def _call(desk: Desk, visit: Visit, name: str, **wish: object) -> dict[str, object]:
    calls = {call.__name__: call for call in create_project_calls(desk)}
    return calls[name]({"visit": visit.key, **wish})


@pytest.fixture
def shared(tmp_path: Path) -> Desk:
    return open_desk(tmp_path, shared=True)


def test_leftovers_of_killed_work_go_a_day_later(shared: Desk, tmp_path: Path) -> None:
    visit = shared.visits.enter("ann")
    folder = shared.project(visit, shared.create(visit, "Mine", ())).folder
    for name, age_s in ((".import-old", 2e5), (".merge-old", 2e5), (".import-new", 0)):
        (folder / name).mkdir()
        (folder / name / "x").write_bytes(b"x")
        moment = (folder / name).stat().st_mtime - age_s
        os.utime(folder / name, (moment, moment))
    (folder / "images" / "aa").mkdir()
    again = open_desk(tmp_path, shared=True)
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


def test_deleting_makes_room(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, shared=False, room=1_000_000)
    visit = desk.visits.enter("ann")
    key = desk.create(visit, "Mine", ())
    with pytest.raises(InputError, match="of your room of 1 MB"):
        bring(desk, visit, key, *((f"{n}.png", noise(n)) for n in range(10)))
    assert "5 pictures added" in bring(
        desk, visit, key, *((f"{n}.png", noise(n)) for n in range(5))
    )
    filled = size_of(visit.folder)
    desk.delete(visit, key)
    small = desk.create(visit, "Small", ())
    # Kept as long as there is room.
    [aside] = deleted_projects(desk.folder(visit))
    bring(desk, visit, small, *((f"{n}.png", noise(n)) for n in range(5, 11)))
    assert deleted_projects(desk.folder(visit)) == []
    with pytest.raises(InputError, match="gone for good"):
        desk.restore(visit, aside.name)
    assert size_of(visit.folder) < filled + 150_000


def test_who_is_full_makes_nothing_new_but_takes_away(tmp_path: Path, shapes_image: Image) -> None:
    desk = open_desk(tmp_path, shared=False)
    visit = desk.visits.enter("ann")
    key = desk.create(visit, "Mine", ())
    bring(desk, visit, key, *((f"{n}.png", noise(n)) for n in range(3)))
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
    desk = open_desk(tmp_path, shared=False)
    visit = desk.visits.enter("ann")
    key = desk.create(visit, "Mine", ())
    bring(desk, visit, key, *((f"{n}.png", noise(n)) for n in range(4)))
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
    bring(shared, visit, key, ("a.png", noise(1)))
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
    desk = open_desk(tmp_path, shared=False, room=1_000_000)
    visit = desk.visits.enter("ann")
    key = desk.create(visit, "Mine", ())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(12):
            archive.writestr(f"{number}.png", noise(number))
    with pytest.raises(InputError, match="of your room"):
        bring(desk, visit, key, ("many.zip", buffer.getvalue()))
    assert desk.project(visit, key).count() == 0


def test_what_goes_out_is_counted_as_what_comes_back(shared: Desk) -> None:
    visit = shared.visits.enter("ann")
    key, empty = shared.create(visit, "Mine", ()), shared.create(visit, "Empty", ())
    bring(shared, visit, key, ("a.png", noise(1)), ("b.png", noise(2)))
    shared.project(visit, key).remove_images([2])
    run = start_export(shared, visit, key, Outgoing("project"))
    wait_for(run, 20)
    assert run.said == "2 pictures with all boxes and history."
    assert run.file is not None
    came = bring(shared, visit, empty, ("mine.zip", run.file.read_bytes()))
    assert came == "2 pictures came back with boxes and history."


def test_who_is_full_draws_no_more_boxes_but_deletes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = open_desk(tmp_path, shared=False)
    visit = desk.visits.enter("ann")
    key = desk.create(visit, "Mine", ())
    bring(desk, visit, key, ("a.png", noise(1)))
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
    bring(shared, visit, key, ("a.png", noise(1)))
    names = []
    for number, format in enumerate(("yolo", "coco", "voc", "csv", "yolo", "jsonl")):
        run = start_export(shared, visit, key, Outgoing(format, "all"))
        wait_for(run, 20)
        assert run.file is not None
        os.utime(run.file, (number, number))
        names = sorted(path.name for path in run.file.parent.iterdir())
        assert run.file.name in names
    assert names == ["mine-csv.csv", "mine-jsonl.zip", "mine-voc.zip", "mine-yolo.zip"]
