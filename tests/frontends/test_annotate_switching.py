"""Several people, projects and slow answers on the tab Annotate: changes stay where they belong."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.frontends.annotate_page import (
    STATE,
    create,
    drag,
    hold,
    rows,
    settled,
    xyxy,
)

pytestmark = pytest.mark.browser


def test_two_people_do_not_overwrite_each_other(browse, pictures):
    ann, ben = browse(), browse()
    create(ann, pictures[:1])
    ben.reload()
    ben.wait_for_selector("#annotate-projects .open")
    ben.click("#annotate-projects .open")
    ben.wait_for_function(f"{STATE}.photo")
    drag(ann, (100, 200), (140, 230))
    settled(ann)
    # Ben still sees the picture as it was before Ann's box.
    drag(ben, (300, 100), (330, 150))
    ben.wait_for_function(f"{STATE}.notice && {STATE}.notice.message.includes('changed meanwhile')")
    ben.wait_for_function(f"{STATE}.rows.length === 1 && {STATE}.rows[0].x === 100")
    drag(ben, (300, 100), (330, 150))
    settled(ben)
    ann.reload()
    ann.wait_for_function(f"window.spotter && {STATE}.rows && {STATE}.rows.length === 2")
    assert sorted(map(xyxy, rows(ann))) == [(100, 200, 140, 230), (300, 100, 330, 150)]


def test_a_change_stays_in_the_project_in_which_it_was_made(browse, pictures):
    """Both projects have an image 1 with a box 1, at the same version."""
    page = browse()
    for name in ("One", "Two"):
        create(page, pictures[:2], name)
        drag(page, (100, 200), (140, 230))
        settled(page)
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
        create(page, pictures[:1], name)
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


def _open(page: Any, name: str) -> None:
    page.click(f"#annotate-projects .open:has(:text-is('{name}'))")
    page.wait_for_function(f"{STATE}.photo && {STATE}.project.name === '{name}'")


def _leave(page: Any) -> None:
    page.click("#annotate-head .back")
    page.wait_for_selector("#annotate-projects .item .open")


def test_who_returns_to_a_picture_sees_the_own_change(browse, pictures):
    page = browse()
    create(page, pictures[:2])
    image = page.evaluate(f"{STATE}.photo.id")
    slow = hold(page, "edit")
    drag(page, (100, 200), (140, 230))
    page.keyboard.press("Escape")
    page.keyboard.press("PageDown")
    page.wait_for_function(f"{STATE}.photo.id !== {image}")
    page.keyboard.press("PageUp")
    page.wait_for_timeout(300)
    assert page.evaluate(f"{STATE}.photo.id") != image, "shown before its change is known"
    slow[0].continue_()
    page.wait_for_function(f"{STATE}.photo.id === {image} && {STATE}.rows.length === 1")
    drag(page, (300, 100), (330, 150))  # on the version that the first change led to
    settled(page)
    assert len(rows(page)) == 2
    assert not page.evaluate(f"{STATE}.notice && {STATE}.notice.message")
