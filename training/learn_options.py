"""Settings of a learning run: from the command line, and from the run that is continued."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from core.errors import ConfigError, DataError
from core.files import read_json
from training.optimize import KINDS, Kind

__all__ = ["CONFIG_NAME", "LearnOptions", "Request", "parse"]

CONFIG_NAME = "config.json"
_STRIDE_PX = 32  # of the detector's coarsest layer


@dataclass(frozen=True, slots=True)
class LearnOptions:
    """Settings of one run; written beside its model.

    Args:
        max_minutes: How long to train; exporting and measuring come on top.
        max_steps: Instead of minutes, where it is not 0.
        batch_size: Crops in a step of the detector.
        crop_wh: Their size, multiples of 32.
        learning_rate: Of the detector.
        weight_decay: Of the detector.
        optimizer: Of the detector: "adamw" or "muon".
        synthetic_ratio: Share of synthetic scenes; 0: neither scenes nor crops are mixed in.
        reranker_ratio: Share of the time for the reranker; 0: the detector alone.
        scenes: Cache of ``training.scenes`` to mix in; "": a small one of the shipped gallery.
        crops: Cache of ``training.crops`` to mix in; "": the same.
        cache: Where those small ones are kept; "": in the user's own cache.
        init: Weights to start from; "": those in use.
        threads: Threads to compute with.
        seed: Of all draws.

    Raises:
        ConfigError: A share is not below 1, or there is no time, no crop that the
            network takes, or no thread.
    """

    max_minutes: float = 15.0
    max_steps: int = 0
    batch_size: int = 16
    crop_wh: tuple[int, int] = (256, 256)
    learning_rate: float = 8e-4
    weight_decay: float = 0.02
    optimizer: Kind = "adamw"
    synthetic_ratio: float = 0.5
    reranker_ratio: float = 0.25
    scenes: str = ""
    crops: str = ""
    cache: str = ""
    init: str = ""
    threads: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("synthetic_ratio", "reranker_ratio"):
            if not 0 <= (ratio := getattr(self, name)) < 1:
                raise ConfigError(
                    f"{name} must be from 0 on and below 1, got {ratio:g}.",
                    "The detector and the project's own pictures need a part, too.",
                )
        if self.max_steps < 0 or not (self.max_steps or self.max_minutes > 0):
            raise ConfigError(
                f"there is no time to learn in: max_minutes {self.max_minutes:g}, "
                f"max_steps {self.max_steps}.",
                "Give --max-minutes above 0, or --max-steps.",
            )
        for name in ("batch_size", "threads"):
            if (count := getattr(self, name)) < 1:
                raise ConfigError(f"{name} must be at least 1, got {count}.")
        if any(side < _STRIDE_PX or side % _STRIDE_PX for side in self.crop_wh):
            width, height = self.crop_wh
            raise ConfigError(
                f"crop_wh must be multiples of {_STRIDE_PX}, got {width} {height}.",
                "Give for example: --crop-wh 256 256",
            )


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for.

    Args:
        project: Folder of the project.
        run: Folder of the run.
        resume: Whether what lies there is continued.
        given: The settings that were named.
    """

    project: Path
    run: Path
    resume: bool
    given: dict[str, object]

    def options(self) -> LearnOptions:
        """Return all settings: those named, then those the run began with, then the usual ones.

        Raises:
            DataError: The settings of the run to be continued cannot be read.
            ConfigError: A setting is out of range.
        """
        path = self.run / CONFIG_NAME
        kept = _read(path) if self.resume and path.is_file() else {}
        values = {**kept, **self.given}
        if "crop_wh" in values:
            values["crop_wh"] = tuple(values["crop_wh"])
        try:
            return LearnOptions(**values)
        except TypeError as error:
            raise DataError(f"{path} holds other settings: {error}.", "Start a new run.") from error


def _read(path: Path) -> dict:
    values = read_json(path)
    known = {field.name: type(field.default) for field in fields(LearnOptions)}
    if not isinstance(values, dict):
        raise DataError(f"{path} holds no settings.", "Start a new run.")
    for name, kind in known.items():
        allowed = (list, tuple) if kind is tuple else (int, float) if kind is float else (kind,)
        if name in values and not isinstance(values[name], allowed):
            raise DataError(
                f"{path}: {name} must be {kind.__name__}, got {values[name]!r}.", "Start a new run."
            )
    return values


def parse(argv: Sequence[str] | None, description: str) -> Request:
    """Return what the command line asks for."""
    usual = LearnOptions()
    parser = argparse.ArgumentParser(
        description=description, argument_default=argparse.SUPPRESS,
        epilog="A continued run keeps its settings, except those that are named.",
    )  # fmt: skip
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--resume", action="store_true", default=False)
    parser.add_argument("--max-minutes", type=float, help=f"usually {usual.max_minutes:g}")
    parser.add_argument("--max-steps", type=int, help="instead of minutes")
    parser.add_argument("--batch-size", type=int, help=f"usually {usual.batch_size}")
    parser.add_argument("--crop-wh", type=int, nargs=2, help=f"usually {usual.crop_wh}")
    parser.add_argument("--learning-rate", type=float, help=f"usually {usual.learning_rate:g}")
    parser.add_argument(
        "--optimizer", choices=KINDS, help=f"of the detector, usually {usual.optimizer}"
    )
    parser.add_argument(
        "--synthetic-ratio", type=float,
        help=f"share of synthetic scenes, usually {usual.synthetic_ratio:g}; 0: none",
    )  # fmt: skip
    parser.add_argument(
        "--scenes", help="cache of training.scenes to mix in; else a small one of the gallery"
    )
    parser.add_argument(
        "--reranker-ratio", type=float,
        help=f"share of the time for the reranker, usually {usual.reranker_ratio:g}; 0: none",
    )  # fmt: skip
    parser.add_argument("--crops", help="cache of training.crops to mix in; else a small one")
    parser.add_argument("--cache", help="folder where those small ones are kept")
    parser.add_argument("--init", help="weights to start from, safetensors")
    parser.add_argument("--threads", type=int, help=f"usually {usual.threads}")
    parser.add_argument("--seed", type=int, help=f"usually {usual.seed}")
    given = vars(parser.parse_args(argv))
    folders = given.pop("project"), given.pop("run")
    return Request(*folders, given.pop("resume"), given)
