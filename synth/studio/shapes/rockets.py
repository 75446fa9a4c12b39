"""Missiles, launch vehicles and the orbiter."""

from __future__ import annotations

import numpy as np

from synth.studio.mesh import MeshBuilder, Part
from synth.studio.parts import SIDES, fin, fuselage_rows, mirrored_wing

__all__ = ["missile", "rocket", "space_shuttle"]

Rng = np.random.Generator


def missile(rng: Rng) -> MeshBuilder:
    """A missile: slender body, tail fins, often mid-body wings; a cruise missile now and then."""
    m = MeshBuilder()
    radius = rng.uniform(0.05, 0.12)
    rows = fuselage_rows(
        2.0,
        radius,
        nose=rng.uniform(0.1, 0.28),
        tail=0.06,
        nose_power=rng.uniform(0.5, 0.95),
        nose_drop=0,
        tail_end=rng.uniform(0.7, 1.0),
    )
    m.loft(rows, Part.FUSELAGE, columns=28, cap=Part.DARK)
    turn = float(rng.choice([0, 45]))

    def fins(
        x: float, root: float, tip: float, out: float, sweep: float, part: Part, n: int
    ) -> None:
        for k in range(n):
            a = np.deg2rad(turn + 360 * k / n)
            d = np.array([0.0, np.cos(a), np.sin(a)])
            start, end = d * radius * 0.9 + [x, 0, 0], d * (radius + out) + [x - sweep, 0, 0]
            m.wing([(tuple(start), root), (tuple(end), tip)], part, thickness_ratio=0.05)

    root = rng.uniform(0.18, 0.34)
    fins(
        -0.97 + root,
        root,
        root * rng.uniform(0.35, 0.9),
        rng.uniform(0.1, 0.26),
        root * rng.uniform(0.1, 0.6),
        Part.FIN,
        int(rng.choice([3, 4, 4, 4])),
    )
    kind = rng.random()
    if kind < 0.55:
        root = rng.uniform(0.1, 0.42)
        fins(
            rng.uniform(-0.05, 0.55),
            root,
            root * rng.uniform(0.2, 0.8),
            rng.uniform(0.08, 0.26),
            root * rng.uniform(0.2, 0.7),
            Part.TAIL,
            4,
        )
    elif kind < 0.75:
        stations = [((0.08, rng.uniform(0.4, 0.6), 0.0), 0.13)]
        mirrored_wing(m, (0.16, 0, 0), stations, Part.WING, root_chord=0.2)
    if rng.random() < 0.4:
        m.loft(
            [(0.14, 0, 0, 0.002, 0.002), (0, 0, 0, radius * 0.4, radius * 0.4)],
            Part.ACCENT,
            offset=(0.97, 0, 0),
            columns=16,
        )
    if rng.random() < 0.2:
        _flame(m, rng, -1.0, radius * 0.8, rng.uniform(0.15, 0.5))
    return m


def rocket(rng: Rng) -> MeshBuilder:
    """A launch vehicle or sounding rocket: one or two stages, fairing, fins or boosters."""
    m = MeshBuilder()
    radius = rng.uniform(0.06, 0.13)
    upper = radius * rng.uniform(0.6, 1.25)
    split = rng.uniform(0.05, 0.45)
    nose = rng.uniform(0.12, 0.3)
    k = np.linspace(0, 1, 12)
    rows = [
        (1.0 - nose * q, 0, 0, max(upper * q**0.62, 0.004), max(upper * q**0.62, 0.004)) for q in k
    ]
    rows += [
        (split + 0.06, 0, 0, upper, upper),
        (split, 0, 0, radius, radius),
        (-0.97, 0, 0, radius, radius),
    ]
    m.loft(rows, Part.FUSELAGE, columns=28, cap=Part.DARK)
    m.loft(
        [(0.0, 0, 0, radius * 0.35, radius * 0.35), (-0.09, 0, 0, radius * 0.6, radius * 0.6)],
        Part.DARK,
        offset=(-0.96, 0, 0),
        columns=18,
    )
    kind = rng.random()
    if kind < 0.5:
        count = int(rng.choice([3, 4]))
        root, out = rng.uniform(0.2, 0.4), rng.uniform(0.1, 0.26)
        for j in range(count):
            a = 2 * np.pi * j / count
            d = np.array([0.0, np.cos(a), np.sin(a)])
            start, end = (
                d * radius * 0.9 + [-0.97 + root, 0, 0],
                d * (radius + out) + [-0.97 + root * 0.4, 0, 0],
            )
            m.wing([(tuple(start), root), (tuple(end), root * 0.5)], Part.FIN, thickness_ratio=0.05)
    elif kind < 0.8:
        count = int(rng.choice([2, 4]))
        for j in range(count):
            a = 2 * np.pi * j / count
            size, long = radius * rng.uniform(0.6, 0.95), rng.uniform(0.8, 1.3)
            booster = fuselage_rows(
                long, size, nose=0.22, tail=0.03, nose_power=0.7, nose_drop=0, tail_end=0.9
            )
            m.loft(
                booster,
                Part.STORE,
                offset=(-0.97 + long / 2, np.cos(a) * (radius + size), np.sin(a) * (radius + size)),
                columns=20,
                cap=Part.DARK,
            )
    # No fire: it is not the rocket, and a box goes around the rocket (`synth.plume` draws it).
    return m


def _flame(m: MeshBuilder, rng: Rng, x: float, radius: float, length: float) -> None:
    rows = [
        (
            -length * q,
            0,
            0,
            radius * (1 - q**1.5) * (1 + 0.5 * q) + 0.003,
            radius * (1 - q**1.5) * (1 + 0.5 * q) + 0.003,
        )
        for q in np.linspace(0, 1, 8)
    ]
    m.loft(rows, Part.FLAME, offset=(x, 0, 0), columns=14)


def space_shuttle(rng: Rng) -> MeshBuilder:
    """An orbiter with a double delta, alone or (half the time) on its tank and boosters."""
    m = MeshBuilder()
    radius = 0.15
    m.loft(
        fuselage_rows(
            1.7,
            radius,
            nose=0.22,
            tail=0.05,
            nose_power=0.55,
            nose_drop=0.5,
            tail_end=0.92,
            tall=1.05,
        ),
        Part.FUSELAGE,
        columns=30,
        squareness=2.8,
    )
    stations = [((-0.02, 0.28, -0.11), 0.72), ((-0.45, rng.uniform(0.56, 0.64), -0.1), 0.26)]
    mirrored_wing(
        m, (0.42, radius * 0.7, -0.12), stations, Part.WING, root_chord=1.2, thickness_ratio=0.05
    )
    fin(m, (-0.5, 0, radius * 0.9), 0.36, 0.4, sweep=0.32, taper=0.5)
    for side in SIDES:
        m.loft(
            [(0.2, 0, 0, 0.02, 0.02), (0.05, 0, 0, 0.07, 0.07), (-0.2, 0, 0, 0.08, 0.08)],
            Part.FUSELAGE,
            offset=(-0.66, side * 0.1, 0.14),
            columns=16,
        )
    for y, z in ((0.0, 0.07), (0.075, -0.05), (-0.075, -0.05)):
        m.loft(
            [(0.0, 0, 0, 0.035, 0.035), (-0.13, 0, 0, 0.065, 0.065)],
            Part.DARK,
            offset=(-0.84, y, z),
            columns=16,
        )
    if rng.random() < 0.5:
        tank = fuselage_rows(
            2.6, 0.24, nose=0.24, tail=0.06, nose_power=0.8, nose_drop=0, tail_end=0.6
        )
        m.loft(tank, Part.EXTRA, offset=(0.3, 0, -0.46), columns=28)
        for side in SIDES:
            booster = fuselage_rows(
                2.3, 0.105, nose=0.1, tail=0.06, nose_power=0.8, nose_drop=0, tail_end=1.3
            )
            m.loft(booster, Part.STORE, offset=(0.1, side * 0.36, -0.46), columns=20, cap=Part.DARK)
    return m
