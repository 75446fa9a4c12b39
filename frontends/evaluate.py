"""Measures the pipeline against the boxes of a data file: how often right, how honest, how fast.

In: a locator and a data file; out: plain figures. The picture work is done once per picture, all
questions are asked of the kept observations. A detector that is told what to look for is told all
of them, those about what is not there too.
"""

from __future__ import annotations

import statistics
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm  # type: ignore[import-untyped]

from core.boxes import iou_matrix
from core.captions import clean_caption
from core.errors import CaptionError, DataError, ImageError, ImageTooLargeError, InputError
from core.result import Result
from core.types import Crops
from dataset.data_file import Annotation, DataLine, read_data
from dataset.metrics import area_under_roc, average_precision, calibration_error, recall
from dataset.record import read_image_wh
from frontends.data import confined_path, folder_lines
from pipeline.locate import Locator, Observation
from pipeline.rank import weigh

__all__ = ["evaluate"]

IOU_MIN = 0.5
_STRANGERS_PER_IMAGE = 3
_OTHER_LABELS = (".json", ".yaml", ".yml", ".xml")  # of data sets, which are read as a whole


@dataclass(frozen=True, slots=True)
class _Case:
    """One picture with what was seen in it and what should have been.

    Strangers are captions of other pictures that no object of this one has.
    """

    line: DataLine
    strangers: list[str]
    observation: Observation
    truth: NDArray[np.float32]


def evaluate(
    locator: Locator, *, data: Path, images: Path, show_progress: bool = True
) -> dict[str, object]:
    """Return all figures; counts beside every share, times in milliseconds.

    Args:
        locator: the pipeline.
        data: JSON lines with a "bbox" for every annotation, or the folder of a data set.
        images: folder of the pictures; of a data set its own.
        show_progress: draw a bar on stderr.

    Raises:
        DataError: the data file cannot be used, an annotation has no box or an unusable caption, or
            there is no caption for a detector that must be told what to look for.
        ImageError: a picture is missing or broken: figures over fewer pictures would mislead.
    """
    lines = _lines(data)
    if not lines:
        raise DataError(f"{data} has no pictures.", "Give a file with one picture a line.")
    # All of them before the first is looked at: the last one would throw the work away.
    paths = [_check(line, images, locator.max_pixels) for line in lines]
    cases = [
        _observe(locator, line, strangers, path)
        for line, strangers, path in zip(
            tqdm(lines, unit="picture", disable=None if show_progress else True),
            _strangers(lines),
            paths,
            strict=True,
        )
    ]
    predictions = [case.observation.detections for case in cases]
    truths = [case.truth for case in cases]
    boxes = sum(len(truth) for truth in truths)
    return {
        "images": len(cases),
        "captions": _caption_accuracy(locator, cases),
        "detector": {
            # Without a true box there is nothing to find, and no share of it either.
            "ap50": average_precision(predictions, truths, iou_min=IOU_MIN) if boxes else None,
            "recall50": recall(predictions, truths, iou_min=IOU_MIN) if boxes else None,
            "boxes": boxes,
            "boxes_per_image": statistics.fmean(len(seen) for seen in predictions),
        },
        "not_found": _not_found(locator, cases),
        "milliseconds": _milliseconds(locator, cases),
        "provenance": dict(locator.provenance),
    }


def _lines(data: Path) -> list[DataLine]:
    if data.is_dir():
        return folder_lines(data)
    try:
        return _join_lines(read_data(data))
    except DataError as error:
        if data.suffix.lower() not in _OTHER_LABELS:
            raise
        raise DataError(error.message, "Give the data set's folder, or JSON lines.") from error


def _join_lines(lines: Sequence[DataLine]) -> list[DataLine]:
    """One line a picture, also of files with a line an object: else each lacks the other objects.

    An annotation that is told twice counts once.
    """
    told: dict[str, dict[Annotation, None]] = {}
    for line in lines:
        told.setdefault(line.image, {}).update(dict.fromkeys(line.annotations))
    return [DataLine(image, tuple(annotations)) for image, annotations in told.items()]


def _check(line: DataLine, images: Path, max_pixels: int) -> Path:
    """The path of a picture that can be used, as far as its header and annotations tell."""
    for annotation in line.annotations:
        if annotation.xyxy is None:
            raise DataError(
                f"{line.image}: {annotation.caption!r} has no bbox.",
                'Evaluation needs "annotations" with a "bbox" each: the format jsonl, which synth '
                "generate and project export write. Captions alone are answered by batch.",
            )
    for caption in _captions(line):
        try:
            clean_caption(caption)
        except CaptionError as error:
            raise DataError(f"{line.image}: {error.message}", error.hint) from error
    path = confined_path(images, line.image)
    try:
        width, height = read_image_wh(path)
    except DataError as error:
        raise ImageError(error.message, "Take its line out, or fetch the file again.") from error
    if width * height > max_pixels:
        raise ImageTooLargeError(
            f"{line.image} has {width}x{height} pixels, the limit is {max_pixels}.",
            "Take its line out, or raise image.max_pixels.",
        )
    return path


def _observe(locator: Locator, line: DataLine, strangers: list[str], path: Path) -> _Case:
    # As `locate` does with these captions: an open vocabulary sees what it is asked for.
    asked = list(dict.fromkeys([*_captions(line), *strangers]))
    try:
        seen = locator.observe([path], asked)[0]
    except ImageError as error:
        raise ImageError(f"{line.image}: {error.message}", error.hint) from error
    except InputError as error:
        raise DataError(f"{line.image}: {error.message}", error.hint) from error
    # The crops are megabytes a picture, and no figure needs them.
    observation = replace(seen, crops=Crops.empty(), upscaled=Crops.empty())
    boxes = np.array([annotation.xyxy for annotation in line.annotations], np.float32)
    return _Case(line, strangers, observation, boxes.reshape(-1, 4))


def _captions(line: DataLine) -> list[str]:
    """The captions of a picture; boxes that nobody described have none to ask."""
    return [caption for caption in line.captions if caption.strip()]


def _asked(case: _Case) -> list[Annotation]:
    """Annotations that have one right answer: no other object of the picture has their caption."""
    told = [one for one in case.line.annotations if one.caption.strip()]
    objects = Counter(one.caption for one in told)
    return [one for one in told if not one.ambiguous and objects[one.caption] == 1]


# ---------------------------------------------------------------- captions


def _caption_accuracy(locator: Locator, cases: list[_Case]) -> dict[str, object]:
    """Shares of captions whose best box overlaps the true one by 0.5 or more."""
    singly = jointly = asked = 0
    for case in cases:
        annotations = _asked(case)
        if not annotations:
            continue
        asked += len(annotations)
        captions = [annotation.caption for annotation in annotations]
        alone = locator.answer(case.observation, captions)
        joint = locator.answer(case.observation, captions, assignment="joint")
        singly += sum(_hits(alone, annotations))
        jointly += sum(_hits(joint, annotations))
    pooled = _pooled_hits(locator, cases)
    return {
        "asked": asked,
        "ambiguous": sum(len(_captions(c.line)) - len(_asked(c)) for c in cases),
        "boxes_without": sum(len(c.truth) - len(_captions(c.line)) for c in cases),
        "accuracy_one_by_one": _share(singly, asked),
        "accuracy_jointly": _share(jointly, asked),
        "pool_boxes": sum(len(case.observation.detections) for case in cases),
        "accuracy_pooled": _share(pooled, asked),
    }


def _hits(result: Result, annotations: list[Annotation]) -> list[bool]:
    """For each caption: does its best box, believed or not, lie on the true one?"""
    hits = []
    for ranking, annotation in zip(result.rankings, annotations, strict=True):
        row = ranking.nearest_row
        if row is None:
            hits.append(False)
            continue
        box = result.detections.xyxy[row : row + 1]
        hits.append(bool(iou_matrix(box, _one(annotation))[0, 0] >= IOU_MIN))
    return hits


def _one(annotation: Annotation) -> NDArray[np.float32]:
    return np.array([annotation.xyxy], np.float32)


def _pooled_hits(locator: Locator, cases: list[_Case]) -> int:
    """Captions answered out of the boxes of ALL pictures at once.

    A box of another picture with the same caption is as right as the one that was meant.
    """
    embeds = np.concatenate([case.observation.embeds for case in cases])
    if len(embeds) == 0:
        return 0
    scores = np.concatenate([case.observation.detections.score for case in cases])
    names = _names_of_boxes(cases)
    hits = 0
    for case in cases:
        captions = [annotation.caption for annotation in _asked(case)]
        if not captions:
            continue
        logits = locator.reranker.logits(embeds, locator.reranker.embed_texts(captions))
        best = weigh(logits, scores, locator.calibration.detector_weight).argmax(axis=1)
        hits += sum(caption in names[row] for caption, row in zip(captions, best, strict=True))
    return hits


def _names_of_boxes(cases: list[_Case]) -> list[set[str]]:
    """For each box of all pictures: the captions of the true objects it lies on."""
    names: list[set[str]] = []
    for case in cases:
        iou = iou_matrix(case.observation.detections.xyxy, case.truth)
        for overlaps in iou:
            on = np.flatnonzero(overlaps >= IOU_MIN)
            names.append({case.line.annotations[i].caption for i in on})
    return names


# ---------------------------------------------------------------- honesty


def _not_found(locator: Locator, cases: list[_Case]) -> dict[str, object]:
    """How well the found-probability tells captions of this picture from those of others."""
    probabilities: list[float] = []
    found: list[bool] = []
    right: list[bool] = []
    present: list[bool] = []
    for case in cases:
        annotations = _asked(case)
        captions = [annotation.caption for annotation in annotations] + case.strangers
        if not captions:
            continue
        result = locator.answer(case.observation, captions)
        probabilities += [ranking.found_probability for ranking in result.rankings]
        found += [ranking.found for ranking in result.rankings]
        hits = _hits(_first(result, len(annotations)), annotations)
        right += hits + [False] * len(case.strangers)
        present += [True] * len(annotations) + [False] * len(case.strangers)
    scores, truth = np.array(probabilities), np.array(right, bool)
    return {
        "captions_present": int(np.sum(present)),
        "captions_absent": len(present) - int(np.sum(present)),
        "auroc": area_under_roc(scores, np.array(present, bool)),
        "threshold": locator.calibration.found_probability_min,
        "accuracy_at_threshold": _share(int((np.array(found, bool) == truth).sum()), len(truth)),
        "ece": calibration_error(scores, truth),
    }


def _first(result: Result, count: int) -> Result:
    return replace(result, rankings=result.rankings[:count])


def _strangers(lines: list[DataLine]) -> list[list[str]]:
    """For each picture the next captions of others that no object of it has; always the same."""
    found: list[list[str]] = []
    # From the end to the start, twice: after the last picture comes the first again.
    nearest: OrderedDict[str, None] = OrderedDict()  # what follows, the next one last
    for line in reversed([*lines, *lines]):
        captions = _captions(line)
        own = set(captions)
        others = (caption for caption in reversed(nearest) if caption not in own)
        found.append(list(islice(others, _STRANGERS_PER_IMAGE)))
        for caption in reversed(captions):
            nearest[caption] = None
            nearest.move_to_end(caption)
    return found[: len(lines) - 1 : -1]


# ---------------------------------------------------------------- time


def _milliseconds(locator: Locator, cases: list[_Case]) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of each stage over the pictures, with their own captions."""
    rows = [
        locator.answer(case.observation, captions).seconds
        for case in cases
        if (captions := _captions(case.line))
    ]
    names = list(rows[0]) if rows else []
    times = {name: np.array([row[name] for row in rows]) * 1000 for name in names}
    return {
        name: {
            "median": round(float(np.median(values)), 2),
            "p95": round(float(np.percentile(values, 95)), 2),
        }
        for name, values in times.items()
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
