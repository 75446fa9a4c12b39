"""A cache of synthetic scenes on disk, made by several processes, continued where it stopped.

    python -m training.scenes --cutouts DIR --backgrounds DIR --count 12000 --out DIR --split train

Scene i follows from (seed, i) alone. In blocks: the images of a block, then its line file, so a
block without a line file is simply made again. Out: the competition's jsonl, in ``blocks/``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.config import load
from core.errors import ConfigError, DataError
from core.files import read_json, write_bytes, write_json
from core.memory import keep_freed_memory
from synth.config import SceneConfig
from synth.library import Library, read_library
from synth.plan import scene_rng
from synth.render import Rendered, render
from synth.sample import sample_scene
from synth.work import encode_jpeg

__all__ = ["DETECTOR_SCENES", "CachedScene", "check_header", "make_scenes", "read_scenes"]

BLOCK = 100
JPEG_QUALITY = 94
_WORKER: list[Callable[[int], None]] = []  # what a worker process does, set when it starts

# For the detector colours need not be true, so objects against the light are allowed.
DETECTOR_SCENES = SceneConfig(
    canvas_wh=(640, 366),
    # Down to where a view of 1520 px reaches its own pixels on 640.
    window_ratio_min=0.42,
    count_weights=(0.08, 0.17, 0.19, 0.18, 0.14, 0.10, 0.07, 0.04, 0.03),
    size_px_range=(11.0, 400.0),
    full_frame_ratio=0.03,
    crowded_size_px_max=170.0,
    rotation_deg_max=12.0,
    perspective_ratio=0.0,
    visible_ratio_min=0.2,
    box_side_px_min=3.0,
    clutter_ratio=0.55,
    plume_ratio=0.6,
    sky_ratio=0.0,
    silhouette_ratio=0.07,
    softness_px_max=0.9,
    match_sharpness=False,
    blend_weights={"none": 0.3, "gaussian": 0.3, "feather": 0.25, "motion": 0.15},
)


@dataclass(frozen=True, slots=True, eq=False)
class CachedScene:
    """One scene on disk: its file, its boxes, what they hold."""

    path: Path
    xyxy: NDArray[np.float32]
    captions: tuple[str, ...]
    class_names: tuple[str, ...]


def make_scenes(
    library: Library,
    config: SceneConfig,
    out: Path,
    *,
    count: int,
    seed: int,
    start: int = 0,
    num_workers: int = 1,
) -> int:
    """Make the missing scenes of start..count-1 and return how many were made.

    Args:
        library: Already reduced to its split.
        config: Sizes and probabilities.
        out: Folder of the cache.
        count: Number of scenes the cache shall hold, rounded up to whole blocks of 100.
        seed: Names the sequence.
        start: First scene, a multiple of 100: lets a cache grow with other settings.
        num_workers: Processes; 1 stays in this one.

    Raises:
        ConfigError: `start` is no multiple of 100, or the scenes from there on were begun with
            another seed or other settings.
    """
    (out / "blocks").mkdir(parents=True, exist_ok=True)
    (out / "images").mkdir(exist_ok=True)
    if start % BLOCK:
        raise ConfigError(f"start must be a multiple of {BLOCK}, got {start}.")
    header = {"seed": seed, **config.model_dump(mode="json")}
    check_header(out / f"config-{start}.json", header, "seed or settings")
    wanted = range(start // BLOCK, -(-count // BLOCK))
    blocks = [block for block in wanted if not _block_path(out, block).exists()]
    work = partial(_make_block, library=library, config=config, out=out, seed=seed)
    began = time.monotonic()
    if num_workers <= 1:
        for number, block in enumerate(blocks, start=1):
            work(block)
            _report(number, len(blocks), began)
        return len(blocks) * BLOCK
    # fork: the library's index is inherited; each process decodes and caches its own pixels.
    with get_context("fork").Pool(num_workers, _WORKER.append, (work,)) as pool:
        for number, _ in enumerate(pool.imap_unordered(_work, blocks), start=1):
            _report(number, len(blocks), began)
    return len(blocks) * BLOCK


def check_header(path: Path, header: dict[str, object], what: str) -> None:
    """Write down what a folder is filled with, or see that it is what it was begun with.

    Raises:
        ConfigError: It was begun with something else.
    """
    if path.exists() and read_json(path) != header:
        raise ConfigError(
            f"{path.parent} was begun with another {what}.", "Name a new folder in --out."
        )
    write_json(path, header)


def _work(block: int) -> None:
    _WORKER[-1](block)


def _report(number: int, total: int, began: float) -> None:
    passed_s = time.monotonic() - began
    rate = number * BLOCK / passed_s
    left_s = (total - number) * BLOCK / rate
    print(f"block {number}/{total}  {rate:.1f} scenes/s  {left_s / 60:.1f} min left", flush=True)


def _block_path(out: Path, block: int) -> Path:
    return out / "blocks" / f"{block:05d}.jsonl"


def _make_block(block: int, *, library: Library, config: SceneConfig, out: Path, seed: int) -> None:
    cv2.setNumThreads(1)
    lines = []
    for index in range(block * BLOCK, (block + 1) * BLOCK):
        plan = sample_scene(scene_rng(seed, index), library, config)
        scene = render(plan, library)
        name = f"{index:07d}.jpg"
        (out / "images" / name).write_bytes(encode_jpeg(scene.image, JPEG_QUALITY))
        lines.append(json.dumps(_describe(scene, name)) + "\n")
    write_bytes(_block_path(out, block), "".join(lines).encode())


def _describe(scene: Rendered, name: str) -> dict[str, object]:
    rows = []
    for row, (x1, y1, x2, y2) in enumerate(scene.xyxy.tolist()):
        rows.append(
            {
                "caption": scene.captions[row],
                "bbox": [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)],
                "class_name": scene.class_names[row],
                "visible_ratio": round(float(scene.visible_ratio[row]), 3),
            }
        )
    return {"image": name, "annotations": rows}


def read_scenes(folder: Path) -> list[CachedScene]:
    """The scenes of all finished blocks.

    Raises:
        DataError: There is none.
    """
    scenes = []
    for path in sorted((folder / "blocks").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            notes = row["annotations"]
            boxes = np.array([note["bbox"] for note in notes], np.float32).reshape(-1, 4)
            boxes[:, 2:] += boxes[:, :2]
            scenes.append(
                CachedScene(
                    path=folder / "images" / row["image"],
                    xyxy=boxes,
                    captions=tuple(note["caption"] for note in notes),
                    class_names=tuple(note["class_name"] for note in notes),
                )
            )
    if not scenes:
        raise DataError(
            f"{folder} holds no finished block.", "Run python -m training.scenes first."
        )
    return scenes


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and fill the cache."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cutouts", type=Path, required=True)
    parser.add_argument("--backgrounds", type=Path, nargs="+", required=True)
    parser.add_argument(
        "--count", type=int, required=True, help="scenes that the cache shall hold, old ones too"
    )
    parser.add_argument("--start", type=int, default=0, help="first scene, to let a cache grow")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=("train", "val", "test"), default="train")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--config", type=Path, help="TOML file with settings of the scenes")
    parser.add_argument("--set", action="append", default=[], help="key=value, e.g. effects=light")
    arguments = parser.parse_args(argv)
    config = load(SceneConfig, base=DETECTOR_SCENES, file=arguments.config, sets=arguments.set)
    library = read_library(arguments.cutouts, *arguments.backgrounds, split=arguments.split)
    print(
        f"{len(library.cutouts)} cutouts, {len(library.backgrounds)} backgrounds, "
        f"classes: {', '.join(sorted(library.by_class))}"
    )
    made = make_scenes(
        library,
        config,
        arguments.out,
        count=arguments.count,
        seed=arguments.seed,
        start=arguments.start,
        num_workers=arguments.workers,
    )
    print(f"made {made} scenes in {arguments.out}")


if __name__ == "__main__":
    main()
