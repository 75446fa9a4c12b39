"""The language of captions: how one is written, read, varied, and made wrong in a single respect.

Nothing here looks at pixels. Color shares and a type go in, captions and descriptions come out,
and `measure_agreement` says how true a description is of an object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth.words import (
    CAMOUFLAGE_WORDS,
    COLOR_SYNONYMS,
    COLORS,
    COMPETITION_TYPES,
    FILLERS,
    FREE_SYNONYMS,
    MINOR_SHARE_RATIO,
    MODIFIERS,
    NAMES,
    SHADE_WORDS,
    TEMPLATES,
    TYPE_GROUPS,
    TYPE_SYNONYMS,
    TYPES,
)

__all__ = [
    "COLORS",
    "COMPETITION_TYPES",
    "TYPES",
    "TYPE_GROUPS",
    "Description",
    "choose_colors",
    "list_fillers",
    "list_kinds",
    "list_names",
    "list_vocabulary",
    "make_hard_negatives",
    "measure_agreement",
    "normalize_caption",
    "paraphrase",
    "parse_caption",
    "write_caption",
]


@dataclass(frozen=True, slots=True)
class Description:
    """What a caption says.

    Attributes:
        colors: Named colors, the most prominent first; empty when none is named.
        camouflage: Whether a camouflage pattern is named.
        types: The types that would fit: one for a type name, several for a general word such as
            "plane", none when the caption names no type (then any type fits).
    """

    colors: tuple[str, ...]
    camouflage: bool
    types: tuple[str, ...]


def normalize_caption(caption: str) -> str:
    """Return the caption in lower case, with punctuation and repeated spaces removed.

    Example:
        >>> normalize_caption("White, blue, and red  Hot-Air balloon!")
        'white blue and red hot air balloon'
    """
    return " ".join(re.sub(r"[^a-z0-9]+", " ", caption.lower()).split())


def write_caption(colors: Sequence[str], class_name: str, *, camouflage: bool = False) -> str:
    """Return the caption of an object in the house style.

    Args:
        colors: Color names, the most prominent first; may be empty.
        class_name: The type's name.
        camouflage: Whether the object wears a camouflage pattern.

    Example:
        >>> write_caption(["white", "blue", "red"], "commercial aircraft")
        'white, blue, and red commercial aircraft'
    """
    if len(colors) > 2:
        painted = ", ".join(colors[:-1]) + f", and {colors[-1]}"
    else:
        painted = " and ".join(colors)
    words = [painted, "camouflage" if camouflage else "", class_name]
    return " ".join(word for word in words if word)


def choose_colors(
    shares: Mapping[str, float], *, share_min: float = MINOR_SHARE_RATIO, limit: int = 3
) -> tuple[str, ...]:
    """Return the colors worth naming, the largest share first; never empty unless `shares` is.

    Args:
        shares: Share of the visible painted area of each color, 0 to 1.
        share_min: Smaller shares are not named.
        limit: At most this many colors.
    """
    ranked = sorted(shares, key=lambda name: -shares[name])
    named = [name for name in ranked if shares[name] >= share_min]
    return tuple((named or ranked[:1])[:limit])


def parse_caption(caption: str) -> Description:
    """Return what a caption says; words that are not known are passed over.

    Example:
        >>> parse_caption("a dark gray camo chopper")
        Description(colors=('grey',), camouflage=True, types=('helicopter',))
    """
    words = normalize_caption(caption).split()
    colors: list[str] = []
    types: tuple[str, ...] = ()
    camouflage = False
    position = 0
    while position < len(words):
        for length in range(min(_LONGEST_PHRASE, len(words) - position), 0, -1):
            meaning = _PHRASES.get(" ".join(words[position : position + length]))
            if meaning is not None:
                break
        position += length
        if meaning is None:
            continue
        if meaning.camouflage:
            camouflage = True
        colors += [color for color in meaning.colors if color not in colors]
        # A name says more than a general word: "aircraft" after "light" must not widen it.
        if meaning.types and (not types or len(meaning.types) <= len(types)):
            types = meaning.types
    return Description(tuple(colors), camouflage, types)


def paraphrase(
    description: Description,
    rng: np.random.Generator,
    *,
    shades: Mapping[str, int] | None = None,
) -> str:
    """Return another way to say the same, drawn at random.

    Args:
        description: What to say. Of several types, a general word that means them is used.
        rng: Source of randomness.
        shades: -1 (dark), 0 or 1 (light) of the colors whose shade is known; only these get
            a word such as "dark" or "navy".
    """
    colors = [_vary_color(color, rng, (shades or {}).get(color)) for color in description.colors]
    noun = _vary_type(description.types, rng)
    camouflage = str(rng.choice(CAMOUFLAGE_WORDS)) if description.camouflage else ""
    painted = " and ".join(colors) if rng.random() < 0.5 else write_caption(colors, "")
    if rng.random() < 0.2:
        painted = " ".join(colors)
    if painted and rng.random() < 0.25:
        joint = str(rng.choice(["in", "with", "painted", "colored", "that is"]))
        core = " ".join(part for part in (camouflage, noun, joint, painted) if part)
    else:
        core = " ".join(part for part in (painted, camouflage, noun) if part)
    if rng.random() < 0.5:
        core = str(rng.choice(TEMPLATES)).format(core)
    return core


def make_hard_negatives(
    description: Description, rng: np.random.Generator, *, count: int
) -> list[Description]:
    """Return descriptions that differ from the given one in a single respect.

    Another type with the same colors, one color exchanged, one color more or fewer, or
    camouflage added or taken away. The type changes mostly within the competition's eight.
    """
    return [_change(description, rng) for _ in range(count)]


def measure_agreement(
    descriptions: Sequence[Description],
    *,
    shares: NDArray[np.float32],
    type_ids: NDArray[np.int64],
    camouflage: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Return how true each description is of each object: (n objects, c descriptions), 0 to 1.

    1 is a caption anybody would accept, 0 a wrong one; about 0.5 is a matter of taste: two
    colors named in the other order although one clearly leads, a small color left out or named.

    Args:
        descriptions: c descriptions.
        shares: (n, len(COLORS)) share of the visible painted area, rows sum to 1 (0: unpainted).
        type_ids: (n,) index into `TYPES`; -1 for objects no description may fit.
        camouflage: (n,) whether the object wears a camouflage pattern.
    """
    count = len(descriptions)
    named = np.zeros((count, len(COLORS)), np.float32)
    fits = np.zeros((count, len(TYPES) + 1), np.float32)  # last column: type_id -1 fits nothing
    first = np.full(count, -1)
    says_camouflage = np.zeros(count, bool)
    for row, description in enumerate(descriptions):
        named[row, [COLORS.index(color) for color in description.colors]] = 1
        fits[row, [TYPES.index(name) for name in description.types or TYPES]] = 1
        says_camouflage[row] = description.camouflage
        if description.colors:
            first[row] = COLORS.index(description.colors[0])
    missing = shares.sum(1, keepdims=True) - shares @ named.T  # (n, c) painted area left unsaid
    complete = 1 - _ramp(missing, MINOR_SHARE_RATIO, 0.35)
    least = np.where(named[None] > 0, shares[:, None], 1).min(2)  # (n, c) smallest named share
    present = _ramp(least, 0.03, 0.10)
    behind = shares.max(1, keepdims=True) - shares[:, first]
    ordered = 1 - 0.5 * _ramp(behind, 0.15, 0.45)
    wears, says = camouflage[:, None], says_camouflage[None]
    # Colors without their pattern are incomplete, a pattern that is not there is wrong.
    unsaid = np.where(first[None] >= 0, 0.2, 1.0)
    pattern = np.where(wears == says, 1.0, np.where(wears, unsaid, 0.0))
    colored = np.where(first[None] >= 0, complete * present * ordered, 1.0)
    return (fits.T[type_ids] * colored * pattern).astype(np.float32)


def list_vocabulary() -> list[str]:
    """Return every known word once, in a fixed order (the tokenizer's word list)."""
    phrases = [*COLORS, *TYPES, *_PHRASES, *TEMPLATES, *CAMOUFLAGE_WORDS, FILLERS]
    phrases += [word for words in SHADE_WORDS.values() for word in words]
    return list(dict.fromkeys(w for phrase in phrases for w in normalize_caption(phrase).split()))


def list_fillers() -> list[str]:
    """Return the known words that alone name neither a color nor a kind of thing, sorted.

    Example:
        >>> [word in list_fillers() for word in ("a", "sky", "object", "hot", "red", "balloon")]
        [True, True, True, True, False, False]
    """
    phrases = [*COLORS, *CAMOUFLAGE_WORDS, *TYPES, *TYPE_GROUPS]
    for synonyms in (*COLOR_SYNONYMS.values(), *SHADE_WORDS.values(), *TYPE_SYNONYMS.values()):
        phrases += synonyms
    # A phrase is named by its last word: "hot air balloon", "sky blue".
    telling = {normalize_caption(phrase).split()[-1] for phrase in phrases}
    general = {name for name, fitting in TYPE_GROUPS.items() if fitting == TYPES}
    return sorted((set(list_vocabulary()) - telling) | general)


def list_kinds() -> list[str]:
    """Return the known words that name a kind of thing, sorted.

    Example:
        >>> [word in list_kinds() for word in ("drone", "balloon", "object", "red", "hot", "sky")]
        [True, True, True, False, False, False]
    """
    phrases = [*TYPES, *TYPE_GROUPS, *(word for words in TYPE_SYNONYMS.values() for word in words)]
    # "One" is mostly a number.
    return sorted({normalize_caption(phrase).split()[-1] for phrase in phrases} - {"one"})


def list_names() -> dict[str, str]:
    """Return names that people use, each with the type that it means.

    Example:
        >>> list_names()["cessna"]
        'light aircraft'
    """
    return {name: type_name for type_name, names in NAMES.items() for name in names}


def _ramp(value: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Return 0 below `low`, 1 above `high`, and a straight line between."""
    return np.clip((value - low) / (high - low), 0, 1)


def _vary_color(color: str, rng: np.random.Generator, shade: int | None) -> str:
    if shade and rng.random() < 0.5:
        special = SHADE_WORDS.get((color, shade), ())
        if special and rng.random() < 0.5:
            return str(rng.choice(special))
        return f"{rng.choice(MODIFIERS[shade])} {color}"
    if color in FREE_SYNONYMS and rng.random() < 0.3:
        return str(rng.choice(FREE_SYNONYMS[color]))
    return color


def _vary_type(types: tuple[str, ...], rng: np.random.Generator) -> str:
    if len(types) == 1:
        choices = TYPE_SYNONYMS[types[0]]
        return types[0] if rng.random() < 0.4 else str(rng.choice(choices))
    general = [word for word, members in TYPE_GROUPS.items() if members == (types or TYPES)]
    return str(rng.choice(general)) if general else "object"


def _change(description: Description, rng: np.random.Generator) -> Description:
    colors = list(description.colors)
    draw = rng.random()
    if draw < 0.42 or not colors:
        pool = COMPETITION_TYPES if rng.random() < 0.8 else TYPES
        others = [name for name in pool if name not in description.types]
        return replace(description, types=(str(rng.choice(others)),))
    if draw < 0.82:
        colors[int(rng.integers(len(colors)))] = str(rng.choice(COLORS))
    elif draw < 0.92:
        if len(colors) > 1:
            colors.pop(int(rng.integers(len(colors))))
        else:
            colors.append(str(rng.choice(COLORS)))
    else:
        return replace(description, camouflage=not description.camouflage)
    changed = replace(description, colors=tuple(dict.fromkeys(colors)))
    return changed if set(changed.colors) != set(description.colors) else _change(description, rng)


def _index_phrases() -> dict[str, Description]:
    """Return the meaning of every phrase that carries one, keyed by its normalized words."""
    table = {word: Description((), True, ()) for word in CAMOUFLAGE_WORDS}
    for color, words in COLOR_SYNONYMS.items():
        for word in (color, *words):
            table[normalize_caption(word)] = Description((color,), False, ())
    for name, words in TYPE_SYNONYMS.items():
        for word in (name, *words):
            table[normalize_caption(word)] = Description((), False, (name,))
    for word, members in TYPE_GROUPS.items():
        table[word] = Description((), False, members)
    return table


_PHRASES = _index_phrases()
_LONGEST_PHRASE = max(len(phrase.split()) for phrase in _PHRASES)
