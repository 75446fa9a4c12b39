"""Airships, hot air balloons and saucers."""

from __future__ import annotations

import numpy as np

from synth.studio.mesh import MeshBuilder, Part
from synth.studio.parts import SIDES

__all__ = ["airship", "flying_saucer", "hot_air_balloon"]

Rng = np.random.Generator
UP = (0.0, 0.0, 1.0)


def airship(rng: Rng) -> MeshBuilder:
    """A blimp: long envelope, cross of fins, gondola, small propellers."""
    m = MeshBuilder()
    radius = rng.uniform(0.2, 0.31)
    rows = []
    for q in np.linspace(0, 1, 34):
        k = (
            np.sqrt(max(1 - ((q - 0.4) / 0.4) ** 2, 0)) ** 0.85
            if q < 0.4
            else max(1 - ((q - 0.4) / 0.6) ** 2.1, 0.0)
        )
        rows.append((1.0 - 2.0 * q, 0, 0, max(radius * k, 0.006), max(radius * k, 0.006)))
    m.loft(rows, Part.FUSELAGE, columns=36)
    turn, height = float(rng.choice([0, 45])), rng.uniform(0.16, 0.26)
    for k in range(4):
        a = np.deg2rad(90 + turn + 90 * k)
        d = np.array([0.0, np.cos(a), np.sin(a)])
        start, end = d * radius * 0.35 + [-0.52, 0, 0], d * (radius * 0.62 + height) + [-0.68, 0, 0]
        m.wing([(tuple(start), 0.34), (tuple(end), 0.22)], Part.FIN, thickness_ratio=0.07)
    x, low = rng.uniform(0.0, 0.3), -radius * 1.0
    m.loft(
        [
            (0.2, 0, 0, 0.02, 0.02),
            (0.15, 0, 0, 0.055, 0.05),
            (-0.15, 0, 0, 0.055, 0.05),
            (-0.22, 0, 0, 0.02, 0.02),
        ],
        Part.EXTRA,
        offset=(x, 0, low - 0.015),
        squareness=3,
        columns=18,
    )
    m.loft(
        [(0.17, 0, 0, 0.03, 0.015), (0.0, 0, 0, 0.058, 0.018), (-0.12, 0, 0, 0.057, 0.018)],
        Part.GLASS,
        offset=(x + 0.02, 0, low - 0.005),
        squareness=3,
        columns=16,
    )
    for side in SIDES:
        m.loft(
            [(0.06, 0, 0, 0.02, 0.02), (-0.06, 0, 0, 0.02, 0.02)],
            Part.ENGINE,
            offset=(x - 0.12, side * 0.12, low),
            columns=12,
        )
        m.strut((x - 0.12, side * 0.04, low), (x - 0.12, side * 0.12, low), 0.008)
        m.propeller(rng, (x - 0.19, side * 0.12, low), 0.07, blades=2)
    return m


def hot_air_balloon(rng: Rng) -> MeshBuilder:
    """A hot air balloon: gored envelope, skirt, basket on ropes; u runs from crown to mouth."""
    m = MeshBuilder()
    radius, mouth = rng.uniform(0.72, 0.84), rng.uniform(0.1, 0.15)
    neck = rng.uniform(1.05, 1.35)
    rows = []
    for q in np.linspace(0, 1, 44):
        if q < 0.5:
            a = np.pi / 2 * (q / 0.5)
            rows.append(
                (
                    radius * np.cos(a),
                    0,
                    0,
                    max(radius * np.sin(a), 0.004),
                    max(radius * np.sin(a), 0.004),
                )
            )
        else:
            w = (q - 0.5) / 0.5
            r = mouth + (radius - mouth) * (1 - w**1.7) ** 1.0 * (1 - 0.25 * w * (1 - w))
            rows.append((-neck * w, 0, 0, r, r))
    gores = int(rng.choice([12, 16, 20, 24]))
    bulge = rng.uniform(0.0, 0.02)
    table = np.array(rows)
    angle = np.linspace(-np.pi, np.pi, gores * 6 + 1)
    wave = 1 + bulge * np.abs(np.sin(angle * gores / 2))
    points = np.empty((len(table), len(angle), 3))
    points[..., 0] = table[:, 3:4] * np.cos(angle) * wave
    points[..., 1] = table[:, 3:4] * np.sin(angle) * wave
    points[..., 2] = table[:, :1]
    u = (table[:, 0] - table[0, 0]) / (table[-1, 0] - table[0, 0])
    uv = np.stack(np.broadcast_arrays(u[:, None], (angle / (2 * np.pi))[None, :]), -1)
    m.grid(points, np.ascontiguousarray(uv), Part.FUSELAGE)
    skirt = [(0.0, 0, 0, mouth, mouth), (-0.12, 0, 0, mouth * 0.72, mouth * 0.72)]
    m.loft(skirt, Part.ACCENT, offset=(0, 0, -neck), axis=UP, columns=24, cap=Part.DARK)
    low, size = -neck - rng.uniform(0.34, 0.46), rng.uniform(0.075, 0.1)
    m.loft(
        [(0.07, 0, 0, size, size), (-0.07, 0, 0, size * 0.9, size * 0.9)],
        Part.WICKER,
        offset=(0, 0, low),
        axis=UP,
        squareness=6,
        columns=20,
        cap=Part.DARK,
    )
    for x in (-1, 1):
        for y in (-1, 1):
            m.strut(
                (x * size * 0.7, y * size * 0.7, low + 0.05),
                (x * mouth * 0.6, y * mouth * 0.6, -neck - 0.1),
                0.005,
                Part.DARK,
            )
    for seat in (-0.4, 0.3):
        m.loft(
            [(0.1, 0, 0, 0.02, 0.02), (0, 0, 0, 0.028, 0.03)],
            Part.DARK,
            offset=(seat * size, 0.2 * size, low + 0.07),
            axis=UP,
            columns=10,
        )
    return m


def flying_saucer(rng: Rng) -> MeshBuilder:
    """A flying saucer: flat disc, dome, ring of lights."""
    m = MeshBuilder()
    sharpness = rng.uniform(0.75, 1.0)
    flat, dome = rng.uniform(0.1, 0.24), rng.uniform(0.18, 0.36)
    rows = []
    for q in np.linspace(0, 1, 24):
        r = np.sin(np.pi * q) ** sharpness
        rows.append(
            (flat * np.cos(np.pi * q) * (0.9 if q < 0.5 else 0.7), 0, 0, max(r, 0.01), max(r, 0.01))
        )
    m.loft(rows, Part.FUSELAGE, axis=UP, columns=48)
    k = np.linspace(0, 1, 12)
    cap = [
        (
            dome * np.cos(np.pi / 2 * q),
            0,
            0,
            max(0.42 * np.sin(np.pi / 2 * q), 0.004),
            max(0.42 * np.sin(np.pi / 2 * q), 0.004),
        )
        for q in k
    ]
    part = Part.GLASS if rng.random() < 0.55 else Part.EXTRA
    m.loft(cap, part, offset=(0, 0, flat * 0.5), axis=UP, columns=32)
    if rng.random() < 0.6:
        count = int(rng.integers(8, 18))
        for j in range(count):
            a = 2 * np.pi * j / count
            m.loft(
                [(0.03, 0, 0, 0.012, 0.012), (0.0, 0, 0, 0.04, 0.04)],
                Part.ACCENT,
                offset=(0.8 * np.cos(a), 0.8 * np.sin(a), flat * 0.22),
                axis=UP,
                columns=10,
            )
    if rng.random() < 0.35:
        for j in range(3):
            a = 2 * np.pi * j / 3
            m.strut(
                (0.4 * np.cos(a), 0.4 * np.sin(a), -flat * 0.5),
                (0.55 * np.cos(a), 0.55 * np.sin(a), -flat - 0.2),
                0.02,
            )
    return m
