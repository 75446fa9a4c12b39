"""What leaves a project: data sets, tables, crops, cutouts, uploads; and what is learnt from it.

Here is also where boxes become cutouts for the generator, which projects themselves do not know.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.words import counted
from dataset.splits import SHARES, SPLITS, Shares

if TYPE_CHECKING:
    from dataset.record import Dataset
    from frontends.service import Service
    from project.export import What
    from project.learning import RunStatus
    from project.store import Project
    from synth.harvest import Harvest

__all__ = [
    "EXPORTS",
    "add_export_parser",
    "add_train_parser",
    "export_cutouts",
    "export_project",
    "push_project",
]

EXPORTS = ("yolo", "coco", "voc", "hf", "jsonl", "csv", "crops", "cutouts")
"""Everything that a project can be exported as: data set formats, and three more."""
_POLL_S = 2.0
_UNSEEN = "Proposals of a model among them, confirmed by nobody: {}."

OnProgress = Callable[[int, int, str], None]


def export_project(
    project: Project,
    out: Path,
    kind: str,
    *,
    what: What = "confirmed",
    shares: Shares = SHARES,
    on_progress: OnProgress | None = None,
) -> str:
    """Write a project as one of `EXPORTS` and return what was written, as a sentence.

    Args:
        project: Not changed.
        out: A folder, for CSV a file.
        kind: One of `EXPORTS`.
        what: "confirmed" or "all", see ``project.export``.
        shares: Of train, val and test, for pictures that were given no split.
        on_progress: Called with (done, total, what) where that takes long; may raise to stop.

    Raises:
        UnknownNameError: There is no such kind.
        DataError: There is nothing to export, or it cannot be written.
    """
    from dataset.card import write_card
    from project.export import export_crops, export_csv, export_dataset

    proposals = sum(image.proposed for image in project.walk()) if what == "all" else 0
    told = f" {_UNSEEN.format(counted(proposals, 'box'))}" if proposals else ""
    told += "" if kind == "crops" else _untyped(project, what)
    if kind == "csv":
        count = export_csv(project, out, what=what, shares=shares)
        return f"{out}: {counted(count, 'box')}.{told}"
    if kind == "crops":
        count = export_crops(project, out, what=what, shares=shares, on_progress=on_progress)
        return f"{out}: {counted(count, 'crop')} with captions.{told}"
    if kind == "cutouts":
        harvest = export_cutouts(project, out, what=what, on_progress=on_progress)
        return f"{out}: {harvest.sentence()}{told}"
    dataset = export_dataset(project, out, kind, what=what, shares=shares, on_progress=on_progress)
    boxes = sum(len(record) for record in dataset)
    facts = {"format": kind, "labelled with": "Spotter", "what": what}
    if proposals:
        facts["proposals"] = _UNSEEN.format(counted(proposals, "box"))
    write_card(dataset, out, format=kind, title=project.name, facts=facts)
    pictures = counted(len(dataset), "picture")
    return f"{out}: {pictures} ({_splits(dataset)}), {counted(boxes, 'box')}.{told}"


def _untyped(project: Project, what: What) -> str:
    """What is said of boxes with neither type nor caption, in a project that has types."""
    from project.classes import UNNAMED
    from project.export import count_unnamed

    count = count_unnamed(project, what)
    has, is_, it = ("has", "is", "it") if count == 1 else ("have", "are", "them")
    boxes = counted(count, "box")
    told = f" {boxes} {has} neither type nor caption and {is_} exported as '{UNNAMED}'."
    return f"{told} Find '{UNNAMED}' to see {it}." if count else ""


def _splits(dataset: Dataset) -> str:
    """How many pictures are in which split, and whether none is for measuring."""
    counts = Counter(record.split for record in dataset)
    told = ", ".join(f"{counts[name]} {name}" for name in SPLITS if counts[name])
    return told if counts["val"] else f"{told}, none val"


def export_cutouts(
    project: Project,
    out: Path,
    *,
    what: What = "confirmed",
    on_progress: OnProgress | None = None,
) -> Harvest:
    """Cut the boxes of a project out for the generator, and return what became of them.

    Args:
        project: Not changed.
        out: Folder of cutouts; those that are there stay.
        what: See ``project.export``.
        on_progress: Called with (boxes done, all, what); may raise to stop.

    Raises:
        DataError: There is no image to take them from.
    """
    from project.export import to_dataset
    from synth.harvest import harvest

    def show(done: int, total: int) -> None:
        if on_progress is not None:
            on_progress(done, total, "cutting out")

    return harvest(to_dataset(project, what), out, on_progress=show)


def push_project(
    project: Project,
    repo_id: str,
    *,
    token: str,
    private: bool = True,
    what: What = "confirmed",
    shares: Shares = SHARES,
    endpoint: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> str:
    """Upload a project to the Hub as an image folder, and return its address there.

    Args:
        project: Not changed.
        repo_id: "name" or "owner/name".
        token: Of the user; used once and kept nowhere.
        private: Whether only the owner sees it.
        what: See ``project.export``.
        shares: See ``export_project``.
        endpoint: Address of the Hub; its usual one if None.
        on_progress: Called with the files uploaded and all; may raise to stop.

    Raises:
        HubError: The Hub refuses it, or cannot be reached.
        DataError: There is nothing to export.
    """
    from dataset.hub import push_folder

    def prepare(_: int, total: int, __: str) -> None:
        if on_progress is not None:
            on_progress(0, total)

    folder = Path(tempfile.mkdtemp(dir=project.folder, prefix=".push-"))
    try:
        export_project(project, folder, "hf", what=what, shares=shares, on_progress=prepare)
        return push_folder(
            folder, repo_id, token=token, private=private, endpoint=endpoint,
            on_progress=on_progress,
        )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------- commands


def add_export_parser(kinds: Any) -> None:
    """Add `project export`."""
    parser = kinds.add_parser("export", help="write it as a data set, table, crops or cutouts")
    parser.set_defaults(run=_run_export)
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the project")
    parser.add_argument("--format", choices=EXPORTS, default="yolo", help="default: yolo")
    parser.add_argument("--out", type=Path, help="folder, for csv a file; this or --push")
    parser.add_argument(
        "--all", action="store_true", help="pictures that are not done and proposals too"
    )
    parser.add_argument(
        "--shares",
        metavar="A,B,C",
        help="of train, val and test, for pictures without a split (default 0.8,0.1,0.1)",
    )
    parser.add_argument("--push", metavar="REPO", help="upload to the Hugging Face Hub")
    parser.add_argument("--token-file", type=Path, help="file with the token for --push")
    parser.add_argument("--public", action="store_true", help="with --push: everybody may see it")


def _run_export(options: argparse.Namespace, service: Service | None) -> int:
    from core.errors import InputError
    from frontends.wishes import parse_shares
    from project.store import Project

    what: What = "all" if options.all else "confirmed"
    shares = SHARES if options.shares is None else parse_shares(options.shares)
    if bool(options.out) == bool(options.push):
        raise InputError("give either --out or --push.", "--out FOLDER writes it here.")
    with Project.open(options.folder) as project:
        if options.out:
            said = export_project(project, options.out, options.format, what=what, shares=shares)
            sys.stdout.write(f"{said}\n")
            return 0
        if options.token_file is None:
            raise InputError("--push needs --token-file.", "Only that token is used, and not kept.")
        try:
            token = options.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the token: {error}.", "Check --token-file.") from error
        address = push_project(
            project, options.push, token=token, private=not options.public, what=what,
            shares=shares,
        )  # fmt: skip
    sys.stdout.write(f"{address}\n")
    return 0


def add_train_parser(kinds: Any) -> None:
    """Add `project train`."""
    parser = kinds.add_parser("train", help="improve the detector with what was corrected")
    parser.set_defaults(run=_run_train)
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the project")
    parser.add_argument("--minutes", type=float, help="how long to train, usually 15")
    parser.add_argument(
        "--scenes", default="", help="training.scenes to mix in; else some of the shipped gallery"
    )
    parser.add_argument(
        "--crops", default="", help="training.crops to mix in; else some of the shipped gallery"
    )
    parser.add_argument("--threads", type=int, help="threads to compute with, usually 1")
    parser.add_argument("--background", action="store_true", help="return at once")
    parser.add_argument("--resume", metavar="RUN", help="continue a stopped run as it was")
    parser.add_argument("--stop", metavar="RUN", help="instead of training: stop a run")
    parser.add_argument("--status", action="store_true", help="instead: show all runs")
    parser.add_argument("--use", metavar="RUN", help="instead: pre-label with this run's model")
    parser.add_argument("--back", action="store_true", help="instead: undo the last --use")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _run_train(options: argparse.Namespace, service: Service | None) -> int:
    from core.packages import require_training
    from project.learning import go_back, list_runs, start_run, stop_run, use_run
    from project.store import Project

    with Project.open(options.folder) as project:
        if options.status:
            runs = list_runs(project)
            for status in runs:
                _tell(status, options.json)
            if not (runs or options.json):
                sys.stdout.write("Nothing was trained yet.\n")
        elif options.stop:
            stop_run(project, options.stop)
            sys.stdout.write(f"{options.stop} stops after its step.\n")
        elif options.use or options.back:
            config = use_run(project, options.use) if options.use else go_back(project)
            sys.stdout.write(f"pre-labelling uses {config.detect.model}\n")
        else:
            require_training()
            # Those that are not given are the usual ones, or those of the run that goes on.
            extra = ["--threads", str(options.threads)] if options.threads else []
            for name in ("scenes", "crops"):
                place = getattr(options, name)
                extra += [f"--{name}", str(Path(place).resolve())] if place else []
            status = start_run(
                project, minutes=options.minutes, run_id=options.resume, options=extra
            )
            if not options.background:
                status = _watch(project, status.id)
            _tell(status, options.json)
            return 1 if status.state == "failed" else 0
    return 0


def _watch(project: Project, run_id: str) -> RunStatus:
    """Wait for the end of a run with a bar; an interrupt stops it, and it can be continued."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    from project.learning import run_status, stop_run

    with tqdm(total=100, unit="%", disable=None) as bar:
        while (status := run_status(project, run_id)).state == "running":
            bar.set_description(status.phase)
            bar.update(round(100 * status.progress) - bar.n)
            try:
                time.sleep(_POLL_S)
            except KeyboardInterrupt:
                stop_run(project, run_id)
    return status


def _tell(status: RunStatus, as_json: bool) -> None:
    if as_json:
        told = {
            "run": status.id, "state": status.state, "phase": status.phase,
            "progress": status.progress, "message": status.message,
            "metrics": dict(status.metrics),
        }  # fmt: skip
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    text = f"{status.id}  {status.state}  {status.phase} {status.progress:.0%}  {status.message}"
    sys.stdout.write(text.rstrip() + "\n")
