"""Pieces that several kinds of aircraft share: fuselage profiles, engines, gear, tails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synth.studio.mesh import MeshBuilder, Part, Vec3

Rows = list[tuple[float, float, float, float, float]]
SIDES = (1.0, -1.0)


def fuselage_rows(
    length: float,
    radius: float,
    *,
    nose: float,
    tail: float,
    tail_rise: float = 0.0,
    nose_drop: float = 0.15,
    nose_power: float = 0.5,
    tall: float = 1.0,
    tail_end: float = 0.1,
    count: int = 30,
) -> Rows:
    """Returns loft rows of a body of revolution with a rounded nose and a tapering, rising tail.

    `nose` and `tail` are the shares of the length that taper; `tail_rise` is how far the tail's
    axis climbs; `tall` scales the height against the width.
    """
    rows: Rows = []
    q = np.r_[
        np.linspace(0, nose, 10, endpoint=False) ** 1.6 / max(nose, 1e-6) ** 0.6,
        np.linspace(nose, 1, count - 10),
    ]
    for at in q:
        if at < nose:
            k = (1 - (1 - at / nose) ** 2) ** nose_power
            z = -nose_drop * radius * (1 - at / nose) ** 2
        elif at > 1 - tail:
            w = (at - 1 + tail) / tail
            k = 1 - (1 - tail_end) * w**1.5
            z = tail_rise * w**1.4
        else:
            k, z = 1.0, 0.0
        k = max(k, 0.02)
        rows.append((length / 2 - at * length, 0.0, z, radius * k, radius * tall * k))
    return rows


def mirrored_wing(
    mesh: MeshBuilder,
    root: Vec3,
    stations: Sequence[tuple[Vec3, float]],
    part: Part,
    *,
    root_chord: float,
    thickness_ratio: float = 0.11,
    tip: Part | None = None,
) -> None:
    """Adds both halves of a wing given by its left half."""
    for side in SIDES:
        half = [((root[0], side * root[1], root[2]), root_chord)]
        half += [((x, side * y, z), chord) for (x, y, z), chord in stations]
        mesh.wing(half, part, thickness_ratio=thickness_ratio, tip=tip)


def jet_engine(
    mesh: MeshBuilder, center: Vec3, radius: float, length: float, *, part: Part = Part.ENGINE
) -> None:
    """Adds a turbofan nacelle, its intake towards +x."""
    k = length / 2
    rows = [(k, 0, 0, radius * 0.86, radius * 0.86), (k * 0.9, 0, 0, radius * 0.97, radius * 0.97)]
    rows += [(k * 0.5, 0, 0, radius, radius), (-k * 0.2, 0, 0, radius * 0.95, radius * 0.95)]
    rows += [
        (-k * 0.8, 0, 0, radius * 0.62, radius * 0.62),
        (-k, 0, 0, radius * 0.45, radius * 0.45),
    ]
    mesh.loft(rows, part, offset=center, columns=20, cap=Part.DARK)
    lip = [(k * 1.01, 0, 0, radius * 0.9, radius * 0.9), (k * 0.93, 0, 0, radius, radius)]
    mesh.loft(lip, Part.METAL, offset=center, columns=20, cap=Part.DARK)


def propeller_engine(
    mesh: MeshBuilder,
    rng: np.random.Generator,
    center: Vec3,
    radius: float,
    length: float,
    propeller: float,
    *,
    blades: int | None = None,
) -> None:
    """Adds an engine nacelle with spinner and propeller in front of a wing."""
    k = length
    rows: Rows = [
        (0.36 * k, 0, 0, radius * 0.1, radius * 0.1),
        (0.3 * k, 0, 0, radius * 0.5, radius * 0.5),
    ]
    mesh.loft(rows, Part.ACCENT, offset=center, columns=14)
    rows = [(0.3 * k, 0, 0, radius * 0.7, radius * 0.75), (0.2 * k, 0, 0, radius, radius)]
    rows += [
        (-0.2 * k, 0, 0, radius, radius * 1.05),
        (-0.64 * k, 0, radius * 0.3, radius * 0.15, radius * 0.15),
    ]
    mesh.loft(rows, Part.ENGINE, offset=center, columns=16)
    hub = (center[0] + 0.31 * k, center[1], center[2])
    mesh.propeller(rng, hub, propeller, blades=blades)


def canopy(
    mesh: MeshBuilder,
    x: float,
    z: float,
    length: float,
    width: float,
    height: float,
    *,
    peak: float = 0.35,
    part: Part = Part.GLASS,
) -> None:
    """Adds a bubble canopy whose front end lies at x + length / 2."""
    rows = []
    for q in np.linspace(0, 1, 11):
        k = np.sin(np.pi * q ** (np.log(0.5) / np.log(peak))) ** 0.75 if 0 < q < 1 else 0.02
        rows.append(
            (x + length / 2 - q * length, 0.0, z, max(width * k, 0.004), max(height * k, 0.004))
        )
    mesh.loft(rows, part, columns=16)


def fin(
    mesh: MeshBuilder,
    root: Vec3,
    chord: float,
    height: float,
    *,
    sweep: float,
    taper: float,
    cant: float = 0.0,
    part: Part = Part.FIN,
    thickness_ratio: float = 0.09,
) -> None:
    """Adds one vertical surface; its tip's leading edge lies `sweep` behind the root's."""
    tip = (root[0] - sweep, root[1] + cant, root[2] + height)
    mesh.wing([(root, chord), (tip, chord * taper)], part, thickness_ratio=thickness_ratio)


def tailplane(
    mesh: MeshBuilder,
    x: float,
    z: float,
    chord: float,
    half_span: float,
    *,
    sweep: float,
    taper: float,
    rise: float = 0.0,
    inset: float = 0.0,
) -> None:
    """Adds a horizontal tail of two halves."""
    stations = [((x - sweep, half_span, z + rise), chord * taper)]
    mirrored_wing(mesh, (x, inset, z), stations, Part.TAIL, root_chord=chord, thickness_ratio=0.09)


def landing_gear(
    mesh: MeshBuilder,
    legs: list[tuple[Vec3, Vec3]],
    radius: float,
    *,
    fairing: Part | None = None,
    leg_radius: float | None = None,
) -> None:
    """Adds legs, each from an attachment point to a wheel's centre."""
    for top, wheel in legs:
        mesh.strut(top, wheel, radius * 0.2 if leg_radius is None else leg_radius)
        mesh.wheel(wheel, radius, fairing=fairing)
