"""How the tab Locate tells an answer, run by Node.js."""

from __future__ import annotations

import json
from typing import Any

import pytest

from frontends.ui.text import ANSWERS
from tests.frontends.script_stage import NODE, play

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js: apt-get install nodejs")

# Elements that keep their words and children.
STAGE = f"""
const room = window.spotter.room("locate");
const leaf = (tag, attributes = {{}}, children = []) => {{
  const one = {{
    tag, ...attributes, children: [], dataset: {{ id: attributes["data-id"] }},
    setAttribute() {{}}, toggleAttribute() {{}}, querySelectorAll: () => [],
    append(...more) {{ one.children.push(...more); }},
    replaceChildren(...more) {{ one.children = more; }},
  }};
  one.append(...children.filter(Boolean));
  return one;
}};
window.spotter.element = leaf;
window.spotter.mark = () => null;
const texts = (one) => (typeof one === "string" ? [one]
  : [one.text, ...(one.children || []).flatMap(texts)].filter((text) => text !== undefined));
const all = (one, name) => [
  ...(one.class === name ? [one] : []),
  ...(one.children || []).flatMap((child) => all(child, name)),
];
const element = node();
for (const name of ["cards", "advice"]) {{
  const part = element.querySelector(`.${{name}}`);
  part.replaceChildren = (...more) => {{ kept[name] = leaf("div", {{}}, more); }};
  part.append = (...more) => kept[name].append(...more);
  part.children = [];
}}
const kept = {{}};
const told = (name) => texts(kept[name]).join(" ");
const box = (id, detector) => ({{ id, x: 10 * id, y: 10, w: 9, h: 9, detector }});
const says = (caption, more = {{}}) => ({{
  caption, color: 0, mark: 0, found: true, answer: 0, nearest: 0, found_probability: 0.91,
  order: [0, 1], probability: [0.4, 0.1], evidence: [3, -1], notes: [], readable: true, ...more,
}});
const answer = (more = {{}}) => ({{
  key: "k", error: null, boxes: [box(0, 0.8), box(1, 0.4)], limit: 0.5, score_min: 0.1,
  captions: [says("kite")], warnings: [], advice: {{ title: "", steps: [] }}, closer: 0, ...more,
}});
const props = {{ room: "locate", words: {json.dumps(ANSWERS)}, value: null }};
const watch = (name, run) => {{ globalThis.receive = run; }};
createAnswers({{ element, props, watch, trigger() {{}} }});
const give = (value) => {{ props.value = value; receive(); }};
"""


def _answers(scene: str) -> Any:
    return play(("page.js", "answers/answers.js"), STAGE, scene)


def test_what_the_confidence_hides_is_not_absent():
    log = _answers("""
      give(answer({ captions: [says("kite"), says("owl", { found: false, nearest: 1 })] }));
      log.before = told("cards");
      room.set({ score_min: 0.5 }); log.owl = told("cards");
      room.set({ score_min: 0.9 }); log.all = [told("cards"), told("advice")];
      room.set({ score_min: 0.1 }); log.again = told("cards");
    """)
    assert "Found, 91 % sure." in log["before"]
    assert "Nearest: box 2" in log["before"]
    assert "Nearest" not in log["owl"], "no other box takes the place of the hidden one"
    assert ANSWERS["hidden"] in log["all"][0]
    assert log["all"][1] == ANSWERS["all_hidden"]
    assert log["again"] == log["before"]
