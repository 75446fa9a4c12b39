"""From scores to answers: which box does each caption mean, and is it there at all?

A box is meant if it looks like the caption and is an object at all: both scores, as log-odds, add
up to the *evidence* that orders the boxes. A caption is *found* when its calibrated probability is
high enough; otherwise the nearest candidate is still named, but there is no answer. No invented
box, ever. Pure functions of small arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from core.arrays import sigmoid
from core.errors import InputError
from core.result import Place, Ranking, Reading, lead_over
from core.types import Detections
from core.words import counted, nth_word
from pipeline.stages import Calibration

__all__ = [
    "MARGIN_MAX",
    "Assignment",
    "assign_jointly",
    "check_assignment",
    "margin_of",
    "order_rows",
    "place",
    "rank",
    "weigh",
]

Assignment: TypeAlias = Literal["independent", "joint"]

MARGIN_MAX = 10.0
# A box less likely than that is worth nobody's look, even for what is known to be there.
HOPELESS_MAX = 0.1
# No detector is surer than this; its log-odds stay finite.
SCORE_LIMIT = 0.005
# Which of several a caption means by its place, in log-odds of being right, chosen on held-out
# scenes (training/LOG.md): more than enough is no reason to prefer a box, those so far below that
# are not meant, and so much it costs to be at the wrong end of those that may be.
PLACE_ENOUGH = 1.6
PLACE_WINDOW = 1.9
PLACE_COST = 2.5
# So far apart two boxes must be for one to be at a place and the other not at all: a share of the
# picture's side, and a ratio of areas.
PLACE_SPREAD = 0.08
PLACE_AREA_RATIO = 1.65
# From this detector score on a box is likelier an object than none.
OBJECT_MIN = 0.5


def rank(
    captions: Sequence[str],
    logits: NDArray[np.float32],
    detections: Detections,
    *,
    calibration: Calibration,
    assignment: Assignment = "independent",
    readings: Sequence[Reading] | None = None,
) -> tuple[Ranking, ...]:
    """Return one ranking per caption.

    Args:
        captions: c captions.
        logits: (c, n) similarity of each caption to each detection.
        detections: n detections.
        calibration: How logits become the probability of having found the object.
        assignment: "independent": each caption takes its best box; "joint": the captions describe
            different objects, so no two take the same box.
        readings: What was understood of each caption; all of it if not given. Where that is too
            little there is a nearest box alone, which is taken from no other caption.

    Raises:
        InputError: There is no such assignment.
    """
    check_assignment(assignment)
    understood = readings or [Reading("whole", caption) for caption in captions]
    may = np.array([reading.may_answer for reading in understood], bool)
    weighed = weigh(logits, detections.score, calibration.detector_weight)
    evidence = np.array(
        [
            place(
                row,
                reading.places,
                detections,
                calibration,
                nth=reading.nth,
                objects_alone=reading.is_anything,
            )
            for row, reading in zip(weighed, understood, strict=True)
        ]
    ).reshape(weighed.shape)
    orders = [order_rows(row, detections) for row in evidence]
    rows: list[int | None] = [None] * len(captions)
    if len(detections) and assignment == "joint":
        rows = _give_jointly(
            evidence, weighed, [int(order[0]) for order in orders], may, calibration
        )
    elif len(detections):
        rows = [int(order[0]) for order in orders]
    return tuple(
        _rank_one(
            caption,
            understood[i],
            logits[i],
            evidence[i],
            orders[i],
            rows[i],
            plain_evidence=weighed[i],
            calibration=calibration,
        )
        for i, caption in enumerate(captions)
    )


def check_assignment(assignment: str) -> None:
    """Refuse what is no assignment: a mistyped "joint" would be answered one by one.

    Raises:
        InputError: It is none.
    """
    if assignment not in (known := get_args(Assignment)):
        raise InputError(f"assignment must be {' or '.join(known)}, got {assignment!r}.")


def _give_jointly(
    evidence: NDArray[np.float32],
    plain_evidence: NDArray[np.float32],
    best: Sequence[int],
    may: NDArray[np.bool_],
    calibration: Calibration,
) -> list[int | None]:
    """A different row for each caption; None where others took what it may mean.

    Captions that may not be answered get what is left.
    """
    # Beyond doubt a logit more is worth a logit; far below it is worth nothing, so that a
    # caption whose object is not there takes no box from one whose object is.
    worth = np.logaddexp(0, calibration.a * evidence + calibration.c)
    rows: list[int | None] = [None] * len(best)
    free = np.arange(evidence.shape[1])
    for asked in (np.flatnonzero(may), np.flatnonzero(~may)):
        for i, column in zip(asked, assign_jointly(worth[np.ix_(asked, free)]), strict=True):
            rows[i] = None if column is None else int(free[column])
        free = np.setdiff1d(free, [row for row in rows if row is not None])
    taken = set(rows)
    for number, (row, first) in enumerate(zip(rows, best, strict=True)):
        if row is None or row == first or first not in taken:
            continue
        given, wished = (
            _chance(evidence[number], plain_evidence[number], at, calibration)
            for at in (row, first)
        )
        # Better told that its box went to another caption than that it is a hopeless one.
        if given < HOPELESS_MAX and wished >= calibration.found_probability_min:
            rows[number] = None
    return rows


def weigh(
    logits: NDArray[np.float32], score: NDArray[np.float32], detector_weight: float
) -> NDArray[np.float32]:
    """Return the (c, n) evidence: similarity logits plus weighted log-odds of the n box scores."""
    chance = np.clip(score.astype(np.float64), SCORE_LIMIT, 1 - SCORE_LIMIT)
    log_odds = np.log(chance / (1 - chance))
    return (np.asarray(logits) + detector_weight * log_odds[None]).astype(np.float32)


def place(
    evidence: NDArray[np.float32],
    places: Sequence[Place],
    detections: Detections,
    calibration: Calibration,
    *,
    nth: int = 1,
    objects_alone: bool = False,
) -> NDArray[np.float32]:
    """Return the (n,) evidence with less for boxes that are not where a caption says.

    Only boxes that may well be right are compared, and counted where the `nth` from a place is
    meant; of fewer it is the last one. The one that is meant keeps what it has.

    Args:
        evidence: (n,) of one caption.
        places: Which of the boxes is meant.
        detections: n boxes.
        calibration: How evidence becomes the probability of being right.
        nth: Which one counted from the place.
        objects_alone: The caption tells neither kind nor look, so that everything fits: boxes that
            are likelier no object are compared only where there are not enough others.

    Example:
        >>> two = Detections.from_xyxy([[0, 0, 4, 4], [6, 0, 9, 4]], (10, 8))
        >>> [round(float(x), 1) for x in place(np.float32([4, 1]), ["right"], two, Calibration())]
        [-0.9, 1.0]
    """
    # Where more evidence makes nothing likelier, there is nothing to compare.
    if not places or not len(evidence) or calibration.a <= 0:
        return evidence
    odds = calibration.a * evidence + calibration.c
    enough = np.minimum(odds, PLACE_ENOUGH)
    fits = _fits(odds)
    objects = fits[detections.score[fits] >= OBJECT_MIN] if objects_alone else fits
    compared = objects if len(objects) >= nth else fits
    boxes = detections.xyxy[compared].astype(np.float64)
    nearness = [_nearness(one, boxes, detections.image_wh) for one in places]
    share = np.zeros(len(fits))
    if nth > 1:
        # The cost is more than the window: whatever is not the one that was counted loses to it.
        counted_row = np.argsort(-nearness[0], kind="stable")[min(nth, len(compared)) - 1]
        share[fits == compared[counted_row]] = 1
    else:
        share[np.isin(fits, compared)] = _share(np.mean([_share(one) for one in nearness], axis=0))
    placed_odds = enough[fits] - PLACE_COST * (1 - share)
    meant = int(placed_odds.argmax())
    placed_odds += odds[fits[meant]] - placed_odds[meant]
    lost = np.maximum(odds[fits] - placed_odds, 0) / calibration.a
    placed = evidence.copy()
    placed[fits] -= lost.astype(np.float32)
    return placed


def _fits(odds: NDArray[np.float32]) -> NDArray[np.int64]:
    """The rows that may well be right, of (n,) log-odds; beyond enough all are alike."""
    enough = np.minimum(odds, PLACE_ENOUGH)
    return np.flatnonzero(enough >= enough.max() - PLACE_WINDOW)


def _nearness(
    wanted: Place, boxes: NDArray[np.float64], image_wh: tuple[int, int]
) -> NDArray[np.float64]:
    """How near each of (n, 4) boxes is to a place; 1 apart is far enough to tell them."""
    x, y = ((boxes[:, :2] + boxes[:, 2:]) / 2 / np.array(image_wh)).T / PLACE_SPREAD
    center = 0.5 / PLACE_SPREAD
    log_area = np.log(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)) / np.log(PLACE_AREA_RATIO)
    nearness: dict[Place, NDArray[np.float64]] = {
        "left": -x,
        "right": x,
        "top": -y,
        "bottom": y,
        "middle": -np.hypot(x - center, y - center),
        "large": log_area,
        "small": -log_area,
    }
    return nearness[wanted]


def _share(nearness: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 for the nearest, down to 0 for the one farthest from it, if that is 1 behind or more."""
    behind: NDArray[np.float64] = nearness.max() - nearness
    return 1 - behind / max(float(behind.max()), 1.0)


def order_rows(evidence: NDArray[np.float32], detections: Detections) -> NDArray[np.int64]:
    """Return detection rows, best evidence first; ties by detector score, then by row."""
    # np.lexsort: the last key counts most.
    return np.lexsort((np.arange(len(evidence)), -detections.score, -evidence))


def assign_jointly(worth: NDArray[np.float32]) -> list[int | None]:
    """Return a different row for each caption, of the highest total; None where none is left.

    Example:
        >>> assign_jointly(np.array([[3.0, 2.5], [2.9, -1.0]], np.float32))
        [1, 0]
    """
    rows: list[int | None] = [None] * len(worth)
    for caption, row in zip(*linear_sum_assignment(worth, maximize=True), strict=True):
        rows[int(caption)] = int(row)
    return rows


def margin_of(evidence: NDArray[np.float32], row: int) -> float:
    """Return the lead of a row over the best other one, within +-10; 10 if there is no other."""
    lead = lead_over(evidence, row)
    return MARGIN_MAX if lead is None else float(np.clip(lead, -MARGIN_MAX, MARGIN_MAX))


def _rank_one(
    caption: str,
    reading: Reading,
    logit: NDArray[np.float32],
    evidence: NDArray[np.float32],
    order: NDArray[np.int64],
    assigned_row: int | None,
    *,
    plain_evidence: NDArray[np.float32],
    calibration: Calibration,
) -> Ranking:
    if len(logit) == 0:
        return Ranking(caption, logit, sigmoid(logit), order, reading=reading)
    row = int(order[0]) if assigned_row is None else assigned_row
    found_probability = _chance(evidence, plain_evidence, row, calibration)
    if reading.nth > 1:
        odds = np.sort(calibration.a * plain_evidence + calibration.c)[::-1]
        # There is a third one only if three are right.
        is_there = float(sigmoid(odds[reading.nth - 1])) if reading.nth <= len(odds) else 0.0
        found_probability = min(found_probability, is_there)
        count = len(_fits(odds))
        if count < reading.nth and is_there < calibration.found_probability_min:
            note = f"Only {counted(count, 'box')} may fit, so there is no {nth_word(reading.nth)}."
            reading = replace(reading, notes=(*reading.notes, note))
    # When every box went to other captions (joint), this one has a nearest box but no answer.
    is_sure = found_probability >= calibration.found_probability_min
    found = assigned_row is not None and is_sure and reading.may_answer
    return Ranking(
        caption=caption,
        logit=logit,
        score=sigmoid(logit),
        order=order,
        evidence=evidence,
        kind="sigmoid",
        answer_row=row if found else None,
        nearest_row=None if reading.grasp == "nothing" else row,
        found_probability=found_probability,
        margin=margin_of(evidence, row),
        reading=reading,
        fitting_rows=_fitting_rows(evidence, order, calibration) if reading.is_plural else (),
    )


def _fitting_rows(
    evidence: NDArray[np.float32], order: NDArray[np.int64], calibration: Calibration
) -> tuple[int, ...]:
    """The rows that would be found by themselves, best first.

    Others that fit are no rivals where several are meant, so there is no margin to gain or lose.
    """
    chance = sigmoid(calibration.a * evidence + calibration.c)
    return tuple(int(row) for row in order if chance[row] >= calibration.found_probability_min)


def _chance(
    evidence: NDArray[np.float32],
    plain_evidence: NDArray[np.float32],
    row: int,
    calibration: Calibration,
) -> float:
    """The probability that a row is right.

    A place tells which of several is meant, and nothing of whether any of them is: what it adds to
    the margin does not count.
    """
    margin = min(margin_of(evidence, row), margin_of(plain_evidence, row))
    return float(sigmoid(calibration.a * evidence[row] + calibration.b * margin + calibration.c))
