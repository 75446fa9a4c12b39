"""The pure parts of the page: words, colors, drawing, files of the components."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageDraw

from core.errors import InputError
from core.result import Ranking, Reading, Result
from core.types import Detections
from frontends.doctor import opencv_conflicts
from frontends.failures import InternalError
from frontends.notes import contrast_note, notes_of
from frontends.report import locate_report
from frontends.ui import draw, text, text_annotate, text_keys, text_sheets, text_synth
from frontends.ui.draw import draw_result
from frontends.ui.locate import own_words_presets
from frontends.ui.palette import COLORS, MARKS, color_index, mark_index, palette_css
from frontends.ui.parts import read_part
from frontends.ui.present import present_error, sentence, split_captions
from frontends.verdict import like_rows, verdict_of
from pipeline.config import load_config

UI = Path(__file__).parents[2] / "frontends" / "ui"
PARTS = sorted({path.parent for path in UI.glob("*/*.js")})


def _luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _page_colors(theme: str) -> dict[str, str]:
    css = (UI / "page.css").read_text()
    block = css[css.index(theme) :].split("}")[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


@pytest.mark.parametrize("theme", [":root", ".dark"])
@pytest.mark.parametrize(("ink", "least"), [("ink", 7), ("soft", 4.5), ("bad", 4.5), ("focus", 3),
                                            ("line-strong", 3)])  # fmt: skip
@pytest.mark.parametrize("ground", ["page", "raised", "sunk"])
def test_the_page_keeps_its_contrast(theme, ink, least, ground):
    colors = _page_colors(theme)
    if (ink, ground) == ("line-strong", "sunk"):
        least = 2.5
    assert _contrast(colors[ink], colors[ground]) >= least


@pytest.mark.parametrize("color", COLORS, ids=lambda color: color.name)
def test_caption_colors_stand_out_on_the_page(color):
    assert _contrast(color.light, _page_colors(":root")["page"]) >= 4.5
    assert _contrast(color.dark, _page_colors(".dark")["page"]) >= 4.5
    # On pictures they lie between dark lines and beside dark labels.
    assert _contrast(color.picture, "#121417") >= 7


def test_36_captions_have_36_pairs_of_color_and_mark():
    assert len({(color_index(i), mark_index(i)) for i in range(36)}) == 36
    assert len(MARKS) == len(COLORS)
    assert all(-0.05 <= value <= 1.05 for mark in MARKS for point in mark for value in point)
    assert palette_css().count("--caption-5:") == 2


@pytest.mark.parametrize("folder", PARTS, ids=lambda folder: folder.name)
def test_the_files_of_a_part_go_through_gradio_unchanged(folder):
    name = re.findall(r"^function (create\w+)\(", (folder / f"{folder.name}.js").read_text(), re.M)
    part = read_part(folder, name[0])
    assert part["html_template"] == (folder / f"{folder.name}.html").read_text()
    for script in folder.glob("*.js"):
        assert script.read_text() in part["js_on_load"]
    assert part["js_on_load"].rstrip().endswith(");")


def test_a_part_with_a_template_mark_is_refused(tmp_path):
    folder = tmp_path / "thing"
    folder.mkdir()
    (folder / "thing.html").write_text("<p>${value}</p>")
    (folder / "thing.css").write_text("")
    (folder / "thing.js").write_text("")
    with pytest.raises(ValueError, match=r"thing\.html contains"):
        read_part(folder, "createThing")


@pytest.mark.parametrize("path", sorted(UI.rglob("*.js")), ids=lambda path: path.name)
def test_the_scripts_parse(path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node (any version) to check the scripts")
    subprocess.run([node, "--check", str(path)], check=True)


@pytest.mark.parametrize("path", sorted(UI.rglob("*.js")), ids=lambda path: path.name)
def test_the_scripts_never_write_markup(path):
    assert not re.search(
        r"innerHTML|insertAdjacentHTML|outerHTML|document\.write", path.read_text()
    )


def test_every_key_gives_one_command_that_there_is():
    rows = [row for group in text_keys.KEYS for row in group["rows"]]
    keys = [key for row in rows for key in row["keys"]]
    assert len(keys) == len(set(keys))
    commands = (UI / "desk" / "commands.js").read_text()
    table = commands[commands.rindex("return {") :]
    for row in rows:
        assert re.search(rf"\b{row['command']}\b[:,]", table), row["command"]


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, dict) else value
    return [word for item in values for word in _words(item)]


def test_the_words_are_calm():
    tables = [
        vars(module)[n]
        for module in (text, text_synth, text_annotate, text_keys, text_sheets)
        for n in module.__all__
    ]
    every = _words([table for table in tables if isinstance(table, dict)])
    assert not [word for word in every if "!" in word]
    assert not [word for word in every if re.search("[\U0001f000-\U0001faff\u2600-\u27bf]", word)]


def test_only_presets_with_our_own_model_have_a_list_of_words():
    assert own_words_presets(load_config("fake")) == ["mini"]
    assert own_words_presets(load_config("mini")) == ["mini"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("red\n\n  blue  thing ", ["red", "blue thing"]),
        ("one\u2028still one", ["one still one"]),
    ],
)
def test_captions_are_lines(lines, expected):
    assert split_captions(lines) == expected


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("cut.jpg is damaged or cut short.", "cut.jpg is damaged or cut short."),
        ("my photo.png: it has 3 px.", "my photo.png: it has 3 px."),
        ("the file a.jpg is too large.", "The file a.jpg is too large."),
        ("got 3.5 MB, the limit is 2 MB.", "Got 3.5 MB, the limit is 2 MB."),
        ("there is no box yet. Draw one.", "There is no box yet. Draw one."),
    ],
)
def test_a_message_begins_with_a_capital_but_a_file_keeps_its_name(said, shown):
    assert sentence(InputError(said)) == shown


def test_a_bug_is_shown_as_such():
    assert present_error(InternalError())["error"]["message"] == text.ERRORS["internal"]


def _result(wh: tuple[int, int], boxes: list[list[float]], captions: list[bool]) -> Result:
    n = len(boxes)
    logit = np.linspace(3, -3, n).astype(np.float32)
    rankings = [
        Ranking(
            caption=f"caption {i} " + "with many words " * 6,
            logit=logit,
            score=1 / (1 + np.exp(-logit)),
            order=np.arange(n),
            answer_row=0 if found and n else None,
            nearest_row=0 if n else None,
        )
        for i, found in enumerate(captions)
    ]
    return Result(wh, Detections.from_xyxy(boxes, wh), tuple(rankings))


def test_drawing_leaves_the_object_alone(image):
    picture = image((640, 400))
    before = picture.copy()
    drawn = draw_result(
        picture, _result((640, 400), [[100, 100, 160, 130], [400, 50, 420, 60]], [True])
    )
    assert drawn.shape == picture.shape
    assert (picture == before).all()
    assert (drawn[100:130, 100:160] == picture[100:130, 100:160]).all()
    assert (drawn[:, :] != picture[:, :]).any()


def _two(wh: tuple[int, int], boxes: list[list[float]], rows: list[tuple[bool, int]]) -> Result:
    """A result whose captions have these rows, as an answer or as what comes nearest."""
    logit = np.zeros(len(boxes), np.float32)
    rankings = [
        Ranking(f"caption {i}", logit, logit, np.arange(len(boxes)),
                answer_row=row if found else None, nearest_row=row)
        for i, (found, row) in enumerate(rows)
    ]  # fmt: skip
    return Result(wh, Detections.from_xyxy(boxes, wh), tuple(rankings))


@pytest.mark.parametrize("rows", [[(True, 0), (False, 0)], [(False, 0), (True, 0)]])
def test_what_is_not_there_leaves_no_trace_on_an_answer(rows, image):
    picture, box = image((640, 400)), [[100.0, 100, 300, 200]]
    drawn = draw_result(picture, _two((640, 400), box, rows))
    position = rows.index((True, 0))
    ring = drawn[100:200, 97]  # the middle of the line at the left
    wanted = [int(COLORS[position].picture[i : i + 2], 16) for i in (1, 3, 5)]
    assert (ring == wanted).all()
    alone = draw_result(picture, _two((640, 400), box, [rows[position]] * (position + 1)))
    if position == 0:
        assert (drawn[:340] == alone[:340]).all(), "the footer tells of the other, no label does"


def test_a_label_lies_neither_under_a_box_nor_on_an_answer(image):
    # Where the label of the first box would go, above it, the second one lies.
    boxes = [[200.0, 200, 260, 240], [200.0, 165, 330, 185]]
    picture = image((640, 400))
    drawn = draw_result(picture, _two((640, 400), boxes, [(True, 0), (True, 1)]))
    for left, top, right, bottom in np.array(boxes, int):
        inside = np.s_[top:bottom, left:right]
        assert (drawn[inside] == picture[inside]).all()


@pytest.mark.parametrize(
    ("similarity", "detector", "told"),
    [
        (0.004, 0.86, "The detector is sure of this box (0.86); the caption fits it only weakly."),
        (0.83, 0.105, "The caption fits this box well; the detector doubts"),
        (0.2, 0.86, ""),
        (0.004, 0.3, ""),
        (0.9, 0.9, ""),
    ],
)
def test_scores_that_seem_to_contradict_each_other_are_explained(similarity, detector, told):
    detections = Detections.from_xyxy([[1, 1, 5, 5]], (9, 9), score=[detector])
    found = Ranking("kite", [1.0], [similarity], [0], answer_row=0, nearest_row=0)
    result = Result((9, 9), detections, (found, replace(found, answer_row=None)))
    note = contrast_note(found, result)
    assert note.startswith(told) if told else note == ""
    assert contrast_note(result.rankings[1], result) == "", "no answer, no riddle"
    spoken = locate_report(result, 0.5).splitlines()
    assert (f"  {note}" in spoken) == bool(told)
    assert sum("The detector is sure" in line for line in spoken) <= 1


def test_captions_that_mean_one_box_share_a_label(image):
    picture, box = image((640, 400)), [[300.0, 180, 340, 220]]
    counts = {}
    for count in (1, 2, 9):
        drawn = draw_result(picture, _two((640, 400), box, [(True, 0)] * count))
        assert (drawn[180:220, 300:340] == picture[180:220, 300:340]).all()
        changed = (drawn != picture).any(axis=2)
        changed[170:230, 290:350] = False  # the box's own lines
        rows = np.flatnonzero(changed.any(axis=1))
        assert len(rows) == rows[-1] - rows[0] + 1, "one label, not several around the box"
        counts[count] = len(rows)
        marks = [tuple(int(COLORS[i].picture[j : j + 2], 16) for j in (1, 3, 5)) for i in range(4)]
        seen = [bool((drawn[changed] == mark).all(axis=1).any()) for mark in marks]
        assert seen == [i < count for i in range(4)], "each with its mark"
    assert counts[1] < counts[2] < counts[9] < 6.5 * 17, "of many the first ones"


def test_a_chance_of_one_in_five_is_a_doubt_and_no_denial():
    def one(chance: float, row: int | None = None, nearest: int | None = 0) -> Ranking:
        return Ranking(
            "kite",
            [1.0],
            [0.7],
            [0],
            answer_row=row,
            nearest_row=nearest,
            found_probability=chance,
        )

    told = [verdict_of(one(chance), 0.48) for chance in (0.19, 0.2, 0.47, 0.48)]
    assert told == ["absent", "unsure", "unsure", "taken"]
    assert verdict_of(one(0.9, row=0), 0.48) == "found"
    unread = replace(one(0.9, nearest=None), reading=Reading("nothing", ""))
    assert verdict_of(unread, 0.48) == "unread"
    assert verdict_of(Ranking("kite", [], [], []), 0.48) == "absent", "nothing was detected"
    result = Result((9, 9), Detections.from_xyxy([[1, 1, 5, 5]], (9, 9)), (one(0.4),))
    spoken = locate_report(result, 0.48)
    assert spoken.startswith("kite: not sure, perhaps box 1 (40 %)\n")


def test_the_drawn_picture_says_what_the_page_says(image, monkeypatch):
    told = []
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda pen, xy, line, **kw: told.append(line))

    def one(caption: str, chance: float, reading: Reading | None = None, **rows: int) -> Ranking:
        ranking = Ranking(caption, [0.0, 1.0], [0.5, 0.5], [1, 0], found_probability=chance, **rows)
        return replace(ranking, reading=reading) if reading else ranking

    monkeypatch.setattr(draw, "_lacking", lambda font, line: set())
    noir = one("h\u00e9licopt\u00e8re noir", 1, Reading("looks", "helicopter"), nearest_row=1)
    rankings = (
        one("kite", 0.94, answer_row=0, nearest_row=0),
        one("cat", 0, Reading("nothing", "")),
        noir,
        one("owl", 0.1, nearest_row=0),
        one("left one", 0.7, nearest_row=0),
    )
    boxes = Detections.from_xyxy(
        [[200, 50, 260, 90], [400, 50, 460, 90]], (640, 400), score=[0.8] * 2
    )
    draw_result(image((640, 400)), Result((640, 400), boxes, rankings), limit=0.5)
    assert set(told) == {
        "kite", "1  94 % sure  detector 0.80",
        "Cannot be looked for: cat",
        "perhaps h\u00e9licopt\u00e8re noir",
        "2  100 % sure of \u201chelicopter\u201d  detector 0.80",
        "Not sure: h\u00e9licopt\u00e8re noir",
        "Not in this picture: owl",
        "Not in this picture, another caption has the nearest box: left one",
    }  # fmt: skip
    lost = Ranking("cat", [], [], [], reading=Reading("nothing", ""))
    empty = Result((640, 400), Detections.from_xyxy([], (640, 400)), (lost,))
    told.clear()
    draw_result(image((640, 400)), empty, limit=0.5)
    assert told == ["Cannot be looked for: cat"]
    assert locate_report(empty, 0.5).startswith("cat: cannot be looked for\n")


def test_letters_that_the_usual_font_lacks_are_written_by_another_one(monkeypatch):
    usual = draw._font(20)
    line = "h\u00e9licopt\u00e8re, \u201cnoir\u201d"
    assert draw._written("black \u201chelicopter\u201d", 20) == (
        "black \u201chelicopter\u201d",
        usual,
    )
    written, font = draw._written(line, 20)
    assert written == line or font is usual, "no such font here"
    assert not draw._lacking(font, written)
    monkeypatch.setattr(draw, "_SPARE_FONTS", ("no-such-font.ttf",))
    assert draw._written(line, 20) == ("helicoptere, \u201cnoir\u201d", usual)
    assert draw._written("\u732b", 20) == ("?", usual)


def test_what_was_not_understood_is_not_an_answer():
    reading = Reading("looks", "red", ("It does not know 'car'.",))
    ranking = Ranking("red car", [3.0], [0.9], [0], nearest_row=0, found_probability=0.9)
    ranking = replace(ranking, reading=reading)
    assert verdict_of(ranking, 0.48) == "unsure"
    assert verdict_of(replace(ranking, found_probability=0.1), 0.48) == "unread"
    result = Result((9, 9), Detections.from_xyxy([[1, 1, 5, 5]], (9, 9)), (ranking,))
    spoken = locate_report(result, 0.48)
    said = "not sure, \u201cred\u201d fits box 1 (90 %), but other words are unknown"
    assert spoken.startswith(f"red car: {said}\n")
    assert spoken.splitlines()[1] == "  It does not know 'car'."
    found = replace(ranking, answer_row=0, reading=replace(reading, grasp="part"))
    spoken = locate_report(Result((9, 9), result.detections, (found,)), 0.48)
    assert spoken.startswith("red car: found, 90 % sure of \u201cred\u201d\n")


@pytest.mark.parametrize(
    ("caption", "several"),
    [
        ("red balloon, blue balloon", True),
        ("helicopter; drone", True),
        ("white, blue, and red commercial aircraft", False),
        ("grey, white plane, on the left", False),
        ("red thing, blue thing", False),
    ],
)
def test_a_line_that_names_several_things_is_told(caption, several):
    assert bool(notes_of(Ranking(caption, [], [], []))) == several


@pytest.mark.parametrize(
    ("caption", "is_told"),
    [
        ("red or black helicopter", True),
        ("a drone, white or grey", True),
        ("red, blue OR green jet", True),
        ("red and black helicopter", False),
        ("grey or gray helicopter", False),
        ("red helicopter or so", False),
        ("orange jet", False),
        ("red or shiny jet", False),
    ],
)
def test_one_color_or_another_is_told_to_be_asked_as_both(caption, is_told):
    notes = notes_of(Ranking(caption, [], [], []))
    assert any("not in one or the other" in note for note in notes) == is_told
    assert len(notes) == is_told


def test_boxes_that_are_not_listed_are_counted():
    ranking = Ranking("kites", [0.0] * 7, [0.5] * 7, list(range(7)), nearest_row=0)
    boxes = Detections.from_xyxy([[1, 1, 5, 5]] * 7, (9, 9))
    spoken = locate_report(Result((9, 9), boxes, (ranking,)), 0.48)
    assert "\n and 2 more, less likely\n" in spoken
    assert "more, less" not in locate_report(Result((9, 9), boxes, ()), 0.48)


def test_boxes_that_fit_as_well_are_named():
    evidence = [2.0, 5.5, 4.6, 4.4]
    ranking = Ranking("kites", evidence, [0.9] * 4, [1, 2, 3, 0], answer_row=1, nearest_row=1)
    assert like_rows(ranking) == [2]
    assert like_rows(replace(ranking, answer_row=None)) == []
    assert like_rows(replace(ranking, answer_row=3)) == [1, 2], "jointly another one may be left"
    boxes = Detections.from_xyxy([[1, 1, 5, 5]] * 4, (9, 9))
    spoken = locate_report(Result((9, 9), boxes, (ranking,)), 0.48)
    assert "0.9 ahead of the runner-up. Box 3 fits about as well.\n" in spoken


def test_for_a_plural_all_that_would_be_found_are_named():
    count = 13
    evidence = [float(count - row) for row in range(count)]
    reading = Reading("whole", "kites", is_plural=True)
    ranking = Ranking(
        "kites", evidence, [0.9] * count, list(range(count)), answer_row=0, nearest_row=0,
        reading=reading, fitting_rows=(0, 1, 2, 3),
    )  # fmt: skip
    assert like_rows(ranking) == [1, 2, 3]
    boxes = Detections.from_xyxy([[1, 1, 5, 5]] * count, (9, 9))
    spoken = locate_report(Result((9, 9), boxes, (ranking,)), 0.48)
    assert "Boxes 2, 3, 4 fit too.\n" in spoken
    many = replace(ranking, fitting_rows=tuple(range(count)))
    spoken = locate_report(Result((9, 9), boxes, (many,)), 0.48)
    assert "Boxes 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more fit too.\n" in spoken
    lone = replace(ranking, fitting_rows=(0, 1))
    assert "Box 2 fits too.\n" in locate_report(Result((9, 9), boxes, (lone,)), 0.48)


@pytest.mark.parametrize("wh", [(1, 1), (40, 3000), (3000, 40), (64, 64)])
@pytest.mark.parametrize("captions", [[], [True], [False, False, True]])
def test_drawing_fits_any_picture(wh, captions, image):
    boxes = [[0, 0, wh[0], wh[1]], [0, 0, 1, 1]]
    assert draw_result(image(wh), _result(wh, boxes, captions)).shape == (wh[1], wh[0], 3)
    assert draw_result(image(wh), _result(wh, [], captions)).shape == (wh[1], wh[0], 3)


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ({"opencv-python-headless": "5.0.0.93"}, 0),
        ({"opencv-python-headless": "5.0.0.93", "opencv-python": "5.0.0.93"}, 0),
        ({"opencv-python-headless": "5.0.0.93", "opencv-python": "4.9.0.80"}, 1),
        ({"numpy": "2.4.6"}, 1),
    ],
)
def test_opencv_conflicts(installed, expected):
    assert len(opencv_conflicts(installed)) == expected
