"""What goes into the page in a real browser: wrong pictures, wrong numbers, several at once."""

from __future__ import annotations

import json
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from core.image import encode_image
from tests.frontends.locate_page import DESKTOP, PHONE, answer_rect, upload_and_ask

pytestmark = pytest.mark.browser


def test_a_number_out_of_range_is_brought_into_it(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        page.click("#locate-settings summary")
        field = '#locate-settings [data-key="score_min"] input[type=number]'
        for typed, kept in (("0.02", "0.05"), ("7", "0.95")):
            page.fill(field, typed)
            page.keyboard.press("Enter")
            page.wait_for_function(
                "([field, kept]) => document.querySelector(field).value === kept",
                arg=[field, kept],
            )
        page.wait_for_function("document.querySelectorAll('.overlay g').length === 0")


def test_a_preset_that_is_not_installed_is_marked_and_leaves_the_answer(visit, shapes):
    with visit(PHONE) as page:
        upload_and_ask(page, shapes, "red thing")
        before = page.locator("#locate-answers .cards").inner_text()
        page.click("#locate-settings summary")
        preset = '#locate-settings [data-key="preset"] select'
        assert "origin (not installed)" in page.locator(preset).inner_text()
        page.select_option(preset, "origin")
        page.wait_for_selector("#locate-settings .missing")
        said = page.locator("#locate-settings .missing").inner_text()
        assert "What was found before stays." in said
        summary = "document.querySelector('#locate-settings .steps summary')"
        arrow = f"getComputedStyle({summary}, '::before').transform"
        folded = page.evaluate(arrow)
        page.click("#locate-settings .steps summary")
        page.wait_for_timeout(300)
        assert page.evaluate(arrow) != folded, "an arrow that is open is not one that is closed"
        assert "python app.py export" in page.locator("#locate-settings .commands").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        page.wait_for_timeout(600)
        assert page.locator("#locate-answers .cards").inner_text() == before
        page.click("#locate-settings .back")
        page.wait_for_selector("#locate-settings .missing", state="detached")
        assert page.locator(preset).input_value() != "origin"


def test_errors_stand_where_their_cause_is(visit, shapes, tmp_path):
    with visit(DESKTOP) as page:
        page.fill("#locate-captions textarea", "red thing")
        broken = tmp_path / "broken.jpg"
        broken.write_bytes(b"no picture")
        page.set_input_files("#locate-picture .file", broken)
        notice = page.locator("#locate-picture .notice")
        notice.wait_for()
        assert "not an image" in notice.inner_text()
        page.fill("#locate-captions textarea", "")
        page.set_input_files("#locate-picture .file", shapes / "shapes.png")
        notice.wait_for(state="hidden")
        page.click("#locate-button")
        said = page.locator("#locate-captions .notice")
        said.wait_for()
        assert "No caption yet" in said.inner_text()
        # Also when the answer about the picture comes after the press.
        page.set_input_files("#locate-picture .file", shapes / "shapes.png")
        page.wait_for_timeout(1500)
        assert said.is_visible()
        page.fill("#locate-captions textarea", "red thing")
        page.wait_for_selector("#locate-answers .caption:text-is('red thing')")
        assert said.is_hidden()


@pytest.mark.parametrize("name", ["broken.jpg", "cut.jpg"])
def test_a_picture_that_cannot_be_used_leaves_the_one_before(name, visit, shapes, tmp_path):
    """Also one of which a browser shows the beginning."""
    noise = np.random.default_rng(0).integers(0, 255, (400, 640, 3), np.uint8)
    data = {"broken.jpg": b"no picture", "cut.jpg": encode_image(noise, format="jpeg")[:20000]}
    (tmp_path / name).write_bytes(data[name])
    with visit(DESKTOP) as page:
        page.fill("#locate-captions textarea", "red thing")
        page.set_input_files("#locate-picture .file", tmp_path / name)
        page.wait_for_selector("#locate-picture .notice:not([hidden])")
        page.wait_for_selector("#locate-picture [data-phase=empty] .invite")
        upload_and_ask(page, shapes, "red thing")
        told = page.locator("#locate-answers .cards").inner_text()
        line = answer_rect(page)
        page.set_input_files("#locate-picture .file", tmp_path / name)
        page.wait_for_selector("#locate-picture .notice:not([hidden])")
        page.wait_for_function("document.querySelector('#locate-picture .image').naturalWidth")
        assert page.locator("#locate-picture .facts").inner_text().startswith("640")
        assert page.locator("#locate-answers .cards").inner_text() == told
        assert answer_rect(page) == line
        page.fill("#locate-captions textarea", "blue thing")
        page.wait_for_selector("#locate-answers .caption:text-is('blue thing')")


def test_a_picture_that_only_the_server_can_read_is_shown(visit, shapes, tmp_path):
    scan = PilImage.open(shapes / "shapes.png").crop((0, 0, 320, 200))
    scan.save(tmp_path / "scan.tiff")
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        page.set_input_files("#locate-picture .file", tmp_path / "scan.tiff")
        page.wait_for_selector("#locate-picture .facts:has-text('320')")
        line = answer_rect(page)
        image = page.locator("#locate-picture .image").bounding_box()
        assert line["x"] == pytest.approx(image["x"] + 100 / 320 * image["width"], abs=3)


def test_an_error_that_comes_twice_ends_the_waiting(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        page.fill("#locate-captions textarea", "a" * 2001)
        for _ in range(2):
            page.click("#locate-button")
            page.wait_for_selector("#locate-captions .notice:not([hidden])")
            page.wait_for_selector("#locate-picture .picture:not([data-busy])")


def test_nothing_can_be_asked_before_there_is_a_picture(visit, shapes):
    with visit(DESKTOP) as page:
        assert page.locator("#locate-button").is_disabled()
        assert "First choose a picture" in page.locator("#locate-captions .hint").inner_text()
        example = page.locator("#locate-examples .example").first
        large = example.bounding_box()
        upload_and_ask(page, shapes, "red thing")
        assert large["width"] > 1.5 * example.bounding_box()["width"], "there is room for them"
        assert page.locator("#locate-button").is_enabled()
        assert "follow as you type" in page.locator("#locate-captions .hint").inner_text()


def test_two_visitors_at_once(locate_address, shapes, in_threads):
    """The page answers while another visitor is served."""

    def load() -> int:
        with urllib.request.urlopen(locate_address) as answer:
            return answer.status

    assert in_threads(load, 4) == [200] * 4
    assert threading.active_count() < 200


def test_programs_can_ask(locate_address, shapes):
    client = pytest.importorskip("gradio_client")
    spotter = client.Client(locate_address, verbose=False)
    picture = client.handle_file(str(shapes / "shapes.png"))
    result = spotter.predict(picture, ["red thing"], api_name="/locate")
    assert result["rankings"][0]["found"] is True


@pytest.mark.parametrize("mark", [{}, {"meta": {"_type": "gradio.FileData"}}], ids=["", "marked"])
def test_files_that_nobody_uploaded_are_refused(mark, locate_address):
    """The picture's path comes from the browser; it must not be any file of the server."""
    image = {"path": str(Path(__file__)), **mark}
    data = json.dumps({"data": [image, ["red thing"], "independent"]}).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{locate_address}gradio_api/call/locate", data, kind)
    with urllib.request.urlopen(request) as answer:
        event = json.loads(answer.read())["event_id"]
    with urllib.request.urlopen(f"{locate_address}gradio_api/call/locate/{event}") as stream:
        said = stream.read()
    assert b"event: error" in said
    assert mark or b"was not uploaded" in said


def test_a_picture_dropped_beside_the_stage_is_taken(visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "red thing")
        page.evaluate("window.before = window.spotter.room('locate').state.answer")
        left = page.evaluate(
            """async (bytes) => {
              const data = new DataTransfer();
              const file = new File([new Uint8Array(bytes)], "a.png", { type: "image/png" });
              data.items.add(file);
              const told = { dataTransfer: data, bubbles: true, cancelable: true };
              const drop = new DragEvent("drop", told);
              return document.querySelector(".spotter-head").dispatchEvent(drop);
            }""",
            list(encode_image(np.full((60, 80, 3), 200, np.uint8))),
        )
        assert left is False, "the browser would show the picture instead of the page"
        page.wait_for_function(
            "document.querySelector('#locate-picture').textContent.includes('80 × 60')"
        )
