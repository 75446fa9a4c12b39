"""How long it takes to locate four described objects in a 1520x870 picture, by stage.

    python -m benchmarks.locate --json            # ours and the PyTorch reference, in one run
    python -m benchmarks.locate --json --no-reference --preset mini --device cpu

Both ways take turns picture by picture, so that a busy machine disturbs both alike. Captions are
new each time for both; `second_caption_ms` is one further new caption about the same picture.
`one_question_a_call_ms` is the reference asked as a program that knows one caption a call asks it:
the picture is looked at again for each. How cost grows: `benchmarks.stages`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from time import perf_counter

from benchmarks.machine import describe_commit, describe_machine, peak_memory_mib, summarize_ms
from benchmarks.pictures import OBJECT_SIDES_PX, Picture, make_pictures
from benchmarks.timing import time_settled_ms
from core.config import config_hash
from pipeline.config import LocateConfig, load_config
from pipeline.engines.machine import usable_threads
from pipeline.locate import Locator

__all__ = ["main", "measure", "measure_throughput"]

STAGES = ("decode", "detect", "cut", "upscale", "rerank", "total")

Timings = dict[str, list[float]]


def measure(
    locators: Mapping[str, Locator], pictures: Sequence[Picture], *, repeats: int, warm_up: int
) -> dict[str, Timings]:
    """Return seconds per stage and locator, one value per picture and repeat.

    Args:
        locators: What is compared, by name.
        pictures: Each is located with all its captions.
        repeats: How often each picture is located.
        warm_up: How many rounds are not counted.
    """
    timings: dict[str, Timings] = {name: defaultdict(list) for name in locators}
    for round_number in range(warm_up + repeats):
        for picture in pictures:
            for name, locator in locators.items():
                seconds = _locate_once(locator, picture)
                if round_number >= warm_up:
                    for stage, value in seconds.items():
                        timings[name][stage].append(value)
    return timings


def measure_throughput(locator: Locator, pictures: Sequence[Picture], *, repeats: int) -> float:
    """Return images a second when all pictures are given at once, with their captions.

    Args:
        locator: Locates them.
        pictures: Given together.
        repeats: How often; the median counts.
    """
    images = [picture.image for picture in pictures]
    captions = [list(picture.captions) for picture in pictures]
    batch_ms = time_settled_ms(lambda: locator.locate(images, captions), repeats)
    return round(1000 * len(images) / batch_ms, 2)


def _locate_once(locator: Locator, picture: Picture) -> dict[str, float]:
    observation = locator.observe([picture.image])[0]
    result = locator.answer(observation, picture.captions)
    start_s = perf_counter()
    locator.answer(observation, ["small red thing"])
    second_s = perf_counter() - start_s
    seconds = {stage: result.seconds[stage] for stage in STAGES}
    return {**seconds, "second_caption": second_s, "objects": float(len(result.detections))}


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the whole report, plain JSON types."""
    # A cache of one caption forgets all others: every caption is new, as it is for the reference.
    sets = ["rerank.cached_captions=1", f"engine.device={arguments.device}", *arguments.set]
    config = load_config(arguments.preset, sets=sets)
    threads = config.engine.threads or usable_threads()
    locators = {"ours": Locator.open(config)}
    if not arguments.no_reference:
        locators["reference"] = _open_reference(config, threads)
    pictures = make_pictures(arguments.pictures)
    timings = measure(locators, pictures, repeats=arguments.repeats, warm_up=arguments.warm_up)
    report: dict[str, object] = {
        "machine": describe_machine(),
        "commit": describe_commit(),
        "config": config_hash(config),
        "provenance": locators["ours"].provenance,
        "pictures": f"{len(pictures)} of 1520x870 with 4 objects and 4 captions each",
        "boxes_per_picture": _mean(timings["ours"].pop("objects")),
        "repeats": arguments.repeats,
        "warm_up": arguments.warm_up,
        "second_caption_ms": summarize_ms(timings["ours"].pop("second_caption"))[0],
        "median_ms": _summarize(timings["ours"], 0),
        "p95_ms": _summarize(timings["ours"], 1),
        # Of the whole process, the reference included where it was measured.
        "peak_memory_mib": peak_memory_mib(),
    }
    if len(pictures) > 1:
        report["images_per_s"] = measure_throughput(
            locators["ours"], pictures, repeats=arguments.repeats
        )
    if "reference" in timings:
        report |= _compare(timings["ours"], timings["reference"])
        report["reference"] = locators["reference"].provenance["engine"]
    return report


def _open_reference(config: LocateConfig, threads: int) -> Locator:
    # Standard output is the report's alone.
    os.environ.update(YOLO_OFFLINE="1", YOLO_VERBOSE="False")
    # Here, so that --no-reference works without PyTorch.
    from benchmarks.reference import open_reference

    return open_reference(config, threads=threads)


def _compare(ours: Timings, reference: Timings) -> dict[str, object]:
    own_ms, other_ms = summarize_ms(ours["total"])[0], summarize_ms(reference["total"])[0]
    return {
        "reference_boxes_per_picture": _mean(reference.pop("objects")),
        "reference_second_caption_ms": summarize_ms(reference.pop("second_caption"))[0],
        "reference_ms": _summarize(reference, 0),
        "reference_p95_ms": _summarize(reference, 1),
        "one_question_a_call_ms": round(len(OBJECT_SIDES_PX) * other_ms, 1),
        "speedup": round(other_ms / own_ms, 2),
    }


def _summarize(timings: Timings, which: int) -> dict[str, float]:
    return {stage: summarize_ms(values)[which] for stage, values in timings.items()}


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 2)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--preset", default=None, help="preset of pipeline/presets")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--warm-up",
        type=int,
        default=3,
        help="rounds that are not counted: engines learn the sizes",
    )
    parser.add_argument("--no-reference", action="store_true", help="do not measure PyTorch")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a few lines")
    arguments = parser.parse_args(argv)
    report = run(arguments)
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for key in ("median_ms", "reference_ms", "speedup", "second_caption_ms"):
        if key in report:
            print(f"{key:18} {report[key]}")


if __name__ == "__main__":
    main()
