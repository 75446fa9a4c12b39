"""Which part of a library, and so which split, image i is made from.

Cutouts are parted by identity and backgrounds by place, with the hash of ``dataset.splits``; image
i of a seed falls into a split by its number alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.words import counted
from dataset.splits import SPLITS, check_shares, hash_position, split_at
from synth.config import SceneConfig
from synth.library import Background, Cutout, Library
from synth.plan import ScenePlan, scene_rng
from synth.sample import sample_scene

__all__ = [
    "ImagePlan",
    "SplitLibrary",
    "part_library",
    "sample_image",
]

_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True, eq=False)
class SplitLibrary:
    """The parts of a library by split, and the share of images each gets.

    Args:
        parts: Only splits that have something to show.
        shares: Of these, their sum 1.
        notes: Which splits were left out, and why.
    """

    parts: Mapping[str, Library]
    shares: Mapping[str, float]
    notes: tuple[str, ...]

    def split_of(self, seed: int, scene: int) -> str:
        """The split of a scene: by its number alone, with shares exact to one scene or so."""
        start = float(np.random.default_rng([seed]).random())
        position, reached = (start + scene * _GOLDEN) % 1.0, 0.0
        for split, share in self.shares.items():
            reached += share
            if position < reached:
                return split
        return list(self.shares)[-1]


def part_library(library: Library, shares: Sequence[float]) -> SplitLibrary:
    """A library's parts for train, val and test.

    A val or test without an object or without a background is left out, and what falls into it is
    for training. Where even that leaves nothing for training, the library shows too little to be
    parted and is taken whole.
    """
    checked = check_shares(shares)
    wanted: dict[str, float] = dict(zip(SPLITS, checked, strict=True))
    members: dict[str, tuple[list[Cutout], list[Background]]] = {s: ([], []) for s in SPLITS}
    for cutout in library.cutouts:
        members[split_at(hash_position(cutout.identity), checked)][0].append(cutout)
    for background in library.backgrounds:
        members[split_at(hash_position(background.group), checked)][1].append(background)
    notes = []
    for split in ("val", "test"):
        if _can_show(library, *members[split]):
            continue
        if wanted[split] > 0:
            notes.append(_tell_left_out(split, library, *members[split]))
        cutouts, backgrounds = members.pop(split)
        members["train"][0].extend(cutouts)
        members["train"][1].extend(backgrounds)
    if _can_show(library, *members["train"]):
        parts = {split: library.part(*some) for split, some in members.items()}
    else:
        parts = {"train": library}
        lack = f"{_count_objects(library.labelled)} and {_count_places(library.backgrounds)}"
        notes = [f"{lack} are too few to be parted: all images are for training"]
    total = sum(wanted[split] for split in parts)
    return SplitLibrary(parts, {s: wanted[s] / total for s in parts}, tuple(notes))


def _can_show(
    library: Library, cutouts: Sequence[Cutout], backgrounds: Sequence[Background]
) -> bool:
    """Whether they make scenes; without objects only where the whole library has none."""
    return bool(backgrounds) and (not library.labelled or any(c.labelled for c in cutouts))


def _tell_left_out(
    split: str, library: Library, cutouts: Sequence[Cutout], backgrounds: Sequence[Background]
) -> str:
    lack = _count_objects(library.labelled) if backgrounds else _count_places(library.backgrounds)
    note = f"{split} is left out: by their names none of {lack} falls into it"
    counts = [_count_objects(cutouts)] if cutouts else []
    counts += [_count_places(backgrounds)] if backgrounds else []
    return f"{note}; for training instead: its {' and '.join(counts)}" if counts else note


def _count_places(backgrounds: Sequence[Background]) -> str:
    places = {background.group for background in backgrounds}
    return f"{counted(len(backgrounds), 'background')} ({counted(len(places), 'place')})"


def _count_objects(cutouts: Sequence[Cutout]) -> str:
    objects = {cutout.identity for cutout in cutouts}
    return f"{counted(len(cutouts), 'cutout')} ({counted(len(objects), 'object')})"


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """A plan, the split that it belongs to, and all blends of its scene where it has several."""

    split: str
    plan: ScenePlan
    blends: tuple[str, ...] = ()


def sample_image(parts: SplitLibrary, config: SceneConfig, seed: int, index: int) -> ImagePlan:
    """The plan of image ``index``: its scene, its split, its blend among those of the scene.

    Which objects of a scene with several blends are in all its images, ``synth.blends`` tells.
    """
    scene, variant = divmod(index, config.same_scene_blends)
    split = parts.split_of(seed, scene)
    plan = sample_scene(scene_rng(seed, scene), parts.parts[split], config)
    if config.same_scene_blends == 1:
        return ImagePlan(split, plan)
    blends = _draw_blends(config, seed, scene)
    return ImagePlan(split, plan.with_blend(blends[variant]), blends)


def _draw_blends(config: SceneConfig, seed: int, scene: int) -> tuple[str, ...]:
    """As many different blends as a scene has images, the heavier ones likelier first."""
    names = [name for name, weight in sorted(config.blend_weights.items()) if weight > 0]
    weights = np.array([config.blend_weights[name] for name in names])
    rng = scene_rng(seed, scene).spawn(1)[0]
    chosen = rng.choice(names, config.same_scene_blends, replace=False, p=weights / weights.sum())
    return tuple(str(name) for name in chosen)
