"""The journal has a bound; what lies behind it is forgotten, and nothing else changes."""

from __future__ import annotations

import pytest

from core.errors import InputError
from project import store
from project.proposals import Proposal
from project.store import Project
from project.trimming import trim
from project.types import Accept, Add, Delete, Move

BOX = (10.0, 10.0, 30.0, 20.0)


def _rows(project: Project, table: str) -> int:
    with project._database.read() as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _apply(project: Project, image_id: int, *edits: object) -> int:
    version = project.image(image_id).version
    applied = project.apply(image_id, edits, who="ann", version=version)
    return applied.added[0] if applied.added else 0


def _trim(project: Project, image_id: int, kept: int) -> None:
    with project._database.write() as connection:
        trim(connection, image_id, kept)


def test_the_last_edits_can_be_undone_and_older_ones_not(project: Project, image_id: int) -> None:
    box_id = _apply(project, image_id, Add(BOX))
    for x in range(11, 21):
        _apply(project, image_id, Move(box_id, (float(x), 10.0, 40.0, 20.0)))
    before = project.boxes(image_id)
    _trim(project, image_id, 8)  # an entry with one change weighs two
    assert project.boxes(image_id) == before
    for x in (19, 18, 17, 16):
        project.undo(image_id, "ann")
        assert project.boxes(image_id)[0].xyxy[0] == x
    with pytest.raises(InputError, match="nothing to undo"):
        project.undo(image_id, "ann")
    assert project.boxes(image_id)[0].id == box_id
    assert project.problems() == []


def test_the_last_ten_thousand_changes_of_one_box_are_remembered(
    project: Project, image_id: int
) -> None:
    box_id = _apply(project, image_id, Add(BOX))
    with project._database.write() as connection:
        first = connection.execute("SELECT max(id) + 1 FROM edit").fetchone()[0]
        ids = range(first, first + 10_050)
        connection.executemany(
            "INSERT INTO edit (id, image_id, version, who, kind, at) "
            "VALUES (?, ?, 1, 'ann', 'edit', 0)",
            [(number, image_id) for number in ids],
        )
        connection.executemany(
            "INSERT INTO change (edit_id, number, box_id) VALUES (?, 0, ?)",
            [(number, box_id) for number in ids],
        )
        trim(connection, image_id)
        kept = connection.execute("SELECT id FROM edit ORDER BY id").fetchall()
    assert [row["id"] for row in kept] == list(ids)[-10_000:]


def test_a_deleted_box_goes_with_its_last_entry(project: Project, image_id: int) -> None:
    gone, back = (_apply(project, image_id, Add(BOX)) for _ in range(2))
    _apply(project, image_id, Delete(gone))
    for x in (11.0, 12.0):
        _apply(project, image_id, Move(back, (x, 10.0, 40.0, 20.0)))
    _apply(project, image_id, Delete(back))
    _trim(project, image_id, 5)
    assert _rows(project, "box") == 1
    project.undo(image_id, "ann")
    assert [box.id for box in project.boxes(image_id)] == [back]


def test_what_follows_on_something_forgotten_is_not_redone(project: Project, image_id: int) -> None:
    box_id = _apply(project, image_id, Add(BOX))
    for x in (11.0, 12.0):
        _apply(project, image_id, Move(box_id, (x, 10.0, 40.0, 20.0)))
    for _ in range(2):
        project.undo(image_id, "ann")
    _trim(project, image_id, 6)  # the second move and both its undoing are left
    with pytest.raises(InputError, match="nothing to redo"):
        project.redo(image_id, "ann")
    assert project.boxes(image_id)[0].xyxy == BOX


def test_the_journal_is_trimmed_while_one_works(
    project: Project, image_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "TRIM_EVERY", 4)
    monkeypatch.setattr(store, "trim", lambda c, i: trim(c, i, 10))
    box_id = _apply(project, image_id, Add(BOX))
    for number in range(60):
        _apply(project, image_id, Move(box_id, (10.0 + number % 7, 10.0, 40.0, 20.0)))
        assert _rows(project, "edit") <= 5 + 4


def test_models_leave_no_trace_of_what_they_proposed_before(
    project: Project, image_id: int
) -> None:
    proposals = [Proposal((float(x), 5.0, x + 10.0, 15.0), caption="a") for x in (0, 20, 40)]
    sizes = set()
    for number in range(5):
        project.propose(image_id, proposals, source="model:m", key=str(number))
        sizes.add((_rows(project, "box"), _rows(project, "edit"), _rows(project, "change")))
    assert sizes == {(3, 1, 3)}
    # What a person had to do with can still be told, undone and done again.
    kept = project.boxes(image_id)[0].id
    _apply(project, image_id, Accept(kept))
    project.undo(image_id, "ann")
    project.propose(image_id, proposals, source="model:m", key="again")
    assert kept not in {box.id for box in project.boxes(image_id)}
    assert [entry.kind for entry in project.history(kept)] == ["propose", "edit", "undo", "propose"]
    assert _rows(project, "box") == 4
    assert project.problems() == []


def test_looking_again_and_finding_nothing_leaves_no_trace(project: Project, image_id: int) -> None:
    seen = []
    for number in range(4):
        project.propose(image_id, [], source="model:m", key=str(number))
        seen.append((_rows(project, "edit"), project.image(image_id).version))
    assert seen == [(1, 1)] * 4, "the first look alone changed something: its state"
    box = Proposal((5.0, 5.0, 25.0, 25.0))
    project.propose(image_id, [box], source="model:m", key="found")
    project.propose(image_id, [], source="model:m", key="not found")
    assert (project.boxes(image_id), _rows(project, "edit")) == ([], 1)
    assert project.image(image_id).version == 3, "a box went: what was built on it is refused"


def test_forgetting_is_part_of_the_edit(
    project: Project, image_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: object, image_id: int) -> None:
        trim(connection, image_id, 1)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    _apply(project, image_id, Add(BOX))
    before = [_rows(project, name) for name in ("box", "edit", "change")]
    monkeypatch.setattr(store, "TRIM_EVERY", 1)
    monkeypatch.setattr(store, "trim", fail)
    with pytest.raises(KeyboardInterrupt):
        _apply(project, image_id, Add(BOX))
    assert [_rows(project, name) for name in ("box", "edit", "change")] == before
