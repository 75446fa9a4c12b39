"""A tiny library on disk: two kinds of cutout and a bird, three backgrounds."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from synth.config import SceneConfig
from synth.generate import Job
from synth.library import Library, read_library

SMALL = SceneConfig(canvas_wh=(96, 54), size_px_range=(10, 40), effects="light")


def write_library(folder: Path) -> tuple[Path, Path]:
    cutouts, backgrounds = folder / "cutouts", folder / "backgrounds"
    (cutouts / "images").mkdir(parents=True)
    backgrounds.mkdir()
    rows = []
    colors = {"red": (0, 0, 220), "white": (245, 245, 245), "brown": (40, 75, 115)}
    kinds = [("red", "missile", True), ("white", "airship", True), ("brown", "bird", False)]
    for number, (color, kind, labelled) in enumerate(kinds):
        image = np.zeros((40, 120, 4), np.uint8)
        image[..., :3] = colors[color]  # colour under clear pixels must never show
        cv2.ellipse(image, (60, 20), (58, 18), 0, 0, 360, (*colors[color], 255), -1, cv2.LINE_AA)
        cv2.imwrite(str(cutouts / "images" / f"{number}.png"), image)
        rows.append(
            {
                "name": f"{number}",
                "file": f"images/{number}.png",
                "class_name": kind,
                "caption": f"{color} {kind}",
                "identity": f"{kind}-{number}",
                "labelled": labelled,
            }
        )
    (cutouts / "cutouts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rng = np.random.default_rng(0)
    for number in range(3):
        ramp = np.linspace(60 + 40 * number, 200, 108)[:, None, None]
        image = np.clip(ramp + rng.normal(0, 3, (108, 192, 3)), 0, 255).astype(np.uint8)
        cv2.imwrite(str(backgrounds / f"field_{number}.png"), image)
    return cutouts, backgrounds


def make_library(folder: Path) -> Library:
    return read_library(*write_library(folder))


def make_job(folders: tuple[Path, Path], out: Path, **changes: object) -> Job:
    """A small job over such a library; ``changes`` are arguments of `Job`."""
    values = {"out": out, "count": 12, "seed": 3, "config": SMALL, "shares": (1, 0, 0)}
    return Job(**{**values, "cutouts": folders[:1], "backgrounds": folders[1:], **changes})
