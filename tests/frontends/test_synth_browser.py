"""The tab Synthesize in a real browser: cut out, preview, make, download, read with a trainer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from frontends.service import Service, read_limits
from frontends.ui.page import create_page, launch_options
from tests.frontends.browsing import complaints, free_port, outside

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DESKTOP, PHONE = (1440, 900), (390, 844)
WAIT_MS = 90_000


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    service = Service(replace(read_limits({}), preset="fake"))
    page = create_page(service)
    _, url, _ = page.launch(
        **launch_options(service), server_port=free_port(), prevent_thread_lock=True, quiet=True
    )
    yield url
    page.close(verbose=False)


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """A red balloon before a blue sky."""
    sky = np.zeros((400, 600, 3), np.uint8)
    sky[:] = np.linspace((200, 140, 70), (240, 210, 170), 400)[:, None].astype(np.uint8)
    cv2.ellipse(sky, (300, 190), (90, 110), 0, 0, 360, (40, 30, 200), -1, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "balloon.png"), sky)
    return tmp_path / "balloon.png"


@pytest.fixture
def browse(address: str) -> Iterator[Any]:
    """Opener: `browse(size, scheme)` returns the page with its tab open; script errors fail."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    troubles: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def opened(size: tuple[int, int], scheme: str = "light") -> Any:
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme=scheme,
                has_touch=min(size) < 500,
                accept_downloads=True,
            )
            page = context.new_page()
            page.set_default_timeout(WAIT_MS)
            page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
            page.on("console", lambda line: troubles.extend(complaints(line)))
            page.on("request", lambda request: troubles.extend(outside(request.url, address)))
            page.goto(f"{address}#synthesize")
            page.wait_for_selector("#synth-preview .tile .scene")
            return page

        yield opened
        browser.close()
    assert troubles == []


def test_from_a_photograph_to_a_data_set(browse, photograph, tmp_path):
    """The whole way: make a cutout, look at scenes of it, make twenty, download, open."""
    page = browse(DESKTOP)
    page.click("#synth-cutouts .cut")
    page.set_input_files("#synth-cutter .file", photograph)
    page.wait_for_selector('#synth-cutter .maker[data-phase="drawing"]')
    _drag_box(page, (190, 60), (410, 320))
    page.wait_for_selector("#synth-cutter .cutout:not([hidden])")
    if page.viewport_size["width"] > 1000:
        stage = page.locator("#synth-cutter .stage").bounding_box()
        below = page.viewport_size["height"] - stage["y"] - stage["height"]
        assert 0 < below < 160, "the picture has what room there is"
    # Over the photograph Escape shows the whole of it, and leaves a cutout that is not added yet.
    page.keyboard.press("Escape")
    assert page.is_visible("#synth-cutter .cutout")
    # Without a type it is an object, and the hint cannot be taken for a value.
    assert page.input_value("#synth-cutter .caption").endswith(" object")
    assert "example" in page.get_attribute("#synth-cutter .type", "placeholder")
    page.fill("#synth-cutter .type", "hot air balloon")
    page.wait_for_selector("#synth-cutter .add:enabled")
    page.click("#synth-cutter .add")
    page.wait_for_selector('#synth-cutouts .group:first-child .pick[title="red hot air balloon"]')
    page.click("#synth-cutter-head .done")
    with page.expect_download() as taken:
        page.click("#synth-cutouts .link:first-of-type")
    with zipfile.ZipFile(taken.value.path()) as archive:
        assert "cutouts.jsonl" in archive.namelist()
    # Ours step aside, so every scene now shows the balloon.
    page.wait_for_function(
        "[...document.querySelectorAll('#synth-preview .said-all')]"
        ".every((node) => /^((\\d+ × )?red hot air balloon|empty scene)$/.test(node.title))"
    )
    page.fill("#synth-make .count", "20")
    page.select_option("#synth-make .size", "[640,366]")
    page.click("#synth-make .go")
    page.wait_for_selector("#synth-made .plot")
    assert "20 pictures" in page.inner_text("#synth-made .sum")
    with page.expect_download() as saved:
        page.click("#synth-made .download")
    with zipfile.ZipFile(saved.value.path()) as archive:
        archive.extractall(tmp_path / "data")
    _check_with_ultralytics(tmp_path / "data")


def test_distractors_are_dashed_and_the_legend_says_so(browse):
    page = browse(DESKTOP)
    page.wait_for_selector("#synth-preview .tile .open")
    page.evaluate(
        """() => {
          const room = window.spotter.room("synth");
          room.set({ settings: { ...room.state.settings, distractor_ratio: 1 } });
        }"""
    )
    # Each scene has some now; before, only some had.
    page.wait_for_function(
        "[...document.querySelectorAll('#synth-preview .tile')]"
        ".every((tile) => tile.querySelector('rect.quiet'))"
    )
    page.wait_for_selector("#synth-preview .legend:visible")
    # The largest: one of few pixels may pass the limit of size in the preview's rounding alone.
    slot = page.evaluate(
        """() => {
          const widest = (tile) => Math.max(
            ...[...tile.querySelectorAll("rect.line.quiet")].map((rect) => rect.width.baseVal.value)
          );
          const widths = [...document.querySelectorAll("#synth-preview .tile")].map(widest);
          return widths.indexOf(Math.max(...widths));
        }"""
    )
    dashed = page.locator("#synth-preview .tile").nth(slot)
    assert "distractor" in dashed.locator(".said-all").get_attribute("title")
    assert "distractor" not in dashed.locator(".said-all").inner_text()
    dashed.locator(".open").click()
    page.wait_for_selector('.overlay g[data-state="distractor"]')
    assert "distractor" in page.locator("#synth-large .labels").inner_text()


def _drag_box(page: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw from one point of the photograph (600 x 400) to another."""
    shown = page.locator("#synth-cutter .image").bounding_box()
    scale = shown["width"] / 600
    page.mouse.move(shown["x"] + start[0] * scale, shown["y"] + start[1] * scale)
    page.mouse.down()
    page.mouse.move(shown["x"] + end[0] * scale, shown["y"] + end[1] * scale, steps=8)
    page.mouse.up()


_READ = """
import json, sys
import training.yolo  # Ultralytics without its side effects
from ultralytics.data.utils import check_det_dataset, img2label_paths, verify_image_label
from pathlib import Path
data = check_det_dataset(sys.argv[1] + "/data.yaml", autodownload=False)
read = {}
for image in sorted(map(str, Path(sys.argv[1]).glob("images/*/*.jpg"))):
    args = (image, img2label_paths([image])[0], "", False, 1, 0, 0, False)
    _, labels, _, _, _, _, found, _, corrupt, _ = verify_image_label(args)
    read[image] = [len(labels), found, corrupt]
print(json.dumps({"names": data["names"], "read": read}))
"""


def _check_with_ultralytics(folder: Path) -> None:
    """Ultralytics finds every image with just the boxes that we wrote, and nothing corrupt."""
    if find_spec("ultralytics") is None:
        pytest.skip("needs Ultralytics: see requirements-consumers.txt")
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "YOLO_CONFIG_DIR": str(folder.parent)}
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(folder)], capture_output=True, text=True, env=surroundings
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["names"] == {"0": "object"}
    assert len(told["read"]) == 20
    for image, read in told["read"].items():
        label = Path(image.replace("/images/", "/labels/")).with_suffix(".txt")
        assert read == [len(label.read_text().splitlines()), 1, 0]


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
def test_the_preview_follows_the_settings(size, scheme, browse):
    page = browse(size, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    first = page.get_attribute("#synth-preview .tile:first-child img", "src")
    page.select_option('.knob[data-key="effects"] select', "none")
    page.wait_for_function(
        "(old) => document.querySelector('#synth-preview .tile img').src !== old", arg=first
    )
    assert "1 changed" in page.inner_text("#synth-settings .changed")
    page.click("#synth-settings .reset")
    page.wait_for_function(
        "(old) => document.querySelector('#synth-preview .tile img').src === old", arg=first
    )


_CUT_OFF = """() => [...document.querySelectorAll("#synth :is(input, select)")].filter((node) => {
  const style = getComputedStyle(node), pen = document.createElement("canvas").getContext("2d");
  if (!node.clientWidth || !/number|text|select-one/.test(node.type)) return false;
  pen.font = `${style.fontSize} ${style.fontFamily}`;
  const shown = node.selectedOptions?.[0]?.text ?? node.value;
  const room = node.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return pen.measureText(shown).width > room + 1;
}).map((node) => node.outerHTML)"""
_COVERED = """() => [...document.querySelectorAll("#synth-preview .tile")].filter((tile) => {
  const scene = tile.querySelector(".open").getBoundingClientRect();
  const again = tile.querySelector(".again").getBoundingClientRect();
  const shown = Math.max(0, scene.bottom - again.top) * Math.max(0, scene.right - again.left);
  return shown > 0.1 * scene.width * scene.height;
}).length"""


@pytest.mark.parametrize("size", [(844, 390), (740, 360), (568, 320), (821, 900), (1024, 768)])
def test_nothing_is_cut_off_or_covered_in_low_and_middling_windows(size, browse):
    page = browse(size)
    page.wait_for_selector("#synth-backgrounds .tile")
    page.evaluate("document.querySelectorAll('#synth details').forEach((node) => node.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.evaluate(_CUT_OFF) == []
    sign, name = (page.locator(f".spotter-head {part}").bounding_box() for part in ("svg", "h1"))
    middle = name["y"] + name["height"] / 2
    assert sign["y"] + sign["height"] / 2 == pytest.approx(middle, abs=4), "on one line"
    if min(size) < 500:
        assert page.evaluate(_COVERED) == 0


def test_lying_across_the_page_scrolls_as_one_and_the_scenes_stay_in_sight(browse):
    page = browse((844, 390))
    page.wait_for_selector("#synth-backgrounds .tile")
    inner = page.locator(".synth-material").evaluate("(node) => getComputedStyle(node).overflowY")
    assert inner == "visible"
    page.locator('.knob[data-key="effects"]').scroll_into_view_if_needed()
    assert page.evaluate("window.scrollY") > 390
    preview = page.locator("#synth-preview").bounding_box()
    assert preview["y"] >= 0
    assert preview["y"] + preview["height"] <= 390, "all six scenes beside the settings"
    page.locator("#synth-make .go").scroll_into_view_if_needed()
    preview, wish = (page.locator(f"#synth-{part}").bounding_box() for part in ("preview", "make"))
    assert preview["y"] + preview["height"] <= wish["y"]


def test_one_scene_can_be_changed_and_looked_at(browse):
    page = browse(DESKTOP)
    sources = "[...document.querySelectorAll('#synth-preview .tile img')].map((i) => i.src)"
    before = page.evaluate(sources)
    page.hover("#synth-preview .tile:nth-child(2)")
    page.click("#synth-preview .tile:nth-child(2) .again")
    page.wait_for_function(f"(old) => ({sources})[1] !== old[1]", arg=before)
    assert page.evaluate(sources)[2:] == before[2:]
    page.click("#synth-preview .tile:nth-child(1) .open")
    page.wait_for_selector("#synth-large[data-open] .overlay g")
    assert page.inner_text("#synth-large .title") == "Scene 1"
    page.click("#synth-large .next")
    page.wait_for_function(
        "document.querySelector('#synth-large .title').textContent === 'Scene 2'"
    )
    page.keyboard.press("Escape")
    page.wait_for_selector("#synth-large:not([data-open])", state="attached")
    assert page.evaluate("document.activeElement.className") == "open"


def test_the_tabs_are_links(browse):
    page = browse(DESKTOP)
    page.click('.spotter-tabs a[href="#locate"]')
    page.wait_for_selector("#locate-captions textarea")
    assert not page.is_visible("#synth-preview")
    page.go_back()
    page.wait_for_selector("#synth-preview .tile .scene")
    assert not page.is_visible("#locate-captions textarea")


def test_programs_can_make_a_data_set(address):
    client = pytest.importorskip("gradio_client").Client(address, verbose=False)
    settings = {"preset": "plain", "canvas_wh": [320, 180]}
    scenes = client.predict(settings, 3, 2, api_name="/preview_scenes")
    assert [scene["width"] for scene in scenes] == [320, 320]
    path = client.predict(settings, 3, 3, "jsonl", True, api_name="/make_dataset")
    with zipfile.ZipFile(path) as archive:
        assert sum(name.endswith(".jpg") for name in archive.namelist()) == 3
