"""Models propose, and scores follow edits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled, EngineError, InputError
from core.image import encode_image
from core.result import Ranking, Reading, Result
from core.types import Detections, Image
from pipeline.config import load_config
from pipeline.fakes import FakeDetector, FakeReranker
from pipeline.locate import Locator
from project.export import export_crops
from project.pictures import read_picture
from project.prelabel import Question, prelabel, proposals_of
from project.quality import find_suspicions
from project.score import Scorer, choose_captions, embed_boxes
from project.store import Project
from project.types import Accept, Add, BoxRow, Describe, Move, Reject
from project.vocabulary import Vocabulary

RED, BLUE = (20.0, 10.0, 60.0, 40.0), (100.0, 50.0, 160.0, 90.0)
WORDS = Vocabulary(("box", "thing"), ("red", "blue", "green"))


def _box(**changes: object) -> BoxRow:
    box = BoxRow(1, 1, (0, 0, 9, 9), "object", "", "proposed", None, None, None, None, "model:m", 0)
    return replace(box, **changes)


@pytest.fixture
def shapes(project: Project, shapes_image: Image) -> int:
    """An image with a red box and a blue one on grey."""
    return project.add(read_picture(encode_image(shapes_image), "shapes.png"), "shapes")[0]


def test_captions_are_looked_for(project: Project, shapes: int, fake_locator: Locator) -> None:
    question = Question(captions=("red thing", "green thing"))
    summary = prelabel(project, fake_locator, question, model_name="fake")
    assert (summary.done, summary.kept, summary.failed, summary.boxes) == (1, 0, 0, 1)
    [box] = project.boxes(shapes)
    assert (box.xyxy, box.caption, box.state) == (RED, "red thing", "proposed")
    assert (box.source, box.is_model) == ("model:fake", True)
    assert box.detector is not None
    assert 0.5 < box.probability < 1
    asked = {one.caption: one.found for one in project.asked(shapes)}
    assert asked == {"red thing": True, "green thing": False}
    assert project.image(shapes).state == "proposed"


def test_what_is_not_understood_is_not_called_absent(
    project: Project, shapes: int, fake_locator: Locator, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = {"red thing": Reading("whole", "red thing"), "ballon": Reading("nothing", "", ("Who?",))}
    monkeypatch.setattr(fake_locator.reranker, "read", read.__getitem__)
    question = Question(captions=("red thing", "ballon"))
    summary = prelabel(project, fake_locator, question, model_name="fake")
    assert summary.sentence().endswith(" Who?")
    asked = {one.caption: (one.found, one.probability is None) for one in project.asked(shapes)}
    assert asked == {"red thing": (True, False), "ballon": (False, True)}


def test_other_boxes_come_without_caption(
    project: Project, shapes: int, fake_locator: Locator
) -> None:
    prelabel(project, fake_locator, Question(captions=("red thing",), others=True))
    captions = {box.xyxy: box.caption for box in project.boxes(shapes)}
    assert captions == {RED: "red thing", BLUE: ""}


def test_a_picture_gets_no_more_proposals_than_it_has_room_for(
    project: Project, shapes: int, fake_locator: Locator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("prelabel", "proposals"):
        monkeypatch.setattr(f"project.{module}.BOXES_MAX", 2)
    project.apply(shapes, [Add((1, 60, 9, 90))], who="ann", version=0)
    told = prelabel(project, fake_locator, Question())
    assert len(project.boxes(shapes)) == 2
    assert told.sentence().endswith(" 1 picture full: at most 2 boxes.")


def test_the_caption_that_fits_better_names_a_box() -> None:
    seen = Detections.from_xyxy([RED, BLUE], (200, 100), score=[0.9, 0.4])
    rankings = [
        Ranking(caption, logit=[logit, -3], score=[0.5, 0.1], order=[0, 1], answer_row=0, margin=2)
        for caption, logit in (("red thing", 1), ("red box", 2), ("thing", 0))
    ]
    result = Result((200, 100), seen, rankings)
    [named], asked = proposals_of(result, class_name="drone")
    assert (named.xyxy, named.class_name, named.caption) == (RED, "drone", "red box")
    assert (named.logit, named.probability, named.margin) == (2, 0.5, 2)
    assert [one.found for one in asked] == [True] * 3
    boxes, _ = proposals_of(result, [1, 0])
    assert [(one.caption, one.detector) for one in boxes] == [
        ("", pytest.approx(0.4)),
        ("red box", pytest.approx(0.9)),
    ]


def test_a_vocabulary_names_each_box(project: Project, shapes: int, fake_locator: Locator) -> None:
    prelabel(project, fake_locator, Question(vocabulary=WORDS, class_name="drone"))
    boxes = {box.xyxy: box for box in project.boxes(shapes)}
    assert boxes[RED].caption.startswith("red")
    assert boxes[BLUE].caption.startswith("blue")
    assert {box.class_name for box in boxes.values()} == {"drone"}
    # "red box" and "red thing" are the same to a model that knows colors alone.
    assert boxes[RED].margin == pytest.approx(0)


def test_a_caption_that_hardly_fits_is_not_proposed(
    project: Project, shapes: int, fake_locator: Locator
) -> None:
    prelabel(project, fake_locator, Question(vocabulary=Vocabulary(("thing",), ("red", "green"))))
    boxes = {box.xyxy: box for box in project.boxes(shapes)}
    assert (boxes[RED].caption, boxes[BLUE].caption) == ("red thing", "")
    assert (boxes[BLUE].class_name, boxes[BLUE].probability) == ("object", None)
    assert "caption" not in {one.kind for one in find_suspicions(project)}


def test_a_stopped_run_goes_on_and_a_finished_one_does_nothing(
    project: Project, fake_locator: Locator, make_picture: Callable[..., object]
) -> None:
    for seed in range(4):
        project.add(make_picture(seed), str(seed))
    question = Question(vocabulary=WORDS)

    def stop(done: int, total: int, what: str) -> None:
        if done == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        prelabel(project, fake_locator, question, on_progress=stop)
    assert project.count("proposed") == 2
    summary = prelabel(project, fake_locator, question)
    assert (summary.done, summary.kept) == (2, 2)
    assert prelabel(project, fake_locator, question).done == 0
    other = Question(vocabulary=WORDS, class_name="drone")
    assert prelabel(project, fake_locator, other).done == 4, "another question is asked anew"


def test_what_changes_no_answer_asks_nothing_anew(project: Project, shapes: int) -> None:
    question = Question(captions=("red thing",))
    same = ("engine.threads=2", "rerank.cached_captions=9", "image.max_pixels=1000000")
    for sets, done in (((), 1), (same, 0), (("detect.score_min=0.2",), 1)):
        locator = Locator.open(load_config("fake", sets=sets))
        assert prelabel(project, locator, question).done == done


def test_images_that_are_done_are_left_alone(
    project: Project, shapes: int, fake_locator: Locator
) -> None:
    project.apply(shapes, (), who="ann", version=0, state="done")
    assert prelabel(project, fake_locator, Question(captions=("red thing",))).done == 0
    assert project.boxes(shapes) == []


def test_a_lost_picture_stops_nothing(
    project: Project, shapes: int, fake_locator: Locator, make_picture: Callable[..., object]
) -> None:
    lost = project.add(make_picture(7), "lost")[0]
    elsewhere = project.path(lost).rename(project.folder / "elsewhere")
    question = Question(captions=("red thing",))
    summary = prelabel(project, fake_locator, question)
    assert (summary.done, summary.failed) == (1, 1)
    assert "cannot read" in project.image(lost).error
    again = prelabel(project, fake_locator, question)
    assert (
        again.sentence() == "0 pictures looked at, 0 boxes to decide, 1 looked at before, 1 failed."
    )
    elsewhere.rename(project.path(lost))
    assert prelabel(project, fake_locator, question).done == 1, "its disk is back"
    assert project.image(lost).error == ""


def test_a_failure_of_the_machine_stops_the_run_and_is_not_final(
    project: Project, fake_locator: Locator, make_picture: Callable[..., object]
) -> None:
    for seed in range(3):
        project.add(make_picture(seed), str(seed))

    class Full(FakeDetector):
        """Has memory for one picture."""

        looked = 0

        def __call__(self, images: object) -> object:
            self.looked += 1
            if self.looked > 1:
                raise EngineError("out of memory.", "Free some.")
            return super().__call__(images)

    question = Question(captions=("red thing",))
    with pytest.raises(EngineError, match="out of memory"):
        prelabel(project, Locator(Full(), fake_locator.reranker), question)
    assert [image.state for image in project.walk()] == ["proposed", "new", "new"]
    assert {image.error for image in project.walk()} == {""}
    summary = prelabel(project, fake_locator, question)
    assert (summary.done, summary.kept, summary.failed) == (2, 1, 0)


def test_a_question_is_captions_or_a_vocabulary() -> None:
    with pytest.raises(InputError, match="at once"):
        Question(captions=("a",), vocabulary=WORDS)


def test_a_second_color_is_named_where_it_fits_better(fake_locator: Locator) -> None:
    class TwoColors:
        """Knows exactly one caption."""

        def embed_texts(self, captions: list[str]) -> np.ndarray:
            return np.array([[c == "red and blue box", c == "red box"] for c in captions], float)

        def logits(self, image: np.ndarray, text: np.ndarray) -> np.ndarray:
            return text @ image.T

    locator = replace_reranker(fake_locator, TwoColors())
    [(caption, logit, lead)] = choose_captions(locator, np.array([[3.0, 2.0]]), WORDS)
    assert (caption, logit, lead) == ("red and blue box", 3.0, 1.0)


def replace_reranker(locator: Locator, reranker: object) -> Locator:
    other = Locator(locator.detector, locator.reranker)
    other.reranker = reranker
    return other


# ---------------------------------------------------------------- scores


def test_scores_follow_edits(
    project: Project, shapes: int, fake_locator: Locator, shapes_image: Image
) -> None:
    scorer = Scorer(fake_locator, WORDS)
    project.apply(
        shapes, [Add(RED, caption="red box"), Add(BLUE, caption="red box")], who="ann", version=0
    )
    calls = []

    def load() -> Image:
        calls.append(1)
        return shapes_image

    on_red, on_blue = scorer.measure("k", load, project.boxes(shapes))
    assert (on_red.rank, on_red.of, on_blue.rank) == (1, 2, 2)
    assert on_red.score.probability > 0.5 > on_blue.score.probability
    assert on_blue.score.margin < 0, "another caption fits the blue box better"
    red, blue = project.boxes(shapes)
    project.apply(shapes, [Describe(blue.id, caption="blue box")], who="ann", version=1)
    [reworded] = scorer.measure("k", load, project.boxes(shapes), [blue.id])
    assert (reworded.rank, len(calls)) == (1, 1), "a new caption needs no pixels"
    project.apply(shapes, [Move(red.id, (101, 51, 159, 89))], who="ann", version=2)
    [moved] = scorer.measure("k", load, project.boxes(shapes), [red.id])
    assert (len(calls), moved.score.probability < 0.5) == (2, True)
    project.apply(shapes, [Reject(blue.id)], who="ann", version=3)
    assert [s.of for s in scorer.measure("k", load, project.boxes(shapes), [red.id])] == [1]


def test_a_caption_that_nobody_can_read_fits_no_box(
    project: Project, shapes: int, fake_locator: Locator, shapes_image: Image,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    boxes = [Add(RED, caption="my red words"), Add(BLUE, caption="blue box")]
    project.apply(shapes, boxes, who="ann", version=0)
    unread = Reading("nothing", "")
    whole = Reading("whole", "blue box")
    read = {"my red words": unread, "blue box": whole}
    monkeypatch.setattr(fake_locator.reranker, "read", read.__getitem__)
    scorer = Scorer(fake_locator, WORDS)
    red, blue = scorer.measure("k", lambda: shapes_image, project.boxes(shapes))
    assert red.score.probability < 0.001 < 0.5 < blue.score.probability


def test_boxes_are_embedded_as_for_locating(fake_locator: Locator, shapes_image: Image) -> None:
    observed = fake_locator.observe([shapes_image])[0]
    embeds = embed_boxes(fake_locator, shapes_image, observed.detections.xyxy)
    np.testing.assert_array_equal(embeds, observed.embeds)


def test_crops_are_cut_as_the_models_were_shown_them(
    project: Project, shapes: int, shapes_image: Image, tmp_path: Path
) -> None:
    detector, reranker = FakeDetector(), FakeReranker()
    locator = Locator(detector, reranker, context_ratio=0.0, cut_shape="box")
    seen = locator.observe([shapes_image])[0]
    assert [crop.shape for crop in seen.crops.images] == [(40, 60, 3), (30, 40, 3)]
    embeds = embed_boxes(locator, shapes_image, seen.detections.xyxy)
    np.testing.assert_array_equal(embeds, seen.embeds)
    prelabel(project, locator, Question(captions=("red thing",)))
    assert export_crops(project, tmp_path / "crops", what="all") == 1
    [line] = (tmp_path / "crops" / "crops.jsonl").read_text().splitlines()
    assert json.loads(line)["region_xyxy"] == [20, 10, 60, 40]


def test_boxes_without_caption_have_no_score(
    project: Project, shapes: int, fake_locator: Locator, shapes_image: Image
) -> None:
    project.apply(shapes, [Add(RED)], who="ann", version=0)
    assert Scorer(fake_locator).measure("k", lambda: shapes_image, project.boxes(shapes)) == []


def test_what_is_about_to_be_used_is_not_forgotten(
    fake_locator: Locator, shapes_image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("project.score._KEPT_BOXES", 3)
    scorer = Scorer(fake_locator)
    places = [RED, BLUE, *((n, n, 9, 9) for n in range(4))]
    red, blue, *others = (_box(id=n, xyxy=p, caption="red thing") for n, p in enumerate(places))
    scorer.measure("k", lambda: shapes_image, [red, blue])
    assert len(scorer.measure("k", lambda: shapes_image, [red, *others[:2]])) == 3
    scorer.measure("k", lambda: pytest.fail("red was used last and is kept"), [red])
    assert len(scorer.measure("k", lambda: shapes_image, [red, *others])) == 5, "more than are kept"


# ---------------------------------------------------------------- vocabulary


def test_a_vocabulary_is_cleaned_and_bounded() -> None:
    words = Vocabulary((" drone ", "drone", ""), ("red",))
    assert words.captions() == ("red drone",)
    assert Vocabulary.from_dict(words.to_dict()) == words
    assert Vocabulary(("drone", "kite")).captions() == ("drone", "kite")
    with pytest.raises(InputError, match="no type"):
        Vocabulary(())
    with pytest.raises(InputError, match="the limit"):
        Vocabulary(tuple(map(str, range(100))), tuple(map(str, range(100))))
    with pytest.raises(InputError, match="gives 5001 captions"):
        Vocabulary(tuple(map(str, range(5001))))
    with pytest.raises(InputError, match="lists of types"):
        Vocabulary.from_dict({"types": "drone"})


# ---------------------------------------------------------------- pace


def test_correcting_proposals_takes_a_third_of_drawing(
    project: Project, fake_locator: Locator, tmp_path: Path, rng: np.random.Generator
) -> None:
    """Fifty pictures: a scripted annotator repairs what is wrong; every click and word counts."""
    truth: dict[int, dict[tuple[float, ...], str]] = {}
    colors = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 160, 0)}
    for number in range(50):
        picture = np.full((120, 200, 3), 200 + number % 7, np.uint8)
        boxes = {}
        for column in range(int(rng.integers(1, 5))):
            left, top = 10 + 48 * column, int(rng.integers(5, 80))
            wide, high = (int(side) for side in rng.integers(6, 34, 2))
            color = str(rng.choice(list(colors)))
            picture[top : top + high, left : left + wide] = colors[color]
            boxes[(left, top, left + wide, top + high)] = f"{color} box"
        if number % 5 == 0:
            picture[117, :150] = 0  # nobody's object, but the detector will think so
        image_id, _ = project.add(read_picture(encode_image(picture), "p"), "p")
        truth[image_id] = boxes
    prelabel(project, fake_locator, Question(vocabulary=Vocabulary(("box",), tuple(colors))))
    actions = 0
    for image_id, _ in project.states():
        image, edits = project.image(image_id), []
        wished = dict(truth[image.id])
        for box in project.boxes(image.id):
            caption = wished.pop(box.xyxy, None)
            if caption is None:
                edits.append(Reject(box.id))
            elif caption != box.caption:
                edits.append(Describe(box.id, caption=caption))
        edits += [Add(xyxy, caption=caption) for xyxy, caption in wished.items()]
        # A drawn box costs two: the drag and its caption. One key accepts the rest and goes on.
        actions += sum(2 if isinstance(edit, Add) else 1 for edit in edits) + 1
        touched = {edit.box_id for edit in edits if not isinstance(edit, Add)}
        edits += [Accept(b.id) for b in project.boxes(image.id) if b.id not in touched]
        project.apply(image.id, edits, who="script", version=image.version, state="done")
    by_hand = sum(2 * len(boxes) + 1 for boxes in truth.values())
    confirmed = {
        i: {b.xyxy: b.caption for b in project.boxes(i) if b.state == "confirmed"} for i in truth
    }
    assert confirmed == truth
    assert actions <= by_hand / 3, f"{actions} actions, {by_hand} by hand"


def test_an_open_detector_is_told_what_to_look_for(
    project: Project, shapes: int, fake_locator: Locator
) -> None:
    told: list[tuple[str, ...]] = []

    class Told(Locator):
        reads_captions = True

        def observe(self, images: object, *, captions: object = (), **more: object) -> object:
            told.append(tuple(captions))
            return fake_locator.observe(images)

    locator = Told(fake_locator.detector, fake_locator.reranker)
    prelabel(project, locator, Question(captions=("red thing",)))
    prelabel(project, locator, Question(vocabulary=WORDS))
    assert told == [("red thing",), ("box", "thing")]
    with pytest.raises(InputError, match="what to look for"):
        prelabel(project, locator, Question())
