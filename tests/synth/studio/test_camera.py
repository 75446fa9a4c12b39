"""Viewpoints of the studio: what is drawn, and what stays as it was."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from core.errors import InputError
from synth.studio.camera import sample_view
from synth.studio.gallery import Job, render_library

_SEED_8 = [(-36.375, 11.612, 18.099, 18.661, 2.428), (-1.622, -4.532, -3.920, 5.159, 7.722)]


@pytest.mark.parametrize("kind", ["commercial aircraft", "helicopter"])
def test_head_on_views_show_noses_and_tails(kind: str) -> None:
    rng = np.random.default_rng(3)
    yaws = np.array([sample_view(rng, kind, 1.0).yaw_deg for _ in range(300)])
    assert (np.abs(np.abs(yaws) - 90) < 45).all()
    assert 0.6 < (yaws < 0).mean() < 0.9


def test_views_without_that_share_are_those_of_the_seed() -> None:
    rng = np.random.default_rng(8)  # the gallery's pictures hang on these numbers
    views = [astuple(sample_view(rng, "commercial aircraft")) for _ in range(2)]
    assert views == [pytest.approx(view, abs=1e-3) for view in _SEED_8]


def test_other_things_are_seen_as_before() -> None:
    plain, asked = (np.random.default_rng(8) for _ in range(2))
    for _ in range(20):
        before, after = sample_view(plain, "airship"), sample_view(asked, "airship", 1.0)
        assert astuple(before) == astuple(after)


@pytest.mark.parametrize("ratio", [-0.1, 1.5])
def test_a_share_out_of_range_is_refused(ratio: float, tmp_path) -> None:
    job = Job(tmp_path / "out", 1, 1, 0, (60, 80), "png", head_on_ratio=ratio)
    with pytest.raises(InputError, match="head_on_ratio"):
        render_library(job)
    assert not (tmp_path / "out").exists()
