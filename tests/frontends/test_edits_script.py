"""How the browser sends edits, run by Node.js: in order, each where it was made, none twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.frontends.script_stage import NODE, play

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js: apt-get install nodejs")

# A server that answers when told to, and edits that write down what happens.
STAGE = """
const sent = [], told = [], done = [];
let version = 5, next = null;
const rest = (ms = 5) => new Promise((go) => setTimeout(go, ms));
const edits = createEdits({
  send: (entry) => {
    sent.push(JSON.parse(JSON.stringify(entry)));
    return new Promise((go, fail) => {
      next = {
        ok: (more) => { version += 1; go({ photo: { version }, ...more }); return rest(); },
        lost: () => { fail(new Error("no connection")); return rest(); },
      };
    });
  },
  answered: (entry, answer, more) => done.push([entry.project, entry.image, more]),
  told: (saving) => told.push(saving.state),
});
"""


def _play(scene: str) -> dict[str, Any]:
    """What was sent, told and done, and what the scene has put into `log` itself."""
    return play(["desk/edits.js"], STAGE, f"{scene}\nObject.assign(log, {{ sent, told, done }});")


def test_an_edit_goes_to_the_project_that_it_was_made_in():
    """Both projects have an image 1, at other versions."""
    played = _play("""
      edits.setVersion("a", 1, 3);
      edits.push({ project: "a", who: "ann", image: 1, edits: [{ kind: "accept", box: 1 }] });
      edits.push({ project: "a", who: "ann", image: 1, edits: [{ kind: "delete", box: 2 }] });
      edits.setVersion("b", 1, 9);
      edits.push({ project: "b", who: "ben", image: 1, edits: [{ kind: "accept", box: 1 }] });
      await next.ok(); await next.ok(); await next.ok();
    """)
    seen = [(one["project"], one["who"], one["version"]) for one in played["sent"]]
    assert seen == [("a", "ann", 3), ("a", "ann", 6), ("b", "ben", 9)]
    assert played["done"] == [["a", 1, True], ["a", 1, False], ["b", 1, False]]


def test_what_was_refused_takes_along_only_what_was_built_on_it():
    played = _play("""
      for (const project of ["a", "a", "b"]) edits.push({ project, image: 1, edits: [] });
      await next.ok({ conflict: "changed" }); await next.ok();
    """)
    assert [one["project"] for one in played["sent"]] == ["a", "b"]


def test_a_lost_answer_is_asked_for_with_the_same_token():
    played = _play("""
      edits.push({ project: "a", image: 1, step: "undo" });
      edits.push({ project: "a", image: 1, step: "undo" });
      await next.lost(); await rest(600); await next.ok(); await next.ok();
    """)
    first, again, second = (one["token"] for one in played["sent"])
    assert first == again != second
    assert len(first) == 24
    assert "retrying" in played["told"]


def test_what_the_server_cannot_keep_now_comes_again_with_all_that_is_built_on_it():
    played = _play("""
      const add = { kind: "add", local: -1, xyxy: [0, 0, 9, 9] };
      edits.push({ project: "a", image: 1, edits: [add] });
      edits.push({ project: "a", image: 1, edits: [{ kind: "delete", box: -1 }] });
      await next.ok({ photo: undefined, error: "The disk is full.", again: true });
      log.waits = edits.isPending("a", 1);
      await rest(600); await next.ok({ added: [42] }); await next.ok();
    """)
    first, again, _ = (one["token"] for one in played["sent"])
    assert first == again
    assert played["sent"][2]["edits"][0]["box"] == 42
    assert "retrying" in played["told"]
    assert (played["waits"], len(played["done"])) == (True, 2)


def test_a_move_that_the_server_may_have_is_not_changed_any_more():
    played = _play("""
      const nudge = (x) => edits.push({ project: "a", image: 1, hold_ms: 30, key: "move 1",
        edits: [{ kind: "move", box: 1, xyxy: [x, 0, x + 9, 9] }] });
      nudge(1); nudge(2); await rest(60); await next.lost(); nudge(3);
      await rest(600); await next.ok(); await rest(60); await next.ok();
    """)
    assert [one["edits"][0]["xyxy"][0] for one in played["sent"]] == [2, 2, 3]
    first, again, later = (one["token"] for one in played["sent"])
    assert first == again != later


def test_a_new_box_is_known_by_its_number_once_the_answer_tells_it():
    played = _play("""
      const add = { kind: "add", local: -1, xyxy: [0, 0, 9, 9] };
      edits.push({ project: "a", image: 1, edits: [add] });
      edits.push({ project: "a", image: 1, edits: [{ kind: "delete", box: -1 }] });
      await next.ok({ added: [42] }); await next.ok(); log.real = edits.real(-1);
    """)
    assert played["sent"][1]["edits"][0]["box"] == 42
    assert played["real"] == 42


def test_who_comes_back_to_an_image_waits_for_its_edits_alone():
    played = _play("""
      const hold_ms = 60000;
      edits.push({ project: "a", image: 1, hold_ms, key: "move 1", edits: [] });
      log.held = sent.length;
      edits.settled("a", 1).then(() => { log.one = true; });
      edits.push({ project: "a", image: 2, edits: [] });
      edits.settled("b", 1).then(() => { log.other = true; });
      await rest(); log.before = [log.one, log.other, sent.length];
      await next.ok(); log.after = log.one; log.waits = edits.isPending("a", 2);
    """)
    assert played["held"] == 0
    assert played["before"] == [None, True, 1]
    assert (played["after"], played["waits"]) == (True, True)
