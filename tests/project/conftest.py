"""Fixtures of projects: an empty one, one with pictures, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project.pictures import Picture, read_picture
from project.store import Project
from tests.project.pictures import picture_bytes


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
