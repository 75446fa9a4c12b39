"""Parametric surfaces gathered into one triangle mesh: lofts, wings, discs and blades.

Body frame: x forward, y left, z up; a fuselage is about 2 units long. Every surface is a regular
grid of points, so that normals come from finite differences and patterns from its (u, v).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Vec3 = tuple[float, float, float]
FloatArray = NDArray[np.float64]


class Part(IntEnum):
    """What a surface is; liveries paint by part. The first ten take paint, the rest are fixed."""

    FUSELAGE = 0
    WING = 1
    FIN = 2
    TAIL = 3
    ENGINE = 4
    ACCENT = 5
    BOOM = 6
    BELLY = 7
    EXTRA = 8
    STORE = 9
    DARK = 10
    METAL = 11
    GLASS = 12
    BLADE = 13
    ROTOR_DISC = 14
    FLAME = 15
    WICKER = 16


PAINTED_PARTS = 10


@dataclass(slots=True)
class Mesh:
    """Triangles: positions (n, 3), normals (n, 3), uv (n, 2), part (n,), faces (m, 3)."""

    positions: FloatArray
    normals: FloatArray
    uv: FloatArray
    part: NDArray[np.float32]
    faces: NDArray[np.int32]
    translucent_faces: NDArray[np.int32]


@dataclass(slots=True)
class MeshBuilder:
    """Collects surfaces; `build` joins them."""

    _chunks: list[tuple[FloatArray, FloatArray, FloatArray, int]] = field(default_factory=list)
    _faces: list[NDArray[np.int32]] = field(default_factory=list)
    _translucent: list[NDArray[np.int32]] = field(default_factory=list)
    _size: int = 0

    def grid(self, points: FloatArray, uv: FloatArray, part: Part) -> None:
        """Adds a surface: (rows, columns, 3) points with their (rows, columns, 2) uv."""
        rows, columns, _ = points.shape
        along = np.gradient(points, axis=0)
        across = np.gradient(points, axis=1)
        normals = np.cross(along, across)
        length = np.linalg.norm(normals, axis=2, keepdims=True)
        # Poles of a loft have no direction of their own: the neighbouring ring lends its normal.
        normals = np.where(length > 1e-12, normals / np.maximum(length, 1e-12), [0.0, 0.0, 1.0])
        index = np.arange(rows * columns).reshape(rows, columns) + self._size
        a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
        faces = np.concatenate(
            [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
        ).astype(np.int32)
        chunk = (points.reshape(-1, 3), normals.reshape(-1, 3), uv.reshape(-1, 2), int(part))
        self._chunks.append(chunk)
        (self._translucent if part in (Part.ROTOR_DISC, Part.FLAME) else self._faces).append(faces)
        self._size += rows * columns

    def loft(
        self,
        sections: Sequence[Sequence[float]],
        part: Part,
        *,
        offset: Vec3 = (0.0, 0.0, 0.0),
        axis: Vec3 = (1.0, 0.0, 0.0),
        squareness: float = 2.0,
        columns: int = 28,
        cap: Part | None = None,
    ) -> None:
        """Adds a tube through superellipses.

        Args:
            sections: rows (x, cy, cz, ry, rz), from front to back.
            part: what it is.
            offset: where the local origin lies.
            axis: direction of the local x axis (the tube's own axis).
            squareness: superellipse exponent; 2 is an ellipse, 4 nearly a box.
            columns: points around.
            cap: part of the flat discs that close open ends; None closes with `part`.
        """
        rows = np.asarray(sections, float)
        angle = np.linspace(-np.pi, np.pi, columns + 1)
        cosine, sine = np.cos(angle), np.sin(angle)
        power = 2.0 / squareness
        ring_y = np.sign(cosine) * np.abs(cosine) ** power
        ring_z = np.sign(sine) * np.abs(sine) ** power
        points = np.empty((len(rows), columns + 1, 3))
        points[..., 0] = rows[:, :1]
        points[..., 1] = rows[:, 1:2] + rows[:, 3:4] * ring_y
        points[..., 2] = rows[:, 2:3] + rows[:, 4:5] * ring_z
        x = rows[:, 0]
        u = (x - x[0]) / (x[-1] - x[0] if x[-1] != x[0] else 1.0)
        uv = np.stack(np.broadcast_arrays(u[:, None], (angle / (2 * np.pi))[None, :]), -1)
        frame = _frame(axis)
        self.grid(points @ frame + np.asarray(offset), uv, part)
        for end in (0, -1):
            if max(rows[end, 3:5]) > 1e-3:
                rim = points[end]
                middle = np.broadcast_to(rim[:-1].mean(0), rim.shape)
                disc = np.stack([middle, rim]) @ frame + np.asarray(offset)
                cap_uv = np.broadcast_to(uv[end], (2, columns + 1, 2))
                self.grid(disc, np.ascontiguousarray(cap_uv), part if cap is None else cap)

    def wing(
        self,
        stations: Sequence[tuple[Vec3, float]],
        part: Part,
        *,
        thickness_ratio: float = 0.11,
        camber: float = 0.0,
        points: int = 9,
        tip: Part | None = None,
    ) -> None:
        """Adds an aerofoil through (leading edge, chord) stations, root first; chords run to -x.

        uv is (chord fraction, span fraction); the upper and the lower side share it.
        """
        edges = np.array([s[0] for s in stations], float)
        chords = np.array([s[1] for s in stations], float)
        rows = max(6, 4 * (len(stations) - 1) + 1)
        length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(edges, axis=0), axis=1))]
        span = np.linspace(0, 1, rows) * length[-1]
        edge = np.stack([np.interp(span, length, edges[:, k]) for k in range(3)], -1)
        chord = np.interp(span, length, chords)
        direction = np.gradient(edge, axis=0)
        normal = np.cross(np.array([1.0, 0.0, 0.0]), direction)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        q = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, points))
        # NACA four-digit half thickness, closed trailing edge (NACA Report 460).
        half = 5 * (0.2969 * np.sqrt(q) - 0.126 * q - 0.3516 * q**2 + 0.2843 * q**3 - 0.1036 * q**4)
        loop_q = np.r_[q[::-1], q[1:]]
        loop_h = np.r_[half[::-1], -half[1:]] * thickness_ratio + camber * np.sin(np.pi * loop_q)
        grid = edge[:, None, :] - np.array([1.0, 0, 0]) * (chord[:, None] * loop_q)[..., None]
        grid = grid + normal[:, None, :] * (chord[:, None] * loop_h)[..., None]
        s = span / max(length[-1], 1e-9)
        uv = np.stack(np.broadcast_arrays(loop_q[None, :], s[:, None]), -1)
        self.grid(grid, uv, part)
        closing = np.stack([grid[-1], grid[-1][::-1]])
        self.grid(closing, np.ascontiguousarray(uv[[-1, -1]]), part if tip is None else tip)

    def disc(
        self, center: Vec3, radius: float, axis: Vec3, part: Part, *, inner: float = 0.0
    ) -> None:
        """Adds a flat ring; u runs from the hub (0) to the rim (1), v around."""
        angle = np.linspace(-np.pi, np.pi, 41)
        r = np.linspace(inner, radius, 5)
        flat = np.stack(
            np.broadcast_arrays(0.0, r[:, None] * np.cos(angle), r[:, None] * np.sin(angle)), -1
        )
        uv = np.stack(np.broadcast_arrays(r[:, None] / radius, angle / (2 * np.pi)), -1)
        self.grid(flat @ _frame(axis) + np.asarray(center), np.ascontiguousarray(uv), part)

    def blade(
        self,
        center: Vec3,
        radius: float,
        angle_deg: float,
        width: float,
        axis: Vec3,
        part: Part = Part.BLADE,
        *,
        inner: float = 0.0,
        droop: float = 0.0,
        twist_deg: float = 12.0,
    ) -> None:
        """Adds one blade from the hub outwards; positive `droop` bends it along -axis."""
        r = np.linspace(inner, radius, 7)
        k = r / radius
        half = 0.5 * width * np.interp(k, [0, 0.12, 0.3, 0.9, 1.0], [0.45, 0.6, 1.0, 0.95, 0.55])
        a, twist = np.deg2rad(angle_deg), np.deg2rad(twist_deg)
        radial = np.array([0.0, np.cos(a), np.sin(a)])
        side = np.array([0.0, -np.sin(a), np.cos(a)]) * np.cos(twist) + np.array(
            [1.0, 0, 0]
        ) * np.sin(twist)
        middle = r[:, None] * radial - np.array([1.0, 0, 0]) * (droop * radius * k**2)[:, None]
        offsets = np.stack([-half, half], 1)[..., None] * side
        grid = (middle[:, None, :] + offsets) @ _frame(axis) + np.asarray(center)
        uv = np.stack(np.broadcast_arrays(np.array([0.0, 1.0])[None, :], k[:, None]), -1)
        self.grid(grid, np.ascontiguousarray(uv), part)

    def propeller(
        self,
        rng: np.random.Generator,
        center: Vec3,
        radius: float,
        axis: Vec3 = (1.0, 0.0, 0.0),
        *,
        blades: int | None = None,
        width: float | None = None,
        part: Part = Part.BLADE,
    ) -> None:
        """Adds a propeller: standing blades, a blurred disc, or both, as a shutter catches it."""
        count = int(rng.integers(2, 5)) if blades is None else blades
        start, look = rng.uniform(0, 360), rng.random()
        if look < 0.62:
            for k in range(count):
                size = radius * 0.13 if width is None else width
                self.blade(center, radius, start + 360 * k / count, size, axis, part, twist_deg=25)
        if look > 0.42:
            self.disc(center, radius, axis, Part.ROTOR_DISC, inner=0.06 * radius)

    def strut(self, start: Vec3, end: Vec3, radius: float, part: Part = Part.METAL) -> None:
        """Adds a thin rod between two points."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        length = float(np.linalg.norm(b - a))
        if length < 1e-6:
            return
        axis = tuple((b - a) / length)
        rows = [(0, 0, 0, radius, radius), (length, 0, 0, radius, radius)]
        self.loft(rows, part, offset=tuple(a), axis=axis, columns=8)

    def wheel(self, center: Vec3, radius: float, *, fairing: Part | None = None) -> None:
        """Adds a wheel on a lateral axle, inside a teardrop fairing where a part is given."""
        w = radius * 0.35
        tyre = [(-w, 0, 0, radius * 0.8, radius * 0.8), (0, 0, 0, radius, radius)]
        tyre.append((w, 0, 0, radius * 0.8, radius * 0.8))
        self.loft(tyre, Part.DARK, offset=center, axis=(0, 1, 0), columns=14)
        if fairing is not None:
            pod = [(1.5, 0, 0.1, 0.03, 0.03), (1.1, 0, 0.15, 0.5, 0.6), (0.2, 0, 0.2, 0.62, 0.85)]
            pod += [(-1.0, 0, 0.2, 0.4, 0.5), (-2.1, 0, 0.25, 0.05, 0.05)]
            scaled = [tuple(radius * value for value in row) for row in pod]
            self.loft(scaled, fairing, offset=center, columns=12)

    def build(self) -> Mesh:
        """Returns everything added so far as one mesh."""
        none = np.zeros((0, 3), np.int32)
        return Mesh(
            positions=np.concatenate([c[0] for c in self._chunks]),
            normals=np.concatenate([c[1] for c in self._chunks]),
            uv=np.concatenate([c[2] for c in self._chunks]),
            part=np.concatenate([np.full(len(c[0]), c[3], np.float32) for c in self._chunks]),
            faces=np.concatenate(self._faces) if self._faces else none,
            translucent_faces=np.concatenate(self._translucent) if self._translucent else none,
        )


def _frame(axis: Vec3) -> FloatArray:
    """Rows are the world directions of local x (along `axis`), y and z."""
    x = np.asarray(axis, float)
    x = x / np.linalg.norm(x)
    if abs(x[0]) > 0.999:
        return np.diag([np.sign(x[0]), np.sign(x[0]), 1.0])
    up = np.array([0.0, 0.0, 1.0]) if abs(x[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    y = np.cross(up, x)
    y /= np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)])
