"""Captions that say where their thing is: what is read as a place."""

from __future__ import annotations

import re

import pytest

from pipeline.rerank.caption_words import Word
from pipeline.rerank.places import mark_places

KINDS = {"plane", "jet", "drone", "helicopter", "balloon", "glider", "rocket"}
COLORS = {"red", "white", "blue", "dark"}


def words_of(caption, known=()):
    """Words as a tokenizer would mark them: only kinds, colors and `known` are known."""
    known = {
        *KINDS,
        *COLORS,
        "in",
        "on",
        "the",
        "and",
        "with",
        "that",
        "of",
        "at",
        "flying",
        *known,
    }
    return [
        Word(m[0], [m[0]] if m[0].lower().rstrip("s") in known else [], m[1] in (",", "."))
        for m in re.finditer(r"\w+(?:'\w+)*(?=(\W?))", caption)
    ]


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("the plane on the left", ("left",)),
        ("Leftmost drone", ("left",)),
        ("the left-hand helicopter", ("left",)),
        ("the left-most drone", ("left",)),
        ("plane, right", ("right",)),
        ("plane on the far right side of the picture", ("right",)),
        ("drone in the upper right corner", ("top", "right")),
        ("drone at the topleft", ("top", "left")),
        ("the topleft drone", ("top", "left")),
        ("drone in upper left", ("top", "left")),
        ("drone top right", ("top", "right")),
        ("the plane that is highest", ("top",)),
        ("left, plane", ("left",)),
        ("the bottom left one", ("bottom", "left")),
        ("the highest balloon", ("top",)),
        ("jet in the middle", ("middle",)),
        ("plane on top", ("top",)),
        ("the drone at bottom", ("bottom",)),
        ("drone right in the middle", ("middle",)),
        ("the largest white and blue plane", ("large",)),
        ("the smallest flying thing", ("small",)),
        ("the jet in the background", ("small",)),
        ("plane with red wings on the left", ("left",)),
        ("a plane flying on the left", ("left",)),
        ("left plane, not the red one", ("left",)),
        ("not the left one but the right one", ("right",)),
        ("plane to the right", ("right",)),
        ("the plane most to the right", ("right",)),
        ("the one further left", ("left",)),
        ("the largest of the two drones", ("large",)),
        ("leftmost of the three", ("left",)),
        ("lower of the two planes", ("bottom",)),
        ("the largest of all", ("large",)),
        ("plane closest to us", ("large",)),
        ("plane nearest to the camera", ("large",)),
        ("the closer plane", ("large",)),
        ("plane higher than the others", ("top",)),
        ("drone flying lowest", ("bottom",)),
        ("balloon above the trees on the right", ("right",)),
        # Where it is gone to.
        ("helicopter furthest to the right", ("right",)),
        ("helicopter farthest left", ("left",)),
        ("the farthest left helicopter", ("left",)),
        ("the furthest right of the two planes", ("right",)),
        ("the one that is furthest to the left", ("left",)),
        ("drone farthest to the top right", ("top", "right")),
        ("drone flying furthest to the left", ("left",)),
        ("plane further to the left", ("left",)),
        ("drone far to the right", ("right",)),
        ("helicopter nearest the top", ("top",)),
        ("the plane nearest to the left edge of the picture", ("left",)),
        ("the helicopter closest to the bottom", ("bottom",)),
        ("which plane is closest to the upper left corner", ("top", "left")),
        ("balloon closest to the middle", ("middle",)),
        ("drone near the top", ("top",)),
        ("helicopter close to the right side", ("right",)),
        ("closest to the bottom", ("bottom",)),
        ("helicopter in the bottom row", ("bottom",)),
        ("the top row helicopter", ("top",)),
        ("plane in the left column", ("left",)),
        ("the rightest helicopter", ("right",)),
        ("which helicopter is the largest", ("large",)),
        ("which of the planes is the lowest", ("bottom",)),
        # A place alone.
        ("left", ("left",)),
        ("Top", ("top",)),
        ("lower right", ("bottom", "right")),
        ("the bottom left", ("bottom", "left")),
        ("largest", ("large",)),
        ("the left please", ("left",)),
        ("show me the right", ("right",)),
        ("who is at the left", ("left",)),
        ("what is on the right", ("right",)),
        ("who is at the top", ("top",)),
        # What needs another thing, or says where another thing is.
        ("plane left of the tower", ()),
        ("plane to the left of the tower", ()),
        ("helicopter on top of the building", ()),
        ("white plane, red on top", ()),
        ("helicopter with a rotor on top", ()),
        ("drone in front of the house", ()),
        ("the plane closest to the tower", ()),
        ("jet next to the leftmost drone", ()),
        ("drone above the largest balloon", ()),
        ("drone behind the left helicopter", ()),
        ("drone to the right of the leftmost plane", ()),
        ("plane closest to the top of the tower", ()),
        ("plane nearest the right wing", ()),
        ("drone near the left helicopter", ()),
        ("drone next to the helicopter closest to the bottom", ()),
        ("drone above the furthest left balloon", ()),
        ("plane far to the right of the tower", ()),
        ("helicopter farthest from the left", ()),
        ("plane with its tail nearest the top", ()),
        ("helicopter in the front row of houses", ()),
        ("the tower on the left of the plane", ()),
        ("red plane with a white one to its left", ()),
        ("plane with mountains in the background", ()),
        ("helicopter with trees in the foreground", ()),
        ("plane with a tower on the left", ()),
        ("white jet on a blue background", ()),
        ("drone against a dark background", ()),
        ("plane at the bottom of the sea", ()),
        # Where it goes, from where it is seen, what it is a part of.
        ("a jet flying to the left", ()),
        ("flying to the left", ()),
        ("drone moving further to the right", ()),
        ("drone moving closer to the bottom", ()),
        ("farthest left engine of the plane", ()),
        ("left wing", ()),
        ("right-hand drive", ()),
        ("top view", ()),
        ("view left", ()),
        ("left turn", ()),
        ("top half", ("top",)),
        ("plane with a left wing", ()),
        ("jet banked to the left", ()),
        ("crossing from left to right", ()),
        ("left-facing jet", ()),
        ("plane in a left turn", ()),
        ("jet that just left the runway", ()),
        ("jet seen from the front", ()),
        ("helicopter photographed from the left", ()),
        ("front view of a plane", ()),
        ("top view of a drone", ()),
        ("plane with its right engine on fire", ()),
        ("front propeller plane", ()),
        ("glider with a red top", ()),
        ("plane with a door on the left side", ()),
        ("red on top and white at the bottom", ()),
        ("plane with red at the top", ()),
        ("top half red, bottom half white", ()),
        ("rocket on the left launch pad", ()),
        ("drone right above the tree", ()),
        ("plane right side up", ()),
        ("middle-sized plane", ()),
        # What is denied, counted, or cannot be.
        ("left and right balloon", ()),
        ("left plane, right plane", ()),
        ("not the plane on the left", ()),
        ("not the big shiny new red plane on the left", ()),
        ("the plane that isn't on the left", ()),
        ("the second plane on the left", ()),
        ("the second plane", ()),
        ("drone 2 on the left", ()),
        ("a red plane", ()),
        ("", ()),
    ],
)
def test_places_are_told_from_parts_relations_and_directions(caption, expected):
    words, places, _ = mark_places(words_of(caption), KINDS)
    assert places == expected
    assert any(word.is_place for word in words) is bool(expected)
    assert [word.text for word in words] == [word.text for word in words_of(caption)]


@pytest.mark.parametrize(
    ("caption", "expected", "nth"),
    [
        ("second helicopter from the left", ("left",), 2),
        ("3rd helicopter from left", ("left",), 3),
        ("the second red and white plane from the right", ("right",), 2),
        ("second from the left", ("left",), 2),
        ("3rd from the right side of the picture", ("right",), 3),
        ("the plane that is fourth from the top", ("top",), 4),
        ("helicopter, 2nd from the bottom", ("bottom",), 2),
        ("what is the 12th plane from the top", ("top",), 12),
        ("second plane counted from the left", ("left",), 2),
        ("second plane from left to right", ("left",), 2),
        ("first plane from the left", ("left",), 1),
        ("the second largest", ("large",), 2),
        ("the second largest helicopter", ("large",), 2),
        ("the 2nd leftmost plane", ("left",), 2),
        ("third lowest of the planes", ("bottom",), 3),
        ("which plane is the third smallest", ("small",), 3),
        ("second furthest to the right", ("right",), 2),
        ("the second plane", (), 1),
        ("the second plane on the left", (), 1),
        ("second left plane", (), 1),
        ("second plane from the front", (), 1),
        ("second plane from the tower", (), 1),
        ("second plane from the left of the tower", (), 1),
        ("second engine from the left", (), 1),
        ("second plane from left to bottom", (), 1),
        ("second plane to the left", (), 1),
        ("second from", (), 1),
        ("second", (), 1),
        ("drone next to the second plane from the left", (), 1),
        ("drone above the second largest plane", (), 1),
        ("second or third plane from the left", (), 1),
        ("second plane from the left in the top row", (), 1),
        ("second plane from the left, on the top", (), 1),
        ("2 planes from the left", (), 1),
        ("not the second plane from the left", (), 1),
        ("second plane with a red wing from the left", (), 1),
        ("plane of the second world war", (), 1),
    ],
)
def test_a_number_counts_from_a_single_place(caption, expected, nth):
    words, places, count = mark_places(words_of(caption), KINDS)
    assert (places, count) == (expected, nth)
    assert any(word.is_place for word in words) is bool(expected)


@pytest.mark.parametrize(
    ("caption", "rest"),
    [
        ("the second red plane from the left", "the red plane"),
        ("3rd largest plane", "plane"),
        ("second plane from left to right", "plane"),
        ("helicopter furthest to the right of the picture", "helicopter"),
        ("the red plane on the far left side of the picture", "the red plane"),
        ("the upper left drone", "the drone"),
        ("the largest of the two drones", "the drones"),
        ("plane nearest to the camera", "plane"),
        ("plane on the left, with red wings", "plane with red wings"),
    ],
)
def test_all_that_belongs_to_a_place_goes_with_it(caption, rest):
    words, *_ = mark_places(words_of(caption), KINDS)
    assert " ".join(word.text for word in words if not word.is_place) == rest


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("car on the left", ("left",)),
        ("the largest shoe", ("large",)),
        ("left shoe", ()),
        ("top hat", ()),
        ("front wheel of a bike", ()),
        ("car on a white background", ()),
        ("car with a dog on the left", ()),
    ],
)
def test_without_known_kinds_only_what_is_certain_is_a_place(caption, expected):
    assert mark_places([word._replace(tokens=[word.text]) for word in words_of(caption)])[1] == (
        expected
    )
