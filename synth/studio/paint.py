"""Paints a livery the way its type is painted: tails, cheat lines, bands, camouflage, marks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from synth.studio.livery import Kind, Livery, Row, new_livery
from synth.studio.mesh import MeshBuilder, Part
from synth.studio.shapes import airliners, fighters, light, rockets
from synth.words import COLORS

__all__ = ["paint"]

Rng = np.random.Generator
Maker = Callable[[Rng], MeshBuilder]
LETTERS = "ABCDEFGHIJKLMNOPRSTUVWXYZ"

# How often a colour leads a livery, after the competition's caption list, flattened a little.
_COLOR_WEIGHT = dict(
    zip(COLORS, (0.24, 0.13, 0.13, 0.035, 0.12, 0.12, 0.085, 0.09, 0.045, 0.035, 0.02), strict=True)
)
_CAMO_WEIGHT = {
    "grey": 0.26,
    "green": 0.26,
    "brown": 0.18,
    "blue": 0.12,
    "black": 0.1,
    "orange": 0.04,
    "white": 0.04,
}
_BIRD_COLORS = {"white": 0.3, "black": 0.25, "grey": 0.25, "brown": 0.2}


def paint(rng: Rng, type_name: str, maker: Maker, *, labelled: bool, camouflage: bool) -> Livery:
    """Returns a livery that suits the type, with the marks that its shape carries."""
    text = "".join(rng.choice(list(LETTERS), int(rng.integers(3, 7))))
    if camouflage:
        colors = _draw(rng, _CAMO_WEIGHT, int(rng.choice([1, 2], p=[0.5, 0.5])))
        livery = new_livery(rng, colors, camouflage=True, text=text)
        _paint_camouflage(rng, livery)
    else:
        count = int(rng.choice([1, 2, 3], p=[0.36, 0.44, 0.2]))
        colors = _draw(rng, _BIRD_COLORS if type_name == "bird" else _COLOR_WEIGHT, count)
        livery = new_livery(rng, colors, camouflage=False, text=text)
        if count > 1:
            _PAINTERS.get(type_name, _paint_aeroplane)(rng, livery)
    _mark(rng, type_name, maker, livery, labelled=labelled)
    return livery


def _paint_camouflage(rng: Rng, livery: Livery) -> None:
    every = [Part(k) for k in range(10)]
    size, seed = rng.uniform(2.5, 6.0), rng.uniform(0, 50)
    two = len(livery.colors) > 1
    if rng.random() < 0.2:
        livery.paint(
            every, Kind.DIGITAL, Row.SECOND if two else Row.SHADE_A, size * 3.5, seed, 0.55
        )
        livery.paint(
            every, Kind.DIGITAL, Row.SHADE_A if two else Row.SHADE_B, size * 3.5, seed + 9, 0.78
        )
    else:
        livery.paint(
            every, Kind.CAMOUFLAGE, Row.SECOND if two else Row.SHADE_A, size, seed, 0.48, 2
        )
        third = rng.random()
        if third < 0.7:
            livery.paint(
                every,
                Kind.CAMOUFLAGE,
                Row.SHADE_A if two else Row.SHADE_B,
                size * 1.2,
                seed + 7,
                0.62,
                2,
            )
    if rng.random() < 0.25:
        livery.paint(
            [Part.FUSELAGE, Part.BELLY],
            Kind.HEIGHT,
            Row.SHADE_B,
            -2,
            rng.uniform(-0.6, -0.3),
            0,
            -1,
        )


def _paint_aeroplane(rng: Rng, livery: Livery) -> None:
    second = Row.SECOND
    third = Row.THIRD if len(livery.colors) > 2 else Row.SECOND
    body, surfaces = [Part.FUSELAGE, Part.BOOM], [Part.FIN, Part.TAIL]
    style = str(
        rng.choice(
            ["tail", "belly", "line", "wings", "parts", "bands", "sweep", "tips"],
            p=[0.2, 0.13, 0.15, 0.14, 0.12, 0.08, 0.1, 0.08],
        )
    )
    if style in ("tail", "sweep"):
        reach = rng.uniform(-0.75, -0.25)
        livery.paint(body, Kind.DIAGONAL, second, 1.0, -rng.uniform(-0.8, 0.8), -3, reach)
        livery.paint([Part.FIN], Kind.ALL, second)
        if third != second:
            livery.paint(
                body, Kind.DIAGONAL, third, 1.0, 0.4, reach, reach + rng.uniform(0.08, 0.2)
            )
            livery.paint(
                [Part.FIN, Part.ENGINE, Part.ACCENT], Kind.ALL, third
            ) if rng.random() < 0.5 else None
    if style == "belly":
        level = rng.uniform(-0.35, 0.35)
        livery.paint(
            [*body, Part.BELLY], Kind.HEIGHT, second, -2, level, rng.uniform(-0.5, 0.5), -1
        )
        livery.paint(body, Kind.HEIGHT, third, level, level + rng.uniform(0.1, 0.25), 0, -1)
        livery.paint([Part.BELLY], Kind.ALL, second)
    if style == "line":
        level, slope = rng.uniform(-0.3, 0.35), rng.uniform(-0.6, 0.6)
        width = rng.uniform(0.2, 0.55)
        livery.paint(body, Kind.HEIGHT, second, level, level + width, slope, -1)
        if third != second:
            livery.paint(body, Kind.HEIGHT, third, level - width * 0.7, level - 0.06, slope, -1)
        livery.paint([Part.FIN], Kind.ALL, second)
    if style == "wings":
        livery.paint([Part.WING, *surfaces], Kind.ALL, second)
        livery.paint([Part.ENGINE, Part.ACCENT, Part.STORE, Part.FIN], Kind.ALL, third)
    if style == "parts":
        for part in (
            Part.WING,
            Part.FIN,
            Part.TAIL,
            Part.ENGINE,
            Part.ACCENT,
            Part.BOOM,
            Part.EXTRA,
            Part.BELLY,
            Part.STORE,
        ):
            livery.paint(part, Kind.ALL, int(rng.choice([Row.FIRST, second, third])))
        livery.paint(Part.FUSELAGE, Kind.ALONG, second, rng.uniform(0.5, 0.75), 2)
    if style == "bands":
        for row in (second, third):
            start = rng.uniform(0, 0.85)
            livery.paint(body, Kind.ALONG, row, start, start + rng.uniform(0.08, 0.25))
            livery.paint([Part.WING], Kind.AROUND, row, start, start + rng.uniform(0.12, 0.3))
        livery.paint([Part.ACCENT, Part.FIN], Kind.ALL, second)
    if style == "tips":
        livery.paint(
            [Part.WING, Part.TAIL, Part.FIN], Kind.AROUND, second, rng.uniform(0.55, 0.85), 2
        )
        livery.paint([Part.ACCENT, Part.ENGINE], Kind.ALL, second)
        livery.paint(body, Kind.ALONG, third, -1, rng.uniform(0.08, 0.3))
    if rng.random() < 0.3:
        livery.paint([Part.WING], Kind.AROUND, third, rng.uniform(0.7, 0.9), 2)
    if rng.random() < 0.12:
        livery.paint([Part.WING], Kind.STRIPES, second, rng.integers(3, 7), rng.random(), 0.4, 1)
    if rng.random() < 0.5:
        livery.paint([Part.ENGINE, Part.ACCENT], Kind.ALL, int(rng.choice([second, third])))


def _paint_helicopter(rng: Rng, livery: Livery) -> None:
    second = Row.SECOND
    third = Row.THIRD if len(livery.colors) > 2 else Row.SECOND
    body = [Part.FUSELAGE, Part.BOOM]
    style = rng.random()
    if style < 0.35:
        level = rng.uniform(-0.3, 0.3)
        livery.paint(body, Kind.HEIGHT, second, -2, level, rng.uniform(-0.6, 0.6), -1)
        livery.paint(body, Kind.HEIGHT, third, level, level + 0.22, 0, -1)
    elif style < 0.6:
        livery.paint([Part.BOOM, Part.FIN, Part.TAIL], Kind.ALL, second)
        livery.paint(
            [Part.FUSELAGE],
            Kind.DIAGONAL,
            second,
            1,
            rng.uniform(-0.8, 0.8),
            -3,
            rng.uniform(-0.3, 0.05),
        )
        livery.paint([Part.ENGINE, Part.FIN], Kind.ALL, third)
    elif style < 0.8:
        livery.paint(
            body, Kind.HEIGHT, second, -0.15, rng.uniform(0.2, 0.5), rng.uniform(-0.4, 0.4), -1
        )
        livery.paint([Part.ENGINE, Part.FIN, Part.TAIL], Kind.ALL, third)
    else:
        livery.paint(body, Kind.ALONG, second, rng.uniform(0.35, 0.6), 2)
        livery.paint([Part.BOOM], Kind.STRIPES, third, rng.integers(2, 5), 0.2, 0.45, 0)
        livery.paint([Part.ENGINE], Kind.ALL, second)


def _paint_drone(rng: Rng, livery: Livery) -> None:
    second = Row.SECOND
    third = Row.THIRD if len(livery.colors) > 2 else Row.SECOND
    for part in (Part.BOOM, Part.WING, Part.FIN):
        livery.paint(part, Kind.ALL, second)
    livery.paint(
        [Part.ENGINE, Part.EXTRA, Part.ACCENT], Kind.ALL, third if rng.random() < 0.6 else second
    )
    if rng.random() < 0.6:
        livery.paint(
            Part.FUSELAGE,
            Kind.HEIGHT,
            int(rng.choice([second, third])),
            rng.uniform(-0.2, 0.5),
            2,
            0,
            -1,
        )
    else:
        livery.paint(Part.FUSELAGE, Kind.ALONG, third, rng.uniform(0.1, 0.4), rng.uniform(0.5, 0.8))


def _paint_missile(rng: Rng, livery: Livery) -> None:
    second = Row.SECOND
    third = Row.THIRD if len(livery.colors) > 2 else Row.SECOND
    if rng.random() < 0.6:
        livery.paint(Part.FUSELAGE, Kind.ALONG, second, -1, rng.uniform(0.12, 0.4))
    else:
        livery.paint(Part.FUSELAGE, Kind.ALONG, second, rng.uniform(0.55, 0.8), 2)
    for row in (second, third):
        if rng.random() < 0.7 or row != second:
            start = rng.uniform(0.2, 0.85)
            livery.paint(Part.FUSELAGE, Kind.ALONG, row, start, start + rng.uniform(0.04, 0.16))
    livery.paint([Part.FIN, Part.TAIL, Part.WING], Kind.ALL, int(rng.choice([second, third])))
    livery.paint([Part.ACCENT, Part.STORE], Kind.ALL, third)


def _paint_envelope(rng: Rng, livery: Livery) -> None:
    second = Row.SECOND
    third = Row.THIRD if len(livery.colors) > 2 else Row.SECOND
    body = Part.FUSELAGE
    gores = int(rng.choice([6, 8, 10, 12]))
    style = rng.random()
    if style < 0.28:
        livery.paint(body, Kind.STRIPES, second, gores, 0, rng.uniform(0.3, 0.6), 1)
        livery.paint(body, Kind.ALONG, third, rng.uniform(0.6, 0.8), 2)
    elif style < 0.5:
        start = rng.uniform(0.2, 0.6)
        livery.paint(body, Kind.ALONG, second, start, start + rng.uniform(0.15, 0.35))
        livery.paint(body, Kind.ALONG, third, -1, rng.uniform(0.1, 0.2))
    elif style < 0.7:
        start = rng.uniform(0.25, 0.5)
        livery.paint(
            body,
            Kind.ZIGZAG,
            second,
            start,
            start + rng.uniform(0.15, 0.35),
            rng.uniform(0.08, 0.2),
            gores,
        )
        livery.paint(body, Kind.ZIGZAG, third, start + 0.3, 2, 0.1, gores)
    elif style < 0.85:
        livery.paint(
            body, Kind.SPIRAL, second, int(gores / 2), rng.uniform(-3, 3), rng.uniform(0.3, 0.55)
        )
        livery.paint(body, Kind.ALONG, third, rng.uniform(0.7, 0.85), 2)
    else:
        livery.paint(body, Kind.CHECKER, second, int(rng.integers(5, 10)), gores * 2, 0)
        livery.paint(body, Kind.ALONG, third, rng.uniform(0.72, 0.85), 2)
    livery.paint([Part.ACCENT, Part.EXTRA], Kind.ALL, int(rng.choice([second, third])))


def _paint_airship(rng: Rng, livery: Livery) -> None:
    second = Row.SECOND
    third = Row.THIRD if len(livery.colors) > 2 else Row.SECOND
    style = rng.random()
    if style < 0.45:
        level = rng.uniform(-0.4, 0.3)
        livery.paint(Part.FUSELAGE, Kind.HEIGHT, second, -2, level, rng.uniform(-0.8, 0.8), -1)
        livery.paint(Part.FUSELAGE, Kind.HEIGHT, third, level, level + 0.2, 0, -1)
    elif style < 0.7:
        livery.paint(Part.FUSELAGE, Kind.ALONG, second, -1, rng.uniform(0.1, 0.3))
        livery.paint(Part.FUSELAGE, Kind.ALONG, third, rng.uniform(0.6, 0.75), 2)
    else:
        livery.paint(Part.FUSELAGE, Kind.STRIPES, second, rng.integers(3, 7), 0, 0.45, 1)
    livery.paint([Part.FIN, Part.ENGINE], Kind.ALL, second)
    livery.paint([Part.EXTRA], Kind.ALL, third)


def _paint_saucer(rng: Rng, livery: Livery) -> None:
    livery.paint(
        Part.FUSELAGE, Kind.STRIPES, Row.SECOND, rng.integers(6, 16), 0, 0.4, 1
    ) if rng.random() < 0.5 else livery.paint(Part.FUSELAGE, Kind.ALONG, Row.SECOND, 0.5, 2)
    livery.paint([Part.EXTRA, Part.ACCENT], Kind.ALL, Row.THIRD)


def _paint_shuttle(rng: Rng, livery: Livery) -> None:
    third = Row.THIRD if len(livery.colors) > 2 else Row.SECOND
    livery.paint(
        [Part.FUSELAGE, Part.WING], Kind.HEIGHT, Row.SECOND, -2, rng.uniform(-0.6, -0.2), 0, -1
    )
    livery.paint(Part.EXTRA, Kind.ALL, third)


_PAINTERS: dict[str, Callable[[Rng, Livery], None]] = {
    "helicopter": _paint_helicopter,
    "drone": _paint_drone,
    "missile": _paint_missile,
    "rocket": _paint_missile,
    "hot air balloon": _paint_envelope,
    "toy balloon": _paint_envelope,
    "kite": _paint_envelope,
    "airship": _paint_airship,
    "flying saucer": _paint_saucer,
    "space shuttle": _paint_shuttle,
}


def _mark(rng: Rng, type_name: str, maker: Maker, livery: Livery, *, labelled: bool) -> None:
    """Adds what is not the livery's colour: windows, windscreens, lettering, roundels."""
    if maker is airliners.airliner:
        if type_name == "commercial aircraft":
            livery.paint(
                Part.FUSELAGE,
                Kind.WINDOWS,
                Row.DARK,
                rng.integers(34, 60),
                0.14,
                0.8,
                rng.uniform(0.12, 0.3),
            )
        livery.paint(Part.FUSELAGE, Kind.WINDSCREEN, Row.GLASS, 0.022, 0.042, 0.3, 0.8)
    elif maker is airliners.turboprop:
        livery.paint(Part.FUSELAGE, Kind.WINDOWS, Row.DARK, rng.integers(20, 34), 0.16, 0.72, 0.25)
        livery.paint(Part.FUSELAGE, Kind.WINDSCREEN, Row.GLASS, 0.04, 0.075, 0.25, 0.85)
    elif maker is airliners.cargo:
        livery.paint(Part.FUSELAGE, Kind.WINDSCREEN, Row.GLASS, 0.035, 0.085, 0.2, 0.9)
    elif maker is light.light_aircraft and rng.random() < 0.6:
        livery.paint(Part.FUSELAGE, Kind.WINDSCREEN, Row.GLASS, 0.26, 0.46, 0.3, 0.75)
    elif maker is rockets.space_shuttle:
        livery.paint(Part.FUSELAGE, Kind.WINDSCREEN, Row.GLASS, 0.09, 0.125, 0.45, 0.9)
    if maker in (fighters.fighter_jet, fighters.fighter_plane) and rng.random() < 0.5:
        x, y, r = rng.uniform(-0.25, 0.05), rng.uniform(0.4, 0.6), rng.uniform(0.05, 0.09)
        livery.paint(Part.WING, Kind.WING_ROUNDEL, Row.MARK, x, y, 0, r)
        if rng.random() < 0.6:
            livery.paint(Part.WING, Kind.WING_ROUNDEL, Row.LINE, x, y, 0, r * 0.5)
        livery.paint(Part.FUSELAGE, Kind.SIDE_ROUNDEL, Row.MARK, -0.3, 0.0, 0, r * 0.6)
    if rng.random() < 0.4 and labelled and type_name not in ("drone", "flying saucer", "missile"):
        long = type_name in ("commercial aircraft", "cargo aircraft", "airship")
        part = Part.FUSELAGE if type_name != "helicopter" else Part.BOOM
        where = (rng.uniform(0.2, 0.6), 0.05, 0.3, 0.045) if long else (-0.35, 0.04, 0.16, 0.03)
        if type_name == "airship":
            where = (0.05, 0.02, 0.45, 0.1)
        livery.paint(part, Kind.LETTERING, int(rng.choice([Row.SECOND, Row.LINE])), *where)
    if type_name == "flying saucer":
        livery.paint(Part.FUSELAGE, Kind.DOTS, Row.METAL, 3, 14, 0.03, 0)


def _draw(rng: Rng, weights: dict[str, float], count: int) -> list[str]:
    words = list(weights)
    odds = np.array([weights[w] for w in words])
    picked = rng.choice(len(words), count, replace=False, p=odds / odds.sum())
    return [words[int(k)] for k in picked]
