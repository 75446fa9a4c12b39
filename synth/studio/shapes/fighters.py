"""Propeller fighters of the 1940s and jet fighters."""

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
    tailplane,
)

__all__ = ["fighter_jet", "fighter_plane"]

Rng = np.random.Generator


def fighter_plane(rng: Rng) -> MeshBuilder:
    """A propeller fighter of the 1940s: long cowling, low wing, bubble canopy."""
    m = MeshBuilder()
    length = 1.6
    radial = rng.random() < 0.45
    radius = rng.uniform(0.12, 0.15) if radial else rng.uniform(0.095, 0.115)
    tall = rng.uniform(1.0, 1.15) if radial else rng.uniform(1.1, 1.3)
    m.loft(
        fuselage_rows(
            length,
            radius,
            nose=0.05 if radial else rng.uniform(0.14, 0.22),
            tail=rng.uniform(0.5, 0.62),
            tail_rise=radius * 0.35,
            nose_power=0.35,
            tall=tall,
            nose_drop=0.0,
            tail_end=0.12,
        ),
        Part.FUSELAGE,
        columns=28,
    )
    span, chord = rng.uniform(0.84, 1.0), rng.uniform(0.34, 0.42)
    wing_x, z, rise = rng.uniform(0.18, 0.3), -radius * 0.7, rng.uniform(0.06, 0.13)
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
    canopy(
        m,
        rng.uniform(-0.08, 0.08),
        top * 0.82,
        rng.uniform(0.3, 0.48),
        radius * 0.6,
        radius * rng.uniform(0.65, 0.9),
        peak=rng.uniform(0.3, 0.5),
    )
    if rng.random() < 0.5:
        canopy(m, -0.3, top * 0.7, 0.55, radius * 0.55, radius * 0.5, peak=0.25, part=Part.FUSELAGE)
    nose_x = length / 2
    spinner = 0.1 if radial else 0.16
    m.loft(
        [
            (spinner, 0, 0, 0.005, 0.005),
            (spinner * 0.5, 0, 0, 0.045, 0.045),
            (0, 0, 0, 0.065, 0.065),
        ],
        Part.ACCENT,
        offset=(nose_x - 0.02, 0, 0),
        columns=16,
    )
    m.propeller(rng, (nose_x + 0.03, 0, 0), rng.uniform(0.26, 0.33), blades=int(rng.integers(3, 5)))
    if radial:
        m.disc((nose_x + 0.002, 0, 0), radius * 0.9, (1, 0, 0), Part.DARK)
    elif rng.random() < 0.6:
        m.loft(
            [(0.16, 0, 0, 0.04, 0.03), (0.1, 0, 0, 0.055, 0.05), (-0.2, 0, 0, 0.05, 0.02)],
            Part.BELLY,
            offset=(-0.05, 0, -top * 0.95),
            columns=12,
            cap=Part.DARK,
        )
    if rng.random() < 0.5:
        for side in SIDES:
            m.strut(
                (nose_x - 0.12, side * radius * 0.85, top * 0.3),
                (nose_x - 0.4, side * radius * 0.98, top * 0.35),
                0.016,
                Part.DARK,
            )
    height = rng.uniform(0.24, 0.32)
    fin(
        m,
        (-0.54, 0, radius * 0.3),
        0.27,
        height,
        sweep=rng.uniform(0.08, 0.15),
        taper=rng.uniform(0.4, 0.6),
    )
    tailplane(m, -0.56, radius * 0.45, 0.22, rng.uniform(0.29, 0.37), sweep=0.07, taper=0.5)
    if rng.random() < 0.3:
        low = -top - rng.uniform(0.16, 0.24)
        landing_gear(
            m, [((wing_x - 0.08, s * 0.26, z), (wing_x - 0.02, s * 0.28, low)) for s in SIDES], 0.06
        )
        landing_gear(m, [((-0.66, 0, 0), (-0.7, 0, -0.12))], 0.03)
    if rng.random() < 0.3:
        pod = [
            (0.16, 0, 0, 0.004, 0.004),
            (0.08, 0, 0, 0.035, 0.035),
            (-0.1, 0, 0, 0.035, 0.035),
            (-0.2, 0, 0, 0.006, 0.006),
        ]
        for side in SIDES:
            m.loft(
                pod,
                Part.STORE,
                offset=(wing_x - 0.12, side * span * 0.45, z + rise * 0.4 - 0.07),
                columns=12,
            )
    return m


def fighter_jet(rng: Rng) -> MeshBuilder:
    """A jet fighter: delta, cropped delta, swept or trapezoid wing; one or two engines and fins."""
    m = MeshBuilder()
    radius = rng.uniform(0.085, 0.115)
    wide = rng.random() < 0.6
    rows = fuselage_rows(
        2.0,
        radius,
        nose=rng.uniform(0.3, 0.42),
        tail=0.18,
        nose_power=rng.uniform(0.75, 1.0),
        tall=rng.uniform(0.85, 1.1),
        nose_drop=0.35,
        tail_end=0.72,
    )
    m.loft(rows, Part.FUSELAGE, columns=28, squareness=rng.uniform(2.0, 2.8))
    m.loft(
        [(0.12, 0, 0, 0.004, 0.004), (0.0, 0, 0.0, 0.03, 0.028), (-0.06, 0, 0.0, 0.044, 0.042)],
        Part.ACCENT,
        offset=(0.985, 0, -0.03),
        columns=14,
    )
    if wide:
        for side in SIDES:
            box = [
                (0.36, 0, 0, radius * 0.5, radius * 0.62),
                (0.2, 0, 0, radius * 0.6, radius * 0.7),
                (-0.7, 0, 0, radius * 0.62, radius * 0.62),
                (-0.98, 0, 0, radius * 0.5, radius * 0.5),
            ]
            offset = (0.0, side * radius * 1.02, -radius * 0.12)
            m.loft(box, Part.FUSELAGE, offset=offset, squareness=3.2, columns=20, cap=Part.DARK)
            m.loft(
                [(0, 0, 0, radius * 0.5, radius * 0.5), (-0.1, 0, 0, radius * 0.36, radius * 0.36)],
                Part.METAL,
                offset=(-0.97, offset[1], offset[2]),
                columns=18,
                cap=Part.DARK,
            )
    else:
        m.loft(
            [(0, 0, 0, radius * 0.8, radius * 0.8), (-0.14, 0, 0, radius * 0.55, radius * 0.55)],
            Part.METAL,
            offset=(-0.97, 0, 0),
            columns=20,
            cap=Part.DARK,
        )
        scoop = [
            (0.34, 0, 0, radius * 0.55, radius * 0.42),
            (0.15, 0, 0, radius * 0.7, radius * 0.5),
            (-0.6, 0, 0, radius * 0.5, radius * 0.2),
        ]
        m.loft(
            scoop,
            Part.BELLY,
            offset=(0.05, 0, -radius * 0.85),
            squareness=2.8,
            columns=18,
            cap=Part.DARK,
        )
    canopy_x = rng.uniform(0.4, 0.55)
    canopy(
        m,
        canopy_x,
        radius * 0.6,
        rng.uniform(0.34, 0.5),
        radius * 0.55,
        radius * rng.uniform(0.72, 0.95),
        peak=0.42,
    )
    spine = [
        (0.2, 0, 0, 0.02, 0.02),
        (0.1, 0, 0, radius * 0.45, radius * 0.42),
        (-0.6, 0, 0, radius * 0.4, radius * 0.2),
        (-1.0, 0, 0, 0.02, 0.02),
    ]
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
    mirrored_wing(
        m,
        (wing_x, body, z),
        [((wing_x - sweep, span, z + rise), tip)],
        Part.WING,
        root_chord=root,
        thickness_ratio=0.045,
        tip=Part.ACCENT,
    )
    if rng.random() < 0.6:
        mirrored_wing(
            m,
            (wing_x + 0.4, radius * 0.6, z),
            [((wing_x, body + 0.07, z), 0.1)],
            Part.WING,
            root_chord=0.5,
            thickness_ratio=0.03,
        )
    if rng.random() < 0.55:
        rail = [(0.2, 0, 0, 0.004, 0.004), (0.14, 0, 0, 0.014, 0.014), (-0.18, 0, 0, 0.014, 0.014)]
        for side in SIDES:
            m.loft(
                rail, Part.STORE, offset=(wing_x - sweep - 0.03, side * span, z + rise), columns=10
            )
    for k in (0.45, 0.7):
        if rng.random() < 0.4:
            size = rng.uniform(0.02, 0.045)
            pod = [
                (0.22, 0, 0, 0.004, 0.004),
                (0.1, 0, 0, size, size),
                (-0.12, 0, 0, size, size),
                (-0.26, 0, 0, 0.01, 0.01),
            ]
            for side in SIDES:
                m.loft(
                    pod,
                    Part.STORE,
                    offset=(wing_x - sweep * k - root * 0.3, side * span * k, z - 0.05 - size),
                    columns=12,
                )
    twin = rng.random() < (0.7 if wide else 0.1)
    height = rng.uniform(0.24, 0.34)
    for side in SIDES if twin else (0.0,):
        y = side * radius * 1.1
        fin(
            m,
            (-0.48, y, radius * 0.45),
            rng.uniform(0.36, 0.42),
            height,
            sweep=0.28,
            taper=0.42,
            cant=side * height * rng.uniform(0.0, 0.45),
            thickness_ratio=0.05,
        )
    if shape != "delta":
        tailplane(
            m,
            -0.7,
            -0.01,
            0.28,
            rng.uniform(0.34, 0.44),
            sweep=0.22,
            taper=0.4,
            rise=-0.02,
            inset=body * 0.8,
        )
    elif rng.random() < 0.55:
        tailplane(
            m,
            0.46,
            radius * 0.35,
            0.22,
            rng.uniform(0.26, 0.34),
            sweep=0.2,
            taper=0.35,
            rise=0.02,
            inset=radius * 0.7,
        )
