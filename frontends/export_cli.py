"""`python app.py export`: public checkpoints, or a preset's, turned into ONNX once.

Options of its own beyond conversion (engines built ahead) hook in after the models are ready, see
`run_export`.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError, ModelError
from core.words import counted

if TYPE_CHECKING:
    from frontends.service import Service
    from pipeline.config import LocateConfig
    from pipeline.models import Model

__all__ = ["add_export_parser", "run_export"]


def add_export_parser(commands: Any) -> None:
    """Add the command to the parser's commands."""
    export = commands.add_parser(
        "export", help="turn public weights into ONNX files that the app runs"
    )
    export.set_defaults(run=run_export)
    what = export.add_mutually_exclusive_group(required=True)
    what.add_argument("--preset", help="all models of a preset")
    what.add_argument(
        "--model",
        metavar="ID_OR_PATH",
        help="a model of the catalogue, a public id (owner/name), or a file or folder of weights",
    )
    what.add_argument("--list", action="store_true", help="the models of the catalogue")
    export.add_argument(
        "--weights", type=Path, metavar="PATH", help="the weights of --model, fetched by hand"
    )
    export.add_argument(
        "--download", action="store_true", help="agree that missing weights are fetched"
    )
    export.add_argument(
        "--trust-pickle",
        action="store_true",
        help="agree that a checkpoint may run code while it is read",
    )
    export.add_argument(
        "--precision", choices=("fp32", "fp16"), default="fp32", help="numbers inside the networks"
    )
    export.add_argument(
        "--size", metavar="WxH", help="input size of networks whose size is fixed, e.g. 640x640"
    )
    export.add_argument(
        "--classes", default="", metavar="A,B", help="class names that the file does not tell"
    )
    export.add_argument(
        "--tensorrt-rtx",
        metavar="smNN",
        help="also build engines for cards of this architecture, e.g. sm89 (RTX 40)",
    )
    export.add_argument("--again", action="store_true", help="convert even if it was done before")


def run_export(options: argparse.Namespace, service: Service | None) -> int:
    """Convert what is asked for, print where it lies; return the exit code."""
    from convert.job import Consent, Request, models_of, prepare
    from pipeline.config import load_config

    if options.list:
        _print_catalog()
        return 0
    if options.weights and not options.model:
        raise ConfigError("--weights belongs to one model.", "Name it with --model.")
    names = [options.model]
    if options.preset:
        names = [name for name, _ in models_of(load_config(options.preset))]
    consent = Consent(download=options.download, trust_pickle=options.trust_pickle)
    if options.trust_pickle:
        _say("checkpoints may run code of theirs: use only files whose makers you trust")
    failed = []
    for name in names:
        request = Request(
            name=name,
            weights=options.weights,
            precision="f16" if options.precision == "fp16" else "f32",
            again=options.again,
            input_wh=_size(options.size),
            class_names=tuple(word.strip() for word in options.classes.split(",") if word.strip()),
        )
        try:
            model = prepare(request, consent=consent, tell=partial(_say, name))
        except ModelError as error:
            if len(names) == 1:
                raise
            _say(name, str(error))
            failed.append(name)
            continue
        _print_model(name, model)
        if options.tensorrt_rtx:
            _build_ahead(model, load_config(options.preset), options.tensorrt_rtx)
    if failed:
        raise ModelError(
            f"{len(failed)} of {counted(len(names), 'model')} cannot be used yet: "
            f"{', '.join(failed)}.",
            "What each of them needs is told above.",
        )
    return 0


def _build_ahead(model: Model, config: LocateConfig, architecture: str) -> None:
    """Build a model's engines for a card that need not be here, and say how long each took."""
    from convert.tensorrt_rtx import build_model

    def tell(path: Path, seconds: float, size_bytes: int) -> None:
        _say(
            model.id, f"{path.name} for {architecture}: {seconds:.1f} s, {size_bytes / 1e6:.1f} MB"
        )

    for target in build_model(model, config, architecture, on_built=tell):
        sys.stdout.write(f"{target}\n")


def _size(text: str | None) -> tuple[int, int] | None:
    if not text:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) > 0 and int(height) > 0):
        raise ConfigError(f"--size must be like 640x640, got '{text}'.")
    return int(width), int(height)


def _say(*words: str) -> None:
    sys.stderr.write(f"{': '.join(words)}\n")
    sys.stderr.flush()


def _print_model(name: str, model: Model) -> None:
    size_mb = sum(file.bytes for file in model.files.values()) / 1e6
    size = f", {size_mb:.1f} MB" if model.files else ""
    sys.stdout.write(f"{name}: {model.family} ({model.task}{size}) in {model.folder}\n")
    if Path(name).exists():
        sys.stdout.write(f'use it with: --set {model.task}.model="{model.folder}"\n')


def _print_catalog() -> None:
    from pipeline.catalog import load_catalog

    for model in load_catalog().values():
        if model.family == "fake":
            continue
        where = model.hub or model.url or "ships with the project"
        sys.stdout.write(f"{model.id:28} {model.task:8} {model.licence:22} {where}\n")
