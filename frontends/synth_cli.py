"""The commands under `synth`: generate, preview, replay, check, stats, cutouts.

Parses, calls and reports; what a command needs is imported when it runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError, DataError
from core.words import counted
from frontends.failures import telling_interrupts
from frontends.synth_cutouts import add_cutouts_parser

if TYPE_CHECKING:
    from frontends.service import Service
    from synth.config import SceneConfig

__all__ = ["add_synth_parser"]

# Written out: to read them takes longer than --help may.
_PRESETS = "default, gaussian, hard, origin-v2, origin-v3, plain, small"
_SIZE = "1520x870"
_FORMATS = ("yolo", "yolo-seg", "coco", "voc", "hf", "jsonl")


def add_synth_parser(commands: Any) -> None:
    """Add `synth` with its own commands to the commands of the app."""
    synth = commands.add_parser("synth", help="make labelled data from cutouts and backgrounds")
    kinds = synth.add_subparsers(metavar="KIND", required=True)
    _add_generate(kinds)
    _add_preview(kinds)
    _add_replay(kinds)

    check = kinds.add_parser("check", help="look for mistakes in a data set of any known format")
    check.set_defaults(run=_run_check)
    _add_folder(check)

    stats = kinds.add_parser("stats", help="count what is in a data set")
    stats.set_defaults(run=_run_stats)
    _add_folder(stats)

    settings = kinds.add_parser("settings", help="list the keys of --set: default, range, meaning")
    settings.set_defaults(run=_run_settings)

    add_cutouts_parser(kinds)


def _add_generate(kinds: Any) -> None:
    generate = kinds.add_parser("generate", help="make a data set; continues one that was stopped")
    generate.set_defaults(run=_run_generate)
    generate.add_argument("--count", type=int, required=True, metavar="N", help="how many images")
    generate.add_argument("--out", type=Path, required=True, metavar="DIR", help="made if missing")
    generate.add_argument("--format", default="yolo", help=f"{', '.join(_FORMATS)} (default yolo)")
    generate.add_argument("--workers", type=int, default=1, metavar="K", help="processes (1)")
    generate.add_argument(
        "--class-per-type", action="store_true", help="a class per type; else one, 'object'"
    )
    generate.add_argument(
        "--outlines", action="store_true", help="also write outlines, where the format has them"
    )
    generate.add_argument("--quality", type=int, default=92, help="of the JPEGs (default 92)")
    _add_scene_options(generate)


def _add_preview(kinds: Any) -> None:
    preview = kinds.add_parser("preview", help="draw some scenes with their boxes on one sheet")
    preview.set_defaults(run=_run_preview)
    preview.add_argument("--out", type=Path, required=True, metavar="PNG")
    preview.add_argument("--first", type=int, default=0, help="number of the first image")
    preview.add_argument("--count", type=int, default=6, help="how many (default 6)")
    preview.add_argument("--columns", type=int, default=3, help="of the sheet (default 3)")
    preview.add_argument("--width", type=int, default=640, help="of an image (default 640)")
    _add_scene_options(preview)


def _add_replay(kinds: Any) -> None:
    replay = kinds.add_parser("replay", help="make an image of a manifest again, pixel for pixel")
    replay.set_defaults(run=_run_replay)
    replay.add_argument(
        "manifest",
        type=Path,
        metavar="MANIFEST",
        help="manifest.jsonl of a data set, or its folder",
    )
    replay.add_argument("--index", type=int, required=True, help="number of the image")
    replay.add_argument("--out", type=Path, required=True, metavar="PNG")
    replay.add_argument("--boxes", action="store_true", help="draw its boxes and captions on it")
    _add_library_options(replay)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--format", help=f"{', '.join(_FORMATS)}; recognised by default")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _add_scene_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0, help="same seed, same images (default 0)")
    parser.add_argument("--size", metavar="WxH", help=f"of the images (default {_SIZE})")
    parser.add_argument("--preset", help=f"named settings: {_PRESETS} (default default)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings from a TOML file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="a=b",
        help="one setting, for example empty_ratio=0.2; may be repeated; "
        "all: python app.py synth settings",
    )
    parser.add_argument(
        "--shares", default="0.8,0.1,0.1", metavar="A,B,C",
        help="of train, val and test (default 0.8,0.1,0.1)",
    )  # fmt: skip
    _add_library_options(parser)


def _add_library_options(parser: argparse.ArgumentParser) -> None:
    for name, what in (("cutouts", "cutouts.jsonl"), ("backgrounds", "photographs")):
        parser.add_argument(
            f"--{name}",
            type=Path,
            nargs="+",
            metavar="DIR",
            help=f"folders with {what}; ours by default",
        )


def _read_config(options: argparse.Namespace) -> SceneConfig:
    from synth.config import load_scene_config

    sets = list(options.set)
    if options.size:
        sets.append(f"canvas_wh={list(_parse_size(options.size))}")
    return load_scene_config(options.preset, file=options.config, sets=sets)


def _parse_size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.strip().isdecimal() for side in sides):
        raise ConfigError(f"cannot read the size '{text}'.", "Write it as 1520x870.")
    return int(sides[0]), int(sides[1])


def _folders(options: argparse.Namespace) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    from synth.generate import GALLERY

    return tuple(options.cutouts or GALLERY[:1]), tuple(options.backgrounds or GALLERY[1:])


def _run_generate(options: argparse.Namespace, service: Service | None) -> int:
    from frontends.wishes import parse_shares
    from synth.generate import Job, generate
    from synth.manifest import Parts

    cutouts, backgrounds = _folders(options)
    job = Job(
        out=options.out,
        count=options.count,
        seed=options.seed,
        format=options.format,
        config=_read_config(options),
        cutouts=cutouts,
        backgrounds=backgrounds,
        workers=options.workers,
        single_class=not options.class_per_type,
        outlines=options.outlines,
        jpeg_quality=options.quality,
        shares=parse_shares(options.shares),
    )

    def told() -> str:
        done = len(Parts(job.out).done())
        return f"{done} of {counted(job.count, 'image')} done."

    with _Bar() as bar, telling_interrupts(told):
        made = generate(job, bar.show)
    for kind, lines in (("warning", made.warnings), ("note", made.notes)):
        for line in lines:
            sys.stderr.write(f"{kind}: {line}\n")
    sys.stdout.write(
        f"{made.folder}: {made.images} images, {made.boxes} boxes, "
        f"{made.dropped} objects too hidden or unclear for a box, {made.seconds:.1f} s\n"
    )
    return 0


class _Bar:
    """A progress bar on stderr, with the time left."""

    def __enter__(self) -> _Bar:
        from tqdm import tqdm  # type: ignore[import-untyped]

        self._bar = tqdm(unit="image", disable=None)
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def show(self, done: int, total: int, stage: str) -> None:
        """Move the bar; what was there before this run does not count for the time left."""
        if stage == "making images" and self._bar.n == 0 and self._bar.total is None:
            self._bar.initial = self._bar.n = max(done - 1, 0)
        if stage == "making images":
            self._bar.total = total
            self._bar.update(done - self._bar.n)
        self._bar.set_description(stage)


def _run_preview(options: argparse.Namespace, service: Service | None) -> int:
    from core.image import format_of, write_image
    from frontends.wishes import parse_shares
    from synth.generate import preview, usable_library
    from synth.sheet import draw_sheet

    format_of(options.out)
    _require("--count", options.count, 1, 100)
    _require("--columns", options.columns, 1, 20)
    _require("--width", options.width, 64, 4096)
    _require("--first", options.first, 0, 2**31)
    config = _read_config(options)
    library, notes = usable_library(*_folders(options), config)
    for note in notes:
        sys.stderr.write(f"note: {note}\n")
    numbers = range(options.first, options.first + options.count)
    shares = parse_shares(options.shares)
    scenes = preview(library, config, options.seed, numbers, shares=shares, width_px=options.width)
    write_image(draw_sheet(scenes, columns=options.columns), options.out)
    boxes = sum(len(scene.captions) for scene in scenes)
    distractors = sum(len(scene.distractors_xyxy) for scene in scenes)
    grey = f", {distractors} distractors (dashed: no label, on purpose)" if distractors else ""
    sys.stdout.write(f"{options.out}: {len(scenes)} scenes, {boxes} boxes{grey}\n")
    return 0


def _require(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} must be in [{low}, {high}], got {value}.")


def _run_replay(options: argparse.Namespace, service: Service | None) -> int:
    from core.image import format_of, write_image
    from synth.generate import replay
    from synth.sheet import draw_boxes

    format_of(options.out)
    scene = replay(options.manifest, options.index, *_folders(options))
    write_image(draw_boxes(scene) if options.boxes else scene.image, options.out)
    for box, caption in zip(scene.xyxy.tolist(), scene.captions, strict=True):
        sys.stdout.write(f"{caption}: {', '.join(f'{value:g}' for value in box)}\n")
    sys.stderr.write(f"{options.out}: image {options.index} of {options.manifest}\n")
    return 0


def _run_check(options: argparse.Namespace, service: Service | None) -> int:
    from dataset.checks import Finding, Report, check_folder
    from frontends.data import found_dataset

    kind, error = "unfinished", _unfinished(options.folder)
    if error is None:
        try:
            folder = found_dataset(options.folder, options.format)
        except DataError as lacking:
            kind, error = "no-dataset", lacking
        else:
            error = _unfinished(folder)
    if error is not None:
        finding = Finding(kind, "error", str(options.folder), error.message, error.hint)
        report = Report(options.format or "", {"images": 0, "boxes": 0}, (finding,))
    else:
        report = check_folder(folder, options.format)
    _print(options, report.to_dict, report.text)
    return 0 if report.ok else 1


def _unfinished(folder: Path) -> DataError | None:
    """What is to be said of a folder whose labels a stopped run has not written yet."""
    from synth.manifest import count_unfinished

    if (made := count_unfinished(folder)) is None:
        return None
    return DataError(
        f"it is unfinished: {counted(made, 'image')} made by synth generate, which writes the "
        "labels at the end.",
        "The command that began it goes on from there.",
    )


def _run_stats(options: argparse.Namespace, service: Service | None) -> int:
    from dataset.registry import read_dataset
    from dataset.statistics import summarize
    from frontends.data import found_dataset

    folder = options.folder
    if not (error := _unfinished(folder)):
        folder = found_dataset(folder, options.format)
        error = _unfinished(folder)
    if error:
        raise DataError(f"{folder}: {error.message}", error.hint)
    numbers = summarize(read_dataset(folder, options.format)).to_dict()
    _print(options, lambda: numbers, lambda: _statistics_text(numbers))
    return 0


def _run_settings(options: argparse.Namespace, service: Service | None) -> int:
    from synth.config import SceneConfig

    known = SceneConfig.model_json_schema()["properties"]
    for name, default in SceneConfig().model_dump(mode="json").items():
        told = known[name]
        limits = ((">=", "minimum"), (">", "exclusiveMinimum"), ("<=", "maximum"),
                  ("<", "exclusiveMaximum"))  # fmt: skip
        ranges = [f"{sign} {told[key]:g}" for sign, key in limits if key in told]
        if "enum" in told:
            ranges.append(" | ".join(map(str, told["enum"])))
        value = json.dumps(default)
        head = f"{name}={value}  {', '.join(ranges)}".rstrip()
        sys.stdout.write(f"{head}\n    {told['description']}\n")
    return 0


def _print(
    options: argparse.Namespace, as_dict: Callable[[], object], as_text: Callable[[], str]
) -> None:
    text = json.dumps(as_dict(), indent=2, ensure_ascii=False) if options.json else as_text()
    sys.stdout.write(text.rstrip("\n") + "\n")


def _statistics_text(numbers: dict[str, object]) -> str:
    """One line a number; of a table its largest counts, of a histogram nothing."""
    lines = []
    for key, value in numbers.items():
        name = key.replace("_", " ").replace("num ", "")
        if isinstance(value, dict):
            pairs = [f"{word} {count}" for word, count in list(value.items())[:12]]
            lines.append(f"{name}: {', '.join(pairs)}")
        elif not isinstance(value, list):
            lines.append(f"{name}: {value:.3g}" if isinstance(value, float) else f"{name}: {value}")
    return "\n".join([*lines, _sizes_text(numbers)])


def _sizes_text(numbers: dict[str, object]) -> str:
    edges, counts = numbers["size_px_edges"], numbers["size_px_counts"]
    assert isinstance(edges, Sequence)
    assert isinstance(counts, Sequence)
    used = [i for i, count in enumerate(counts) if count]
    if not used:
        return "sizes: none"
    most = max(counts)
    bars = [
        f"  {edges[i]:6.0f} px {'#' * round(40 * counts[i] / most)} {counts[i]}"
        for i in range(used[0], used[-1] + 1)
    ]
    return "\n".join(["sizes (square root of the area, from):", *bars])
