"""Projects of the tab Annotate as the browser calls them: made, filled, pre-labelled, taken out."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from gradio.utils import get_upload_folder
from PIL import Image as PilImage

from core.errors import InputError, MissingPackageError
from core.image import encode_image
from dataset.archive import Limits as ArchiveLimits
from frontends.desk import Desk
from frontends.service import Service, read_limits
from frontends.ui import uploads
from frontends.ui.annotate_present import thumb_url
from frontends.ui.sending import create_send_calls
from frontends.ui.uploads import desks_folder, find_upload, read_uploads
from tests.frontends.annotate_visit import BOB, Browser, edit

pytestmark = pytest.mark.usefixtures("own_uploads")


def test_a_project_is_made_found_again_deleted_and_brought_back(desk):
    ann = Browser(desk)
    assert ann.start["projects"] == []
    ann.open("Harbour, summer")
    assert ann.project == "harbour-summer"
    assert ann.call("open_project")["project"]["classes"] == ["thing", "other"]
    assert Browser(desk, BOB).start["projects"][0]["name"] == "Harbour, summer"
    assert "no name" in ann.call("rename_project", name="  ")["error"]
    renamed = ann.call("rename_project", name=" Harbour,  winter ")["projects"]
    assert [(one["key"], one["name"]) for one in renamed] == [("harbour-summer", "Harbour, winter")]
    ann.call("rename_project", name="Harbour, summer")
    answer = ann.call("delete_project")
    assert answer["projects"] == []
    assert "not there any more" in ann.call("open_project")["error"]
    # Who reloads the page finds it still.
    assert Browser(desk).start["trash"] == [{"aside": answer["deleted"], "name": "harbour-summer"}]
    assert ann.call("restore_project", project=answer["deleted"])["key"] == "harbour-summer"
    assert ann.call("list_projects")["trash"] == []
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
    assert "1 picture added" in run["said"]
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
    assert "1 picture added with 1 box" in run["said"], run
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


def test_models_propose_and_done_ends_a_picture(ann):
    run = ann.run("start_looking", mode="captions", captions="red thing\ngreen thing", others=True)
    assert (run["state"], run["to_review"]) == ("done", 2)
    assert run["said"] == "1 picture looked at, 2 boxes to decide."
    assert ann.call("describe_project")["untouched"] == 2
    photo = ann.photo()
    assert photo["photo"]["state"] == "proposed"
    assert sorted(box["caption"] for box in photo["boxes"]) == ["", "red thing"]
    assert {one["caption"]: one["found"] for one in photo["asked"]} == {
        "red thing": True,
        "green thing": False,
    }
    assert not any(box["own"] for box in photo["boxes"])
    accept = [{"kind": "accept", "box": box["id"]} for box in photo["boxes"]]
    done = edit(ann, photo, *accept, state="done")
    assert done["progress"]["done"] == 1
    assert ann.call("describe_project")["untouched"] == 0
    assert ann.call("queue", only="done")["states"] == ["done"]
    assert ann.call("queue", only="new")["ids"] == []
    run = ann.run("start_looking", mode="vocabulary", types="thing", colors="red, blue")
    assert "0 pictures looked at" in run["said"]
    assert run["to_review"] == 0


def test_what_is_transparent_is_as_the_models_see_it_in_small_pictures(desk, ann):
    buffer = io.BytesIO()
    PilImage.new("RGBA", (320, 208), (255, 0, 0, 0)).save(buffer, "PNG")
    ann.bring(("clear.png", buffer.getvalue()))
    project = desk.project(desk.visits.get(ann.visit), ann.project)
    [image] = [image for image in project.images() if image.name == "clear"]
    thumb_url(project, image.id)
    with PilImage.open(project.folder / "thumbs" / f"{project.path(image.id).stem}.jpg") as small:
        assert small.getpixel((5, 5)) == (255, 255, 255)


def test_boxes_below_the_wished_score_are_not_proposed(ann):
    assert ann.run("start_looking", mode="boxes", score_min=0.99)["to_review"] == 0
    assert ann.run("start_looking", mode="boxes", score_min=0.05)["to_review"] == 2


def test_a_run_leads_to_the_most_doubtful_picture_with_proposals(ann):
    assert ann.call("queue", lead=True)["doubtful"] is None
    grey = encode_image(np.full((100, 200, 3), 200, np.uint8))
    ann.bring(("a_grey.png", grey))
    ann.run("start_looking", mode="captions", captions="red thing", others=True)
    shapes, empty = ann.call("queue", order="added")["ids"]
    assert ann.call("queue")["ids"] == [empty, shapes], "nothing was found: more doubtful"
    for order in ("queue", "name"):
        assert ann.call("queue", order=order, lead=True)["doubtful"] == shapes
    assert ann.call("queue")["doubtful"] is None, "asked for only after a run"


def test_a_picture_is_removed_looked_at_and_put_back(ann):
    photo = ann.photo()
    add = {"kind": "add", "xyxy": [20, 10, 60, 40]}
    before = edit(ann, photo, add)
    image = photo["photo"]["id"]
    progress = ann.call("set_removed", image=image, removed=True)["progress"]
    assert (progress["total"], progress["removed"]) == (0, 1)
    assert ann.call("queue")["ids"] == []
    assert ann.call("queue", only="removed")["ids"] == [image]
    shown = ann.call("photo", image=image)
    assert shown["photo"]["removed"]
    assert len(shown["boxes"]) == 1
    assert ann.call("thumbs", images=[image])["thumbs"][0]["url"]
    assert "removed" in edit(ann, shown, add)["error"]
    progress = ann.call("set_removed", image=image, removed=False)["progress"]
    assert (progress["total"], progress["removed"]) == (1, 0)
    assert "conflict" in edit(ann, before, add), "made before it was removed and put back"
    assert len(edit(ann, ann.photo(), add)["added"]) == 1


@pytest.mark.parametrize("format", ["yolo", "coco", "csv", "crops", "project"])
def test_a_project_leaves_as_a_file(ann, format):
    add = {"kind": "add", "xyxy": [20, 10, 60, 40], "caption": "red thing"}
    edit(ann, ann.photo(), add, state="done")
    run = ann.run("start_outlet", format=format, what="confirmed")
    assert run["state"] == "done", run
    assert Path(run["link"]["url"].split("file=")[1]).stat().st_size > 50


def test_a_project_comes_back_that_is_larger_than_a_picture_may_be(desk, image):
    ann = Browser(desk)
    ann.open("carried")
    for seed in range(3):
        ann.bring((f"{seed}.png", encode_image(image(seed=seed))))
    ann.run("start_outlet", format="project", what="all")
    (archive,) = Path(desk.shared).glob("*/exports/carried-project.zip")
    size = archive.stat().st_size
    desk.service.limits = replace(desk.limits, upload_max_bytes=size // 2, archive_max_bytes=size)
    other = Browser(desk, BOB)
    other.open("back")
    assert "3 pictures" in other.bring(("carried.zip", archive.read_bytes()))["said"]


def test_only_zip_files_may_be_larger_than_a_picture(own_uploads, monkeypatch):
    limits = replace(read_limits({}), upload_max_bytes=1000, archive_max_bytes=5000)
    limits = replace(limits, projects_folder=None)  # a visitor's, not of who owns the disk
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)

    def send(name: str, size: int, *, packed: bool) -> list[str]:
        path = folder / name
        path.write_bytes(bytes(size))
        if packed:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("a.bin", bytes(size))
        return [one.name for one in read_uploads([{"path": str(path), "name": name}], limits)]

    assert send("A.ZIP", 4000, packed=True) == ["A.ZIP"]
    assert send("a.png", 1000, packed=False) == ["a.png"]
    monkeypatch.setattr(uploads, "ArchiveLimits", partial(ArchiveLimits, text_bytes=2000))
    assert send("a.json", 2000, packed=False) == ["a.json"]
    for name, size, packed in (
        ("a.png", 1001, False),  # a picture
        ("b.png", 4000, True),  # a ZIP file by what it holds alone
        ("b.zip", 4000, False),  # by its name alone
        ("c.zip", 5000, True),  # too large for that, too
        ("d.json", 2001, False),  # as it would be in a ZIP file
    ):
        with pytest.raises(InputError, match="the limit is"):
            send(name, size, packed=packed)


def test_a_whole_project_is_brought_into_another(desk, ann):
    add = {"kind": "add", "xyxy": [20, 10, 60, 40], "caption": "red thing"}
    edit(ann, ann.photo(), add, state="done")
    archive = Path(ann.run("start_outlet", format="project")["link"]["url"].split("file=")[1])
    other = Browser(desk, BOB)
    other.open("Other")
    run = other.bring(("carried.zip", archive.read_bytes()))
    assert "came back with" in run["said"]
    assert other.photo()["boxes"][0]["caption"] == "red thing"
    # Into one with pictures it is merged.
    again = other.bring(("carried.zip", archive.read_bytes()))
    assert "0 pictures added" in again["said"]
    answer = other.call("find_suspicious")
    assert [one["key"] for one in answer["others"]] == [ann.project]
    agreed = other.call("compare_projects", other=ann.project)
    assert (agreed["images"], agreed["f1"]) == (1, 1.0)


def test_lessons_are_listed_and_checked(ann, monkeypatch):
    monkeypatch.setattr("frontends.desk.require_training", lambda: None)
    assert ann.call("list_lessons") == {"runs": [], "can_go_back": False, "lacking": ""}

    def refuse():
        raise MissingPackageError("training needs torch.", "Run: pip install it.")

    monkeypatch.setattr("frontends.desk.require_training", refuse)
    lacking = ann.call("list_lessons")["lacking"]
    assert lacking == "Training needs torch. Run: pip install it."
    assert ann.call("start_lesson", minutes=15)["error"] == lacking
    for minutes in (0, 1e9, float("nan"), None):
        assert "minutes" in ann.call("start_lesson", minutes=minutes)["error"]
    assert "error" in ann.call("stop_lesson", run="../x")
    assert "error" in ann.call("leave_lesson")


def test_an_answer_of_locate_becomes_proposals(desk, shapes_image):
    path = Path(get_upload_folder()) / "shapes.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_image(shapes_image))
    captions = ["red thing", "green thing"]
    found = desk.service.locate(path, captions, desk.service.base_config())
    (places, send), ann = create_send_calls(desk), Browser(desk)
    wish = {"visit": ann.visit, "key": found.key, "captions": captions, "score_min": 0.25}
    wish["shown_min"] = 0
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
    high = {**wish, "shown_min": 0.99}
    other = send({**high, "assignment": "joint", "project": ann.project})
    assert other["project"] == ann.project
    assert "0 new boxes" in other["said"], "what the confidence hides stays behind"
    there = {"From Locate": sent["project"], "Other": ann.project}
    for visit in (ann.visit, ""):  # nobody has to have entered: these are shared
        assert {one["name"]: one["key"] for one in places({"visit": visit})["places"]} == there
    path.unlink()
    assert "no longer kept" in send({**wish, "assignment": "joint"})["error"]
    assert "has ended" in send({**wish, "assignment": "joint", "visit": "x"})["error"]


def test_what_is_no_picture_is_told_in_plain_words(ann):
    run = ann.bring(("text.jpg", b"hello"))
    [told] = run["refused"]
    assert told.startswith("text.jpg is not an image we can read. Use a PNG")
