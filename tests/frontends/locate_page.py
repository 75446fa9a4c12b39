"""The page with the tab Locate in a real browser, over a pipeline that sees colored squares."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.image import encode_image
from frontends.service import Service, read_limits
from frontends.ui.page import create_page, launch_options
from tests.frontends.browsing import complaints, free_port, outside

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DESKTOP, PHONE = (1280, 860), (360, 740)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
def locate_address(shapes: Path) -> Iterator[str]:
    service = Service(replace(read_limits({}), preset="fake"))
    page = create_page(service, examples_folder=shapes)
    options = launch_options(service, examples_folder=shapes)
    _, url, _ = page.launch(
        **options, server_port=free_port(), prevent_thread_lock=True, quiet=True
    )
    yield url
    page.close(verbose=False)


@pytest.fixture
def visit(locate_address: str, tmp_path: Path) -> Any:
    """Context manager: `with visit(size) as page`; fails on script errors and outside requests."""
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
            page.on(
                "request", lambda request: troubles.extend(outside(request.url, locate_address))
            )
            page.on("console", lambda line: troubles.extend(complaints(line)))
            page.goto(locate_address)
            page.wait_for_selector("#locate-captions textarea")
            yield page
            context.close()
        assert troubles == []

    return opened


def upload_and_ask(page: Any, shapes: Path, captions: str) -> None:
    page.fill("#locate-captions textarea", captions)
    page.set_input_files("#locate-picture .file", shapes / "shapes.png")
    page.wait_for_selector("#locate-answers .card")
    page.wait_for_selector("#locate-picture .overlay g")
    page.wait_for_selector("#locate-picture .picture:not([data-busy])")


def answer_rect(page) -> dict[str, float]:
    """Where the answer's line is now; the overlay may just be drawn anew, so this waits for it."""
    return page.wait_for_function(
        """() => {
          const line = document.querySelector(
            '#locate-picture .overlay g[data-state="answer"] .line');
          const rect = line?.getBoundingClientRect();
          return rect?.width ? rect.toJSON() : null;
        }"""
    ).json_value()
