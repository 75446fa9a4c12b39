"""What tiles find in large pictures that one look misses, and what that costs.

    python -m benchmarks.tiles --pictures 2 --json

Pictures of 4000x3000 with objects of 8 to 16 px. Three ways: the whole picture once; tiles in one
call; the same tiles one by one. The last two find the same; only their time differs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from time import perf_counter

import numpy as np

from benchmarks.machine import describe_commit, describe_machine, summarize_ms
from benchmarks.pictures import Scattered, scatter_objects
from core.boxes import iou_matrix
from core.types import Detections
from pipeline.build import build_detector
from pipeline.config import LocateConfig, load_config
from pipeline.detect.network import PARTS_AT_ONCE
from pipeline.engines.machine import probe_machine
from pipeline.locate import Locator
from pipeline.networks import Networks, find_models
from pipeline.stages import Detector

__all__ = ["main", "measure", "recall_of"]

IOU_MIN = 0.5
SCORE_MIN = 0.1
MAX_BOXES = 300


def measure(
    ways: dict[str, Detector], pictures: Sequence[Scattered]
) -> dict[str, dict[str, float]]:
    """Return recall, boxes and time of each way; the ways take turns picture by picture."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, list[float]] = {name: [] for name in ways}
    boxes: dict[str, list[int]] = {name: [] for name in ways}
    for detect in ways.values():
        # Sizes met for the first time cost extra.
        detect([pictures[0].image])
    for picture in pictures:
        for name, detect in ways.items():
            start_s = perf_counter()
            (seen,) = detect([picture.image])
            seconds[name].append(perf_counter() - start_s)
            found[name].append(recall_of(seen, picture))
            boxes[name].append(len(seen))
    return {
        name: {
            "recall50": round(float(np.mean(found[name])), 4),
            "boxes_per_picture": round(float(np.mean(boxes[name])), 1),
            "ms": summarize_ms(seconds[name])[0],
        }
        for name in ways
    }


def recall_of(seen: Detections, picture: Scattered) -> float:
    """Return the share of the objects that a box fits with an IoU above 0.5."""
    iou = iou_matrix(picture.xyxy, seen.xyxy)
    return float((iou.max(axis=1, initial=0) > IOU_MIN).mean())


def load_tiled(preset: str | None, sets: Sequence[str]) -> LocateConfig:
    """Return the settings with tiles, a low threshold and many boxes."""
    common = [f"detect.score_min={SCORE_MIN}", f"detect.max_boxes={MAX_BOXES}"]
    return load_config(preset, sets=[*common, "detect.tile_wh=auto", *sets])


def open_ways(tiled: LocateConfig) -> dict[str, Detector]:
    """Return the three ways of looking: the whole image, tiles together, tiles one by one."""
    return {
        "whole": _open_detector(tiled.with_values({"detect": {"tile_wh": None}})),
        "tiles": _open_detector(tiled),
        "tiles_one_by_one": _open_detector(tiled, tiles_at_once=1),
    }


def _open_detector(config: LocateConfig, *, tiles_at_once: int = PARTS_AT_ONCE) -> Detector:
    machine = probe_machine()
    models = find_models(config, machine)
    networks = Networks(config.engine, machine, has_int8=models.has_int8(), no_half=models.no_half)
    return build_detector(
        models.detectors, config.detect, networks.opener, tiles_at_once=tiles_at_once
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--preset", default=None)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--pictures", type=int, default=2)
    parser.add_argument("--size", type=int, nargs=2, default=(4000, 3000), metavar=("W", "H"))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a few lines")
    arguments = parser.parse_args(argv)
    pictures = [scatter_objects(i, wh=tuple(arguments.size)) for i in range(arguments.pictures)]
    tiled = load_tiled(arguments.preset, arguments.set)
    figures = measure(open_ways(tiled), pictures)
    report = {
        "machine": describe_machine(),
        "commit": describe_commit(),
        "provenance": Locator.open(tiled).provenance,
        "pictures": f"{len(pictures)} of {arguments.size[0]}x{arguments.size[1]}, "
        f"{len(pictures[0].xyxy)} objects of 8 to 16 px each",
        "figures": figures,
        "batched_speedup": round(figures["tiles_one_by_one"]["ms"] / figures["tiles"]["ms"], 2),
    }
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for name, row in figures.items():
        print(f"{name:18} {row}")


if __name__ == "__main__":
    main()
