"""The functions behind the tab Synthesize, called as the browser calls them."""

from __future__ import annotations

import json
import threading
import time
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image as PilImage

from core.config import Section
from core.errors import Cancelled, DataError, InputError
from core.image import decode_image
from frontends.runs import Run, Runs, wait_for
from frontends.service import read_limits
from frontends.ui.cutout_maker.handlers import answer_cut
from frontends.ui.knobs import describe_knobs
from frontends.ui.knobs.describe import name_of
from frontends.ui.synth import create_synth
from frontends.ui.synth_handlers import SynthHandlers, create_synth_handlers, write_toml
from frontends.ui.uploads import find_upload
from frontends.visits import size_of
from frontends.workshop import Workshop
from synth.config import SceneConfig
from synth.generate import Job
from tests.synth.scene_library import write_library

SMALL = {"canvas_wh": [160, 90], "effects": "none", "size_px_range": [10, 60]}
ALICE, BOB = SimpleNamespace(session_hash="alice"), SimpleNamespace(session_hash="bob")


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Works in the test's own folder, which also counts as the place of uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    (tmp_path / "gallery").mkdir()
    gallery = write_library(tmp_path / "gallery")
    limits = replace(read_limits({}), synth_max_images=40, synth_max_files=20)
    return Workshop(limits, root=tmp_path / "visits", gallery=gallery)


@pytest.fixture
def handlers(workshop: Workshop) -> SynthHandlers:
    return create_synth_handlers(workshop)


@pytest.fixture
def key(handlers: SynthHandlers) -> str:
    return handlers.enter(ALICE)[2]


def _settings(**values: Any) -> dict[str, Any]:
    return SceneConfig().with_values({**SMALL, **values}).model_dump(mode="json")


def _wish(key: str, **values: Any) -> dict[str, Any]:
    return {"visit": key, "settings": _settings(), "seed": 0, "indices": [0, 1], **values}


def _wait(handlers: SynthHandlers, key: str, limit_s: float = 60.0) -> dict[str, Any]:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        run = handlers.progress({"visit": key})
        if run["state"] not in ("waiting", "drawing", "packing"):
            return run
        time.sleep(0.02)
    raise AssertionError("the run does not end")


def _upload(tmp_path: Path, name: str = "blue drone.png") -> dict[str, str]:
    rgba = np.zeros((40, 60, 4), np.uint8)
    rgba[8:32, 10:50] = (20, 40, 200, 255)
    PilImage.fromarray(rgba).save(tmp_path / "upload.png")
    return {"path": str(tmp_path / "upload.png"), "name": name}


# ---------------------------------------------------------------- visits and material


def test_a_visit_begins_with_our_material(handlers):
    cutouts, backgrounds, key = handlers.enter(ALICE)
    assert [tile["caption"] for tile in cutouts["ours"]][:2] == ["red missile", "white airship"]
    assert [tile["labelled"] for tile in cutouts["ours"]] == [True, True, False]
    assert cutouts["own"] == backgrounds["own"] == []
    assert backgrounds["ours"][0]["url"].startswith("data:image/webp;base64,")
    assert handlers.enter(BOB)[2] != key


def test_what_a_visitor_brings_is_seen_by_nobody_else(handlers, key, tmp_path):
    wish = {"visit": key, "wall": "cutouts", "files": [_upload(tmp_path)]}
    answer = handlers.add(wish)
    assert [tile["caption"] for tile in answer["own"]] == ["blue drone"]
    assert handlers.enter(BOB)[0]["own"] == []
    assert [tile["name"] for tile in handlers.refresh(ALICE)["own"]] == ["blue-drone"]
    changed = {"visit": key, "wall": "cutouts", "name": "blue-drone", "caption": "navy drone"}
    answer = handlers.change({**changed, "class_name": "drone"})
    assert answer["own"][0]["caption"] == "navy drone"
    gone = {"visit": key, "wall": "cutouts", "names": ["blue-drone", "never was"]}
    assert handlers.remove(gone)["own"] == []


@pytest.mark.parametrize("path", ["/etc/passwd", "app.py", "", None])
def test_files_that_nobody_uploaded_are_refused(path, handlers, key):
    wish = {"visit": key, "wall": "backgrounds", "files": [{"path": path, "name": "x.jpg"}]}
    assert handlers.add(wish) == {"error": "A file was not uploaded. Upload it first."}


def test_the_file_of_an_upload_is_left_to_who_else_uploaded_it(handlers, key, tmp_path):
    wish = {"visit": key, "wall": "cutouts", "files": [_upload(tmp_path)]}
    handlers.add(wish)
    assert (tmp_path / "upload.png").is_file()
    other = {**wish, "visit": handlers.enter(BOB)[2]}
    assert [tile["name"] for tile in handlers.add(other)["own"]] == ["blue-drone"]


def test_files_of_visitors_do_not_count_as_uploads(handlers, key, workshop, tmp_path):
    handlers.add({"visit": key, "wall": "cutouts", "files": [_upload(tmp_path)]})
    path = workshop.own_cutouts(workshop.visits.get(key))[0].path
    stolen = {"path": str(path), "name": "x.png"}
    wish = {"visit": handlers.enter(BOB)[2], "wall": "cutouts", "files": [stolen]}
    assert handlers.add(wish) == {"error": "A file was not uploaded. Upload it first."}
    drawn = {"image": {"path": str(path)}, "box": [1, 1, 9, 9]}
    answer = answer_cut(drawn, max_pixels=10_000)
    assert "no photograph yet" in answer["result"]["message"]
    assert find_upload(path) is None
    assert find_upload(tmp_path / "upload.png") == (tmp_path / "upload.png").resolve()


@pytest.mark.parametrize("key", [None, "", "../../x", "alice"])
def test_a_visit_that_is_not_there_is_told(key, handlers):
    assert "This visit has ended" in handlers.preview(_wish("x", visit=key))["error"]["message"]
    assert "This visit has ended" in handlers.made({"visit": key})["error"]
    assert handlers.start({**_wish("x"), "visit": key})["state"] == "failed"


# ---------------------------------------------------------------- settings


def test_every_setting_for_visitors_has_a_control():
    without = frozenset({"effects_steps"})
    described = describe_knobs(SceneConfig, first=("sky_ratio",), without=without)
    knobs = {knob["key"]: knob for knob in described}
    assert set(knobs) == set(SceneConfig.model_fields) - without
    assert next(iter(knobs)) == "sky_ratio"
    kinds = {key: knob["kind"] for key, knob in knobs.items()}
    expected = {
        "count_range": "span", "empty_ratio": "share", "count_weights": "list",
        "size_law": "choice", "clutter_count_max": "whole", "blend_weights": "mix",
        "match_noise": "switch", "canvas_wh": "size", "contrast_min": "number",
    }  # fmt: skip
    assert {key: kinds[key] for key in expected} == expected
    for key, knob in knobs.items():
        assert knob["help"], key
        assert knob["group"] in ("Objects", "Size", "Placement", "Occlusion", "Blending", "Light",
                                 "Frame"), key  # fmt: skip
        assert knob["low"] < knob["high"], key
    json.dumps(list(knobs.values()), allow_nan=False)


def test_a_new_setting_becomes_a_control_by_itself():
    from pydantic import Field

    class More(SceneConfig):
        wobble_deg_max: float = Field(
            3.0, ge=0, le=45, description="Wobble.", json_schema_extra={"group": "Light"}
        )

    knob = describe_knobs(More)[-1]
    assert (knob["title"], knob["unit"], knob["kind"]) == ("Wobble, up to", "°", "number")
    assert (knob["low"], knob["high"], knob["group"]) == (0, 45, "Light")
    assert name_of("dust_ratio") == "Dust"


def test_settings_survive_a_file(handlers):
    weights = {"none": 0, "gaussian": 1, "feather": 0, "box": 0, "motion": 0, "poisson": 0.5}
    settings = _settings(blend_weights=weights, effects="heavy")
    saved = handlers.save_settings(settings)["toml"]
    assert tomllib.loads(saved)["size_law"] == settings["size_law"]
    assert "# Share of scenes without any labelled object." in saved
    assert handlers.load_settings(saved)["values"] == settings


def test_presets_are_whole(handlers):
    values = handlers.preset("origin-v3")["values"]
    assert values["effects"] == "origin-v3"
    assert set(values) == set(SceneConfig.model_fields)
    with pytest.raises(gr.Error, match="unknown preset"):
        handlers.preset("orgin")


def test_weights_in_a_file_replace_all_others(handlers):
    values = handlers.load_settings("blend_weights = {poisson = 1.0}")["values"]
    assert [name for name, weight in values["blend_weights"].items() if weight] == ["poisson"]


def test_lists_of_effects_are_written_as_toml_too():
    class Steps(Section):
        steps: tuple[dict[str, Any], ...] = ({"name": 'a "b"', "parameters": {"c d": [0.5, 1]}},)

    assert tomllib.loads(write_toml(Steps())) == Steps().model_dump(mode="json")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("skyratio = 1", "unknown setting 'skyratio'. Did you mean 'sky_ratio'?"),
        ("sky_ratio = 2", "less than or equal to 1"),
        ("sky_ratio = ", "no TOML file"),
        ("x" * 100_001, "too long"),
    ],
)
def test_bad_files_of_settings_are_told(toml, message, handlers):
    assert message in handlers.load_settings(toml)["error"]


def test_effects_of_ones_own_are_refused_before_they_run(handlers, key, monkeypatch):
    def run(*arguments: object) -> None:
        raise AssertionError("a stranger's transform ran")

    monkeypatch.setattr("synth.config.check_transform", run)
    step = {"name": "Resize", "parameters": {"height": 16000, "width": 16000}}
    settings = {**_settings(), "effects_steps": [step]}
    toml = '[[effects_steps]]\nname = "Resize"\nparameters = {height = 16000, width = 16000}\n'
    refused = "effects_steps cannot be used on the page"
    wish = _wish(key, settings=settings)
    assert refused in handlers.preview(wish)["error"]["message"].lower()
    assert refused in handlers.load_settings(toml)["error"].lower()
    started = handlers.start({**wish, "count": 2, "format": "yolo", "single_class": True})
    assert refused in started["error"].lower()
    for settings in ({"effects_steps": [step]}, {"preset": "plain", "effects_steps": [step]}):
        with pytest.raises(gr.Error, match=r"(?i)effects_steps cannot be used"):
            handlers.preview_scenes(settings)
        with pytest.raises(gr.Error, match=r"(?i)effects_steps cannot be used"):
            handlers.make_dataset(BOB, settings, count=1)


def test_a_file_of_settings_is_read_by_the_command_too(tmp_path):
    from synth.config import load_scene_config

    config = SceneConfig(effects="heavy", count_range=(2, 2))
    (tmp_path / "mine.toml").write_text(write_toml(config))
    assert load_scene_config(file=tmp_path / "mine.toml") == config


# ---------------------------------------------------------------- scenes


def test_scenes_are_drawn_with_boxes_and_captions(handlers, key):
    shown = handlers.preview(_wish(key, indices=[0, 1, 2, 3]))
    assert len(shown["scenes"]) == 4
    boxes = [box for scene in shown["scenes"] for box in scene["boxes"]]
    assert {box["caption"] for box in boxes} <= {"red missile", "white airship"}
    assert boxes
    assert all(0 <= box["x"] <= box["x"] + box["w"] <= 160 for box in boxes)
    again = handlers.preview(_wish(key, indices=[3]))
    assert again["scenes"][0] == shown["scenes"][3]
    json.dumps(shown, allow_nan=False)


def test_boxes_are_told_in_the_full_size(handlers, key):
    settings = _settings(canvas_wh=[1280, 720], size_px_range=[200, 400], empty_ratio=0)
    small = handlers.preview(_wish(key, settings=settings, indices=[5]))["scenes"][0]
    full = handlers.scene(_wish(key, settings=settings, indices=[5]))["scene"]
    assert (small["width"], small["height"]) == (full["width"], full["height"]) == (1280, 720)
    sizes = [_decoded(scene["url"]).shape[1] for scene in (small, full)]
    assert sizes == [640, 1280]
    assert [box["caption"] for box in small["boxes"]] == [box["caption"] for box in full["boxes"]]
    for one, other in zip(small["boxes"], full["boxes"], strict=True):
        assert one["x"] == pytest.approx(other["x"], abs=6)
        assert one["w"] == pytest.approx(other["w"], abs=10)


def _decoded(url: str) -> Any:
    import base64

    return decode_image(base64.b64decode(url.split(",")[1]))


@pytest.mark.parametrize(
    ("values", "at", "message"),
    [
        ({"settings": {**_settings(), "sky_ratio": 3}}, "settings", "sky_ratio"),
        ({"settings": {**_settings(), "skyratio": 1}}, "settings", "Did you mean 'sky_ratio'"),
        ({"settings": {**_settings(), "canvas_wh": [8000, 8000]}}, "settings", "megapixels"),
        ({"settings": None}, "settings", "missing"),
        ({"seed": -1}, "settings", "seed"),
        ({"indices": []}, "settings", "1 to 12 whole numbers"),
        ({"indices": list(range(13))}, "settings", "1 to 12 whole numbers"),
        ({"cutouts": {"ours": False}}, "page", "No cutout is chosen"),
        ({"backgrounds": {"ours": False}}, "page", "No background is chosen"),
    ],
)
def test_an_impossible_wish_is_told_where_its_cause_is(values, at, message, handlers, key):
    error = handlers.preview(_wish(key, **values))["error"]
    assert error["at"] == at
    assert message in error["message"]


def test_leaving_out_cutouts_shows_in_the_scenes(handlers, key):
    choice = {"ours": True, "own": True, "off_ours": ["1", "2"], "off_own": []}
    shown = handlers.preview(_wish(key, cutouts=choice, indices=list(range(8))))
    captions = {box["caption"] for scene in shown["scenes"] for box in scene["boxes"]}
    assert captions == {"red missile"}


# ---------------------------------------------------------------- data sets


def _start(handlers: SynthHandlers, key: str, **values: Any) -> dict[str, Any]:
    return handlers.start(_wish(key, count=6, format="yolo", single_class=True, **values))


def test_a_data_set_is_made_described_and_packed(handlers, key, workshop):
    assert _start(handlers, key)["state"] in ("waiting", "drawing")
    run = _wait(handlers, key)
    assert (run["state"], run["error"]) == ("done", "")
    made = handlers.made({"visit": key})
    assert made["images"] == 6
    assert sum(made["splits"].values()) == 6
    assert {entry["name"] for entry in made["plots"]["classes"]} <= {"missile", "airship"}
    assert sum(entry["value"] for entry in made["plots"]["sizes"]) == made["boxes"]
    assert np.array(made["plots"]["positions"]).shape == (18, 32)
    path = workshop.made(workshop.visits.get(key)).zip_path
    assert made["zip"]["url"].endswith(path.name)
    names = zipfile.ZipFile(path).namelist()
    assert "data.yaml" in names
    assert sum(name.endswith(".jpg") for name in names) == 6
    pictures = handlers.gallery({"visit": key, "start": 4})["pictures"]
    assert len(pictures) == 2
    full = handlers.picture({"visit": key, "index": 5})["picture"]
    assert full["boxes"] == pictures[1]["boxes"]
    assert _decoded(full["url"]).shape == (90, 160, 3)
    assert "there is no picture 6" in handlers.picture({"visit": key, "index": 6})["error"].lower()
    json.dumps(made, allow_nan=False)


def test_the_preview_is_what_is_made(handlers, key):
    _start(handlers, key)
    _wait(handlers, key)
    made = handlers.gallery({"visit": key})["pictures"]
    shown = handlers.preview(_wish(key, indices=list(range(6))))["scenes"]
    assert [scene["boxes"] for scene in shown] == [picture["boxes"] for picture in made]


def test_looking_at_other_choices_leaves_a_run_its_material(handlers, key, workshop, monkeypatch):
    let_go = threading.Event()
    drawn_from: list[Path] = []

    def wait_then_check(job: Any, on_progress: Any) -> Any:
        let_go.wait(20)
        drawn_from.extend(path for path in (*job.cutouts, *job.backgrounds) if path.is_dir())
        raise Cancelled("seen.")

    monkeypatch.setattr("frontends.workshop.generate", wait_then_check)

    def choice(*off: str) -> dict[str, Any]:
        return {"ours": True, "own": True, "off_ours": list(off), "off_own": []}

    chosen = workshop.visits.get(key).folder / "chosen"
    _start(handlers, key, cutouts=choice("1"), backgrounds=choice("x", "sky-1"))
    first = set(chosen.iterdir())
    assert first
    offs = [("0",), ("2",), ("0", "2"), ("1", "2")]
    for off in offs:
        assert "scenes" in handlers.preview(_wish(key, cutouts=choice(*off), indices=[0])), off
    assert first <= set(chosen.iterdir())
    let_go.set()
    assert _wait(handlers, key)["state"] == "stopped"
    assert first <= set(drawn_from)
    handlers.preview(_wish(key, cutouts=choice("2"), indices=[0]))
    assert not first & set(chosen.iterdir())  # nobody uses them any more


def test_nothing_made_is_told(handlers, key):
    for call in (handlers.made, handlers.gallery):
        assert "no data set yet" in call({"visit": key})["error"]
    answer = handlers.push({"visit": key, "repo": "me/x", "token": "t"}, None)
    assert answer["state"] == "failed"
    assert "no data set yet" in answer["error"]


def test_one_visitor_makes_one_at_a_time_and_can_stop(handlers, key):
    settings = _settings(canvas_wh=[640, 366])
    started = handlers.start(_wish(key, settings=settings, count=24, format="coco",
                                   single_class=False))  # fmt: skip
    assert started["state"] in ("waiting", "drawing")
    second = _start(handlers, key)
    assert second["state"] == "failed"
    assert "already" in second["error"]
    handlers.stop({"visit": key})
    run = _wait(handlers, key)
    assert run["state"] == "stopped"
    # The same wish goes on from there.
    handlers.start(_wish(key, settings=settings, count=24, format="coco", single_class=False))
    assert _wait(handlers, key)["state"] == "done"
    assert handlers.made({"visit": key})["images"] == 24


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "allowed are 1 to 40"),
        ({"count": 41}, "allowed are 1 to 40"),
        ({"format": "yoloo"}, "Did you mean 'yolo'"),
        ({"cutouts": {"ours": False}}, "No cutout is chosen"),
    ],
)
def test_a_data_set_that_cannot_be_is_told_at_once(values, message, handlers, key):
    wish = _wish(key, count=2, format="yolo", single_class=True)
    run = handlers.start({**wish, **values})
    assert run["state"] == "failed"
    assert message in run["error"]


def test_a_full_visit_takes_no_more(handlers, key, workshop, tmp_path):
    workshop.limits = replace(workshop.limits, visit_max_bytes=1000)
    (workshop.visits.get(key).folder / "backgrounds").mkdir()
    (workshop.visits.get(key).folder / "backgrounds" / "large").write_bytes(b"x" * 1001)
    wish = {"visit": key, "wall": "cutouts", "files": [_upload(tmp_path)]}
    assert "the limit is" in handlers.add(wish)["error"]
    assert "the limit is" in _start(handlers, key)["error"]
    with pytest.raises(InputError, match="the limit is 0 MB"):
        handlers.folder_of(ALICE)


def test_the_cutout_maker_minds_the_number_of_cutouts(handlers, key, workshop, tmp_path):
    assert handlers.folder_of(ALICE) == workshop.visits.get(key).folder / "cutouts"
    handlers.add({"visit": key, "wall": "cutouts", "files": [_upload(tmp_path)]})
    workshop.limits = replace(workshop.limits, synth_max_files=1)
    with pytest.raises(InputError, match="you have 1 cutouts, the limit is 1"):
        handlers.folder_of(ALICE)


def test_a_made_data_set_keeps_nobody_from_bringing_more(handlers, key, workshop, tmp_path):
    _start(handlers, key)
    assert _wait(handlers, key)["state"] == "done"
    made = size_of(workshop.visits.get(key).folder / "made")
    workshop.limits = replace(workshop.limits, visit_max_bytes=made // 2)
    wish = {"visit": key, "wall": "cutouts", "files": [_upload(tmp_path)]}
    assert len(handlers.add(wish)["own"]) == 1


def test_a_data_set_that_takes_too_much_room_is_ended_early(handlers, key, workshop, monkeypatch):
    monkeypatch.setattr("frontends.workshop._MEASURED_EVERY_S", 0.0)
    workshop.limits = replace(workshop.limits, visit_max_bytes=20_000)
    handlers.start(_wish(key, count=40, format="yolo", single_class=True))
    run = _wait(handlers, key)
    assert run["state"] == "failed"
    assert "Make fewer or smaller pictures" in run["error"]
    assert len(list((workshop.visits.get(key).folder / "made").rglob("scene_*.jpg"))) < 40
    assert "no data set yet" in handlers.made({"visit": key})["error"]


def test_the_size_of_a_data_set_is_foreseen(workshop, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pictures").write_bytes(b"x" * 3200)
    job = Job(tmp_path / "out", 1000)
    workshop.limits = replace(workshop.limits, visit_max_bytes=200_000)
    workshop._watch(job, Run())(32, 32, "making images")
    report = workshop._watch(job, Run())
    report(32, 1000, "making images")  # measured a moment ago
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frontends.workshop._MEASURED_EVERY_S", 0.0)
        report(31, 1000, "making images")  # too few to tell
        report(32, 1000, "making images")
        (tmp_path / "out" / "more").write_bytes(b"x" * 10)
        with pytest.raises(DataError, match="with its ZIP file"):
            report(32, 1000, "making images")


def test_a_wish_that_cannot_be_made_leaves_the_data_set_before(handlers, key, workshop):
    _start(handlers, key)
    assert _wait(handlers, key)["state"] == "done"
    before = handlers.made({"visit": key})
    (workshop.visits.get(key).folder / "backgrounds").mkdir()
    (workshop.visits.get(key).folder / "backgrounds" / "broken.jpg").write_bytes(b"no picture")
    _start(handlers, key, backgrounds={"ours": False})
    run = _wait(handlers, key)
    assert run["state"] == "failed"
    assert "no readable background is left" in run["error"].lower()
    assert handlers.made({"visit": key}) == before
    assert len(handlers.gallery({"visit": key})["pictures"]) == 6
    _start(handlers, key, seed=1)
    assert _wait(handlers, key)["state"] == "done"
    assert len(list((workshop.visits.get(key).folder / "made").iterdir())) == 1


def test_after_leaving_the_work_is_finished_and_its_files_go(handlers, key, workshop):
    _start(handlers, key)
    visit = workshop.visits.get(key)
    run = workshop.run(visit)
    visit.left_s = visit.seen_s = 0.0
    workshop.visits.sweep()
    assert visit.folder.is_dir()  # nothing goes under running work
    wait_for(run, 60)
    assert run.state == "done"
    workshop.visits.sweep()
    assert not visit.folder.exists()
    assert workshop.run(visit).state == "idle"
    assert not workshop._made


def test_what_ends_after_its_visit_is_not_kept(handlers, key, workshop, monkeypatch):
    monkeypatch.setattr(workshop.visits, "knows", lambda visit: False)
    _start(handlers, key)
    assert _wait(handlers, key)["state"] == "done"
    assert not workshop._made


def test_programs_get_scenes_and_data_sets(handlers, workshop):
    scenes = handlers.preview_scenes({**SMALL, "preset": "plain"}, count=2)
    assert len(scenes) == 2
    file = handlers.make_dataset(BOB, SMALL, count=3, format="jsonl")
    assert "annotations.jsonl" in zipfile.ZipFile(file.path).namelist()
    with pytest.raises(gr.Error, match="Did you mean"):
        handlers.preview_scenes({"skyratio": 1})


def test_the_tab_offers_only_what_visitors_may_and_lets_nobody_wait_for_a_data_set(workshop):
    with gr.Blocks() as page:
        create_synth(page, workshop)
    shown = [block.props["knobs"] for block in page.blocks.values()
             if isinstance(block, gr.HTML) and "knobs" in block.props]  # fmt: skip
    assert [{knob["key"] for knob in knobs} for knobs in shown] == [
        set(SceneConfig.model_fields) - {"effects_steps"}
    ]
    calls = {call.api_name: call for call in page.fns.values()}
    places = {calls[name].concurrency_id for name in ("preview_scenes", "make_dataset")}
    assert len(places) == 2


# ---------------------------------------------------------------- runs


def test_a_run_tells_its_pace_and_how_it_ended():
    runs = Runs(1)
    run = Run()
    run.report("drawing", 40, 100)
    assert run.left_s is None  # what was there before tells nothing
    run._began_s -= 10
    run.report("drawing", 60, 100)
    assert run.left_s == pytest.approx(20, abs=1)
    run.stop()
    with pytest.raises(Cancelled):
        run.report("drawing", 61, 100)

    def broken(run: Run) -> Any:
        raise InputError("no.", "Try yes.")

    def bug(run: Run) -> Any:
        raise RuntimeError("secret")

    for work, told in ((broken, "no. Try yes."), (bug, "None")):
        run = runs.start("a", work)
        while not run.is_over:
            time.sleep(0.01)
        assert (run.state, str(run.error)) == ("failed", told)


def test_only_so_many_work_at_once():
    runs = Runs(1)
    going = {"first": True}

    def work(run: Run) -> Any:
        while going["first"]:
            run.report("drawing", 0, 2)
            time.sleep(0.01)
        return "done"

    first, second = runs.start("a", work), runs.start("b", work)
    time.sleep(0.1)
    assert sorted((first.state, second.state)) == ["drawing", "waiting"]
    going["first"] = False
    while not (first.is_over and second.is_over):
        time.sleep(0.01)
    assert (first.state, second.state) == ("done", "done")
