"""How fast labelled scenes are made, beside the way of the notebook that this project grew from.

    python -m benchmarks.synth --json

Images of 1520x870 with four objects and the origin's effects (version 3), written as JPEG. The
origin's way, after its description: one process; Pillow rotates each cutout and resizes it without
regard to its aspect, pastes it, the file is written, read again, changed as a whole by
albumentations, written again. All take turns in short rounds, so that a busy machine disturbs all
alike; the processor time of an image, which other work disturbs less, is told as well.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter, process_time

import cv2
import numpy as np

from benchmarks.machine import describe_commit, describe_machine, peak_memory_mib
from core.errors import MissingPackageError
from core.image import open_picture
from synth.config import load_scene_config
from synth.generate import GALLERY, Job, library_for
from synth.library import Library
from synth.outlines import Marks
from synth.render import render
from synth.splits import part_library, sample_image
from synth.work import encode_jpeg, make_block, open_pool

__all__ = ["OriginsWay", "main", "measure"]

OBJECTS = 4
QUALITY = 92
_WARM_IMAGES = 60
SIDE_PX_RANGE = (40.0, 320.0)
SETS = (
    f"count_range=[{OBJECTS}, {OBJECTS}]",
    f"size_px_range=[{SIDE_PX_RANGE[0]}, {SIDE_PX_RANGE[1]}]",
)


class OriginsWay:
    """The origin's notebook after its description, for one process.

    Args:
        library: Cutouts and backgrounds; files are read anew for each image, as it did.
        out: Folder to write to.
    """

    def __init__(self, library: Library, out: Path) -> None:
        try:
            from synth.origin import apply_recipe
        except ImportError as error:
            raise MissingPackageError(
                "the origin's way needs albumentations.", "Run: pip install -r requirements.txt"
            ) from error
        self._apply_recipe = apply_recipe
        self._library = library
        self._out = out

    def make(self, index: int) -> int:
        """Make one image and its labels; returns the number of boxes."""
        rng = np.random.default_rng([1, index])
        library = self._library
        place = library.backgrounds[int(rng.integers(len(library.backgrounds)))]
        with open_picture(place.path) as opened:
            picture = opened.convert("RGB").resize((1520, 870))
        boxes: list[tuple[int, int, int, int]] = []
        while len(boxes) < OBJECTS:
            cutout = library.labelled[int(rng.integers(len(library.labelled)))]
            with open_picture(cutout.path) as opened:
                thing = opened.convert("RGBA").rotate(float(rng.uniform(0, 360)), expand=True)
            side = int(np.exp(rng.uniform(*np.log(SIDE_PX_RANGE))))
            thing = thing.resize((side, side))  # the aspect is lost, as it was
            x, y = int(rng.integers(0, 1520 - side)), int(rng.integers(0, 870 - side))
            picture.paste(thing, (x, y), thing)
            boxes.append((x, y, x + side, y + side))
        path = self._out / f"{index:06d}.jpg"
        picture.save(path, quality=QUALITY)
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)  # type: ignore[arg-type]
        marks = Marks.from_boxes(np.array(boxes, np.float32))
        changed, moved, _ = self._apply_recipe(
            np.asarray(image, np.uint8), marks, "origin_detector_v3", index
        )
        bgr = cv2.cvtColor(changed, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        path.with_suffix(".txt").write_text(str(moved.xyxy.tolist()), encoding="utf-8")
        return len(moved)


def measure(out: Path, *, rounds: int, images: int, workers: Sequence[int]) -> dict[str, object]:
    """Return images per second of each way, their ratio, the encoder's share, memory.

    Args:
        out: Folder to write images to.
        rounds: How often each way takes its turn.
        images: Images of a turn, for each process.
        workers: Numbers of processes to measure ours with.
    """
    config = load_scene_config("origin-v3", sets=SETS)
    library = library_for(GALLERY[:1], GALLERY[1:], config)
    origin = OriginsWay(library, out)
    origin.make(10**6)
    pools = {}
    for number in workers:
        job = Job(out=out / f"ours{number}", count=1, config=config, workers=number)
        pools[number] = open_pool(job, library)
        # Warm: the gallery's pixels are then in each process's cache, as in a run of any length.
        list(pools[number].map(_timed_block, [range(_WARM_IMAGES)] * number))
    seconds: dict[str, list[float]] = defaultdict(list)
    cpu: dict[str, list[float]] = defaultdict(list)
    for turn in range(rounds):
        began, began_cpu = perf_counter(), process_time()
        for index in range(images):
            origin.make(turn * images + index)
        seconds["origin"].append((perf_counter() - began) / images)
        cpu["origin"].append((process_time() - began_cpu) / images)
        for number, pool in pools.items():
            first = (turn + 1) * 1000
            blocks = [range(first + k, first + images * number, number) for k in range(number)]
            began = perf_counter()
            used = list(pool.map(_timed_block, blocks))
            seconds[f"workers_{number}"].append((perf_counter() - began) / (images * number))
            cpu[f"workers_{number}"].append(sum(used) / (images * number))
    memory = {number: _memory_mib(pool, number) for number, pool in pools.items()}
    for pool in pools.values():
        pool.shutdown()
    rates = {name: 1 / float(np.median(values)) for name, values in seconds.items()}
    cpu_ms = {name: 1000 * float(np.median(values)) for name, values in cpu.items()}
    return {
        "images_per_second": {name: round(rate, 2) for name, rate in rates.items()},
        "times_the_origins_way": {
            name: round(rate / rates["origin"], 2) for name, rate in rates.items()
        },
        "processor_ms_per_image": {name: round(value, 1) for name, value in cpu_ms.items()},
        "jpeg": _encoder_share(library),
        "largest_memory_mib_per_worker": memory,
    }


def _timed_block(block: range) -> float:
    """Seconds of processor time that a block took, in a process of the pool."""
    began = process_time()
    make_block(block)
    return process_time() - began


def _memory_mib(pool: ProcessPoolExecutor, number: int) -> float:
    """The most that a process of the pool held at once; several questions, to reach each."""
    asked = [pool.submit(peak_memory_mib) for _ in range(4 * number)]
    return max(future.result() for future in asked)


def _encoder_share(library: Library) -> dict[str, float]:
    """Processor time of the final JPEG, and its share of an image: what no renderer can save."""
    config = load_scene_config("origin-v3", sets=SETS)
    parts = part_library(library, (0.8, 0.1, 0.1))
    plans = [sample_image(parts, config, 0, index).plan for index in range(16)]
    for plan in plans:
        render(plan, library)  # reads and keeps the pixels
    began = process_time()
    scenes = [render(plan, library) for plan in plans]
    rendered = process_time()
    for scene in scenes:
        encode_jpeg(scene.image, QUALITY)
    encoded = process_time()
    ms = 1000 * (encoded - rendered) / len(plans)
    return {"ms": round(ms, 1), "share": round((encoded - rendered) / (encoded - began), 3)}


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=6, help="turns of each way (default 6)")
    parser.add_argument("--images", type=int, default=6, help="images of a turn and process")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a few lines")
    arguments = parser.parse_args(argv)
    cv2.setNumThreads(1)
    folder = Path(tempfile.mkdtemp(prefix="spotter-synth-"))
    try:
        figures = measure(
            folder, rounds=arguments.rounds, images=arguments.images, workers=arguments.workers
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report = {
        "machine": describe_machine(),
        "commit": describe_commit(),
        "scene": f"1520x870, {OBJECTS} objects, origin-v3 effects, JPEG quality {QUALITY}",
        "rounds": arguments.rounds,
        "images_per_round_and_process": arguments.images,
        **figures,
    }
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for key, value in figures.items():
        print(f"{key:30} {value}")


if __name__ == "__main__":
    main()
