"""What flies but is never labelled: birds, kites, paragliders, party balloons."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from synth.studio.mesh import MeshBuilder, Part
from synth.studio.parts import SIDES, mirrored_wing

__all__ = ["bird", "kite", "paraglider", "toy_balloon"]

Rng = np.random.Generator
UP = (0.0, 0.0, 1.0)


def bird(rng: Rng) -> MeshBuilder:
    """A bird in flight, wings at any beat: a distractor, never labelled."""
    m = MeshBuilder()
    m.loft(
        [
            (0.42, 0, 0.03, 0.01, 0.01),
            (0.34, 0, 0.03, 0.05, 0.05),
            (0.22, 0, 0.02, 0.05, 0.05),
            (0.0, 0, 0, 0.1, 0.09),
            (-0.3, 0, 0, 0.05, 0.05),
            (-0.4, 0, 0, 0.03, 0.02),
        ],
        Part.FUSELAGE,
        columns=16,
    )
    m.loft(
        [(0.09, 0, -0.01, 0.003, 0.003), (0.0, 0, 0, 0.018, 0.018)],
        Part.ACCENT,
        offset=(0.41, 0, 0.03),
        columns=8,
    )
    beat, fold = rng.uniform(-0.5, 0.7), rng.uniform(0.6, 1.0)
    for side in SIDES:
        elbow = (0.2, side * 0.38 * fold, beat * 0.42)
        tip = (rng.uniform(-0.3, 0.1), side * 0.95 * fold, beat * rng.uniform(0.1, 1.0))
        m.wing(
            [((0.16, side * 0.05, 0.02), 0.28), (elbow, 0.27), (tip, 0.06)],
            Part.WING,
            thickness_ratio=0.05,
            tip=Part.ACCENT,
        )
    mirrored_wing(
        m,
        (-0.32, 0, 0),
        [((-0.42, rng.uniform(0.08, 0.18), 0), 0.18)],
        Part.TAIL,
        root_chord=0.2,
        thickness_ratio=0.03,
    )
    return m


def kite(rng: Rng) -> MeshBuilder:
    """A toy kite with a tail: a distractor."""
    m = MeshBuilder()
    wide, low = rng.uniform(0.5, 0.8), rng.uniform(0.8, 1.2)
    for side in SIDES:
        outline = np.array(
            [
                [[0, 0, 0.6], [0, side * wide, 0.1]],
                [[0.05, 0, -0.2], [0, side * wide * 0.5, -0.4]],
                [[0, 0, -low], [0, 0, -low]],
            ]
        )
        uv = np.array([[[0, 0], [0, 1]], [[0.5, 0], [0.5, 1]], [[1, 0], [1, 1]]], float)
        m.grid(outline.astype(float), uv, Part.WING if side > 0 else Part.FUSELAGE)
    points = [
        (0.02 * k, 0.12 * np.sin(k * 0.9 + rng.uniform(0, 6)), -low - 0.14 * k) for k in range(8)
    ]
    for a, b in pairwise(points):
        m.strut(a, b, 0.012, Part.ACCENT)
    return m


def paraglider(rng: Rng) -> MeshBuilder:
    """A paraglider's curved canopy with its pilot below: a distractor."""
    m = MeshBuilder()
    wide, arch = rng.uniform(0.8, 1.0), rng.uniform(0.25, 0.5)
    for side in SIDES:
        stations = [
            ((0.0, side * wide * s, -arch * s**2), 0.36 * np.sqrt(1.04 - s**2))
            for s in (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
        ]
        m.wing(stations, Part.WING, thickness_ratio=0.16)
    pilot = (0.0, 0.0, -1.1)
    m.loft(
        [(0.1, 0, 0, 0.03, 0.03), (0.0, 0, 0, 0.07, 0.06), (-0.12, 0, 0, 0.05, 0.05)],
        Part.DARK,
        offset=pilot,
        axis=(0.5, 0, 1),
        columns=12,
    )
    for y in (-0.8, -0.4, 0.0, 0.4, 0.8):
        m.strut((-0.1, y * wide, -arch * y**2), pilot, 0.003, Part.DARK)
    return m


def toy_balloon(rng: Rng) -> MeshBuilder:
    """A party balloon with a string: a distractor."""
    m = MeshBuilder()
    k = np.linspace(0, 1, 20)
    rows = [
        (
            0.5 - 1.15 * q,
            0,
            0,
            max(0.45 * np.sin(np.pi * q**0.8) ** 0.8, 0.006),
            max(0.45 * np.sin(np.pi * q**0.8) ** 0.8, 0.006),
        )
        for q in k
    ]
    m.loft(rows, Part.FUSELAGE, axis=UP, columns=26)
    m.loft(
        [(0.0, 0, 0, 0.02, 0.02), (-0.06, 0, 0, 0.05, 0.05)],
        Part.FUSELAGE,
        offset=(0, 0, -0.64),
        axis=UP,
        columns=10,
    )
    m.strut(
        (0, 0, -0.7), (rng.uniform(-0.2, 0.2), 0, -0.7 - rng.uniform(0.3, 1.0)), 0.006, Part.DARK
    )
    return m
