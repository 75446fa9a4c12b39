"""The caption of a render, from the colours that are really visible in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synth.studio.identity import Identity
from synth.studio.livery import COLORS
from synth.studio.render import Rendered

MIN_SHARE = 0.12
MAX_COLORS = 3


@dataclass(frozen=True, slots=True)
class Description:
    """Caption in the competition's grammar, and each colour's share of the visible painted area."""

    caption: str
    colors: dict[str, float]


def join_colors(colors: list[str]) -> str:
    """Returns "a", "a and b", or "a, b, and c"."""
    if len(colors) < 3:
        return " and ".join(colors)
    return f"{', '.join(colors[:-1])}, and {colors[-1]}"


def describe(rendered: Rendered, identity: Identity) -> Description:
    """Returns the words for one view; colours under 12 % of the painted area are not named."""
    counts = np.bincount(rendered.label.ravel(), minlength=256)[: len(COLORS)].astype(float)
    total = counts.sum()
    name = identity.type.name
    if total <= 0:
        return Description(name, {})
    shares = {COLORS[k]: float(counts[k] / total) for k in np.argsort(-counts) if counts[k] > 0}
    named = [c for c, share in shares.items() if share >= MIN_SHARE][:MAX_COLORS]
    pattern = "camouflage " if identity.livery.camouflage else ""
    caption = f"{join_colors(named)} {pattern}{name}"
    return Description(caption, {c: round(s, 3) for c, s in shares.items() if s >= 0.01})
