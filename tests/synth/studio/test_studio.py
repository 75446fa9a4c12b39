"""The studio's shapes, paint, words and pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from synth.studio.__main__ import main
from synth.studio.gallery import Job, render_library, visible_colors
from synth.studio.identity import TYPES, sample_identity
from synth.studio.livery import LAYERS, NO_LABEL, Kind, Row, new_livery
from synth.studio.mesh import MeshBuilder, Part
from synth.words import COLORS


def _has_opengl() -> bool:
    try:
        import moderngl

        moderngl.create_context(standalone=True, backend="egl").release()
    except Exception:  # any failure means the same: nothing to draw with
        return False
    return True


needs_opengl = pytest.mark.skipif(
    not _has_opengl(),
    reason="no OpenGL: pip install moderngl; apt install libegl1 libgl1-mesa-dri",
)


@pytest.mark.parametrize("kind", [t.name for t in TYPES])
def test_every_type_is_a_finite_closed_set_of_triangles(kind: str) -> None:
    for seed in range(6):
        mesh = sample_identity(seed, kind).mesh
        assert np.isfinite(mesh.positions).all()
        assert np.abs(np.linalg.norm(mesh.normals, axis=1) - 1).max() < 1e-6
        assert mesh.faces.max() < len(mesh.positions)
        assert 0.5 < np.ptp(mesh.positions, axis=0).max() < 5


def test_an_identity_follows_from_its_seed_alone() -> None:
    one, same, other = sample_identity(7), sample_identity(7), sample_identity(8)
    assert one.name == same.name != other.name
    assert np.array_equal(one.mesh.positions, same.mesh.positions)
    assert np.array_equal(one.livery.layers, same.livery.layers)
    assert np.array_equal(one.livery.palette, same.livery.palette)


def test_unknown_type_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="known: commercial aircraft"):
        sample_identity(1, "submarine")


def test_two_identities_of_a_type_differ_in_shape_and_paint() -> None:
    shapes = {sample_identity(s, "fighter jet").mesh.positions.tobytes() for s in range(8)}
    assert len(shapes) == 8


def test_loft_caps_its_open_ends_with_the_given_part() -> None:
    builder = MeshBuilder()
    builder.loft([(1, 0, 0, 1, 1), (-1, 0, 0, 1, 1)], Part.ENGINE, cap=Part.DARK)
    mesh = builder.build()
    assert {Part.ENGINE, Part.DARK} == {Part(int(p)) for p in set(mesh.part.tolist())}


def test_wing_keeps_span_and_chord() -> None:
    builder = MeshBuilder()
    builder.wing([((0, 0, 0), 1.0), ((0, 2.0, 0), 0.5)], Part.WING, thickness_ratio=0.1)
    low, high = builder.build().positions.min(0), builder.build().positions.max(0)
    assert np.allclose([low[0], high[0], high[1]], [-1.0, 0.0, 2.0], atol=1e-6)
    assert high[2] - low[2] == pytest.approx(0.1, abs=0.02)


def test_a_full_stack_of_layers_keeps_its_ground_and_its_newest() -> None:
    rng = np.random.default_rng(0)
    livery = new_livery(rng, ["white", "red"], camouflage=False, text="AB")
    for _ in range(LAYERS + 3):
        livery.paint(Part.FIN, Kind.ALONG, Row.SECOND, 0.0, 0.5)
    livery.paint(Part.FIN, Kind.ALONG, Row.MARK, 0.9, 1.0)
    assert livery.layers[Part.FIN, 0].tolist() == [Kind.ALL, Row.FIRST]
    assert livery.layers[Part.FIN, -1].tolist() == [Kind.ALONG, Row.MARK]


@pytest.mark.parametrize("colors", [[], ["pink"], ["white", "red", "blue", "green"]])
def test_livery_refuses_what_captions_cannot_say(colors: list[str]) -> None:
    with pytest.raises(InputError, match="one to three of white"):
        new_livery(np.random.default_rng(0), colors, camouflage=False, text="")


def test_job_arguments_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 1"):
        render_library(Job(tmp_path, 0, 1, 0, (60, 90), "png"))
    with pytest.raises(InputError, match="png or webp"):
        render_library(Job(tmp_path, 1, 1, 0, (60, 90), "gif"))


@needs_opengl
def test_the_caption_names_the_colors_that_show() -> None:
    from synth.studio.camera import sample_light
    from synth.studio.render import Studio, View

    identity = sample_identity(3, "airship")
    livery = new_livery(np.random.default_rng(1), ["red", "white"], camouflage=False, text="X")
    livery.paint([Part.FUSELAGE], Kind.ALONG, Row.SECOND, 0.6, 2.0)
    light = sample_light(np.random.default_rng(2))
    with Studio() as studio:
        picture = studio.render(identity.mesh, livery, View(0, 0, 0, 0, 6), light, 120)
    colors = visible_colors(picture.label)
    assert list(colors) == ["red", "white"]
    assert sum(colors.values()) == pytest.approx(1.0, abs=0.05)
    shown = set(np.unique(picture.label)) - {NO_LABEL}
    assert shown == {COLORS.index("red"), COLORS.index("white")}


@needs_opengl
def test_pictures_are_cropped_to_their_alpha_and_straight() -> None:
    from synth.studio.camera import sample_light, sample_view
    from synth.studio.render import Studio

    rng = np.random.default_rng(5)
    identity = sample_identity(5, "light aircraft")
    with Studio() as studio:
        rgba = studio.render(
            identity.mesh,
            identity.livery,
            sample_view(rng, "light aircraft"),
            sample_light(rng),
            100,
        ).rgba
    alpha = rgba[..., 3]
    assert max(rgba.shape[:2]) <= 100
    for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
        assert edge.max() > 8
    # Straight alpha: a half covered pixel keeps the paint's colour instead of darkening.
    half = (alpha > 60) & (alpha < 200)
    assert rgba[half][:, :3].max(1).mean() > 0.4 * rgba[alpha > 250][:, :3].max(1).mean()


@needs_opengl
def test_a_library_continues_where_it_was_cut_off(tmp_path: Path) -> None:
    job = Job(tmp_path, 3, 2, 40, (40, 60), "png", ("drone", "rocket"))
    assert render_library(job) == 6
    index = tmp_path / "cutouts.jsonl"
    first = index.read_text("utf-8").splitlines()
    index.write_text("\n".join(first[:3]) + "\n" + first[3][:20], "utf-8")
    assert render_library(job) == 6
    again = index.read_text("utf-8").splitlines()
    assert sorted(again) == sorted(first)
    names = {json.loads(line)["class_name"] for line in again}
    assert names == {"drone", "rocket"}
    more = Job(tmp_path, 1, 2, 60, (40, 60), "png", ("drone",))
    seen = []
    assert render_library(more, lambda *counts: seen.append(counts)) == 8
    assert seen == [(1, 2), (2, 2)]  # of what was asked for, not of all that is there


def test_the_committed_gallery_is_whole() -> None:
    gallery = Path(__file__).parents[3] / "assets" / "cutouts"
    lines = [json.loads(row) for row in (gallery / "cutouts.jsonl").read_text("utf-8").splitlines()]
    assert len({line["identity"] for line in lines}) >= 120
    assert {t.name for t in TYPES} == {line["class_name"] for line in lines}
    assert all((gallery / line["file"]).is_file() for line in lines)
    assert sum((gallery / line["file"]).stat().st_size for line in lines) < 12e6


def test_without_moderngl_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "moderngl", None)
    monkeypatch.setattr("core.packages.find_spec", lambda name: None)
    for module in ("render", "camera"):  # as if nobody had imported them
        monkeypatch.delitem(sys.modules, f"synth.studio.{module}", raising=False)
    assert main(["--out", str(tmp_path / "cutouts"), "--identities", "1"]) == 2
    told = capsys.readouterr().err
    assert "needs moderngl" in told
    assert "pip install -r requirements-train.txt" in told
    assert not (tmp_path / "cutouts").exists(), "nothing is begun"
