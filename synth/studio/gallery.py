"""Writes libraries of cutouts: `images/NAME.webp|png`, and a line each in `cutouts.jsonl`.

A run can be stopped and started again: finished renders are kept, and render *i* depends on the
seed and *i* alone. Lines are appended and flushed after their image is in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError
from core.files import read_json_lines, replacing, write_bytes
from core.image import open_picture
from core.packages import INSTALL_TRAIN, require
from synth.captions import choose_colors, write_caption
from synth.studio.identity import Identity, sample_identity
from synth.words import COLORS

SOURCE = "rendered by synth.studio from our own parametric shapes"
LICENCE = "AGPL-3.0-or-later"


@dataclass(frozen=True, slots=True)
class Job:
    """What to render: `identities` objects with `views` pictures each.

    Attributes:
        out: folder of the library.
        identities: number of objects.
        views: pictures of each object.
        seed: first identity's seed; the others follow.
        size_range_px: shortest and longest value of a picture's longest side.
        image_format: "png" (fast, for training) or "webp" (small, for a gallery).
        types: types taken in turn; empty draws them by weight.
        head_on_ratio: share of winged aircraft seen from straight ahead or behind, 0 to 1, beside
            those that happen to be.
    """

    out: Path
    identities: int
    views: int
    seed: int
    size_range_px: tuple[int, int]
    image_format: str
    types: tuple[str, ...] = ()
    head_on_ratio: float = 0.0


def render_library(job: Job, on_progress: Callable[[int, int], None] | None = None) -> int:
    """Renders what is missing and returns how many pictures the library holds.

    Progress counts the pictures of this job; the library may hold those of others.

    Raises:
        InputError: an argument is out of range or a type is unknown.
        MissingPackageError: there is nothing to render with.
    """
    if job.identities < 1 or job.views < 1:
        raise InputError(
            f"identities and views must be at least 1, got {job.identities}, {job.views}"
        )
    if job.image_format not in ("png", "webp"):
        raise InputError(f"image_format must be png or webp, got {job.image_format!r}")
    if not 0 <= job.head_on_ratio <= 1:
        raise InputError(f"head_on_ratio must be from 0 to 1, got {job.head_on_ratio}")
    require("moderngl", install=INSTALL_TRAIN)  # before a folder is made
    (job.out / "images").mkdir(parents=True, exist_ok=True)
    index = job.out / "cutouts.jsonl"
    done = _finished(index)
    wanted = {name for k in range(job.identities) for name in _names(job, job.seed + k)}
    with index.open("a", encoding="utf-8") as lines:
        for line in _render_missing(job, done):
            lines.write(json.dumps(line) + "\n")
            lines.flush()
            done.add(line["name"])
            if on_progress is not None:
                on_progress(len(wanted & done), len(wanted))
    return len(done)


def _names(job: Job, seed: int) -> list[str]:
    """What the pictures of the object of this seed are called."""
    return [f"{seed:06d}-{view}" for view in range(job.views)]


def _finished(index: Path) -> set[str]:
    """Returns the names already rendered; a line cut off by a kill is removed from the file."""
    if not index.exists():
        return set()
    whole = []
    for line in index.read_text(encoding="utf-8").split("\n"):
        try:
            whole.append((json.loads(line)["name"], line))
        except (json.JSONDecodeError, KeyError):
            continue
    write_bytes(index, "".join(f"{line}\n" for _, line in whole).encode())
    return {name for name, _ in whole}


def _render_missing(job: Job, done: set[str]) -> Iterator[dict[str, Any]]:
    from synth.studio.render import Studio

    with Studio() as studio:
        for k in range(job.identities):
            kind = job.types[k % len(job.types)] if job.types else None
            seed = job.seed + k
            names = _names(job, seed)
            if done.issuperset(names):
                continue
            identity = sample_identity(seed, kind)
            for view, name in enumerate(names):
                if name not in done:
                    line = _render_one(
                        studio, job, identity, np.random.default_rng([seed, view]), name
                    )
                    if line is not None:
                        yield line


def _render_one(
    studio: Any, job: Job, identity: Identity, rng: np.random.Generator, name: str
) -> dict[str, Any] | None:
    from synth.studio.camera import sample_light, sample_view

    low, high = job.size_range_px
    view = sample_view(rng, identity.type.name, job.head_on_ratio)
    rendered = studio.render(
        identity.mesh, identity.livery, view, sample_light(rng), int(rng.integers(low, high + 1))
    )
    if min(rendered.rgba.shape[:2]) < 4:
        return None
    colors = visible_colors(rendered.label)
    file = f"images/{name}.{job.image_format}"
    _write_image(job.out / file, rendered.rgba)
    return {
        "name": name,
        "file": file,
        "class_name": identity.type.name,
        "caption": write_caption(
            choose_colors(colors), identity.type.name, camouflage=identity.livery.camouflage
        ),
        "colors": colors,
        "camouflage": identity.livery.camouflage,
        "identity": identity.name,
        "labelled": identity.type.labelled,
        "view": {
            "yaw_deg": round(view.yaw_deg, 1),
            "pitch_deg": round(view.pitch_deg, 1),
            "roll_deg": round(view.roll_deg, 1),
            "elevation_deg": round(view.elevation_deg, 1),
        },
        "size_wh": [rendered.rgba.shape[1], rendered.rgba.shape[0]],
        "source": SOURCE,
        "licence": LICENCE,
    }


def visible_colors(label: np.ndarray) -> dict[str, float]:
    """Returns each colour's share of the painted pixels of a label picture, the largest first."""
    counts = np.bincount(label.ravel(), minlength=256)[: len(COLORS)].astype(float)
    total = counts.sum()
    ranked = [int(k) for k in np.argsort(-counts, kind="stable")]
    shares = {COLORS[k]: float(counts[k] / max(total, 1.0)) for k in ranked}
    return {name: round(share, 3) for name, share in shares.items() if share >= 0.01}


def _write_image(path: Path, rgba: np.ndarray) -> None:
    from PIL import Image

    image = Image.fromarray(rgba, "RGBA")
    with replacing(path) as part:
        if path.suffix == ".png":
            image.save(part, "PNG", compress_level=1)
        else:
            image.save(part, "WEBP", quality=88, alpha_quality=100, method=6)


def write_sheet(library: Path, out: Path, *, columns: int = 12, cell_px: int = 120) -> None:
    """Writes one picture of the whole library, each cutout with its caption, on sky-like cells."""
    from PIL import Image, ImageDraw

    lines: list[dict[str, Any]] = read_json_lines(library / "cutouts.jsonl")
    rows = -(-len(lines) // columns)
    step = cell_px + 26
    sheet = Image.new("RGB", (columns * cell_px, rows * step), (198, 208, 220))
    draw = ImageDraw.Draw(sheet)
    for k, line in enumerate(lines):
        x, y = k % columns * cell_px, k // columns * step
        with open_picture(library / line["file"]) as opened:
            cutout = opened.convert("RGBA")
        cutout.thumbnail((cell_px - 6, cell_px - 6), Image.Resampling.LANCZOS)
        place = (x + (cell_px - cutout.width) // 2, y + (cell_px - cutout.height) // 2)
        sheet.paste(cutout, place, cutout)
        words = line["caption"].split()
        half = (len(words) + 1) // 2
        draw.text((x + 3, y + cell_px), " ".join(words[:half]), fill=(20, 24, 30))
        draw.text((x + 3, y + cell_px + 12), " ".join(words[half:]), fill=(20, 24, 30))
    sheet.save(out)
