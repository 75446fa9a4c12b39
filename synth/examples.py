"""Makes the example pictures of the page from our own cutouts and backgrounds.

    python -m synth.examples --out assets/examples

Here: which picture shows what, and its captions. Not here: how a scene is drawn (``synth.render``).
Out: JPEGs of 1520x870, ``examples.json`` for the page, ``annotations.jsonl`` with the true boxes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.files import write_bytes
from synth.config import SceneConfig
from synth.library import Library, read_backgrounds, read_cutouts
from synth.plan import scene_rng
from synth.render import Rendered, render
from synth.sample import sample_scene
from synth.work import encode_jpeg

__all__ = ["EXAMPLES", "Example", "main", "make_example"]

ASSETS = Path(__file__).parent.parent / "assets"
JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Example:
    """One picture: its background, which classes fly in it, how large, and an absent thing.

    Seeds were chosen among 10 to 21 so that the shipped models answer right: the pictures show
    what Spotter does and measure nothing.
    """

    name: str
    background: str
    class_names: tuple[str, ...]
    size_px_range: tuple[float, float]
    absent: str
    seed: int


EXAMPLES = (
    Example(
        "airfield", "airfield_1", ("light aircraft", "fighter plane"), (90, 190), "blue blimp", 13
    ),
    Example("mountains", "mountains_2", ("helicopter", "glider"), (70, 170), "red drone", 19),
    Example("town", "town_1", ("drone", "airship", "helicopter"), (60, 200), "green missile", 13),
    Example(
        "sunset", "sea_at_sunset_1", ("fighter jet", "cargo aircraft"), (80, 190), "red rocket", 21
    ),
    Example("balloons", "hills_1", ("hot air balloon",), (80, 210), "white airliner", 14),
    Example(
        "high_up", "cumulus_1", ("commercial aircraft", "fighter jet"), (60, 160), "red drone", 20
    ),
    Example("sea", "sea_1", ("missile", "drone", "fighter jet"), (45, 130), "grey airship", 10),
    Example("dunes", "dunes_1", ("rocket", "flying saucer"), (80, 200), "black helicopter", 13),
)


def make_example(example: Example, cutouts: Path, backgrounds: Path) -> Rendered:
    """The picture of an example, with its boxes and captions.

    Raises:
        InputError: The background or a class is not in the folders.
    """
    chosen = [c for c in read_cutouts(cutouts) if c.class_name in example.class_names]
    places = [b for b in read_backgrounds(backgrounds) if b.name == example.background]
    library = Library(chosen, places, background_side_px=1520)
    config = SceneConfig(
        canvas_wh=(1520, 870),
        count_weights=(0, 0, 0, 0.4, 0.4, 0.2),
        size_px_range=example.size_px_range,
        full_frame_ratio=0,
        formation_ratio=0,
        truncated_ratio=0,
        overlap_ratio=0,
        occluder_ratio=0,
        distractor_ratio=0,
        clutter_ratio=0,
        low_contrast_ratio=0,
        haze_ratio_max=0.1,
        effects="light",
    )
    return render(sample_scene(scene_rng(20, example.seed), library, config), library)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all examples; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m synth.examples", description=__doc__)
    parser.add_argument("--out", type=Path, default=ASSETS / "examples")
    parser.add_argument("--cutouts", type=Path, default=ASSETS / "cutouts")
    parser.add_argument("--backgrounds", type=Path, default=ASSETS / "backgrounds")
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    shown, truths = [], []
    for example in EXAMPLES:
        made = make_example(example, args.cutouts, args.backgrounds)
        file = f"{example.name}.jpg"
        write_bytes(args.out / file, encode_jpeg(made.image, JPEG_QUALITY))
        captions = list(dict.fromkeys(made.captions))
        shown.append({"file": file, "captions": [*captions[:2], example.absent]})
        rows = [
            {"caption": caption, "bbox": [x1, y1, x2 - x1, y2 - y1]}
            for caption, (x1, y1, x2, y2) in zip(made.captions, made.xyxy.tolist(), strict=True)
        ]
        truths.append({"image": file, "annotations": rows})
    write_bytes(args.out / "examples.json", (json.dumps(shown, indent=1) + "\n").encode())
    lines = "".join(json.dumps(row) + "\n" for row in truths)
    write_bytes(args.out / "annotations.jsonl", lines.encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
