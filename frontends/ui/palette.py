"""Colours and marks of captions: one table for page, browser code and drawn pictures.

Holds data and its CSS form, draws nothing. In: a caption's position; out: its colour and its mark.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = [
    "COLORS",
    "MARKS",
    "SWATCHES",
    "CaptionColor",
    "color_index",
    "mark_index",
    "palette_css",
]

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class CaptionColor:
    """One caption colour in its three surroundings, each a "#rrggbb" string.

    `picture` is seen over photographs (drawn with a dark halo), `light` and `dark` on the page;
    the latter two keep a contrast of at least 4.5 to the page's background.
    """

    name: str
    picture: str
    light: str
    dark: str


# Skies are blue, white and grey: the first colors are those that skies do not have. Neighbors in
# the list differ for every common color blindness, most of all in the yellow-blue direction.
COLORS: tuple[CaptionColor, ...] = (
    CaptionColor("lime", "#c9f231", "#4b6b00", "#b7dc3c"),
    CaptionColor("pink", "#ff8fd2", "#a82c7b", "#f091c8"),
    CaptionColor("orange", "#ffa229", "#945400", "#f0a63c"),
    CaptionColor("blue", "#5cc1ff", "#0068a8", "#62b8f0"),
    CaptionColor("red", "#ff7d52", "#b23c0a", "#f28a63"),
    CaptionColor("teal", "#2fdcb4", "#00705a", "#3fcaa6"),
)


def _ring(count: int, radii: tuple[float, ...], turn_deg: float = -90.0) -> tuple[Point, ...]:
    """Corners on circles around (0.5, 0.5); the radii take turns."""
    points = []
    for i in range(count):
        angle = math.radians(turn_deg + 360.0 * i / count)
        radius = radii[i % len(radii)]
        points.append((0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)))
    return tuple(points)


# The second mark beside the colour: outlines in the unit square, y down.
MARKS: tuple[tuple[Point, ...], ...] = (
    _ring(24, (0.44,)),
    ((0.5, 0.05), (0.97, 0.9), (0.03, 0.9)),
    ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)),
    ((0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)),
    _ring(10, (0.52, 0.24)),
    _ring(12, (0.48, 0.48, 0.2), -105.0),
)

# What the colour words of captions look like, for plots.
SWATCHES: dict[str, str] = {
    "white": "#f7f7f5",
    "black": "#1b1c1e",
    "grey": "#8b8e92",
    "silver": "#c6cacd",
    "red": "#cf2b2f",
    "orange": "#ee7d22",
    "yellow": "#eec31e",
    "green": "#2f8a4b",
    "blue": "#2a62bd",
    "purple": "#8a4bb0",
    "pink": "#e58ab5",
    "brown": "#84592f",
    "camouflage": "linear-gradient(135deg, #5d6b3f 0 34%, #a39a6b 34% 66%, #3d3f30 66%)",
}


def color_index(position: int) -> int:
    """Row of `COLORS` for the caption at `position` (0 is the first caption)."""
    return position % len(COLORS)


def mark_index(position: int) -> int:
    """Row of `MARKS` for the caption at `position`.

    Shifts by one each time the colours begin again, so 36 captions have 36 different pairs.

    Example:
        >>> (color_index(6), mark_index(6))
        (0, 1)
    """
    return (position + position // len(COLORS)) % len(MARKS)


def palette_css() -> str:
    """The table as CSS variables: `--caption-N` follows the page, `--over-N` is for pictures."""
    over = "".join(f"--over-{i}:{color.picture};" for i, color in enumerate(COLORS))
    light = "".join(f"--caption-{i}:{color.light};" for i, color in enumerate(COLORS))
    dark = "".join(f"--caption-{i}:{color.dark};" for i, color in enumerate(COLORS))
    return f":root{{{over}{light}}}\n.dark{{{dark}}}\n"
