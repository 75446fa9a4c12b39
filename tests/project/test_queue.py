"""What waits for a person, the most doubtful first, and how far a project is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from core.errors import InputError
from project.doubt import box_doubt, image_doubt
from project.listing import Filter
from project.proposals import Proposal
from project.store import Project
from project.types import Add, BoxRow


def _box(**changes: object) -> BoxRow:
    box = BoxRow(1, 1, (0, 0, 9, 9), "object", "", "proposed", None, None, None, None, "model:m", 0)
    return replace(box, **changes)


# ---------------------------------------------------------------- doubt


@pytest.mark.parametrize(
    ("changes", "overlap", "reason"),
    [
        ({"detector": 0.2}, 0.0, "low score"),
        ({"detector": 0.95, "probability": 0.1}, 0.0, "detector and caption disagree"),
        ({"detector": 0.9, "probability": 0.9, "margin": 0.1}, 0.0, "two captions fit"),
        ({"detector": 0.9}, 0.7, "two boxes on one object"),
        ({}, 0.0, ""),
    ],
    ids=["low", "disagree", "margin", "doubled", "nothing known"],
)
def test_doubt_names_its_strongest_reason(
    changes: dict[str, float], overlap: float, reason: str
) -> None:
    doubt, told = box_doubt(_box(**changes), overlap)
    assert told == reason
    assert (doubt > 0.4) == bool(reason)


def test_a_sure_box_is_less_doubtful_than_an_unsure_one() -> None:
    sure = _box(detector=0.95, probability=0.95, margin=8.0)
    assert box_doubt(sure)[0] < 0.06
    doubts = [box_doubt(replace(sure, margin=m))[0] for m in (0.0, 1.0, 3.0)]
    assert doubts == sorted(doubts, reverse=True)


def test_doubt_of_an_image() -> None:
    sure, unsure = _box(detector=0.95), _box(detector=0.1, xyxy=(50, 50, 60, 60))
    assert image_doubt([], looked=False) == (0.0, "")
    assert image_doubt([], looked=True) == (0.6, "nothing was found")
    both, reason = image_doubt([sure, unsure], looked=True)
    assert reason == "low score"
    assert image_doubt([sure], looked=True)[0] < both < image_doubt([unsure], looked=True)[0]
    assert image_doubt([sure, unsure], looked=True, has_twin=True)[0] == pytest.approx(both / 2)
    confirmed = replace(unsure, state="confirmed")
    assert image_doubt([confirmed], looked=True)[0] == 0.0


# ---------------------------------------------------------------- queue


@pytest.fixture
def queue(project: Project, make_picture: Callable[..., object]) -> dict[str, int]:
    """Images by name, with one proposal each: sure, unsure, middle; and one that is new."""
    ids = {}
    for seed, (name, score) in enumerate(
        {"sure": 0.95, "unsure": 0.1, "middle": 0.5, "new": None}.items()
    ):
        ids[name] = project.add(make_picture(seed), name)[0]
        if score is not None:
            one = Proposal((5, 5, 25, 25), "drone", f"{name} kite", score)
            project.propose(ids[name], [one], source="model:m", key="k")
    return ids


def test_the_most_doubtful_image_comes_first(project: Project, queue: dict[str, int]) -> None:
    assert [i.name for i in project.images()] == ["unsure", "middle", "sure", "new"]
    assert [i.name for i in project.images("added")] == ["sure", "unsure", "middle", "new"]
    assert [i.name for i in project.images("name", offset=1, limit=2)] == ["new", "sure"]
    names = []
    while (image := project.images(limit=1)[0]).state != "done":
        names.append(image.name)
        project.apply(image.id, (), who="ann", version=image.version, state="done")
    assert names == ["unsure", "middle", "sure", "new"]


def test_an_image_that_was_put_off_comes_behind_those_that_wait(
    project: Project, queue: dict[str, int]
) -> None:
    project.apply(queue["unsure"], (), who="ann", version=1, state="skipped")
    names = {number: name for name, number in queue.items()}
    assert [names[number] for number, _ in project.states()] == ["middle", "sure", "new", "unsure"]


@pytest.mark.parametrize(
    ("wished", "names"),
    [
        (Filter(text="UNSURE kite"), ["unsure"]),
        (Filter(text="kite"), ["unsure", "middle", "sure"]),
        (Filter(text="dro"), ["unsure", "middle", "sure"]),
        (Filter(text="100%"), []),
        (Filter(score_max=0.5), ["unsure", "middle"]),
        (Filter(class_name="drone", state="proposed"), ["unsure", "middle", "sure"]),
        (Filter(class_name="object"), []),
        (Filter(box_state="confirmed"), []),
        (Filter(state="new"), ["new"]),
    ],
    ids=["caption", "part", "type", "wildcard", "score", "class", "no class", "box state", "state"],
)
def test_filters_narrow(
    project: Project, queue: dict[str, int], wished: Filter, names: list[str]
) -> None:
    assert [i.name for i in project.images(wished=wished)] == names
    assert project.count(wished=wished) == len(names)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("дрон", {"name", "caption", "class"}),
        ("ДРОН", {"name", "caption", "class"}),
        ("GRÜN", {"caption"}),
        ("дрон%", set()),
        ("FLUG", {"name"}),
    ],
)
def test_words_are_found_in_any_case_of_any_letters(
    project: Project, make_picture: Callable[..., object], text: str, found: set[str]
) -> None:
    names = {"name": "Flug Дрон", "caption": "b", "class": "c"}
    ids = {
        kind: project.add(make_picture(n), name)[0] for n, (kind, name) in enumerate(names.items())
    }
    boxes = {
        "caption": Add((1, 1, 9, 9), caption="grüner Дрон"),
        "class": Add((1, 1, 9, 9), "Дрон"),
    }
    for kind, box in boxes.items():
        project.apply(ids[kind], [box], who="ann", version=0)
    wished = Filter(text=text)
    assert {image.name for image in project.images(wished=wished)} == {
        names[kind] for kind in found
    }
    assert project.count(wished=wished) == len(found)


@pytest.mark.parametrize(
    "arguments",
    [{"order": "best"}, {"state": "old"}, {"limit": 0}, {"limit": 5000}, {"offset": -1}],
    ids=lambda a: next(iter(a)),
)
def test_impossible_pages_are_refused(project: Project, arguments: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"must be one of|a page has"):
        project.images(**arguments)


def test_progress_tells_states_and_pace(
    project: Project, queue: dict[str, int], clock: object
) -> None:
    assert project.progress().seconds_per_image is None
    for name, seconds in (("unsure", 5), ("middle", 5), ("sure", 2000), ("new", 7)):
        clock.wait(seconds)
        image = project.image(queue[name])
        project.apply(image.id, (), who="ann", version=image.version, state="done")
    more = project.progress()
    assert (more.total, more.done, more.images["new"]) == (4, 4, 0)
    assert more.seconds_per_image is None, "a pause is not work, and two gaps are too few"
    for name in ("unsure", "middle"):
        clock.wait(9)
        image = project.image(queue[name])
        project.apply(image.id, (), who="ann", version=image.version, state="proposed")
        project.apply(image.id, (), who="ann", version=image.version + 1, state="done")
    assert project.progress().seconds_per_image == pytest.approx(8)
