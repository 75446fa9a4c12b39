r"""Fit how both scores decide, on held-out scenes that the whole pipeline has looked at.

    python -m training.calibrate --scenes CACHE/val --model assets/models/spotter-reranker

Two fits. First, what the detector's log-odds weigh beside the similarity, so that the right one of
the *detected* boxes comes first (conditional logit, McFadden 1974). Then the chance that the first
box is right, where half of the captions belong to other scenes, and the limit below which "not in
this image" is the better answer. Both are written into reranker.json. Never run on a test set.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from core.boxes import iou_matrix
from core.errors import DataError
from core.files import write_json
from core.image import read_image
from pipeline.config import load_config
from pipeline.locate import Locator
from pipeline.rank import MARGIN_MAX, weigh
from synth.captions import parse_caption
from training.scenes import CachedScene, read_scenes

__all__ = ["Case", "fit", "gather", "main"]

IOU_MIN = 0.5
WEIGHT_MAX = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One caption asked about one scene.

    Args:
        logits: (n,) similarity of each detection.
        score: (n,) the detector's score of each.
        right: (n,) bool: which of them the caption means; none if it belongs to another scene.
    """

    logits: NDArray[np.float32]
    score: NDArray[np.float32]
    right: NDArray[np.bool_]


def gather(locator: Locator, scenes: Sequence[CachedScene], rng: np.random.Generator) -> list[Case]:
    """Return the cases of all scenes: each object's caption, and as many of other scenes.

    Args:
        locator: Looks at each scene once.
        scenes: Held-out scenes.
        rng: Draws the foreign captions.
    """
    known = sorted({caption for scene in scenes for caption in scene.captions})
    cases = []
    for scene in scenes:
        observation = locator.observe([read_image(scene.path)])[0]
        if not len(observation.detections):
            continue
        own = [row for row in range(len(scene.captions)) if _is_alone(scene, row)]
        foreign = [c for c in rng.permutation(known)[:20].tolist() if _is_foreign(c, scene)]
        captions = [scene.captions[row] for row in own] + foreign[: max(len(own), 1)]
        logits = locator.reranker.logits(observation.embeds, locator.reranker.embed_texts(captions))
        overlap = iou_matrix(scene.xyxy, observation.detections.xyxy) >= IOU_MIN
        for i, logit in enumerate(logits):
            right = overlap[own[i]] if i < len(own) else np.zeros(len(logit), bool)
            cases.append(Case(logit, observation.detections.score, right))
    return cases


def _is_alone(scene: CachedScene, row: int) -> bool:
    return scene.captions.count(scene.captions[row]) == 1


def _is_foreign(caption: str, scene: CachedScene) -> bool:
    """True when no object of the scene has its type: nobody could call it a fair description."""
    types = set(parse_caption(caption).types)
    return all(types.isdisjoint(parse_caption(other).types) for other in scene.captions)


def fit(cases: Sequence[Case]) -> dict[str, float]:
    """Return detector_weight, a, b, c, found_probability_min, and what they reach on the cases.

    Raises:
        DataError: There are too few cases to fit five numbers.
    """
    if sum(bool(case.right.any()) for case in cases) < 20:
        raise DataError("fewer than 20 captions have a box that is right.", "Give more scenes.")
    weight = _fit_weight([case for case in cases if case.right.any()])
    features, truth = [], []
    for case in cases:
        evidence = weigh(case.logits[None], case.score, weight)[0]
        order = np.argsort(-evidence)
        gap = float(evidence[order[0]] - evidence[order[1]]) if len(order) > 1 else MARGIN_MAX
        features.append([float(evidence[order[0]]), min(gap, MARGIN_MAX), 1.0])
        truth.append(float(case.right[order[0]]))
    table, right = np.array(features), np.array(truth)
    a, b, c = _fit_logistic(table, right)
    chance = 1 / (1 + np.exp(-(table @ np.array([a, b, c]))))
    limits = np.linspace(0.05, 0.95, 91)
    accuracies = [float(np.mean((chance >= limit) == (right > 0))) for limit in limits]
    # Chances that are right are best parted at one half; among limits that so few cases cannot
    # tell apart, the nearest to it (the rule of one standard error, Breiman et al. 1984).
    most = max(accuracies)
    error = np.sqrt(most * (1 - most) / len(cases))
    near = limits[np.array(accuracies) >= most - error]
    limit = float(near[np.abs(near - 0.5).argmin()])
    with_box = np.array([bool(case.right.any()) for case in cases])
    return {
        "detector_weight": round(weight, 3),
        "a": a,
        "b": b,
        "c": c,
        "found_probability_min": round(limit, 2),
        "cases": len(cases),
        "first_box_right": round(float(right[with_box].mean()), 4),
        "found_or_not_right": round(float(np.mean((chance >= limit) == (right > 0))), 4),
    }


def _fit_weight(cases: Sequence[Case]) -> float:
    """The weight beside which similarity, at its best scale, makes the right boxes likeliest."""
    lengths = [len(case.logits) for case in cases]
    starts = np.cumsum([0, *lengths[:-1]])
    logits = np.concatenate([case.logits for case in cases]).astype(np.float64)
    score = np.concatenate([case.score for case in cases])
    log_odds = weigh(np.zeros((1, len(score)), np.float32), score, 1.0)[0].astype(np.float64)
    right = np.concatenate([case.right for case in cases])

    def loss(weight: float, scale: float) -> float:
        likely = scale * (logits + weight * log_odds)
        likely = np.exp(likely - np.repeat(np.maximum.reduceat(likely, starts), lengths))
        shares = np.add.reduceat(likely * right, starts) / np.add.reduceat(likely, starts)
        return -float(np.log(np.maximum(shares, 1e-30)).mean())

    def loss_at(weight: float) -> float:
        bounds = (0.01, 5)
        return float(
            minimize_scalar(lambda s: loss(weight, s), bounds=bounds, method="bounded").fun
        )

    return float(minimize_scalar(loss_at, bounds=(0.0, WEIGHT_MAX), method="bounded").x)


def _fit_logistic(
    features: NDArray[np.float64], truth: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return the weights of (n, 3) features for the chance of a truth of 1; the last is free."""
    sign = 2 * truth - 1

    def loss(weights: NDArray[np.float64]) -> float:
        return float(
            np.logaddexp(0, -sign * (features @ weights)).mean() + 1e-4 * weights @ weights
        )

    # A better score must never lower the chance, hence the bounds.
    bounds = [(0, None), (0, None), (None, None)]
    solution = minimize(loss, np.array([0.5, 0.1, 0.0]), method="L-BFGS-B", bounds=bounds).x
    return float(solution[0]), float(solution[1]), float(solution[2])


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, fit, write reranker.json, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scenes", type=Path, required=True, help="held-out cache")
    parser.add_argument("--model", type=Path, required=True, help="folder with reranker.json")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    model = json.dumps(str(arguments.model))
    locator = Locator.open(load_config(sets=[f"rerank.model={model}", *arguments.set]))
    cases = gather(locator, read_scenes(arguments.scenes), np.random.default_rng(arguments.seed))
    fitted = fit(cases)
    path = arguments.model / "reranker.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["calibration"] = {key: fitted[key] for key in ("a", "b", "c", "detector_weight")}
    settings["found_probability_min"] = fitted["found_probability_min"]
    write_json(path, settings)
    print(json.dumps(fitted, indent=1))


if __name__ == "__main__":
    main()
