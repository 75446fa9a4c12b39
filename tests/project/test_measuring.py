"""Captions of imported boxes are measured all at once, and nothing else of them changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.errors import Cancelled, DataError, EngineError
from core.image import encode_image
from core.result import Reading
from core.types import Image
from pipeline.locate import Locator
from project.measuring import count_unmeasured, measure_all, suggest_captions
from project.pictures import read_picture
from project.quality import find_suspicions
from project.score import Scorer
from project.store import Project
from project.types import Add, Describe, Reject, StoreError
from project.vocabulary import Vocabulary

RED, BLUE = (20.0, 10.0, 60.0, 40.0), (100.0, 50.0, 160.0, 90.0)


@pytest.fixture
def imported(project: Project, shapes_image: Image) -> int:
    """A red and a blue box, one caption right, one wrong; one without, one rejected."""
    picture = read_picture(encode_image(shapes_image), "shapes.png")
    image_id, _ = project.add(picture, "shapes")
    drawn = [Add(RED, "", "red thing"), Add(BLUE, "", "green thing"), Add((0, 0, 9, 9))]
    project.apply(image_id, [*drawn, Add((1, 1, 8, 8), "", "x")], who="ann", version=0)
    last = project.boxes(image_id)[-1]
    project.apply(image_id, [Reject(last.id)], who="ann", version=1)
    return image_id


def test_what_no_model_has_seen_is_measured_once(
    project: Project, imported: int, fake_locator: Locator
) -> None:
    assert count_unmeasured(project) == 2
    assert not [one for one in find_suspicions(project) if one.kind == "caption"]
    before = [(b.xyxy, b.caption, b.state, b.source) for b in project.boxes(imported)]
    steps: list[tuple[int, int]] = []
    measured = measure_all(
        project, Scorer(fake_locator), on_progress=lambda d, t, _: steps.append((d, t))
    )
    assert (measured.sentence(), steps) == ("2 boxes measured.", [(1, 1)])
    assert [(b.xyxy, b.caption, b.state, b.source) for b in project.boxes(imported)] == before
    wrong = [one.box_id for one in find_suspicions(project) if one.kind == "caption"]
    assert wrong == [project.boxes(imported)[1].id]
    assert count_unmeasured(project) == 0
    assert measure_all(project, Scorer(fake_locator)).sentence() == "0 boxes measured."


def test_what_somebody_edits_meanwhile_is_measured_as_it_is_then(
    project: Project, imported: int, fake_locator: Locator, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = Scorer(fake_locator)
    measure = scorer.measure

    def late(*told: object) -> object:
        found = measure(*told)
        if project.image(imported).version == 2:
            edit = Describe(project.boxes(imported)[1].id, caption="blue thing")
            project.apply(imported, [edit], who="bob", version=2)
        return found

    monkeypatch.setattr(scorer, "measure", late)
    assert measure_all(project, scorer).sentence() == "2 boxes measured."
    assert count_unmeasured(project) == 0
    assert project.boxes(imported)[1].probability > 0.5


def test_a_lost_picture_is_told_and_stops_nothing(
    project: Project, imported: int, fake_locator: Locator, make_picture: Callable[..., object]
) -> None:
    other, _ = project.add(make_picture(3), "other")
    project.apply(other, [Add((1, 1, 20, 20), "", "red thing")], who="ann", version=0)
    project.path(imported).unlink()
    measured = measure_all(project, Scorer(fake_locator))
    assert measured.sentence() == "1 box measured. 1 picture could not be read."
    assert count_unmeasured(project) == 2


def test_a_failure_of_the_machine_is_not_the_picture_s(
    project: Project, imported: int, fake_locator: Locator, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = Scorer(fake_locator)

    def fail(*_: object) -> None:
        raise EngineError("out of memory.", "Free some.")

    monkeypatch.setattr(scorer, "measure", fail)
    with pytest.raises(EngineError):
        measure_all(project, scorer)


def test_a_full_disk_is_not_the_picture_s(
    project: Project, imported: int, fake_locator: Locator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the disk is full.", passes=True)

    monkeypatch.setattr(project, "set_scores", fail)
    with pytest.raises(StoreError):
        measure_all(project, Scorer(fake_locator))


def test_who_stops_keeps_what_was_measured(
    project: Project, imported: int, fake_locator: Locator, make_picture: Callable[..., object]
) -> None:
    other, _ = project.add(make_picture(3), "other")
    project.apply(other, [Add((1, 1, 20, 20), "", "red thing")], who="ann", version=0)

    def stop(done: int, total: int, name: str) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        measure_all(project, Scorer(fake_locator), on_progress=stop)
    assert count_unmeasured(project) == 1


def test_suggested_is_what_fits_a_place_best(
    project: Project, imported: int, fake_locator: Locator, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, words = Scorer(fake_locator), Vocabulary(("thing",), ("green", "red", "blue"))

    def suggested(xyxy: tuple[float, float, float, float]) -> list[str]:
        fits = suggest_captions(project, scorer, imported, xyxy, words)
        assert [chance for _, chance in fits] == sorted((c for _, c in fits), reverse=True)
        return [caption for caption, _ in fits]

    assert suggested(RED)[0] == "red thing"
    assert len({frozenset(text.split()) for text in suggested(RED)}) == 5, "no two mean the same"
    assert suggested((101, 50, 161, 90))[0] == "blue thing", "where no box is"
    with pytest.raises(DataError):
        suggested((60, 40, 20, 10))
    read = fake_locator.reranker.read
    monkeypatch.setattr(
        fake_locator.reranker,
        "read",
        lambda text: Reading("nothing", "") if text == "x" else read(text),
    )
    project.give_captions({imported: ["green thing", "x", "red thing", "thing red", "red thing"]})
    assert sorted(suggested(RED)[:2]) == ["red thing", "thing red"]
    assert suggested(RED)[2:] == ["green thing"]
