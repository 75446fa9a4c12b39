"""Skies and landscapes to place objects in front of, computed, not photographed.

    python -m synth.backgrounds --count 36 --out assets/backgrounds --seed 1

Here: the list of scenes, their files and metadata. Not here: how each part is painted
(`synth.landscape`). Flow: (kind, seed) -> uint8 (h, w, 3) RGB; picture i depends on `seed` and i
alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.landscape.built import add_airfield, add_skyline
from synth.landscape.clouds import CumulusShape, add_cumulus
from synth.landscape.grounds import add_dunes, add_hills, add_mountains, add_snowfield
from synth.landscape.noise import mix
from synth.landscape.sky import (
    PALETTES,
    Palette,
    add_cirrus,
    add_deck,
    add_stars,
    horizon_color,
    paint_sky,
)
from synth.landscape.terrain import Air, Setting
from synth.landscape.view import Sun, View, develop, linear
from synth.landscape.water import add_water
from synth.work import encode_jpeg

__all__ = ["KINDS", "main", "paint_background", "write_backgrounds"]

Pixels = NDArray[np.float32]
_JPEG_QUALITY = 88
_LARGEST_BYTES = 250_000


@dataclass(frozen=True, slots=True)
class Scene:
    """What stands where: palettes, cloud types and grounds to draw from, and ranges of the sun."""

    palettes: tuple[str, ...]
    clouds: tuple[str, ...]  # names in _CLOUDS
    ground: str  # a name in _GROUNDS
    sun_deg_range: tuple[float, float]  # elevation
    horizon_ratio_range: tuple[float, float]
    behind: bool = True  # the sun may stand behind the camera; else it is in front


_DAY = ("noon", "alpine", "tropical", "hazy")
_LOW = ("golden", "sunset", "crimson")

KINDS: Mapping[str, Scene] = {
    "clear sky": Scene(_DAY, ("none", "wisps"), "none", (25, 60), (0.95, 1.25)),
    "cumulus": Scene(_DAY[:3], ("cumulus", "cumulus and cirrus"), "none", (30, 55), (0.9, 1.2)),
    "mountains": Scene(
        ("alpine", "noon", "morning"),
        ("wisps", "cumulus", "cirrus"),
        "mountains",
        (18, 45),
        (0.62, 0.74),
    ),
    "sea": Scene(
        ("tropical", "noon", "hazy"), ("cumulus", "cirrus", "none"), "sea", (25, 50), (0.6, 0.78)
    ),
    "sunset": Scene(
        _LOW, ("cumulus", "cirrus", "streets"), "none", (1.5, 9), (0.84, 1.0), behind=False
    ),
    "hills": Scene(
        ("noon", "tropical", "hazy"),
        ("cumulus", "wisps", "cirrus"),
        "hills",
        (25, 50),
        (0.62, 0.76),
    ),
    "overcast": Scene(("overcast",), ("deck",), "none", (40, 60), (0.9, 1.2)),
    "dunes": Scene(
        ("tropical", "hazy", "golden"), ("none", "wisps"), "dunes", (16, 30), (0.6, 0.75)
    ),
    "town": Scene(
        ("noon", "hazy", "morning"), ("cumulus", "cirrus"), "town", (25, 45), (0.74, 0.84)
    ),
    "snow": Scene(
        ("alpine", "morning", "hazy"), ("wisps", "cirrus", "none"), "snow", (12, 28), (0.6, 0.74)
    ),
    "airfield": Scene(
        ("noon", "hazy", "tropical"),
        ("cumulus", "cirrus", "streets"),
        "airfield",
        (28, 50),
        (0.66, 0.8),
    ),
    "cirrus": Scene(("noon", "alpine", "morning"), ("cirrus",), "none", (25, 50), (0.95, 1.2)),
    "sea at sunset": Scene(
        _LOW, ("streets", "cirrus", "cumulus"), "sea", (2, 9), (0.66, 0.8), behind=False
    ),
    "stratocumulus": Scene(("noon", "hazy"), ("broken deck",), "none", (35, 55), (0.9, 1.15)),
    "mountains at dusk": Scene(
        ("dusk", "crimson", "golden"),
        ("cirrus", "wisps"),
        "mountains",
        (1.0, 7),
        (0.66, 0.78),
        behind=False,
    ),
    "town at dusk": Scene(
        ("dusk", "crimson"),
        ("cirrus", "streets"),
        "town by night",
        (-4, 0),
        (0.74, 0.84),
        behind=False,
    ),
    "autumn hills": Scene(
        ("hazy", "golden", "overcast"), ("wisps", "cirrus"), "autumn", (16, 32), (0.6, 0.75)
    ),
    "night": Scene(("night",), ("stars",), "mountains", (18, 30), (0.78, 0.92)),
    "storm": Scene(("stormy",), ("dark deck",), "hills", (35, 50), (0.72, 0.84)),
    "small cumulus": Scene(_DAY[:3], ("small cumulus",), "none", (35, 60), (0.95, 1.3)),
}


def paint_background(
    kind: str, *, rng: np.random.Generator, size_wh: tuple[int, int] = (1520, 870)
) -> NDArray[np.uint8]:
    """Return one picture of the kind, uint8 (h, w, 3) RGB.

    Args:
        kind: a key of `KINDS`.
        rng: decides everything else.
        size_wh: width and height in pixels.

    Raises:
        ValueError: if the kind is unknown.

    Example:
        >>> paint_background("clear sky", rng=np.random.default_rng(1), size_wh=(64, 36)).shape
        (36, 64, 3)
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}. Known: {', '.join(KINDS)}.")
    scene = KINDS[kind]
    palette = PALETTES[scene.palettes[int(rng.integers(len(scene.palettes)))]]
    azimuth = float(rng.uniform(35, 150) if scene.behind else rng.uniform(5, 26))
    sun = Sun(azimuth * float(rng.choice((-1, 1))), float(rng.uniform(*scene.sun_deg_range)))
    focal_ratio = float(rng.uniform(0.75, 1.15))
    view = View(*size_wh, float(rng.uniform(*scene.horizon_ratio_range)), focal_ratio)
    sky = paint_sky(view, palette, sun)
    sunlight = linear(palette.sunlight) * palette.brightness * 1.15
    ambient = linear(palette.middle) * 0.42 + 0.12 * palette.brightness
    air = Air(horizon_color(sky, view), float(rng.uniform(20, 40)))
    setting = Setting(view, sun, sunlight, np.asarray(ambient, np.float32), air)
    clouds = scene.clouds[int(rng.integers(len(scene.clouds)))]
    for part in _CLOUDS[clouds]:
        sky = part(sky, setting, palette, rng)
    return develop(_GROUNDS[scene.ground](sky, setting, rng), rng)


def _cirrus(
    low: float, high: float
) -> Callable[[Pixels, Setting, Palette, np.random.Generator], Pixels]:
    def paint(sky: Pixels, setting: Setting, palette: Palette, rng: np.random.Generator) -> Pixels:
        light = mix(setting.sunlight, linear(palette.glow), np.float32(0.3)) * 0.95
        cover, angle = float(rng.uniform(low, high)), float(rng.uniform(-70, 70))
        return add_cirrus(sky, setting.view, rng, cover=cover, light=light, angle_deg=angle)

    return paint


def _cumulus(
    cover: tuple[float, float], cell: float, thickness: float = 0.5
) -> Callable[[Pixels, Setting, Palette, np.random.Generator], Pixels]:
    def paint(sky: Pixels, setting: Setting, palette: Palette, rng: np.random.Generator) -> Pixels:
        shape = CumulusShape(
            cover=float(rng.uniform(*cover)),
            thickness=thickness * float(rng.uniform(0.8, 1.2)),
            cell=cell,
        )
        ambient = linear(palette.middle) * 0.5 + 0.14 * palette.brightness
        return add_cumulus(
            sky, setting.view, rng, shape=shape, sun=setting.sun, sunlight=setting.sunlight / 1.15,
            ambient=ambient, haze=setting.air.haze,
        )  # fmt: skip

    return paint


def _deck(
    cover: tuple[float, float], dark: float, bright: float, scale: float
) -> Callable[[Pixels, Setting, Palette, np.random.Generator], Pixels]:
    def paint(sky: Pixels, setting: Setting, palette: Palette, rng: np.random.Generator) -> Pixels:
        tone = linear(palette.middle) / max(float(linear(palette.middle).mean()), 0.05)
        grey = 0.75 + 0.25 * tone
        return add_deck(
            sky, setting.view, rng, dark=grey * dark, bright=np.full(3, bright, np.float32),
            cover=float(rng.uniform(*cover)), scale=scale * float(rng.uniform(0.8, 1.3)),
        )  # fmt: skip

    return paint


def _stars(sky: Pixels, setting: Setting, palette: Palette, rng: np.random.Generator) -> Pixels:
    return add_stars(sky, setting.view, rng, milky_way=bool(rng.random() < 0.7))


_CLOUDS: Mapping[
    str, tuple[Callable[[Pixels, Setting, Palette, np.random.Generator], Pixels], ...]
] = {
    "none": (),
    "wisps": (_cirrus(0.1, 0.3),),
    "cirrus": (_cirrus(0.5, 0.75),),
    "cumulus": (_cumulus((0.25, 0.42), 1.5),),
    "small cumulus": (_cumulus((0.2, 0.35), 0.7, 0.22),),
    "cumulus and cirrus": (_cirrus(0.3, 0.5), _cumulus((0.2, 0.3), 1.8, 0.6)),
    "streets": (_cumulus((0.3, 0.45), 1.1, 0.25),),
    "deck": (_deck((0.9, 1.0), 0.2, 0.72, 1.0),),
    "dark deck": (_deck((0.9, 1.0), 0.1, 0.42, 1.0),),
    "broken deck": (_deck((0.62, 0.78), 0.42, 0.95, 0.55),),
    "stars": (_stars,),
}


def _mountains(sky: Pixels, setting: Setting, rng: np.random.Generator) -> Pixels:
    snow, near = float(rng.choice((0.0, 0.3, 0.5, 0.65))), float(rng.uniform(6, 10))
    ranges = add_mountains(sky, setting, rng, snow_ratio=snow, near_km=near)
    return add_hills(ranges, setting, rng, relief=float(rng.uniform(0.4, 0.8)))


def _town(lights: float) -> Callable[[Pixels, Setting, np.random.Generator], Pixels]:
    def paint(sky: Pixels, setting: Setting, rng: np.random.Generator) -> Pixels:
        tallest = float(rng.uniform(0.2, 0.34))
        town = add_skyline(sky, setting, rng, lights_ratio=lights, tallest_ratio=tallest)
        return add_water(town, setting, rng, roughness=0.22, deep="#16343c")

    return paint


def _sea(sky: Pixels, setting: Setting, rng: np.random.Generator) -> Pixels:
    deep = ("#0f4a5e", "#12404f", "#1a5568")[int(rng.integers(3))]
    return add_water(sky, setting, rng, roughness=float(rng.uniform(0.5, 1.5)), deep=deep)


_GROUNDS: Mapping[str, Callable[[Pixels, Setting, np.random.Generator], Pixels]] = {
    "none": lambda sky, setting, rng: sky,
    "mountains": _mountains,
    "hills": lambda sky, setting, rng: add_hills(sky, setting, rng),
    "autumn": lambda sky, setting, rng: add_hills(sky, setting, rng, autumn=True),
    "dunes": add_dunes,
    "snow": add_snowfield,
    "sea": _sea,
    "town": _town(0.0),
    "town by night": _town(0.3),
    "airfield": lambda sky, setting, rng: add_airfield(
        sky, setting, rng, yaw_deg=float(rng.uniform(-14, 14))
    ),
}


def write_backgrounds(
    folder: Path, *, count: int, seed: int, size_wh: tuple[int, int] = (1520, 870)
) -> list[dict[str, object]]:
    """Return the metadata of the pictures, after writing them and backgrounds.jsonl to `folder`.

    Args:
        folder: made if missing.
        count: how many; the kinds take turns.
        seed: same seed, same pictures.
        size_wh: width and height in pixels.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = list(KINDS)
    rows: list[dict[str, object]] = []
    for index in range(count):
        kind = names[index % len(names)]
        image = paint_background(kind, rng=np.random.default_rng([seed, index]), size_wh=size_wh)
        name = f"{kind.replace(' ', '_')}_{index // len(names) + 1}.jpg"
        (folder / name).write_bytes(_encoded(image))
        rows.append(
            {
                "name": name,
                "kind": kind,
                "seed": [seed, index],
                "size_wh": list(size_wh),
                "licence": "CC0-1.0",
                "source": "synth.backgrounds (own code)",
            }
        )
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "backgrounds.jsonl").write_text(lines, encoding="utf-8")
    return rows


def _encoded(image: NDArray[np.uint8]) -> bytes:
    """Return JPEG bytes, of lower quality where the usual one would be too large."""
    for quality in range(_JPEG_QUALITY, 40, -4):
        data = encode_jpeg(image, quality)
        if len(data) <= _LARGEST_BYTES:
            break
    return data


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and write pictures.

    Args:
        arguments: words after the command; those of the process if None.
    """
    parser = argparse.ArgumentParser(description="Paint skies and landscapes.", allow_abbrev=False)
    parser.add_argument("--count", type=int, default=36, help="how many (default 36)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same pictures (default 1)")
    options = parser.parse_args(arguments)
    rows = write_backgrounds(options.out, count=options.count, seed=options.seed)
    sys.stdout.write(f"wrote {len(rows)} pictures to {options.out}\n")


if __name__ == "__main__":
    main()
