"""How the parts of the tab Annotate show what they are told, run by Node.js."""

from __future__ import annotations

import json
from typing import Any

import pytest

from frontends.ui.text import PICTURE as PICTURE_WORDS
from frontends.ui.text_annotate import BOXES, STRIP
from frontends.ui.text_keys import KEYS
from frontends.ui.text_synth import MAKE
from tests.frontends.script_stage import NODE, play

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js: apt-get install nodejs")

# Elements that keep their children, and a room.
STAGE = """
const rest = (ms = 5) => new Promise((go) => setTimeout(go, ms));
const room = window.spotter.room("annotate"), state = room.state;
const leaf = () => ({
  offsetWidth: 40, offsetHeight: 16, style: {}, dataset: {},
  append() {}, remove() {}, toggleAttribute() {}, addEventListener() {}, setAttribute() {},
  contains: () => false, querySelector: () => null, querySelectorAll: () => [],
});
window.spotter.element = window.spotter.svg = window.spotter.mark = leaf;
globalThis.requestAnimationFrame = (run) => setTimeout(run, 0);
globalThis.ResizeObserver = class { observe() {} };
document.addEventListener = () => {};
const element = node();
const find = (name) => element.querySelector(`.${name}`);
"""

PICTURE = ("view", "labels", "grips", "editing", "pointing", "intake", "taking", "picture")


def test_no_box_stays_where_the_picture_has_gone():
    stage = """
    const kept = { overlay: 0, labels: 0 };
    for (const name of Object.keys(kept)) {
      find(name).replaceChildren = (...nodes) => { kept[name] = nodes.length; };
    }
    Object.assign(find("stage"), { clientWidth: 300, clientHeight: 200, append() {} });
    const words = new Proxy({}, { get: () => "" });
    createPicture({
      element, trigger() {}, upload() {}, watch() {},
      props: { room: "annotate", words, fixed: true, editable: true },
    });
    const box = { id: 1, x: 10, y: 10, w: 90, h: 60, label: "kite", probability: null };
    """
    log = play(
        ("page.js", *(f"picture/{name}.js" for name in PICTURE)),
        STAGE + stage,
        """
        room.set({ picture: { url: "a", wh: [300, 200] }, boxes: [box] });
        await rest(); log.shown = { ...kept };
        room.set({ picture: null, boxes: [] }); await rest(); log.gone = { ...kept };
        """,
    )
    assert log["shown"] == {"overlay": 1, "labels": 1}
    assert log["gone"] == {"overlay": 0, "labels": 0}


@pytest.mark.parametrize(
    ("photo", "told"),
    [
        ({"state": "proposed", "reason": "low score"}, "low score"),
        ({"state": "proposed", "reason": ""}, "waits for you"),
        ({"state": "skipped", "reason": "low score"}, "put off"),
        ({"state": "done", "reason": "low score"}, "done"),
        ({"state": "skipped", "reason": "", "removed": True}, "removed from the project"),
    ],
)
def test_a_picture_says_what_it_is_before_why_it_is_doubted(photo, told):
    stage = f"""
    Object.assign(find("film"), {{ clientWidth: 0, scrollLeft: 0 }});
    const words = {json.dumps(STRIP)};
    createStrip({{ element, props: {{ room: "annotate", words }}, server: {{}} }});
    room.set({{ photo: {json.dumps(photo)} }}); log.why = find("why").textContent;
    """
    assert play(("page.js", "strip/strip.js"), STAGE + stage, "")["why"] == told


def test_a_held_key_settles_one_thing_alone():
    stage = f"""
    let press; const commands = [];
    document.addEventListener = (name, does) => {{ press = does; }};
    window.spotter.sheet = () => {{}};
    createKeys({{ element, server: {{}}, props: {{
      room: "annotate", keys: {json.dumps(KEYS)}, words: {{}},
    }} }});
    window.spotter.room("page").set({{ tab: "annotate" }}); room.set({{ project: {{}} }});
    room.on(["command"], ({{ command }}) => {{ commands.push(command.name); }});
    const hold = (key) => {{
      commands.length = 0;
      for (const repeat of [false, true, true]) {{
        press({{ key, repeat, target: {{ closest: () => null }}, preventDefault() {{}} }});
      }}
      return commands.length;
    }};
    """
    log = play(
        ("page.js", "keys/keys.js"),
        STAGE + stage,
        "for (const key of ['Enter', 'n', 's', 'a', 'x', 'PageDown', 'ArrowLeft'])"
        " log[key] = hold(key);",
    )
    assert log == {"Enter": 1, "n": 1, "s": 1, "a": 1, "x": 1, "PageDown": 3, "ArrowLeft": 3}


def test_a_number_over_the_limit_is_told_and_not_changed():
    stage = f"""
    const words = {json.dumps(MAKE)};
    const given = [];
    window.spotter.element = (tag, told) => {{
      const one = {{ ...leaf(), ...told }};
      if (tag === "input") given.push(one);
      return one;
    }};
    find("size").value = find("seed").value = find("count").value = "";
    createMake({{ element, server: {{}}, props: {{
      room: "annotate", words, sizes: [[640, 366]], formats: [], most: 2000,
      splits: ["train", "val", "test"], shares: [80, 10, 10],
    }} }});
    room.set({{ visit: "v", scene_s: 0.1, settings: {{ canvas_wh: [640, 366] }} }});
    const wish = (count) => {{
      find("count").value = count; room.set({{ scene_s: Math.random() }});
      return [find("go").disabled, find("estimate").textContent, find("count").value];
    }};
    """
    log = play(
        ("page.js", "shares.js", "make/make.js"),
        STAGE + stage,
        """
        log.over = wish("99999"); log.under = wish("2000"); log.first = state.shares;
        given[1].value = "60"; given[2].value = "-5"; given[1].onchange();
        log.typed = [state.shares, given[2].value];
        given[0].value = ""; given[0].onchange(); log.untrained = [state.shares, wish("20")[0]];
        """,
    )
    assert log["over"] == [True, "At most 2,000 here. The command line makes more.", "99999"]
    assert log["under"][0] is False
    assert "about" in log["under"][1]
    assert log["first"] == [80, 10, 10]
    assert log["typed"] == [[80, 60, 0], 0]
    assert log["untrained"] == [[80, 60, 0], True], "nobody draws or makes scenes without training"


def test_a_typed_number_takes_the_other_end_along():
    stage = """
    const inputs = [], sets = [];
    const make = (tag, told) => {
      const one = { ...leaf(), style: { setProperty() {} }, ...told };
      if (tag === "input") inputs.push(one);
      return one;
    };
    const knob = { kind: "span", title: "Objects", low: 0, high: 20, step: 1, unit: "" };
    const set = (value) => { sets.push(value); span.show(value); };
    const kit = { make, set, fill: (text) => text };
    const span = settingControls.span(knob, { from: "from", to: "to" }, kit);
    span.show([1, 6]);
    const [lower, upper, from, to] = inputs;
    const type = (input, value) => { input.value = String(value); input.onchange(); };
    """
    scene = """
    type(from, 30); log.from = sets.at(-1);
    type(to, 2); log.to = sets.at(-1);
    span.show([1, 6]);
    lower.oninput({ target: { value: 900 } }); log.slid = sets.at(-1);
    """
    log = play(("page.js", "knobs/controls.js"), STAGE + stage, scene)
    assert log == {"from": [30, 30], "to": [2, 2], "slid": [6, 6]}


def test_of_several_pictures_the_first_is_taken_and_that_is_said():
    stage = f"""
    const heard = {{}}; const said = []; const taken = [];
    find("stage").addEventListener = (name, does) => {{ heard[name] = does; }};
    document.addEventListener = (name, does) => {{ heard[name] ??= does; }}; // the stage's first
    connectIntake({{
      element, words: {json.dumps(PICTURE_WORDS)}, limit_bytes: 1e6,
      notice: (...told) => said.push(told), take: (file) => taken.push(file.name),
    }});
    const file = (name, type) => ({{ name, type, size: 9 }});
    const one = file("one.png", "image/png"), two = file("two.jpg", ""), notes = file("a.txt", "");
    const preventDefault = () => {{}};
    const bring = (name, files) => {{
      said.length = taken.length = 0;
      heard[name]({{ preventDefault, dataTransfer: {{ files }}, clipboardData: {{ files }} }});
      return [[...taken], said.at(-1)];
    }};
    """
    log = play(
        ("page.js", "picture/intake.js"),
        STAGE + stage,
        """
        for (const name of ["drop", "paste"]) log[name] = bring(name, [one, two, two]);
        log.one = bring("drop", [one]); log.notes = bring("drop", [notes, two]);
        log.none = bring("paste", [notes, notes]); log.words = bring("paste", []);
        """,
    )
    for name in ("drop", "paste"):
        taken, (told, is_calm) = log[name]
        assert (taken, is_calm) == (["one.png"], True)
        assert told.startswith("One picture at a time: the first of 3 was taken.")
    assert log["one"] == [["one.png"], [""]]
    assert log["notes"] == [["two.jpg"], [""]], "what is no picture is not counted"
    assert log["none"] == [[], [PICTURE_WORDS["not_a_picture"]]]
    assert log["words"] == [[], None], "words are pasted as ever"


# ---------------------------------------------------------------- the list of boxes

# What was made last with a class, and the list beside a server that tells a growing history.
BOXLIST = f"""
const made = [];
window.spotter.element = (tag, attributes = {{}}, children = []) => {{
  const one = {{ ...leaf(), ...attributes, tag, children: children.filter(Boolean) }};
  made.push(one);
  return one;
}};
const last = (name) => made.findLast((one) => one.class === name);
const texts = (one) => [one.text, ...(one.children || []).flatMap(texts)].filter(Boolean);
let asked = 0;
const questions = [];
const size = {{ scrollHeight: 9, clientHeight: 9 }};
Object.assign(find("rows"), {{ children: [], insertBefore() {{}}, ...size }});
const props = {{ room: "annotate", words: {json.dumps(BOXES)}, patience_ms: 1500 }};
createBoxlist({{ element, props, server: {{
  history: async () => {{ asked += 1; return {{ entries: [`entry ${{asked}}`] }}; }},
  suggest: ({{ xyxy }}) => new Promise((go, fail) => questions.push({{ xyxy, go, fail }})),
}} }});
room.set({{ project: {{ key: "a" }} }});
"""


def _list(scene: str) -> Any:
    return play(("page.js", "boxlist/boxlist.js"), STAGE + BOXLIST, scene)


@pytest.mark.parametrize(
    ("state", "rows", "word"),
    [
        ("new", [], "no_boxes"),
        ("done", [], "none_here"),
        ("done", [{"id": 1, "state": "rejected"}], "none_here"),
        ("proposed", [{"id": 1, "state": "proposed"}], "all_hidden"),
    ],
)
def test_an_empty_list_says_why(state, rows, word):
    log = _list(f"""
      room.set({{ photo: {{ state: "{state}" }}, rows: {json.dumps(rows)}, listed: [] }});
      log.told = find("empty").textContent;
    """)
    assert log["told"] == BOXES[word]


def test_an_open_history_goes_on_with_the_picture():
    log = _list("""
      const box = { id: 7, state: "confirmed", w: 9, h: 9, probability: null, detector: null };
      const photo = { version: 3 };
      room.set({ photo, rows: [box], listed: [box], selected: 7 });
      last("link").onclick(); await rest(); log.first = texts(last("history"));
      room.set({ photo: { ...photo } }); await rest(); log.same = asked;
      room.set({ photo: { version: 4 } }); await rest(); log.then = texts(last("history"));
      last("link").onclick();
      room.set({ photo: { version: 5 } }); await rest(); log.closed = asked;
    """)
    assert (log["first"], log["same"]) == (["entry 1"], 1)
    assert (log["then"], log["closed"]) == (["entry 2"], 2)


# Two boxes of a picture, a server whose answer waits, and the captions that were given.
NAMING = """
const given = log.given = [];
room.on(["command"], ({ command }) => given.push([command.args[0], command.args[1].caption]));
const at = (id, x) => ({
  id, x, y: 1, w: 9, h: 9, state: "confirmed", caption: "", probability: null, detector: null,
});
const show = (...rows) => room.set({ rows, listed: rows });
const told = (...captions) => (
  { suggestions: captions.map((caption) => ({ caption, probability: 0.5 })) }
);
room.set({ photo: { id: 1 } }); show(at(7, 10), at(8, 50)); room.set({ selected: 7 });
room.set({ suggest: {} }); await rest(150);
"""


def test_a_caption_that_is_late_goes_to_the_box_that_was_meant():
    log = _list(
        NAMING
        + """
      log.naming = [state.naming];
      room.set({ selected: 8 }); show(at(7, 10), at(8, 51)); await rest(150);
      log.waiting = questions.length;
      questions[0].go(told("kite", "drone")); await rest(150);
      log.naming.push(state.naming); log.asked = questions.map(({ xyxy }) => xyxy[0]);
    """
    )
    assert log["given"] == [[7, "kite"]]
    assert log["naming"] == ["waits", ""]
    assert (log["waiting"], log["asked"]) == (1, [10, 51]), "then of the one that is chosen now"


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        ("questions[0].go({ error: 'no disk' })", "no disk"),
        ("questions[0].fail(new Error('no connection'))", "no connection"),
        ("questions[0].go(told())", BOXES["none_fits"]),
        ("await rest(1600)", BOXES["suggested_late"]),
        ("room.set({ photo: { id: 2 } })", BOXES["not_suggested"]),
        ("show({ ...at(7, 10), state: 'rejected' }, at(8, 50))", None),
    ],
    ids=["refused", "lost", "none", "late", "left", "rejected"],
)
def test_a_caption_that_cannot_come_is_told_and_given_to_no_other_box(happens, said):
    log = _list(
        NAMING
        + f"""
      room.set({{ selected: 8 }}); {happens}; await rest();
      log.now = [state.naming, state.notice ? state.notice.message : null];
      questions[0].go(told("kite")); await rest(20);
    """
    )
    assert log["given"] == []
    assert log["now"] == ["failed", said]


def test_what_was_looked_for_says_what_it_is_and_what_can_be_done():
    log = _list("""
      const now = () => [last("seen").text, last("toggle turn").text];
      room.on(["command"], ({ command }) => { log.sent = command.args; });
      room.set({ asked: [{ caption: "kite", found: true }] }); log.found = now();
      last("toggle turn").onclick(); log.absent = now();
    """)
    assert log["found"] == ["found", "Mark absent"]
    assert log["absent"] == ["absent", "Mark present"]
    assert log["sent"] == ["kite", True]
