"""What it helps to say where a thing is: "red drone" against "red drone on the left".

    python -m benchmarks.places --scenes CACHE/test

Asked of every object of which that can be said: one of several with its caption, if it is clearly
the outermost, largest or smallest of them; one that is alone in its caption, if it is in an outer
two fifths of the picture. The same networks see the picture once for both ways. "Right" is an IoU
of 0.5 and more with that object.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import IOU_MIN, add_question_options, read_questions
from benchmarks.machine import describe_commit, describe_machine
from core.boxes import iou_matrix
from core.image import image_wh, read_image
from core.result import Place
from pipeline.config import load_config
from pipeline.locate import Locator

__all__ = ["main", "true_places"]

_SAID = {
    "left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom",
    "large": "the largest", "small": "the smallest",
}  # fmt: skip
_CLEAR_SHARE = 0.08  # of the picture's side, ahead of the next one
_CLEAR_AREA = 0.5  # in natural logarithms
_OUTER_SHARE = 0.4


def true_places(
    xyxy: NDArray[np.float32], captions: Sequence[str], wh: tuple[int, int]
) -> Iterator[tuple[int, Place, bool]]:
    """Yield row, place, and whether others have the row's caption, of all that is clearly so.

    Args:
        xyxy: (n, 4) boxes.
        captions: One per box.
        wh: Size of the picture.
    """
    middle = (xyxy[:, :2] + xyxy[:, 2:]) / 2 / np.array(wh, np.float32)
    log_area = np.log(np.prod(xyxy[:, 2:] - xyxy[:, :2], axis=1))
    ahead: dict[Place, NDArray] = {
        "left": 1 - middle[:, 0],
        "right": middle[:, 0],
        "top": 1 - middle[:, 1],
        "bottom": middle[:, 1],
        "large": log_area,
        "small": -log_area,
    }
    for row, caption in enumerate(captions):
        others = [i for i, other in enumerate(captions) if other == caption and i != row]
        for place, values in ahead.items():
            is_size = place in ("large", "small")
            if others:
                least = _CLEAR_AREA if is_size else _CLEAR_SHARE
                if values[row] - values[others].max() > least:
                    yield row, place, True
            elif not is_size and values[row] > 1 - _OUTER_SHARE:
                yield row, place, False


def _phrase(caption: str, place: Place) -> str:
    is_size = place in ("large", "small")
    return f"{_SAID[place]} {caption}" if is_size else f"{caption} {_SAID[place]}"


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, ask, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    add_question_options(parser)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args(argv)
    locator = Locator.open(load_config(arguments.preset, sets=arguments.set))
    asked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    questions = read_questions(arguments.scenes, arguments.dataset, arguments.count)
    for question in questions:
        image = read_image(question.path)
        observation = locator.observe([image])[0]
        iou = iou_matrix(question.xyxy, observation.detections.xyxy)
        for row, place, has_others in true_places(
            question.xyxy, question.captions, image_wh(image)
        ):
            caption = question.captions[row]
            group = "one of several" if has_others else "alone in its caption"
            asked[group] += 1
            captions = [caption, _phrase(caption, place)]
            rankings = locator.answer(observation, captions).rankings
            for way, ranking in zip(("without", "with"), rankings, strict=True):
                nearest = ranking.nearest_row
                right[f"{group} {way}"] += nearest is not None and iou[row, nearest] >= IOU_MIN
    report = {
        "machine": describe_machine(),
        "commit": describe_commit(),
        "provenance": locator.provenance,
        "images": len(questions),
        "figures": {
            group: {
                "asked": count,
                "right_without_place": round(right[f"{group} without"] / count, 4),
                "right_with_place": round(right[f"{group} with"] / count, 4),
            }
            for group, count in sorted(asked.items())
        },
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
