"""Helicopters and drones."""

from __future__ import annotations

import numpy as np

from synth.studio.mesh import MeshBuilder, Part
from synth.studio.parts import SIDES, fin, fuselage_rows, landing_gear, mirrored_wing

__all__ = ["drone", "helicopter"]

Rng = np.random.Generator
UP = (0.0, 0.0, 1.0)


def helicopter(rng: Rng) -> MeshBuilder:
    """A helicopter: slim or stout cabin, boom, two to six blades, skids or wheels."""
    m = MeshBuilder()
    height = rng.uniform(0.16, 0.23)
    width, half = height * rng.uniform(0.72, 0.98), rng.uniform(0.34, 0.55)
    stout = half > 0.47
    nose = 0.22 if stout else 0.4
    rows = []
    for q in np.linspace(0, 1, 22):
        front = np.sqrt(max(1 - (1 - min(q / nose, 1.0)) ** 2, 0.0))
        back = 1.0 if q < 0.62 else 1 - 0.78 * ((q - 0.62) / 0.38) ** 1.3
        k = max(front * back, 0.03)
        z = (
            0.3 * height * max(0.0, (q - 0.62) / 0.38)
            - 0.2 * height * (1 - min(q / 0.4, 1.0)) ** 1.5
        )
        rows.append((half - 2 * half * q, 0.0, z, width * k, height * k))
    m.loft(rows, Part.FUSELAGE, squareness=rng.uniform(2.1, 3.2), columns=30)
    glass = [
        (x + 0.008, y, z + height * 0.2, ry * 0.95, rz * 0.78)
        for x, y, z, ry, rz in rows
        if x > half * rng.uniform(0.25, 0.5)
    ]
    if len(glass) > 2:
        m.loft(glass, Part.GLASS, squareness=2.4, columns=22)
    boom = rng.uniform(0.7, 1.0)
    end_x, end_z, thick = -half - boom, height * rng.uniform(0.3, 0.5), height * 0.26
    m.loft(
        [
            (-half * 0.5, 0, height * 0.28, thick * 1.5, thick * 1.7),
            (-half, 0, height * 0.32, thick, thick * 1.1),
            (end_x, 0, end_z, thick * 0.4, thick * 0.5),
        ],
        Part.BOOM,
        columns=18,
    )
    m.loft(
        [
            (half * 0.42, 0, 0, 0.02, 0.02),
            (half * 0.25, 0, 0, width * 0.5, height * 0.28),
            (-half * 0.45, 0, 0, width * 0.52, height * 0.3),
            (-half * 0.85, 0, -0.02, 0.03, 0.03),
        ],
        Part.ENGINE,
        offset=(0, 0, height * 1.0),
        squareness=2.6,
        columns=18,
    )
    if stout and rng.random() < 0.5:
        for side in SIDES:
            m.loft(
                [
                    (0.2, 0, 0, 0.02, 0.02),
                    (0.14, 0, 0, 0.05, 0.06),
                    (-0.25, 0, 0, 0.05, 0.06),
                    (-0.34, 0, 0, 0.01, 0.01),
                ],
                Part.BELLY,
                offset=(-0.1, side * width * 0.98, -height * 0.5),
                columns=14,
            )
    _helicopter_tail(m, rng, end_x, end_z)
    mast = height * rng.uniform(1.45, 1.75)
    m.strut((0, 0, height * 0.9), (0, 0, mast), 0.022, Part.DARK)
    m.loft(
        [(0.03, 0, 0, 0.03, 0.03), (-0.03, 0, 0, 0.06, 0.06)],
        Part.DARK,
        offset=(0, 0, mast),
        axis=UP,
        columns=14,
    )
    radius, blades = (
        rng.uniform(0.9, 1.2),
        int(rng.choice([2, 3, 4, 5, 6], p=[0.25, 0.2, 0.3, 0.2, 0.05])),
    )
    start, droop = rng.uniform(0, 360), rng.uniform(-0.05, 0.06)
    look = rng.random()
    if look < 0.86:
        for k in range(blades):
            m.blade(
                (0, 0, mast),
                radius,
                start + 360 * k / blades,
                rng.uniform(0.045, 0.065),
                UP,
                inner=0.04,
                droop=droop,
                twist_deg=4,
            )
    if look > 0.62:
        m.disc((0, 0, mast + 0.005), radius, UP, Part.ROTOR_DISC, inner=0.05)
    _undercarriage(m, rng, half, width, height)
    return m


def _helicopter_tail(m: MeshBuilder, rng: Rng, x: float, z: float) -> None:
    size = rng.uniform(0.14, 0.19)
    if rng.random() < 0.2:
        size *= 0.7
        ring = [(0.04, 0, 0, size, size), (-0.04, 0, 0, size, size)]
        fin(m, (x + 0.2, 0, z), 0.2, 0.26, sweep=0.2, taper=0.6)
        m.loft(
            ring, Part.FIN, offset=(x, 0, z + size * 0.4), axis=(0, 1, 0), columns=24, cap=Part.DARK
        )
    else:
        fin(m, (x + 0.14, 0, z - 0.02), 0.19, rng.uniform(0.2, 0.3), sweep=0.18, taper=0.6)
        side = float(rng.choice(SIDES))
        center = (x - 0.04, side * 0.035, z + rng.uniform(0.1, 0.22))
        m.propeller(rng, center, size, (0, 1, 0), blades=int(rng.integers(2, 5)), width=0.03)
    if rng.random() < 0.75:
        stations = [((x + 0.22, rng.uniform(0.16, 0.24), z), 0.09)]
        mirrored_wing(m, (x + 0.26, 0, z), stations, Part.TAIL, root_chord=0.12)


def _undercarriage(m: MeshBuilder, rng: Rng, half: float, width: float, height: float) -> None:
    low = -height * rng.uniform(1.35, 1.6)
    if rng.random() < 0.62:
        for side in SIDES:
            y = side * width * rng.uniform(0.95, 1.1)
            m.strut((half * 0.7, y, low), (-half * 0.62, y, low), 0.014)
            m.strut((half * 0.7, y, low), (half * 0.88, y, low + 0.05), 0.013)
            for x in (half * 0.4, -half * 0.3):
                m.strut((x, side * width * 0.4, -height * 0.75), (x, y, low), 0.012)
    elif rng.random() < 0.7:
        legs = [
            (
                (-half * 0.4, s * width * 0.7, -height * 0.5),
                (-half * 0.4, s * width * 1.15, low * 0.95),
            )
            for s in SIDES
        ]
        landing_gear(
            m, [*legs, ((half * 0.6, 0, -height * 0.6), (half * 0.6, 0, low * 0.95))], 0.045
        )


def drone(rng: Rng) -> MeshBuilder:
    """A drone: four to eight rotors with a camera below, or an aeroplane without a pilot."""
    if rng.random() < 0.26:
        return _winged_drone(rng)
    m = MeshBuilder()
    a = rng.uniform(0.17, 0.27)
    b, hull = a * rng.uniform(0.6, 1.0), rng.uniform(0.06, 0.11)
    rows = [
        (a * 1.15, 0, 0, b * 0.35, hull * 0.4),
        (a * 0.9, 0, 0, b * 0.8, hull * 0.85),
        (0, 0, 0.01, b, hull),
        (-a * 0.9, 0, 0, b * 0.8, hull * 0.85),
        (-a * 1.12, 0, 0, b * 0.4, hull * 0.4),
    ]
    m.loft(rows, Part.FUSELAGE, squareness=rng.uniform(2.2, 4.0), columns=26)
    count = int(rng.choice([4, 6, 8], p=[0.74, 0.2, 0.06]))
    arm = rng.uniform(0.55, 0.78)
    radius = arm * {4: rng.uniform(0.4, 0.6), 6: 0.42, 8: 0.34}[count]
    start = 180 / count + (90 / count if rng.random() < 0.2 else 0)
    lift, thick = rng.uniform(-0.02, 0.1), rng.uniform(0.022, 0.045)
    spin, look = rng.uniform(0, 360), rng.random()
    guards = rng.random() < 0.12
    for k in range(count):
        angle = np.deg2rad(start + 360 * k / count)
        x, y = np.cos(angle) * arm, np.sin(angle) * arm
        m.strut((x * 0.2, y * 0.2, 0), (x, y, lift), thick, Part.BOOM)
        m.loft(
            [(0.07, 0, 0, 0.042, 0.042), (-0.06, 0, 0, 0.05, 0.05)],
            Part.ENGINE,
            offset=(x, y, lift),
            axis=UP,
            columns=14,
        )
        top = (x, y, lift + 0.085)
        if look < 0.68:
            for j in range(2):
                m.blade(top, radius, spin * (k + 1) + 180 * j, 0.05, UP, Part.BLADE, twist_deg=8)
        if look > 0.45:
            m.disc(top, radius, UP, Part.ROTOR_DISC, inner=0.03)
        if guards:
            m.disc((x, y, lift + 0.06), radius * 1.12, UP, Part.BOOM, inner=radius * 1.04)
    low = -hull - rng.uniform(0.1, 0.28)
    if rng.random() < 0.72:
        for side in SIDES:
            foot = side * b * 1.25
            m.strut((a, foot, low), (-a, foot, low), 0.018, Part.EXTRA)
            for x in (a * 0.55, -a * 0.55):
                m.strut((x, side * b * 0.5, -hull * 0.6), (x * 1.1, foot, low), 0.018, Part.EXTRA)
    if rng.random() < 0.75:
        size = rng.uniform(0.045, 0.07)
        m.strut((a * 0.4, 0, -hull * 0.8), (a * 0.45, 0, -hull - size), 0.02, Part.METAL)
        m.loft(
            [
                (size, 0, 0, size * 0.5, size * 0.5),
                (size * 0.8, 0, 0, size, size),
                (-size, 0, 0, size, size),
            ],
            Part.DARK,
            offset=(a * 0.5, 0, -hull - size * 1.1),
            squareness=3,
            columns=14,
        )
    return m


def _winged_drone(rng: Rng) -> MeshBuilder:
    m = MeshBuilder()
    if rng.random() < 0.3:
        m.loft(
            [
                (0.36, 0, 0, 0.01, 0.01),
                (0.26, 0, 0, 0.08, 0.06),
                (-0.08, 0, 0.01, 0.12, 0.085),
                (-0.28, 0, 0, 0.07, 0.05),
            ],
            Part.FUSELAGE,
            columns=20,
        )
        sweep, span = rng.uniform(0.3, 0.5), 0.85
        mirrored_wing(
            m, (0.28, 0, 0), [((0.28 - sweep, span, 0.03), 0.2)], Part.WING, root_chord=0.55
        )
        for side in SIDES:
            fin(m, (0.12 - sweep, side * span, 0.03), 0.2, 0.18, sweep=0.12, taper=0.5)
        m.propeller(rng, (-0.31, 0, 0), 0.15, blades=2)
        return m
    radius = rng.uniform(0.05, 0.075)
    rows = fuselage_rows(1.3, radius, nose=0.12, tail=0.35, nose_drop=-0.3, tail_end=0.35)
    rows = [
        (
            x,
            y,
            z + (radius * 0.25 if x > 0.25 else 0),
            ry * (1.3 if x > 0.3 else 1),
            rz * (1.45 if x > 0.3 else 1),
        )
        for x, y, z, ry, rz in rows
    ]
    m.loft(rows, Part.FUSELAGE, columns=22)
    span = rng.uniform(0.95, 1.3)
    mirrored_wing(
        m,
        (0.1, 0, 0),
        [((0.04, span, rng.uniform(0, 0.07)), 0.1)],
        Part.WING,
        root_chord=0.19,
        tip=Part.ACCENT,
    )
    turn = 1.0 if rng.random() < 0.6 else -1.0
    for side in SIDES:
        fin(m, (-0.44, 0, 0), 0.18, turn * 0.26, sweep=0.08, taper=0.6, cant=side * 0.3)
    m.propeller(rng, (-0.68, 0, 0), 0.16, blades=int(rng.integers(2, 4)))
    m.loft(
        [(0.05, 0, 0, 0.05, 0.05), (-0.04, 0, 0, 0.045, 0.045)],
        Part.DARK,
        offset=(0.5, 0, -radius * 1.5),
        axis=UP,
        columns=16,
    )
    if rng.random() < 0.4:
        landing_gear(
            m, [((-0.05, s * 0.04, -0.04), (-0.08, s * 0.16, -0.26)) for s in SIDES], 0.035
        )
        landing_gear(m, [((0.42, 0, -0.05), (0.42, 0, -0.26))], 0.03)
    return m
