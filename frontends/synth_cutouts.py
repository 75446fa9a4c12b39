"""The commands under `synth cutouts`: objects out of photographs, data sets and files.

Parses, calls and reports; what a command needs is imported when it runs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError

if TYPE_CHECKING:
    from frontends.service import Service
    from synth.harvest import Harvest
    from synth.matting import Stroke

__all__ = ["add_cutouts_parser"]

_METHODS = ("auto", "grabcut", "rembg")
_METHOD_HELP = "how the object is found: rembg if it is installed with a model, else GrabCut"


def add_cutouts_parser(subparsers: Any) -> None:
    """Add `cutouts` with its own commands to the commands of `synth`."""
    cutouts = subparsers.add_parser("cutouts", help="make, collect and list cutouts")
    kinds = cutouts.add_subparsers(metavar="KIND", required=True)
    _add_from_photo(kinds)
    _add_from_dataset(kinds)
    _add_from_images(kinds)

    listing = kinds.add_parser("list", help="what is in a folder of cutouts")
    listing.set_defaults(run=_run_list)
    listing.add_argument("folder", type=Path, metavar="DIR")
    listing.add_argument("--sheet", type=Path, metavar="PNG", help="draw them all on one sheet")
    listing.add_argument("--columns", type=int, default=5, help="of the sheet (default 5)")


def _add_from_photo(kinds: Any) -> None:
    photo = kinds.add_parser("from-photo", help="cut one object out of a photograph")
    photo.set_defaults(run=_run_from_photo)
    photo.add_argument("image", type=Path, metavar="IMAGE")
    photo.add_argument("--box", metavar="L,T,W,H", help="left, top, width, height in pixels")
    photo.add_argument(
        "--stroke",
        action="append",
        default=[],
        metavar="SIGN:X,Y[:X,Y...]",
        help="a line on the object (+:100,80:120,90) or on what is not it (-:40,60); repeatable",
    )
    photo.add_argument("--name", help="of the cutout; the file's name by default")
    photo.add_argument("--class", dest="class_name", default="object", help="its type")
    photo.add_argument("--caption", default="", help="suggested from its colors by default")
    photo.add_argument("--identity", default="", help="what must stay in one split")
    _add_common(photo)


def _add_from_dataset(kinds: Any) -> None:
    dataset = kinds.add_parser("from-dataset", help="cut out every box of a labelled data set")
    dataset.set_defaults(run=_run_from_dataset)
    dataset.add_argument("folder", type=Path, metavar="DIR")
    dataset.add_argument("--format", help="yolo, coco, voc, hf or jsonl; recognised by default")
    dataset.add_argument("--split", choices=("train", "val", "test"), help="only this split")
    dataset.add_argument(
        "--min-side", type=int, default=24, metavar="PX", help="smaller boxes are left out (24)"
    )
    dataset.add_argument("--method", choices=_METHODS, default="auto", help=_METHOD_HELP)
    dataset.add_argument("--out", type=Path, required=True, metavar="DIR")


def _add_from_images(kinds: Any) -> None:
    images = kinds.add_parser("from-images", help="take transparent images as they are")
    images.set_defaults(run=_run_from_images)
    images.add_argument("folder", type=Path, metavar="DIR")
    images.add_argument(
        "--class", dest="class_name", default="", help="type of all; from file names by default"
    )
    images.add_argument("--source", default="", help="where they come from")
    images.add_argument("--licence", default="", help="their licence")
    images.add_argument("--out", type=Path, required=True, metavar="DIR")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", choices=_METHODS, default="auto", help=_METHOD_HELP)
    parser.add_argument("--source", default="", help="where it comes from")
    parser.add_argument("--licence", default="", help="its licence")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")


def _run_from_photo(options: argparse.Namespace, service: Service | None) -> int:
    from core.errors import ImageError
    from core.image import read_image, read_rgba
    from synth.cutout_folder import add_cutout
    from synth.matting import NothingMarkedError, cut_out

    box = _read_box(options.box) if options.box else None
    strokes = [_read_stroke(words) for words in options.stroke]
    try:
        image = read_rgba(options.image)
    except ImageError:
        # No transparency, or no image: reading it as a photograph says which.
        image = read_image(options.image)
    try:
        matte = cut_out(image, box_xyxy=box, strokes=strokes, method=options.method)
    except NothingMarkedError as error:  # there is nothing to draw on here
        raise InputError(error.message, "Give --box L,T,W,H or --stroke=+:X,Y.") from error
    cutout = add_cutout(
        options.out,
        matte.rgba,
        name=options.name or options.image.stem,
        class_name=options.class_name,
        caption=options.caption,
        identity=options.identity,
        source=options.source or options.image.name,
        licence=options.licence,
    )
    height, width = matte.rgba.shape[:2]
    _say(f"{cutout.name}: {cutout.caption}, {width}x{height} px, by {matte.method}; {cutout.path}")
    if matte.lacks:
        _say(
            f"The object found ends well inside the box ({matte.lacks}): if something is missing "
            "there, add --stroke=+:X,Y on it, else draw the box tighter."
        )
    return 0


def _run_from_dataset(options: argparse.Namespace, service: Service | None) -> int:
    from tqdm import tqdm  # type: ignore[import-untyped]

    from dataset.registry import read_dataset
    from frontends.data import found_dataset
    from synth.harvest import harvest

    dataset = read_dataset(found_dataset(options.folder, options.format), options.format)
    if options.split:
        dataset = dataset.split(options.split)
    with tqdm(total=sum(map(len, dataset)), unit="box", file=sys.stderr, disable=None) as bar:
        harvested = harvest(
            dataset,
            options.out,
            min_side_px=options.min_side,
            method=options.method,
            on_progress=lambda done, _: bar.update(done - bar.n) and None,
        )
    return _report(harvested)


def _run_from_images(options: argparse.Namespace, service: Service | None) -> int:
    from synth.harvest import harvest_images

    harvested = harvest_images(
        options.folder,
        options.out,
        class_name=options.class_name,
        source=options.source,
        licence=options.licence,
    )
    return _report(harvested)


def _run_list(options: argparse.Namespace, service: Service | None) -> int:
    from core.image import format_of, write_image
    from synth.library import read_cutouts

    if options.columns < 1:
        raise InputError(f"--columns must be at least 1, got {options.columns}.", "Leave it out.")
    if options.sheet:
        format_of(options.sheet)  # a wrong ending is said before the work, not after
    cutouts = read_cutouts(options.folder)
    for cutout in cutouts:
        _say(f"{cutout.name}\t{cutout.class_name}\t{cutout.caption}")
    if options.sheet:
        from frontends.cutout_sheet import draw_sheet

        write_image(draw_sheet(cutouts, columns=options.columns), options.sheet)
        sys.stderr.write(f"{options.sheet}: {len(cutouts)} cutouts\n")
    return 0


def _report(harvested: Harvest) -> int:
    """Say what happened; an exit code other than 0 when there is nothing to show for it."""
    _say(f"{harvested.folder}: {harvested.sentence()}")
    return 0 if harvested.added or harvested.num_there else 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _read_box(words: str) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of `left,top,width,height`."""
    try:
        left, top, width, height = (float(word) for word in words.split(","))
    except ValueError as error:
        raise InputError(
            f"--box must be left,top,width,height in pixels, got {words!r}.",
            "For example --box 120,80,300,160.",
        ) from error
    return left, top, left + width, top + height


def _read_stroke(words: str) -> Stroke:
    from synth.matting import Stroke

    sign, *points = words.split(":")
    try:
        if sign not in ("+", "-"):
            raise ValueError(sign)
        pairs = [tuple(float(word) for word in point.split(",")) for point in points]
        return Stroke(tuple((x, y) for x, y in pairs), keep=sign == "+")
    except ValueError as error:
        raise InputError(
            f"--stroke must be a sign and points, got {words!r}.",
            "For example --stroke=+:100,80:120,90 or --stroke=-:40,60.",
        ) from error
