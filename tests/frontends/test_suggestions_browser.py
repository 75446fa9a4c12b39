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


def _open(page, pictures, *others):
    """A red thing of the first picture is chosen; it was asked for beside a blue one and others."""
    create(page, pictures[:1])
    prelabel(page, "\n".join(("red thing", "blue thing", *others)))
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


def _redraw(page, box):
    """The same place as a box that nobody has named."""
    place = next(xyxy(row) for row in rows(page) if row["id"] == box)
    page.keyboard.press("x")
    settled(page)
    drag(page, place[:2], place[2:])


def test_what_was_just_drawn_is_named_by_the_key_as_soon_as_it_is_known(browse, pictures):
    page = browse()
    _redraw(page, _open(page, pictures))
    page.keyboard.press("f")  # nothing is suggested yet
    page.wait_for_function(f"{STATE}.rows.some((r) => r.own && r.caption === 'red thing')")


def test_the_best_caption_comes_first_whatever_the_box_has(browse, pictures):
    page = browse()
    box = _open(page, pictures, "green thing")
    second, third = (page.locator(f"{FITS} .words").nth(at).inner_text() for at in (1, 2))
    page.locator(FITS).nth(1).click()
    settled(page)
    assert _caption(page, box) == second
    for expected in ("red thing", second, third):
        page.keyboard.press("f")
        settled(page)
        assert _caption(page, box) == expected


def test_what_is_asked_for_one_box_is_given_to_no_other(browse, pictures):
    page = browse()
    red = _open(page, pictures)
    blue = next(row for row in rows(page) if row["caption"] == "blue thing")
    page.keyboard.press("x")
    settled(page)
    page.evaluate(f"window.spotter.room('annotate').set({{show_rejected: true, selected: {red}}})")
    page.keyboard.press("f")  # nothing is suggested for what is no object
    page.evaluate(f"window.spotter.room('annotate').set({{selected: {blue['id']}}})")
    page.wait_for_selector(FITS)
    settled(page)
    left = next(row for row in rows(page) if row["id"] == blue["id"])
    assert (left["caption"], left["state"]) == (blue["caption"], blue["state"])


def test_a_press_replaces_what_is_being_written(browse, pictures):
    page = browse()
    box = _open(page, pictures)
    page.keyboard.press("c")
    page.keyboard.type("half a w")
    page.locator(f"{FITS}:has-text('blue thing')").click()
    settled(page)
    assert _caption(page, box) == "blue thing"
    assert page.input_value("#annotate-boxes .field-caption") == "blue thing"
    page.click("#annotate-boxes .origin .link")
    page.wait_for_selector("#annotate-boxes .history li")
    assert "half" not in page.inner_text("#annotate-boxes .history")


def test_the_key_and_then_enter_gives_the_caption_first(browse, pictures):
    page = browse()
    _redraw(page, _open(page, pictures))
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{STATE}.photo.state === 'done'")
    settled(page)
    assert [row["caption"] for row in rows(page) if row["own"]] == ["red thing"]


def test_captions_without_a_box_leave_room_for_the_chosen_one(browse, pictures):
    page = browse()
    _open(page, pictures)
    page.evaluate(
        f"window.spotter.room('annotate').set({{photo: {{...{STATE}.photo, "
        "given: Array.from({length: 40}, (_, i) => `thing number ${i}`)}})"
    )
    room = page.locator("#annotate-boxes .boxlist").bounding_box()["height"]
    height = "document.querySelector('#annotate-boxes .asked').clientHeight"
    assert page.evaluate(height) <= 0.23 * room
    page.evaluate("window.spotter.room('annotate').set({selected: null})")
    assert page.evaluate(height) > 0.3 * room


def test_suggestions_can_be_reached_on_a_phone(browse, pictures):
    page = browse(PHONE)
    _open(page, pictures, "red thing that is told " + "at length " * 12)
    page.wait_for_function(f"{STATE}.rows.every((r) => !r.caption || r.rank)")
    for shown in page.locator(FITS).all():
        shown.scroll_into_view_if_needed()
        frame = shown.bounding_box()
        assert frame["height"] >= 36
        assert frame["x"] >= 0
        assert frame["x"] + frame["width"] <= PHONE[0]
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    shown.tap()
    settled(page)
    page.wait_for_selector(f'{FITS}[aria-pressed="true"] >> nth=-1')
    frame = page.locator(f'{FITS}[aria-pressed="true"]').bounding_box()
    assert 0 <= frame["x"] <= PHONE[0] - frame["width"], "what was pressed stays in sight"
