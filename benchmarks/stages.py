"""How the cost of each stage grows: with boxes, with captions, with the size of the picture.

    python -m benchmarks.stages --preset mini --json

Boxes and captions are given, not found, so that only the amount of work changes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from benchmarks.machine import describe_commit, describe_machine, peak_memory_mib
from benchmarks.pictures import make_pictures
from benchmarks.timing import time_settled_ms
from core.image import image_wh, resize_image
from core.types import Detections, Image
from pipeline.config import load_config
from pipeline.locate import Locator

__all__ = ["main", "measure_boxes", "measure_captions", "measure_sizes"]

BOX_COUNTS = (1, 4, 16, 64)
CAPTION_COUNTS = (1, 4, 16)
SIZES_WH = ((640, 366), (1520, 870), (3040, 1740), (4000, 3000))
# Longer sides of the boxes, as they come in crowded pictures: half of them are enlarged.
SIDES_PX = (16, 30, 60, 110)

Row = dict[str, float]


def measure_boxes(locator: Locator, image: Image, *, repeats: int) -> dict[str, Row]:
    """Return milliseconds of cut, upscale and embed by number of boxes."""
    rows: dict[str, Row] = {}
    for count in BOX_COUNTS:
        detections = Detections.from_xyxy(_grid(count, image_wh(image)), image_wh(image))
        crops = [locator.cut(image, detections)]
        upscaled = _upscale(locator, crops)
        rows[str(count)] = {
            "cut": time_settled_ms(partial(locator.cut, image, detections), repeats),
            "upscale": time_settled_ms(partial(_upscale, locator, crops), repeats),
            "embed": time_settled_ms(partial(locator.reranker.embed_images, upscaled), repeats),
        }
    return rows


def measure_captions(locator: Locator, image: Image, *, repeats: int) -> dict[str, float]:
    """Return milliseconds of an answer by number of captions, none of which was asked before."""
    observation = locator.observe([image])[0]
    rows = {}
    for count in CAPTION_COUNTS:
        number = iter(range(10**6))

        def ask(count: int = count, number: Iterator[int] = number) -> None:
            round_number = next(number)
            captions = [f"thing {count} {round_number} {i}" for i in range(count)]
            locator.answer(observation, captions)

        rows[str(count)] = time_settled_ms(ask, repeats)
    return rows


def measure_sizes(locator: Locator, image: Image, *, repeats: int) -> dict[str, float]:
    """Return milliseconds of detection by size of the picture."""
    rows = {}
    for wh in SIZES_WH:
        picture = resize_image(image, wh)
        rows[f"{wh[0]}x{wh[1]}"] = time_settled_ms(partial(locator.detector, [picture]), repeats)
    return rows


def _grid(count: int, wh: tuple[int, int]) -> np.ndarray:
    """So many boxes of mixed size, spread over the image."""
    columns = int(np.ceil(np.sqrt(count * wh[0] / wh[1])))
    step_wh = wh[0] / columns, wh[1] / np.ceil(count / columns)
    boxes = []
    for number in range(count):
        side = SIDES_PX[number % len(SIDES_PX)]
        x = min((number % columns) * step_wh[0], wh[0] - side)
        y = min((number // columns) * step_wh[1], wh[1] - side)
        boxes.append((x, y, x + side, y + side))
    return np.array(boxes, np.float32)


def _upscale(locator: Locator, crops: list) -> list:
    for upscaler in locator.upscalers:
        crops = upscaler(crops)
    return crops


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--preset", default=None, help="preset of pipeline/presets")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a few lines")
    arguments = parser.parse_args(argv)
    sets = [f"engine.device={arguments.device}", *arguments.set]
    locator = Locator.open(load_config(arguments.preset, sets=sets))
    image = make_pictures(1)[0].image
    report: dict[str, object] = {
        "machine": describe_machine(),
        "commit": describe_commit(),
        "provenance": locator.provenance,
        "repeats": arguments.repeats,
        "by_boxes_ms": measure_boxes(locator, image, repeats=arguments.repeats),
        "by_captions_ms": measure_captions(locator, image, repeats=arguments.repeats),
        "detect_by_size_ms": measure_sizes(locator, image, repeats=arguments.repeats),
        "peak_memory_mib": peak_memory_mib(),
    }
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for key in ("by_boxes_ms", "by_captions_ms", "detect_by_size_ms", "peak_memory_mib"):
        print(f"{key:18} {report[key]}")


if __name__ == "__main__":
    main()
