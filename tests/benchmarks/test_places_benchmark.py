"""Which objects a benchmark may call the left one, or the largest."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install -r requirements-dev.txt")

from benchmarks.places import true_places


def places_of(boxes, captions):
    return list(true_places(np.array(boxes, np.float32), captions, (100, 100)))


def test_one_of_several_is_asked_where_it_is_clearly_the_outermost_or_largest():
    boxes = [[0, 40, 10, 50], [80, 40, 90, 50], [40, 41, 60, 61]]
    told = places_of(boxes, ["jet", "jet", "jet"])
    assert told == [(0, "left", True), (1, "right", True), (2, "large", True)]
    # A hair apart: nobody could say which is meant.
    assert places_of([[0, 0, 10, 10], [5, 1, 15, 11]], ["jet", "jet"]) == []


def test_one_alone_is_asked_in_the_outer_parts_of_the_picture():
    assert places_of([[0, 45, 10, 55]], ["jet"]) == [(0, "left", False)]
    assert places_of([[45, 45, 55, 55]], ["jet"]) == []
    told = places_of([[0, 0, 10, 10], [45, 45, 55, 55]], ["jet", "kite"])
    assert told == [(0, "left", False), (0, "top", False)]
