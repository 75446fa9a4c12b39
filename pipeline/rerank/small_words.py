"""English words that say nothing of how a thing looks; tables only."""

from __future__ import annotations

__all__ = [
    "CHAT",
    "LINKS",
    "LINKS_AROUND",
    "LINKS_BEHIND_KINDS",
    "LINKS_PERHAPS_AROUND",
    "NEGATIONS",
    "PLACE_WORDS",
    "SCENERY",
    "SMALL_WORDS",
]

# A network that compares crops one by one cannot know these, however large its vocabulary is; some
# are looked for among the boxes themselves (places.py).
PLACE_WORDS = frozenset(
    ("left", "leftmost", "right", "rightmost", "top", "topmost", "bottom", "middle", "center",
     "centre", "upper", "lower", "corner", "front", "back", "foreground", "background", "behind",
     "beside", "between", "above", "below", "near", "nearest", "close", "closest", "far",
     "farthest", "next", "away", "from", "first", "second", "third", "last", "biggest",
     "largest", "smallest", "highest", "lowest", "uppermost", "bottommost",
     "central", "bigger", "larger", "smaller", "tiniest", "furthest", "fourth")
)  # fmt: skip
# Text towers of this kind take them for words like any other.
NEGATIONS = frozenset(
    ("not", "no", "non", "without", "except", "never", "neither", "nor", "but")
)  # fmt: skip
# What people say around what they look for; counts for nothing, and nobody need be told.
CHAT = frozenset(
    ("show", "me", "please", "i", "i'm", "i'd", "we", "you", "want", "need", "see", "spot",
     "looking", "can", "could", "there", "there's", "here", "it's", "where's", "what's", "what",
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
     "through", "across", "into", "around", "along", "towards", "before")
)  # fmt: skip
# Behind these if it is scenery: "in the blue sky" is, "in red and white" is not.
LINKS_PERHAPS_AROUND = frozenset(("in", "on", "at", "from", "by"))
SCENERY = frozenset(("sky", "air", "picture", "image", "photo"))
# And behind these, once a kind of thing was named: "blue and yellow", "a pair of planes" go on.
LINKS_BEHIND_KINDS = frozenset(("and", "or", "of", "like", "as"))
