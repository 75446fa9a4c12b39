"""What comes out: one `Ranking` per caption, gathered in one `Result` per image.

Front ends show these; `to_dict` and `from_dict` are the JSON form, with a schema version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from core.arrays import frozen_array, set_fields, size_wh
from core.errors import DataError
from core.types import Crops, Detections

__all__ = [
    "SCHEMA_VERSION",
    "Grasp",
    "Place",
    "Ranking",
    "Reading",
    "Result",
    "ScoreKind",
    "lead_over",
]

ScoreKind: TypeAlias = Literal["sigmoid", "cosine", "softmax"]

Grasp: TypeAlias = Literal["whole", "part", "looks", "nothing"]

Place: TypeAlias = Literal["left", "right", "top", "bottom", "middle", "large", "small"]

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reranker makes of one caption.

    Args:
        grasp: How much of it counts. "whole": all words that say something. "part": some count for
            nothing. "looks": what counts only tells how the thing looks, and what it is may be
            among the words that are not known, so no box is the answer. "nothing": it cannot be
            looked for.
        about: What an answer is about: the caption, or what of it counts; empty for "nothing".
        notes: What a person should know of it, in whole sentences; usually nothing.
        places: Which of the boxes that fit is meant: the leftmost, the largest; usually nothing.
        nth: Which one counted from the place: 2 for "second from the left"; above 1 with one place.
        is_plural: Whether several are asked for: "helicopters".
        is_anything: Whether neither a kind of thing nor a look is told: "the largest one".
    """

    grasp: Grasp
    about: str
    notes: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    nth: int = 1
    is_plural: bool = False
    is_anything: bool = False

    @property
    def may_answer(self) -> bool:
        """Whether enough was understood for a box to be the answer."""
        return self.grasp in ("whole", "part")


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """ONE caption against ONE image.

    Args:
        caption: The caption as used: stripped, white space collapsed.
        logit: (n,) float32, the reranker's raw similarity, aligned with the detections.
        score: (n,) float32, higher is better; what the number means is `kind`.
        order: (n,) int64, detection rows, best evidence first.
        kind: "sigmoid" scores are probabilities and comparable across images.
        answer_row: The detection that the caption describes; None when it is not in the image.
        nearest_row: The best candidate, even when it is not good enough; None without detections,
            and where no word of the caption was understood.
        found_probability: Calibrated probability that the nearest candidate is what the caption
            describes, in [0, 1]. High without an answer where another caption has that box
            (joint), or where too little of the caption was understood.
        margin: By how much the evidence of the nearest candidate is ahead of the best other one's,
            capped at 10.
        evidence: (n,) float32, what similarity and detector score come to together, in logits,
            less for boxes that are not where the caption says; the logit itself where not given.
        reading: How much of the caption was understood; all of it where it is not given.
        fitting_rows: For a plural, all detections that would be found if each were the only one
            asked for, best first; empty for any other caption.
    """

    caption: str
    logit: NDArray[np.float32] = field(repr=False)
    score: NDArray[np.float32] = field(repr=False)
    order: NDArray[np.int64] = field(repr=False)
    kind: ScoreKind = "sigmoid"
    answer_row: int | None = None
    nearest_row: int | None = None
    found_probability: float = 0.0
    margin: float = 0.0
    evidence: NDArray[np.float32] = field(default=None, repr=False)  # type: ignore[arg-type]
    reading: Reading = None  # type: ignore[assignment]
    fitting_rows: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        logit = frozen_array(self.logit, np.float32, (None,), "logit")
        n = len(logit)
        score = frozen_array(self.score, np.float32, (n,), "score")
        order = frozen_array(self.order, np.int64, (n,), "order")
        given = self.logit if self.evidence is None else self.evidence
        evidence = frozen_array(given, np.float32, (n,), "evidence")
        reading = self.reading or Reading("whole", self.caption)
        set_fields(self, logit=logit, score=score, order=order, evidence=evidence, reading=reading)
        set_fields(self, fitting_rows=tuple(self.fitting_rows))
        if any(not 0 <= row < n for row in self.fitting_rows):
            raise DataError(
                f"fitting_rows must be rows of {n} detections, got {self.fitting_rows}."
            )
        if not np.array_equal(np.sort(order), np.arange(n)):
            raise DataError(f"order must hold each of the {n} rows once, got {order.tolist()}.")
        for name, row in (("answer_row", self.answer_row), ("nearest_row", self.nearest_row)):
            if row is not None and not 0 <= row < n:
                raise DataError(f"{name} must be a row of {n} detections or None, got {row}.")

    def __len__(self) -> int:
        return len(self.logit)

    @property
    def found(self) -> bool:
        """True when the caption describes something in the image."""
        return self.answer_row is not None

    def lead_of(self, row: int) -> float | None:
        """Return by how much a row's evidence is ahead of the best other one's; None without one.

        Not capped as the margin is; negative where another row has more.
        """
        return lead_over(self.evidence, row)

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        return {
            "caption": self.caption,
            "found": self.found,
            "answer_row": self.answer_row,
            "nearest_row": self.nearest_row,
            "found_probability": float(self.found_probability),
            "margin": float(self.margin),
            "kind": self.kind,
            "logit": self.logit.astype(float).tolist(),
            "score": self.score.astype(float).tolist(),
            "evidence": self.evidence.astype(float).tolist(),
            "order": self.order.tolist(),
            "reading": {
                "grasp": self.reading.grasp,
                "about": self.reading.about,
                "notes": list(self.reading.notes),
                "places": list(self.reading.places),
                "nth": self.reading.nth,
                "is_plural": self.reading.is_plural,
                "is_anything": self.reading.is_anything,
            },
            "fitting_rows": list(self.fitting_rows),
        }


def lead_over(evidence: NDArray[np.float32], row: int) -> float | None:
    """Return a row's evidence minus the best other one's; None if there is no other.

    Example:
        >>> lead_over(np.array([1.0, 3.0, 2.0], np.float32), 1)
        1.0
    """
    others = np.delete(evidence, row)
    return float(evidence[row] - others.max()) if len(others) else None


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Everything about ONE image.

    Args:
        image_wh: Width and height of the image in pixels.
        detections: All candidate boxes.
        rankings: One per caption, in the order the captions were given.
        crops: The crops as cut, kept only on request.
        upscaled: The crops as the reranker saw them, kept only on request.
        seconds: Seconds by stage: detect, cut, upscale, rerank, total; decode where it happened.
        provenance: Model ids, engine and why, precision, versions, settings.
        warnings: What the reader should know, in whole sentences.
    """

    image_wh: tuple[int, int]
    detections: Detections
    rankings: tuple[Ranking, ...]
    crops: Crops | None = field(default=None, repr=False)
    upscaled: Crops | None = field(default=None, repr=False)
    seconds: Mapping[str, float] = field(default_factory=dict, repr=False)
    provenance: Mapping[str, str] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        set_fields(self, image_wh=size_wh(self.image_wh), rankings=tuple(self.rankings))
        set_fields(self, seconds=dict(self.seconds), provenance=dict(self.provenance))
        set_fields(self, warnings=tuple(self.warnings))
        for ranking in self.rankings:
            if len(ranking) != len(self.detections):
                raise DataError(
                    f"ranking of {ranking.caption!r} has {len(ranking)} rows, "
                    f"the image has {len(self.detections)} detections."
                )

    @property
    def captions(self) -> tuple[str, ...]:
        """The captions as used, in the order they were given."""
        return tuple(ranking.caption for ranking in self.rankings)

    def best(self, caption: int = 0, k: int = 1) -> list[int]:
        """Return the k best detection rows of a caption (by its index), best first."""
        return [int(row) for row in self.rankings[caption].order[:k]]

    def answer_xyxy(self, caption: int = 0) -> tuple[float, float, float, float] | None:
        """Return the answer box of a caption in pixels, or None when it is not in the image."""
        row = self.rankings[caption].answer_row
        if row is None:
            return None
        x1, y1, x2, y2 = (float(value) for value in self.detections.xyxy[row])
        return x1, y1, x2, y2

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types, without the crops."""
        return {
            "schema_version": SCHEMA_VERSION,
            "image_wh": list(self.image_wh),
            "detections": self.detections.to_dict(),
            "rankings": [ranking.to_dict() for ranking in self.rankings],
            "seconds": {name: float(value) for name, value in self.seconds.items()},
            "provenance": dict(self.provenance),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Result:
        """Return the result that `to_dict` wrote.

        Raises:
            DataError: The schema version is another one, or a field is missing or malformed.
        """
        version = data.get("schema_version")
        if version != SCHEMA_VERSION:
            raise DataError(f"result has schema_version {version!r}, this is {SCHEMA_VERSION}.")
        try:
            return _result_from_dict(cls, data)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"result is malformed: {error!r}.") from error


def _result_from_dict(cls: type[Result], data: Mapping[str, object]) -> Result:
    seen: Mapping[str, list[float]] = data["detections"]  # type: ignore[assignment]
    image_wh: tuple[int, int] = tuple(data["image_wh"])  # type: ignore[arg-type, assignment]
    detections = Detections.from_xyxy(
        seen["xyxy"],
        image_wh,
        score=seen["score"],
        class_id=seen["class_id"],
        class_names=seen["class_names"],  # type: ignore[arg-type]
    )
    names = (
        "caption", "answer_row", "nearest_row", "found_probability", "margin", "kind", "logit",
        "score", "order",
    )  # fmt: skip
    rankings: list[Mapping[str, object]] = data["rankings"]  # type: ignore[assignment]
    return cls(
        image_wh=image_wh,
        detections=detections,
        rankings=tuple(
            Ranking(
                **{name: item[name] for name in names},  # type: ignore[arg-type]
                evidence=item.get("evidence"),  # type: ignore[arg-type]
                reading=_reading_of(item.get("reading")),  # type: ignore[arg-type]
                fitting_rows=tuple(item.get("fitting_rows", ())),  # type: ignore[arg-type]
            )
            for item in rankings
        ),
        seconds=data["seconds"],  # type: ignore[arg-type]
        provenance=data["provenance"],  # type: ignore[arg-type]
        warnings=tuple(data.get("warnings", ())),  # type: ignore[arg-type]
    )


def _reading_of(data: Mapping[str, object] | None) -> Reading | None:
    """The reading of a caption; None in results of before it was told."""
    if data is None:
        return None
    grasp, about, notes = data["grasp"], data["about"], data["notes"]
    if grasp not in get_args(Grasp) or not isinstance(about, str) or not isinstance(notes, list):
        raise DataError(f"a reading must have grasp, about and notes, got {dict(data)}.")
    places = data.get("places", [])  # absent in results of before they counted
    if not isinstance(places, list) or not set(places) <= set(get_args(Place)):
        raise DataError(f"places must be a list of {', '.join(get_args(Place))}, got {places!r}.")
    nth = data.get("nth", 1)
    if not isinstance(nth, int) or nth < 1 or (nth > 1 and len(places) != 1):
        raise DataError(f"nth must be a number from 1 on, above 1 with one place, got {nth!r}.")
    told, flags = tuple(map(str, notes)), ("is_plural", "is_anything")
    kind = {name: bool(data.get(name, False)) for name in flags}
    return Reading(grasp, about, told, tuple(places), nth, **kind)  # type: ignore[arg-type]
