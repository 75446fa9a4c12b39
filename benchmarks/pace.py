"""How much work pre-labelling saves, and whether the queue shows mistakes first.

    python -m benchmarks.pace --json

Fifty synthetic scenes of the shipped cutouts and backgrounds are pre-labelled with the shipped
models, once with captions chosen from a vocabulary, once with the captions of each scene given, as
a caption file gives them. A scripted annotator then repairs what is wrong and nothing else; each
drag, word and key counts as one action. By hand every object costs two (draw, describe) and every
image one (next). With captions given, the page hands a drawn box the next caption that has none:
who draws in that order describes nothing, also by hand, so that figure stands beside. A caption is
right if it names the same type and the same colors, in any order. Besides: how many of the captions
that are written are among those that the page suggests, where a key gives them; and how well the
queue's doubt about an image goes with the number of its corrections (Spearman).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr

from benchmarks.machine import describe_commit, describe_machine
from core.boxes import iou_matrix
from core.image import encode_image
from pipeline.config import load_config
from pipeline.locate import Locator
from project.given import missing_captions
from project.measuring import suggest_captions
from project.pictures import read_picture
from project.prelabel import GIVEN_SCORE_MIN, PROPOSED_SCORE_MIN, Question, prelabel
from project.score import Scorer
from project.store import Project
from project.types import Accept, Add, BoxRow, Describe, Edit, Move, Reject, Xyxy
from project.vocabulary import Vocabulary
from synth.captions import parse_caption
from synth.config import load_scene_config
from synth.generate import GALLERY, preview, usable_library
from synth.words import COLORS, TYPES

__all__ = [
    "Truth",
    "captions_to_write",
    "count_by_hand",
    "count_unprompted",
    "main",
    "measure",
    "repair",
]

WIDTH_PX = 960
IOU_SAME = 0.4  # a proposal about this object
IOU_GOOD = 0.7  # and good enough to be left as it is
SETS = ("size_px_range=[24, 240]", "effects=light", "distractor_ratio=0", "clutter_ratio=0")


@dataclass(frozen=True, slots=True)
class Truth:
    """What an image really shows."""

    xyxy: tuple[tuple[float, ...], ...]
    captions: tuple[str, ...]


def measure(count: int, *, given: bool, score_min: float, seed: int = 0) -> dict[str, object]:
    """Pre-label and correct `count` scenes, and return what it took.

    Args:
        count: Number of scenes.
        given: Whether the captions of each scene are known.
        score_min: Detector score from which boxes are considered.
        seed: Of the scenes.
    """
    config = load_scene_config(None, sets=SETS)
    scenes = preview(
        usable_library((GALLERY[0],), (GALLERY[1],), config)[0],
        config,
        seed,
        range(count),
        width_px=WIDTH_PX,
    )
    locator = Locator.open(load_config(sets=[f"detect.score_min={score_min}"]))
    actions: Counter[str] = Counter()
    doubts: list[tuple[float, int]] = []
    by_hand = prompted = objects = written = suggested = 0
    with tempfile.TemporaryDirectory() as folder, Project.create(Path(folder), "pace") as project:
        truths = {}
        for number, scene in enumerate(scenes):
            picture = read_picture(encode_image(scene.image), f"scene {number}")
            image_id, _ = project.add(picture, f"scene-{number:02}")
            boxes = tuple(map(tuple, scene.xyxy.astype(float).tolist()))
            truths[image_id] = Truth(boxes, tuple(scene.captions))
            if given:
                project.give_captions({image_id: scene.captions})
        words = Vocabulary(TYPES, (*COLORS, "camouflage"))
        start = perf_counter()
        prelabel(project, locator, Question(vocabulary=words, given=given))
        prelabel_s = perf_counter() - start
        scorer = Scorer(locator)
        for image_id, _ in project.states():
            image, truth = project.image(image_id), truths[image_id]
            boxes = project.boxes(image.id)
            edits = repair(truth, boxes)
            kinds = [type(e).__name__.lower() for e in edits if not isinstance(e, Accept)]
            actions.update(kinds)
            actions["caption of a drawn box"] += count_unprompted(image.captions, boxes, edits)
            actions["next"] += 1
            doubts.append((image.doubt, len(kinds)))
            objects += len(truth.xyxy)
            by_hand += count_by_hand(truth)
            for place, caption in captions_to_write(boxes, edits):
                fits = suggest_captions(project, scorer, image.id, place, words)
                written += 1
                suggested += any(_same(fit, caption) for fit, _ in fits)
            prompted += len(truth.xyxy) + 1
            project.apply(image.id, edits, who="script", version=image.version, state="done")
    total = sum(actions.values())
    return {
        "images": count,
        "objects": objects,
        "score_min": score_min,
        "actions": dict(actions),
        "actions_total": total,
        "actions_by_hand": by_hand,
        "ratio": round(total / by_hand, 3),
        "captions_written": written,
        "of_these_suggested": suggested,
        **({"actions_by_hand_with_captions_handed_out": prompted} if given else {}),
        "images_with_a_mistake": sum(corrections > 0 for _, corrections in doubts),
        "queue_correlation": _correlation(doubts),
        "prelabel_s_per_image": round(prelabel_s / count, 3),
        "provenance": dict(locator.provenance),
    }


def count_by_hand(truth: Truth) -> int:
    """Actions without proposals: draw and describe each object, then the next image."""
    return 2 * len(truth.xyxy) + 1


def count_unprompted(given: Sequence[str], boxes: Sequence[BoxRow], edits: Sequence[Edit]) -> int:
    """Captions of drawn boxes that the page does not hand out.

    It hands out what was given with the image and no box has, once the other edits are made.
    """
    now = {box.id: box for box in boxes}
    for edit in edits:
        if isinstance(edit, Describe):
            now[edit.box_id] = replace(now[edit.box_id], caption=edit.caption or "")
        elif isinstance(edit, Reject):
            del now[edit.box_id]
    left = Counter(missing_captions(given, list(now.values())))
    drawn = Counter(edit.caption for edit in edits if isinstance(edit, Add))
    return (drawn - left).total()


def captions_to_write(boxes: Sequence[BoxRow], edits: Sequence[Edit]) -> list[tuple[Xyxy, str]]:
    """Return the captions that edits change or add, each with the place of its box after them."""
    places = {box.id: box.xyxy for box in boxes}
    places |= {edit.box_id: edit.xyxy for edit in edits if isinstance(edit, Move)}
    return [
        (edit.xyxy if isinstance(edit, Add) else places[edit.box_id], edit.caption or "")
        for edit in edits
        if isinstance(edit, Add | Describe)
    ]


def repair(truth: Truth, boxes: Sequence[BoxRow]) -> list[Edit]:
    """Return the fewest edits that make the boxes of an image right.

    An object whose proposal overlaps it by less than IoU 0.7 is moved, one with other words
    reworded, one without a proposal drawn; what is left over is rejected.
    """
    xyxy = np.array([box.xyxy for box in boxes], np.float32).reshape(-1, 4)
    iou = iou_matrix(np.array(truth.xyxy, np.float32).reshape(-1, 4), xyxy)
    rows, columns = linear_sum_assignment(np.where(iou >= IOU_SAME, iou, 0), maximize=True)
    pairs = {
        int(row): int(column)
        for row, column in zip(rows, columns, strict=True)
        if iou[row, column] >= IOU_SAME
    }
    edits: list[Edit] = []
    for row, (place, caption) in enumerate(zip(truth.xyxy, truth.captions, strict=True)):
        x1, y1, x2, y2 = place
        if row not in pairs:
            edits.append(Add((x1, y1, x2, y2), caption=caption))
            continue
        box, good = boxes[pairs[row]], iou[row, pairs[row]] >= IOU_GOOD
        if not good:
            edits.append(Move(box.id, (x1, y1, x2, y2)))
        if not _same(box.caption, caption):
            edits.append(Describe(box.id, caption=caption))
        elif good:
            edits.append(Accept(box.id))
    taken = set(pairs.values())
    return edits + [Reject(box.id) for column, box in enumerate(boxes) if column not in taken]


def _same(one: str, other: str) -> bool:
    """Whether two captions say the same."""
    a, b = parse_caption(one), parse_caption(other)
    return (a.types, set(a.colors), a.camouflage) == (b.types, set(b.colors), b.camouflage)


def _correlation(doubts: Sequence[tuple[float, int]]) -> float | None:
    """Spearman's rank correlation of doubt and corrections; None where one of them never varies."""
    doubt, corrections = np.array(doubts, np.float64).T
    if len(np.unique(doubt)) < 2 or len(np.unique(corrections)) < 2:
        return None
    return round(float(spearmanr(doubt, corrections).statistic), 3)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    arguments = parser.parse_args(argv)
    measured = {
        "vocabulary": measure(arguments.count, given=False, score_min=PROPOSED_SCORE_MIN),
        "given": measure(arguments.count, given=True, score_min=GIVEN_SCORE_MIN),
    }
    if arguments.json:
        result = {"machine": describe_machine(), "commit": describe_commit(), **measured}
        print(json.dumps(result, indent=2))
        return
    for name, figures in measured.items():
        print(f"{name}:")
        print("\n".join(f"  {k}: {v}" for k, v in figures.items() if k != "provenance"))


if __name__ == "__main__":
    main()
