"""Small private aircraft and sailplanes."""

from __future__ import annotations

import numpy as np

from synth.studio.mesh import MeshBuilder, Part
from synth.studio.parts import (
    SIDES,
    canopy,
    fin,
    fuselage_rows,
    landing_gear,
    mirrored_wing,
    propeller_engine,
    tailplane,
)

__all__ = ["glider", "light_aircraft"]

Rng = np.random.Generator


def light_aircraft(rng: Rng) -> MeshBuilder:
    """A small private aircraft: high wing with struts, low wing, biplane, or a light twin."""
    m = MeshBuilder()
    style = str(rng.choice(["high", "low", "biplane", "twin"], p=[0.4, 0.3, 0.18, 0.12]))
    length, radius = 1.5, rng.uniform(0.11, 0.15)
    tall = rng.uniform(1.0, 1.25)
    m.loft(
        fuselage_rows(
            length,
            radius,
            nose=rng.uniform(0.14, 0.26),
            tail=rng.uniform(0.55, 0.66),
            tail_rise=radius * rng.uniform(0.15, 0.5),
            nose_power=rng.uniform(0.35, 0.6),
            tall=tall,
            nose_drop=0.2,
            tail_end=0.16,
        ),
        Part.FUSELAGE,
        columns=28,
        squareness=rng.uniform(2.0, 3.6),
    )
    top, bottom = radius * tall, -radius * tall
    span, chord = rng.uniform(0.88, 1.12), rng.uniform(0.23, 0.31)
    taper, wing_x = rng.uniform(0.5, 1.0), rng.uniform(0.2, 0.32)
    if style == "biplane":
        span *= 0.82
        gap, stagger = rng.uniform(0.3, 0.38), rng.uniform(0.0, 0.1)
        for z, x in ((bottom * 0.75, wing_x - stagger), (bottom * 0.75 + gap + radius, wing_x)):
            mirrored_wing(
                m,
                (x, 0, z),
                [((x - 0.03, span, z + 0.02), chord * 0.85)],
                Part.WING,
                root_chord=chord * 0.85,
            )
        for side in SIDES:
            for dx in (-0.04, -0.16):
                low = (wing_x - stagger + dx, side * span * 0.72, bottom * 0.75)
                m.strut(low, (wing_x + dx, side * span * 0.72, bottom * 0.75 + gap + radius), 0.01)
                m.strut(
                    (wing_x + dx, side * radius * 0.5, top * 0.7),
                    (wing_x + dx, side * 0.14, bottom * 0.75 + gap + radius),
                    0.009,
                )
        for x in (0.02, -0.16)[: int(rng.integers(1, 3))]:
            canopy(m, x, top * 0.8, 0.16, radius * 0.4, 0.07)
    else:
        high = style == "high" or (style == "twin" and rng.random() < 0.2)
        z = top * 1.02 if high else bottom * 0.65
        rise = 0.02 if high else span * rng.uniform(0.05, 0.12)
        sweep = 0.03 + (1 - taper) * 0.06
        stations = [
            ((wing_x, span * 0.35, z + rise * 0.35), chord),
            ((wing_x - sweep, span, z + rise), chord * taper),
        ]
        mirrored_wing(m, (wing_x, 0, z), stations, Part.WING, root_chord=chord, tip=Part.ACCENT)
        if high:
            m.loft(
                [
                    (0.3, 0, 0, radius * 0.5, 0.03),
                    (0.2, 0, 0, radius * 0.84, radius * 0.62),
                    (-0.14, 0, 0, radius * 0.84, radius * 0.7),
                    (-0.34, 0, 0, radius * 0.4, 0.1),
                ],
                Part.GLASS,
                offset=(0.02, 0, top * 0.42),
                squareness=2.6,
                columns=18,
            )
            if rng.random() < 0.75:
                for side in SIDES:
                    m.strut(
                        (wing_x - 0.1, side * radius * 0.9, bottom * 0.75),
                        (wing_x - 0.1, side * span * 0.5, z),
                        0.012,
                    )
        else:
            canopy(
                m,
                rng.uniform(-0.02, 0.08),
                top * 0.75,
                rng.uniform(0.5, 0.7),
                radius * 0.78,
                radius * rng.uniform(0.6, 0.85),
                peak=0.4,
            )
    propeller = rng.uniform(0.19, 0.25)
    if style == "twin":
        for side in SIDES:
            propeller_engine(
                m, rng, (wing_x + 0.02, side * span * 0.32, bottom * 0.5), 0.055, 0.4, 0.17
            )
    else:
        m.loft(
            [(0.05, 0, 0, 0.006, 0.006), (0.02, 0, 0, 0.035, 0.035), (-0.02, 0, 0, 0.05, 0.05)],
            Part.ACCENT,
            offset=(length / 2 + 0.02, 0, -0.2 * radius),
            columns=14,
        )
        m.propeller(
            rng, (length / 2 + 0.035, 0, -0.2 * radius), propeller, blades=int(rng.integers(2, 4))
        )
        m.loft(
            [(0, 0, 0, 0.06, 0.04), (-0.05, 0, 0, 0.07, 0.05)],
            Part.DARK,
            offset=(length / 2 - 0.06, 0, -0.55 * radius),
            columns=14,
        )
    tail_z = radius * 0.25
    height = rng.uniform(0.24, 0.33)
    fin(
        m,
        (-0.5, 0, tail_z),
        rng.uniform(0.24, 0.3),
        height,
        sweep=rng.uniform(0.08, 0.2),
        taper=rng.uniform(0.45, 0.7),
    )
    t_tail = rng.random() < 0.12
    tailplane(
        m,
        -0.58,
        tail_z + (height if t_tail else 0.02),
        0.19,
        rng.uniform(0.27, 0.36),
        sweep=0.05,
        taper=rng.uniform(0.6, 0.95),
    )
    if rng.random() < 0.8:
        ground = bottom - rng.uniform(0.1, 0.16)
        spats = Part.ACCENT if rng.random() < 0.4 else None
        legs = [
            ((0.12, s * radius * 0.6, bottom * 0.7), (0.14, s * radius * 1.9, ground))
            for s in SIDES
        ]
        if rng.random() < 0.65:
            size, third = 0.048, ((0.55, 0.0, bottom * 0.6), (0.55, 0.0, ground))
        else:
            size, third = 0.04, ((-0.66, 0.0, 0.0), (-0.66, 0.0, bottom * 0.1 - 0.1))
        landing_gear(m, [*legs, third], size, fairing=spats)
    return m


def glider(rng: Rng) -> MeshBuilder:
    """A sailplane: very long slender wing, thin tail boom, big canopy in the nose."""
    m = MeshBuilder()
    radius = rng.uniform(0.058, 0.075)
    rows = [
        (0.62, 0, -0.015, 0.008, 0.008),
        (0.56, 0, -0.01, radius * 0.6, radius * 0.65),
        (0.42, 0, 0, radius * 0.95, radius * 1.1),
        (0.25, 0, 0, radius, radius * 1.15),
        (0.05, 0, 0.01, radius * 0.75, radius * 0.9),
        (-0.15, 0, 0.02, radius * 0.42, radius * 0.5),
        (-0.72, 0, 0.03, radius * 0.25, radius * 0.3),
    ]
    m.loft(rows, Part.FUSELAGE, columns=24)
    canopy(m, 0.36, radius * 0.4, 0.4, radius * 0.8, radius * 0.85, peak=0.45)
    span, chord = rng.uniform(1.1, 1.7), rng.uniform(0.11, 0.15)
    z, rise = radius * rng.uniform(0.5, 0.9), rng.uniform(0.03, 0.14)
    stations = [
        ((0.16, span * 0.6, z + rise * 0.45), chord * 0.8),
        ((0.1, span, z + rise), chord * 0.35),
    ]
    mirrored_wing(m, (0.18, 0, z), stations, Part.WING, root_chord=chord, tip=Part.ACCENT)
    if rng.random() < 0.4:
        for side in SIDES:
            m.wing(
                [
                    ((0.1, side * span, z + rise), chord * 0.35),
                    ((0.04, side * (span + 0.02), z + rise + 0.07), 0.03),
                ],
                Part.ACCENT,
            )
    height = rng.uniform(0.2, 0.28)
    fin(m, (-0.56, 0, 0.02), 0.18, height, sweep=0.08, taper=0.65)
    tail_z = 0.02 + height if rng.random() < 0.8 else 0.05
    tailplane(m, -0.64, tail_z, 0.1, rng.uniform(0.22, 0.28), sweep=0.03, taper=0.6)
    return m
