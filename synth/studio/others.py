"""Everything that flies without being an aeroplane: helicopters, drones, rockets, balloons, saucers."""

from __future__ import annotations

import numpy as np

from synth.studio.mesh import MeshBuilder, Part
from synth.studio.parts import SIDES, fin, fuselage_rows, landing_gear, mirrored_wing

Rng = np.random.Generator
UP = (0.0, 0.0, 1.0)


def helicopter(rng: Rng) -> MeshBuilder:
    """A helicopter: slim or stout cabin, boom, two to six blades, skids or wheels."""
    m = MeshBuilder()
    height = rng.uniform(0.16, 0.23)
    width, half = height * rng.uniform(0.72, 0.98), rng.uniform(0.34, 0.55)
    stout = half > 0.47
    rows = []
    for q in np.linspace(0, 1, 22):
        front = np.sqrt(max(1 - (1 - min(q / rng_nose(stout), 1.0)) ** 2, 0.0))
        back = 1.0 if q < 0.62 else 1 - 0.78 * ((q - 0.62) / 0.38) ** 1.3
        k = max(front * back, 0.03)
        z = 0.3 * height * max(0.0, (q - 0.62) / 0.38) - 0.2 * height * (1 - min(q / 0.4, 1.0)) ** 1.5
        rows.append((half - 2 * half * q, 0.0, z, width * k, height * k))
    m.loft(rows, Part.FUSELAGE, squareness=rng.uniform(2.1, 3.2), columns=30)
    glass = [(x + 0.008, y, z + height * 0.2, ry * 0.95, rz * 0.78) for x, y, z, ry, rz in rows if x > half * rng.uniform(0.25, 0.5)]  # fmt: skip
    if len(glass) > 2:
        m.loft(glass, Part.GLASS, squareness=2.4, columns=22)
    boom = rng.uniform(0.7, 1.0)
    end_x, end_z, thick = -half - boom, height * rng.uniform(0.3, 0.5), height * 0.26
    m.loft([(-half * 0.5, 0, height * 0.28, thick * 1.5, thick * 1.7), (-half, 0, height * 0.32, thick, thick * 1.1),
            (end_x, 0, end_z, thick * 0.4, thick * 0.5)], Part.BOOM, columns=18)  # fmt: skip
    m.loft([(half * 0.42, 0, 0, 0.02, 0.02), (half * 0.25, 0, 0, width * 0.5, height * 0.28), (-half * 0.45, 0, 0, width * 0.52, height * 0.3),
            (-half * 0.85, 0, -0.02, 0.03, 0.03)], Part.ENGINE, offset=(0, 0, height * 1.0), squareness=2.6, columns=18)  # fmt: skip
    if stout and rng.random() < 0.5:
        for side in SIDES:
            m.loft([(0.2, 0, 0, 0.02, 0.02), (0.14, 0, 0, 0.05, 0.06), (-0.25, 0, 0, 0.05, 0.06), (-0.34, 0, 0, 0.01, 0.01)], Part.BELLY, offset=(-0.1, side * width * 0.98, -height * 0.5), columns=14)  # fmt: skip
    _helicopter_tail(m, rng, end_x, end_z)
    mast = height * rng.uniform(1.45, 1.75)
    m.strut((0, 0, height * 0.9), (0, 0, mast), 0.022, Part.DARK)
    m.loft([(0.03, 0, 0, 0.03, 0.03), (-0.03, 0, 0, 0.06, 0.06)], Part.DARK, offset=(0, 0, mast), axis=UP, columns=14)  # fmt: skip
    radius, blades = rng.uniform(0.9, 1.2), int(rng.choice([2, 3, 4, 5, 6], p=[0.25, 0.2, 0.3, 0.2, 0.05]))  # fmt: skip
    start, droop = rng.uniform(0, 360), rng.uniform(-0.05, 0.06)
    look = rng.random()
    if look < 0.86:
        for k in range(blades):
            m.blade((0, 0, mast), radius, start + 360 * k / blades, rng.uniform(0.045, 0.065), UP, inner=0.04, droop=droop, twist_deg=4)  # fmt: skip
    if look > 0.62:
        m.disc((0, 0, mast + 0.005), radius, UP, Part.ROTOR_DISC, inner=0.05)
    _undercarriage(m, rng, half, width, height)
    return m


def rng_nose(stout: bool) -> float:
    """Returns the share of the cabin's length that its nose takes."""
    return 0.22 if stout else 0.4


def _helicopter_tail(m: MeshBuilder, rng: Rng, x: float, z: float) -> None:
    size = rng.uniform(0.14, 0.19)
    if rng.random() < 0.2:
        size *= 0.7
        ring = [(0.04, 0, 0, size, size), (-0.04, 0, 0, size, size)]
        fin(m, (x + 0.2, 0, z), 0.2, 0.26, sweep=0.2, taper=0.6)
        m.loft(ring, Part.FIN, offset=(x, 0, z + size * 0.4), axis=(0, 1, 0), columns=24, cap=Part.DARK)
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
        legs = [((-half * 0.4, s * width * 0.7, -height * 0.5), (-half * 0.4, s * width * 1.15, low * 0.95)) for s in SIDES]  # fmt: skip
        landing_gear(m, [*legs, ((half * 0.6, 0, -height * 0.6), (half * 0.6, 0, low * 0.95))], 0.045)


def drone(rng: Rng) -> MeshBuilder:
    """A drone: four, six or eight rotors with a camera below, or (a third) an aeroplane without a pilot."""
    if rng.random() < 0.26:
        return _winged_drone(rng)
    m = MeshBuilder()
    a = rng.uniform(0.17, 0.27)
    b, hull = a * rng.uniform(0.6, 1.0), rng.uniform(0.06, 0.11)
    rows = [(a * 1.15, 0, 0, b * 0.35, hull * 0.4), (a * 0.9, 0, 0, b * 0.8, hull * 0.85), (0, 0, 0.01, b, hull),
            (-a * 0.9, 0, 0, b * 0.8, hull * 0.85), (-a * 1.12, 0, 0, b * 0.4, hull * 0.4)]  # fmt: skip
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
        m.loft([(0.07, 0, 0, 0.042, 0.042), (-0.06, 0, 0, 0.05, 0.05)], Part.ENGINE, offset=(x, y, lift), axis=UP, columns=14)  # fmt: skip
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
        m.loft([(size, 0, 0, size * 0.5, size * 0.5), (size * 0.8, 0, 0, size, size), (-size, 0, 0, size, size)], Part.DARK, offset=(a * 0.5, 0, -hull - size * 1.1), squareness=3, columns=14)  # fmt: skip
    return m


def _winged_drone(rng: Rng) -> MeshBuilder:
    m = MeshBuilder()
    if rng.random() < 0.3:
        m.loft([(0.36, 0, 0, 0.01, 0.01), (0.26, 0, 0, 0.08, 0.06), (-0.08, 0, 0.01, 0.12, 0.085), (-0.28, 0, 0, 0.07, 0.05)], Part.FUSELAGE, columns=20)  # fmt: skip
        sweep, span = rng.uniform(0.3, 0.5), 0.85
        mirrored_wing(m, (0.28, 0, 0), [((0.28 - sweep, span, 0.03), 0.2)], Part.WING, root_chord=0.55)
        for side in SIDES:
            fin(m, (0.12 - sweep, side * span, 0.03), 0.2, 0.18, sweep=0.12, taper=0.5)
        m.propeller(rng, (-0.31, 0, 0), 0.15, blades=2)
        return m
    radius = rng.uniform(0.05, 0.075)
    rows = fuselage_rows(1.3, radius, nose=0.12, tail=0.35, nose_drop=-0.3, tail_end=0.35)
    rows = [(x, y, z + (radius * 0.25 if x > 0.25 else 0), ry * (1.3 if x > 0.3 else 1), rz * (1.45 if x > 0.3 else 1)) for x, y, z, ry, rz in rows]  # fmt: skip
    m.loft(rows, Part.FUSELAGE, columns=22)
    span = rng.uniform(0.95, 1.3)
    mirrored_wing(m, (0.1, 0, 0), [((0.04, span, rng.uniform(0, 0.07)), 0.1)], Part.WING, root_chord=0.19, tip=Part.ACCENT)  # fmt: skip
    turn = 1.0 if rng.random() < 0.6 else -1.0
    for side in SIDES:
        fin(m, (-0.44, 0, 0), 0.18, turn * 0.26, sweep=0.08, taper=0.6, cant=side * 0.3)
    m.propeller(rng, (-0.68, 0, 0), 0.16, blades=int(rng.integers(2, 4)))
    m.loft([(0.05, 0, 0, 0.05, 0.05), (-0.04, 0, 0, 0.045, 0.045)], Part.DARK, offset=(0.5, 0, -radius * 1.5), axis=UP, columns=16)  # fmt: skip
    if rng.random() < 0.4:
        landing_gear(m, [((-0.05, s * 0.04, -0.04), (-0.08, s * 0.16, -0.26)) for s in SIDES], 0.035)
        landing_gear(m, [((0.42, 0, -0.05), (0.42, 0, -0.26))], 0.03)
    return m


def missile(rng: Rng) -> MeshBuilder:
    """A missile: slender body, tail fins, often mid-body wings; a cruise missile now and then."""
    m = MeshBuilder()
    radius = rng.uniform(0.05, 0.12)
    rows = fuselage_rows(2.0, radius, nose=rng.uniform(0.1, 0.28), tail=0.06, nose_power=rng.uniform(0.5, 0.95), nose_drop=0, tail_end=rng.uniform(0.7, 1.0))  # fmt: skip
    m.loft(rows, Part.FUSELAGE, columns=28, cap=Part.DARK)
    turn = float(rng.choice([0, 45]))

    def fins(x: float, root: float, tip: float, out: float, sweep: float, part: Part, n: int) -> None:
        for k in range(n):
            a = np.deg2rad(turn + 360 * k / n)
            d = np.array([0.0, np.cos(a), np.sin(a)])
            start, end = d * radius * 0.9 + [x, 0, 0], d * (radius + out) + [x - sweep, 0, 0]
            m.wing([(tuple(start), root), (tuple(end), tip)], part, thickness_ratio=0.05)

    root = rng.uniform(0.18, 0.34)
    fins(-0.97 + root, root, root * rng.uniform(0.35, 0.9), rng.uniform(0.1, 0.26), root * rng.uniform(0.1, 0.6), Part.FIN, int(rng.choice([3, 4, 4, 4])))  # fmt: skip
    kind = rng.random()
    if kind < 0.55:
        root = rng.uniform(0.1, 0.42)
        fins(rng.uniform(-0.05, 0.55), root, root * rng.uniform(0.2, 0.8), rng.uniform(0.08, 0.26), root * rng.uniform(0.2, 0.7), Part.TAIL, 4)  # fmt: skip
    elif kind < 0.75:
        stations = [((0.08, rng.uniform(0.4, 0.6), 0), 0.13)]
        mirrored_wing(m, (0.16, 0, 0), stations, Part.WING, root_chord=0.2)
    if rng.random() < 0.4:
        m.loft([(0.14, 0, 0, 0.002, 0.002), (0, 0, 0, radius * 0.4, radius * 0.4)], Part.ACCENT, offset=(0.97, 0, 0), columns=16)  # fmt: skip
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
    rows = [(1.0 - nose * q, 0, 0, max(upper * q**0.62, 0.004), max(upper * q**0.62, 0.004)) for q in k]
    rows += [(split + 0.06, 0, 0, upper, upper), (split, 0, 0, radius, radius), (-0.97, 0, 0, radius, radius)]  # fmt: skip
    m.loft(rows, Part.FUSELAGE, columns=28, cap=Part.DARK)
    m.loft([(0.0, 0, 0, radius * 0.35, radius * 0.35), (-0.09, 0, 0, radius * 0.6, radius * 0.6)], Part.DARK, offset=(-0.96, 0, 0), columns=18)  # fmt: skip
    kind = rng.random()
    if kind < 0.5:
        count = int(rng.choice([3, 4]))
        root, out = rng.uniform(0.2, 0.4), rng.uniform(0.1, 0.26)
        for j in range(count):
            a = 2 * np.pi * j / count
            d = np.array([0.0, np.cos(a), np.sin(a)])
            start, end = d * radius * 0.9 + [-0.97 + root, 0, 0], d * (radius + out) + [-0.97 + root * 0.4, 0, 0]  # fmt: skip
            m.wing([(tuple(start), root), (tuple(end), root * 0.5)], Part.FIN, thickness_ratio=0.05)
    elif kind < 0.8:
        count = int(rng.choice([2, 4]))
        for j in range(count):
            a = 2 * np.pi * j / count
            size, long = radius * rng.uniform(0.6, 0.95), rng.uniform(0.8, 1.3)
            rows = fuselage_rows(long, size, nose=0.22, tail=0.03, nose_power=0.7, nose_drop=0, tail_end=0.9)
            m.loft(rows, Part.STORE, offset=(-0.97 + long / 2, np.cos(a) * (radius + size), np.sin(a) * (radius + size)), columns=20, cap=Part.DARK)  # fmt: skip
    if rng.random() < 0.35:
        _flame(m, rng, -1.05, radius * 0.7, rng.uniform(0.2, 0.7))
    return m


def _flame(m: MeshBuilder, rng: Rng, x: float, radius: float, length: float) -> None:
    rows = [(-length * q, 0, 0, radius * (1 - q**1.5) * (1 + 0.5 * q) + 0.003, radius * (1 - q**1.5) * (1 + 0.5 * q) + 0.003) for q in np.linspace(0, 1, 8)]  # fmt: skip
    m.loft(rows, Part.FLAME, offset=(x, 0, 0), columns=14)


def airship(rng: Rng) -> MeshBuilder:
    """A blimp: long envelope, cross of fins, gondola, small propellers."""
    m = MeshBuilder()
    radius = rng.uniform(0.2, 0.31)
    rows = []
    for q in np.linspace(0, 1, 34):
        k = np.sqrt(max(1 - ((q - 0.4) / 0.4) ** 2, 0)) ** 0.85 if q < 0.4 else max(1 - ((q - 0.4) / 0.6) ** 2.1, 0.0)  # fmt: skip
        rows.append((1.0 - 2.0 * q, 0, 0, max(radius * k, 0.006), max(radius * k, 0.006)))
    m.loft(rows, Part.FUSELAGE, columns=36)
    turn, height = float(rng.choice([0, 45])), rng.uniform(0.16, 0.26)
    for k in range(4):
        a = np.deg2rad(90 + turn + 90 * k)
        d = np.array([0.0, np.cos(a), np.sin(a)])
        start, end = d * radius * 0.35 + [-0.52, 0, 0], d * (radius * 0.62 + height) + [-0.68, 0, 0]
        m.wing([(tuple(start), 0.34), (tuple(end), 0.22)], Part.FIN, thickness_ratio=0.07)
    x, low = rng.uniform(0.0, 0.3), -radius * 1.0
    m.loft([(0.2, 0, 0, 0.02, 0.02), (0.15, 0, 0, 0.055, 0.05), (-0.15, 0, 0, 0.055, 0.05), (-0.22, 0, 0, 0.02, 0.02)], Part.EXTRA, offset=(x, 0, low - 0.015), squareness=3, columns=18)  # fmt: skip
    m.loft([(0.17, 0, 0, 0.03, 0.015), (0.0, 0, 0, 0.058, 0.018), (-0.12, 0, 0, 0.057, 0.018)], Part.GLASS, offset=(x + 0.02, 0, low - 0.005), squareness=3, columns=16)  # fmt: skip
    for side in SIDES:
        m.loft([(0.06, 0, 0, 0.02, 0.02), (-0.06, 0, 0, 0.02, 0.02)], Part.ENGINE, offset=(x - 0.12, side * 0.12, low), columns=12)  # fmt: skip
        m.strut((x - 0.12, side * 0.04, low), (x - 0.12, side * 0.12, low), 0.008)
        m.propeller(rng, (x - 0.19, side * 0.12, low), 0.07, blades=2)
    return m


def hot_air_balloon(rng: Rng) -> MeshBuilder:
    """A hot air balloon: gored envelope, skirt, basket on ropes. Its loft runs from crown to mouth."""
    m = MeshBuilder()
    radius, mouth = rng.uniform(0.72, 0.84), rng.uniform(0.1, 0.15)
    neck = rng.uniform(1.05, 1.35)
    rows = []
    for q in np.linspace(0, 1, 44):
        if q < 0.5:
            a = np.pi / 2 * (q / 0.5)
            rows.append((radius * np.cos(a), 0, 0, max(radius * np.sin(a), 0.004), max(radius * np.sin(a), 0.004)))  # fmt: skip
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
    m.loft([(0.07, 0, 0, size, size), (-0.07, 0, 0, size * 0.9, size * 0.9)], Part.WICKER, offset=(0, 0, low), axis=UP, squareness=6, columns=20, cap=Part.DARK)  # fmt: skip
    for x in (-1, 1):
        for y in (-1, 1):
            m.strut((x * size * 0.7, y * size * 0.7, low + 0.05), (x * mouth * 0.6, y * mouth * 0.6, -neck - 0.1), 0.005, Part.DARK)  # fmt: skip
    for x in (-0.4, 0.3):
        m.loft([(0.1, 0, 0, 0.02, 0.02), (0, 0, 0, 0.028, 0.03)], Part.DARK, offset=(x * size, 0.2 * size, low + 0.07), axis=UP, columns=10)  # fmt: skip
    return m


def flying_saucer(rng: Rng) -> MeshBuilder:
    """A flying saucer: flat disc, dome, ring of lights."""
    m = MeshBuilder()
    flat, dome = rng.uniform(0.1, 0.24), rng.uniform(0.18, 0.36)
    rows = []
    for q in np.linspace(0, 1, 24):
        r = np.sin(np.pi * q) ** rng_rim(rng)
        rows.append((flat * np.cos(np.pi * q) * (0.9 if q < 0.5 else 0.7), 0, 0, max(r, 0.01), max(r, 0.01)))
    m.loft(rows, Part.FUSELAGE, axis=UP, columns=48)
    k = np.linspace(0, 1, 12)
    cap = [(dome * np.cos(np.pi / 2 * q) , 0, 0, max(0.42 * np.sin(np.pi / 2 * q), 0.004), max(0.42 * np.sin(np.pi / 2 * q), 0.004)) for q in k]  # fmt: skip
    part = Part.GLASS if rng.random() < 0.55 else Part.EXTRA
    m.loft(cap, part, offset=(0, 0, flat * 0.5), axis=UP, columns=32)
    if rng.random() < 0.6:
        count = int(rng.integers(8, 18))
        for j in range(count):
            a = 2 * np.pi * j / count
            m.loft([(0.03, 0, 0, 0.012, 0.012), (0.0, 0, 0, 0.04, 0.04)], Part.ACCENT, offset=(0.8 * np.cos(a), 0.8 * np.sin(a), flat * 0.22), axis=UP, columns=10)  # fmt: skip
    if rng.random() < 0.35:
        for j in range(3):
            a = 2 * np.pi * j / 3
            m.strut((0.4 * np.cos(a), 0.4 * np.sin(a), -flat * 0.5), (0.55 * np.cos(a), 0.55 * np.sin(a), -flat - 0.2), 0.02)  # fmt: skip
    return m


def rng_rim(rng: Rng) -> float:
    """Returns the exponent that sharpens a saucer's rim."""
    return float(rng.uniform(0.75, 1.0))


def bird(rng: Rng) -> MeshBuilder:
    """A bird in flight, wings at any beat: a distractor, never labelled."""
    m = MeshBuilder()
    m.loft([(0.42, 0, 0.03, 0.01, 0.01), (0.34, 0, 0.03, 0.05, 0.05), (0.22, 0, 0.02, 0.05, 0.05), (0.0, 0, 0, 0.1, 0.09), (-0.3, 0, 0, 0.05, 0.05), (-0.4, 0, 0, 0.03, 0.02)], Part.FUSELAGE, columns=16)  # fmt: skip
    m.loft([(0.09, 0, -0.01, 0.003, 0.003), (0.0, 0, 0, 0.018, 0.018)], Part.ACCENT, offset=(0.41, 0, 0.03), columns=8)  # fmt: skip
    beat, fold = rng.uniform(-0.5, 0.7), rng.uniform(0.6, 1.0)
    for side in SIDES:
        elbow = (0.2, side * 0.38 * fold, beat * 0.42)
        tip = (rng.uniform(-0.3, 0.1), side * 0.95 * fold, beat * rng.uniform(0.1, 1.0))
        m.wing([((0.16, side * 0.05, 0.02), 0.28), (elbow, 0.27), (tip, 0.06)], Part.WING, thickness_ratio=0.05, tip=Part.ACCENT)  # fmt: skip
    mirrored_wing(m, (-0.32, 0, 0), [((-0.42, rng.uniform(0.08, 0.18), 0), 0.18)], Part.TAIL, root_chord=0.2, thickness_ratio=0.03)  # fmt: skip
    return m


def kite(rng: Rng) -> MeshBuilder:
    """A toy kite with a tail: a distractor."""
    m = MeshBuilder()
    wide, low = rng.uniform(0.5, 0.8), rng.uniform(0.8, 1.2)
    for side in SIDES:
        outline = np.array([[[0, 0, 0.6], [0, side * wide, 0.1]], [[0.05, 0, -0.2], [0, side * wide * 0.5, -0.4]], [[0, 0, -low], [0, 0, -low]]])  # fmt: skip
        uv = np.array([[[0, 0], [0, 1]], [[0.5, 0], [0.5, 1]], [[1, 0], [1, 1]]], float)
        m.grid(outline.astype(float), uv, Part.WING if side > 0 else Part.FUSELAGE)
    points = [(0.02 * k, 0.12 * np.sin(k * 0.9 + rng.uniform(0, 6)), -low - 0.14 * k) for k in range(8)]
    for a, b in zip(points[:-1], points[1:], strict=True):
        m.strut(a, b, 0.012, Part.ACCENT)
    return m


def toy_balloon(rng: Rng) -> MeshBuilder:
    """A party balloon with a string: a distractor."""
    m = MeshBuilder()
    k = np.linspace(0, 1, 20)
    rows = [(0.5 - 1.15 * q, 0, 0, max(0.45 * np.sin(np.pi * q**0.8) ** 0.8, 0.006), max(0.45 * np.sin(np.pi * q**0.8) ** 0.8, 0.006)) for q in k]  # fmt: skip
    m.loft(rows, Part.FUSELAGE, axis=UP, columns=26)
    m.loft([(0.0, 0, 0, 0.02, 0.02), (-0.06, 0, 0, 0.05, 0.05)], Part.FUSELAGE, offset=(0, 0, -0.64), axis=UP, columns=10)  # fmt: skip
    m.strut((0, 0, -0.7), (rng.uniform(-0.2, 0.2), 0, -0.7 - rng.uniform(0.3, 1.0)), 0.006, Part.DARK)
    return m


def paraglider(rng: Rng) -> MeshBuilder:
    """A paraglider's curved canopy with its pilot below: a distractor."""
    m = MeshBuilder()
    wide, arch = rng.uniform(0.8, 1.0), rng.uniform(0.25, 0.5)
    for side in SIDES:
        stations = [((0.0, side * wide * s, -arch * s**2), 0.36 * np.sqrt(1.04 - s**2)) for s in (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)]  # fmt: skip
        m.wing(stations, Part.WING, thickness_ratio=0.16)
    pilot = (0.0, 0.0, -1.1)
    m.loft([(0.1, 0, 0, 0.03, 0.03), (0.0, 0, 0, 0.07, 0.06), (-0.12, 0, 0, 0.05, 0.05)], Part.DARK, offset=pilot, axis=(0.5, 0, 1), columns=12)  # fmt: skip
    for y in (-0.8, -0.4, 0.0, 0.4, 0.8):
        m.strut((-0.1, y * wide, -arch * y**2), pilot, 0.003, Part.DARK)
    return m

