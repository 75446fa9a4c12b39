"""Proposals get the class that their caption names, and never one by accident."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.image import encode_image
from core.result import Ranking, Reading, Result
from core.types import Detections, Image
from pipeline.locate import Locator
from project.classes import class_of, class_told
from project.pictures import read_picture
from project.prelabel import Question, prelabel, proposals_of
from project.proposals import Proposal
from project.store import Project
from project.vocabulary import Vocabulary, usual_vocabulary

TYPES = ("balloon", "drone", "plane", "hot air balloon")


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("white and grey drone", "drone"),
        ("two Drones", "drone"),
        ("red Hot-Air balloon", "hot air balloon"),
        ("red balloon", "balloon"),
        ("drone above a plane", "plane"),
        ("white fighter jet", "object"),
        ("airplane", "object"),  # whole words alone
        ("", "object"),
    ],
)
def test_the_caption_decides_among_several_classes(caption: str, expected: str) -> None:
    assert class_of(caption, TYPES) == expected


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("two grey drones", "drone"),
        ("red hot air balloon", "hot air balloon"),
        ("hot air balloon beside a balloon", ""),
        ("drone above a plane", ""),
        ("grey object", ""),
    ],
)
def test_a_caption_tells_one_class_or_none(caption: str, expected: str) -> None:
    assert class_told(caption, (*TYPES, "object")) == expected


def test_a_project_of_one_class_means_everything_by_it() -> None:
    assert class_of("white fighter jet", ("aircraft",)) == "aircraft"


def test_proposals_are_of_no_class_that_nobody_named(
    tmp_path: Path, make_picture: Callable[..., object]
) -> None:
    with Project.create(tmp_path / "p", "p", class_names=("balloon", "drone")) as project:
        image_id, _ = project.add(make_picture(1), "a")
        proposals = [
            Proposal((0, 0, 5, 5), caption="white fighter jet"),
            Proposal((10, 0, 15, 5), caption="red drone"),
            Proposal((20, 0, 25, 5), class_name="balloon", caption="red drone"),
        ]
        project.propose(image_id, proposals, source="model:m", key="k", asked=())
        assert [b.class_name for b in project.boxes(image_id)] == ["object", "drone", "balloon"]
        assert project.class_names == ("balloon", "drone", "object")


def test_a_name_gets_the_class_of_what_it_names(
    tmp_path: Path, make_picture: Callable[..., object]
) -> None:
    told = Reading("whole", "white fighter jet")
    one = np.ones(1, np.float32)
    ranking = Ranking(
        caption="white F-16", logit=one, score=one, order=np.array([0]),
        answer_row=0, nearest_row=0, margin=1.0, found_probability=0.9, reading=told,
    )  # fmt: skip
    seen = Detections.from_xyxy([(1, 1, 9, 9)], (64, 48))
    proposals, _ = proposals_of(Result((64, 48), seen, (ranking,)))
    with Project.create(tmp_path / "p", "p", class_names=("fighter jet", "plane")) as project:
        image_id, _ = project.add(make_picture(1), "a")
        project.propose(image_id, proposals, source="model:m", key="k", asked=())
        [box] = project.boxes(image_id)
        assert (box.class_name, box.caption) == ("fighter jet", "white F-16")


def test_prelabel_tells_types_apart(
    tmp_path: Path, shapes_image: Image, fake_locator: Locator
) -> None:
    picture = read_picture(encode_image(shapes_image), "shapes.png")
    with Project.create(tmp_path / "p", "p", class_names=("thing", "box")) as project:
        image_id, _ = project.add(picture, "shapes")
        prelabel(project, fake_locator, Question(vocabulary=Vocabulary(("box",), ("red", "blue"))))
        assert {b.class_name for b in project.boxes(image_id)} == {"box"}


def test_a_projects_own_types_are_proposed_first() -> None:
    known, colors = ("helicopter", "drone"), ("red",)
    assert usual_vocabulary(("object",), known, colors).types == known
    assert usual_vocabulary(("plane", "object"), known, colors).types == ("plane",)
