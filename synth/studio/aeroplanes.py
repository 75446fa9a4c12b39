"""Winged aircraft: airliners, freighters, light aircraft, warbirds, fighter jets, gliders, shuttles."""

from __future__ import annotations

import numpy as np

from synth.studio.mesh import MeshBuilder, Part
from synth.studio.parts import (
    SIDES,
    canopy,
    fin,
    fuselage_rows,
    jet_engine,
    landing_gear,
    mirrored_wing,
    propeller_engine,
    tailplane,
)

Rng = np.random.Generator


def airliner(rng: Rng) -> MeshBuilder:
    """A jet airliner: swept low wing, two or four engines under it or two at the tail."""
    m = MeshBuilder()
    length, radius = 2.0, rng.uniform(0.085, 0.135)
    m.loft(
        fuselage_rows(length, radius, nose=rng.uniform(0.07, 0.13), tail=rng.uniform(0.27, 0.36),
                      tail_rise=radius * rng.uniform(0.5, 0.8), nose_drop=0.25),
        Part.FUSELAGE, columns=36,
    )  # fmt: skip
    span, root = rng.uniform(0.78, 1.08), rng.uniform(0.38, 0.5)
    sweep, wing_x = span * rng.uniform(0.42, 0.68), rng.uniform(0.22, 0.4)
    z, rise = -radius * rng.uniform(0.45, 0.75), span * rng.uniform(0.04, 0.14)
    kink = 0.35
    stations = [((wing_x - sweep * kink, span * kink, z + rise * kink), root * 0.58),
                ((wing_x - sweep, span, z + rise), root * rng.uniform(0.18, 0.28))]  # fmt: skip
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
            m.strut((-0.52, side * radius * 0.8, radius * 0.3), (-0.52, side * (radius + size * 0.6), radius * 0.35), 0.02, Part.ENGINE)  # fmt: skip
    else:
        for k in [0.34] if rng.random() < 0.72 else [0.3, 0.58]:
            for side in SIDES:
                x = wing_x - sweep * k + 0.12
                center = (x, side * span * k, z + rise * k - size * 1.15)
                jet_engine(m, center, size, size * rng.uniform(3.2, 4.2))
                m.wing([((x + 0.05, side * span * k, z + rise * k - 0.01), 0.26),
                        ((x + 0.08, side * span * k, center[2] + size * 0.9), 0.2)],
                       Part.ENGINE, thickness_ratio=0.06)  # fmt: skip
    height = rng.uniform(0.3, 0.42)
    fin(m, (-0.58, 0, radius * 0.75), rng.uniform(0.34, 0.42), height, sweep=0.32, taper=0.42)
    tail_z = radius * 0.75 + height * 0.97 if t_tail else radius * 0.75
    tailplane(m, -0.86 if t_tail else -0.68, tail_z, 0.24, rng.uniform(0.32, 0.42), sweep=0.22, taper=0.42, rise=0.04)  # fmt: skip
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
        fuselage_rows(1.9, radius, nose=rng.uniform(0.1, 0.15), tail=rng.uniform(0.32, 0.4),
                      tail_rise=radius * 0.8, nose_drop=0.3),
        Part.FUSELAGE, columns=32,
    )  # fmt: skip
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
    """A freighter: fat body, high wing, upswept tail; four or two propellers, or jets under a swept wing."""
    m = MeshBuilder()
    radius = rng.uniform(0.14, 0.19)
    m.loft(
        fuselage_rows(1.8, radius, nose=rng.uniform(0.1, 0.16), tail=rng.uniform(0.36, 0.46),
                      tail_rise=radius * rng.uniform(0.85, 1.1), tall=rng.uniform(0.9, 1.05),
                      nose_drop=rng.uniform(0.0, 0.35), tail_end=0.14),
        Part.FUSELAGE, columns=32, squareness=rng.uniform(2.0, 2.8),
    )  # fmt: skip
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
                m.strut((x - 0.1, side * span * k, z + droop * k), (x, side * span * k, z + droop * k - size), 0.018, Part.ENGINE)  # fmt: skip
    else:
        stations = [((wing_x, span * 0.35, z), chord), ((wing_x - 0.06, span, z + 0.02), chord * 0.48)]
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
    tailplane(m, -0.72 if t_tail else -0.62, tail_z, 0.26, rng.uniform(0.38, 0.48), sweep=0.16 if jets else 0.05, taper=0.55)  # fmt: skip
    if rng.random() < 0.3:
        low = -radius - 0.1
        legs = [((x, s * radius * 0.8, -radius * 0.8), (x, s * radius * 0.85, low)) for s in SIDES for x in (0.05, -0.08)]  # fmt: skip
        landing_gear(m, [*legs, ((0.66, 0, -radius * 0.8), (0.66, 0, low))], 0.045)
    return m


def light_aircraft(rng: Rng) -> MeshBuilder:
    """A small private aircraft: high wing with struts, low wing, biplane, or a light twin."""
    m = MeshBuilder()
    style = str(rng.choice(["high", "low", "biplane", "twin"], p=[0.4, 0.3, 0.18, 0.12]))
    length, radius = 1.5, rng.uniform(0.11, 0.15)
    tall = rng.uniform(1.0, 1.25)
    m.loft(
        fuselage_rows(length, radius, nose=rng.uniform(0.14, 0.26), tail=rng.uniform(0.55, 0.66),
                      tail_rise=radius * rng.uniform(0.15, 0.5), nose_power=rng.uniform(0.35, 0.6),
                      tall=tall, nose_drop=0.2, tail_end=0.16),
        Part.FUSELAGE, columns=28, squareness=rng.uniform(2.0, 3.6),
    )  # fmt: skip
    top, bottom = radius * tall, -radius * tall
    span, chord = rng.uniform(0.88, 1.12), rng.uniform(0.23, 0.31)
    taper, wing_x = rng.uniform(0.5, 1.0), rng.uniform(0.2, 0.32)
    if style == "biplane":
        span *= 0.82
        gap, stagger = rng.uniform(0.3, 0.38), rng.uniform(0.0, 0.1)
        for z, x in ((bottom * 0.75, wing_x - stagger), (bottom * 0.75 + gap + radius, wing_x)):
            mirrored_wing(m, (x, 0, z), [((x - 0.03, span, z + 0.02), chord * 0.85)], Part.WING, root_chord=chord * 0.85)  # fmt: skip
        for side in SIDES:
            for dx in (-0.04, -0.16):
                low = (wing_x - stagger + dx, side * span * 0.72, bottom * 0.75)
                m.strut(low, (wing_x + dx, side * span * 0.72, bottom * 0.75 + gap + radius), 0.01)
                m.strut((wing_x + dx, side * radius * 0.5, top * 0.7), (wing_x + dx, side * 0.14, bottom * 0.75 + gap + radius), 0.009)  # fmt: skip
        for x in (0.02, -0.16)[: int(rng.integers(1, 3))]:
            canopy(m, x, top * 0.8, 0.16, radius * 0.4, 0.07)
    else:
        high = style == "high" or (style == "twin" and rng.random() < 0.2)
        z = top * 1.02 if high else bottom * 0.65
        rise = 0.02 if high else span * rng.uniform(0.05, 0.12)
        sweep = 0.03 + (1 - taper) * 0.06
        stations = [((wing_x, span * 0.35, z + rise * 0.35), chord),
                    ((wing_x - sweep, span, z + rise), chord * taper)]  # fmt: skip
        mirrored_wing(m, (wing_x, 0, z), stations, Part.WING, root_chord=chord, tip=Part.ACCENT)
        if high:
            m.loft([(0.3, 0, 0, radius * 0.5, 0.03), (0.2, 0, 0, radius * 0.84, radius * 0.62),
                    (-0.14, 0, 0, radius * 0.84, radius * 0.7), (-0.34, 0, 0, radius * 0.4, 0.1)],
                   Part.GLASS, offset=(0.02, 0, top * 0.42), squareness=2.6, columns=18)  # fmt: skip
            if rng.random() < 0.75:
                for side in SIDES:
                    m.strut((wing_x - 0.1, side * radius * 0.9, bottom * 0.75), (wing_x - 0.1, side * span * 0.5, z), 0.012)  # fmt: skip
        else:
            canopy(m, rng.uniform(-0.02, 0.08), top * 0.75, rng.uniform(0.5, 0.7), radius * 0.78, radius * rng.uniform(0.6, 0.85), peak=0.4)  # fmt: skip
    propeller = rng.uniform(0.19, 0.25)
    if style == "twin":
        for side in SIDES:
            propeller_engine(m, rng, (wing_x + 0.02, side * span * 0.32, bottom * 0.5), 0.055, 0.4, 0.17)  # fmt: skip
    else:
        m.loft([(0.05, 0, 0, 0.006, 0.006), (0.02, 0, 0, 0.035, 0.035), (-0.02, 0, 0, 0.05, 0.05)],
               Part.ACCENT, offset=(length / 2 + 0.02, 0, -0.2 * radius), columns=14)  # fmt: skip
        m.propeller(rng, (length / 2 + 0.035, 0, -0.2 * radius), propeller, blades=int(rng.integers(2, 4)))  # fmt: skip
        m.loft([(0, 0, 0, 0.06, 0.04), (-0.05, 0, 0, 0.07, 0.05)], Part.DARK, offset=(length / 2 - 0.06, 0, -0.55 * radius), columns=14)  # fmt: skip
    tail_z = radius * 0.25
    height = rng.uniform(0.24, 0.33)
    fin(m, (-0.5, 0, tail_z), rng.uniform(0.24, 0.3), height, sweep=rng.uniform(0.08, 0.2), taper=rng.uniform(0.45, 0.7))  # fmt: skip
    t_tail = rng.random() < 0.12
    tailplane(m, -0.58, tail_z + (height if t_tail else 0.02), 0.19, rng.uniform(0.27, 0.36), sweep=0.05, taper=rng.uniform(0.6, 0.95))  # fmt: skip
    if rng.random() < 0.8:
        low = bottom - rng.uniform(0.1, 0.16)
        spats = Part.ACCENT if rng.random() < 0.4 else None
        legs = [((0.12, s * radius * 0.6, bottom * 0.7), (0.14, s * radius * 1.9, low)) for s in SIDES]
        third = (0.55, 0.0) if rng.random() < 0.65 else (-0.66, 0.0)
        nose_low = low if third[0] > 0 else bottom * 0.1 - 0.1
        landing_gear(m, [*legs, ((third[0], 0, bottom * 0.6 if third[0] > 0 else 0.0), (third[0], 0, nose_low))], 0.048 if third[0] > 0 else 0.04, fairing=spats)  # fmt: skip
    return m


def fighter_plane(rng: Rng) -> MeshBuilder:
    """A propeller fighter of the 1940s: long cowling, elliptic or tapered low wing, bubble canopy."""
    m = MeshBuilder()
    length = 1.6
    radial = rng.random() < 0.45
    radius = rng.uniform(0.12, 0.15) if radial else rng.uniform(0.095, 0.115)
    tall = rng.uniform(1.0, 1.15) if radial else rng.uniform(1.1, 1.3)
    m.loft(
        fuselage_rows(length, radius, nose=0.05 if radial else rng.uniform(0.14, 0.22),
                      tail=rng.uniform(0.5, 0.62), tail_rise=radius * 0.35, nose_power=0.35,
                      tall=tall, nose_drop=0.0, tail_end=0.12),
        Part.FUSELAGE, columns=28,
    )  # fmt: skip
    span, chord = rng.uniform(0.84, 1.0), rng.uniform(0.34, 0.42)
    wing_x, z, rise = rng.uniform(0.18, 0.3), -radius * 0.7, span_rise(rng)
    shape = str(rng.choice(["ellipse", "taper", "clipped", "gull"], p=[0.3, 0.4, 0.18, 0.12]))
    stations = []
    for k in (0.3, 0.5, 0.7, 0.85, 0.95, 1.0):
        if shape == "ellipse":
            c = chord * max(np.sqrt(1 - k**2), 0.12)
        elif shape == "clipped":
            c = chord * (1 - 0.4 * k)
        else:
            c = chord * (1 - 0.55 * k) * (1 if k < 0.95 else 0.85 if k < 1 else 0.5)
        dip = -0.09 * np.sin(np.pi * min(k / 0.6, 1.0)) if shape == "gull" else 0.0
        stations.append(((wing_x - (chord - c) * 0.3, span * k, z + rise * k + dip), c))
    mirrored_wing(m, (wing_x, 0, z), stations, Part.WING, root_chord=chord, tip=Part.ACCENT)
    top = radius * tall
    canopy(m, rng.uniform(-0.08, 0.08), top * 0.82, rng.uniform(0.3, 0.48), radius * 0.6, radius * rng.uniform(0.65, 0.9), peak=rng.uniform(0.3, 0.5))  # fmt: skip
    if rng.random() < 0.5:
        canopy(m, -0.3, top * 0.7, 0.55, radius * 0.55, radius * 0.5, peak=0.25, part=Part.FUSELAGE)
    nose_x = length / 2
    spinner = 0.1 if radial else 0.16
    m.loft([(spinner, 0, 0, 0.005, 0.005), (spinner * 0.5, 0, 0, 0.045, 0.045), (0, 0, 0, 0.065, 0.065)],
           Part.ACCENT, offset=(nose_x - 0.02, 0, 0), columns=16)  # fmt: skip
    m.propeller(rng, (nose_x + 0.03, 0, 0), rng.uniform(0.26, 0.33), blades=int(rng.integers(3, 5)))
    if radial:
        m.disc((nose_x + 0.002, 0, 0), radius * 0.9, (1, 0, 0), Part.DARK)
    elif rng.random() < 0.6:
        m.loft([(0.16, 0, 0, 0.04, 0.03), (0.1, 0, 0, 0.055, 0.05), (-0.2, 0, 0, 0.05, 0.02)], Part.BELLY, offset=(-0.05, 0, -top * 0.95), columns=12, cap=Part.DARK)  # fmt: skip
    if rng.random() < 0.5:
        for side in SIDES:
            m.strut((nose_x - 0.12, side * radius * 0.85, top * 0.3), (nose_x - 0.4, side * radius * 0.98, top * 0.35), 0.016, Part.DARK)  # fmt: skip
    height = rng.uniform(0.24, 0.32)
    fin(m, (-0.54, 0, radius * 0.3), 0.27, height, sweep=rng.uniform(0.08, 0.15), taper=rng.uniform(0.4, 0.6))  # fmt: skip
    tailplane(m, -0.56, radius * 0.45, 0.22, rng.uniform(0.29, 0.37), sweep=0.07, taper=0.5)
    if rng.random() < 0.3:
        low = -top - rng.uniform(0.16, 0.24)
        landing_gear(m, [((wing_x - 0.08, s * 0.26, z), (wing_x - 0.02, s * 0.28, low)) for s in SIDES], 0.06)  # fmt: skip
        landing_gear(m, [((-0.66, 0, 0), (-0.7, 0, -0.12))], 0.03)
    if rng.random() < 0.3:
        pod = [(0.16, 0, 0, 0.004, 0.004), (0.08, 0, 0, 0.035, 0.035), (-0.1, 0, 0, 0.035, 0.035), (-0.2, 0, 0, 0.006, 0.006)]  # fmt: skip
        for side in SIDES:
            m.loft(pod, Part.STORE, offset=(wing_x - 0.12, side * span * 0.45, z + rise * 0.4 - 0.07), columns=12)  # fmt: skip
    return m


def span_rise(rng: Rng) -> float:
    """Returns how far the tips of a low wing lie above its root."""
    return float(rng.uniform(0.06, 0.13))


def fighter_jet(rng: Rng) -> MeshBuilder:
    """A jet fighter: delta, cropped delta, swept or trapezoid wing; one or two engines and fins."""
    m = MeshBuilder()
    radius = rng.uniform(0.085, 0.115)
    wide = rng.random() < 0.6
    rows = fuselage_rows(2.0, radius, nose=rng.uniform(0.3, 0.42), tail=0.18, nose_power=rng.uniform(0.75, 1.0),
                         tall=rng.uniform(0.85, 1.1), nose_drop=0.35, tail_end=0.72)  # fmt: skip
    m.loft(rows, Part.FUSELAGE, columns=28, squareness=rng.uniform(2.0, 2.8))
    m.loft([(0.12, 0, 0, 0.004, 0.004), (0.0, 0, 0.0, 0.03, 0.028), (-0.06, 0, 0.0, 0.044, 0.042)],
           Part.ACCENT, offset=(0.985, 0, -0.03), columns=14)  # fmt: skip
    if wide:
        for side in SIDES:
            box = [(0.36, 0, 0, radius * 0.5, radius * 0.62), (0.2, 0, 0, radius * 0.6, radius * 0.7),
                   (-0.7, 0, 0, radius * 0.62, radius * 0.62), (-0.98, 0, 0, radius * 0.5, radius * 0.5)]  # fmt: skip
            offset = (0.0, side * radius * 1.02, -radius * 0.12)
            m.loft(box, Part.FUSELAGE, offset=offset, squareness=3.2, columns=20, cap=Part.DARK)
            m.loft([(0, 0, 0, radius * 0.5, radius * 0.5), (-0.1, 0, 0, radius * 0.36, radius * 0.36)], Part.METAL, offset=(-0.97, offset[1], offset[2]), columns=18, cap=Part.DARK)  # fmt: skip
    else:
        m.loft([(0, 0, 0, radius * 0.8, radius * 0.8), (-0.14, 0, 0, radius * 0.55, radius * 0.55)], Part.METAL, offset=(-0.97, 0, 0), columns=20, cap=Part.DARK)  # fmt: skip
        scoop = [(0.34, 0, 0, radius * 0.55, radius * 0.42), (0.15, 0, 0, radius * 0.7, radius * 0.5), (-0.6, 0, 0, radius * 0.5, radius * 0.2)]  # fmt: skip
        m.loft(scoop, Part.BELLY, offset=(0.05, 0, -radius * 0.85), squareness=2.8, columns=18, cap=Part.DARK)  # fmt: skip
    canopy_x = rng.uniform(0.4, 0.55)
    canopy(m, canopy_x, radius * 0.6, rng.uniform(0.34, 0.5), radius * 0.55, radius * rng.uniform(0.72, 0.95), peak=0.42)  # fmt: skip
    spine = [(0.2, 0, 0, 0.02, 0.02), (0.1, 0, 0, radius * 0.45, radius * 0.42), (-0.6, 0, 0, radius * 0.4, radius * 0.2), (-1.0, 0, 0, 0.02, 0.02)]  # fmt: skip
    m.loft(spine, Part.FUSELAGE, offset=(canopy_x - 0.25, 0, radius * 0.7), columns=14)
    _jet_wings(m, rng, radius, wide)
    return m


def _jet_wings(m: MeshBuilder, rng: Rng, radius: float, wide: bool) -> None:
    shape = str(rng.choice(["delta", "cropped", "swept", "trapezoid"], p=[0.24, 0.3, 0.26, 0.2]))
    span = rng.uniform(0.52, 0.74)
    wing_x, root, sweep, tip = {
        "delta": (rng.uniform(0.1, 0.28), rng.uniform(0.9, 1.05), rng.uniform(0.72, 0.88), 0.08),
        "cropped": (rng.uniform(0.05, 0.2), rng.uniform(0.6, 0.78), rng.uniform(0.42, 0.55), 0.2),
        "swept": (rng.uniform(0.15, 0.3), rng.uniform(0.45, 0.56), rng.uniform(0.5, 0.7), 0.2),
        "trapezoid": (rng.uniform(0.02, 0.12), rng.uniform(0.5, 0.62), rng.uniform(0.2, 0.3), 0.22),
    }[shape]
    z, rise = rng.uniform(-0.4, 0.35) * radius, rng.uniform(-0.05, 0.05)
    body = radius * (1.4 if wide else 0.6)
    mirrored_wing(m, (wing_x, body, z), [((wing_x - sweep, span, z + rise), tip)], Part.WING, root_chord=root, thickness_ratio=0.045, tip=Part.ACCENT)  # fmt: skip
    if rng.random() < 0.6:
        mirrored_wing(m, (wing_x + 0.4, radius * 0.6, z), [((wing_x, body + 0.07, z), 0.1)], Part.WING, root_chord=0.5, thickness_ratio=0.03)  # fmt: skip
    if rng.random() < 0.55:
        rail = [(0.2, 0, 0, 0.004, 0.004), (0.14, 0, 0, 0.014, 0.014), (-0.18, 0, 0, 0.014, 0.014)]
        for side in SIDES:
            m.loft(rail, Part.STORE, offset=(wing_x - sweep - 0.03, side * span, z + rise), columns=10)
    for k in (0.45, 0.7):
        if rng.random() < 0.4:
            size = rng.uniform(0.02, 0.045)
            pod = [(0.22, 0, 0, 0.004, 0.004), (0.1, 0, 0, size, size), (-0.12, 0, 0, size, size), (-0.26, 0, 0, 0.01, 0.01)]  # fmt: skip
            for side in SIDES:
                m.loft(pod, Part.STORE, offset=(wing_x - sweep * k - root * 0.3, side * span * k, z - 0.05 - size), columns=12)  # fmt: skip
    twin = rng.random() < (0.7 if wide else 0.1)
    height = rng.uniform(0.24, 0.34)
    for side in SIDES if twin else (0.0,):
        y = side * radius * 1.1
        fin(m, (-0.48, y, radius * 0.45), rng.uniform(0.36, 0.42), height, sweep=0.28, taper=0.42, cant=side * height * rng.uniform(0.0, 0.45), thickness_ratio=0.05)  # fmt: skip
    if shape != "delta":
        tailplane(m, -0.7, -0.01, 0.28, rng.uniform(0.34, 0.44), sweep=0.22, taper=0.4, rise=-0.02, inset=body * 0.8)  # fmt: skip
    elif rng.random() < 0.55:
        tailplane(m, 0.46, radius * 0.35, 0.22, rng.uniform(0.26, 0.34), sweep=0.2, taper=0.35, rise=0.02, inset=radius * 0.7)  # fmt: skip


def glider(rng: Rng) -> MeshBuilder:
    """A sailplane: very long slender wing, thin tail boom, big canopy in the nose."""
    m = MeshBuilder()
    radius = rng.uniform(0.058, 0.075)
    rows = [(0.62, 0, -0.015, 0.008, 0.008), (0.56, 0, -0.01, radius * 0.6, radius * 0.65), (0.42, 0, 0, radius * 0.95, radius * 1.1),
            (0.25, 0, 0, radius, radius * 1.15), (0.05, 0, 0.01, radius * 0.75, radius * 0.9), (-0.15, 0, 0.02, radius * 0.42, radius * 0.5),
            (-0.72, 0, 0.03, radius * 0.25, radius * 0.3)]  # fmt: skip
    m.loft(rows, Part.FUSELAGE, columns=24)
    canopy(m, 0.36, radius * 0.4, 0.4, radius * 0.8, radius * 0.85, peak=0.45)
    span, chord = rng.uniform(1.1, 1.7), rng.uniform(0.11, 0.15)
    z, rise = radius * rng.uniform(0.5, 0.9), rng.uniform(0.03, 0.14)
    stations = [((0.16, span * 0.6, z + rise * 0.45), chord * 0.8), ((0.1, span, z + rise), chord * 0.35)]  # fmt: skip
    mirrored_wing(m, (0.18, 0, z), stations, Part.WING, root_chord=chord, tip=Part.ACCENT)
    if rng.random() < 0.4:
        for side in SIDES:
            m.wing([((0.1, side * span, z + rise), chord * 0.35), ((0.04, side * (span + 0.02), z + rise + 0.07), 0.03)], Part.ACCENT)  # fmt: skip
    height = rng.uniform(0.2, 0.28)
    fin(m, (-0.56, 0, 0.02), 0.18, height, sweep=0.08, taper=0.65)
    tail_z = 0.02 + height if rng.random() < 0.8 else 0.05
    tailplane(m, -0.64, tail_z, 0.1, rng.uniform(0.22, 0.28), sweep=0.03, taper=0.6)
    return m


def space_shuttle(rng: Rng) -> MeshBuilder:
    """An orbiter with a double delta, alone or (half the time) on its tank and boosters."""
    m = MeshBuilder()
    radius = 0.15
    m.loft(fuselage_rows(1.7, radius, nose=0.22, tail=0.05, nose_power=0.55, nose_drop=0.5, tail_end=0.92, tall=1.05),
           Part.FUSELAGE, columns=30, squareness=2.8)  # fmt: skip
    stations = [((-0.02, 0.28, -0.11), 0.72), ((-0.45, rng.uniform(0.56, 0.64), -0.1), 0.26)]
    mirrored_wing(m, (0.42, radius * 0.7, -0.12), stations, Part.WING, root_chord=1.2, thickness_ratio=0.05)  # fmt: skip
    fin(m, (-0.5, 0, radius * 0.9), 0.36, 0.4, sweep=0.32, taper=0.5)
    for side in SIDES:
        m.loft([(0.2, 0, 0, 0.02, 0.02), (0.05, 0, 0, 0.07, 0.07), (-0.2, 0, 0, 0.08, 0.08)], Part.FUSELAGE, offset=(-0.66, side * 0.1, 0.14), columns=16)  # fmt: skip
    for y, z in ((0.0, 0.07), (0.075, -0.05), (-0.075, -0.05)):
        m.loft([(0.0, 0, 0, 0.035, 0.035), (-0.13, 0, 0, 0.065, 0.065)], Part.DARK, offset=(-0.84, y, z), columns=16)  # fmt: skip
    if rng.random() < 0.5:
        tank = fuselage_rows(2.6, 0.24, nose=0.24, tail=0.06, nose_power=0.8, nose_drop=0, tail_end=0.6)
        m.loft(tank, Part.EXTRA, offset=(0.3, 0, -0.46), columns=28)
        for side in SIDES:
            booster = fuselage_rows(2.3, 0.105, nose=0.1, tail=0.06, nose_power=0.8, nose_drop=0, tail_end=1.3)  # fmt: skip
            m.loft(booster, Part.STORE, offset=(0.1, side * 0.36, -0.46), columns=20, cap=Part.DARK)
    return m
