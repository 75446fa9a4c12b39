"""What the tab Annotate tells before and after a step, in a real browser."""

from __future__ import annotations

import pytest

from tests.frontends.annotate_page import STATE, create, prelabel, settled

pytestmark = pytest.mark.browser

CALM_MS = 7000  # by then what only tells that something is done has gone
SAID = "#annotate-head .said"
REPLACED = "#annotate-prelabel .replaced"


def test_what_a_second_look_replaces_is_told_before(browse, pictures):
    page = browse()
    create(page, pictures[:2])
    page.click("#annotate-head .prelabel")
    page.wait_for_selector("#annotate-prelabel .go:visible")
    page.wait_for_timeout(500)
    assert page.is_hidden(REPLACED), "there is nothing yet"
    page.keyboard.press("Escape")
    prelabel(page, "red thing\nblue thing")  # scene_00 has two things, scene_01 three
    page.keyboard.press(".")
    page.keyboard.press("a")
    settled(page)
    page.click("#annotate-head .prelabel")
    page.wait_for_selector(f"{REPLACED}:visible")
    assert page.inner_text(REPLACED).startswith("4 proposals that nobody has touched yet")
    page.keyboard.press("Escape")
    page.wait_for_selector(REPLACED, state="hidden")
    page.click("#annotate-done .complete")
    page.wait_for_function(f"{STATE}.progress.done === 1")
    settled(page)
    page.click("#annotate-head .prelabel")
    page.wait_for_function(
        f"document.querySelector('{REPLACED}').textContent.match(/^[23] proposals/)"
    )


def test_how_a_run_and_the_list_ended_stays_until_something_is_done(browse, pictures):
    page = browse()
    create(page, pictures[:2])
    prelabel(page, "red thing")
    page.wait_for_timeout(CALM_MS)
    assert "to decide" in page.inner_text(SAID)
    page.click("#annotate-done .complete")
    page.wait_for_function(f"{STATE}.at === 1 && {STATE}.photo.id === {STATE}.queue.ids[1]")
    assert "is done" in page.inner_text(SAID), "what ended goes with the next action"
    page.wait_for_selector(SAID, state="hidden")
    page.click("#annotate-done .complete")
    page.wait_for_function(f"{STATE}.progress.done === 2")
    settled(page)
    page.wait_for_timeout(CALM_MS)
    assert "All pictures are done. Look at Review, or export" in page.inner_text(SAID)
    page.keyboard.press("PageUp")
    page.wait_for_selector(SAID, state="hidden")
