"""How the tab Annotate follows what a person does between two answers, run by Node.js."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import frontends.ui

NODE = shutil.which("node")
UI = Path(frontends.ui.__file__).parent
SCRIPTS = ("page.js", "desk/edits.js", "desk/commands.js", "desk/desk.js")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js: apt-get install nodejs")

# What the scripts find in a browser, before they are read.
BROWSER = """
globalThis.window = globalThis;
window.addEventListener = () => {};
window.scrollTo = () => {};
globalThis.location = { hash: "#annotate" };
globalThis.document = {
  documentElement: { dataset: {} }, querySelector: () => null, querySelectorAll: () => [],
};
globalThis.MutationObserver = class { observe() {} disconnect() {} };
globalThis.Image = class {};
globalThis.matchMedia = () => ({ matches: false });
"""
# A server with four images, of which calls can be held back, and a desk at the second one.
STAGE = """
const log = {}, calls = [], held = {};
const rest = (ms = 5) => new Promise((go) => setTimeout(go, ms));
const out = new Set(), versions = { 1: 0, 2: 0, 3: 0, 4: 0 };
const photo = (id) => ({
  id, name: `p${id}`, version: versions[id], removed: out.has(id), state: "proposed",
  url: "", width: 9, height: 9,
});
const box = (id) => ({ id, caption: "kite", state: "proposed", x: 1, y: 1, w: 3, h: 3 });
const answers = {
  queue: ({ lead }) => {
    const ids = [1, 2, 3, 4].filter((id) => !out.has(id));
    return { ids, states: ids.map(() => "proposed"), progress: {}, doubtful: lead ? 4 : null };
  },
  photo: ({ image }) => ({ photo: photo(image), boxes: [box(image)], asked: [] }),
  score: () => ({ scores: {} }),
  set_removed: ({ image, removed }) => {
    if (removed) out.add(image); else out.delete(image);
    versions[image] += 1;
    return { progress: {} };
  },
  edit: ({ image }) => {
    if (out.has(image)) return { error: "removed" };
    versions[image] += 1;
    return { photo: photo(image), changed: [], deleted: [], progress: {} };
  },
};
const server = {};
for (const [name, answer] of Object.entries(answers)) {
  server[name] = async (wish) => {
    calls.push([name, wish.image ?? null]);
    if (held[name]) await new Promise((go, fail) => { held[name] = { go, fail }; });
    return answer(wish);
  };
}
const words = {
  removed: "{name} is out", restored: "{name} is back", undo: "Undo", fixed: "fixed",
};
createDesk({ props: { room: "annotate", words, colors: 8, marks: 4 }, server });
const room = window.spotter.room("annotate");
const state = room.state;
const press = (name, ...args) => room.set({ command: { name, args } });
const open = async (key) => { room.set({ project: key && { key, classes: [] } }); await rest(); };
const said = () => (state.notice ? [state.notice.message, Boolean(state.notice.act)] : null);
await open("a");
press("next");
await rest();
"""


def _play(scene: str) -> dict[str, Any]:
    scripts = "\n".join((UI / name).read_text(encoding="utf-8") for name in SCRIPTS)
    text = f"{BROWSER}\n{scripts}\n(async () => {{ {STAGE}\n{scene}\n"
    text += "console.log(JSON.stringify({ log, calls })); process.exit(0); })();"
    assert NODE is not None
    run = subprocess.run(
        [NODE, "--input-type=commonjs", "-"],
        input=text, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_next_image_takes_the_place_of_a_removed_one():
    log = _play("""
      press("take_out"); await rest(); log.now = [state.photo.id, state.queue.ids, said()];
      press("set_removed", ...state.notice.act.args); await rest();
      log.back = [state.photo.id, state.queue.ids, said()];
    """)["log"]
    assert log["now"] == [3, [1, 3, 4], ["p2 is out", True]]
    assert log["back"] == [2, [1, 2, 3, 4], ["p2 is back", True]]


def test_who_pages_on_while_an_image_is_removed_stays_there():
    log = _play("""
      held.set_removed = true; press("take_out"); await rest();
      press("next"); press("next"); await rest(); log.before = state.photo.id;
      held.set_removed.go(); await rest(); log.after = [state.photo.id, state.at, said()[1]];
    """)["log"]
    assert (log["before"], log["after"]) == (4, [4, 2, True])


def test_a_project_may_be_left_and_opened_again_while_an_image_is_removed():
    log = _play("""
      held.set_removed = true; press("take_out"); await rest();
      await open(null); held.queue = true; await open("a");
      log.queue = state.queue; const late = held.queue; held.queue = false;
      held.set_removed.go(); await rest(); late.go(); await rest();
      log.now = [state.queue.ids, said()[1]];
    """)["log"]
    assert log == {"queue": None, "now": [[1, 3, 4], True]}


def test_an_image_that_is_being_removed_is_not_changed_any_more():
    played = _play("""
      held.set_removed = true; press("take_out"); await rest();
      press("accept", 2); await rest(); log.now = [state.photo.removed, state.rows[0].state];
      held.set_removed.fail(new Error("no connection")); await rest();
      log.failed = [state.photo.id, state.photo.removed, said()];
      press("accept", 2); await rest(); log.then = state.rows[0].state;
    """)
    assert played["log"]["now"] == [True, "proposed"]
    assert played["log"]["failed"] == [2, False, ["no connection", False]]
    assert played["log"]["then"] == "confirmed"
    assert played["calls"].count(["edit", 2]) == 1, "sent once it stays"


def test_changes_made_before_an_image_is_removed_are_sent_first():
    played = _play("""
      held.edit = true; press("accept", 2); press("take_out"); await rest();
      press("accept", 2); held.edit.go(); await rest(); log.now = [state.photo.id, said()[1]];
    """)
    sent = [name for name, image in played["calls"] if image == 2 and name != "photo"]
    assert sent == ["edit", "set_removed"]
    assert played["log"]["now"] == [3, True]


def test_a_figure_that_fails_for_an_image_that_was_left_is_not_told():
    log = _play("""
      held.score = true; await rest(300); const late = held.score; held.score = false;
      press("take_out"); await rest(); const before = said();
      late.fail(new Error("no image 2")); await rest(); log.same = [before, said()];
    """)["log"]
    assert log["same"][0] == log["same"][1]
    assert log["same"][0][1] is True


def test_a_run_leads_to_the_most_doubtful_image_in_any_order():
    log = _play("""
      room.set({ order: "name" }); await rest();
      room.set({ only: "", queue_again: { to: "doubtful" } }); await rest();
      log.now = [state.photo.id, state.at];
    """)["log"]
    assert log["now"] == [4, 3]
