"""The commands in which models look at a project: `project prelabel` and `project measure`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.words import counted
from frontends.failures import telling_interrupts

if TYPE_CHECKING:
    from frontends.service import Service
    from pipeline.locate import Locator
    from project.store import Project
    from project.vocabulary import Vocabulary

__all__ = ["PRESETS", "add_model_parsers", "show_bar"]

# Written out: to read their names takes longer than --help may.
PRESETS = "mini (usual); after export of their models: origin, origin-v9e, zero-shot"

_NOTHING_TO_MEASURE = " Only boxes with a caption that no model has seen are."


def add_model_parsers(kinds: Any) -> None:
    """Add `project prelabel` and `project measure`."""
    parser = _command(kinds, "prelabel", _run_prelabel, "let a model propose boxes and captions")
    parser.add_argument(
        "--caption", action="append", default=[],
        help="look for this everywhere; may be repeated. Without it and --vocabulary pictures are "
        "asked the captions that came with them",
    )  # fmt: skip
    parser.add_argument(
        "--vocabulary", default="", metavar="FILE",
        help="TOML file with types and colors to choose captions from; by default "
        "the project's, else types and colors of what flies; 'none': boxes without captions",
    )  # fmt: skip
    parser.add_argument(
        "--assignment", choices=("independent", "joint"), default="joint",
        help="joint (default): captions describe different objects, no two get the same box",
    )  # fmt: skip
    parser.add_argument("--others", action="store_true", help="with captions: other boxes too")
    parser.add_argument("--class", dest="class_name", default="", help="class of the proposals")
    _command(
        kinds, "measure", _run_measure,
        "how well captions fit boxes that no model has seen, such as imported ones; for check",
    )  # fmt: skip


def _command(kinds: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = kinds.add_parser(name, help=text)
    parser.set_defaults(run=run)
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the project")
    parser.add_argument("--preset", help=f"named settings: {PRESETS}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings from a TOML file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="a.b=c",
        help="one setting, for example detect.score_min=0.2; may be repeated",
    )  # fmt: skip
    return parser


@contextmanager
def show_bar() -> Iterator[Any]:
    """Give a callback (done, total, what) that draws a bar on stderr.

    An interrupt tells how far it came: what is done so far stays.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    # Where nobody sees the bar it counts nothing.
    at = (0, 0)

    def told() -> str:
        return f"{at[0]} of {counted(at[1], 'picture')} done." if at[1] else "Nothing done yet."

    with tqdm(unit="picture", disable=None) as bar, telling_interrupts(told):

        def show(done: int, total: int, what: str) -> None:
            nonlocal at
            at = done, total
            bar.total = total
            bar.update(done - bar.n)

        yield show


def _run_prelabel(options: argparse.Namespace, service: Service | None) -> int:
    from project.prelabel import Question, prelabel
    from project.store import Project

    with Project.open(options.folder) as project:
        question = Question(
            captions=tuple(options.caption),
            vocabulary=None if options.caption else _vocabulary(project, options.vocabulary),
            assignment=options.assignment,
            others=options.others,
            class_name=options.class_name,
            given=not (options.caption or options.vocabulary),
        )
        locator = _open_locator(project, options, service)
        with show_bar() as show:
            summary = prelabel(project, locator, question, on_progress=show)
    sys.stdout.write(summary.sentence() + "\n")
    return 1 if summary.failed else 0


def _run_measure(options: argparse.Namespace, service: Service | None) -> int:
    from project.measuring import asked_words, measure_all
    from project.score import Scorer
    from project.store import Project

    with Project.open(options.folder) as project:
        locator = _open_locator(project, options, service)
        with show_bar() as show:
            measured = measure_all(project, Scorer(locator, asked_words(project)), on_progress=show)
    why = "" if measured.boxes or measured.failed else _NOTHING_TO_MEASURE
    sys.stdout.write(f"{measured.sentence()}{why}\n")
    return 1 if measured.failed else 0


def _open_locator(
    project: Project, options: argparse.Namespace, service: Service | None
) -> Locator:
    from frontends.service import Service as AnyService
    from pipeline.config import load_config
    from project.learning import project_config

    base = load_config(options.preset, file=options.config, sets=options.set)
    return (service or AnyService()).locator(project_config(project, base))


def _vocabulary(project: Project, wish: str) -> Vocabulary | None:
    from core.files import read_toml
    from frontends.words import usual_words
    from project.vocabulary import SETTING, Vocabulary

    if wish == "none":
        return None
    if wish:
        return Vocabulary.from_dict(read_toml(Path(wish)))
    kept = project.setting(SETTING)
    if kept:
        return Vocabulary.from_dict(kept)
    return usual_words(project)
