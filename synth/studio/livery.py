"""Paint: up to three caption colours laid on the parts of a mesh as layers, and its materials.

A layer is (kind, palette row, four parameters); a later one covers an earlier one. The shader
evaluates them per pixel, so edges stay sharp at any size, and it labels each pixel with the caption
colour it shows. Colours are sRGB ranges of our own choosing for the competition's colour words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from synth.studio.mesh import PAINTED_PARTS, Part
from synth.words import COLORS

LAYERS = 5
NO_LABEL = 255

# sRGB anchors of each word; a livery picks one and shifts it a little.
_SHADES: dict[str, list[tuple[int, int, int]]] = {
    "white": [(246, 246, 246), (240, 240, 234), (236, 240, 246), (250, 250, 250), (232, 232, 230)],
    "black": [(20, 20, 22), (30, 31, 34), (42, 43, 46), (14, 14, 14)],
    "grey": [
        (128, 131, 134),
        (150, 153, 156),
        (100, 104, 109),
        (116, 122, 128),
        (140, 140, 136),
        (165, 168, 170),
        (84, 88, 92),
        (122, 130, 138),
    ],
    "silver": [(192, 196, 200), (180, 184, 188), (205, 207, 208)],
    "red": [(205, 28, 32), (176, 22, 40), (222, 48, 38), (150, 24, 30), (226, 26, 60)],
    "blue": [
        (30, 72, 184),
        (22, 42, 104),
        (60, 124, 208),
        (26, 56, 140),
        (92, 152, 204),
        (20, 100, 190),
        (44, 60, 120),
        (112, 170, 220),
    ],
    "green": [
        (40, 122, 62),
        (78, 92, 52),
        (54, 74, 46),
        (30, 152, 72),
        (88, 124, 82),
        (100, 112, 70),
        (20, 94, 60),
        (110, 170, 60),
    ],
    # Aircraft are painted in golden yellow (RAL 1003, 1004, 1028) far oftener than in lemon.
    "yellow": [
        (244, 206, 32),
        (236, 178, 26),
        (250, 190, 48),
        (226, 164, 34),
        (250, 220, 60),
        (249, 168, 4),
        (242, 160, 24),
        (224, 154, 40),
    ],
    "orange": [(238, 118, 26), (226, 92, 22), (242, 130, 36)],
    "brown": [(116, 76, 42), (142, 106, 66), (168, 134, 92), (92, 60, 40), (186, 156, 112)],
    "purple": [(108, 48, 148), (136, 70, 170), (86, 40, 112), (150, 90, 190)],
}
_CAMO_SHADES: dict[str, list[tuple[int, int, int]]] = {
    "green": [(70, 84, 50), (52, 68, 44), (92, 104, 66), (60, 90, 56)],
    "brown": [(120, 92, 60), (146, 116, 78), (96, 70, 48), (170, 142, 104)],
    "grey": [(120, 126, 132), (150, 156, 160), (92, 98, 106), (172, 176, 180)],
    "blue": [(70, 106, 150), (44, 74, 120), (108, 144, 184), (58, 92, 140)],
    "black": [(26, 28, 30), (44, 46, 48)],
    "white": [(236, 238, 240), (222, 226, 230)],
    "orange": [(226, 112, 36), (196, 92, 30)],
}


class Kind(IntEnum):
    """How a layer decides which pixels it covers; the numbers are the shader's."""

    ALL = 1
    ALONG = 2
    HEIGHT = 3
    AROUND = 4
    DIAGONAL = 5
    STRIPES = 6
    CAMOUFLAGE = 7
    CHECKER = 8
    SPIRAL = 9
    ZIGZAG = 10
    WING_ROUNDEL = 11
    WINDOWS = 12
    WINDSCREEN = 13
    LETTERING = 14
    DIGITAL = 15
    DOTS = 16
    SIDE_ROUNDEL = 17


class Row(IntEnum):
    """Palette rows."""

    FIRST = 0
    SECOND = 1
    THIRD = 2
    DARK = 3
    METAL = 4
    GLASS = 5
    BLADE = 6
    WICKER = 7
    SHADE_A = 8
    SHADE_B = 9
    LINE = 10
    MARK = 11


@dataclass(slots=True)
class Livery:
    """Layers by part, palette (12, 3) linear RGB with labels and gloss, and surface wear."""

    colors: tuple[str, ...]
    camouflage: bool
    palette: NDArray[np.float64]
    labels: NDArray[np.int32]
    gloss: NDArray[np.float64]
    weather: float
    panel: float
    seed: float
    disc_alpha: float
    decal: NDArray[np.uint8]
    layers: NDArray[np.int32] = field(
        default_factory=lambda: np.zeros((PAINTED_PARTS, LAYERS, 2), np.int32)
    )
    params: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros((PAINTED_PARTS, LAYERS, 4))
    )

    def paint(
        self, parts: Part | Sequence[Part], kind: Kind, row: int, *q: float | np.integer
    ) -> None:
        """Adds a layer to each part; a full stack drops its oldest layer over the ground."""
        for part in [parts] if isinstance(parts, Part) else parts:
            used = int((self.layers[part, :, 0] != 0).sum())
            if kind is Kind.ALL:
                self.layers[part], self.params[part], used = 0, 0.0, 0
            elif used == LAYERS:
                self.layers[part, 1:-1] = self.layers[part, 2:]
                self.params[part, 1:-1] = self.params[part, 2:]
                used = LAYERS - 1
            self.layers[part, used] = (int(kind), int(row))
            self.params[part, used] = [*q, *([0.0] * (4 - len(q)))]

    def paint_all(self, row: int) -> None:
        """Grounds every paintable part in one palette row."""
        self.paint([Part(k) for k in range(PAINTED_PARTS)], Kind.ALL, row)


def linear(rgb: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light of an sRGB colour given in 0..255 (the shader's own gamma of 2.2)."""
    return (np.clip(np.asarray(rgb, float), 2, 255) / 255) ** 2.2


def shade(rng: np.random.Generator, color: str, *, camouflage: bool = False) -> NDArray[np.float64]:
    """Returns one sRGB shade (3,) that a person calls by this colour word."""
    table = _CAMO_SHADES.get(color, _SHADES[color]) if camouflage else _SHADES[color]
    base = np.array(table[int(rng.integers(len(table)))], float)
    return np.clip(base * rng.uniform(0.94, 1.06) + rng.normal(0, 4, 3), 4, 252)


def new_livery(
    rng: np.random.Generator, colors: Sequence[str], *, camouflage: bool, text: str
) -> Livery:
    """Returns a livery of one to three colours, all parts in the first, ready to be painted.

    Raises:
        InputError: no colour, more than three, or an unknown word.
    """
    if not 1 <= len(colors) <= 3 or any(c not in COLORS for c in colors):
        raise InputError(f"colors must be one to three of {', '.join(COLORS)}; got {list(colors)}")
    words = [colors[min(k, len(colors) - 1)] for k in range(3)]
    made = {c: shade(rng, c, camouflage=camouflage) for c in dict.fromkeys(words)}
    srgb = np.zeros((12, 3))
    labels = np.full(12, NO_LABEL, np.int32)
    for k, word in enumerate(words):
        srgb[k], labels[k] = made[word], COLORS.index(word)
    first = words[0]
    srgb[Row.SHADE_A] = np.clip(srgb[0] * rng.uniform(0.62, 0.8), 0, 255)
    srgb[Row.SHADE_B] = np.clip(srgb[0] * rng.uniform(1.15, 1.35) + 6, 0, 255)
    labels[Row.SHADE_A] = labels[Row.SHADE_B] = COLORS.index(first)
    srgb[Row.DARK] = rng.uniform(14, 44)
    srgb[Row.METAL] = rng.uniform(70, 170)
    srgb[Row.GLASS] = rng.uniform(14, 60) * np.array([0.8, 0.95, 1.15])
    srgb[Row.BLADE] = rng.uniform(15, 70) if rng.random() < 0.75 else rng.uniform(130, 220)
    srgb[Row.WICKER] = [120, 84, 50]
    srgb[Row.LINE] = rng.uniform(20, 60)
    srgb[Row.MARK] = shade(rng, str(rng.choice(["red", "blue", "yellow", "white", "black"])))
    metallic = first == "silver" or rng.random() < 0.06
    paint_gloss = rng.uniform(0.5, 0.8) if metallic else rng.uniform(0.02, 0.45)
    gloss = np.full(12, 0.05 if camouflage else paint_gloss)
    gloss[[Row.GLASS, Row.METAL]] = rng.uniform(0.5, 1.0), 0.4
    gloss[[Row.DARK, Row.BLADE, Row.WICKER]] = 0.05, 0.15, 0.0
    livery = Livery(
        colors=tuple(colors),
        camouflage=camouflage,
        palette=linear(srgb),
        labels=labels,
        gloss=gloss,
        weather=float(rng.uniform(0.02, 0.16)),
        panel=float(rng.uniform(0.0, 0.22)),
        seed=float(rng.uniform(0, 1)),
        disc_alpha=float(rng.uniform(0.06, 0.3)),
        decal=_lettering(text),
    )
    livery.paint_all(Row.FIRST)
    return livery


def _lettering(text: str) -> NDArray[np.uint8]:
    """Returns the text as a (64, 256) mask with a margin."""
    import cv2

    mask = np.zeros((64, 256), np.uint8)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1.0, 4)
    scale = min(236 / max(width, 1), 44 / max(height, 1))
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, 4)
    origin = ((256 - width) // 2, (64 + height) // 2)
    cv2.putText(mask, text, origin, cv2.FONT_HERSHEY_DUPLEX, scale, 255, 4, cv2.LINE_AA)
    return mask
