"""The tab Locate in windows of any width: nothing is squeezed, and answers come into view."""

from __future__ import annotations

from typing import Any

import pytest

from tests.frontends.locate_page import DESKTOP, upload_and_ask

pytestmark = pytest.mark.browser

ACROSS = (844, 390)
SIZES = [(w, 800) for w in (360, 640, 768, 821, 900, 1024, 1180, 1440)] + [ACROSS, (740, 360)]
CAPTIONS = ("red thing", "green thing", "blue thing", "kite", "a red thing with a very long name")


def _widths(page: Any) -> dict[str, float]:
    """Widths on the screen, and how far the page reaches beyond the window."""
    return page.evaluate(
        """() => {
          const width = (name) => document.querySelector(`.evidence .${name}`).clientWidth;
          return {
            sentence: width("sentence"), rival: width("rival-crop"), panel: width("why"),
            beyond: document.documentElement.scrollWidth - window.innerWidth,
          };
        }"""
    )


@pytest.mark.parametrize("count", [1, 5])
def test_the_reason_has_room_at_every_width(count, visit, shapes):
    with visit(DESKTOP) as page:
        upload_and_ask(page, shapes, "\n".join(CAPTIONS[:count]))
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            # The answer to typing may come late; while it is drawn there are no reasons.
            page.wait_for_function(
                """(width) => window.innerWidth === width
                  && document.querySelector(".evidence .sentence").clientWidth > 0""",
                arg=width,
            )
            seen = _widths(page)
            assert seen["sentence"] >= 150, (width, seen)
            assert seen["rival"] >= 100, (width, seen)
            assert seen["beyond"] <= 0, (width, seen)


def test_the_runner_up_stays_whole_when_the_window_is_turned(visit, shapes):
    zoom = """() => {
      const node = document.querySelector(".evidence .rival-crop");
      const size = getComputedStyle(node).backgroundSize.split(" ")[0];
      return size.endsWith("%") ? parseFloat(size) / 100 : parseFloat(size) / node.clientWidth;
    }"""
    with visit((390, 844)) as page:
        upload_and_ask(page, shapes, "red thing")
        upright = page.evaluate(zoom)
        width = page.evaluate("document.querySelector('.rival-crop').clientWidth")
        page.set_viewport_size({"width": ACROSS[0], "height": ACROSS[1]})
        page.wait_for_function(
            "(old) => document.querySelector('.rival-crop').clientWidth !== old", arg=width
        )
        assert page.evaluate(zoom) == pytest.approx(upright), "the same part of the picture"


@pytest.mark.parametrize(("size", "moves"), [(ACROSS, True), (DESKTOP, False)])
def test_answers_asked_for_come_into_view_where_they_lie_below(size, moves, visit, shapes):
    with visit(size) as page:
        upload_and_ask(page, shapes, "\n".join(CAPTIONS))
        page.wait_for_timeout(500)  # what was brought into view at once is there
        page.evaluate("window.scrollTo(0, 0)")
        page.evaluate("window.before = window.spotter.room('locate').state.answer")
        page.click("#locate-button")
        page.wait_for_function(
            """() => {
              const card = document.querySelector(".card");
              if (!card) return false; // between the old answers and the new ones
              const { top, bottom } = card.getBoundingClientRect();
              const answered = window.spotter.room("locate").state.answer !== window.before;
              return answered && top >= 0 && bottom <= window.innerHeight;
            }"""
        )
        assert (page.evaluate("window.scrollY") > 0) == moves
