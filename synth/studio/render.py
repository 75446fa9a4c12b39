"""Renders one painted mesh to RGBA and to the caption colour of every pixel, with OpenGL.

Needs moderngl and an EGL driver (Mesa's llvmpipe is enough: `apt install libegl1 libgl1-mesa-dri`);
part of requirements-train.txt, never needed to run the app.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError, MissingPackageError
from core.packages import INSTALL_TRAIN, require
from synth.studio.livery import LAYERS, Livery
from synth.studio.mesh import PAINTED_PARTS, Mesh

if TYPE_CHECKING:
    import moderngl

NO_LABEL = 255
_SHADOW_PX = 768
_SUPERSAMPLING = 2
_MAX_PX = 1024


@dataclass(frozen=True, slots=True)
class View:
    """Where the camera stands and how the object flies.

    Degrees: `yaw_deg` turns the nose (0 = towards the camera's right), `pitch_deg` lifts it,
    `roll_deg` banks; `elevation_deg` is the camera's height over the object, negative where it
    is seen from below. `distance` is in object lengths.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    elevation_deg: float
    distance: float


@dataclass(frozen=True, slots=True)
class Light:
    """Sun and sky, linear RGB; `sun` points towards the sun in the world frame."""

    sun: NDArray[np.float64]
    sun_color: NDArray[np.float64]
    zenith: NDArray[np.float64]
    horizon: NDArray[np.float64]
    ground: NDArray[np.float64]
    exposure: float


@dataclass(frozen=True, slots=True)
class Rendered:
    """rgba (h, w, 4) uint8 straight alpha, cropped; label (H, W) row of `COLORS`, 255 = none."""

    rgba: NDArray[np.uint8]
    label: NDArray[np.uint8]


class Studio:
    """An offscreen OpenGL context with the program loaded; a context manager, one per process.

    Raises:
        MissingPackageError: moderngl or a driver for it is not installed.
    """

    def __init__(self) -> None:
        require("moderngl", install=INSTALL_TRAIN)
        import moderngl

        try:
            self._gl = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
        except Exception as error:  # its drivers raise whatever they like
            raise MissingPackageError(
                f"no OpenGL to render with: {error}.",
                "Run: apt install libegl1 libgl1-mesa-dri (software rendering is enough).",
            ) from error
        source = (Path(__file__).parent / "shader.glsl").read_text(encoding="utf-8")
        self._program = self._gl.program(
            vertex_shader="#version 330\n#define VERTEX\n" + source,
            fragment_shader="#version 330\n#define FRAGMENT\n" + source,
        )
        self._depth_program = self._gl.program(
            vertex_shader="#version 330\nin vec3 in_position; uniform mat4 u_sun_clip;"
            "void main() { gl_Position = u_sun_clip * vec4(in_position, 1.0); }",
            fragment_shader="#version 330\nvoid main() {}",
        )
        self._shadow = self._gl.depth_texture((_SHADOW_PX, _SHADOW_PX))
        self._shadow.compare_func = ""
        self._shadow_target = self._gl.framebuffer(depth_attachment=self._shadow)
        side = _MAX_PX
        self._color = self._gl.texture((side, side), 4)
        self._label = self._gl.texture((side, side), 4)
        depth = self._gl.depth_renderbuffer((side, side))
        self._target = self._gl.framebuffer([self._color, self._label], depth)
        self._color_target = self._gl.framebuffer([self._color], depth)

    def __enter__(self) -> Studio:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gl.release()

    def render(
        self, mesh: Mesh, livery: Livery, view: View, light: Light, size_px: int
    ) -> Rendered:
        """Returns the object as seen, its longest side about `size_px` (at most 480).

        Raises:
            InputError: the size is out of range.
        """
        if not 16 <= size_px <= 480:
            raise InputError(f"size_px must be in [16, 480], got {size_px}")
        rotation, camera, clip, wh = _projection(mesh.positions, view, size_px * _SUPERSAMPLING)
        sun_body = light.sun @ rotation
        sun_clip = _sun_clip(mesh.positions, sun_body)
        vertices = np.column_stack([mesh.positions, mesh.normals, mesh.uv, mesh.part])
        buffer = self._gl.buffer(vertices.astype("f4").tobytes())
        solid = self._array(self._program, buffer, mesh.faces)
        shade = self._array(self._depth_program, buffer, mesh.faces)
        decal = self._gl.texture(livery.decal.shape[::-1], 1, livery.decal.tobytes())
        try:
            self._set_uniforms(livery, light, rotation, camera, clip, sun_clip)
            self._gl.enable_only(self._gl.DEPTH_TEST)
            self._shadow_target.use()
            self._shadow_target.clear(depth=1.0)
            _write(self._depth_program, "u_sun_clip", sun_clip.T)
            shade.render()
            self._target.use()
            self._target.viewport = (0, 0, *wh)
            self._target.clear(0, 0, 0, 0)
            self._shadow.use(0)
            decal.use(1)
            solid.render()
            if len(mesh.translucent_faces):
                self._render_translucent(buffer, mesh, wh)
            return self._read(wh)
        finally:
            for resource in (solid, shade, buffer, decal):
                resource.release()

    def _array(
        self, program: moderngl.Program, buffer: moderngl.Buffer, faces: NDArray[np.int32]
    ) -> moderngl.VertexArray:
        index = self._gl.buffer(np.ascontiguousarray(faces).tobytes())
        names = ("in_position", "in_normal", "in_uv", "in_part")
        widths = (3, 3, 2, 1)
        layout = " ".join(
            f"{w}f" if n in program else f"{w * 4}x" for n, w in zip(names, widths, strict=True)
        )
        present = [n for n in names if n in program]
        return self._gl.vertex_array(program, [(buffer, layout, *present)], index)

    def _render_translucent(self, buffer: moderngl.Buffer, mesh: Mesh, wh: tuple[int, int]) -> None:
        blurred = self._array(self._program, buffer, mesh.translucent_faces)
        self._color_target.use()
        self._color_target.viewport = (0, 0, *wh)
        self._gl.enable(self._gl.BLEND)
        self._gl.blend_func = (self._gl.ONE, self._gl.ONE_MINUS_SRC_ALPHA)
        self._color_target.depth_mask = False
        _uniform(self._program, "u_translucent").value = 1
        blurred.render()
        self._color_target.depth_mask = True
        blurred.release()

    def _set_uniforms(
        self,
        livery: Livery,
        light: Light,
        rotation: NDArray[np.float64],
        camera: NDArray[np.float64],
        clip: NDArray[np.float64],
        sun_clip: NDArray[np.float64],
    ) -> None:
        values = {
            "u_clip": clip.T,
            "u_sun_clip": sun_clip.T,
            "u_rotation": rotation.T,
            "u_camera": camera,
            "u_sun": light.sun,
            "u_sun_color": light.sun_color,
            "u_zenith": light.zenith,
            "u_horizon": light.horizon,
            "u_ground": light.ground,
            "u_palette": livery.palette,
            "u_palette_gloss": livery.gloss,
            "u_layer_param": livery.params.reshape(PAINTED_PARTS * LAYERS, 4),
        }
        for name, value in values.items():
            if name in self._program:
                _write(self._program, name, value)
        integers = {"u_layer": livery.layers, "u_palette_label": livery.labels}
        for name, whole in integers.items():
            _uniform(self._program, name).write(np.ascontiguousarray(whole, "i4").tobytes())
        scalars = {
            "u_weather": livery.weather,
            "u_panel": livery.panel,
            "u_seed": livery.seed,
            "u_disc_alpha": livery.disc_alpha,
            "u_exposure": light.exposure,
            "u_translucent": 0,
            "u_shadow": 0,
            "u_decal": 1,
        }
        for name, scalar in scalars.items():
            if name in self._program:
                _uniform(self._program, name).value = scalar

    def _read(self, wh: tuple[int, int]) -> Rendered:
        w, h = wh
        color = np.frombuffer(self._color_target.read((0, 0, w, h), 4), np.uint8)
        label = np.frombuffer(self._target.read((0, 0, w, h), 4, attachment=1), np.uint8)
        color = color.reshape(h, w, 4)[::-1]
        label = label.reshape(h, w, 4)[::-1]
        seen = np.where(label[..., 3] > 0, label[..., 0], NO_LABEL).astype(np.uint8)
        small = (w // _SUPERSAMPLING, h // _SUPERSAMPLING)
        # The buffer holds premultiplied colour, the right thing to average.
        flat = cv2.resize(color.astype(np.float32), small, interpolation=cv2.INTER_AREA)
        rgb = flat[..., :3] * (255.0 / np.maximum(flat[..., 3:], 1.0))
        rgba = np.dstack([np.clip(rgb, 0, 255), flat[..., 3]]).round().astype(np.uint8)
        rows, columns = np.nonzero(rgba[..., 3] > 8)
        if not len(rows):
            return Rendered(rgba, seen)
        box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        return Rendered(np.ascontiguousarray(rgba[box]), seen)


def _uniform(program: moderngl.Program, name: str) -> moderngl.Uniform:
    import moderngl

    uniform = program[name]
    assert isinstance(uniform, moderngl.Uniform)
    return uniform


def _write(program: moderngl.Program, name: str, value: NDArray[np.float64]) -> None:
    _uniform(program, name).write(np.ascontiguousarray(value, "f4").tobytes())


def _rotation(axis: int, angle_deg: float) -> NDArray[np.float64]:
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    matrix = np.eye(3)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def _projection(
    positions: NDArray[np.float64], view: View, size_px: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], tuple[int, int]]:
    """Returns body-to-world rotation, camera position, clip matrix and (width, height)."""
    rotation = (
        _rotation(2, view.yaw_deg) @ _rotation(1, -view.pitch_deg) @ _rotation(0, view.roll_deg)
    )
    world = positions @ rotation.T
    center = (world.max(0) + world.min(0)) / 2
    radius = float(np.linalg.norm(world - center, axis=1).max())
    e = np.deg2rad(view.elevation_deg)
    # The camera looks along +y (rotated by the elevation), so that yaw 0 shows the right side.
    backward = np.array([0.0, -np.cos(e), np.sin(e)])
    right = np.array([1.0, 0.0, 0.0])
    up = np.cross(backward, right)
    distance = max(view.distance, 1.3) * radius * 2
    camera = center + backward * distance
    basis = np.stack([right, up, backward])
    local = (world - camera) @ basis.T
    plane = local[:, :2] / -local[:, 2:]
    low, high = plane.min(0), plane.max(0)
    margin = (high - low).max() * 4 / size_px
    low, high = low - margin, high + margin
    extent = high - low
    wh = np.maximum(np.ceil(extent / extent.max() * size_px / 2).astype(int) * 2, 8)
    near, far = distance - radius * 1.05, distance + radius * 1.05
    projection = np.zeros((4, 4))
    projection[0, 0], projection[0, 2] = 2 / extent[0], (high[0] + low[0]) / extent[0]
    projection[1, 1], projection[1, 2] = 2 / extent[1], (high[1] + low[1]) / extent[1]
    projection[2, 2], projection[2, 3] = (
        -(far + near) / (far - near),
        -2 * far * near / (far - near),
    )
    projection[3, 2] = -1
    modelview = np.eye(4)
    modelview[:3, :3] = basis @ rotation
    modelview[:3, 3] = -basis @ camera
    return rotation, camera, projection @ modelview, (int(wh[0]), int(wh[1]))


def _sun_clip(positions: NDArray[np.float64], sun_body: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the orthographic clip matrix of the shadow map, in body coordinates."""
    backward = sun_body / np.linalg.norm(sun_body)
    helper = np.array([0.0, 0, 1]) if abs(backward[2]) < 0.9 else np.array([1.0, 0, 0])
    right = np.cross(helper, backward)
    right /= np.linalg.norm(right)
    basis = np.stack([right, np.cross(backward, right), -backward])
    local = positions @ basis.T
    low, high = local.min(0) - 0.02, local.max(0) + 0.02
    matrix = np.eye(4)
    matrix[:3, :3] = basis * (2 / (high - low))[:, None]
    matrix[:3, 3] = -(high + low) / (high - low)
    return matrix
