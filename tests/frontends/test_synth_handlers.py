"""Visits, material and scenes of the tab Synthesize, called as the browser calls them."""

from __future__ import annotations

import json

import pytest

from frontends.material import Brought
from frontends.ui.cutout_maker.handlers import answer_cut
from frontends.ui.uploads import find_upload
from tests.frontends.synth_visit import ALICE, BOB, decoded, make_wish, small_settings, upload


def test_a_visit_begins_with_our_material(handlers):
    cutouts, backgrounds, key = handlers.enter(ALICE)
    assert [tile["caption"] for tile in cutouts["ours"]][:2] == ["red missile", "white airship"]
    assert [tile["labelled"] for tile in cutouts["ours"]] == [True, True, False]
    assert cutouts["own"] == backgrounds["own"] == []
    assert backgrounds["ours"][0]["url"].startswith("data:image/webp;base64,")
    assert handlers.enter(BOB)[2] != key


def test_what_a_visitor_brings_is_seen_by_nobody_else(handlers, key, tmp_path):
    wish = {"visit": key, "wall": "cutouts", "files": [upload(tmp_path)]}
    answer = handlers.add(wish)
    assert [tile["caption"] for tile in answer["own"]] == ["blue drone"]
    assert handlers.enter(BOB)[0]["own"] == []
    assert [tile["name"] for tile in handlers.refresh(ALICE)["own"]] == ["blue-drone"]
    changed = {"visit": key, "wall": "cutouts", "name": "blue-drone", "caption": "navy drone"}
    answer = handlers.change({**changed, "class_name": "drone"})
    assert answer["own"][0]["caption"] == "navy drone"
    gone = {"visit": key, "wall": "cutouts", "names": ["blue-drone", "never was"]}
    assert handlers.remove(gone)["own"] == []


def test_own_cutouts_leave_and_come_back_as_they_are(handlers, key, workshop, tmp_path):
    assert "no files to pack" in handlers.pack_cutouts({"visit": key})["error"]
    handlers.add({"visit": key, "wall": "cutouts", "files": [upload(tmp_path)]})
    name = {"visit": key, "wall": "cutouts", "name": "blue-drone"}
    handlers.change({**name, "caption": "navy toy", "class_name": "toy"})
    answer = handlers.pack_cutouts({"visit": key})
    packed = workshop.visits.get(key).folder / "packed" / answer["name"]
    assert answer["url"].endswith("/packed/cutouts.zip")
    bob = workshop.visits.get(handlers.enter(BOB)[2])
    assert workshop.add(bob, "cutouts", [Brought(packed, "cutouts.zip")]).refused == ()
    [cutout] = workshop.own_cutouts(bob)
    assert (cutout.caption, cutout.class_name) == ("navy toy", "toy")


@pytest.mark.parametrize("path", ["/etc/passwd", "app.py", "", None])
def test_files_that_nobody_uploaded_are_refused(path, handlers, key):
    wish = {"visit": key, "wall": "backgrounds", "files": [{"path": path, "name": "x.jpg"}]}
    assert handlers.add(wish) == {"error": "A file was not uploaded. Upload it first."}


def test_the_file_of_an_upload_is_left_to_who_else_uploaded_it(handlers, key, tmp_path):
    wish = {"visit": key, "wall": "cutouts", "files": [upload(tmp_path)]}
    handlers.add(wish)
    assert (tmp_path / "upload.png").is_file()
    other = {**wish, "visit": handlers.enter(BOB)[2]}
    assert [tile["name"] for tile in handlers.add(other)["own"]] == ["blue-drone"]


def test_files_of_visitors_do_not_count_as_uploads(handlers, key, workshop, tmp_path):
    handlers.add({"visit": key, "wall": "cutouts", "files": [upload(tmp_path)]})
    path = workshop.own_cutouts(workshop.visits.get(key))[0].path
    stolen = {"path": str(path), "name": "x.png"}
    wish = {"visit": handlers.enter(BOB)[2], "wall": "cutouts", "files": [stolen]}
    assert handlers.add(wish) == {"error": "A file was not uploaded. Upload it first."}
    drawn = {"image": {"path": str(path)}, "box": [1, 1, 9, 9]}
    answer = answer_cut(drawn, max_pixels=10_000, max_bytes=10_000_000)
    assert "no photograph yet" in answer["result"]["message"]
    assert find_upload(path) is None
    assert find_upload(tmp_path / "upload.png") == (tmp_path / "upload.png").resolve()


@pytest.mark.parametrize("key", [None, "", "../../x", "alice"])
def test_a_visit_that_is_not_there_is_told(key, handlers):
    assert "This visit has ended" in handlers.preview(make_wish("x", visit=key))["error"]["message"]
    assert "This visit has ended" in handlers.made({"visit": key})["error"]
    assert handlers.start({**make_wish("x"), "visit": key})["state"] == "failed"


def test_scenes_are_drawn_with_boxes_and_captions(handlers, key):
    shown = handlers.preview(make_wish(key, indices=[0, 1, 2, 3]))
    assert len(shown["scenes"]) == 4
    boxes = [box for scene in shown["scenes"] for box in scene["boxes"]]
    assert {box["caption"] for box in boxes} <= {"red missile", "white airship"}
    assert boxes
    assert all(0 <= box["x"] <= box["x"] + box["w"] <= 160 for box in boxes)
    again = handlers.preview(make_wish(key, indices=[3]))
    assert again["scenes"][0] == shown["scenes"][3]
    json.dumps(shown, allow_nan=False)


def test_distractors_are_told_apart_from_boxes(handlers, key):
    settings = small_settings(distractor_ratio=1, empty_ratio=1)
    shown = handlers.preview(make_wish(key, settings=settings, indices=[0, 1, 2, 3]))["scenes"]
    assert all(scene["boxes"] == [] for scene in shown)
    bare = [box for scene in shown for box in scene["distractors"]]
    assert bare
    assert all(set(box) == {"x", "y", "w", "h"} and box["w"] >= 4 for box in bare)


def test_boxes_are_told_in_the_full_size(handlers, key):
    settings = small_settings(canvas_wh=[1280, 720], size_px_range=[200, 400], empty_ratio=0)
    small = handlers.preview(make_wish(key, settings=settings, indices=[5]))["scenes"][0]
    full = handlers.scene(make_wish(key, settings=settings, indices=[5]))["scene"]
    assert (small["width"], small["height"]) == (full["width"], full["height"]) == (1280, 720)
    sizes = [decoded(scene["url"]).shape[1] for scene in (small, full)]
    assert sizes == [640, 1280]
    assert [box["caption"] for box in small["boxes"]] == [box["caption"] for box in full["boxes"]]
    for one, other in zip(small["boxes"], full["boxes"], strict=True):
        assert one["x"] == pytest.approx(other["x"], abs=6)
        assert one["w"] == pytest.approx(other["w"], abs=10)


@pytest.mark.parametrize(
    ("values", "at", "message"),
    [
        ({"settings": {**small_settings(), "sky_ratio": 3}}, "settings", "sky_ratio"),
        ({"settings": {**small_settings(), "skyratio": 1}}, "settings", "Did you mean 'sky_ratio'"),
        ({"settings": {**small_settings(), "canvas_wh": [8000, 8000]}}, "settings", "megapixels"),
        ({"settings": None}, "settings", "missing"),
        ({"seed": -1}, "settings", "seed"),
        ({"shares": [0, 1, 1]}, "settings", "train needs some"),
        ({"shares": "80"}, "settings", "three numbers"),
        ({"shares": [80, None, 10]}, "settings", "three numbers"),
        ({"indices": []}, "settings", "1 to 12 whole numbers"),
        ({"indices": list(range(13))}, "settings", "1 to 12 whole numbers"),
        ({"cutouts": {"ours": False}}, "page", "No cutout is chosen"),
        ({"backgrounds": {"ours": False}}, "page", "No background is chosen"),
    ],
)
def test_an_impossible_wish_is_told_where_its_cause_is(values, at, message, handlers, key):
    error = handlers.preview(make_wish(key, **values))["error"]
    assert error["at"] == at
    assert message in error["message"]


def test_leaving_out_cutouts_shows_in_the_scenes(handlers, key):
    choice = {"ours": True, "own": True, "off_ours": ["1", "2"], "off_own": []}
    shown = handlers.preview(make_wish(key, cutouts=choice, indices=list(range(8))))
    captions = {box["caption"] for scene in shown["scenes"] for box in scene["boxes"]}
    assert captions == {"red missile"}
