"""Renders a library of cutouts: `python -m synth.studio --out DIR --identities 4000 --views 2`.

Needs requirements-train.txt and an EGL driver (`apt install libegl1 libgl1-mesa-dri`).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Returns 0; writes progress to standard error."""
    parser = argparse.ArgumentParser(prog="python -m synth.studio", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the library")
    parser.add_argument("--identities", type=int, default=200, help="objects to make")
    parser.add_argument("--views", type=int, default=1, help="pictures of each object")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first object")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        default=(160, 360),
        metavar=("LOW", "HIGH"),
        help="range of the longest side in pixels, at most 480",
    )
    parser.add_argument("--format", choices=("png", "webp"), default="png", help="image format")
    parser.add_argument("--type", action="append", default=[], help="only these types, in turn")
    parser.add_argument(
        "--head-on", type=float, default=0.0, metavar="RATIO",
        help="share of aeroplanes and helicopters seen from straight ahead or behind (0)",
    )  # fmt: skip
    parser.add_argument("--sheet", type=Path, help="also write one picture of the whole library")
    args = parser.parse_args(arguments)

    from core.errors import SpotterError
    from synth.studio.gallery import Job, render_library, write_sheet

    job = Job(
        args.out,
        args.identities,
        args.views,
        args.seed,
        tuple(args.size),
        args.format,
        tuple(args.type),
        args.head_on,
    )
    started = time.monotonic()
    first = [-1]

    def show(done: int, total: int) -> None:
        if first[0] < 0:
            first[0] = done - 1
        rate = (done - first[0]) / max(time.monotonic() - started, 1e-9)
        if done % 100 == 0 or done == total:
            left = (total - done) / max(rate, 1e-9)
            sys.stderr.write(f"{done}/{total}  {rate:.1f}/s  {left / 60:.1f} min left\n")

    try:
        count = render_library(job, show)
    except SpotterError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if args.sheet:
        write_sheet(args.out, args.sheet)
    sys.stdout.write(f"{count} cutouts in {args.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
