"""How fast a large project is: opening, the next picture, filters, edits; and memory.

    python -m benchmarks.project --json

Makes a project of 20,000 images and 100,000 boxes in a temporary folder. The rows are real, the
picture files are missing, since nothing that is timed reads pixels. Each figure is the median and
95th percentile of many tries, in a process of its own, by the clock; and the median of processor
time, which other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe_commit, describe_machine, peak_memory_mib, summarize_ms
from core.files import sha256_of
from project.listing import Filter
from project.pictures import Picture
from project.quality import find_suspicions
from project.store import Project
from project.types import MODEL, Move

__all__ = ["fill", "main", "measure"]

IMAGES = 20_000
BOXES = 100_000
_PAGE = 100
_COLORS = ("red", "white", "blue", "grey")
_TYPES = ("drone", "glider", "helicopter", "missile", "airship")


def fill(folder: Path, images: int, boxes: int, seed: int = 0) -> float:
    """Make a project with proposals in every image; return the seconds that took.

    Rows are written straight into the tables: an import would spend its time on picture files.
    """
    rng = np.random.default_rng(seed)
    start = perf_counter()
    with Project.create(folder, "large", class_names=_TYPES) as project:
        picture = Picture(b"one", "0" * 64, ".png", (1520, 870), 0)
        project.add(picture, "first")
        project.remove_images([1])
        with project._database.write() as connection:
            owners = np.sort(rng.integers(0, images, boxes))
            counts = np.bincount(owners, minlength=images)
            connection.executemany(_IMAGE, _image_rows(counts, rng))
            connection.executemany(_BOX, _box_rows(owners, rng))
    return perf_counter() - start


_IMAGE = (
    "INSERT INTO image (id, name, sha256, suffix, width, height, look, state, version, doubt, "
    "proposed, confirmed, added_at, updated_at) "
    "VALUES (?, ?, ?, '.png', 1520, 870, ?, ?, 1, ?, ?, ?, 0, ?)"
)
_BOX = (
    "INSERT INTO box (image_id, x1, y1, x2, y2, class_id, caption, state, detector, logit, "
    "probability, margin, source, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
)


def _state(number: int) -> str:
    return ("new", "proposed", "proposed", "done")[number % 4]


def _image_rows(
    counts: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[tuple[object, ...]]:
    doubts = rng.random(len(counts)).round(4).tolist()
    for number, count in enumerate(counts.tolist()):
        done = _state(number) == "done"
        yield (
            number + 2, f"picture-{number:05}", sha256_of(str(number).encode()), number,
            _state(number), 0.0 if done else doubts[number], 0 if done else count,
            count if done else 0, number,
        )  # fmt: skip


def _box_rows(owners: NDArray[np.int64], rng: np.random.Generator) -> Iterator[tuple[object, ...]]:
    n = len(owners)
    corner = rng.uniform(0, 740, (n, 2))
    side = np.exp(rng.uniform(2, 4.5, n))
    logit = rng.normal(0, 3, n)
    columns = (
        owners, *corner.T, *(corner.T + side), rng.integers(0, len(_TYPES), n),
        rng.integers(0, len(_COLORS), n), rng.random(n), logit, 1 / (1 + np.exp(-logit)),
    )  # fmt: skip
    for owner, x1, y1, x2, y2, kind, color, score, value, chance in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        state = "confirmed" if _state(owner) == "done" else "proposed"
        caption = f"{_COLORS[color]} {_TYPES[kind]}"
        yield (
            owner + 2, x1, y1, x2, y2, kind + 1, caption, state, score, value, chance,
            abs(value), f"{MODEL}mini",
        )  # fmt: skip


def _look_at_next(project: Project, numbers: Iterator[int]) -> None:
    """What the page asks for when the next picture of its queue is opened."""
    number = next(numbers)
    project.image(number)
    project.boxes(number)
    project.asked(number)


def measure(folder: Path, repeats: int) -> dict[str, object]:
    """Time everything on a filled project, with the memory before and after."""
    memory_before = peak_memory_mib()
    opening = _times(lambda: Project.open(folder).close(), 10)
    with Project.open(folder) as project:
        shown = [number for number, _ in project.states("queue")]
        first = _times(lambda: project.images("queue", limit=_PAGE), repeats)
        offset = max(0, project.count() - _PAGE)
        last = _times(lambda: project.images("queue", offset=offset, limit=_PAGE), repeats)
        figures = {
            "open_ms": opening,
            "first_page_ms": first,
            "last_page_ms": last,
            "queue_ms": _times(lambda: project.states("queue"), repeats),
            "picture_ms": _times(partial(_look_at_next, project, iter(shown)), repeats),
            "filter_caption_ms": _filter(project, Filter(text="white glider"), repeats),
            "filter_name_ms": _filter(project, Filter(text="picture-1999"), repeats),
            "filter_class_ms": _filter(project, Filter(class_name="missile"), repeats),
            "filter_score_ms": _filter(
                project, Filter(box_state="proposed", score_max=0.2), repeats
            ),
            "progress_ms": _times(project.progress, repeats),
            "edit_ms": _edits(project, repeats),
            "memory_mib_before": memory_before,
            "memory_mib_after": peak_memory_mib(),
        }
        start, began = perf_counter(), process_time()
        figures["suspicions"] = len(find_suspicions(project))
        figures["quality_s"] = round(perf_counter() - start, 2)
        figures["quality_processor_s"] = round(process_time() - began, 2)
        figures["memory_mib_after_quality"] = peak_memory_mib()
        figures["images"], figures["boxes"] = (
            project.count(),
            sum(project.progress().boxes.values()),
        )
    return figures


def _filter(project: Project, wished: Filter, repeats: int) -> dict[str, float]:
    """A page of what is wished and how many there are, as a page asks for both."""

    def ask() -> None:
        project.images(wished=wished, limit=_PAGE)
        project.count(wished=wished)

    return _times(ask, repeats)


def _edits(project: Project, repeats: int) -> dict[str, float]:
    images = iter(project.images("added", "proposed", limit=1000))

    def edit() -> None:
        image = next(one for one in images if one.proposed)
        box = project.boxes(image.id)[0]
        x1, y1, x2, y2 = box.xyxy
        project.apply(
            image.id, [Move(box.id, (x1 + 1, y1, x2 + 1, y2))], who="bench", version=image.version
        )

    return _times(edit, repeats)


def _times(work: Callable[[], object], repeats: int) -> dict[str, float]:
    seconds, processor = [], []
    for _ in range(repeats):
        start, began = perf_counter(), process_time()
        work()
        seconds.append(perf_counter() - start)
        processor.append(process_time() - began)
    median, p95 = summarize_ms(seconds)
    return {"median": median, "p95": p95, "processor": summarize_ms(processor)[0]}


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--boxes", type=int, default=BOXES)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    arguments = parser.parse_args(argv)
    if arguments.folder is not None:
        print(json.dumps(measure(arguments.folder, arguments.repeats)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        filling_s = fill(folder, arguments.images, arguments.boxes)
        # Another process: what making the project left in memory shall not count.
        command = [
            sys.executable, "-m", "benchmarks.project", "--folder", str(folder),
            "--repeats", str(arguments.repeats),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        size_mb = (folder / "project.sqlite").stat().st_size / 1e6
    result = {
        "machine": describe_machine(),
        "commit": describe_commit(),
        "filling_s": round(filling_s, 1),
        "database_mb": round(size_mb, 1),
        **json.loads(done.stdout),
    }
    print(json.dumps(result, indent=2) if arguments.json else _text(result))


def _text(result: dict[str, object]) -> str:
    return "\n".join(f"{k}: {v}" for k, v in result.items() if k != "machine")


if __name__ == "__main__":
    main()
