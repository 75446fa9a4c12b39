"""Computed backgrounds: every kind, repeatable, with its metadata."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synth.backgrounds import KINDS, paint_background, write_backgrounds
from synth.landscape.noise import band, power, profile, ridges, sample, smoothstep
from synth.landscape.terrain import Ground, cast
from synth.landscape.view import Sun, View, develop

SMALL = (64, 40)


@pytest.mark.parametrize("kind", ["clear sky", "overcast", "sea", "dunes", "small cumulus"])
def test_a_kind_is_painted_and_repeats(kind: str) -> None:
    a, b = (paint_background(kind, rng=np.random.default_rng(4), size_wh=SMALL) for _ in range(2))
    assert a.shape == (40, 64, 3)
    assert a.dtype == np.uint8
    assert np.array_equal(a, b)
    assert a.std() > 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_is_painted(kind: str) -> None:
    image = paint_background(kind, rng=np.random.default_rng(1), size_wh=(320, 184))
    assert image.shape == (184, 320, 3)


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown kind 'moon'\. Known: clear sky"):
        paint_background("moon", rng=np.random.default_rng(1))


def test_files_and_metadata(tmp_path: Path) -> None:
    rows = write_backgrounds(tmp_path, count=1, seed=3, size_wh=SMALL)
    lines = (tmp_path / "backgrounds.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert rows[0]["licence"] == "CC0-1.0"
    assert (tmp_path / str(rows[0]["name"])).stat().st_size < 250_000


@pytest.mark.parametrize(
    "make", [lambda r: power(r, 64, 1.5), lambda r: band(r, 64, 8)], ids=["power", "band"]
)
def test_noise_has_unit_deviation_and_no_seam(make: object) -> None:
    texture = make(np.random.default_rng(2))  # type: ignore[operator]
    assert texture.std() == pytest.approx(1, abs=1e-3)
    across = np.abs(texture[:, 0] - texture[:, -1]).mean()
    inside = np.abs(np.diff(texture, axis=1)).mean()
    assert across < 2 * inside


def test_ridges_and_profile_are_scaled() -> None:
    crests = ridges(np.random.default_rng(2), 64, cycles=3, octaves=3)
    assert (crests.min(), crests.max()) == (0, 1)
    assert profile(np.random.default_rng(2), 64, 1.0).shape == (64,)


def test_sample_repeats_for_ever() -> None:
    texture = np.arange(16, dtype=np.float32).reshape(4, 4)
    u = np.array([[1, 5, -3]], np.float32)
    assert sample(texture, u, np.full_like(u, 2)).tolist() == [[9, 9, 9]]


def test_smoothstep_works_downwards_too() -> None:
    values = smoothstep(1.0, 0.0, np.array([0.0, 0.5, 1.0], np.float32))
    assert values.tolist() == [1, 0.5, 0]


def test_flat_ground_is_seen_at_its_distance() -> None:
    view = View(40, 40, 0.5, 1.0)
    ground = Ground(np.zeros((8, 8), np.float32), 1.0)
    hit = cast(view, ground, camera_km=0.1, near_km=0.05, far_km=50, steps=800)
    row = 35
    expected = 0.1 * view.focal_px / (row + 0.5 - view.horizon_px)
    assert not hit.mask[5].any()
    assert hit.z[row] == pytest.approx(np.full(40, expected), rel=0.02)


def test_sun_and_horizon_are_where_they_should_be() -> None:
    view = View(100, 60, 0.5)
    angle = Sun(0, 0).angle(view)
    assert np.unravel_index(int(angle.argmin()), angle.shape) in {
        (29, 49),
        (29, 50),
        (30, 49),
        (30, 50),
    }


def test_develop_rolls_off_and_never_wraps(rng: np.random.Generator) -> None:
    light = np.array([[[0, 0, 0], [50, 50, 50]]], np.float32).repeat(2, 0)
    shown = develop(light, rng, grain=0.0)
    assert shown[0, 0].max() == 0
    assert shown[0, 1].min() >= 235
