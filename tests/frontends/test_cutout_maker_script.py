"""What the cutout maker says while it computes and of what it found, run by Node.js."""

from __future__ import annotations

import json

import pytest

from frontends.ui.cutout_maker.words import WORDS
from tests.frontends.script_stage import NODE, play

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js: apt-get install nodejs")

STAGE = f"""
const element = node(), props = {{ room: "cutouts", words: {json.dumps(WORDS)}, types: [] }};
const find = (name) => element.querySelector(`.${{name}}`);
for (const name of ["type", "caption", "name"]) find(name).value = "";
element.querySelectorAll = () => [];
find("facts").append = (text) => {{ find("facts").textContent += text; }};
globalThis.requestAnimationFrame = () => 1;
globalThis.setTimeout = (run) => {{ run(); return 1; }};
globalThis.clearTimeout = () => {{}};
globalThis.ResizeObserver = class {{ observe() {{}} }};
globalThis.URL = {{ createObjectURL: () => "blob:1", revokeObjectURL() {{}} }};
let take, drawn, asked, heard;
globalThis.connectIntake = (wants) => {{ take = wants.take; }};
globalThis.createView = () => ({{ size: null, fit() {{}}, refresh() {{}} }});
globalThis.createSketch = ({{ settled }}) => {{
  drawn = {{ strokes: [], box: null, settled, clear() {{}} }};
  return drawn;
}};
createCutoutMaker({{
  element, props, upload: async () => ({{ path: "p" }}), watch: (_, run) => {{ heard = run; }},
  trigger: (kind, more) => {{ asked = more.wish; }},
}});
const said = () => [find("nothing").textContent, find("facts").textContent];
const answer = (result) => {{ props.value = {{ turn: asked.turn, result }}; heard(); }};
"""


def test_it_says_that_it_computes_and_names_the_tool_for_what_is_missing():
    log = play(
        ("page.js", "cutout_maker/cutout_maker.js"),
        STAGE,
        """
        await take({ name: "a.png" }); answer({ message: "" }); log.begin = said()[0];
        drawn.box = [0, 0, 9, 9]; drawn.settled(); log.first = said()[0];
        answer({ preview: "u", window: [0, 0, 9, 9], parts: 1, lacks: "top", colors: "red" });
        log.lacks = said()[1];
        drawn.settled(); log.again = said()[1];
        answer({ preview: "u", window: [0, 0, 9, 9], parts: 1, lacks: "", colors: "red" });
        log.found = said()[1];
        drawn.settled(); answer({ message: "nothing stands out" }); log.none = said();
        """,
    )
    assert log["begin"] == "The cutout appears here."
    assert log["first"] == log["again"] == "Computing the cutout"
    assert log["lacks"].endswith(
        "at the top. If something is missing there, paint over it with Keep."
    )
    assert "well inside the box at the top" in log["lacks"]
    assert log["found"] == "9 × 9 px"
    assert log["none"] == ["The cutout appears here.", ""]
