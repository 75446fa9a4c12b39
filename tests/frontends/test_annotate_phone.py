"""The tab Annotate on a small screen, by touch: upright, small and upright, across."""

from __future__ import annotations

from typing import Any

import pytest

from tests.frontends.annotate_page import (
    DESKTOP,
    PHONE,
    STATE,
    create,
    prelabel,
    rows,
    screen,
    settled,
)

pytestmark = pytest.mark.browser

SMALL, ACROSS = (360, 640), (844, 390)


def _measured(page: Any) -> None:
    page.wait_for_selector('#annotate-picture .overlay g[data-state="proposed"]')
    page.wait_for_function(f"{STATE}.rows.every((row) => !row.caption || row.rank)")


def _choose(page: Any, caption: str) -> int:
    """Tap the box with a caption; its number."""
    row = next(row for row in rows(page) if row["caption"] == caption)
    page.touchscreen.tap(*screen(page, (row["x"] + row["w"] / 2, row["y"] + row["h"] / 2)))
    page.wait_for_selector(f'#annotate-boxes .row[data-selected][data-id="{row["id"]}"]')
    return int(row["id"])


def _is_seen(page: Any, part: str) -> bool:
    """Whether all of a part is on the screen and nothing lies above its middle."""
    return page.evaluate(
        """(part) => {
          const node = document.querySelector(part);
          const { x, y, width, height, right, bottom } = node.getBoundingClientRect();
          const top = document.elementFromPoint(x + width / 2, y + height / 2);
          const inside = x >= 0 && y >= 0 && right <= innerWidth && bottom <= innerHeight;
          return width > 0 && inside && (top === node || node.contains(top));
        }""",
        part,
    )


@pytest.mark.parametrize("size", [PHONE, SMALL, ACROSS], ids=["upright", "small", "across"])
def test_a_chosen_box_is_told_and_decided_without_scrolling(size, browse, pictures):
    page = browse(size)
    create(page, pictures[:2])
    assert _is_seen(page, "#annotate-boxes .look"), "what comes next is a press away"
    prelabel(page, "red thing\nblue thing")
    _measured(page)
    scrolls = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert page.evaluate(scrolls) == list(size)
    shown = page.locator("#annotate-picture .image").bounding_box()
    assert shown["width"] >= (size[0] if size != ACROSS else 0.55 * size[0]) - 1

    first = _choose(page, "red thing")
    card = "#annotate-boxes .row[data-selected]"
    parts = ("field-class", "field-caption", "figures", "accept", "remove")
    for part in (card, *(f"{card} .{part}" for part in parts), "#annotate-done .complete"):
        assert _is_seen(page, part), part
    before = page.locator(f"{card} .accept").bounding_box()
    page.tap(f"{card} .accept")
    page.wait_for_function(f"{STATE}.selected !== {first}")
    place = f"[x, y] = [{before['x']}, {before['y']}]"
    page.wait_for_function(  # the thumb stays
        f"""() => {{
          const node = document.querySelector("{card} .accept");
          const {place}, now = node && node.getBoundingClientRect();
          return now && now.x === x && now.y === y;
        }}"""
    )
    page.fill(f"{card} .field-caption", "blue kite")
    page.press(f"{card} .field-caption", "Enter")
    settled(page)
    assert {row["caption"] for row in rows(page)} >= {"red thing", "blue kite"}
    assert sum(row["state"] == "confirmed" for row in rows(page)) == 2


def test_boxes_have_numbers_where_labels_would_hide_them(browse, pictures):
    page = browse(PHONE)
    create(page, pictures[:2])
    prelabel(page, "red thing\nblue thing")
    _measured(page)
    listed = page.evaluate(f"{STATE}.listed.map((row) => [row.id, row.number])")
    assert [number for _, number in listed] == list(range(1, len(listed) + 1))
    assert sorted(_labels(page)) == sorted((box, str(number)) for box, number in listed)
    assert page.locator("#annotate-boxes .number").all_text_contents() == [
        str(number) for _, number in listed
    ]
    chosen = _choose(page, "blue thing")
    told = dict(_labels(page))
    assert "blue thing" in told.pop(chosen)
    assert all(text.isdigit() for text in told.values())
    # What is refused leaves the numbers of the others as they are.
    page.tap("#annotate-boxes .row[data-selected] .remove")
    settled(page)
    assert dict(page.evaluate(f"{STATE}.listed.map((row) => [row.id, row.number])")) == {
        box: number for box, number in listed if box != chosen
    }


def _labels(page: Any) -> list[tuple[int, str]]:
    page.evaluate("() => new Promise((go) => setTimeout(go, 100))")
    return [
        (int(box), text)
        for box, text in page.evaluate(
            "[...document.querySelectorAll('#annotate-picture .label')]"
            ".map((label) => [label.dataset.id, label.textContent])"
        )
    ]


def test_what_is_needed_now_and_then_is_folded_away(browse, pictures):
    page = browse(PHONE)
    create(page, pictures[:3])
    folded = ("head .import", "strip .film", "strip .sought", "boxes .score")
    assert not any(page.is_visible(f"#annotate-{part}") for part in folded)
    page.tap("#annotate-head .more")
    assert all(page.is_visible(f"#annotate-{part}") for part in folded)
    assert page.is_visible(".spotter-tabs")
    page.select_option("#annotate-strip .only", "done")
    page.tap("#annotate-head .more")
    assert page.is_visible("#annotate-strip .only"), "a narrowed list says so"
    page.tap("#annotate-head .back")
    page.wait_for_selector("#annotate-projects .item")


def test_across_what_is_unfolded_leaves_room_for_the_list(browse, pictures):
    page = browse(ACROSS)
    create(page, pictures[:3])
    page.tap("#annotate-head .more")
    page.wait_for_selector("#annotate-strip .film:visible")
    parts = ("head .import", "head .help", "strip .film", "strip .sought", "boxes .score")
    for part in (*parts, "done .complete"):
        assert _is_seen(page, f"#annotate-{part}"), part
    assert page.locator("#annotate-boxes").bounding_box()["height"] >= 150
    assert page.locator("#annotate-picture .stage").bounding_box()["height"] >= 150
    scrolls = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert page.evaluate(scrolls) == list(ACROSS)


def test_a_wide_screen_has_labels_and_everything_at_hand(browse, pictures):
    page = browse(DESKTOP)
    create(page, pictures[:2])
    prelabel(page, "red thing")
    _measured(page)
    assert "red thing" in " ".join(text for _, text in _labels(page))
    for part in ("head .import", "strip .film", "boxes .score"):
        assert page.is_visible(f"#annotate-{part}"), part
    for part in ("head .more", "boxes .number", "boxes .look"):
        assert page.locator(f"#annotate-{part}:visible").count() == 0, part
    page.click("#annotate-head .back")
    page.locator("#annotate-projects .title").wait_for()
    left = page.locator("#annotate-projects .title").bounding_box()["x"]
    assert left == page.locator(".spotter-head svg").bounding_box()["x"]


def test_the_name_of_the_project_has_room_beside_how_far_it_is(browse, pictures):
    progress = {"total": 13, "done": 5, "images": {"new": 8}, "removed": 0}
    told = {**progress, "seconds_per_image": 10.0, "left_s": 80.0}
    for size, pace in ((PHONE, ""), (DESKTOP, " · 10 s each, 80 s left")):
        page = browse(size)
        create(page, pictures[:2], "Red balloons")
        page.click("#annotate-head .said-close")
        page.evaluate("(told) => window.spotter.room('annotate').set({ progress: told })", told)
        assert page.inner_text("#annotate-head .pace") == f"5 of 13 done{pace}"
        cut = "(node) => node.scrollWidth > node.clientWidth"
        assert not page.eval_on_selector("#annotate-head .name", cut)
