"""The command line: `python app.py` opens the page, `python app.py COMMAND` does one thing.

Parses and dispatches; what a command needs is imported when it runs, so that --help is quick.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from core.errors import ConfigError, DataError, InputError
from core.registry import suggest
from frontends.export_cli import add_export_parser
from frontends.failures import (
    EXIT_CLOSED_PIPE,
    EXIT_INTERRUPTED,
    exit_with,
    guarded,
    silence_closed_pipes,
)
from frontends.project_cli import add_project_parser
from frontends.project_models import PRESETS
from frontends.synth_cli import add_synth_parser

if TYPE_CHECKING:
    from dataset.data_file import DataLine
    from frontends.service import Service
    from pipeline.config import LocateConfig

__all__ = ["build_parser", "main"]

_DESCRIPTION = "Find the thing in a picture by describing it. Without a command, opens the page."


class _Parser(argparse.ArgumentParser):
    """One that takes options by their whole names: what is misspelt must not do something else."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "allow_abbrev": False})

        self._asked: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Tell here what is left over: this is the command whose options were meant."""
        self._asked = sys.argv[1:] if args is None else args
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}.{self._meant(rest[:1])}")
        return found, rest

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong, and how a misspelt option or command is spelt."""
        if "arguments are required" in message:
            message += f".{self._meant(self._asked)}"
        if found := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            choices = re.findall("'([^']*)'", found[2])
            message += f".{suggest(found[1], choices)}"
        super().error(message)

    def _meant(self, arguments: Sequence[str]) -> str:
        """A hint for the first of the arguments that is nearly an option."""
        # Without the dashes, which all have in common.
        known = re.findall(r"--([\w-]+)", self.format_help())
        for one in arguments:
            name = one.partition("=")[0].removeprefix("--")
            near = get_close_matches(name, known, n=1, cutoff=0.7)
            if one.startswith("--") and near and name != near[0]:
                return f" Did you mean '--{near[0]}' by '{one}'?"
        return ""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(prog="app.py", description=_DESCRIPTION)
    parser.set_defaults(run=_run_page)
    commands = parser.add_subparsers(metavar="COMMAND")

    locate = commands.add_parser("locate", help="find captions in one picture")
    locate.set_defaults(run=_run_locate)
    locate.add_argument("image", type=Path, metavar="IMAGE", help="a picture's file")
    locate.add_argument(
        "--caption", action="append", required=True, help="what to look for; may be repeated"
    )
    locate.add_argument("--json", action="store_true", help="print the whole result as JSON")
    locate.add_argument("--save", type=Path, metavar="PNG", help="write the annotated picture")
    _add_assignment(locate)
    _add_config(locate)

    batch = commands.add_parser(
        "batch", help="find captions in all pictures of a folder or a data file"
    )
    batch.set_defaults(run=_run_batch)
    batch.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="a folder of pictures, or a file (JSON lines or CSV) that says what each is asked: "
        '{"image": "a.jpg", "captions": ["red drone"]}; see docs/data.md',
    )
    batch.add_argument(
        "--caption", action="append", default=[], help="for a folder; may be repeated"
    )
    _add_images(batch)
    batch.add_argument(
        "--output", type=Path, required=True, metavar="PRED.jsonl", help="written as it goes"
    )
    batch.add_argument(
        "--save", type=Path, metavar="DIR", help="also write the annotated pictures there"
    )
    _add_assignment(batch)
    _add_config(batch)

    evaluate = commands.add_parser("evaluate", help="measure against the boxes of a data file")
    evaluate.set_defaults(run=_run_evaluate)
    evaluate.add_argument(
        "data", type=Path, metavar="DATA",
        help="the folder of a data set of any format, or a file of JSON lines, one picture each, "
        "with the box of every object: "
        '{"image": "a.jpg", "annotations": [{"caption": "red drone", "bbox": [120, 80, 60, 24]}]}; '
        "see docs/data.md",
    )  # fmt: skip
    _add_images(evaluate)
    evaluate.add_argument("--json", action="store_true", help="print all figures as JSON")
    _add_config(evaluate)

    doctor = commands.add_parser(
        "doctor", help="what runs here and why, and what is missing for what"
    )
    doctor.set_defaults(run=_run_doctor)
    doctor.add_argument("--all", action="store_true", help="every package and model, one a line")
    doctor.add_argument("--json", action="store_true", help="print it as JSON")
    _add_config(doctor)

    add_export_parser(commands)
    add_synth_parser(commands)
    add_project_parser(commands)
    return parser


def _add_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, metavar="DIR",
        help="the pictures of a data file; by default the file's folder, or images/ in it",
    )  # fmt: skip


def _add_assignment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--assignment",
        choices=("independent", "joint"),
        default="independent",
        help="independent (default): each caption its best box; joint: no two the same box",
    )


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", help=f"named settings: {PRESETS}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings from a TOML file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="a.b=c",
        help="one setting, for example detect.score_min=0.2; may be repeated",
    )


def main(arguments: Sequence[str], *, service: Service | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: without the program's name.
        service: used instead of a new one; tests pass one with a fake locator.
    """
    try:
        try:
            options = build_parser().parse_args(arguments)
            return _guarded_run(options, service)
        finally:
            # Now, not when the interpreter shuts down: there nobody could catch a closed pipe.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        if not silence_closed_pipes():
            raise
        return EXIT_CLOSED_PIPE
    except KeyboardInterrupt as interrupt:
        line = f"spotter: interrupted. {interrupt}".rstrip()
        sys.stderr.write(f"\n{line}\n")
        return EXIT_INTERRUPTED


@guarded(exit_with, bugs=False)
def _guarded_run(options: argparse.Namespace, service: Service | None) -> int:
    from frontends.service import use_cache

    use_cache()
    return cast(int, options.run(options, service))


def _service(service: Service | None) -> Service:
    from frontends.service import Service

    return service or Service()


def _config(options: argparse.Namespace) -> LocateConfig:
    from pipeline.config import load_config

    return load_config(options.preset, file=options.config, sets=options.set)


def _run_page(options: argparse.Namespace, service: Service | None) -> int:
    # Before Gradio is imported: it must not call home, and reads the port at once.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    port = os.environ.get("GRADIO_SERVER_PORT", "0")
    if not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"GRADIO_SERVER_PORT is '{port}'.", "Set it to a number up to 65535.")
    from frontends.ui.page import serve

    serve(_service(service))
    return 0


def _run_locate(options: argparse.Namespace, service: Service | None) -> int:
    from core.image import format_of, read_image, write_image
    from frontends.report import locate_report

    if options.save:
        format_of(options.save)  # a wrong ending is said before the work, not after
        if options.save.resolve() == options.image.resolve():
            raise InputError(f"--save would replace {options.image}.", "Give another file.")
    _refuse_address(options.image)
    config = _config(options)
    locator = _service(service).locator(config)
    result = locator.locate([options.image], options.caption, assignment=options.assignment)[0]
    limit = locator.calibration.found_probability_min
    if options.json:
        from frontends.batch import whole_prediction

        told = whole_prediction(str(options.image), result, options.assignment)
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        print(locate_report(result, limit))
    if options.save:
        from frontends.ui.draw import draw_result

        image = read_image(options.image, max_pixels=config.image.max_pixels)
        write_image(draw_result(image, result, limit=limit), options.save)
        print(f"{options.save}: the picture with its boxes", file=sys.stderr)
    return 0


def _refuse_address(path: Path) -> None:
    """Raise where an address was given; nothing is fetched from the net unasked."""
    # A path has one of its two slashes left.
    if found := re.match(r"(https?|ftp|s3|gs):/+(.*)", str(path)):
        raise InputError(
            f"{found[1]}://{found[2]} is an address, and those are not fetched.",
            "Download it first, and give the file.",
        )


def _run_batch(options: argparse.Namespace, service: Service | None) -> int:
    from frontends.batch import run_batch

    lines, images = _asked(options)
    if options.output.resolve() == options.data.resolve():
        raise InputError(f"--output would replace {options.data}.", "Give another file.")
    summary = run_batch(
        _service(service).locator(_config(options)),
        lines=lines,
        images=images,
        output=options.output,
        assignment=options.assignment,
        drawings=options.save,
        links=options.data.is_dir(),
    )
    print(f"{options.output}: {summary.sentence()}", file=sys.stderr)
    return 1 if summary.failed else 0


def _asked(options: argparse.Namespace) -> tuple[list[DataLine], Path]:
    """What `batch` is asked, and the folder of its pictures."""
    from core.image import READABLE
    from core.words import listed
    from dataset.data_file import read_data
    from frontends.data import folder_data

    if options.data.is_dir():
        if not options.caption:
            raise InputError(
                f"{options.data} is a folder.",
                "Say what to look for: --caption TEXT. Or give a file that tells it.",
            )
        if options.images is not None:
            raise InputError("--images belongs to a data file.", "Leave it out for a folder.")
        lines, others = folder_data(options.data, options.caption)
        if others:
            print(f"No pictures, left out: {listed(others)}.", file=sys.stderr)
        return lines, options.data
    _refuse_address(options.data)
    if not options.data.exists():
        raise DataError(f"{options.data} does not exist.", "Give a folder or a data file.")
    if options.caption and options.data.suffix.lower() in READABLE:
        raise InputError(
            f"{options.data.name} is one picture.",
            f"Ask it by python app.py locate {options.data} --caption TEXT, or give its folder.",
        )
    if options.caption:
        raise InputError("--caption belongs to a folder.", "A data file says its captions itself.")
    return read_data(options.data), _images(options)


def _images(options: argparse.Namespace) -> Path:
    """The folder of a data file's pictures: mostly they lie beside it; a data set has its own."""
    data = cast(Path, options.data)
    if not data.is_dir():
        return cast(Path, options.images) or data.parent
    if options.images:
        raise InputError(f"{data} is a data set with pictures of its own.", "Leave out --images.")
    return data


def _run_evaluate(options: argparse.Namespace, service: Service | None) -> int:
    from frontends.evaluate import evaluate
    from frontends.report import evaluation_report

    options.data = _measured(options.data)
    figures = evaluate(
        _service(service).locator(_config(options)), data=options.data, images=_images(options)
    )
    print(json.dumps(figures, indent=2) if options.json else evaluation_report(figures))
    return 0


def _measured(data: Path) -> Path:
    """What is measured against: of a data set in JSON lines its file, of another its folder."""
    from dataset.formats.jsonl import INDEX_NAME
    from frontends.data import found_dataset

    _refuse_address(data)
    if data.is_dir() and not (data / INDEX_NAME).is_file():
        data = found_dataset(data, None)
    index = data / INDEX_NAME
    return index if index.is_file() else data


def _run_doctor(options: argparse.Namespace, service: Service | None) -> int:
    from frontends.doctor import examine
    from frontends.report import doctor_report

    findings = examine(_config(options))
    report = doctor_report(findings, everything=options.all)
    print(json.dumps(findings, indent=2) if options.json else report)
    return 0 if findings["ok"] else 1
