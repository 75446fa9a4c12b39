"""Captions that are suggested for the chosen box, in a real browser: pressed, and by a key."""

from __future__ import annotations

import pytest

from tests.frontends.annotate_page import (
    PHONE,
    STATE,
    create,
    drag,
    prelabel,
    rows,
    settled,
    xyxy,
)

pytestmark = pytest.mark.browser

FITS = "#annotate-boxes .fit"


def _open(page, pictures):
    """A red thing of the first picture is chosen; it was asked for beside a blue one."""
    create(page, pictures[:1])
    prelabel(page, "red thing\nblue thing")
    page.wait_for_selector('#annotate-picture .overlay g[data-state="proposed"]')
    red = next(row for row in rows(page) if row["caption"] == "red thing")
    page.evaluate(f"window.spotter.room('annotate').set({{selected: {red['id']}}})")
    page.wait_for_selector(FITS)
    return red["id"]


def _caption(page, box):
    return next(row["caption"] for row in rows(page) if row["id"] == box)


def test_a_key_gives_the_best_caption_and_then_the_next_best(browse, pictures):
    page = browse()
    box = _open(page, pictures)
    shown = page.locator(FITS)
    assert shown.count() == 2
    assert shown.first.inner_text().startswith("red thing")
    assert shown.first.get_attribute("aria-pressed") == "true"
    page.keyboard.press("f")
    settled(page)
    assert _caption(page, box) == "blue thing"
    page.wait_for_selector(f'{FITS}[aria-pressed="true"]:has-text("blue thing")')
    shown.first.click()
    settled(page)
    assert _caption(page, box) == "red thing"
    page.keyboard.press("Control+z")
    page.wait_for_function(f"{STATE}.rows.find((r) => r.id === {box}).caption === 'blue thing'")


def test_what_was_just_drawn_is_named_by_the_key_as_soon_as_it_is_known(browse, pictures):
    page = browse()
    box = _open(page, pictures)
    place = next(xyxy(row) for row in rows(page) if row["id"] == box)
    page.keyboard.press("x")
    settled(page)
    drag(page, place[:2], place[2:])
    page.keyboard.press("f")  # nothing is suggested yet
    page.wait_for_function(f"{STATE}.rows.some((r) => r.own && r.caption === 'red thing')")


def test_suggestions_can_be_reached_on_a_phone(browse, pictures):
    page = browse(PHONE)
    _open(page, pictures)
    for shown in page.locator(FITS).all():
        shown.scroll_into_view_if_needed()
        frame = shown.bounding_box()
        assert frame["height"] >= 36
        assert frame["x"] >= 0
        assert frame["x"] + frame["width"] <= PHONE[0]
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
