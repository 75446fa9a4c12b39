"""What the browser tests of the tab Annotate share: pictures, a page, and the ways of a person."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.image import encode_image
from frontends.service import Service, read_limits
from frontends.ui.page import create_page, launch_options
from tests.frontends.browsing import complaints, free_port

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
        for (x1, y1, x2, y2), color in things(number):
            picture[y1:y2, x1:x2] = COLORS[color]
        paths.append(folder / f"scene_{number:02d}.png")
        paths[-1].write_bytes(encode_image(picture))
    return paths


def things(number: int) -> list[tuple[tuple[int, int, int, int], str]]:
    x, y = 40 + 20 * number, 60 + 5 * number
    things = [((x, y, x + 60, y + 40), "red"), ((500, 300, 530, 324), "blue")]
    return things + [((90, 330, 150, 370), "green")] * (number % 2)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    limits = replace(read_limits({}), preset="fake", projects_folder=tmp_path / "projects")
    service = Service(limits)
    page = create_page(service)
    _, url, _ = page.launch(
        **launch_options(service), server_port=free_port(), prevent_thread_lock=True, quiet=True
    )
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
                has_touch=min(size) < 500,
                accept_downloads=True,
            )
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
            page.on("console", lambda line: troubles.extend(complaints(line)))
            page.goto(f"{address}#annotate")
            page.wait_for_function(f"window.spotter && {STATE}.visit")
            return page

        yield opened
        browser.close()
    assert troubles == []


def create(page: Any, pictures: list[Path], name: str = "Shapes") -> None:
    page.fill("#annotate-projects .name", name)
    page.fill("#annotate-projects .classes", "thing, other")
    page.click("#annotate-projects .create")
    # On a small screen the button is folded away; what comes before the project is not taken.
    page.wait_for_function(f"{STATE}.project")
    page.wait_for_selector("#annotate-head .import:enabled", state="attached")
    page.set_input_files("#annotate-head .file", [str(path) for path in pictures])
    page.wait_for_function(
        f"{STATE}.queue && {STATE}.queue.ids.length === {len(pictures)} && {STATE}.photo"
    )


def prelabel(page: Any, captions: str) -> None:
    press(page, "prelabel")
    page.click('#annotate-prelabel .mode[data-mode="captions"]')
    page.fill("#annotate-prelabel .captions", captions)
    page.check("#annotate-prelabel .others")
    page.click("#annotate-prelabel .go")
    page.wait_for_function(f"{STATE}.run && !{STATE}.run.running && {STATE}.run.state === 'done'")
    page.wait_for_function(
        f"{STATE}.photo && {STATE}.photo.state === 'proposed' && {STATE}.rows.length"
    )


def press(page: Any, name: str) -> None:
    """Press a button of the head; on a small screen it is folded away."""
    if not page.is_visible(f"#annotate-head .{name}"):
        page.click("#annotate-head .more")
    page.click(f"#annotate-head .{name}")


def hold(page: Any, call: str) -> list[Any]:
    """The first question of a kind to the server, once asked: it waits until `continue_`."""
    held: list[Any] = []

    def late(route: Any) -> None:
        if f'"{call}"' in (route.request.post_data or "") and not held:
            held.append(route)
        else:
            route.continue_()

    page.route(re.compile("component_server"), late)
    return held


def rows(page: Any) -> list[dict[str, Any]]:
    return page.evaluate(f"{STATE}.rows")


def settled(page: Any) -> None:
    """Wait until all edits are saved and all figures are known."""
    page.wait_for_function(
        f"{STATE}.saving && {STATE}.saving.state === 'saved' && {STATE}.rows.every("
        "(row) => row.id > 0 && (!row.caption || row.state === 'rejected'"
        " || (row.probability !== null && row.rank)))"
    )


def image_frame(page: Any) -> tuple[float, float, float]:
    """Left, top and scale of the picture on the screen, once it is painted."""
    page.evaluate(
        "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )
    shown = page.locator("#annotate-picture .image").bounding_box()
    return shown["x"], shown["y"], shown["width"] / page.evaluate(f"{STATE}.photo.width")


def screen(page: Any, at: tuple[float, float]) -> tuple[float, float]:
    left, top, scale = image_frame(page)
    return left + at[0] * scale, top + at[1] * scale


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag between two points of the picture, in its own pixels."""
    page.mouse.move(*screen(page, start))
    page.mouse.down()
    page.mouse.move(*screen(page, end), steps=6)
    page.mouse.up()


def xyxy(row: dict[str, Any]) -> tuple[float, ...]:
    return row["x"], row["y"], row["x"] + row["w"], row["y"] + row["h"]
