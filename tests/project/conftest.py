"""Fixtures of projects: an empty one, one with pictures, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core.image import encode_image
from project.pictures import Picture, read_picture
from project.store import Project


class Clock:
    """Seconds that pass only when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_picture() -> Callable[..., Picture]:
    """Builder: noise on a gradient, another one for each seed."""

    def make(seed: int = 0, wh: tuple[int, int] = (64, 48), *, format: str = "png") -> Picture:
        return read_picture(picture_bytes(seed, wh, format), f"{seed}.{format}")

    return make


def picture_bytes(seed: int, wh: tuple[int, int] = (64, 48), format: str = "png") -> bytes:
    """A picture file, another one for each seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 9, 3), dtype=np.uint8)
    rows = np.arange(wh[1]) * 8 // wh[1]
    columns = np.arange(wh[0]) * 9 // wh[0]
    return encode_image(np.ascontiguousarray(coarse[rows][:, columns]), format=format)


@pytest.fixture
def project(tmp_path: Path, clock: Clock) -> Iterator[Project]:
    with Project.create(
        tmp_path / "project", "Flying things", class_names=["object", "drone"], clock=clock
    ) as made:
        yield made


@pytest.fixture
def image_id(project: Project, make_picture: Callable[..., Picture]) -> int:
    """An image of 64x48 px in the project, without boxes."""
    return project.add(make_picture(0), "first")[0]
