"""The tab Annotate called as the browser calls it: projects, editing, scores, runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gradio.utils import get_upload_folder

from core.image import encode_image
from frontends.desk import Desk
from frontends.service import Service, read_limits
from frontends.ui.annotate_handlers import (
    create_label_calls,
    create_project_calls,
    create_visit_calls,
    read_edit,
)
from frontends.ui.annotate_runs import create_run_calls
from frontends.ui.annotate_sheets import create_lesson_calls, create_review_calls
from frontends.ui.sending import create_send_call
from frontends.ui.uploads import desks_folder, find_upload
from pipeline.fakes import FakeDetector, FakeReranker
from pipeline.locate import Locator
from project.types import Move

Call = Callable[[str], dict[str, Any]]
ALICE, BOB = SimpleNamespace(session_hash="alice"), SimpleNamespace(session_hash="bob")


@pytest.fixture(autouse=True)
def _own_uploads(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    limits = replace(read_limits({}), preset="fake", projects_folder=tmp_path / "projects")
    return Desk(Service(limits), visits_root=tmp_path / "desks")


class Browser:
    """Calls the server as one visitor's page does."""

    def __init__(self, desk: Desk, who: Any = ALICE) -> None:
        enter, _ = create_visit_calls(desk)
        self.visit, self.start = enter(who)
        calls = [*create_project_calls(desk), *create_review_calls(desk)]
        calls += create_lesson_calls(desk)
        named = {call.__name__: call for call in calls}
        self._calls = {**named, **create_label_calls(desk), **create_run_calls(desk)}
        self.project = ""

    def call(self, called: str, /, **wish: Any) -> dict[str, Any]:
        extra = (None,) if called == "start_outlet" else ()
        known = {"visit": self.visit, "project": self.project, "who": "ann"}
        return self._calls[called]({**known, **wish}, *extra)

    def run(self, called: str, /, **wish: Any) -> dict[str, Any]:
        """Begin a run and return how it ended."""
        answer = self.call(called, **wish)
        assert "state" in answer, answer
        end = time.monotonic() + 20
        while answer["running"]:
            assert time.monotonic() < end
            time.sleep(0.01)
            answer = self.call("run_state")
        return answer

    def open(self, name: str = "Shapes", classes: str = "thing, other") -> None:
        self.project = self.call("create_project", name=name, classes=classes)["key"]

    def bring(self, *pictures: tuple[str, bytes]) -> dict[str, Any]:
        folder = Path(get_upload_folder()) / "brought"
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for number, (name, data) in enumerate(pictures):
            path = folder / f"{number}{Path(name).suffix}"
            path.write_bytes(data)
            files.append({"path": str(path), "name": name})
        return self.run("import_files", files=files)

    def photo(self, number: int = 0) -> dict[str, Any]:
        return self.call("photo", image=self.call("queue", order="added")["ids"][number])


@pytest.fixture
def ann(desk: Desk, shapes_image) -> Browser:
    """A visitor with a project of one picture: a red and a blue box on grey, 200 x 100."""
    browser = Browser(desk)
    browser.open()
    browser.bring(("shapes.png", encode_image(shapes_image)))
    return browser


def _edit(browser: Browser, photo: dict[str, Any], *edits: dict[str, Any], **more: Any) -> Any:
    image = photo["photo"]
    return browser.call(
        "edit", image=image["id"], version=image["version"], edits=list(edits), **more
    )


def _step(
    browser: Browser, shown: dict[str, Any], step: str = "undo", **more: Any
) -> dict[str, Any]:
    image = shown["photo"]
    return browser.call("step", image=image["id"], version=image["version"], step=step, **more)


def test_a_project_is_made_found_again_deleted_and_brought_back(desk):
    ann = Browser(desk)
    assert ann.start["projects"] == []
    ann.open("Harbour, summer")
    assert ann.project == "harbour-summer"
    assert ann.call("open_project")["project"]["classes"] == ["thing", "other"]
    assert Browser(desk, BOB).start["projects"][0]["name"] == "Harbour, summer"
    answer = ann.call("delete_project")
    assert answer["projects"] == []
    assert "not there any more" in ann.call("open_project")["error"]
    assert ann.call("restore_project", project=answer["deleted"])["key"] == "harbour-summer"
    assert ann.call("open_project")["project"]["name"] == "Harbour, summer"


@pytest.mark.parametrize("key", ["", ".", "..", "../projects", "/etc", ".deleted", "a/b"])
def test_a_project_has_no_other_folder(desk, key):
    ann = Browser(desk)
    assert "error" in ann.call("open_project", project=key)
    assert "error" in ann.call("delete_project", project=key)


def test_on_a_space_nobody_sees_the_projects_of_others(tmp_path, shapes_image):
    limits = replace(read_limits({"SPACE_ID": "somebody/spotter"}), preset="fake")
    assert limits.projects_folder is None
    desk = Desk(Service(limits), visits_root=desks_folder())
    ann, ben = Browser(desk), Browser(desk, BOB)
    ann.open()
    ann.bring(("shapes.png", encode_image(shapes_image)))
    assert ben.call("list_projects")["projects"] == []
    assert "error" in ben.call("open_project", project=ann.project)
    picture = next(desks_folder().rglob("images/*/*.png"))
    assert find_upload(picture) is None
    assert "off where every visitor" in ann.call("start_lesson", minutes=5)["error"]


def test_an_edit_after_a_long_sleep_is_kept_where_projects_are_shared(desk, ann):
    photo = ann.photo()
    visit = desk.visits.get(ann.visit)
    visit.seen_s -= 2 * 86_400
    desk.visits.sweep()
    assert not desk.visits.knows(visit)
    assert _edit(ann, photo, {"kind": "add", "xyxy": [20, 10, 60, 40]})["added"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Path("~/spotter-projects").expanduser().resolve()),
        ({"SPOTTER_PROJECTS": "/data/labels"}, Path("/data/labels")),
        ({"SPOTTER_PROJECTS": "visit"}, None),
        ({"SPACE_ID": "a/b"}, None),
        ({"SPACE_ID": "a/b", "SPOTTER_PROJECTS": "/data"}, Path("/data")),
    ],
)
def test_where_projects_lie(environment, expected):
    assert read_limits(environment).projects_folder == expected


def test_pictures_come_in_and_what_is_none_is_told(desk, shapes_image):
    ann = Browser(desk)
    ann.open()
    run = ann.bring(("a/shapes.png", encode_image(shapes_image)), ("b/broken.jpg", b"no picture"))
    assert run["state"] == "done"
    assert "1 images added" in run["said"]
    assert len(run["refused"]) == 1
    assert "broken.jpg" in run["refused"][0]
    shown = ann.photo()["photo"]
    assert (shown["width"], shown["height"], shown["state"]) == (200, 100, "new")
    thumb = ann.call("thumbs", images=[shown["id"]])["thumbs"][0]
    assert thumb["name"] == "shapes"
    assert Path(thumb["url"].split("file=")[1]).is_file()


def test_a_folder_that_is_a_data_set_brings_its_labels(desk, shapes_image):
    ann = Browser(desk)
    ann.open(classes="bird")
    run = ann.bring(
        ("data/images/train/shapes.png", encode_image(shapes_image)),
        ("data/labels/train/shapes.txt", b"0 0.2 0.25 0.2 0.3"),
        ("data/data.yaml", b"path: .\ntrain: images/train\nval: images/train\nnames: [bird]"),
    )
    assert "1 images added with 1 boxes" in run["said"], run
    photo = ann.photo()
    box = photo["boxes"][0]
    assert (box["x"], box["y"], box["w"], box["h"]) == pytest.approx((20, 10, 40, 30), abs=0.01)
    assert (box["class_name"], box["state"]) == ("bird", "confirmed")
    assert photo["photo"]["state"] == "done"


def test_a_name_may_not_lead_out_of_the_folder(desk, shapes_image):
    ann = Browser(desk)
    ann.open()
    answer = ann.bring(("../../escaped.png", encode_image(shapes_image)))
    assert answer["state"] == "failed"
    assert "leads out of" in answer["error"]


def test_files_that_nobody_uploaded_are_refused(ann):
    wish = [{"path": "/etc/passwd", "name": "x.png"}]
    assert "was not uploaded" in ann.call("import_files", files=wish)["error"]


def test_an_edit_is_kept_with_its_number_and_can_be_taken_back(ann):
    photo = ann.photo()
    add = {"kind": "add", "local": -1, "xyxy": [20, 10, 60, 40], "caption": "red thing"}
    answer = _edit(ann, photo, add)
    box = answer["changed"][0]
    assert answer["added"] == [box["id"]]
    assert box["own"]
    assert box["source"] == "ann"
    assert (box["x"], box["y"], box["w"], box["h"]) == (20, 10, 40, 30)
    assert answer["photo"]["version"] > photo["photo"]["version"]
    moved = _edit(ann, answer, {"kind": "move", "box": box["id"], "xyxy": [21, 10, 61, 40]})
    assert moved["changed"][0]["x"] == 21
    assert moved["added"] == []
    undone = _step(ann, moved)
    assert undone["boxes"][0]["x"] == 20
    left = _step(ann, undone, "redo")
    assert left["boxes"][0]["x"] == 21
    assert len(ann.call("history", box=box["id"])["entries"]) == 4
    for _ in range(2):
        left = _step(ann, left)
    assert left["boxes"] == []
    assert "said" in _step(ann, left)


def test_a_change_that_comes_twice_is_made_once(ann):
    """The answer was lost, so the browser sends the same again."""
    photo = ann.photo()
    adds = [{"kind": "add", "xyxy": [20, 10, 60, 40]}, {"kind": "add", "xyxy": [90, 10, 130, 40]}]
    first = _edit(ann, photo, *adds, token="one")
    assert _edit(ann, photo, *adds, token="one") == first
    assert len(ann.photo()["boxes"]) == 2
    moved = _edit(ann, first, {"kind": "delete", "box": first["added"][0]}, token="two")
    # The box of the earlier answer is gone meanwhile; its number still is the first one's.
    late = _edit(ann, photo, *adds, token="one")
    assert late["added"] == first["added"]
    assert late["photo"]["version"] == first["photo"]["version"] < moved["photo"]["version"]
    undone = _step(ann, moved, token="three")
    again = _step(ann, moved, token="three")
    assert len(again["boxes"]) == 2, "one press takes back one edit"
    assert again == undone
    assert len(_step(ann, undone, "redo", token="four")["boxes"]) == 1


def test_undo_on_an_old_version_takes_nothing_of_others_back(ann):
    photo = ann.photo()
    mine = _edit(ann, photo, {"kind": "add", "xyxy": [20, 10, 60, 40]})
    theirs = _edit(ann, mine, {"kind": "add", "xyxy": [100, 50, 160, 90]})  # another tab
    late = _step(ann, mine)
    assert "added a box" in late["conflict"]
    assert len(late["boxes"]) == len(ann.photo()["boxes"]) == 2
    assert [box["id"] for box in _step(ann, theirs)["boxes"]] == mine["added"]
    assert "no change of a picture" in ann.call("step", image=photo["photo"]["id"])["error"]


def test_an_old_version_is_refused_with_what_changed(ann):
    photo = ann.photo()
    _edit(ann, photo, {"kind": "add", "xyxy": [20, 10, 60, 40]})
    late = _edit(ann, photo, {"kind": "add", "xyxy": [100, 50, 160, 90]}, who="ben")
    assert "ann added a box" in late["conflict"]
    assert len(late["boxes"]) == 1
    again = _edit(ann, late, {"kind": "add", "xyxy": [100, 50, 160, 90]}, who="ben")
    assert len(again["added"]) == 1


def test_a_reworded_caption_has_another_score_and_rank(ann):
    photo = ann.photo()
    added = _edit(
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
    _edit(ann, added, {"kind": "describe", "box": red, "caption": "blue thing"})
    score = ann.call("score", image=image)["scores"][str(red)]
    assert (score["rank"], score["of"]) == (2, 2)
    assert score["probability"] < 0.1
    kept = next(box for box in ann.photo()["boxes"] if box["id"] == red)
    assert kept["probability"] == pytest.approx(score["probability"])


def test_models_propose_and_done_ends_a_picture(ann):
    run = ann.run("start_looking", mode="captions", captions="red thing\ngreen thing", others=True)
    assert run["state"] == "done"
    photo = ann.photo()
    assert photo["photo"]["state"] == "proposed"
    assert sorted(box["caption"] for box in photo["boxes"]) == ["", "red thing"]
    assert {one["caption"]: one["found"] for one in photo["asked"]} == {
        "red thing": True,
        "green thing": False,
    }
    assert not any(box["own"] for box in photo["boxes"])
    accept = [{"kind": "accept", "box": box["id"]} for box in photo["boxes"]]
    done = _edit(ann, photo, *accept, state="done")
    assert done["progress"]["done"] == 1
    assert ann.call("queue", only="done")["states"] == ["done"]
    assert ann.call("queue", only="new")["ids"] == []
    run = ann.run("start_looking", mode="vocabulary", types="thing", colors="red, blue")
    assert "0 images looked at" in run["said"]


@pytest.mark.parametrize("format", ["yolo", "coco", "csv", "crops", "project"])
def test_a_project_leaves_as_a_file(ann, format):
    add = {"kind": "add", "xyxy": [20, 10, 60, 40], "caption": "red thing"}
    _edit(ann, ann.photo(), add, state="done")
    run = ann.run("start_outlet", format=format, what="confirmed")
    assert run["state"] == "done", run
    assert Path(run["link"]["url"].split("file=")[1]).stat().st_size > 50


def test_a_whole_project_is_brought_into_another(desk, ann):
    add = {"kind": "add", "xyxy": [20, 10, 60, 40], "caption": "red thing"}
    _edit(ann, ann.photo(), add, state="done")
    archive = Path(ann.run("start_outlet", format="project")["link"]["url"].split("file=")[1])
    other = Browser(desk, BOB)
    other.open("Other")
    run = other.bring(("carried.zip", archive.read_bytes()))
    assert "1 images added with 1 boxes" in run["said"]
    assert other.photo()["boxes"][0]["caption"] == "red thing"
    answer = other.call("find_suspicious")
    assert [one["key"] for one in answer["others"]] == [ann.project]
    agreed = other.call("compare_projects", other=ann.project)
    assert (agreed["images"], agreed["f1"]) == (1, 1.0)


def test_doubles_are_suspicious(ann):
    same = {"kind": "add", "xyxy": [20, 10, 60, 40], "caption": "red thing"}
    _edit(ann, ann.photo(), same, same)
    found = ann.call("find_suspicious")["found"]
    assert "duplicate" in {one["kind"] for one in found}
    assert all(one["name"] == "shapes" for one in found)


def test_lessons_are_listed_and_checked(ann):
    assert ann.call("list_lessons") == {"runs": [], "can_go_back": False}
    for minutes in (0, 1e9, float("nan"), None):
        assert "minutes" in ann.call("start_lesson", minutes=minutes)["error"]
    assert "error" in ann.call("stop_lesson", run="../x")
    assert "error" in ann.call("leave_lesson")


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
    assert "no edit" in _edit(ann, ann.photo(), told)["error"]


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
    edit = {"kind": "describe", "box": red["id"], "caption": "blue thing"}
    edited = _edit(ann, photo, edit, state="done")
    assert "caption" not in {one["kind"] for one in ann.call("find_suspicious")["found"]}
    ann.call("score", image=photo["photo"]["id"])
    project = desk.project(desk.visits.get(ann.visit), ann.project)
    box = next(box for box in project.boxes(photo["photo"]["id"]) if box.id == red["id"])
    assert box.margin is not None
    assert box.margin < 0
    assert "caption" in {one["kind"] for one in ann.call("find_suspicious")["found"]}
    moved = [box.xyxy[0] + 1, *box.xyxy[1:]]
    _edit(ann, edited, {"kind": "move", "box": box.id, "xyxy": moved})
    ann.call("score", image=photo["photo"]["id"])
    again = next(one for one in project.boxes(photo["photo"]["id"]) if one.id == box.id)
    assert again.xyxy[0] == moved[0]
    assert again.margin is not None


def test_an_answer_of_locate_becomes_proposals(desk, shapes_image):
    path = Path(get_upload_folder()) / "shapes.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_image(shapes_image))
    captions = ["red thing", "green thing"]
    found = desk.service.locate(path, captions, desk.service.base_config())
    send, ann = create_send_call(desk), Browser(desk)
    wish = {"visit": ann.visit, "key": found.key, "captions": captions, "score_min": 0.25}
    sent = send({**wish, "assignment": "joint", "project": "gone"})
    assert "From Locate, with 2 new boxes" in sent["said"]
    ann.project = sent["project"]
    photo = ann.call("photo", image=sent["image"])
    assert sorted(box["caption"] for box in photo["boxes"]) == ["", "red thing"]
    assert (photo["photo"]["state"], photo["photo"]["name"]) == ("proposed", "shapes")
    assert {one["caption"]: one["found"] for one in photo["asked"]} == {
        "red thing": True,
        "green thing": False,
    }
    again = send({**wish, "assignment": "joint"})
    assert (again["project"], again["image"]) == (sent["project"], sent["image"])
    assert "0 new boxes" in again["said"]
    ann.open("Other")
    other = send({**wish, "assignment": "joint", "project": ann.project})
    assert other["project"] == ann.project
    path.unlink()
    assert "no longer kept" in send({**wish, "assignment": "joint"})["error"]
    assert "has ended" in send({**wish, "assignment": "joint", "visit": "x"})["error"]


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
    added = _edit(ann, photo, *adds)
    image = photo["photo"]["id"]
    assert len(ann.call("score", image=image)["scores"]) == 30
    assert reranker.seen == 30
    box = added["changed"][0]["id"]
    moved = _edit(ann, added, {"kind": "move", "box": box, "xyxy": [100, 50, 160, 90]})
    ann.call("score", image=image)
    assert reranker.seen == 31
    _edit(ann, moved, {"kind": "describe", "box": box, "caption": "blue thing"})
    assert ann.call("score", image=image)["scores"][str(box)]["rank"] < 15
    assert reranker.seen == 31
