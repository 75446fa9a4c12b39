"""The store keeps what it answered, refuses what would overwrite others, and takes back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import DataError, InputError
from project import intake_rows
from project.database import Database
from project.listing import Filter
from project.pictures import Picture
from project.proposals import Proposal
from project.schema import MIGRATIONS
from project.store import DATABASE_NAME, Project
from project.types import (
    Absent,
    Accept,
    Add,
    Asked,
    ConflictError,
    Delete,
    Describe,
    Edit,
    Move,
    Reject,
    Score,
)

BOX = (10.0, 10.0, 30.0, 20.0)


def _add(project: Project, image_id: int, xyxy: object = BOX, **words: str) -> int:
    version = project.image(image_id).version
    applied = project.apply(image_id, [Add(xyxy, **words)], who="ann", version=version)
    return applied.changed[0].id


def _propose(project: Project, image_id: int, *boxes: Proposal) -> list[int]:
    project.propose(image_id, boxes, source="model:fake", key="k")
    return [box.id for box in project.boxes(image_id)]


def test_a_new_project_is_what_was_asked_for(project: Project) -> None:
    assert (project.name, project.class_names) == ("Flying things", ("object", "drone"))
    assert project.images() == []
    assert project.problems() == []


def test_create_refuses_a_folder_with_a_project(project: Project) -> None:
    with pytest.raises(InputError, match="holds a project already"):
        Project.create(project.folder, "again")


def test_the_folder_may_be_a_text(tmp_path: Path) -> None:
    folder = str(tmp_path / "new")
    Project.create(folder, "One").close()
    with Project.open(folder) as again:
        assert (again.name, again.folder) == ("One", tmp_path / "new")


def test_open_finds_everything_again(
    project: Project, image_id: int, clock: Callable[[], float]
) -> None:
    box_id = _add(project, image_id, caption="red  drone", class_name="drone")
    project.close()
    with Project.open(project.folder, clock=clock) as again:
        assert again.image(image_id).confirmed == 1
        box = again.box(box_id)
        assert (box.xyxy, box.class_name, box.caption) == (BOX, "drone", "red drone")
        assert (box.state, box.source, box.detector) == ("confirmed", "ann", None)
        assert again.path(image_id).is_file()


@pytest.mark.parametrize("kind", ["missing", "foreign", "newer", "damaged"])
def test_open_refuses_what_is_no_project(tmp_path: Path, kind: str) -> None:
    path = tmp_path / DATABASE_NAME
    if kind == "foreign":
        sqlite3.connect(path).execute("CREATE TABLE other (id)").connection.close()
    elif kind == "newer":
        Database(path, create=True, migrations=[*MIGRATIONS, ("SELECT 1",)]).close()
    elif kind == "damaged":
        path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    words = {"missing": "holds no project", "foreign": "no project of Spotter",
             "newer": "newer version", "damaged": "cannot be read"}  # fmt: skip
    with pytest.raises(DataError, match=words[kind]):
        Project.open(tmp_path)


def test_a_migration_keeps_the_data(project: Project, image_id: int) -> None:
    box_id = _add(project, image_id)
    project.close()
    more = ("ALTER TABLE image ADD COLUMN note TEXT NOT NULL DEFAULT 'none'",)
    database = Database(project.folder / DATABASE_NAME, migrations=[*MIGRATIONS, more])
    with database.read() as connection:
        assert connection.execute("SELECT note FROM image").fetchone()[0] == "none"
        assert connection.execute("SELECT id FROM box").fetchone()[0] == box_id
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) + 1
    database.close()


def test_a_failed_migration_changes_nothing(project: Project, image_id: int) -> None:
    project.close()
    bad = ("ALTER TABLE image ADD COLUMN note TEXT", "ALTER TABLE absent ADD COLUMN x")
    path = project.folder / DATABASE_NAME
    with pytest.raises(DataError, match="no such table"):
        Database(path, migrations=[*MIGRATIONS, bad])
    with Project.open(project.folder) as again:
        assert again.image(image_id).name == "first"


# ---------------------------------------------------------------- edits


def test_a_project_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    path = tmp_path / "old" / DATABASE_NAME
    Database(path, create=True, migrations=MIGRATIONS[:1]).close()
    with Project.open(tmp_path / "old") as project, project._database.read() as connection:
        columns = [row["name"] for row in connection.execute("PRAGMA table_info (edit)")]
    assert "token" in columns


def test_edits_change_what_they_say(project: Project, image_id: int) -> None:
    ids = _propose(
        project, image_id,
        Proposal(BOX, "drone", "red drone", 0.9, 1.0, 0.73, 2.0), Proposal((40, 10, 50, 20)),
        Proposal((40, 30, 50, 40)), Proposal((2, 30, 8, 40), caption="bird"),
    )  # fmt: skip
    version = project.image(image_id).version
    edits = [
        Move(ids[0], (11, 10, 31, 20)),
        Accept(ids[1]),
        Reject(ids[2]),
        Describe(ids[3], class_name="kite", caption="green kite"),
    ]
    applied = project.apply(image_id, edits, who="ann", version=version, state="done")
    moved, accepted, rejected, described = applied.changed
    assert (moved.xyxy, moved.state, moved.source) == ((11, 10, 31, 20), "confirmed", "ann")
    assert (moved.detector, moved.logit, moved.margin) == (0.9, None, None), "stale scores"
    assert (accepted.state, accepted.source) == ("confirmed", "model:fake")
    assert rejected.state == "rejected"
    assert (described.class_name, described.caption) == ("kite", "green kite")
    assert project.class_names == ("object", "drone", "kite")
    assert applied.image.version == version + 1
    assert (applied.image.state, applied.image.proposed) == ("done", 0)
    assert (applied.image.confirmed, applied.image.rejected) == (3, 1)


def test_a_box_is_cut_to_its_image(project: Project, image_id: int) -> None:
    box_id = _add(project, image_id, (-5, 40.5, 10.25, 99))
    assert project.box(box_id).xyxy == (0, 40.5, 10.25, 48)


@pytest.mark.parametrize(
    "xyxy",
    [
        (5, 5, 5.5, 20),
        (70, 5, 90, 20),
        (float("nan"), 0, 5, 5),
        (30, 20, 10, 10),
        (1, 2, 3),
        "abcd",
    ],
    ids=["thin", "outside", "nan", "inverted", "three", "text"],
)
def test_an_impossible_box_is_refused_and_nothing_is_applied(
    project: Project, image_id: int, xyxy: object
) -> None:
    with pytest.raises(InputError):
        project.apply(image_id, [Add(BOX), Add(xyxy)], who="ann", version=0)
    assert project.boxes(image_id) == []
    assert project.image(image_id).version == 0


def test_a_small_box_is_allowed(project: Project, image_id: int) -> None:
    assert project.box(_add(project, image_id, (5, 5, 8, 8))).xyxy == (5, 5, 8, 8)


def test_an_edit_of_another_images_box_is_refused(
    project: Project, image_id: int, make_picture: Callable[..., Picture]
) -> None:
    box_id = _add(project, image_id)
    other = project.add(make_picture(1), "other")[0]
    with pytest.raises(DataError, match=f"no box {box_id}"):
        project.apply(other, [Delete(box_id)], who="ann", version=0)
    assert project.box(box_id).id == box_id


@pytest.mark.parametrize("who", ["", "  ", "model:x", "x" * 101])
def test_a_person_needs_a_name(project: Project, image_id: int, who: str) -> None:
    with pytest.raises(InputError, match="a person's name"):
        project.apply(image_id, [Add(BOX)], who=who, version=0)


def test_doing_nothing_makes_no_version(project: Project, image_id: int) -> None:
    box_id = _add(project, image_id)
    applied = project.apply(
        image_id, [Accept(box_id), Move(box_id, BOX)], who="ann", version=1, state="new"
    )
    assert (applied.image.version, applied.edit_id, applied.changed) == (1, 0, ())


def test_an_old_version_is_refused_and_says_what_changed(project: Project, image_id: int) -> None:
    box_id = _add(project, image_id)
    project.apply(image_id, [Move(box_id, (12, 10, 30, 20))], who="bob", version=1)
    with pytest.raises(ConflictError, match="bob moved a box") as caught:
        project.apply(image_id, [Describe(box_id, caption="x")], who="ann", version=1)
    assert caught.value.version == 2
    assert [(c.who, c.kind) for c in caught.value.changes] == [("bob", "edit")]
    assert project.box(box_id).caption == ""


def test_a_proposal_in_between_is_a_conflict(project: Project, image_id: int) -> None:
    _propose(project, image_id, Proposal(BOX))
    with pytest.raises(ConflictError):
        project.apply(image_id, [Add(BOX)], who="ann", version=0)


# ---------------------------------------------------------------- undo


def test_undo_and_redo_walk_through_all_edits(project: Project, image_id: int) -> None:
    [first] = _propose(project, image_id, Proposal(BOX, "drone", "red drone", 0.9, 1.0, 0.7, 2.0))

    def now() -> list[tuple[object, ...]]:
        state = project.image(image_id).state
        return [
            (b.id, b.xyxy, b.caption, b.state, b.logit, b.source, state)
            for b in project.boxes(image_id)
        ]

    states = [now()]
    for edits, state in (
        ([Move(first, (1, 1, 9, 9))], None),
        ([Add((40, 10, 50, 20))], None),
        ([Delete(first)], None),
        ([], "done"),
    ):
        version = project.image(image_id).version
        project.apply(image_id, edits, who="ann", version=version, state=state)
        states.append(now())
    for state in reversed(states[:-1]):
        project.undo(image_id, "ann")
        assert now() == state
    with pytest.raises(InputError, match="nothing to undo"):
        project.undo(image_id, "ann")
    for state in states[1:]:
        project.redo(image_id, "ann")
        assert now() == state
    with pytest.raises(InputError, match="nothing to redo"):
        project.redo(image_id, "ann")


def test_a_new_edit_ends_redo(project: Project, image_id: int) -> None:
    _add(project, image_id)
    project.undo(image_id, "ann")
    _add(project, image_id, (40, 10, 50, 20))
    with pytest.raises(InputError, match="nothing to redo"):
        project.redo(image_id, "ann")


def test_undo_takes_back_ones_own_edits_alone(project: Project, image_id: int) -> None:
    mine = _add(project, image_id)
    project.apply(image_id, [Add((40, 10, 50, 20))], who="bob", version=1)
    project.undo(image_id, "ann")
    assert mine not in [box.id for box in project.boxes(image_id)]
    assert len(project.boxes(image_id)) == 1


def test_undo_refuses_a_box_that_somebody_changed(project: Project, image_id: int) -> None:
    box_id = _add(project, image_id)
    project.apply(image_id, [Describe(box_id, caption="kite")], who="bob", version=1)
    with pytest.raises(ConflictError, match="changed by somebody else"):
        project.undo(image_id, "ann")
    assert project.box(box_id).caption == "kite"


def test_undo_survives_new_scores(project: Project, image_id: int) -> None:
    box_id = _add(project, image_id, caption="kite")
    assert project.set_scores(image_id, [Score(box_id, 2.0, 0.88)], 1)
    project.undo(image_id, "ann")
    assert project.boxes(image_id) == []


def test_history_tells_who_what_and_when(project: Project, image_id: int, clock: object) -> None:
    [box_id] = _propose(project, image_id, Proposal(BOX))
    clock.wait(5)
    project.apply(image_id, [Move(box_id, (1, 1, 9, 9))], who="ann", version=1)
    project.undo(image_id, "ann")
    proposed, moved, undone = project.history(box_id)
    assert (proposed.who, proposed.kind, proposed.before) == ("model:fake", "propose", None)
    assert (moved.who, moved.at - proposed.at) == ("ann", 5)
    assert (moved.before["xyxy"], moved.after["xyxy"]) == (list(BOX), [1, 1, 9, 9])
    assert moved.sentence() == "ann moved a box"
    assert (undone.kind, undone.after["xyxy"]) == ("undo", list(BOX))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (Accept(1), "ann accepted a box"),
        (Reject(1), "ann rejected a box"),
        (Describe(1, class_name="drone"), "ann changed the type of a box"),
        (Delete(1), "ann deleted a box"),
    ],
)
def test_history_is_told_in_the_words_of_the_page(
    project: Project, image_id: int, edit: Edit, said: str
) -> None:
    assert _propose(project, image_id, Proposal(BOX)) == [1]
    project.apply(image_id, [edit], who="ann", version=1)
    assert project.history(1)[-1].sentence() == said


def test_absent_captions_are_kept_and_undone(project: Project, image_id: int) -> None:
    asked = [Asked("red drone", True, 0.8, False), Asked("blue kite", False, 0.1, False)]
    project.propose(image_id, [], source="model:fake", key="k", asked=asked)
    assert {one.caption: one.found for one in project.asked(image_id)} == {
        "red drone": True, "blue kite": False,
    }  # fmt: skip
    project.apply(image_id, [Absent("red drone")], who="ann", version=1)
    told = {one.caption: one for one in project.asked(image_id)}["red drone"]
    assert (told.found, told.confirmed, told.probability) == (False, True, 0.8)
    project.propose(image_id, [], source="model:fake", key="k2", asked=asked)
    told = {one.caption: one for one in project.asked(image_id)}["red drone"]
    assert not told.found, "a model overrules no person"
    project.undo(image_id, "ann")
    assert {one.caption: one.found for one in project.asked(image_id)}["red drone"]


# ---------------------------------------------------------------- models


def test_new_proposals_replace_untouched_ones_alone(project: Project, image_id: int) -> None:
    boxes = [(0, 0, 9, 9), (20, 0, 29, 9), (40, 0, 49, 9), (0, 20, 9, 29)]
    ids = _propose(project, image_id, *(Proposal(box) for box in boxes))
    edits = [Accept(ids[0]), Reject(ids[1]), Move(ids[2], (41, 0, 50, 9))]
    project.apply(image_id, edits, who="ann", version=1)
    again = [*boxes[:3], (50, 30, 59, 39)]
    _propose(project, image_id, *(Proposal(box) for box in again))
    now = {box.xyxy: box.state for box in project.boxes(image_id)}
    assert now == {
        (0, 0, 9, 9): "confirmed", (20, 0, 29, 9): "rejected", (41, 0, 50, 9): "confirmed",
        (50, 30, 59, 39): "proposed",
    }  # fmt: skip


def test_scores_of_an_old_version_are_dropped(project: Project, image_id: int) -> None:
    box_id = _add(project, image_id, caption="kite")
    assert not project.set_scores(image_id, [Score(box_id, 2.0, 0.88)], 0)
    assert project.box(box_id).logit is None
    assert project.set_scores(image_id, [Score(box_id, 2.0, 0.88, 1.5)], 1)
    box = project.box(box_id)
    assert (box.logit, box.probability, box.margin) == (2.0, 0.88, 1.5)
    assert project.image(image_id).version == 1, "scores are no edit"


# ---------------------------------------------------------------- images


def test_a_picture_is_kept_once(project: Project, make_picture: Callable[..., Picture]) -> None:
    first, is_new = project.add(make_picture(0), "a/b\\c?.png")
    again, is_new_again = project.add(make_picture(0), "other")
    assert (first, is_new, is_new_again) == (again, True, False)
    assert project.image(first).name == "a_b_c_.png"
    assert len(list((project.folder / "images").rglob("*.png"))) == 1


def test_names_are_made_unique(project: Project, make_picture: Callable[..., Picture]) -> None:
    names = [project.image(project.add(make_picture(i), "x")[0]).name for i in range(3)]
    assert names == ["x", "x-2", "x-3"]


def test_a_name_that_thousands_have_is_quickly_made_unique(project: Project) -> None:
    start = time.perf_counter()
    with project._database.write() as connection:
        for number in range(1, 3001):
            name = intake_rows._free_name(connection, "rgb")
            assert name == ("rgb" if number == 1 else f"rgb-{number}")
            connection.execute(
                "INSERT INTO image (name, sha256, suffix, width, height, look, added_at, "
                "updated_at) VALUES (?, ?, '.png', 64, 48, 1, 0, 0)",
                (name, f"{number:064x}"),
            )
    assert time.perf_counter() - start < 3, "counting up takes four and a half million questions"


def test_removed_images_come_back_with_their_boxes(project: Project, image_id: int) -> None:
    box_id = _add(project, image_id)
    assert project.remove_images([image_id]) == 1
    assert project.images() == []
    assert project.count() == 0
    removed = project.image(image_id)
    assert removed.removed
    assert project.states(wished=Filter(removed=True)) == [(image_id, "new")]
    assert (project.progress().total, project.progress().removed) == (0, 1)
    with pytest.raises(DataError, match="no picture"):
        project.apply(image_id, [], who="ann", version=removed.version, state="done")
    assert project.restore_images([image_id, 99]) == 1
    assert [box.id for box in project.boxes(image_id)] == [box_id]


def test_what_was_seen_before_an_image_was_imported_again_is_no_base_for_edits(
    project: Project, image_id: int, make_picture: Callable[..., Picture]
) -> None:
    project.remove_images([image_id])
    seen = project.image(image_id).version
    assert project.add(make_picture(0), "again") == (image_id, False)
    with pytest.raises(ConflictError):
        project.apply(image_id, [Add(BOX)], who="ann", version=seen)
    now = project.image(image_id).version
    project.add(make_picture(0), "again")
    assert project.image(image_id).version == now, "nothing happened to it"


def test_problems_tell_of_missing_files(project: Project, image_id: int) -> None:
    project.path(image_id).unlink()
    assert project.problems() == ["the file of picture first is missing"]


def test_settings_are_kept(project: Project) -> None:
    value = {"types": ["drone"], "colors": []}
    project.set_setting("vocabulary", value)
    assert project.setting("vocabulary") == value
    assert project.setting("nothing", 3) == 3


def test_threads_may_edit_at_once(
    project: Project, image_id: int, in_threads: Callable[..., list[object]]
) -> None:
    def work() -> int:
        done = 0
        while done < 5:
            version = project.image(image_id).version
            try:
                project.apply(image_id, [Add(BOX)], who="ann", version=version)
                done += 1
            except ConflictError:
                continue
        return done

    assert in_threads(work, 4) == [5] * 4
    assert len(project.boxes(image_id)) == 20
    assert project.image(image_id).version == 20
    assert replace(project.image(image_id)).confirmed == 20
