"""What the tab Annotate tells before and after a step, in a real browser."""

from __future__ import annotations

import pytest

from tests.frontends.annotate_page import STATE, create, prelabel, settled

pytestmark = pytest.mark.browser

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
    page.keyboard.press("a")
    settled(page)
    page.click("#annotate-head .prelabel")
    page.wait_for_selector(f"{REPLACED}:visible")
    assert page.inner_text(REPLACED).startswith("4 proposals that nobody has touched yet")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{STATE}.progress.done === 1")
    settled(page)
    page.click("#annotate-head .prelabel")
    page.wait_for_function(
        f"document.querySelector('{REPLACED}').textContent.match(/^[23] proposals/)"
    )
