"""Aircraft that carry many people or much freight."""

from __future__ import annotations

import numpy as np

from synth.studio.mesh import MeshBuilder, Part
from synth.studio.parts import (
    SIDES,
    fin,
    fuselage_rows,
    jet_engine,
    landing_gear,
    mirrored_wing,
    propeller_engine,
    tailplane,
)

__all__ = ["airliner", "cargo", "turboprop"]

Rng = np.random.Generator


def airliner(rng: Rng) -> MeshBuilder:
    """A jet airliner: swept low wing, two or four engines under it or two at the tail."""
    m = MeshBuilder()
    length, radius = 2.0, rng.uniform(0.085, 0.135)
    m.loft(
        fuselage_rows(
            length,
            radius,
            nose=rng.uniform(0.07, 0.13),
            tail=rng.uniform(0.27, 0.36),
            tail_rise=radius * rng.uniform(0.5, 0.8),
            nose_drop=0.25,
        ),
        Part.FUSELAGE,
        columns=36,
    )
    span, root = rng.uniform(0.78, 1.08), rng.uniform(0.38, 0.5)
    sweep, wing_x = span * rng.uniform(0.42, 0.68), rng.uniform(0.22, 0.4)
    z, rise = -radius * rng.uniform(0.45, 0.75), span * rng.uniform(0.04, 0.14)
    kink = 0.35
    stations = [
        ((wing_x - sweep * kink, span * kink, z + rise * kink), root * 0.58),
        ((wing_x - sweep, span, z + rise), root * rng.uniform(0.18, 0.28)),
    ]
    mirrored_wing(m, (wing_x, 0, z), stations, Part.WING, root_chord=root)
    belly = [(0.42, 0, 0, 0.02, 0.02), (0.3, 0, 0, radius * 0.8, radius * 0.35)]
    belly += [(-0.25, 0, 0, radius * 0.8, radius * 0.4), (-0.45, 0, 0, 0.02, 0.02)]
    m.loft(belly, Part.BELLY, offset=(wing_x - 0.2, 0, -radius * 0.75), columns=18)
    if rng.random() < 0.6:
        up = rng.uniform(0.06, 0.14)
        for side in SIDES:
            tip = (wing_x - sweep - 0.02, side * span, z + rise)
            end = (tip[0] - 0.1, side * (span + 0.03), tip[2] + up)
            m.wing([(tip, root * 0.2), (end, root * 0.1)], Part.ACCENT, thickness_ratio=0.06)
    rear = rng.random() < 0.18
    t_tail = rear and rng.random() < 0.8
    size = radius * rng.uniform(0.45, 0.66)
    if rear:
        for side in SIDES:
            jet_engine(m, (-0.52, side * (radius + size * 0.9), radius * 0.35), size, 0.34)
            m.strut(
                (-0.52, side * radius * 0.8, radius * 0.3),
                (-0.52, side * (radius + size * 0.6), radius * 0.35),
                0.02,
                Part.ENGINE,
            )
    else:
        for k in [0.34] if rng.random() < 0.72 else [0.3, 0.58]:
            for side in SIDES:
                x = wing_x - sweep * k + 0.12
                center = (x, side * span * k, z + rise * k - size * 1.15)
                jet_engine(m, center, size, size * rng.uniform(3.2, 4.2))
                m.wing(
                    [
                        ((x + 0.05, side * span * k, z + rise * k - 0.01), 0.26),
                        ((x + 0.08, side * span * k, center[2] + size * 0.9), 0.2),
                    ],
                    Part.ENGINE,
                    thickness_ratio=0.06,
                )
    height = rng.uniform(0.3, 0.42)
    fin(m, (-0.58, 0, radius * 0.75), rng.uniform(0.34, 0.42), height, sweep=0.32, taper=0.42)
    tail_z = radius * 0.75 + height * 0.97 if t_tail else radius * 0.75
    tailplane(
        m,
        -0.86 if t_tail else -0.68,
        tail_z,
        0.24,
        rng.uniform(0.32, 0.42),
        sweep=0.22,
        taper=0.42,
        rise=0.04,
    )
    if rng.random() < 0.3:
        low = -radius - rng.uniform(0.1, 0.16)
        legs = [((-0.05, s * 0.12, z), (-0.05, s * 0.14, low)) for s in SIDES]
        legs += [((-0.11, s * 0.12, z), (-0.11, s * 0.14, low)) for s in SIDES]
        landing_gear(m, [*legs, ((0.72, 0, -radius * 0.8), (0.74, 0, low))], 0.034)
    return m


def turboprop(rng: Rng) -> MeshBuilder:
    """A regional airliner: high straight wing, two propellers, T-tail."""
    m = MeshBuilder()
    radius = rng.uniform(0.09, 0.12)
    m.loft(
        fuselage_rows(
            1.9,
            radius,
            nose=rng.uniform(0.1, 0.15),
            tail=rng.uniform(0.32, 0.4),
            tail_rise=radius * 0.8,
            nose_drop=0.3,
        ),
        Part.FUSELAGE,
        columns=32,
    )
    span, chord = rng.uniform(0.92, 1.15), rng.uniform(0.2, 0.27)
    wing_x, z = rng.uniform(0.12, 0.26), radius * 1.02
    stations = [((wing_x, span * 0.4, z), chord), ((wing_x - 0.05, span, z + 0.02), chord * 0.5)]
    mirrored_wing(m, (wing_x, 0, z), stations, Part.WING, root_chord=chord)
    propeller = rng.uniform(0.17, 0.22)
    for side in SIDES:
        center = (wing_x + 0.02, side * span * 0.36, z - 0.02)
        propeller_engine(m, rng, center, 0.05, 0.5, propeller, blades=int(rng.integers(4, 7)))
    height = rng.uniform(0.32, 0.4)
    fin(m, (-0.5, 0, radius * 0.8), 0.34, height, sweep=0.24, taper=0.6)
    tailplane(m, -0.74, radius * 0.8 + height, 0.2, rng.uniform(0.32, 0.42), sweep=0.06, taper=0.6)
    return m


def cargo(rng: Rng) -> MeshBuilder:
    """A freighter: fat body, high wing, upswept tail; propellers, or jets under a swept wing."""
    m = MeshBuilder()
    radius = rng.uniform(0.14, 0.19)
    m.loft(
        fuselage_rows(
            1.8,
            radius,
            nose=rng.uniform(0.1, 0.16),
            tail=rng.uniform(0.36, 0.46),
            tail_rise=radius * rng.uniform(0.85, 1.1),
            tall=rng.uniform(0.9, 1.05),
            nose_drop=rng.uniform(0.0, 0.35),
            tail_end=0.14,
        ),
        Part.FUSELAGE,
        columns=32,
        squareness=rng.uniform(2.0, 2.8),
    )
    jets = rng.random() < 0.4
    span, chord = rng.uniform(0.98, 1.2), rng.uniform(0.28, 0.36)
    wing_x, z = rng.uniform(0.18, 0.32), radius * 0.98
    if jets:
        sweep, droop = span * rng.uniform(0.3, 0.5), -span * rng.uniform(0.02, 0.1)
        root = chord * 1.35
        stations = [((wing_x + 0.05 - sweep, span, z + droop), root * 0.35)]
        mirrored_wing(m, (wing_x + 0.05, 0, z), stations, Part.WING, root_chord=root)
        size = rng.uniform(0.055, 0.08)
        for k in [0.3, 0.56] if rng.random() < 0.75 else [0.32]:
            for side in SIDES:
                x = wing_x + 0.2 - sweep * k
                jet_engine(m, (x, side * span * k, z + droop * k - size * 1.35), size, size * 4)
                m.strut(
                    (x - 0.1, side * span * k, z + droop * k),
                    (x, side * span * k, z + droop * k - size),
                    0.018,
                    Part.ENGINE,
                )
    else:
        stations = [
            ((wing_x, span * 0.35, z), chord),
            ((wing_x - 0.06, span, z + 0.02), chord * 0.48),
        ]
        mirrored_wing(m, (wing_x, 0, z), stations, Part.WING, root_chord=chord)
        blades, propeller = int(rng.integers(3, 7)), rng.uniform(0.14, 0.19)
        for k in [0.27, 0.54] if rng.random() < 0.75 else [0.33]:
            for side in SIDES:
                center = (wing_x + 0.04, side * span * k, z - 0.03)
                propeller_engine(m, rng, center, 0.052, 0.44, propeller, blades=blades)
    for side in SIDES:
        pod = [(0.28, 0, 0, 0.01, 0.01), (0.2, 0, 0, 0.05, 0.06), (-0.2, 0, 0, 0.055, 0.06)]
        pod += [(-0.34, 0, 0, 0.01, 0.01)]
        m.loft(pod, Part.BELLY, offset=(0.0, side * radius * 0.9, -radius * 0.72), columns=14)
    height = rng.uniform(0.34, 0.46)
    t_tail = rng.random() < (0.75 if jets else 0.2)
    fin(m, (-0.5, 0, radius * 0.9), 0.4, height, sweep=0.26 if jets else 0.2, taper=0.55)
    tail_z = radius * 0.9 + height if t_tail else radius * 1.25
    tailplane(
        m,
        -0.72 if t_tail else -0.62,
        tail_z,
        0.26,
        rng.uniform(0.38, 0.48),
        sweep=0.16 if jets else 0.05,
        taper=0.55,
    )
    if rng.random() < 0.3:
        low = -radius - 0.1
        legs = [
            ((x, s * radius * 0.8, -radius * 0.8), (x, s * radius * 0.85, low))
            for s in SIDES
            for x in (0.05, -0.08)
        ]
        landing_gear(m, [*legs, ((0.66, 0, -radius * 0.8), (0.66, 0, low))], 0.045)
    return m
