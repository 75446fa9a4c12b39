"""Where a caption says its thing is: "the plane on the left", "the topmost drone".

Only what can be told from the boxes alone: a side of the picture, its middle, the largest or
smallest. "Left of the tower" needs the tower, "left wing" tells of the thing, "flying to the left"
where it goes; these are no places.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from core.result import Place
from pipeline.rerank.small_words import NEGATIONS

__all__ = ["find_places"]

_PLACES: dict[str, Place] = {
    **dict.fromkeys(("left", "leftmost"), "left"),
    **dict.fromkeys(("right", "rightmost"), "right"),
    **dict.fromkeys(("top", "topmost", "upper", "uppermost", "highest"), "top"),
    **dict.fromkeys(("bottom", "bottommost", "lower", "lowest"), "bottom"),
    **dict.fromkeys(("middle", "center", "centre", "central"), "middle"),
    **dict.fromkeys(
        ("biggest", "largest", "closest", "nearest", "foreground", "front", "bigger", "larger"),
        "large",
    ),
    **dict.fromkeys(
        ("smallest", "tiniest", "farthest", "furthest", "background", "back", "smaller"), "small"
    ),
}
# Said with them: "on the left-hand side", "in the far right corner".
_BESIDE = frozenset(("hand", "side", "corner", "half", "part", "end", "edge", "area"))
# "The right engine" is a part of the thing, "right above" no place.
_PARTS = frozenset(
    ("wing", "wings", "engine", "engines", "tail", "nose", "rotor", "rotors", "fin", "fins",
     "door", "gear", "stripe", "stripes", "surface", "deck", "now", "there", "here", "above",
     "below", "next", "behind", "beside", "away")
)  # fmt: skip
# Behind these, "left" tells where it goes or what it has; "flying on the left" is a place again.
_MOVES = frozenset(
    ("facing", "flying", "turning", "turned", "heading", "pointing", "banking", "going", "moving",
     "looking", "leaning", "tilted", "tilting", "rolling", "faces", "flies", "turns", "points",
     "with", "has", "having")
)  # fmt: skip
_AT = frozenset(("on", "at", "in"))
_NOT_IT = NEGATIONS | {"second", "third", "fourth"}
_PICTURE = frozenset(
    ("picture", "image", "photo", "photograph", "frame", "screen", "scene", "shot", "view", "sky")
)
_ARTICLES = frozenset(("the", "a", "an", "this"))
_LOOK_BACK = 5


def find_places(
    words: Sequence[str], ends: Collection[int] = ()
) -> tuple[tuple[Place, ...], frozenset[int]]:
    """Return the places that a caption names, each once, and which of its words do so.

    Args:
        words: The caption's words.
        ends: Rows of words behind which a comma or the like stands.

    Example:
        >>> find_places("the plane in the top left corner".split())
        (('top', 'left'), frozenset({4, 5, 6}))
        >>> find_places("the plane left of the tower".split())
        ((), frozenset())
    """
    low = [word.lower() for word in words]
    places: dict[Place, None] = {}
    used: set[int] = set()
    for row, word in enumerate(low):
        if word in _PLACES and _is_of_the_picture(low, row, ends):
            places[_PLACES[word]] = None
            used.add(row)
            behind = row + 1
            while behind < len(low) and low[behind] in _BESIDE and behind - 1 not in ends:
                used.add(behind)
                behind += 1
            if row and low[row - 1] == "far":
                used.add(row - 1)
    return tuple(places), frozenset(used)


def _is_of_the_picture(low: Sequence[str], row: int, ends: Collection[int]) -> bool:
    """Whether a word of place tells where in the picture the thing is."""
    start = row
    while start > max(0, row - _LOOK_BACK) and start - 1 not in ends:
        start -= 1
    before = low[start:row]
    moves = [i for i, word in enumerate(before) if word in _MOVES]
    if _NOT_IT.intersection(before) or (moves and not _AT.intersection(before[moves[-1] :])):
        return False
    behind = row + 1
    while behind < len(low) and low[behind] in _BESIDE:
        behind += 1
    if behind == len(low) or row in ends:
        return True
    if low[behind] in ("of", "to"):
        rest = [word for word in low[behind + 1 :] if word not in _ARTICLES]
        return low[behind] == "of" and bool(rest) and rest[0] in _PICTURE
    return low[behind] not in _PARTS
