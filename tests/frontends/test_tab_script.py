"""How the other parts of the tab Annotate follow what a person does, run by Node.js."""

from __future__ import annotations

import json

import pytest

from frontends.ui.text_synth import WALLS
from tests.frontends.script_stage import NODE, play

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js: apt-get install nodejs")

PARTS = """
const room = window.spotter.room("annotate"), state = room.state;
const rest = (ms = 5) => new Promise((go) => wait(go, ms));
const wait = globalThis.setTimeout, timers = [];
globalThis.setTimeout = (run) => timers.push(run);
globalThis.clearTimeout = () => {};
const tick = async () => { timers.splice(0).forEach((run) => run()); await rest(); };
let isOpen = false;
window.spotter.layer = () => ({
  open: () => { isOpen = true; }, close: () => { isOpen = false; }, isOpen: () => isOpen,
  onEscape() {},
});
window.spotter.element = window.spotter.svg = () => node();
document.addEventListener = () => {};
const element = node();
const line = element.querySelector(".said-text");
line.textContent = "";
const said = () => line.textContent;
"""


FIND = "const find = (name) => element.querySelector(`.${name}`);"


def test_what_was_put_off_stands_where_the_time_left_stood():
    stage = """
    const words = new Proxy(
      {
        invite: {}, done_of: "{done} of {all}", pace: "{left} left", seconds: "{value} s",
        later: "{count} later",
      },
      { get: (all, name) => all[name] ?? "" },
    );
    createBench({ element, props: { room: "annotate", words }, upload: null, server: {} });
    const tell = (images) => {
      const progress = { total: 4, done: 3, seconds_per_image: 5, left_s: 5, images };
      room.set({ progress });
      const told = (name) => element.querySelector(`.${name}`).textContent;
      return told("count") + told("each");
    };
    """
    log = play(
        ("page.js", "bench/bench.js"),
        PARTS + stage,
        "log.now = [{ new: 1, skipped: 1 }, { done: 3, skipped: 1 }, { done: 4 }].map(tell);",
    )
    assert log["now"] == ["3 of 4 · 5 s left", "3 of 4 · 1 later", "3 of 4"]


def test_what_training_lacks_is_told_before_it_is_asked_for():
    stage = """
    const props = { room: "annotate", words: { labels: {}, states: {}, figures: {} } };
    const answers = ["Training needs torch.", ""];
    createLessons({ element, props, server: {
      list_lessons: async () => ({ runs: [], lacking: answers.shift() }),
    } });
    const tell = () => [find("lacking").hidden, find("lacking").textContent, find("go").disabled];
    """
    log = play(
        ("page.js", "sheet.js", "lessons/lessons.js"),
        PARTS + FIND + stage,
        """
        room.set({ project: { key: "a" } }); room.set({ sheet: { name: "lessons" } });
        await rest(); log.lacking = tell();
        room.set({ sheet: null }); room.set({ sheet: { name: "lessons" } });
        await rest(); log.ready = tell();
        """,
    )
    assert log["lacking"] == [False, "Training needs torch.", True]
    assert log["ready"] == [True, "", False]


def test_a_closed_sheet_asks_nothing_any_more():
    stage = """
    const props = { room: "annotate", words: { labels: {}, states: {}, figures: {} } };
    const run = { state: "running", curve: [], metrics: {}, progress: 0 };
    log.calls = 0;
    createLessons({ element, props, server: {
      list_lessons: async () => { log.calls += 1; return { runs: [run] }; },
    } });
    """
    log = play(
        ("page.js", "sheet.js", "lessons/lessons.js"),
        PARTS + stage,
        """
        room.set({ project: { key: "a" } }); room.set({ sheet: { name: "lessons" } });
        await rest(); log.opened = log.calls; await tick(); log.later = log.calls;
        room.set({ sheet: null }); await tick(); log.closed = log.calls;
        room.set({ sheet: { name: "lessons" }, project: null }); await tick();
        log.left = log.calls;
        """,
    )
    assert [log[name] for name in ("opened", "later", "closed", "left")] == [1, 2, 2, 2]


def test_who_comes_back_to_a_project_is_told_how_its_run_has_ended():
    stage = """
    const words = new Proxy({ invite: {} }, { get: (all, name) => all[name] ?? "" });
    createBench({ element, props: { room: "annotate", words }, upload: null, server: {
      describe_project: async () => ({}), run_state: async () => ({ running: true }),
    } });
    const [a, b] = ["a", "b"].map((key) => ({ key, name: key }));
    const over = { running: false, state: "done", said: "2 images written." };
    """
    log = play(
        ("page.js", "bench/bench.js"),
        PARTS + stage,
        """
        room.set({ project: a, run: over }); log.before = said() === over.said;
        room.set({ run: { running: true, state: "exporting" } });
        room.set({ project: null, run: null });
        room.set({ project: b, run: { ...over, said: "of b" } });
        log.elsewhere = said() === "of b";
        room.set({ project: null, run: null }); room.set({ project: a, run: { ...over } });
        await rest(); log.back = said();
        line.textContent = "";
        room.set({ project: null, run: null }); room.set({ project: a, run: { ...over } });
        await rest(); log.again = said();
        """,
    )
    told = [log[name] for name in ("before", "elsewhere", "back", "again")]
    assert told == [False, False, "2 images written.", ""]


BENCH = """
const hear = {};
document.addEventListener = (kind, run) => { (hear[kind] ??= []).push(run); };
const fire = (kind, event = {}) => hear[kind].forEach((run) => run({ target: null, ...event }));
const words = new Proxy({ invite: {} }, { get: (all, name) => all[name] ?? "" });
createBench({ element, props: { room: "annotate", words }, upload: null, server: {
  describe_project: async () => ({}), run_state: async () => ({ running: true }),
} });
window.spotter.room("page").set({ tab: "annotate" });
const told = element.querySelector(".said");
told.contains = (target) => target === "link";
room.set({ project: { key: "a", name: "a" } });
const end = async (more) => {
  room.set({ run: { running: true, state: "exporting" } });
  room.set({ run: { running: false, state: "done", said: "made", ...more } });
  await rest();
};
"""


def test_what_is_told_goes_with_the_next_action():
    log = play(
        ("page.js", "bench/bench.js"),
        PARTS + BENCH,
        """
        const made = { link: { url: "u", text: "made.zip", download: true } };
        const after = async (...events) => {
          await end(made); events.forEach(([kind, event]) => fire(kind, event)); return said();
        };
        const click = (target) => [["pointerdown", { target }], ["click", { target }]];
        log.stays = [await after(["keydown", { key: "Tab" }]), await after(...click("link"))];
        log.goes = [await after(["keydown", { key: "a" }]), await after(...click("picture"))];
        fire("pointerdown"); await end(made); fire("click"); log.came = said();
        room.set({ notice: { message: "conflict", calm: false } });
        fire("keydown", { key: "a" }); log.wrong = said();
        room.set({ sheet: { name: "outlet" } }); log.sheet = said();
        """,
    )
    assert log["stays"] == ["made", "made"]
    assert log["goes"] == ["", ""]
    assert log["came"] == "made", "what came while the pointer was down has not been read yet"
    assert (log["wrong"], log["sheet"]) == ("conflict", "")


def test_an_export_leaves_the_order_of_the_pictures():
    log = play(
        ("page.js", "bench/bench.js"),
        PARTS + BENCH,
        """
        log.loads = 0; room.on(["queue_again"], () => { log.loads += 1; });
        await end({ link: { url: "u", text: "made.zip" } }); log.exported = log.loads;
        await end({}); log.imported = log.loads;
        """,
    )
    assert (log["exported"], log["imported"]) == (0, 1)


def test_what_was_made_last_stays_under_export():
    stage = """
    const words = { labels: {}, confirmed: "", all: "", share: "" };
    const props = {
      room: "annotate", formats: [["yolo", "YOLO", ""]], words, whole: [],
      splits: ["train", "val", "test"], shares: [80, 10, 10],
    };
    for (const name of ["formats", "modes"]) {
      element.querySelector(`.${name}`).children = [node(), node()];
    }
    createOutlet({ element, props, server: {} });
    const offers = (key) => {
      room.set({ sheet: null, project: { key } }); room.set({ sheet: { name: "outlet" } });
      return element.querySelector(".made").hidden ? "" : element.querySelector(".made-link").href;
    };
    """
    log = play(
        ("page.js", "sheet.js", "shares.js", "outlet/outlet.js"),
        PARTS + stage,
        """
        log.before = offers("a");
        room.set({ run: { link: { url: "u", text: "made.zip", download: true } } });
        room.set({ run: { running: true } });
        log.now = [offers("a"), offers("b")];
        """,
    )
    assert (log["before"], log["now"]) == ("", ["u", ""])


@pytest.mark.parametrize(
    ("part", "more", "taken"),
    [("bench", {"e.csv": 60, "f.csv": 61}, ["e.csv"]), ("wall", {}, [])],
)
def test_a_zip_file_may_be_larger_than_a_picture(part, more, taken):
    stage = f"""
    const more = {json.dumps(more)};
    let change;
    find("file").addEventListener = (_, run) => {{ change = run; }};
    const words = new Proxy({{ invite: {{}} }}, {{ get: (all, name) => all[name] ?? "" }});
    const props = {{
      room: "annotate", name: "cutouts", words, files_max: 9,
      upload_max_bytes: 10, archive_max_bytes: 100, labels_max_bytes: {{ ".csv": 60 }},
    }};
    const take = async ({{ files }}) => {{
      log.taken = files.map((file) => file.name).sort();
      return {{}};
    }};
    create{part.capitalize()}({{
      element, props, upload: async (file) => ({{ path: file.name }}), watch() {{}},
      server: {{ import_files: take, add: take }},
    }});
    room.set({{ project: {{ key: "a", name: "a" }}, visit: "v" }});
    const sizes = {{ "a.png": 10, "b.png": 11, "c.ZIP": 100, "d.zip": 101, "zip.png": 50 }};
    Object.assign(sizes, more);
    find("file").files = Object.entries(sizes).map(([name, size]) => ({{ name, size }}));
    """
    log = play(("page.js", f"{part}/{part}.js"), PARTS + FIND + stage, "change(); await rest(20);")
    assert log["taken"] == ["a.png", "c.ZIP", *taken]


def test_a_wall_tells_of_every_file_that_it_did_not_take():
    stage = f"""
    let change;
    find("file").addEventListener = (_, run) => {{ change = run; }};
    find("notice").replaceChildren = (...lines) => {{ log.told = lines; }};
    window.spotter.element = (_, told) => told?.text ?? node();
    const props = {{
      room: "annotate", name: "backgrounds", words: {json.dumps(WALLS["backgrounds"])},
      files_max: 3, upload_max_bytes: 1e7, archive_max_bytes: 1e7,
    }};
    const add = async ({{ files }}) => {{
      if (files.some((file) => file.name === "e.png")) throw Error("too many");
      return {{ own: [], refused: [["b.png", "is damaged."]] }};
    }};
    const upload = async (file) => {{
      if (file.name === "c.png") throw Error("gone");
      return {{ path: file.name }};
    }};
    createWall({{ element, props, upload, watch() {{}}, server: {{ add }} }});
    room.set({{ visit: "v" }});
    const bring = async (sizes) => {{
      find("file").files = Object.entries(sizes).map(([name, size]) => ({{ name, size }}));
      change(); await rest(20);
      return log.told;
    }};
    """
    log = play(
        ("page.js", "wall/wall.js"),
        PARTS + FIND + stage,
        """
        const many = { "b.png": 1, "c.png": 1, "d.png": 1, "e.png": 1, "f.png": 1 };
        log.all = await bring({ "a.png": 5e7, ...many });
        log.none = await bring({ "c.png": 1 });
        log.fails = await bring({ "a.png": 5e7, "e.png": 1 });
        log.good = await bring({ "b.png": 1 });
        """,
    )
    large = "a.png has 50 MB, the limit is 10 MB."
    lost = WALLS["backgrounds"]["upload_failed"]
    refused = ["1 not taken:", "b.png: is damaged."]
    over = "Not sent: 2 more than the limit of 3 files at once."
    assert log["all"] == [large, over, lost, *refused]
    assert log["none"] == [lost]
    assert log["fails"] == [large, "too many"]
    assert log["good"] == refused, "what was said of earlier files is gone"
