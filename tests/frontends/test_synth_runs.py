"""Data sets made in the tab Synthesize: what is told, how they end, what stays."""

from __future__ import annotations

import json
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from core.errors import Cancelled, DataError, InputError
from frontends.runs import Run, Runs, wait_for
from frontends.ui.synth import create_synth
from frontends.ui.synth_handlers import SynthHandlers
from frontends.visits import size_of
from synth.config import SceneConfig
from synth.generate import Job
from tests.frontends.synth_visit import (
    ALICE,
    BOB,
    SMALL,
    decoded,
    make_wish,
    small_settings,
    upload,
    wait_run,
)


def _start(handlers: SynthHandlers, key: str, **values: Any) -> dict[str, Any]:
    return handlers.start(make_wish(key, count=6, format="yolo", single_class=True, **values))


def test_a_data_set_is_made_described_and_packed(handlers, key, workshop):
    assert _start(handlers, key)["state"] in ("waiting", "drawing")
    run = wait_run(handlers, key)
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
    assert decoded(full["url"]).shape == (90, 160, 3)
    assert "there is no picture 6" in handlers.picture({"visit": key, "index": 6})["error"].lower()
    json.dumps(made, allow_nan=False)


def test_the_preview_is_what_is_made(handlers, key):
    _start(handlers, key)
    wait_run(handlers, key)
    made = handlers.gallery({"visit": key})["pictures"]
    shown = handlers.preview(make_wish(key, indices=list(range(6))))["scenes"]
    assert [scene["boxes"] for scene in shown] == [picture["boxes"] for picture in made]


def test_a_file_that_is_none_spoils_neither_preview_nor_data_set(handlers, key, workshop):
    backgrounds = workshop.visits.get(key).folder / "backgrounds"
    backgrounds.mkdir()
    (backgrounds / "broken.jpg").write_bytes(b"no picture")
    _start(handlers, key)
    assert wait_run(handlers, key)["state"] == "done"
    made = handlers.gallery({"visit": key})["pictures"]
    shown = handlers.preview(make_wish(key, indices=list(range(6))))["scenes"]
    assert [scene["boxes"] for scene in shown] == [picture["boxes"] for picture in made]


def test_shares_are_those_wished_for(handlers, key):
    """Of the previews too; other shares are another data set."""
    _start(handlers, key)
    wait_run(handlers, key)
    before = handlers.made({"visit": key})
    _start(handlers, key, shares=[1, 0, 0])
    assert wait_run(handlers, key)["state"] == "done"
    assert handlers.made({"visit": key})["splits"]["train"] == 6
    made = handlers.gallery({"visit": key})["pictures"]
    wish = make_wish(key, indices=list(range(6)), shares=[1, 0, 0])
    shown = handlers.preview(wish)["scenes"]
    assert [scene["boxes"] for scene in shown] == [picture["boxes"] for picture in made]
    assert handlers.made({"visit": key})["warnings"] == []
    [warning] = before["warnings"]
    assert warning.startswith("No image is for val: ")
    assert not any("--" in line for line in (*before["notes"], warning)), "this is no command line"


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
        assert "scenes" in handlers.preview(make_wish(key, cutouts=choice(*off), indices=[0])), off
    assert first <= set(chosen.iterdir())
    let_go.set()
    assert wait_run(handlers, key)["state"] == "stopped"
    assert first <= set(drawn_from)
    handlers.preview(make_wish(key, cutouts=choice("2"), indices=[0]))
    assert not first & set(chosen.iterdir())  # nobody uses them any more


def test_nothing_made_is_told(handlers, key):
    for call in (handlers.made, handlers.gallery):
        assert "no data set yet" in call({"visit": key})["error"]
    answer = handlers.push({"visit": key, "repo": "me/x", "token": "t"}, None)
    assert answer["state"] == "failed"
    assert "no data set yet" in answer["error"]


def test_one_visitor_makes_one_at_a_time_and_can_stop(handlers, key):
    settings = small_settings(canvas_wh=[640, 366])
    started = handlers.start(make_wish(key, settings=settings, count=24, format="coco",
                                   single_class=False))  # fmt: skip
    assert started["state"] in ("waiting", "drawing")
    second = _start(handlers, key)
    assert second["state"] == "failed"
    assert "already" in second["error"]
    handlers.stop({"visit": key})
    run = wait_run(handlers, key)
    assert run["state"] == "stopped"
    # The same wish goes on from there.
    handlers.start(make_wish(key, settings=settings, count=24, format="coco", single_class=False))
    assert wait_run(handlers, key)["state"] == "done"
    assert handlers.made({"visit": key})["images"] == 24


def test_a_continued_run_counts_what_is_there_from_its_first_moment(handlers, key, monkeypatch):
    """Stopped within a block of eight, it tells of what is kept alone."""
    report, counted, stop_at = Run.report, [], [12]

    def noted(run: Run, state: Any, done: int, total: int) -> None:
        counted.append((state, done))
        report(run, state, done, total)
        if state == "drawing" and done >= stop_at[0]:
            run.stop()

    monkeypatch.setattr(Run, "report", noted)
    wish = make_wish(key, count=24, format="yolo", single_class=True)
    handlers.start(wish)
    stopped = wait_run(handlers, key)
    assert (stopped["state"], stopped["done"], stopped["total"]) == ("stopped", 8, 24)
    counted.clear()
    stop_at[0] = 0
    handlers.start(wish)
    again = wait_run(handlers, key)
    assert (again["state"], again["done"], again["total"]) == ("stopped", 8, 24)
    counted.clear()
    stop_at[0] = 99
    handlers.start(wish)
    assert wait_run(handlers, key)["state"] == "done"
    drawn = [done for state, done in counted if state == "drawing"]
    assert (min(drawn), drawn == sorted(drawn)) == (8, True)


def test_a_wish_whose_count_was_lost_is_begun_anew(handlers, key, workshop):
    """As a full disk may leave it."""
    _start(handlers, key)
    assert wait_run(handlers, key)["state"] == "done"
    (counted,) = (workshop.visits.get(key).folder / "made").glob("*/count")
    counted.write_text("")
    handlers.start(make_wish(key, count=3, format="yolo", single_class=True))
    assert wait_run(handlers, key)["state"] == "done"
    assert handlers.made({"visit": key})["images"] == 3
    assert counted.read_text() == "3"


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
    wish = make_wish(key, count=2, format="yolo", single_class=True)
    run = handlers.start({**wish, **values})
    assert run["state"] == "failed"
    assert message in run["error"]


def test_a_full_visit_takes_no_more(handlers, key, workshop, tmp_path):
    workshop.limits = replace(workshop.limits, visit_max_bytes=1000)
    (workshop.visits.get(key).folder / "backgrounds").mkdir()
    (workshop.visits.get(key).folder / "backgrounds" / "large").write_bytes(b"x" * 1001)
    wish = {"visit": key, "wall": "cutouts", "files": [upload(tmp_path)]}
    assert "the limit is" in handlers.add(wish)["error"]
    assert "the limit is" in _start(handlers, key)["error"]
    with pytest.raises(InputError, match="the limit is 0 MB"):
        handlers.folder_of(ALICE)


def test_the_cutout_maker_minds_the_number_of_cutouts(handlers, key, workshop, tmp_path):
    assert handlers.folder_of(ALICE) == workshop.visits.get(key).folder / "cutouts"
    handlers.add({"visit": key, "wall": "cutouts", "files": [upload(tmp_path)]})
    workshop.limits = replace(workshop.limits, synth_max_files=1)
    with pytest.raises(InputError, match="you have 1 cutouts, the limit is 1"):
        handlers.folder_of(ALICE)


def test_a_made_data_set_keeps_nobody_from_bringing_more(handlers, key, workshop, tmp_path):
    _start(handlers, key)
    assert wait_run(handlers, key)["state"] == "done"
    made = size_of(workshop.visits.get(key).folder / "made")
    workshop.limits = replace(workshop.limits, visit_max_bytes=made // 2)
    wish = {"visit": key, "wall": "cutouts", "files": [upload(tmp_path)]}
    assert len(handlers.add(wish)["own"]) == 1


def test_a_data_set_that_takes_too_much_room_is_ended_early(handlers, key, workshop, monkeypatch):
    monkeypatch.setattr("frontends.workshop._MEASURED_EVERY_S", 0.0)
    workshop.limits = replace(workshop.limits, visit_max_bytes=20_000)
    handlers.start(make_wish(key, count=40, format="yolo", single_class=True))
    run = wait_run(handlers, key)
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
    assert wait_run(handlers, key)["state"] == "done"
    before = handlers.made({"visit": key})
    (workshop.visits.get(key).folder / "backgrounds").mkdir()
    (workshop.visits.get(key).folder / "backgrounds" / "broken.jpg").write_bytes(b"no picture")
    _start(handlers, key, backgrounds={"ours": False})
    run = wait_run(handlers, key)
    assert run["state"] == "failed"
    assert "no usable background is left" in run["error"].lower()
    assert handlers.made({"visit": key}) == before
    assert len(handlers.gallery({"visit": key})["pictures"]) == 6
    _start(handlers, key, seed=1)
    assert wait_run(handlers, key)["state"] == "done"
    assert len(list((workshop.visits.get(key).folder / "made").iterdir())) == 1


def _drawn_until(monkeypatch: pytest.MonkeyPatch, check: Any) -> None:
    """Stops runs once the material is checked; `check` looks at what is there then."""

    def draw(job: Any, on_progress: Any) -> Any:
        job.out.mkdir(parents=True, exist_ok=True)
        (job.out / "picture").write_bytes(b"x" * 1000)
        on_progress(job.count, job.count, "making images")
        check()
        raise Cancelled("seen.")

    monkeypatch.setattr("frontends.workshop.generate", draw)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_data_set_before_stays_until_the_new_one_is_done(handlers, key, workshop, seed):
    """Of the same wish as of another one."""
    _start(handlers, key)
    assert wait_run(handlers, key)["made"] is True
    before = handlers.made({"visit": key})
    path = workshop.made(workshop.visits.get(key)).zip_path
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        _drawn_until(patch, lambda: seen.append((path.is_file(), handlers.made({"visit": key}))))
        _start(handlers, key, seed=seed)
        run = wait_run(handlers, key)
    assert (run["state"], run["made"], seen) == ("stopped", True, [(True, before)])
    assert len(handlers.gallery({"visit": key})["pictures"]) == 6
    _start(handlers, key, seed=2)
    assert wait_run(handlers, key)["state"] == "done"
    assert handlers.made({"visit": key})["zip"]["url"] != before["zip"]["url"]
    assert len(list((workshop.visits.get(key).folder / "made").iterdir())) == 1


def test_the_data_set_before_goes_where_there_is_no_room_for_both(handlers, key, workshop):
    _start(handlers, key)
    wait_run(handlers, key)
    made = workshop.visits.get(key).folder / "made"
    workshop.limits = replace(workshop.limits, visit_max_bytes=size_of(made) + 1000)
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        _drawn_until(patch, lambda: seen.append(len(list(made.iterdir()))))
        _start(handlers, key, seed=1)
        run = wait_run(handlers, key)
    assert (run["state"], run["made"], seen) == ("stopped", False, [1])
    assert "no data set yet" in handlers.made({"visit": key})["error"]


def test_a_data_set_that_grows_is_none_until_it_is_done(handlers, key):
    _start(handlers, key)
    wait_run(handlers, key)
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        _drawn_until(patch, lambda: seen.append(handlers.progress({"visit": key})["made"]))
        handlers.start(make_wish(key, count=7, format="yolo", single_class=True))
        wait_run(handlers, key)
    assert seen == [False]


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
    assert wait_run(handlers, key)["state"] == "done"
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


def test_a_run_for_which_no_thread_can_be_had_is_in_nobodys_way(monkeypatch):
    runs = Runs(1)

    def refuse(thread: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("threading.Thread.start", refuse)
        with pytest.raises(RuntimeError):
            runs.start("a", lambda run: "done")
    run = runs.start("a", lambda run: "done")
    while not run.is_over:
        time.sleep(0.01)
    assert run.state == "done"


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
