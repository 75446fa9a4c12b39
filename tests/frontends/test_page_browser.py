"""The page in a real browser: what a visitor does, at desktop and phone width."""

from __future__ import annotations

import json
import shutil
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from core.image import encode_image
from frontends.service import Service, read_limits
from frontends.ui.page import create_page, launch_options

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DESKTOP, PHONE = (1280, 860), (360, 740)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture and one example."""
    folder = tmp_path_factory.mktemp("browser")
    picture = np.full((400, 640, 3), 200, np.uint8)
    picture[80:110, 100:160] = (255, 0, 0)
    picture[300:312, 500:516] = (0, 0, 255)
    (folder / "shapes.png").write_bytes(encode_image(picture))
    entries = [{"file": "shapes.png", "captions": ["red thing", "green thing"]}]
    (folder / "examples.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    service = Service(replace(read_limits({}), preset="fake"))
    page = create_page(service, examples_folder=folder)
    options = launch_options(service, examples_folder=folder)
    _, url, _ = page.launch(**options, prevent_thread_lock=True, quiet=True)
    yield url
    page.close(verbose=False)


@pytest.fixture
def browse(address: str, tmp_path: Path) -> Any:
    """Context manager: `with browse(size) as page`; fails on script errors and outside requests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")

    @contextmanager
    def opened(size: tuple[int, int], *, scheme: str = "light") -> Iterator[Any]:
        troubles: list[str] = []
        with playwright.sync_playwright() as driver:
            context = driver.chromium.launch_persistent_context(
                tmp_path / f"profile-{scheme}-{size[0]}",
                executable_path=CHROMIUM,
                viewport={"width": size[0], "height": size[1]},
                has_touch=size[0] < 500,
                color_scheme=scheme,
                accept_downloads=True,
                args=["--no-sandbox"],
            )
            page = context.pages[0]
            page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
            page.on("request", lambda request: troubles.extend(_outside(request.url, address)))
            page.on("console", lambda line: troubles.extend(_complaints(line)))
            page.goto(address)
            page.wait_for_selector("#locate-captions textarea")
            yield page
            context.close()
        assert troubles == []

    return opened


def _outside(url: str, address: str) -> list[str]:
    ours = url.startswith((address, "data:", "blob:"))
    return [] if ours else [f"request to {url}"]


def _complaints(line: Any) -> list[str]:
    return [f"console: {line.text}"] if line.type == "error" else []


def _upload_and_ask(page: Any, folder: Path, captions: str) -> None:
    page.fill("#locate-captions textarea", captions)
    page.set_input_files("#locate-picture .file", folder / "shapes.png")
    page.wait_for_selector("#locate-answers .card")
    page.wait_for_selector("#locate-picture .overlay g")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_and_captions_give_boxes(size, scheme, browse, folder):
    with browse(size, scheme=scheme) as page:
        _upload_and_ask(page, folder, "red thing\ngreen thing")
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


def test_the_box_lies_around_the_object(browse, folder):
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
        line = page.locator('#locate-picture .overlay g[data-state="answer"] .line').bounding_box()
        image = page.locator("#locate-picture .image").bounding_box()
        scale = image["width"] / 640
        assert line["x"] == pytest.approx(image["x"] + 100 * scale, abs=3)
        assert line["y"] == pytest.approx(image["y"] + 80 * scale, abs=3)
        assert line["width"] == pytest.approx(60 * scale, abs=5)


def test_an_example_locates_at_once_and_new_words_follow(browse):
    with browse(DESKTOP) as page:
        page.click(".example")
        page.wait_for_selector("#locate-answers .card")
        assert page.input_value("#locate-captions textarea") == "red thing\ngreen thing"
        page.fill("#locate-captions textarea", "blue thing")
        page.wait_for_function("document.querySelectorAll('#locate-answers .card').length === 1")
        page.wait_for_function(
            "document.querySelector('.time-line').textContent.includes('only the captions')"
        )


def test_row_and_box_light_up_together_and_a_click_selects(browse, folder):
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
        page.hover('#locate-answers .row[data-id="1"]')
        page.wait_for_selector('.overlay g[data-id="1"][data-lit]')
        assert page.locator("#locate-picture .lens").is_visible()
        page.click('#locate-answers .row[data-id="1"]')
        page.wait_for_selector('.overlay g[data-id="1"][data-selected]')
        assert "less well" in page.locator(".evidence .sentence").inner_text()


def test_a_click_on_the_question_leads_into_the_field(browse):
    with browse(DESKTOP) as page:
        page.click("#locate-captions .title")
        assert page.evaluate("document.activeElement.matches('#locate-captions textarea')")
        ids = "[...document.querySelectorAll('[id]')].map((node) => node.id).filter(Boolean)"
        assert page.evaluate(f"{ids}.filter((id) => id.startsWith('locate-')).length") == (
            page.evaluate(f"new Set({ids}.filter((id) => id.startsWith('locate-'))).size")
        ), "every name stands for one element"


def test_reason_and_table_tell_the_same_lead(browse, folder):
    """That of the evidence, not that of the similarity alone."""
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
        # Said again where the answer to typing comes after that to the button; the strip follows
        # once its picture is drawn.
        page.wait_for_function(
            """() => {
              const room = window.spotter.room("locate");
              const answer = structuredClone(room.state.answer);
              if (answer.captions[0].evidence[0] !== 2.5) {
                answer.captions[0].evidence = [2.5, -1.5];
                room.set({ answer });
              }
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


def test_a_box_has_one_number_and_the_picture_tells_of_the_chosen_caption(browse, folder):
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing\nblue thing\ngreen thing")
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


def test_the_known_words_can_be_looked_up_where_the_model_knows_no_others(browse):
    with browse(DESKTOP) as page:
        known = page.locator("#locate-captions .known")
        assert not known.is_visible(), "the models for trying out know other words"
        page.evaluate("window.spotter.room('locate').set({preset: 'mini'})")
        assert known.inner_text() == "The model knows 14 things that fly, in 11 colors."
        known.locator("summary").click()
        assert "hot air balloon" in known.inner_text()


def test_on_a_phone_the_answer_comes_into_view(browse, folder):
    with browse(PHONE) as page:
        _upload_and_ask(page, folder, "red thing\ngreen thing")
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


def test_the_detector_score_filters_in_the_browser(browse, folder):
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
        page.evaluate("window.spotter.room('locate').set({score_min: 0.85})")
        page.wait_for_function("document.querySelectorAll('.overlay g').length === 1")
        page.evaluate("window.spotter.room('locate').set({score_min: 0.99})")
        page.wait_for_function("document.querySelectorAll('.overlay g').length === 0")
        assert "below the detector score" in page.locator("#locate-answers").inner_text()


def test_the_slider_works_by_keyboard(browse, folder):
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
        page.click("#locate-settings summary")
        page.focus('#locate-settings [data-key="score_min"] input[type=range]')
        page.keyboard.press("End")
        page.wait_for_function("document.querySelectorAll('.overlay g').length === 0")
        page.wait_for_function(
            "document.querySelector('#locate-answers').textContent.includes('below the detector')"
        )
        page.keyboard.press("Home")
        page.wait_for_function("document.querySelectorAll('.overlay g').length === 2")


def test_a_number_out_of_range_is_brought_into_it(browse, folder):
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
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


def test_a_preset_that_is_not_installed_is_marked_and_leaves_the_answer(browse, folder):
    with browse(PHONE) as page:
        _upload_and_ask(page, folder, "red thing")
        before = page.locator("#locate-answers .cards").inner_text()
        page.click("#locate-settings summary")
        preset = '#locate-settings [data-key="preset"] select'
        assert "origin (not installed)" in page.locator(preset).inner_text()
        page.select_option(preset, "origin")
        page.wait_for_selector("#locate-settings .missing")
        page.click("#locate-settings .steps summary")
        assert "python app.py export" in page.locator("#locate-settings .commands").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        page.wait_for_timeout(600)
        assert page.locator("#locate-answers .cards").inner_text() == before


def test_keys_zoom_and_go_from_box_to_box(browse, folder):
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
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


def _answer_rect(page) -> dict[str, float]:
    """Where the answer's line is now; the overlay may just be drawn anew, so this waits for it."""
    return page.wait_for_function(
        """() => {
          const line = document.querySelector(
            '#locate-picture .overlay g[data-state="answer"] .line');
          const rect = line?.getBoundingClientRect();
          return rect?.width ? rect.toJSON() : null;
        }"""
    ).json_value()


def test_the_wheel_zooms_to_the_cursor_and_a_double_click_fits(browse, folder):
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
        box = _answer_rect(page)
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.wheel(0, -600)
        page.wait_for_selector(".stage[data-zoomed]")
        after = _answer_rect(page)
        assert after["width"] > box["width"] * 1.5
        assert after["x"] + after["width"] / 2 == pytest.approx(x, abs=3)
        page.mouse.dblclick(x, y)
        page.wait_for_function("!document.querySelector('.stage').hasAttribute('data-zoomed')")


def test_errors_stand_where_their_cause_is(browse, folder, tmp_path):
    with browse(DESKTOP) as page:
        page.fill("#locate-captions textarea", "red thing")
        broken = tmp_path / "broken.jpg"
        broken.write_bytes(b"no picture")
        page.set_input_files("#locate-picture .file", broken)
        notice = page.locator("#locate-picture .notice")
        notice.wait_for()
        assert "not an image" in notice.inner_text()
        page.fill("#locate-captions textarea", "")
        page.set_input_files("#locate-picture .file", folder / "shapes.png")
        notice.wait_for(state="hidden")
        page.click("#locate-button")
        said = page.locator("#locate-captions .notice")
        said.wait_for()
        assert "No caption yet" in said.inner_text()


@pytest.mark.parametrize("name", ["broken.jpg", "cut.jpg"])
def test_a_picture_that_cannot_be_used_leaves_the_one_before(name, browse, folder, tmp_path):
    """Also one of which a browser shows the beginning."""
    noise = np.random.default_rng(0).integers(0, 255, (400, 640, 3), np.uint8)
    data = {"broken.jpg": b"no picture", "cut.jpg": encode_image(noise, format="jpeg")[:20000]}
    (tmp_path / name).write_bytes(data[name])
    with browse(DESKTOP) as page:
        page.fill("#locate-captions textarea", "red thing")
        page.set_input_files("#locate-picture .file", tmp_path / name)
        page.wait_for_selector("#locate-picture .notice:not([hidden])")
        page.wait_for_selector("#locate-picture [data-phase=empty] .invite")
        _upload_and_ask(page, folder, "red thing")
        told = page.locator("#locate-answers .cards").inner_text()
        line = _answer_rect(page)
        page.set_input_files("#locate-picture .file", tmp_path / name)
        page.wait_for_selector("#locate-picture .notice:not([hidden])")
        page.wait_for_function("document.querySelector('#locate-picture .image').naturalWidth")
        assert page.locator("#locate-picture .facts").inner_text().startswith("640")
        assert page.locator("#locate-answers .cards").inner_text() == told
        assert _answer_rect(page) == line
        page.fill("#locate-captions textarea", "blue thing")
        page.wait_for_selector("#locate-answers .caption:text-is('blue thing')")


def test_a_picture_that_only_the_server_can_read_is_shown(browse, folder, tmp_path):
    scan = PilImage.open(folder / "shapes.png").crop((0, 0, 320, 200))
    scan.save(tmp_path / "scan.tiff")
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
        page.set_input_files("#locate-picture .file", tmp_path / "scan.tiff")
        page.wait_for_selector("#locate-picture .facts:has-text('320')")
        line = _answer_rect(page)
        image = page.locator("#locate-picture .image").bounding_box()
        assert line["x"] == pytest.approx(image["x"] + 100 / 320 * image["width"], abs=3)


def test_an_error_that_comes_twice_ends_the_waiting(browse, folder):
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
        page.fill("#locate-captions textarea", "a" * 2001)
        for _ in range(2):
            page.click("#locate-button")
            page.wait_for_selector("#locate-captions .notice:not([hidden])")
            page.wait_for_selector("#locate-picture .picture:not([data-busy])")


def test_nothing_can_be_asked_before_there_is_a_picture(browse, folder):
    with browse(DESKTOP) as page:
        assert page.locator("#locate-button").is_disabled()
        assert "First choose a picture" in page.locator("#locate-captions .hint").inner_text()
        example = page.locator("#locate-examples .example").first
        large = example.bounding_box()
        _upload_and_ask(page, folder, "red thing")
        assert large["width"] > 1.5 * example.bounding_box()["width"], "there is room for them"
        assert page.locator("#locate-button").is_enabled()
        assert "follow as you type" in page.locator("#locate-captions .hint").inner_text()


def test_the_evidence_compares_and_downloads(browse, folder):
    with browse(DESKTOP) as page:
        _upload_and_ask(page, folder, "red thing")
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


def test_two_visitors_at_once(address, folder, in_threads):
    """The page answers while another visitor is served."""

    def load() -> int:
        with urllib.request.urlopen(address) as answer:
            return answer.status

    assert in_threads(load, 4) == [200] * 4
    assert threading.active_count() < 200


def test_programs_can_ask(address, folder):
    client = pytest.importorskip("gradio_client")
    spotter = client.Client(address, verbose=False)
    picture = client.handle_file(str(folder / "shapes.png"))
    result = spotter.predict(picture, ["red thing"], api_name="/locate")
    assert result["rankings"][0]["found"] is True


@pytest.mark.parametrize("mark", [{}, {"meta": {"_type": "gradio.FileData"}}], ids=["", "marked"])
def test_files_that_nobody_uploaded_are_refused(mark, address):
    """The picture's path comes from the browser; it must not be any file of the server."""
    image = {"path": str(Path(__file__)), **mark}
    data = json.dumps({"data": [image, ["red thing"], "independent"]}).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}gradio_api/call/locate", data, kind)
    with urllib.request.urlopen(request) as answer:
        event = json.loads(answer.read())["event_id"]
    with urllib.request.urlopen(f"{address}gradio_api/call/locate/{event}") as stream:
        said = stream.read()
    assert b"event: error" in said
    assert mark or b"was not uploaded" in said


def test_two_fingers_zoom_where_they_are(browse, folder):
    with browse(PHONE) as page:
        _upload_and_ask(page, folder, "red thing")
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


def test_a_close_look_is_gone_with_its_picture(browse, folder, tmp_path):
    large = np.full((1200, 2400, 3), 200, np.uint8)
    large[80:110, 100:160] = (255, 0, 0)
    (tmp_path / "large.png").write_bytes(encode_image(large))
    button = "#locate-answers .more button"
    with browse(DESKTOP) as page:
        page.fill("#locate-captions textarea", "red thing")
        page.set_input_files("#locate-picture .file", tmp_path / "large.png")
        page.click(f"{button}:has-text('Look closely')")
        page.click(f"{button}:has-text('the whole again')")
        page.click(f"{button}:has-text('Look closely')")
        page.wait_for_selector(f"{button}:has-text('the whole again')")
        assert "Looked at in" in page.locator("#locate-answers .more").inner_text()
        page.set_input_files("#locate-picture .file", folder / "shapes.png")
        page.wait_for_selector("#locate-picture .facts:has-text('640')")
        page.set_input_files("#locate-picture .file", tmp_path / "large.png")
        page.wait_for_selector(f"{button}:has-text('Look closely')")
