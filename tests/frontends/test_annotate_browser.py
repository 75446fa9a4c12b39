"""The tab Annotate in a real browser: import, pre-label, correct, go through the queue, export."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.image import encode_image
from frontends.service import Service, read_limits
from frontends.ui.page import create_page, launch_options

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DESKTOP, PHONE = (1440, 900), (390, 844)
COUNT = 20
WH = (640, 400)
COLORS = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 160, 0)}
STATE = "window.spotter.room('annotate').state"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty pictures with a red, a blue and sometimes a green thing on grey."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = []
    for number in range(COUNT):
        picture = np.full((WH[1], WH[0], 3), 200, np.uint8)
        picture[:, :, 2] += number  # no two alike
        for (x1, y1, x2, y2), color in _things(number):
            picture[y1:y2, x1:x2] = COLORS[color]
        paths.append(folder / f"scene_{number:02d}.png")
        paths[-1].write_bytes(encode_image(picture))
    return paths


def _things(number: int) -> list[tuple[tuple[int, int, int, int], str]]:
    x, y = 40 + 20 * number, 60 + 5 * number
    things = [((x, y, x + 60, y + 40), "red"), ((500, 300, 530, 324), "blue")]
    return things + [((90, 330, 150, 370), "green")] * (number % 2)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    limits = replace(read_limits({}), preset="fake", projects_folder=tmp_path / "projects")
    service = Service(limits)
    page = create_page(service)
    _, url, _ = page.launch(**launch_options(service), prevent_thread_lock=True, quiet=True)
    yield url
    page.close(verbose=False)


@pytest.fixture
def browse(address: str) -> Iterator[Any]:
    """Opener: `browse(size)` returns a page of a new visitor; script errors fail the test."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    troubles: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def opened(size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Any:
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme=scheme,
                has_touch=size[0] < 500,
                accept_downloads=True,
            )
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
            page.on("console", lambda line: troubles.extend(_complaints(line)))
            page.goto(f"{address}#annotate")
            page.wait_for_function(f"window.spotter && {STATE}.visit")
            return page

        yield opened
        browser.close()
    assert troubles == []


def _complaints(line: Any) -> list[str]:
    return [f"console: {line.text}"] if line.type == "error" else []


def _create(page: Any, pictures: list[Path], name: str = "Shapes") -> None:
    page.fill("#annotate-projects .name", name)
    page.fill("#annotate-projects .classes", "thing, other")
    page.click("#annotate-projects .create")
    page.wait_for_selector("#annotate-head .import:enabled")
    page.set_input_files("#annotate-head .file", [str(path) for path in pictures])
    page.wait_for_function(
        f"{STATE}.queue && {STATE}.queue.ids.length === {len(pictures)} && {STATE}.photo"
    )


def _prelabel(page: Any, captions: str) -> None:
    page.click("#annotate-head .prelabel")
    page.click('#annotate-prelabel .mode[data-mode="captions"]')
    page.fill("#annotate-prelabel .captions", captions)
    page.check("#annotate-prelabel .others")
    page.click("#annotate-prelabel .go")
    page.wait_for_function(f"{STATE}.run && !{STATE}.run.running && {STATE}.run.state === 'done'")
    page.wait_for_function(
        f"{STATE}.photo && {STATE}.photo.state === 'proposed' && {STATE}.rows.length"
    )


def _rows(page: Any) -> list[dict[str, Any]]:
    return page.evaluate(f"{STATE}.rows")


def _settled(page: Any) -> None:
    """Wait until all edits are saved and all figures are known."""
    page.wait_for_function(
        f"{STATE}.saving && {STATE}.saving.state === 'saved' && {STATE}.rows.every("
        "(row) => row.id > 0 && (!row.caption || row.state === 'rejected'"
        " || (row.probability !== null && row.rank)))"
    )


def _image_frame(page: Any) -> tuple[float, float, float]:
    """Left, top and scale of the picture on the screen, once it is painted."""
    page.evaluate(
        "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )
    shown = page.locator("#annotate-picture .image").bounding_box()
    return shown["x"], shown["y"], shown["width"] / page.evaluate(f"{STATE}.photo.width")


def _drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag between two points of the picture, in its own pixels."""
    page.mouse.move(*_screen(page, start))
    page.mouse.down()
    page.mouse.move(*_screen(page, end), steps=6)
    page.mouse.up()


def _xyxy(row: dict[str, Any]) -> tuple[float, ...]:
    return row["x"], row["y"], row["x"] + row["w"], row["y"] + row["h"]


def _go_to(page: Any, name: str) -> None:
    names = page.evaluate(f"{STATE}.queue.ids")
    for image in names:
        page.evaluate(f"window.spotter.room('annotate').set({{goto: {{image: {image}}}}})")
        page.wait_for_function(f"{STATE}.photo && {STATE}.photo.id === {image}")
        if page.evaluate(f"{STATE}.photo.name") == name:
            return
    raise AssertionError(name)


def test_from_pictures_to_a_data_set(browse, pictures, tmp_path):
    """The whole way, as a person would: every corrected box comes out where it was put."""
    page = browse()
    _create(page, pictures)
    _prelabel(page, "red thing\nblue thing")
    page.wait_for_selector('#annotate-picture .overlay g[data-state="proposed"]')

    _go_to(page, "scene_00")
    # A box of five pixels, drawn at the size at which one sees them.
    page.mouse.move(*_screen(page, (300, 200)))
    for _ in range(8):
        page.mouse.wheel(0, -400)
    page.wait_for_function("document.querySelector('#annotate-picture .image[data-pixels]')")
    _drag(page, (300, 200), (305, 205))
    drawn = next(row for row in _rows(page) if row["own"])
    assert _xyxy(drawn) == (300, 200, 305, 205)
    # Resized by its corner down to three, by keys to four, moved by keys; each is undone alone.
    page.keyboard.press("z")
    _drag_grip(page, (-2, -2))
    assert _xyxy(next(row for row in _rows(page) if row["own"])) == (300, 200, 303, 203)
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("ArrowDown")
    _settled(page)
    assert _xyxy(next(row for row in _rows(page) if row["own"])) == (300, 201, 304, 204)
    page.keyboard.press("Control+z")
    page.wait_for_function(f"{STATE}.rows.some((row) => row.own && row.y === 200 && row.h === 3)")
    page.keyboard.press("Control+Shift+z")
    page.wait_for_function(f"{STATE}.rows.some((row) => row.own && row.y === 201)")

    # Another caption, another rank.
    page.keyboard.press("Escape")
    page.keyboard.press("0")
    red = next(row for row in _rows(page) if row["caption"] == "red thing")
    page.mouse.click(*_screen(page, (red["x"] + red["w"] / 2, red["y"] + red["h"] / 2)))
    page.wait_for_function(f"{STATE}.selected === {red['id']}")
    _settled(page)
    assert next(row for row in _rows(page) if row["id"] == red["id"])["rank"] == 1
    page.keyboard.press("c")
    page.keyboard.type("blue thing")
    page.keyboard.press("Enter")
    page.wait_for_function(
        f"{STATE}.rows.some((r) => r.id === {red['id']} && r.rank > 1 && r.probability < 0.5)"
    )
    page.keyboard.press("Control+z")
    page.wait_for_function(
        f"{STATE}.rows.find((r) => r.id === {red['id']}).caption === 'red thing'"
    )

    # Through the whole queue with one key.
    for done in range(1, COUNT + 1):
        page.keyboard.press("Enter")
        page.wait_for_function(f"{STATE}.progress.done === {done}")
        page.wait_for_function(f"{STATE}.photo.id === {STATE}.queue.ids[{STATE}.at]")
    assert "All pictures are done" in page.inner_text("#annotate-head .said")
    truth = {name: [xyxy for xyxy, _ in _things(number)] for number, name in _names()}
    truth["scene_00"] = [*truth["scene_00"], (300, 201, 304, 204)]
    for format in ("yolo", "coco"):
        _check(_export(page, format, tmp_path), format, truth)


def _names() -> list[tuple[int, str]]:
    return [(number, f"scene_{number:02d}") for number in range(COUNT)]


def _screen(page: Any, at: tuple[float, float]) -> tuple[float, float]:
    left, top, scale = _image_frame(page)
    return left + at[0] * scale, top + at[1] * scale


def _drag_grip(page: Any, by: tuple[float, float]) -> None:
    """Drag the lower right grip of the chosen box by pixels of the picture."""
    _, _, scale = _image_frame(page)
    frames = page.evaluate(
        "[...document.querySelectorAll('#annotate-picture .overlay .grip')]"
        ".map((grip) => grip.getBoundingClientRect())"
        ".map((frame) => [frame.x + frame.width / 2, frame.y + frame.height / 2])"
    )
    x, y = max(frames, key=sum)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0] * scale, y + by[1] * scale, steps=5)
    page.mouse.up()


def _export(page: Any, format: str, tmp_path: Path) -> Path:
    page.click("#annotate-head .outlet")
    page.click(f'#annotate-outlet .format[data-value="{format}"]')
    page.click('#annotate-outlet .mode[data-value="confirmed"]')
    page.click("#annotate-outlet .go")
    page.wait_for_function(
        f"document.querySelector('#annotate-head .said-link').textContent.includes('{format}.zip')"
    )
    with page.expect_download() as saved:
        page.click("#annotate-head .said-link")
    with zipfile.ZipFile(saved.value.path()) as archive:
        archive.extractall(tmp_path / format)
    return tmp_path / format


def _check(folder: Path, format: str, truth: dict[str, list[tuple[int, ...]]]) -> None:
    """Every box that was confirmed is there within a pixel, as another library reads it."""
    supervision = pytest.importorskip(
        "supervision", reason="pip install -r requirements-consumers.txt"
    )
    load, seen = supervision.DetectionDataset, dict[str, np.ndarray]()
    for split in sorted(path.name for path in (folder / "images").iterdir()):
        images = str(folder / "images" / split)
        if format == "coco":
            found = load.from_coco(images, str(folder / f"annotations/instances_{split}.json"))
        else:
            found = load.from_yolo(
                images, str(folder / "labels" / split), str(folder / "data.yaml")
            )
        seen |= {Path(path).stem: boxes.xyxy for path, _, boxes in found}
    assert set(seen) == set(truth)
    for name, boxes in truth.items():
        got = np.array(sorted(seen[name].tolist()))
        assert got == pytest.approx(np.array(sorted(boxes), float), abs=1.0), name


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_sticks_out_and_everything_can_be_reached(size, browse, pictures):
    page = browse(size, "dark")
    _create(page, pictures[:3])
    _prelabel(page, "red thing")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    # By touch or mouse: choose a box in the list, accept it, reject another.
    row = page.locator('#annotate-boxes .row[data-state="proposed"]').first
    row.locator(".accept").click()
    page.wait_for_selector('#annotate-boxes .row[data-state="confirmed"]')
    page.locator('#annotate-boxes .row[data-state="proposed"] .remove').first.click()
    page.wait_for_function(f"{STATE}.rows.some((row) => row.state === 'rejected')")
    for sheet in ("prelabel", "review", "outlet", "lessons", "help"):
        page.click(f"#annotate-head .{sheet}")
        page.wait_for_selector(f"#annotate-{sheet}[data-open]")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        page.keyboard.press("Escape")
        page.wait_for_selector(f"#annotate-{sheet}[data-open]", state="detached")


def test_two_people_do_not_overwrite_each_other(browse, pictures):
    ann, ben = browse(), browse()
    _create(ann, pictures[:1])
    ben.reload()
    ben.wait_for_selector("#annotate-projects .open")
    ben.click("#annotate-projects .open")
    ben.wait_for_function(f"{STATE}.photo")
    _drag(ann, (100, 200), (140, 230))
    _settled(ann)
    # Ben still sees the picture as it was before Ann's box.
    _drag(ben, (300, 100), (330, 150))
    ben.wait_for_function(f"{STATE}.notice && {STATE}.notice.message.includes('changed meanwhile')")
    ben.wait_for_function(f"{STATE}.rows.length === 1 && {STATE}.rows[0].x === 100")
    _drag(ben, (300, 100), (330, 150))
    _settled(ben)
    ann.reload()
    ann.wait_for_function(f"window.spotter && {STATE}.rows && {STATE}.rows.length === 2")
    assert sorted(map(_xyxy, _rows(ann))) == [(100, 200, 140, 230), (300, 100, 330, 150)]


def test_a_change_stays_in_the_project_in_which_it_was_made(browse, pictures):
    """Both projects have an image 1 with a box 1, at the same version."""
    page = browse()
    for name in ("One", "Two"):
        _create(page, pictures[:2], name)
        _drag(page, (100, 200), (140, 230))
        _settled(page)
        _leave(page)
    _open(page, "One")
    first = page.evaluate(f"{STATE}.photo.id")
    page.evaluate(f"window.spotter.room('annotate').set({{selected: {STATE}.rows[0].id}})")
    page.keyboard.press("ArrowRight")  # held back for a moment, in which one leaves
    page.wait_for_function(f"{STATE}.rows[0].x === 101")
    _leave(page)
    _open(page, "Two")
    assert page.evaluate(f"[{STATE}.photo.id, {STATE}.rows[0].x]") == [first, 100]
    page.wait_for_function(f"{STATE}.saving.state === 'saved'")
    assert page.evaluate(f"{STATE}.rows[0].x") == 100
    _leave(page)
    _open(page, "One")
    assert page.evaluate(f"{STATE}.rows[0].x") == 101


def test_a_late_answer_leads_nobody_back(browse, pictures):
    """Neither the end of a run nor an opening counts in a project that one has left."""
    page = browse()
    for name in ("One", "Two"):
        _create(page, pictures[:1], name)
        _leave(page)
    held: dict[str, Any] = {}

    def late(route: Any) -> None:
        asked = route.request.post_data or ""
        name = next((n for n in ("describe_project", "open_project") if f'"{n}"' in asked), "")
        if name and name not in held and '"one"' in asked:
            held[name] = route
        else:
            route.continue_()

    page.route(re.compile("component_server"), late)
    page.click("#annotate-projects .open:has(:text-is('One'))")
    _open(page, "Two")  # pressed last, opened first
    held["open_project"].continue_()
    page.wait_for_timeout(300)
    assert page.evaluate(f"{STATE}.project.key") == "two"
    _leave(page)
    _open(page, "One")
    page.set_input_files("#annotate-head .file", str(pictures[1]))
    for _ in range(600):
        if "describe_project" in held:
            break
        page.wait_for_timeout(100)
    _leave(page)
    held["describe_project"].continue_()
    page.wait_for_timeout(300)
    assert page.evaluate(f"{STATE}.project") is None
    assert page.evaluate(f"{STATE}.rows") == []


def test_a_picture_is_removed_and_put_back(browse, pictures):
    page = browse()
    _create(page, pictures[:3])
    ids = page.evaluate(f"{STATE}.queue.ids")
    page.keyboard.press("Shift+Delete")
    page.wait_for_function(f"{STATE}.queue.ids.length === 2 && {STATE}.photo.id === {ids[1]}")
    page.click("#annotate-head .said-act")  # undo
    page.wait_for_function(f"{STATE}.queue.ids.length === 3 && {STATE}.photo.id === {ids[0]}")
    page.click("#annotate-strip .out")
    page.wait_for_function(f"{STATE}.photo.id === {ids[1]}")
    page.select_option("#annotate-strip .only", "removed")
    page.wait_for_function(f"{STATE}.photo.id === {ids[0]} && {STATE}.photo.removed")
    assert page.is_disabled("#annotate-done .complete")
    _drag(page, (100, 200), (140, 230))
    assert _rows(page) == [], "nothing of it can be changed"
    page.click("#annotate-strip .out")
    page.wait_for_function(f"{STATE}.queue.ids.length === 3 && !{STATE}.photo.removed")
    assert page.input_value("#annotate-strip .only") == ""
    assert page.evaluate(f"{STATE}.photo.id") == ids[0]


def test_proposals_lead_to_the_first_unless_one_is_at_work(browse, pictures):
    page = browse()
    _create(page, pictures[:4])
    page.keyboard.press("PageDown")
    page.wait_for_function(f"{STATE}.at === 1 && {STATE}.photo.id === {STATE}.queue.ids[1]")
    page.select_option("#annotate-strip .only", "new")
    _prelabel(page, "red thing\nblue thing")
    page.wait_for_function(f"{STATE}.at === 0 && {STATE}.photo.id === {STATE}.queue.ids[0]")
    assert page.input_value("#annotate-strip .only") == ""
    assert "boxes wait" in page.inner_text("#annotate-head .said")
    assert page.is_hidden("#annotate-head .said-act")
    page.click("#annotate-head .prelabel")
    page.fill("#annotate-prelabel .captions", "green thing")
    held = []

    def late(route: Any) -> None:
        if '"run_state"' in (route.request.post_data or "") and not held:
            held.append(route)
        else:
            route.continue_()

    page.route(re.compile("component_server"), late)
    page.click("#annotate-prelabel .go")
    page.wait_for_selector("#annotate-head .run:not([hidden])")
    page.keyboard.press("PageDown")
    for _ in range(600):
        if held:
            break
        page.wait_for_timeout(100)
    held[0].continue_()
    page.click("#annotate-head .said-act")
    page.wait_for_function(f"{STATE}.at === 0 && {STATE}.photo.id === {STATE}.queue.ids[0]")


def _open(page: Any, name: str) -> None:
    page.click(f"#annotate-projects .open:has(:text-is('{name}'))")
    page.wait_for_function(f"{STATE}.photo && {STATE}.project.name === '{name}'")


def _leave(page: Any) -> None:
    page.click("#annotate-head .back")
    page.wait_for_selector("#annotate-projects .item .open")


def test_who_returns_to_a_picture_sees_the_own_change(browse, pictures):
    page = browse()
    _create(page, pictures[:2])
    image = page.evaluate(f"{STATE}.photo.id")
    slow = []

    def late(route: Any) -> None:
        if '"edit"' in (route.request.post_data or "") and not slow:
            slow.append(route)
        else:
            route.continue_()

    page.route(re.compile("component_server"), late)
    _drag(page, (100, 200), (140, 230))
    page.keyboard.press("Escape")
    page.keyboard.press("PageDown")
    page.wait_for_function(f"{STATE}.photo.id !== {image}")
    page.keyboard.press("PageUp")
    page.wait_for_timeout(300)
    assert page.evaluate(f"{STATE}.photo.id") != image, "shown before its change is known"
    slow[0].continue_()
    page.wait_for_function(f"{STATE}.photo.id === {image} && {STATE}.rows.length === 1")
    _drag(page, (300, 100), (330, 150))  # on the version that the first change led to
    _settled(page)
    assert len(_rows(page)) == 2
    assert not page.evaluate(f"{STATE}.notice && {STATE}.notice.message")


def test_an_answer_of_locate_goes_on_in_annotate(browse, address, pictures):
    page = browse()
    page.goto(f"{address}#locate")
    page.reload()  # nobody has opened Annotate yet
    page.wait_for_function("window.spotter && !window.spotter.room('annotate').state.visit")
    page.set_input_files("#locate-picture input[type=file]", str(pictures[0]))
    page.fill("#locate-captions textarea", "red thing\ngreen thing")
    page.click("#locate-button")
    page.wait_for_function("(window.spotter.room('locate').state.answer || {}).boxes")
    page.click("#locate-evidence .send")
    page.wait_for_selector("#locate-evidence .sent-link:not([hidden])")
    assert "From Locate, with 2 new boxes" in page.inner_text("#locate-evidence .sent")
    page.click("#locate-evidence .sent-link")
    page.wait_for_function(f"{STATE}.photo && {STATE}.rows.length === 2")
    assert page.evaluate(f"{STATE}.project.name") == "From Locate"
    assert sorted(row["caption"] for row in _rows(page)) == ["", "red thing"]
    assert {row["state"] for row in _rows(page)} == {"proposed"}


def test_keys_stay_out_of_the_way_of_typing(browse, pictures):
    page = browse()
    _create(page, pictures[:2])
    first = page.evaluate(f"{STATE}.photo.id")
    _drag(page, (100, 200), (140, 230))
    page.keyboard.press("c")
    page.keyboard.type("new")  # N, S and A are keys of their own
    page.wait_for_function(f"{STATE}.rows[0].id > 0")  # the box has got its number meanwhile
    page.keyboard.type(" snag")
    assert page.input_value("#annotate-boxes .field-caption") == "new snag"
    page.keyboard.press("Enter")
    _settled(page)
    assert page.evaluate(f"{STATE}.photo.id") == first
    assert _rows(page)[0]["caption"] == "new snag"
    page.keyboard.press("x")
    page.wait_for_function(f"{STATE}.rows.length === 0")
    page.keyboard.press("Control+z")
    page.wait_for_function(f"{STATE}.rows.length === 1")
