"""Two at once on one image: what a person did last is never overwritten silently."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.image import encode_image
from core.types import Image
from pipeline.locate import Locator
from project.pictures import keep_file, read_picture
from project.prelabel import Question, prelabel
from project.proposals import Proposal
from project.store import Project
from project.types import Absent, Add, Asked, ConflictError, Score


def _mark(project: Project, image_id: int, who: str, absent: bool) -> None:
    version = project.image(image_id).version
    project.apply(image_id, [Absent("kite", absent)], who=who, version=version)


def _opinion(project: Project, image_id: int, found: bool) -> None:
    asked = [Asked("kite", found, 0.6, False)]
    project.propose(image_id, [], source="model:m", key=str(found), asked=asked)


def test_an_undo_leaves_a_later_mark_of_somebody_else(project: Project, image_id: int) -> None:
    _mark(project, image_id, "ann", True)
    _mark(project, image_id, "ben", False)
    before = project.image(image_id).version
    with pytest.raises(ConflictError, match="'kite' was marked by somebody else"):
        project.undo(image_id, "ann")
    assert project.image(image_id).version == before
    assert [(one.found, one.confirmed) for one in project.asked(image_id)] == [(True, True)]
    project.undo(image_id, "ben")
    assert [(one.found, one.confirmed) for one in project.asked(image_id)] == [(False, True)]
    project.undo(image_id, "ann")
    assert project.asked(image_id) == []


def test_a_redo_leaves_a_later_mark_but_not_a_model_s_opinion(
    project: Project, image_id: int
) -> None:
    _opinion(project, image_id, found=True)
    _mark(project, image_id, "ann", True)
    project.undo(image_id, "ann")
    _opinion(project, image_id, found=False)
    project.redo(image_id, "ann")
    assert [(one.found, one.confirmed) for one in project.asked(image_id)] == [(False, True)]
    project.undo(image_id, "ann")
    _mark(project, image_id, "ben", False)
    with pytest.raises(ConflictError):
        project.redo(image_id, "ann")


def test_an_image_finished_meanwhile_gets_no_proposals(project: Project, image_id: int) -> None:
    project.apply(image_id, [Add((1, 1, 9, 9))], who="ann", version=0, state="done")
    before = project.image(image_id)
    told = project.propose(image_id, [Proposal((20, 20, 40, 40))], source="model:m", key="k")
    project.note_error(image_id, "cannot be read")
    assert told == project.image(image_id) == before
    assert len(project.boxes(image_id)) == 1
    project.apply(image_id, (), who="ann", version=before.version, state="proposed")
    assert project.waiting_for(lambda _: "k") == [image_id], "reopened, it is looked at"


def test_pre_labelling_passes_by_what_is_finished_while_it_runs(
    project: Project, fake_locator: Locator, shapes_image: Image
) -> None:
    early, late = (
        project.add(read_picture(encode_image(np.ascontiguousarray(one)), "p"), "p")[0]
        for one in (shapes_image, shapes_image[::-1])
    )

    def finish(done: int, total: int, name: str) -> None:
        if done == 1:
            project.apply(late, (), who="ann", version=project.image(late).version, state="done")

    prelabel(project, fake_locator, Question(), on_progress=finish)
    assert project.image(early).proposed > 0
    assert (project.image(late).state, project.boxes(late)) == ("done", [])


def test_pre_labelling_passes_by_what_is_removed_while_it_runs(
    project: Project, fake_locator: Locator, shapes_image: Image
) -> None:
    early, gone, late = (
        project.add(read_picture(encode_image(np.ascontiguousarray(one)), "p"), "p")[0]
        for one in (shapes_image, shapes_image[::-1], shapes_image[:, ::-1])
    )

    def remove(done: int, total: int, name: str) -> None:
        if done == 1:
            project.remove_images([gone])

    summary = prelabel(project, fake_locator, Question(), on_progress=remove)
    left = [project.image(one).proposed for one in (early, late)]
    assert min(left) > 0
    assert (summary.failed, summary.boxes) == (0, sum(left))
    assert project.boxes(gone) == []
    project.restore_images([gone])
    assert prelabel(project, fake_locator, Question()).done == 1, "brought back, it is looked at"
    assert project.image(gone).proposed > 0


def test_scores_of_an_image_removed_meanwhile_are_dropped(project: Project, image_id: int) -> None:
    project.propose(image_id, [Proposal((1, 1, 9, 9))], source="model:m", key="k")
    [box], seen = project.boxes(image_id), project.image(image_id).version
    project.remove_images([image_id])
    score = Score(box.id, 1.0, 0.7, 0.1)
    for version in (seen, project.image(image_id).version):
        assert project.set_scores(image_id, [score], version) is False
    assert project.boxes(image_id) == [box]


def test_two_may_bring_one_picture_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, before = tmp_path / "aa" / "a.jpg", os.fsync

    def sync(handle: int) -> None:
        monkeypatch.setattr(os, "fsync", before)
        keep_file(path, b"picture")  # the other one is done while the first still writes

    monkeypatch.setattr(os, "fsync", sync)
    keep_file(path, b"picture")
    assert path.read_bytes() == b"picture"
    assert list(path.parent.iterdir()) == [path]
