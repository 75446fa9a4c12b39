"""How the tab Annotate follows what a person does between two answers, run by Node.js."""

from __future__ import annotations

from typing import Any

import pytest

from tests.frontends.script_stage import NODE, play

SCRIPTS = ("page.js", "desk/edits.js", "desk/commands.js", "desk/desk.js")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js: apt-get install nodejs")

# A server with four images, of which calls can be held back, and a desk at the second one.
STAGE = """
const calls = log.calls = [], held = {};
const rest = (ms = 5) => new Promise((go) => setTimeout(go, ms));
const out = new Set(), finished = {}, versions = { 1: 0, 2: 0, 3: 0, 4: 0 };
const photo = (id) => ({
  id, name: `p${id}`, version: versions[id], removed: out.has(id),
  state: finished[id] || "proposed", url: "", width: 9, height: 9,
});
const box = (id) => (
  { id, caption: "kite", state: "proposed", certainty: 1, x: 1, y: 1, w: 3, h: 3 }
);
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
  step: ({ image }) => {
    delete finished[image];
    versions[image] += 1;
    return { photo: photo(image), boxes: [box(image)], changed: [], progress: {} };
  },
  edit: ({ image, state: end }) => {
    if (out.has(image)) return { error: "removed" };
    if (end) finished[image] = end;
    versions[image] += 1;
    return { photo: photo(image), changed: [], deleted: [], progress: {} };
  },
};
const server = {};
for (const name of Object.keys(answers)) {
  server[name] = async (wish) => {
    calls.push([name, wish.image ?? null]);
    if (held[name]) await new Promise((go, fail) => { held[name] = { go, fail }; });
    return answers[name](wish);
  };
}
const words = {
  removed: "{name} is out", restored: "{name} is back", undo: "Undo", fixed: "fixed",
  all_done: "all done", list_done: "list done", all_but: "{done} done, {later} later", show: "Show",
  finished: { done: "{name} done", skipped: "{name} later" }, class_next: "next: {name}",
  choose_first: "choose first", accept_first: "accept first", naming: "caption first",
};
createDesk({ props: { room: "annotate", words, colors: 8, marks: 4, unnamed: "object" }, server });
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
    return play(SCRIPTS, STAGE, scene)


def test_the_next_image_takes_the_place_of_a_removed_one():
    log = _play("""
      press("take_out"); await rest(); log.now = [state.photo.id, state.queue.ids, said()];
      press("set_removed", ...state.notice.act.args); await rest();
      log.back = [state.photo.id, state.queue.ids, said()];
    """)
    assert log["now"] == [3, [1, 3, 4], ["p2 is out", True]]
    assert log["back"] == [2, [1, 2, 3, 4], ["p2 is back", True]]


def test_a_box_keeps_its_number_while_its_picture_is_open():
    log = _play("""
      answers.edit = ({ image, edits }) => {
        versions[image] += 1;
        const added = edits[0].kind === "add" ? [57] : [];
        const changed = added.map((id) => ({ ...box(id), state: "confirmed" }));
        return { photo: photo(image), added, changed, deleted: [], progress: {} };
      };
      const numbers = () => state.boxes.map((one) => [one.id, one.number]);
      room.set({ edit: { kind: "add", box: { x: 5, y: 5, w: 3, h: 3 } } });
      log.drawn = numbers(); await rest(); log.saved = numbers();
      press("remove", 2); await rest(); log.refused = numbers();
      press("next"); await rest(); log.next = numbers();
    """)
    assert (log["drawn"], log["saved"]) == ([[2, 1], [-1, 2]], [[2, 1], [57, 2]])
    assert (log["refused"], log["next"]) == ([[57, 2]], [[3, 1]])


def test_who_pages_on_while_an_image_is_removed_stays_there():
    log = _play("""
      held.set_removed = true; press("take_out"); await rest();
      press("next"); press("next"); await rest(); log.before = state.photo.id;
      held.set_removed.go(); await rest(); log.after = [state.photo.id, state.at, said()[1]];
    """)
    assert (log["before"], log["after"]) == (4, [4, 2, True])


def test_a_project_may_be_left_and_opened_again_while_an_image_is_removed():
    log = _play("""
      held.set_removed = true; press("take_out"); await rest();
      await open(null); held.queue = true; await open("a");
      log.queue = state.queue; const late = held.queue; held.queue = false;
      held.set_removed.go(); await rest(); late.go(); await rest();
      log.now = [state.queue.ids, said()[1]];
    """)
    assert (log["queue"], log["now"]) == (None, [[1, 3, 4], True])


def test_an_image_that_is_being_removed_is_not_changed_any_more():
    played = _play("""
      held.set_removed = true; press("take_out"); await rest();
      press("accept", 2); await rest(); log.now = [state.photo.removed, state.rows[0].state];
      held.set_removed.fail(new Error("no connection")); await rest();
      log.failed = [state.photo.id, state.photo.removed, said()];
      press("accept", 2); await rest(); log.then = state.rows[0].state;
    """)
    assert played["now"] == [True, "proposed"]
    assert played["failed"] == [2, False, ["no connection", False]]
    assert played["then"] == "confirmed"
    assert played["calls"].count(["edit", 2]) == 1, "sent once it stays"


def test_changes_made_before_an_image_is_removed_are_sent_first():
    played = _play("""
      held.edit = true; press("accept", 2); press("take_out"); await rest();
      press("accept", 2); held.edit.go(); await rest(); log.now = [state.photo.id, said()[1]];
    """)
    sent = [name for name, image in played["calls"] if image == 2 and name != "photo"]
    assert sent == ["edit", "set_removed"]
    assert played["now"] == [3, True]


def test_a_figure_that_fails_for_an_image_that_was_left_is_not_told():
    log = _play("""
      held.score = true; await rest(300); const late = held.score; held.score = false;
      press("take_out"); await rest(); const before = said();
      late.fail(new Error("no image 2")); await rest(); log.same = [before, said()];
    """)
    assert log["same"][0] == log["same"][1]
    assert log["same"][0][1] is True


def test_a_run_leads_to_the_most_doubtful_image_in_any_order():
    log = _play("""
      room.set({ order: "name" }); await rest();
      room.set({ only: "", queue_again: { to: "doubtful" } }); await rest();
      log.now = [state.photo.id, state.at];
    """)
    assert log["now"] == [4, 3]


def test_another_project_is_opened_with_all_its_pictures():
    log = _play("""
      room.set({ only: "skipped" }); await rest();
      await open(null); log.left = state.only;
      room.set({ only: "done" }); await open("b"); log.opened = state.only;
      calls.length = 0; await open("c"); log.asked = calls.filter(([name]) => name === "queue");
    """)
    assert (log["left"], log["opened"]) == ("", "")
    assert len(log["asked"]) == 1


def test_a_new_type_has_its_own_color_at_once():
    log = _play("""
      room.set({ project: { key: "a", classes: ["object"] } });
      const { edit } = answers;
      answers.edit = (wish) => {
        const box = { ...state.rows[0], class_name: "drone" };
        return { ...edit(wish), changed: [box], classes: ["object", "drone"] };
      };
      press("describe", 2, { class_name: "drone" }); await rest();
      log.now = [state.project.classes, state.boxes[0].color];
      press("previous"); await rest(); log.later = state.project.classes;
    """)
    assert log["now"] == [["object", "drone"], 1]
    assert log["later"] == ["object", "drone"]


def test_a_type_that_follows_the_caption_is_told_with_a_way_back():
    log = _play("""
      const { edit } = answers;
      answers.edit = (wish) => (
        { ...edit(wish), changed: [{ ...state.rows[0], class_name: "kite" }], said: "Type: kite" }
      );
      press("describe", 2, { caption: "a kite" }); await rest();
      log.now = [state.rows[0].class_name, said(), state.notice.act.command];
    """)
    assert log["now"] == ["kite", ["Type: kite", True], "undo"]


def test_what_done_leaves_unsaid_is_told():
    log = _play("""
      Object.assign(words, {
        finished: { done: "{name} done", nothing: "{name} empty" },
        lack_one: ", one caption", unnamed: ", {count} nameless", unnamed_one: ", one nameless",
      });
      const shown = (...boxes) => {
        answers.photo = ({ image }) => ({ photo: photo(image), boxes, asked: [] });
      };
      const silent = (id) => ({ ...box(id), caption: "", class_name: "object" });
      const done = async () => { press("done"); await rest(20); return said()[0]; };
      log.all = [];
      for (const boxes of [[box(1), silent(2)], [silent(1)], []]) {
        for (const classes of [["object"], ["object", "kite"]]) {
          shown(...boxes);
          for (const id of Object.keys(finished)) delete finished[id];
          await open(null); room.set({ project: { key: "a", classes } }); await rest();
          log.all.push(await done());
        }
      }
    """)
    assert log["all"][:2] == ["p1 done, one nameless"] * 2
    assert log["all"][2:] == ["p1 done", "p1 done, one nameless", "p1 empty", "p1 empty"]


@pytest.mark.parametrize(("command", "told"), [("done", "p2 done"), ("skip", "p2 later")])
def test_undo_leads_back_to_the_image_that_was_just_finished(command, told):
    log = _play(f"""
      press("{command}"); await rest(20); log.on = [state.photo.id, said(), state.queue.states[1]];
      calls.length = 0; press("undo"); await rest(20); log.steps = calls[0];
      log.back = [state.photo.id, state.photo.state, state.queue.states[1], said()];
    """)
    state = {"done": "done", "skip": "skipped"}[command]
    assert log["on"] == [3, [told, True], state]
    assert log["steps"] == ["step", 2]
    assert log["back"] == [2, "proposed", "proposed", None]


def test_what_was_put_off_is_told_at_the_end_and_led_back_to():
    log = _play("""
      for (const how of ["done", "skip", "done", "done"]) { press(how); await rest(20); }
      log.end = said();
      press(state.notice.act.command, ...state.notice.act.args); await rest(20);
      log.back = [state.photo.id, state.photo.state];
      press("done"); await rest(20); log.all = said()[0];
      room.set({ only: "new" }); await rest();
      for (let i = 0; i < 4; i += 1) { press("done"); await rest(20); }
      log.list = said()[0];
    """)
    assert log["end"] == ["3 done, 1 later", True]
    assert log["back"] == [3, "skipped"]
    assert (log["all"], log["list"]) == ("all done", "list done")


def test_the_end_leads_to_the_review_where_captions_came_with_the_pictures():
    log = _play("""
      room.set({ project: { ...state.project, given: 4 } });
      for (let i = 0; i < 4; i += 1) { press("done"); await rest(20); }
      log.end = said();
      press(state.notice.act.command); log.sheet = state.sheet.name;
    """)
    assert log["end"] == ["all done", True]
    assert log["sheet"] == "review"


def test_undo_is_of_the_image_that_is_open_once_something_was_done_there():
    log = _play("""
      press("done"); await rest(20); press("accept", 3); await rest(20);
      calls.length = 0; press("undo"); await rest(20); log.edited = [calls[0], state.photo.id];
      press("done"); await rest(20); press("previous"); press("previous"); await rest(20);
      const { id } = state.photo;
      calls.length = 0; press("undo"); await rest(20); log.paged = calls[0][1] === id;
    """)
    assert log["edited"] == [["step", 3], 3]
    assert log["paged"]


def test_what_was_refused_or_changed_nothing_is_not_taken_back():
    log = _play("""
      held.edit = true; press("done"); await rest(20); log.first = said();
      answers.edit = () => ({ conflict: "changed" }); held.edit.go(); held.edit = null;
      await rest(20); log.conflict = said();
      calls.length = 0; press("undo"); await rest(20); log.undone = calls[0];
    """)
    assert log["first"] == ["p2 done", True]
    assert log["conflict"] == ["changed", False]
    assert log["undone"] == ["step", 3]


def test_the_score_filter_hides_what_is_less_certain():
    log = _play("""
      const sure = [0.2, 0.7, 1].map((certainty, i) => ({ ...box(i + 1), certainty }));
      answers.photo = ({ image }) => ({ photo: photo(image), boxes: sure, asked: [] });
      press("previous"); await rest();
      room.set({ score_min: 0.5 });
      log.shown = [state.boxes.map(({ certainty }) => certainty), state.hidden];
    """)
    assert log["shown"] == [[0.7, 1], 1]


def test_what_leads_away_waits_for_the_caption_that_a_box_is_about_to_get():
    played = _play("""
      room.set({ selected: 2, naming: "waits" }); calls.length = 0;
      press("done"); press("remove"); press("suggest"); await rest();
      log.waits = [state.photo.id, state.rows.length, said(), calls.length];
      press("describe", 2, { caption: "drone" }); await rest();
      room.set({ naming: "" }); await rest(20); log.then = [state.photo.id, said()[0]];
      log.sent = calls.filter(([name]) => ["edit", "step"].includes(name));
    """)
    assert played["waits"] == [2, 1, ["caption first", False], 0]
    assert played["then"] == [3, "p2 done"]
    assert played["sent"] == [["edit", 2], ["edit", 2]], "what came after Done was for the next one"


def test_who_gets_no_caption_stays_at_the_picture():
    log = _play("""
      room.set({ selected: 2, naming: "waits" }); press("done"); press("next");
      room.set({ naming: "failed" }); await rest(20); log.now = [state.photo.id, state.photo.state];
      press("next"); await rest(); log.then = state.photo.id;
    """)
    assert (log["now"], log["then"]) == ([2, "proposed"], 3)


def test_a_key_for_a_box_says_when_none_is_chosen():
    log = _play("""
      log.said = ["suggest", "caption", "class"].map((name) => { press(name); return said()[0]; });
      room.set({ selected: 2 }); press("remove"); room.set({ selected: 2 }); press("suggest");
      log.said.push(said()[0], state.suggest ?? null);
    """)
    assert log["said"] == [*["choose first"] * 3, "accept first", None]


def test_what_is_known_to_be_there_is_drawn_next():
    log = _play("""
      const given = ["kite", "drone", "drone", "glider"];
      const asked = [{ caption: "glider", found: false, confirmed: true }];
      const given_to = (image) => ({ ...photo(image), given });
      answers.photo = ({ image }) => ({ photo: given_to(image), boxes: [box(image)], asked });
      const edited = log.edited = [];
      answers.edit = ({ edits: made }) => {
        edited.push(...made);
        return { photo: given_to(1), changed: [], progress: {} };
      };
      press("previous"); await rest();
      log.missing = [state.missing];
      const drawn = { x: 1, y: 1, w: 4, h: 4 };
      const draw = async () => { room.set({ edit: { kind: "add", box: drawn } }); await rest(); };
      await draw();
      log.missing.push(state.missing, state.next_caption);
      press("remove", 1); press("next_caption"); await rest();
      log.missing.push(state.missing, state.next_caption);
      await draw(); await draw(); await draw();
      log.missing.push(state.missing, state.next_caption);
    """)
    two, last = [["drone"], "drone"], [["kite", "drone"], "drone"]
    assert log["missing"] == [["drone", "drone"], *two, *last, [], ""]
    drawn = [(one["follows"], one["caption"]) for one in log["edited"] if one["kind"] == "add"]
    assert drawn == [(True, "drone"), (True, "drone"), (True, "kite"), (False, "")]


def test_the_choice_of_a_caption_and_of_a_type_holds_for_one_box():
    log = _play("""
      const edited = log.edited = [];
      answers.photo = ({ image }) => (
        { photo: { ...photo(image), given: ["kite", "drone"] }, boxes: [], asked: [] }
      );
      answers.edit = ({ image, edits: made }) => {
        edited.push(...made.map((one) => [one.class_name, one.caption, one.follows]));
        return { photo: { ...photo(image), given: ["kite", "drone"] }, changed: [], progress: {} };
      };
      room.set({ project: { key: "a", classes: ["plane", "balloon", "glider"] } });
      press("previous"); await rest(); press("next_caption");
      log.next = [state.next_caption];
      press("next"); await rest();
      log.next.push(state.next_caption);
      press("class_at", 2);
      const drawn = { x: 1, y: 1, w: 4, h: 4 };
      for (let i = 0; i < 2; i += 1) {
        room.set({ edit: { kind: "add", box: { ...drawn } } });
        room.set({ selected: null }); await rest();
      }
    """)
    assert log["next"] == ["drone", "kite"]
    assert log["edited"] == [["glider", "kite", False], ["glider", "drone", True]]


def test_a_new_box_has_the_type_last_given_or_else_that_of_most_boxes():
    log = _play("""
      const kinds = ["plane", "kite", "kite", "balloon", "balloon", "balloon"];
      const boxes = kinds.map((class_name, i) => ({ ...box(10 + i), class_name }));
      for (const gone of [3, 4]) boxes[gone].state = "rejected";
      let shown = boxes;
      answers.photo = ({ image }) => ({ photo: photo(image), boxes: shown, asked: [] });
      log.drawn = [];
      const draw = async () => {
        room.set({ edit: { kind: "add", box: { x: 1, y: 1, w: 4, h: 4 } } });
        log.drawn.push(state.rows.at(-1).class_name);
        room.set({ selected: null }); await rest();
      };
      const start = async (key) => {
        await open(null); room.set({ project: { key, classes: ["glider", "kite"] } }); await rest();
      };
      await start("a"); await draw();
      press("class_at", 0); await draw(); await draw();
      await start("b"); await draw();
      shown = []; await start("c"); await draw();
    """)
    assert log["drawn"] == ["kite", "glider", "glider", "kite", "glider"]


def test_what_is_done_before_the_next_picture_is_there_changes_neither():
    log = _play("""
      held.photo = true; room.set({ order: "name" }); await rest(); held.photo.go(); await rest();
      room.set({ selected: 2 }); press("copy");
      press("done"); await rest(); calls.length = 0; log.shown = [state.photo.id, state.at];
      press("class_at", 0); press("describe", 2, { caption: "drone" }); press("move", 2, box(3));
      press("nudge", { key: "ArrowRight" });
      for (const name of ["remove", "accept_all", "paste", "redo", "suggest", "caption"]) {
        press(name); room.set({ selected: 2 });
      }
      press("absent", "kite", true);
      room.set({ edit: { kind: "add", box: { x: 5, y: 5, w: 3, h: 3 } } });
      await rest(20);
      log.between = [[...calls], state.rows.map((row) => row.state), state.suggest ?? null];
      held.photo.go(); held.photo = null; await rest(20);
      log.next = [state.photo.id, state.rows.map((row) => row.state), said()];
      calls.length = 0; press("accept", 3); await rest(); log.then = calls[0];
    """)
    assert log["shown"] == [2, 2]
    assert log["between"] == [[], ["confirmed"], None]
    assert log["next"] == [3, ["proposed"], ["p2 done", True]]
    assert log["then"] == ["edit", 3]
