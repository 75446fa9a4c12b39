"""How the form for a data set tells what stopping and going on mean, run by Node.js."""

from __future__ import annotations

import json

import pytest

from frontends.ui.text_synth import MAKE
from tests.frontends.script_stage import NODE, play

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js: apt-get install nodejs")

STAGE = f"""
const room = window.spotter.room("synth"), wait = globalThis.setTimeout;
const rest = (ms = 5) => new Promise((go) => wait(go, ms));
let poll = null, answer = null;
globalThis.setTimeout = (run) => {{ poll = run; }};
globalThis.clearTimeout = () => {{}};
window.spotter.shares = () => ({{ values: () => [80, 10, 10], trains: () => true }});
window.spotter.element = () => node();
const element = node();
const find = (name) => element.querySelector(`.${{name}}`);
const hear = (name) => {{
  const heard = {{}};
  find(name).addEventListener = (kind, run) => {{ heard[kind] = run; }};
  return heard;
}};
const form = hear("make"), stop = hear("stop"), format = hear("format"), counted = hear("count");
let running = false;
find("make").toggleAttribute = (_, is) => {{ running = is; }};
find("make").hasAttribute = () => running;
for (const [name, value] of [["count", 100], ["format", "yolo"], ["classes", "single"]]) {{
  find(name).value = value;
}}
find("notice").textContent = "";
const give = async () => answer;
createMake({{
  element, server: {{ start: give, progress: give, stop: give }},
  props: {{
    room: "synth", words: {json.dumps(MAKE)}, formats: [], sizes: [], most: 2000, splits: [],
    shares: [80, 10, 10],
  }},
}});
const settings = {{ canvas_wh: [640, 360] }};
room.set({{ visit: "v", settings, cutouts_use: {{ version: 0 }} }});
const run = (state, done, total = 100) => ({{ state, done, total, left_s: null, error: "" }});
const go = async (first) => {{ answer = first; await form.submit({{ preventDefault() {{}} }}); }};
const then = async (next) => {{ answer = next; await poll(); }};
const told = () => [find("go").textContent, find("notice").textContent];
"""
SCRIPTS = ("page.js", "make/make.js")


def test_a_stopped_data_set_is_continued_only_as_it_was_wished_for():
    log = play(
        SCRIPTS,
        STAGE,
        """
        log.first = told();
        await go(run("drawing", 0)); await then(run("stopped", 32)); log.stopped = told();
        room.set({ settings: { ...settings, flip_ratio: 1 } }); log.setting = told();
        room.set({ settings: { ...settings } }); log.back = told();
        room.set({ cutouts_use: { version: 1 } }); log.cutouts = told();
        room.set({ cutouts_use: { version: 0 } });
        find("format").value = "coco"; format.change(); log.format = told();
        find("format").value = "yolo"; format.change();
        find("count").value = 50; counted.input(); log.fewer = told();
        find("count").value = 200; counted.input(); log.more = told();
        await go(run("drawing", 32, 200)); log.begun = find("notice").textContent;
        await then(run("done", 200, 200)); log.done = told();
        """,
    )
    make, kept = "Make 100 pictures", "Stopped after 32 of 100. "
    other = [make, MAKE["stopped_other"].format(done=32, all=100)]
    assert log["first"] == [make, ""]
    go_on = [f"{kept}What is done is kept; continue when you like."]
    assert log["stopped"] == log["back"] == ["Continue (32 of 100)", *go_on]
    assert log["setting"] == log["cutouts"] == log["format"] == other
    assert log["fewer"] == ["Make 50 pictures", other[1]]
    assert log["more"] == ["Continue (32 of 200)", *go_on]
    assert log["begun"] == ""
    assert log["done"] == ["Make 200 pictures", ""]


def test_what_is_kept_stays_known_when_a_run_is_stopped_while_it_waits():
    log = play(
        SCRIPTS,
        STAGE,
        """
        await go(run("waiting", 0, 0)); await then(run("stopped", 0, 0)); log.none = told();
        await go(run("drawing", 0)); await then(run("stopped", 32));
        await go(run("waiting", 0, 0)); await then(run("stopped", 0, 0)); log.again = told();
        await go({ ...run("failed", 0, 0), error: "no" }); room.set({ scene_s: 1 });
        log.refused = told();
        """,
    )
    assert log["none"] == ["Make 100 pictures", MAKE["stopped_none"]]
    assert log["again"][0] == "Continue (32 of 100)"
    assert log["refused"] == ["Continue (32 of 100)", "no"]


def test_stop_says_at_once_that_it_stops():
    log = play(
        SCRIPTS,
        STAGE,
        """
        const shown = () => [find("stop").textContent, find("stop").disabled === true];
        await go(run("drawing", 0)); log.before = shown();
        answer = run("drawing", 8);
        const pressed = stop.click(); log.now = shown(); await pressed; log.answered = shown();
        await then(run("drawing", 16)); log.later = shown();
        await then(run("stopped", 16)); log.over = shown();
        """,
    )
    assert log["before"] == log["over"] == ["Stop", False]
    assert log["now"] == log["answered"] == log["later"] == ["Stopping", True]


def test_what_changes_the_data_set_below_is_told_before():
    log = play(
        SCRIPTS,
        STAGE,
        """
        const said = () => find("estimate").textContent;
        const count = (all) => { find("count").value = all; counted.input(); };
        await go(run("drawing", 0)); await then({ ...run("done", 9, 9), made: true });
        log.same = said();
        count(200); log.grows = said();
        room.set({ settings: { ...settings, flip_ratio: 1 } }); log.other = said();
        room.set({ settings: { ...settings } });
        await go({ ...run("drawing", 0, 200), made: false }); await then(run("stopped", 150, 200));
        log.goes_on = said();
        """,
    )
    assert log == {"same": "", "grows": MAKE["changes"], "other": "", "goes_on": ""}


def test_the_data_set_before_is_shown_as_long_as_it_is_there():
    stage = """
    const room = window.spotter.room("synth"), element = node();
    const find = (name) => element.querySelector(`.${name}`);
    globalThis.createPlots = () => ({});
    createMade({ element, server: {}, props: { room: "synth", words: {} } });
    find("made").hidden = false;
    const tell = (state, made) => {
      room.set({ run: { state, made } });
      return [find("made").hidden, find("earlier").hidden];
    };
    """
    log = play(
        ("page.js", "made/made.js"),
        stage,
        """
        log.kept = [tell("drawing", true), tell("stopped", true), tell("done", true)];
        log.gone = tell("drawing", false)[0];
        """,
    )
    assert log == {"kept": [[False, False], [False, False], [False, True]], "gone": True}
