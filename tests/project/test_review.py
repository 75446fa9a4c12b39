"""Suspicions, agreement of two people, merging, and projects side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import DataError, InputError
from project.agreement import compare
from project.folders import delete_project, list_projects, purge, restore_project
from project.merge import merge
from project.proposals import Proposal
from project.quality import find_suspicions
from project.store import DATABASE_NAME, Project
from project.types import Absent, Accept, Add, Asked, Delete, Describe, Reject, Score

BOX = (10.0, 10.0, 30.0, 20.0)


def _label(project: Project, image_id: int, *boxes: Add) -> list[int]:
    version = project.image(image_id).version
    applied = project.apply(image_id, boxes, who="ann", version=version, state="done")
    return [box.id for box in applied.changed]


def _kinds(project: Project) -> dict[str, list[int | None]]:
    found: dict[str, list[int | None]] = {}
    for one in find_suspicions(project):
        found.setdefault(one.kind, []).append(one.box_id)
    return found


# ---------------------------------------------------------------- quality


def test_clean_labels_raise_no_suspicion(project: Project, image_id: int) -> None:
    boxes = Add(BOX, "drone", caption="drone"), Add((40, 30, 50, 40), caption="kite")
    _label(project, image_id, *boxes)
    assert find_suspicions(project) == []


def test_doubles_and_cut_boxes(project: Project, image_id: int) -> None:
    ids = _label(
        project, image_id, Add(BOX), Add((11, 10, 31, 20)), Add((40, 30, 64, 48)), Add((5, 5, 8, 8))
    )
    assert _kinds(project) == {"duplicate": [ids[1]], "edge": [ids[2]]}
    [edge] = [one for one in find_suspicions(project) if one.kind == "edge"]
    assert "right and bottom edge" in edge.what
    version = project.image(image_id).version
    project.apply(image_id, [Reject(ids[1])], who="ann", version=version)
    assert "duplicate" not in _kinds(project), "rejected boxes are no labels"


def test_captions_that_do_not_fit(project: Project, image_id: int) -> None:
    boxes = [(2, 2, 12, 12), (20, 2, 30, 12), (40, 2, 50, 12), (2, 20, 12, 30)]
    ids = _label(project, image_id, *(Add(box, caption="drone") for box in boxes))
    scores = [
        Score(ids[0], 3.0, 0.95, 2.0),
        Score(ids[1], -4.0, 0.02, 1.0),
        Score(ids[2], 0.5, 0.62, -3.0),
    ]
    assert project.set_scores(image_id, scores, project.image(image_id).version)
    assert set(_kinds(project)["caption"]) == {ids[1], ids[2]}


def test_a_caption_that_names_another_type_is_told(tmp_path: Path, make_picture) -> None:
    with Project.create(tmp_path / "q", "q", class_names=("drone", "helicopter")) as project:
        image_id, _ = project.add(make_picture(7), "a")
        told = ("grey helicopter", "drone over a helicopter", "grey drone", "kite", "")
        places = [(2 + 12 * i, 2, 10 + 12 * i, 10) for i in range(len(told))]
        boxes = [Add(xyxy, "drone", text) for xyxy, text in zip(places, told, strict=True)]
        ids = _label(project, image_id, *boxes)
        found = [one for one in find_suspicions(project) if one.kind == "other-class"]
    assert [one.box_id for one in found] == ids[:1]
    said = "'grey helicopter' names the type 'helicopter', but the type is 'drone'."
    assert found[0].what == said


def test_unusual_sizes_and_rare_classes(
    project: Project, make_picture: Callable[..., object]
) -> None:
    image_id = project.add(make_picture(1, (400, 300)), "wide")[0]
    usual = [Add((20 + 24 * i, 20, 40 + 24 * i, 40 + i % 3), "drone") for i in range(14)]
    ids = _label(
        project, image_id, *usual, Add((20, 60, 380, 280), "drone"), Add((5, 5, 9, 9), "dron")
    )
    found = _kinds(project)
    assert found["size"] == [ids[-2]]
    assert found["rare-class"] == [ids[-1]]


def test_a_missing_caption_stands_out_among_captions(project: Project, image_id: int) -> None:
    boxes = [Add((2 + 12 * i, 2, 10 + 12 * i, 10), "drone", "drone") for i in range(4)]
    ids = _label(project, image_id, *boxes, Add((2, 20, 10, 30)))
    assert _kinds(project) == {"no-caption": [ids[-1]]}


def test_twins_with_different_labels(project: Project, make_picture: Callable[..., object]) -> None:
    first = project.add(make_picture(0, (180, 160)), "a")[0]
    second = project.add(make_picture(0, (90, 80), format="jpeg"), "b")[0]
    _label(project, first, Add((40, 30, 60, 50)))
    _label(project, second)
    [one] = find_suspicions(project)
    assert (one.kind, one.image_id, one.box_id) == ("twin-differs", second, None)


def test_a_twin_that_nobody_has_labelled_yet_differs_from_nothing(
    project: Project, make_picture: Callable[..., object]
) -> None:
    project.add(make_picture(0, (180, 160)), "a")
    second = project.add(make_picture(0, (90, 80), format="jpeg"), "b")[0]
    assert project.image(second).twin_id is not None
    _label(project, second, Add((40, 30, 60, 50)))
    assert find_suspicions(project) == []


# ---------------------------------------------------------------- two people


@pytest.fixture
def other(
    tmp_path: Path, project: Project, make_picture: Callable[..., object]
) -> Iterator[Project]:
    """Another project; both have pictures 0 and 1, it alone has 2."""
    with Project.create(tmp_path / "other", "Bob's", class_names=["object"]) as made:
        for seed in (2, 1, 0):
            made.add(make_picture(seed), f"picture{seed}")
        for seed in (0, 1):
            project.add(make_picture(seed), f"picture{seed}")
        yield made


def _id(project: Project, name: str) -> int:
    return next(image.id for image in project.walk() if image.name == name)


def test_agreement_counts_what_both_labelled(project: Project, other: Project) -> None:
    ours = [Add(BOX, "drone", "Red drone"), Add((40, 30, 50, 40), "drone"), Add((2, 30, 9, 40))]
    theirs = [Add((11, 10, 31, 20), "drone", "red drone"), Add((40, 30, 50, 40), "kite", "kite")]
    _label(project, _id(project, "picture0"), *ours)
    _label(other, _id(other, "picture0"), *theirs)
    _label(other, _id(other, "picture1"), Add(BOX))
    found = compare(project, other)
    assert (found.images, found.boxes_here, found.boxes_there, found.matched) == (1, 3, 2, 2)
    assert found.f1 == pytest.approx(4 / 5)
    assert found.mean_iou == pytest.approx((190 / 210 + 1) / 2, abs=1e-4)
    assert found.caption_ratio == 0.5
    assert found.class_kappa == pytest.approx(0.0)
    [difference] = found.differences
    assert (difference.name, difference.only_here, difference.only_there) == ("picture0", 1, 0)
    assert (difference.other_class, difference.other_caption) == (1, 1)


def test_full_agreement_is_one(project: Project, other: Project) -> None:
    boxes = [Add(BOX, "drone"), Add((40, 30, 50, 40), "object")]
    for each in (project, other):
        _label(each, _id(each, "picture0"), *boxes)
    found = compare(project, other)
    assert (found.f1, found.mean_iou, found.class_kappa, found.differences) == (1, 1, 1, ())


def test_nothing_in_common_is_told(project: Project, other: Project) -> None:
    with pytest.raises(DataError, match="no picture in common"):
        compare(project, other)


def test_merging_overwrites_nothing(project: Project, other: Project) -> None:
    mine = _id(project, "picture0")
    _label(project, mine, Add(BOX, "drone", "red drone"))
    _label(
        other, _id(other, "picture0"),
        Add((11, 10, 31, 20), "kite", "blue kite"), Add((40, 30, 50, 40), "kite"),
    )  # fmt: skip
    _label(other, _id(other, "picture1"), Add(BOX, "kite", "green kite"))
    _label(other, _id(other, "picture2"))
    told = merge(project, other)
    assert (told.added, told.common, told.taken, told.proposed, told.differing) == (1, 2, 1, 1, 1)
    kept, waiting = project.boxes(mine)
    assert (kept.caption, kept.state) == ("red drone", "confirmed")
    assert (waiting.class_name, waiting.state, waiting.source) == (
        "kite",
        "proposed",
        "merge:Bob's",
    )
    assert project.image(mine).state == "proposed", "a person has to decide"
    [taken] = project.boxes(_id(project, "picture1"))
    assert (taken.caption, taken.source, taken.state) == ("green kite", "Bob's", "confirmed")
    assert project.image(_id(project, "picture2")).state == "done"
    again = merge(project, other)
    assert (again.added, again.taken) == (0, 0)
    assert len(project.boxes(mine)) == 2, "doing it again adds nothing"


def test_new_pictures_bring_what_waits_for_a_decision(project: Project, other: Project) -> None:
    there = _id(other, "picture2")
    proposals = [Proposal(BOX, "kite", "red kite", 0.5), Proposal((40, 30, 50, 40), "kite")]
    other.propose(there, proposals, source="model:mini", key="k")
    boxes = other.boxes(there)
    other.apply(there, [Reject(boxes[1].id)], who="bob", version=other.image(there).version)
    told = merge(project, other)
    assert (told.added, told.taken, told.waiting) == (1, 0, 1)
    assert told.sentence().startswith("1 picture added with 0 boxes and 1 proposal.")
    [came] = project.boxes(_id(project, "picture2"))
    assert (came.caption, came.state, came.detector) == ("red kite", "proposed", 0.5)


def test_a_merge_keeps_the_most_boxes_of_a_picture_and_tells_of_the_others(
    project: Project, other: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, columns = _id(project, "picture0"), range(0, 60, 12)
    _label(project, mine, Add((0, 0, 9, 9)), Add((12, 0, 21, 9)))
    _label(other, _id(other, "picture0"), *(Add((x, 1, x + 9, 10)) for x in columns))
    _label(other, _id(other, "picture2"), *(Add((x, 1, x + 9, 10)) for x in columns))
    guesses = [Proposal((x, 20, x + 9, 29)) for x in columns]
    there = _id(other, "picture1")
    other.propose(there, guesses, source="model:mini", key="k")
    for module in ("merge", "proposals"):
        monkeypatch.setattr(f"project.{module}.BOXES_MAX", 4)
    told = merge(project, other)
    assert (told.proposed, told.taken, told.waiting) == (2, 4, 4)
    assert (told.left_out, set(told.crowded)) == (3, {"picture0", "picture1", "picture2"})
    assert "3 boxes of picture" in told.sentence()
    assert " left out: a picture has at most 4." in told.sentence()
    assert [len(project.boxes(image.id)) for image in project.walk()] == [4, 4, 4]
    cut = project.image(_id(project, "picture2"))
    assert cut.state == "new", "what lost a box is not done"
    again = merge(project, other)
    assert (again.proposed, set(again.crowded)) == (0, {"picture0", "picture2"})


def test_what_a_merge_proposes_is_no_box_of_one_s_own(project: Project, other: Project) -> None:
    mine = _id(project, "picture0")
    _label(project, mine, Add(BOX, "drone"))
    _label(other, _id(other, "picture0"), Add((40, 30, 50, 40), "kite"))
    merge(project, other)
    drawn, theirs = project.boxes(mine)
    assert (drawn.is_own, theirs.is_own) == (True, False)
    assert (theirs.detector, theirs.certainty) == (None, 1.0)
    image = project.propose(mine, [], source="model:m", key="k")
    assert project.boxes(mine) == [drawn, theirs], "a model's look replaces no person's boxes"
    project.apply(mine, [Reject(theirs.id)], who="ann", version=image.version)
    assert merge(project, other).proposed == 0, "what was refused is not proposed again"


def test_what_was_removed_here_stays_out_of_a_merge(project: Project, other: Project) -> None:
    mine = _id(project, "picture0")
    _label(project, mine, Add(BOX, "drone"))
    _label(other, _id(other, "picture0"), Add((40, 30, 50, 40), "kite"))
    project.remove_images([mine])
    told = merge(project, other)
    assert (told.added, told.common, told.taken, told.removed) == (1, 1, 0, 1)
    assert "1 picture left out: removed here." in told.sentence()
    assert project.image(mine).removed
    assert [box.class_name for box in project.boxes(mine)] == ["drone"]


def test_a_merge_brings_what_people_said_of_captions(project: Project, other: Project) -> None:
    mine, fresh = _id(project, "picture0"), _id(other, "picture2")
    project.apply(mine, [Absent("kite", absent=False)], who="ann", version=0, state="done")
    model = [Asked("balloon", False, 0.1, False)]
    theirs = _id(other, "picture0")
    other.propose(theirs, [], source="model:m", key="k", asked=model)
    said = [Absent("kite"), Absent("blue drone")]
    other.apply(theirs, said, who="bob", version=other.image(theirs).version, state="done")
    other.apply(fresh, [Absent("blimp")], who="bob", version=0, state="done")
    told = merge(project, other)
    assert (told.marked, project.image(mine).state) == (2, "done")
    assert "2 captions came as found or absent." in told.sentence()

    def marks(name: str) -> dict[str, tuple[bool, bool]]:
        asked = project.asked(_id(project, name))
        return {one.caption: (one.found, one.confirmed) for one in asked}

    assert marks("picture0") == {"kite": (True, True), "blue drone": (False, True)}
    assert marks("picture2") == {"blimp": (False, True)}
    assert merge(project, other).marked == 0


@pytest.mark.parametrize("theirs", ["kite", "balloon"])
def test_a_mark_during_a_merge_stays_and_stops_nothing(
    theirs: str, project: Project, other: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = _id(project, "picture0")
    _label(project, mine, Add(BOX, "drone"))
    there = _id(other, "picture0")
    other.apply(there, [Absent("kite")], who="bob", version=other.image(there).version)
    ask = project.asked

    def racing(image_id: int) -> list[Asked]:
        known = ask(image_id)
        if image_id == mine and not known:
            version = project.image(mine).version
            project.apply(mine, [Absent(theirs, absent=False)], who="ann", version=version)
        return known

    monkeypatch.setattr(project, "asked", racing)
    assert merge(project, other).marked == (theirs != "kite")
    found = {one.caption: one.found for one in ask(mine)}
    assert found == {"kite": False} | {theirs: True}


def test_a_full_disk_is_no_picture_that_cannot_be_read(
    project: Project, other: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DataError("cannot write: No space left on device.", "Make room.")

    monkeypatch.setattr("project.store.keep_file", full)
    with pytest.raises(DataError, match="No space left"):
        merge(project, other)


def test_a_project_is_not_merged_into_itself(project: Project) -> None:
    with pytest.raises(InputError, match="into itself"):
        merge(project, project)


# ---------------------------------------------------------------- folders


def test_projects_are_listed_deleted_and_brought_back(project: Project, tmp_path: Path) -> None:
    Project.create(tmp_path / "second", "Another").close()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / DATABASE_NAME).write_bytes(b"x" * 100)
    listed = {info.folder.name: info for info in list_projects(tmp_path)}
    assert sorted(listed) == ["broken", "project", "second"]
    assert listed["project"].name == "Flying things"
    assert listed["broken"].problem
    place = delete_project(tmp_path / "second")
    assert not (tmp_path / "second").exists()
    assert "second" not in [info.folder.name for info in list_projects(tmp_path)]
    assert restore_project(place) == tmp_path / "second"
    with Project.open(tmp_path / "second") as again:
        assert again.name == "Another"


def test_a_deleted_project_is_found_by_where_it_was(tmp_path: Path) -> None:
    for number in (1, 2):
        Project.create(tmp_path / "a", f"number {number}").close()
        delete_project(tmp_path / "a", clock=lambda number=number: number)
    with pytest.raises(InputError, match=r"b is no deleted project\.") as error:
        restore_project(tmp_path / "b")
    assert "a@2000" in error.value.hint
    assert restore_project(tmp_path / "a") == tmp_path / "a"
    with Project.open(tmp_path / "a") as again:
        assert again.name == "number 2"


def test_restoring_replaces_no_project(tmp_path: Path) -> None:
    Project.create(tmp_path / "a", "first").close()
    place = delete_project(tmp_path / "a")
    Project.create(tmp_path / "a", "second").close()
    with pytest.raises(InputError, match="exists again"):
        restore_project(place)
    with pytest.raises(InputError, match="no deleted project"):
        purge(tmp_path / "a")
    purge(place)
    assert not place.exists()
    with pytest.raises(DataError, match="holds no project"):
        delete_project(tmp_path / "nothing")


def test_proposals_of_a_merge_are_decided_like_others(project: Project, image_id: int) -> None:
    project.apply(image_id, (), who="ann", version=0, state="done")
    assert project.propose_more(image_id, [Proposal(BOX)], source="model:x") == 1
    assert project.propose_more(image_id, [Proposal(BOX)], source="model:x") == 0
    [box] = project.boxes(image_id)
    version = project.image(image_id).version
    edits = [Accept(box.id), Describe(box.id, caption="kite")]
    project.apply(image_id, edits, who="ann", version=version)
    project.apply(image_id, [Delete(box.id)], who="ann", version=version + 1)
    assert project.boxes(image_id) == []
