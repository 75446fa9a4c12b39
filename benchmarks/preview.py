"""How soon the six scenes of the tab Synthesize follow a setting, in a real browser.

    python -m benchmarks.preview --json

Needs Playwright and an installed Chromium. The page is served as `python app.py` serves it; the
first setting with a slider is moved, and the time runs from that event until all six pictures are
fetched, decoded and in the page.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_commit, describe_machine, summarize_ms
from core.errors import MissingPackageError

__all__ = ["main", "measure"]

ROOT = Path(__file__).parents[1]
SERVE_MAX_S = 120
VIEWPORT = {"width": 1440, "height": 900}
# From the event to the last decoded picture, in milliseconds. The page says that it waits for
# scenes by an attribute; it comes after a pause in which further changes are gathered.
MOVE = """
async (share) => {
  const root = document.querySelector("#synth-preview .scenes");
  const slider = document.querySelector("#synth-settings input[type=range]");
  const busy = (wanted) => new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`no scenes within a minute`)), 60000);
    const check = () => root.hasAttribute("data-busy") === wanted && (watch.disconnect(), done());
    const watch = new MutationObserver(check);
    watch.observe(root, { attributes: true });
    check();
  });
  const start = performance.now();
  slider.value = Math.round(share * 1000);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  await busy(true);
  await busy(false);
  const pictures = [...root.querySelectorAll(".tile img")];
  await Promise.all(pictures.map((picture) => picture.decode()));
  return { ms: performance.now() - start, pictures: pictures.length, setting: slider.ariaLabel };
}
"""


def measure(page: Any, repeats: int) -> tuple[list[float], str]:
    """Return the seconds of each change, and the setting that was moved.

    Args:
        page: A Playwright page with the tab open and its first scenes drawn.
        repeats: How many changes, one after the other.
    """
    seconds, setting = [], ""
    for number in range(repeats + 1):
        moved = page.evaluate(MOVE, 0.2 + 0.6 * (number % 7) / 7)
        if moved["pictures"] != 6:
            raise RuntimeError(f"{moved['pictures']} pictures in the preview, expected 6")
        setting = moved["setting"]
        if number:  # the first one fills the caches
            seconds.append(moved["ms"] / 1000)
    return seconds, setting


@contextmanager
def _serve() -> Iterator[str]:
    """The address of the app, served by a process of its own until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    app = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        late = time.monotonic() + SERVE_MAX_S
        while True:
            if app.poll() is not None or time.monotonic() > late:
                raise RuntimeError("app.py served no page; run it by hand to see why")
            with suppress(OSError):
                urllib.request.urlopen(address).close()
                break
            time.sleep(0.2)
        yield address
    finally:
        app.terminate()
        app.wait()


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise MissingPackageError(
            "playwright is missing.", "Run: pip install playwright"
        ) from error
    if chromium is None:
        raise MissingPackageError("there is no Chromium.", "apt-get install chromium")
    with sync_playwright() as driver, _serve() as address:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=VIEWPORT)
        page.set_default_timeout(120_000)
        page.goto(f"{address}#synthesize")
        page.wait_for_selector("#synth-preview .tile .scene")
        seconds, setting = measure(page, arguments.repeats)
        browser.close()
    median, slow = summarize_ms(seconds)
    report = {
        "machine": describe_machine(),
        "commit": describe_commit(),
        "command": "python -m benchmarks.preview --json",
        "setting": setting,
        "changes": len(seconds),
        "six_scenes_ms": {"median": median, "p95": slow},
    }
    print(json.dumps(report, indent=2) if arguments.json else f"six scenes in {median} ms")


if __name__ == "__main__":
    main()
