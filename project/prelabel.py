"""A model's first look at a project: boxes with captions, which people then correct.

Captions are looked for: the same in every image, or those that were given with each; or every box
gets the best caption of a vocabulary. What was done is kept image by image, so that a stopped run
goes on where it ended; a picture that cannot be read is noted, does not stop the others and is
tried again by the next run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.arrays import sigmoid
from core.captions import clean_captions
from core.errors import InputError
from core.files import sha256_of
from core.result import Ranking, Result
from core.types import Detections
from core.words import counted
from pipeline.locate import Locator, Observation
from pipeline.rank import Assignment
from pipeline.stages import OnProgress
from project.editing import BOXES_MAX
from project.given import missing_captions
from project.learning import lost_models, run_behind
from project.proposals import Proposal
from project.score import FITS_MIN, choose_captions
from project.settings import CUT
from project.store import Project
from project.types import MODEL, Asked, StoreError
from project.vocabulary import Vocabulary

__all__ = [
    "GIVEN_MIN",
    "GIVEN_SCORE_MIN",
    "PROPOSED_SCORE_MIN",
    "PrelabelSummary",
    "Question",
    "prelabel",
    "proposals_of",
    "propose",
]

PROPOSED_SCORE_MIN = 0.25
"""Detector score from which boxes are worth a person's look: on 27 photographs it leaves out 34 of
57 false boxes and 1 of 41 true ones."""
GIVEN_SCORE_MIN = 0.1
"""The same where captions of each picture are known: boxes that none of them means are left out."""
GIVEN_MIN = 0.1
"""Probability below which no box is proposed even for a caption that is known to be right: to
refuse a wrong box and to draw the right one is more work than to draw it."""
_ALL_DONE = (
    "All pictures are done, and such are left alone; project mark NAME --state new opens one again."
)
_EMPTY = "The project has no picture yet: import some."
# Captions of which is told why they could not be looked for.
_NOTES_MAX = 3


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked of every image.

    Args:
        captions: Looked for in every image; or none.
        vocabulary: Where captions of boxes are chosen from; or None.
        assignment: "joint": captions describe different objects, so no two get the same box.
        others: With captions: whether boxes that no caption means are proposed too, without one.
        class_name: Class of all proposals; empty: of each the one that its caption names.
        given: An image that captions were given with is asked those instead, see `of`.

    Raises:
        InputError: Both captions and a vocabulary are given.
        CaptionError: A caption is unusable.
    """

    captions: tuple[str, ...] = ()
    vocabulary: Vocabulary | None = None
    assignment: Assignment = "joint"
    others: bool = False
    class_name: str = ""
    given: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "captions", tuple(clean_captions(self.captions)))
        if self.captions and self.vocabulary is not None:
            raise InputError(
                "captions and a vocabulary cannot be asked for at once.", "Give one of them."
            )

    @property
    def wanted(self) -> tuple[str, ...]:
        """What a detector of an open vocabulary is told to look for."""
        return self.captions or (self.vocabulary.types if self.vocabulary else ())

    def of(self, captions: tuple[str, ...]) -> Question:
        """Return what an image is asked that these captions were given with.

        They are known to be right: each one's object is there, and two alike are two objects.
        """
        if not (self.given and captions):
            return replace(self, given=False)
        return replace(self, captions=captions, vocabulary=None, assignment="joint")

    def key(self, provenance: Mapping[str, str]) -> str:
        """Return a name of the question and of the models that are asked, 16 hex digits."""
        asked = {
            "captions": self.captions,
            "vocabulary": self.vocabulary.to_dict() if self.vocabulary else None,
            "assignment": self.assignment,
            "others": self.others,
            "class": self.class_name,
            **({"given": True} if self.given else {}),
            "models": [provenance.get(k, "") for k in ("detector", "upscaler", "reranker")],
            "config": provenance.get("config", ""),
        }
        return sha256_of(json.dumps(asked, sort_keys=True).encode())[:16]


@dataclass(frozen=True, slots=True)
class PrelabelSummary:
    """How a run went.

    Args:
        done: Number of images looked at now.
        kept: Number of those that had been asked the same before.
        failed: Number of those that could not be looked at.
        boxes: Number of boxes that wait for a decision.
        note: What is to be said besides.
        missing: Number of captions given with those images that no box shows.
    """

    done: int
    kept: int
    failed: int
    boxes: int
    note: str = ""
    missing: int = 0

    def sentence(self) -> str:
        """Return the summary as one line."""
        told = [
            f"{counted(self.done, 'picture')} looked at, {counted(self.boxes, 'box')} to decide"
        ]
        told += [f"{counted(self.missing, 'caption')} without a box"] * bool(self.missing)
        told += [f"{self.kept} looked at before"] * bool(self.kept)
        told += [f"{self.failed} failed"] * bool(self.failed)
        return f"{', '.join(told)}. {self.note}".rstrip()


def prelabel(
    project: Project,
    locator: Locator,
    question: Question,
    *,
    model_name: str = "",
    on_progress: OnProgress | None = None,
) -> PrelabelSummary:
    """Let a model propose boxes for all images that no person is done with.

    Args:
        project: Its images get proposals; what people did stays.
        locator: The models.
        question: What they are asked.
        model_name: Written as the source of the boxes; by default the run that the detector
            comes from, else the locator's preset.
        on_progress: Called after each image with (done, total, name); may raise `Cancelled`, and
            what was done until then is kept.

    Raises:
        Cancelled: The callback asked to stop.
        EngineError: The machine cannot go on; what was done until then is kept.
        ModelError: The same, of a model.
        InputError: The detector has to be told what to look for, and nothing is asked.
    """
    if locator.reads_captions and not (question.wanted or question.given):
        raise InputError(
            "this detector has to be told what to look for.", "Give captions or a vocabulary."
        )
    preset = locator.provenance.get("preset", "") or "own"
    source = MODEL + (model_name or run_behind(project, locator.provenance) or preset)
    lost = lost_models(project)
    note = f"{', '.join(lost)} is gone: the models of {preset} were used." if lost else ""
    # Told to exports, which never load a model.
    framing = {"context_ratio": locator.context_ratio, "shape": locator.cut_shape}
    project.set_setting(CUT, framing)
    waiting = project.waiting_for(lambda captions: question.of(captions).key(locator.provenance))
    total = project.count()
    not_done = total - project.count("done")
    idle = "" if not_done else _ALL_DONE if total else _EMPTY
    failed = boxes = missing = full = 0
    unread: dict[str, str] = {}
    for number, image_id in enumerate(waiting, start=1):
        try:
            asking = question.of(project.image(image_id).captions)
            proposals, asked = _look(project, image_id, locator, asking)
        except StoreError:  # nor that of the disk
            raise
        except InputError as error:  # others are the machine's fault, not the picture's
            project.note_error(image_id, str(error))
            failed += 1
        else:
            # Of what was asked: who has given other captions meanwhile has them looked for, too.
            key = asking.key(locator.provenance)
            unread |= _unread(locator, asked)
            image = project.propose(image_id, proposals, source=source, key=key, asked=asked)
            boxes += 0 if image.removed else image.proposed
            full += image.proposed + image.confirmed + image.rejected >= BOXES_MAX
            if asking.given and not image.removed:
                kept = project.boxes(image_id), project.asked(image_id)
                missing += len(missing_captions(asking.captions, *kept))
        if on_progress is not None:
            on_progress(number, len(waiting), "pre-label")
    crowded = f"{counted(full, 'picture')} full: at most {BOXES_MAX} boxes." if full else ""
    note = " ".join([*filter(None, [note, idle, crowded]), *list(unread.values())[:_NOTES_MAX]])
    return PrelabelSummary(
        len(waiting) - failed, not_done - len(waiting), failed, boxes, note, missing
    )


def _unread(locator: Locator, asked: Sequence[Asked]) -> dict[str, str]:
    """What the models say of captions that they could not look for, by caption."""
    notes = {}
    for one in asked:
        if one.probability is None:
            notes[one.caption] = " ".join(locator.reranker.read(one.caption).notes)
    return notes


def _look(
    project: Project, image_id: int, locator: Locator, question: Question
) -> tuple[list[Proposal], list[Asked]]:
    """What the models propose for one image; what people settled is not asked for again."""
    if question.given:
        boxes = [box for box in project.boxes(image_id) if not box.is_untouched]
        left = missing_captions(question.captions, boxes, project.asked(image_id))
        if not left:
            return [], []
        question = replace(question, captions=tuple(left))
    observation = locator.observe([project.path(image_id)], captions=question.wanted)[0]
    return propose(locator, observation, question)


def propose(
    locator: Locator, observation: Observation, question: Question
) -> tuple[list[Proposal], list[Asked]]:
    """Return what the models propose for one image, and what became of the captions.

    Args:
        locator: The models.
        observation: What they saw of the image.
        question: What is asked of it, see `Question.of`.
    """
    seen = observation.detections
    if question.captions:
        result = locator.answer(observation, question.captions, assignment=question.assignment)
        rows = range(len(seen)) if question.others else None
        return proposals_of(result, rows, question.class_name, given=question.given)
    plain = [_plain(seen, row, question.class_name) for row in range(len(seen))]
    if question.vocabulary is None:
        return plain, []
    chosen = choose_captions(locator, observation.embeds, question.vocabulary)
    return [
        replace(one, caption=caption, logit=logit, probability=_chance(logit), margin=lead)
        # The best of captions that all hardly fit would be a guess for a person to clear away.
        if _chance(logit) >= FITS_MIN
        else one
        for one, (caption, logit, lead) in zip(plain, chosen, strict=True)
    ], []


def proposals_of(
    result: Result,
    rows: Sequence[int] | None = None,
    class_name: str = "",
    *,
    given: bool = False,
) -> tuple[list[Proposal], list[Asked]]:
    """Return boxes of an answer, with the captions that mean them, and what became of the captions.

    Args:
        result: The answer.
        rows: Its boxes that are wished; None: those that a caption means.
        class_name: Class of all.
        given: Whether all captions are known to be right.
    """
    # Asked one by one, two captions may mean the same box; the one that fits better names it.
    best: dict[int, Ranking] = {}
    for ranking in result.rankings:
        row = ranking.answer_row
        # What is there for certain is looked for where it is most likely, unless that is hopeless.
        if given and ranking.found_probability >= GIVEN_MIN:
            row = ranking.nearest_row
        if row is not None and (row not in best or ranking.logit[row] > best[row].logit[row]):
            best[row] = ranking
    proposals = []
    for row in sorted(best) if rows is None else rows:
        one = _plain(result.detections, row, class_name)
        if (named := best.get(row)) is not None:
            logit, chance = float(named.logit[row]), float(named.score[row])
            one = replace(
                one, caption=named.caption, logit=logit, probability=chance, margin=named.margin,
                about=named.reading.about,
            )  # fmt: skip
        proposals.append(one)
    asked = [
        # Of what is not understood nobody can say how likely it is there.
        Asked(r.caption, r.found, r.found_probability if r.reading.may_answer else None, False)
        for r in result.rankings
    ]
    return proposals, asked


def _plain(seen: Detections, row: int, class_name: str) -> Proposal:
    """A box without a caption."""
    x1, y1, x2, y2 = seen.xyxy[row].astype(float).tolist()
    return Proposal((x1, y1, x2, y2), class_name, detector=float(seen.score[row]))


def _chance(logit: float) -> float:
    return float(sigmoid(np.array([logit], np.float32))[0])
