"""English words that say nothing of how a thing looks; tables only."""

from __future__ import annotations

from core.result import Place

__all__ = [
    "AMONG",
    "CAMERA",
    "CHAT",
    "COMPARATIVES",
    "LINKS",
    "LINKS_AROUND",
    "LINKS_BEHIND_KINDS",
    "LINKS_PERHAPS_AROUND",
    "NEGATIONS",
    "ORDINALS",
    "PARTS",
    "PICTURE",
    "PLACES",
    "PLACE_SIDES",
    "PLACE_WORDS",
    "SCENERY",
    "SMALL_WORDS",
    "SUPERLATIVES",
]

# Which one is meant, where that is said of the thing itself (places.py).
PLACES: dict[str, tuple[Place, ...]] = {
    **dict.fromkeys(("left", "leftmost", "leftest"), ("left",)),
    **dict.fromkeys(("right", "rightmost", "rightest"), ("right",)),
    **dict.fromkeys(
        ("top", "topmost", "upper", "uppermost", "upmost", "highest", "higher"), ("top",)
    ),
    **dict.fromkeys(("bottom", "bottommost", "lower", "lowest", "lowermost"), ("bottom",)),
    **dict.fromkeys(
        ("middle", "center", "centre", "central", "centermost", "centremost"), ("middle",)
    ),
    **dict.fromkeys(
        ("biggest", "largest", "closest", "nearest", "foreground", "front", "bigger", "larger",
         "closer", "nearer"), ("large",)
    ),
    **dict.fromkeys(
        ("smallest", "tiniest", "farthest", "furthest", "background", "back", "smaller"), ("small",)
    ),
    "topleft": ("top", "left"), "topright": ("top", "right"),
    "bottomleft": ("bottom", "left"), "bottomright": ("bottom", "right"),
}  # fmt: skip
COMPARATIVES = frozenset(
    ("bigger", "larger", "smaller", "closer", "nearer", "higher", "lower", "upper")
)
SUPERLATIVES = COMPARATIVES | {word for word in PLACES if word.endswith(("est", "most"))}
# What counts from a place: "second from the left". Numbers ("2nd") are in `caption_words`.
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10
}  # fmt: skip
# Said with a place: "on the left-hand side", "the left-most", "in the right corner".
PLACE_SIDES = frozenset(
    ("hand", "most", "side", "corner", "half", "part", "end", "edge", "border", "area", "row",
     "column")
)  # fmt: skip
# "The left engine" is a part of the thing, "the top view" a way to look at it.
PARTS = frozenset(
    ("wing", "wings", "engine", "engines", "tail", "tails", "nose", "rotor", "rotors", "fin",
     "fins", "door", "gear", "stripe", "stripes", "body", "markings", "side", "surface", "deck",
     "propeller", "propellers", "view", "turn")
)  # fmt: skip
PICTURE = frozenset(
    ("picture", "image", "photo", "photograph", "frame", "screen", "scene", "shot", "view", "sky")
)
AMONG = frozenset(("two", "three", "four", "five", "all", "both", "them", "these", "those"))
CAMERA = frozenset(("us", "me", "camera", "viewer", "observer", "photographer", "lens"))
# A network that compares crops one by one cannot know these, however large its vocabulary is.
PLACE_WORDS = frozenset(PLACES) | {
    "corner", "behind", "beside", "between", "above", "below", "near", "close", "far", "farther",
    "further", "next", "away", "from", "last", *ORDINALS
}  # fmt: skip
# Text towers of this kind take them for words like any other.
NEGATIONS = frozenset(
    ("not", "no", "non", "without", "except", "never", "neither", "nor", "but")
)  # fmt: skip
# What people say around what they look for; counts for nothing, and nobody need be told.
CHAT = frozenset(
    ("show", "me", "please", "i", "i'm", "am", "i'd", "we", "you", "want", "need", "see", "spot",
     "looking", "can", "could", "there", "there's", "here", "it's", "where's", "what's", "what",
     "who", "who's",
     "any", "anything", "something", "all", "every", "each", "some", "both", "few", "several",
     "many", "only", "just", "are", "was", "be", "my", "your", "two", "three", "four", "five",
     "six", "seven", "eight", "nine", "ten", "up", "down",
     "high", "low", "upside", "overhead", "outside", "inside", "today", "now", "view", "shot",
     "shown", "visible", "seen", "alone", "pair", "group",
     "kind", "type")
)  # fmt: skip
# Left out at the ends of what an answer is about.
SMALL_WORDS = frozenset(
    ("a", "an", "the", "this", "that", "some", "of", "in", "on", "at", "to", "for", "with",
     "and", "over", "is", "it", "which", "where", "find", "look")
)  # fmt: skip
# Behind these, more is told of what was named before.
LINKS = frozenset(
    ("with", "in", "on", "at", "that", "which", "who", "over", "above", "near", "behind",
     "beside", "against", "by", "from", "under", "to", "for", "between", "without", "below",
     "through", "across", "into", "around", "along", "towards", "before")
)  # fmt: skip
# What stands behind these, once a kind of thing was named, is around it.
LINKS_AROUND = frozenset(
    ("over", "above", "near", "behind", "beside", "against", "under", "between", "below",
     "through", "across", "into", "around", "along", "towards", "before", "by")
)  # fmt: skip
# Behind these if it is scenery: "in the blue sky" is, "in red and white" is not.
LINKS_PERHAPS_AROUND = frozenset(("in", "on", "at", "from", "to"))
SCENERY = PICTURE | {
    "air", "cloud", "clouds", "sea", "ocean", "water", "waves", "lake", "river", "mountain",
    "mountains", "hill", "hills", "tree", "trees", "forest", "field", "fields", "grass", "meadow",
    "ground", "land", "desert", "runway", "tarmac", "airport", "airfield", "beach", "coast", "snow",
    "city", "town", "village", "street", "road", "house", "houses", "building", "buildings",
    "tower", "roof", "wall", "sunset", "sunrise", "dusk", "dawn", "night", "fog", "mist", "haze",
    "background", "foreground", "horizon", "sun"
}  # fmt: skip
# And behind these, once a kind of thing was named: "blue and yellow", "a pair of planes" go on.
LINKS_BEHIND_KINDS = frozenset(("and", "or", "of", "like", "as", "out"))
