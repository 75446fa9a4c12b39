"""The page in a real browser: what a visitor does, at desktop and phone width."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.image import encode_image
from tests.frontends.locate_page import DESKTOP, PHONE, answer_rect, upload_and_ask

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_and_captions_give_boxes(size, scheme, visit, shapes):
    with visit(size, scheme=scheme) as page:
        upload_and_ask(page, shapes, "red thing\ngreen thing")
        assert page.locator("#locate-picture .overlay g").count() == 2
        assert page.locator('#locate-picture .overlay g[data-state="answer"]').count() == 1
        cards = page.locator("#locate-answers .card")
        assert "sure." in cards.nth(0).inner_text()
        heads = page.locator("#locate-answers .heads > *").all_inner_texts()
        assert heads == ["box", "evidence", "similarity", "detector"]
        assert "Not in this picture. Nearest: box" in cards.nth(1).inner_text()
        # Nothing sticks out sideways.
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0]


def test_the_box_lies_around_the_object(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        line = page.locator('#locate-picture .overlay g[data-state="answer"] .line').bounding_box()
        image = page.locator("#locate-picture .image").bounding_box()
        scale = image["width"] / 640
        assert line["x"] == pytest.approx(image["x"] + 100 * scale, abs=3)
        assert line["y"] == pytest.approx(image["y"] + 80 * scale, abs=3)
        assert line["width"] == pytest.approx(60 * scale, abs=5)


def test_an_example_locates_at_once_and_new_words_follow(visit):
    with visit(DESKTOP) as page:
        page.click(".example")
        page.wait_for_selector("#locate-answers .card")
        # Gradio hands on one value after the other.
        page.wait_for_function(
            "(lines) => document.querySelector('#locate-captions textarea').value === lines",
            arg="red thing\ngreen thing",
        )
        page.fill("#locate-captions textarea", "blue thing")
        page.wait_for_function("document.querySelectorAll('#locate-answers .card').length === 1")
        page.wait_for_function(
            "document.querySelector('.time-line').textContent.includes('only the captions')"
        )


def test_row_and_box_light_up_together_and_a_click_selects(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        page.hover('#locate-answers .row[data-id="1"]')
        page.wait_for_selector('.overlay g[data-id="1"][data-lit]')
        assert page.locator("#locate-picture .lens").is_visible()
        page.click('#locate-answers .row[data-id="1"]')
        page.wait_for_selector('.overlay g[data-id="1"][data-selected]')
        assert "less well" in page.locator(".evidence .sentence").inner_text()


def test_a_click_on_the_question_leads_into_the_field(visit):
    with visit(DESKTOP) as page:
        page.click("#locate-captions .title")
        assert page.evaluate("document.activeElement.matches('#locate-captions textarea')")
        ids = "[...document.querySelectorAll('[id]')].map((node) => node.id).filter(Boolean)"
        assert page.evaluate(f"{ids}.filter((id) => id.startsWith('locate-')).length") == (
            page.evaluate(f"new Set({ids}.filter((id) => id.startsWith('locate-'))).size")
        ), "every name stands for one element"


def test_reason_and_table_tell_the_same_lead(visit, shapes):
    """That of the evidence, not that of the similarity alone."""
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        # Said of every answer: that to typing may come after that to the button.
        page.evaluate(
            """() => {
              const room = window.spotter.room("locate");
              const change = () => {
                const answer = structuredClone(room.state.answer);
                if (!answer || answer.captions[0].evidence[0] === 2.5) return;
                answer.captions[0].evidence = [2.5, -1.5];
                room.set({ answer });
              };
              room.on(["answer"], change);
              change();
            }"""
        )
        # The strip follows once its picture is drawn.
        page.wait_for_function(
            """() => {
              const told = document.querySelector(".evidence .figures");
              return told && told.innerText.includes("4.0");
            }"""
        )
        figures = page.locator(".evidence .figures").inner_text().split("\n")
        assert figures[figures.index("Evidence") + 1] == "2.5"
        assert figures[figures.index("Ahead by") + 1] == "4.0"
        assert "evidence \u22121.5" in page.locator(".evidence .rival-figures").inner_text()
        page.click(".evidence .all summary")
        rows = page.locator(".evidence tbody tr").all_inner_texts()
        assert [row.split("\t")[-2:] for row in rows] == [
            ["2.5", "4.0"],
            ["\u22121.5", "\u22124.0"],
        ]


def test_a_box_has_one_number_and_the_picture_tells_of_the_chosen_caption(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing\nblue thing\ngreen thing")
        numbers = {
            row.get_attribute("data-id"): row.locator(".number").inner_text()
            for row in page.locator("#locate-answers .row").all()
        }
        assert numbers == {"0": "1", "1": "2"}
        page.locator("#locate-answers .head").nth(1).click()
        label = '#locate-picture .label[data-id="{}"]'
        page.wait_for_selector(label.format(1) + "[data-lit]")
        assert "blue thing" in page.locator(label.format(1)).inner_text()
        # The answer of another caption keeps that one's mark and chance.
        other = page.locator(label.format(0))
        assert "red thing" in other.inner_text()
        assert "similarity" not in other.inner_text()
        page.hover('#locate-answers .card:nth-child(2) .row[data-id="0"]')
        page.wait_for_selector(label.format(0) + " .detector .mark")
        page.locator("#locate-answers .card:nth-child(2) .row").nth(1).click()
        page.wait_for_selector(".evidence .title:text-is('Why box 1')")
        page.click(".evidence .all summary")
        rows = page.locator(".evidence tbody tr .pick").all_inner_texts()
        assert rows == ["2", "1"], "in the order of the chosen caption"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_captions_that_mean_one_box_share_its_label(size, visit, shapes):
    captions = ["red thing", "the red thing", *(f"a red thing, {'very ' * i}red" for i in range(5))]
    with visit(size) as page:
        upload_and_ask(page, shapes, "\n".join(captions[:2]))
        label = page.locator('#locate-picture .label[data-id="0"]')
        label.locator(".among").nth(1).wait_for()
        first, second = label.locator(".among").all_inner_texts()
        assert first.startswith("1"), "the box's number"
        assert "red thing" in first
        assert "the red thing" in second
        assert [line.endswith("% sure") for line in (first, second)] == [True, True]
        page.locator("#locate-answers .head").nth(1).click()
        page.wait_for_function(
            "document.querySelector('.among .words').textContent === 'the red thing'"
        )
        page.fill("#locate-captions textarea", "\n".join(captions))
        label.locator(".rest").wait_for()
        assert label.locator(".among").count() == 4
        assert label.locator(".rest").inner_text() == "and 3 more"
        stage, chip = (page.locator("#locate-picture .stage").bounding_box(), label.bounding_box())
        assert stage["x"] <= chip["x"]
        assert chip["x"] + chip["width"] <= stage["x"] + stage["width"]


def test_the_known_words_can_be_looked_up_where_the_model_knows_no_others(visit):
    with visit(DESKTOP) as page:
        known = page.locator("#locate-captions .known")
        assert not known.is_visible(), "the models for trying out know other words"
        page.evaluate("window.spotter.room('locate').set({preset: 'mini'})")
        assert known.inner_text() == "The model knows 14 things that fly, in 11 colors."
        known.locator("summary").click()
        assert "hot air balloon" in known.inner_text()


def test_on_a_phone_the_answer_comes_into_view(visit, shapes):
    with visit(PHONE) as page:
        upload_and_ask(page, shapes, "red thing\ngreen thing")
        page.evaluate("window.scrollTo(0, 0)")
        page.click("#locate-button")
        page.wait_for_function(
            """() => {
              const { top, bottom } = document.querySelector(".card").getBoundingClientRect();
              return top >= 0 && bottom <= window.innerHeight;
            }"""
        )
        examples = page.locator("#locate-examples").bounding_box()
        assert examples["y"] > page.locator("#locate-answers").bounding_box()["y"]


def test_the_detector_score_filters_in_the_browser(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        page.evaluate("window.spotter.room('locate').set({score_min: 0.85})")
        page.wait_for_function("document.querySelectorAll('.overlay g').length === 1")
        page.evaluate("window.spotter.room('locate').set({score_min: 0.99})")
        page.wait_for_function("document.querySelectorAll('.overlay g').length === 0")
        assert "below the detector score" in page.locator("#locate-answers").inner_text()


def test_the_slider_works_by_keyboard(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        page.click("#locate-settings summary")
        page.focus('#locate-settings [data-key="score_min"] input[type=range]')
        page.keyboard.press("End")
        page.wait_for_function("document.querySelectorAll('.overlay g').length === 0")
        page.wait_for_function(
            "document.querySelector('#locate-answers').textContent.includes('below the detector')"
        )
        page.keyboard.press("Home")
        page.wait_for_function("document.querySelectorAll('.overlay g').length === 2")


def test_keys_zoom_and_go_from_box_to_box(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        page.focus("#locate-picture .stage")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(".overlay g[data-selected]")
        assert (
            "Box 1, place 1 for red thing" in page.locator("#locate-picture .spoken").inner_text()
        )
        before = page.locator("#locate-picture .image").bounding_box()["width"]
        page.keyboard.press("Enter")
        page.wait_for_function(
            "(w) => document.querySelector('.image').getBoundingClientRect().width > w * 1.5",
            arg=before,
        )
        page.keyboard.press("Escape")
        page.wait_for_function(
            "(w) => document.querySelector('.image').getBoundingClientRect().width < w + 1",
            arg=before,
        )


def test_the_wheel_zooms_to_the_cursor_and_a_double_click_fits(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        box = answer_rect(page)
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.wheel(0, -600)
        page.wait_for_selector(".stage[data-zoomed]")
        after = answer_rect(page)
        assert after["width"] > box["width"] * 1.5
        assert after["x"] + after["width"] / 2 == pytest.approx(x, abs=3)
        page.mouse.dblclick(x, y)
        page.wait_for_function("!document.querySelector('.stage').hasAttribute('data-zoomed')")


def test_the_evidence_compares_and_downloads(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        page.wait_for_function(
            "document.querySelector('.side.upscaled').style.backgroundImage.startsWith('url')"
        )
        page.click(".all-title")
        assert page.locator(".table tbody tr").count() == 2
        with page.expect_download() as saved:
            page.click(".save-json")
        result = json.loads(Path(saved.value.path()).read_text())
        assert result["rankings"][0]["caption"] == "red thing"
        with page.expect_download() as saved:
            page.click(".save-picture")
        assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")
        assert saved.value.suggested_filename == "shapes-spotter.png"


def test_two_fingers_zoom_where_they_are(visit, shapes):
    with visit(PHONE) as page:
        upload_and_ask(page, shapes, "red thing")
        image = page.locator("#locate-picture .image")
        page.locator("#locate-picture .stage").scroll_into_view_if_needed()
        before = image.bounding_box()
        x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
        fingers = page.context.new_cdp_session(page)

        def touch(kind: str, reach: float | None) -> None:
            sides = [] if reach is None else [x - reach, x + reach]
            points = [{"x": at, "y": y, "id": number} for number, at in enumerate(sides)]
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", 20)
        for reach in range(22, 61, 2):
            touch("touchMove", reach)
        touch("touchEnd", None)
        after = image.bounding_box()
        assert after["width"] == pytest.approx(3 * before["width"], rel=0.02)
        # What was between the fingers stays there.
        assert after["x"] + after["width"] / 2 == pytest.approx(x, abs=5)


def test_a_close_look_is_gone_with_its_picture(visit, shapes, tmp_path):
    large = np.full((1200, 2400, 3), 200, np.uint8)
    large[80:110, 100:160] = (255, 0, 0)
    (tmp_path / "large.png").write_bytes(encode_image(large))
    button = "#locate-answers .more button"
    with visit(DESKTOP) as page:
        page.fill("#locate-captions textarea", "red thing")
        page.set_input_files("#locate-picture .file", tmp_path / "large.png")
        page.click(f"{button}:has-text('Look closely')")
        page.click(f"{button}:has-text('the whole again')")
        page.click(f"{button}:has-text('Look closely')")
        page.wait_for_selector(f"{button}:has-text('the whole again')")
        assert "Looked at in" in page.locator("#locate-answers .more").inner_text()
        page.set_input_files("#locate-picture .file", shapes / "shapes.png")
        page.wait_for_selector("#locate-picture .facts:has-text('640')")
        page.set_input_files("#locate-picture .file", tmp_path / "large.png")
        page.wait_for_selector(f"{button}:has-text('Look closely')")
