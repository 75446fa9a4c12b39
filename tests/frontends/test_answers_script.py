"""How the tab Locate tells an answer, run by Node.js."""

from __future__ import annotations

import json
from typing import Any

import pytest

from frontends.ui.text import ANSWERS
from tests.frontends.script_stage import NODE, play
from tests.frontends.test_parts_script import PICTURE
from tests.frontends.test_parts_script import STAGE as BOARD

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
for (const name of ["cards", "advice", "more"]) {{
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
  order: [0, 1], probability: [0.4, 0.1], evidence: [3, -1], notes: [], about: "", like: [],
  verdict: "found", ...more,
}});
const answer = (more = {{}}) => ({{
  key: "k", error: null, boxes: [box(0, 0.8), box(1, 0.4)], limit: 0.5, score_min: 0.1,
  captions: [says("kite")], warnings: [], pieces: 0, closely: false, ...more,
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
      const owl = says("owl", { found: false, verdict: "absent", nearest: 1 });
      give(answer({ captions: [says("kite"), owl] }));
      log.before = told("cards");
      room.set({ score_min: 0.5 }); log.owl = told("cards");
      room.set({ score_min: 0.9 }); log.all = [told("cards"), told("advice")];
      room.set({ score_min: 0.1 }); log.again = told("cards");
    """)
    assert "Box 1, 91 % sure." in log["before"]
    assert "Nearest: box 2" in log["before"]
    assert "Nearest" not in log["owl"], "no other box takes the place of the hidden one"
    assert ANSWERS["hidden"] in log["all"][0]
    assert log["all"][1] == f"{ANSWERS['all_hidden']} {ANSWERS['lower']}"
    assert log["again"] == log["before"]


def test_what_may_well_be_there_is_not_denied():
    log = _answers("""
      const lost = (verdict, chance) =>
        says(verdict, { found: false, answer: null, verdict, found_probability: chance });
      const doubts = [lost("unsure", 0.4), lost("absent", 0.19), lost("taken", 0.9)];
      give(answer({ captions: doubts }));
      log.cards = [...kept.cards.children].map((card) => texts(card).join(" "));
      log.as = room.state.boxes[0].meant.map((one) => one.as);
      room.set({ score_min: 0.9 }); log.hidden = texts(kept.cards.children[0]).join(" ");
    """)
    unsure, absent, taken = log["cards"]
    assert unsure.startswith("unsure Not sure: perhaps box 1 (40 %).")
    assert "Nearest" not in unsure
    assert absent.startswith("absent Not in this picture.  Nearest: box 1, 19 % sure.")
    assert taken.startswith("taken Not in this picture.  Nearest: box 1, but another caption")
    assert log["as"] == ["perhaps"]
    assert log["hidden"] == f"unsure {ANSWERS['hidden']}"


def test_what_counts_for_nothing_is_not_part_of_what_is_sure():
    log = _answers("""
      give(answer({ captions: [says("not a kite", { about: "kite" }), says("kite")] }));
      log.cards = [...kept.cards.children].map((card) => texts(card).join(" "));
      log.label = room.state.boxes[0].meant[0].sure;
    """)
    told = "Box 1, 91 % sure"
    assert log["cards"][0].startswith(f"not a kite {told} of \u201ckite\u201d. ")
    assert log["cards"][1].startswith(f"kite {told}. ")
    assert log["label"] == "91 % sure of \u201ckite\u201d"


def test_a_box_tells_of_each_caption_that_means_it():
    log = _answers("""
      const doubt = { found: false, answer: null, verdict: "unsure" };
      const captions = [says("kite"), says("left one"), says("owl", doubt)];
      const meant = (active) => {
        give(answer({ captions })); room.set({ active });
        const [box] = room.state.boxes;
        return [box.state, box.meant.map((one) => `${one.as} ${one.label}`)];
      };
      log.kite = meant(0); log.left = meant(1); log.owl = meant(2);
      captions[2].verdict = "absent"; log.absent = meant(2);
      captions.splice(0, 2); log.alone = meant(0);
    """)
    assert log["kite"] == ["answer", ["answer kite", "answer left one"]]
    assert log["left"] == ["answer", ["answer left one", "answer kite"]], "the chosen one first"
    assert log["owl"] == ["answer", ["perhaps owl", "answer kite", "answer left one"]]
    assert log["absent"] == log["kite"], "what is not there marks nothing that others mean"
    assert log["alone"] == ["nearest", ["nearest owl"]]


def test_what_the_thing_is_was_not_understood():
    log = _answers("""
      const car = { about: "red", grasp: "looks", found: false, answer: null, verdict: "unsure" };
      give(answer({ captions: [says("red car", car)] }));
      log.card = texts(kept.cards.children[0]).join(" ");
      log.as = room.state.boxes[0].meant.map((one) => one.as);
    """)
    said = "Not sure: \u201cred\u201d fits box 1 (91 %), but other words are unknown."
    assert log["card"].startswith(f"red car {said}")
    assert log["as"] == ["perhaps"]


def test_a_list_has_a_bar_of_what_orders_it():
    log = _answers("""
      give(answer({ captions: [says("kite", { evidence: [3, -3], probability: [0.1, 0.9] })] }));
      log.heads = all(kept.cards, "heads").flatMap(texts);
      const length = ({ children: [bar] }) => parseFloat(bar.style.slice(7));
      log.bars = all(kept.cards, "meter").map(length);
      log.rows = all(kept.cards, "row").map((row) => texts(row));
    """)
    assert log["heads"] == ["box", "evidence", "similarity", "detector"]
    first, second = log["bars"]
    assert (round(first), round(second)) == (73, 27)
    assert log["rows"][0] == [1, "10 %", "0.80"], "each number once"


def test_a_caption_that_says_nothing_has_no_nearest_box():
    log = _answers("""
      const note = "The model knows no word of it.";
      const lost = { found: false, nearest: null, verdict: "unread", notes: [note] };
      give(answer({ captions: [says("kite"), says("helicopters", lost)] }));
      const [kite, other] = kept.cards.children;
      log.kite = texts(kite).join(" "); log.other = texts(other).join(" ");
      log.states = room.state.boxes.map((box) => box.state);
    """)
    assert "knows no word" not in log["kite"]
    assert log["other"] == f"helicopters {ANSWERS['unread']} The model knows no word of it."
    assert log["states"] == ["answer", "candidate"]


def test_a_large_picture_can_always_be_seen_closely():
    log = _answers("""
      const missing = [says("kite", { found: false, verdict: "absent" })];
      const offer = (more) => {
        give(answer(more));
        return ["quiet", "link"].map((name) => all(kept.more, name).map(({ text }) => text));
      };
      log.found = offer({ pieces: 48 }); log.small = offer({ captions: missing });
      log.missing = offer({ captions: missing, pieces: 48 });
      log.unread = offer({ captions: [{ ...missing[0], verdict: "unread" }], pieces: 48 });
      room.on(["closely"], ({ closely }) => { log.wish = [...(log.wish ?? []), closely.value]; });
      const none = { ...missing[0], answer: null, nearest: null, order: [] };
      give(answer({ boxes: [], captions: [none], pieces: 48 }));
      log.nothing = told("advice");
      room.on(["setting"], ({ setting }) => { log.setting = setting; });
      for (const button of all(kept.advice, "quiet")) button.onclick();
      log.closely = offer({ captions: missing, pieces: 48, closely: true });
      log.told = told("more"); all(kept.more, "link")[0].onclick();
    """)
    words = "Look closely, in 48 pieces"
    assert (log["found"], log["unread"]) == ([[], [words]], [[], [words]]), "quietly"
    assert log["small"] == [[], []]
    assert log["missing"] == [[words], []]
    assert ANSWERS["nothing"] in log["nothing"]
    assert log["setting"] == {"key": "score_min"}
    assert log["closely"] == [[], [ANSWERS["whole"]]]
    assert log["told"].startswith("Looked at in 48 pieces.")
    assert log["wish"] == [True, False]


def test_boxes_that_fit_as_well_and_a_single_one_are_told_in_words():
    log = _answers("""
      const many = Array.from({ length: 9 }, (_, id) => box(id, id === 1 ? 0.2 : 0.8));
      const give_like = (like, least, plural = false) => {
        room.set({ score_min: least });
        const order = many.map(({ id }) => id), evidence = many.map(() => 2);
        give(answer({ boxes: many, captions: [says("kite", { order, evidence, like, plural })] }));
        return told("cards");
      };
      log.one = give_like([3], 0); log.three = give_like([1, 3, 2], 0);
      log.many = give_like([1, 2, 3, 4, 5, 6, 7], 0);
      log.plural = give_like([1, 2, 3, 4, 5, 6, 7], 0, true);
      log.also_one = give_like([3], 0, true);
      log.hidden = give_like([1, 3], 0.5);
      room.set({ score_min: 0 });
      give(answer({ boxes: [box(0, 0.8)], captions: [says("kite", { order: [0] })] }));
      log.sum = element.querySelector(".sum").textContent;
    """)
    assert "Box 4 fits about as well." in log["one"]
    assert "Boxes 2, 4 and 3 fit about as well." in log["three"]
    assert "Boxes 2, 3, 4, 5, 6 and 2 more fit about as well." in log["many"]
    assert "Boxes 2, 3, 4, 5, 6, 7 and 8 fit too." in log["plural"]
    assert "Box 4 fits too." in log["also_one"]
    assert "Box 4 fits about as well." in log["hidden"], "what is not shown is not told"
    assert log["sum"] == "Found 1 of 1, there is one box"


# A picture of 300 x 200, whatever is drawn on it.
BOARD += """
const kept = {};
find("labels").replaceChildren = (...nodes) => { kept.labels = nodes.length; };
Object.assign(find("stage"), { clientWidth: 300, clientHeight: 200, append() {} });
const words = new Proxy({}, { get: () => "" });
createPicture({
  element, trigger() {}, upload() {}, watch() {}, props: { room: "annotate", words, fixed: true },
});
"""
SCRIPTS = ("page.js", *(f"picture/{name}.js" for name in PICTURE))


def test_every_box_that_has_room_gets_its_number():
    log = play(
        SCRIPTS,
        BOARD,
        """
        const one = { y: 90, w: 8, h: 8, probability: 0, meant: [], state: "candidate" };
        const place = (_, id) => ({ ...one, id, rank: id + 1, x: 40 * id });
        const boxes = Array.from({ length: 7 }, place);
        room.set({ picture: { url: "a", wh: [300, 200] }, boxes }); await rest();
        log.labels = kept.labels;
        """,
    )
    assert log["labels"] == 7


def test_an_example_is_seen_before_its_answer():
    log = play(
        (*SCRIPTS, "examples/examples.js"),
        BOARD,
        """
        window.spotter.element = (tag, attributes) => attributes;
        const shelf = node();
        shelf.querySelector(".row").replaceChildren = (one) => { kept.example = one; };
        shelf.querySelector(".row").children = [];
        const value = [{ url: "town.jpg", thumbnail: "t", captions: ["kite"] }];
        createExamples({
          element: shelf, watch() {}, trigger: (name) => { log.event = name; },
          props: { room: "annotate", words: { choose: "" }, value },
        });
        room.set({ boxes: [{ id: 1 }] });
        kept.example.onclick({ currentTarget: kept.example });
        log.src = find("image").src; log.boxes = state.boxes;
        """,
    )
    assert (log["event"], log["src"], log["boxes"]) == ("choose", "town.jpg", [])
