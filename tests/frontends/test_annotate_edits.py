"""Edits of the tab Annotate as the browser sends them: once, on a version, scored again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.image import encode_image, image_wh, read_image
from frontends.desk import Desk
from frontends.service import Service, read_limits
from frontends.ui.annotate_handlers import read_edit
from pipeline.fakes import FakeDetector, FakeReranker
from pipeline.locate import Locator
from project.store import DATABASE_NAME
from project.types import Move
from tests.frontends.annotate_visit import Browser, edit, step

pytestmark = pytest.mark.usefixtures("own_uploads")


def test_an_edit_after_a_long_sleep_is_kept_where_projects_are_shared(desk, ann):
    photo = ann.photo()
    visit = desk.visits.get(ann.visit)
    visit.seen_s -= 2 * 86_400
    desk.visits.sweep()
    assert not desk.visits.knows(visit)
    assert edit(ann, photo, {"kind": "add", "xyxy": [20, 10, 60, 40]})["added"]


def test_an_edit_that_the_store_cannot_take_now_is_to_come_again(desk, ann, monkeypatch):
    monkeypatch.setattr("project.database._BUSY_S", 0.05)
    ann.open("Locked")
    ann.bring(("a.png", encode_image(np.zeros((40, 60, 3), np.uint8))))
    photo, drawn = ann.photo(), {"kind": "add", "xyxy": [20, 10, 50, 30]}
    path = desk.project(desk.visits.get(ann.visit), ann.project).folder / DATABASE_NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = edit(ann, photo, drawn, token="t")
        assert refused["again"]
        assert "another program" in refused["error"]
        assert step(ann, photo)["again"]  # not told as nothing to take back
    assert edit(ann, photo, drawn, token="t")["added"]
    assert not edit(ann, ann.photo(), {"kind": "accept", "box": 99})["again"]


def test_an_edit_is_kept_with_its_number_and_can_be_taken_back(ann):
    photo = ann.photo()
    add = {"kind": "add", "local": -1, "xyxy": [20, 10, 60, 40], "caption": "red thing"}
    answer = edit(ann, photo, add)
    box = answer["changed"][0]
    assert answer["added"] == [box["id"]]
    assert box["own"]
    assert box["source"] == "ann"
    assert (box["x"], box["y"], box["w"], box["h"]) == (20, 10, 40, 30)
    assert answer["photo"]["version"] > photo["photo"]["version"]
    moved = edit(ann, answer, {"kind": "move", "box": box["id"], "xyxy": [21, 10, 61, 40]})
    assert moved["changed"][0]["x"] == 21
    assert moved["added"] == []
    undone = step(ann, moved)
    assert undone["boxes"][0]["x"] == 20
    left = step(ann, undone, "redo")
    assert left["boxes"][0]["x"] == 21
    assert len(ann.call("history", box=box["id"])["entries"]) == 4
    for _ in range(2):
        left = step(ann, left)
    assert left["boxes"] == []
    assert "said" in step(ann, left)


def test_a_new_type_is_told_with_the_edit_that_made_it(ann):
    photo = ann.photo()
    assert photo["classes"] == ["thing", "other"]
    answer = edit(ann, photo, {"kind": "add", "xyxy": [20, 10, 60, 40], "class_name": "drone"})
    assert answer["classes"] == ["thing", "other", "drone"]


def test_the_type_follows_a_caption_that_names_another_one(ann):
    ann.open("Flying", classes="drone, helicopter")
    ann.bring(("a.png", encode_image(np.full((100, 200, 3), 200, np.uint8))))
    told = edit(ann, ann.photo(), {"kind": "add", "xyxy": [20, 10, 60, 40], "class_name": "drone"})
    box = told["changed"][0]["id"]

    def reword(caption: str) -> tuple[str, str]:
        nonlocal told
        told = edit(ann, told, {"kind": "describe", "box": box, "caption": caption})
        return told["changed"][0]["class_name"], told["said"]

    assert reword("grey helicopter") == ("helicopter", "Type: helicopter, as the caption says.")
    undone = step(ann, told)
    assert (undone["boxes"][0]["class_name"], undone["boxes"][0]["caption"]) == ("drone", "")
    told = step(ann, undone, "redo")
    told = edit(ann, told, {"kind": "describe", "box": box, "class_name": "drone"})
    assert reword("dark grey helicopter") == ("drone", ""), "somebody has given it this type"
    assert reword("drone below a helicopter") == ("drone", "")


def test_a_new_box_gets_the_type_that_its_caption_names(ann):
    ann.open("Flying", classes="drone, helicopter")
    ann.bring(("a.png", encode_image(np.full((100, 200, 3), 200, np.uint8))))
    told, names = ann.photo(), []
    for caption, follows in (("grey helicopter", True), ("kite", True), ("drone", False)):
        new = {"kind": "add", "xyxy": [20, 10, 60, 40], "class_name": "balloon"}
        told = edit(ann, told, {**new, "caption": caption, "follows": follows})
        names.append(told["changed"][0]["class_name"])
    assert names == ["helicopter", "balloon", "balloon"]


def test_captions_that_came_with_a_picture_are_shown_and_looked_for(ann):
    ann.bring(("told.csv", b"image,caption\nshapes.png,red thing"))
    assert ann.photo()["photo"]["given"] == ["red thing"]
    assert ann.call("open_project")["project"]["given"] == 1
    ended = ann.run("start_looking", mode="given", types="box", colors="red, blue", score_min=0.1)
    assert ended["said"] == "1 picture looked at, 1 box to decide."
    assert [box["caption"] for box in ann.photo()["boxes"]] == ["red thing"]


def test_a_change_that_comes_twice_is_made_once(ann):
    """The answer was lost, so the browser sends the same again."""
    photo = ann.photo()
    adds = [{"kind": "add", "xyxy": [20, 10, 60, 40]}, {"kind": "add", "xyxy": [90, 10, 130, 40]}]
    first = edit(ann, photo, *adds, token="one")
    assert edit(ann, photo, *adds, token="one") == first
    assert len(ann.photo()["boxes"]) == 2
    moved = edit(ann, first, {"kind": "delete", "box": first["added"][0]}, token="two")
    # The box of the earlier answer is gone meanwhile; its number still is the first one's.
    late = edit(ann, photo, *adds, token="one")
    assert late["added"] == first["added"]
    assert late["photo"]["version"] == first["photo"]["version"] < moved["photo"]["version"]
    undone = step(ann, moved, token="three")
    again = step(ann, moved, token="three")
    assert len(again["boxes"]) == 2, "one press takes back one edit"
    assert again == undone
    assert len(step(ann, undone, "redo", token="four")["boxes"]) == 1


def test_undo_on_an_old_version_takes_nothing_of_others_back(ann):
    photo = ann.photo()
    mine = edit(ann, photo, {"kind": "add", "xyxy": [20, 10, 60, 40]})
    theirs = edit(ann, mine, {"kind": "add", "xyxy": [100, 50, 160, 90]})  # another tab
    late = step(ann, mine)
    assert "added a box" in late["conflict"]
    assert len(late["boxes"]) == len(ann.photo()["boxes"]) == 2
    assert [box["id"] for box in step(ann, theirs)["boxes"]] == mine["added"]
    assert "no change of a picture" in ann.call("step", image=photo["photo"]["id"])["error"]


def test_an_old_version_is_refused_with_what_changed(ann):
    photo = ann.photo()
    edit(ann, photo, {"kind": "add", "xyxy": [20, 10, 60, 40]})
    late = edit(ann, photo, {"kind": "add", "xyxy": [100, 50, 160, 90]}, who="ben")
    assert "ann added a box" in late["conflict"]
    assert len(late["boxes"]) == 1
    again = edit(ann, late, {"kind": "add", "xyxy": [100, 50, 160, 90]}, who="ben")
    assert len(again["added"]) == 1


def test_a_reworded_caption_has_another_score_and_rank(ann):
    photo = ann.photo()
    added = edit(
        ann,
        photo,
        {"kind": "add", "xyxy": [20, 10, 60, 40], "caption": "red thing"},
        {"kind": "add", "xyxy": [100, 50, 160, 90], "caption": "blue thing"},
    )
    image, red = photo["photo"]["id"], added["changed"][0]["id"]
    scores = ann.call("score", image=image)["scores"]
    assert {one["rank"] for one in scores.values()} == {1}
    assert scores[str(red)]["probability"] > 0.9
    version = ann.photo()["photo"]["version"]
    assert version == added["photo"]["version"]  # a score is no edit
    edit(ann, added, {"kind": "describe", "box": red, "caption": "blue thing"})
    score = ann.call("score", image=image)["scores"][str(red)]
    assert (score["rank"], score["of"]) == (2, 2)
    assert score["probability"] < 0.1
    kept = next(box for box in ann.photo()["boxes"] if box["id"] == red)
    assert kept["probability"] == pytest.approx(score["probability"])


def test_doubles_are_suspicious(ann):
    same = {"kind": "add", "xyxy": [20, 10, 60, 40], "caption": "red thing"}
    edit(ann, ann.photo(), same, same)
    found = ann.call("find_suspicious")["found"]
    assert "duplicate" in {one["kind"] for one in found}
    assert all(one["name"] == "shapes" for one in found)
    assert "Two boxes 'red thing' share 100% of their area." in {one["what"] for one in found}


def test_a_suspicious_box_is_shown_in_its_surroundings(ann):
    added = edit(ann, ann.photo(), {"kind": "add", "xyxy": [2, 10, 10, 18]})
    image, box = added["photo"]["id"], added["added"][0]
    places = [{"image": image, "box": box}, {"image": image, "box": None}]
    one, whole = ann.call("show_suspicious", places=places)["urls"]
    shown = read_image(Path(one.split("file=")[1]))
    assert image_wh(shown) == image_wh(read_image(Path(whole.split("file=")[1]))) == (160, 104)
    # Forty pixels around the middle of the box, four times as large; beside the picture is black.
    assert shown[:, :50].mean() < 9
    assert shown[10, 110].mean() == pytest.approx(200, abs=9)
    assert shown[35, 80].mean() > 225, "the frame"


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"kind": "steal"},
        {"kind": "move", "box": 1},
        {"kind": "move", "box": 1, "xyxy": [1, 2, 3]},
        {"kind": "add", "xyxy": ["a", 1, 2, 3]},
        {"kind": "accept", "box": None},
    ],
)
def test_what_is_no_edit_is_refused(told, ann):
    assert "no edit" in edit(ann, ann.photo(), told)["error"]


def test_an_edit_is_read_as_it_is_told():
    assert read_edit({"kind": "move", "box": 3, "xyxy": [1, 2, 3, 4]}) == Move(3, (1, 2, 3, 4))


@pytest.mark.parametrize(
    "wish",
    [
        {"mode": "vocabulary", "types": "thing", "colors": "red, blue"},
        {"mode": "captions", "captions": "red thing\nblue thing"},
    ],
)
def test_a_caption_that_fits_worse_than_another_is_doubtful_after_an_edit(desk, ann, wish):
    ann.run("start_looking", **wish)
    photo = ann.photo()
    red = next(box for box in photo["boxes"] if box["caption"] == "red thing")
    reword = {"kind": "describe", "box": red["id"], "caption": "blue thing"}
    edited = edit(ann, photo, reword, state="done")
    assert "caption" not in {one["kind"] for one in ann.call("find_suspicious")["found"]}
    ann.call("score", image=photo["photo"]["id"])
    place = [red["x"], red["y"], red["x"] + red["w"], red["y"] + red["h"]]
    suggested = ann.call("suggest", image=photo["photo"]["id"], xyxy=place)["suggestions"]
    assert suggested[0]["caption"] == "red thing", "it is told which one"
    project = desk.project(desk.visits.get(ann.visit), ann.project)
    box = next(box for box in project.boxes(photo["photo"]["id"]) if box.id == red["id"])
    assert box.margin is not None
    assert box.margin < 0
    assert "caption" in {one["kind"] for one in ann.call("find_suspicious")["found"]}
    moved = [box.xyxy[0] + 1, *box.xyxy[1:]]
    edit(ann, edited, {"kind": "move", "box": box.id, "xyxy": moved})
    ann.call("score", image=photo["photo"]["id"])
    again = next(one for one in project.boxes(photo["photo"]["id"]) if one.id == box.id)
    assert again.xyxy[0] == moved[0]
    assert again.margin is not None


def test_a_caption_that_the_model_reads_in_part_is_not_accused(ann):
    box = {"kind": "add", "xyxy": [20, 10, 60, 40]}
    edit(ann, ann.photo(), {**box, "caption": "blue thing"})
    ann.call("score", image=ann.photo()["photo"]["id"])
    assert "caption" in {one["kind"] for one in ann.call("find_suspicious")["found"]}
    first = ann.photo()["boxes"][0]["id"]
    edit(ann, ann.photo(), {"kind": "describe", "box": first, "caption": "blue" + " thing" * 30})
    ann.call("score", image=ann.photo()["photo"]["id"])
    assert ann.photo()["boxes"][0]["probability"] < 0.25
    assert "caption" not in {one["kind"] for one in ann.call("find_suspicious")["found"]}


class _CountingReranker(FakeReranker):
    """Counts the crops that it looks at."""

    seen = 0

    def embed_images(self, crops: Any) -> Any:
        self.seen += sum(map(len, crops))
        return super().embed_images(crops)


def test_only_what_changed_is_looked_at_again(tmp_path, shapes_image):
    """What keeps the scores of an edit fast, whatever else the picture shows."""
    reranker = _CountingReranker()
    limits = replace(read_limits({}), preset="fake", projects_folder=tmp_path / "projects")
    service = Service(limits, open_locator=lambda config: Locator(FakeDetector(), reranker))
    ann = Browser(Desk(service, visits_root=tmp_path / "desks"))
    ann.open()
    ann.bring(("shapes.png", encode_image(shapes_image)))
    adds = [
        {"kind": "add", "xyxy": [5 * i, 2 * i, 5 * i + 15, 2 * i + 15], "caption": "red thing"}
        for i in range(30)
    ]
    photo = ann.photo()
    added = edit(ann, photo, *adds)
    image = photo["photo"]["id"]
    assert len(ann.call("score", image=image)["scores"]) == 30
    assert reranker.seen == 30
    box = added["changed"][0]["id"]
    moved = edit(ann, added, {"kind": "move", "box": box, "xyxy": [100, 50, 160, 90]})
    ann.call("score", image=image)
    assert reranker.seen == 31
    edit(ann, moved, {"kind": "describe", "box": box, "caption": "blue thing"})
    assert ann.call("score", image=image)["scores"][str(box)]["rank"] < 15
    assert reranker.seen == 31
