"""An identity: one shape with one livery, drawn from a seed; and what a person would call it.

Identities are the unit of splitting: every view of one stays in one split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from synth.studio.livery import Livery
from synth.studio.mesh import Mesh, MeshBuilder
from synth.studio.paint import paint
from synth.studio.shapes import (
    airliners,
    balloons,
    distractors,
    fighters,
    light,
    rockets,
    rotorcraft,
)

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Type:
    """A word of the vocabulary: weighted shapes, share of a run, share of camouflage."""

    name: str
    shapes: tuple[tuple[Callable[[Rng], MeshBuilder], float], ...]
    weight: float
    camouflage_ratio: float = 0.0
    labelled: bool = True


TYPES: tuple[Type, ...] = (
    Type("commercial aircraft", ((airliners.airliner, 0.8), (airliners.turboprop, 0.2)), 0.125),
    Type("cargo aircraft", ((airliners.cargo, 0.88), (airliners.airliner, 0.12)), 0.1, 0.08),
    Type("light aircraft", ((light.light_aircraft, 1.0),), 0.125, 0.01),
    Type(
        "fighter plane",
        ((fighters.fighter_plane, 0.93), (fighters.fighter_jet, 0.07)),
        0.13,
        0.2,
    ),
    Type("fighter jet", ((fighters.fighter_jet, 1.0),), 0.14, 0.3),
    Type("helicopter", ((rotorcraft.helicopter, 1.0),), 0.13, 0.2),
    Type("drone", ((rotorcraft.drone, 1.0),), 0.105, 0.02),
    Type("missile", ((rockets.missile, 1.0),), 0.105, 0.08),
    Type("rocket", ((rockets.rocket, 1.0),), 0.03),
    Type("glider", ((light.glider, 1.0),), 0.035),
    Type("airship", ((balloons.airship, 1.0),), 0.035, 0.02),
    Type("hot air balloon", ((balloons.hot_air_balloon, 1.0),), 0.04),
    Type("space shuttle", ((rockets.space_shuttle, 1.0),), 0.02),
    Type("flying saucer", ((balloons.flying_saucer, 1.0),), 0.02),
    Type("bird", ((distractors.bird, 1.0),), 0.05, labelled=False),
    Type("kite", ((distractors.kite, 0.6), (distractors.paraglider, 0.4)), 0.02, labelled=False),
    Type("toy balloon", ((distractors.toy_balloon, 1.0),), 0.015, labelled=False),
)
TYPE_BY_NAME = {t.name: t for t in TYPES}


@dataclass(frozen=True, slots=True)
class Identity:
    """A seeded object: mesh, livery and words; `name` is stable."""

    name: str
    type: Type
    mesh: Mesh
    livery: Livery


def sample_identity(seed: int, type_name: str | None = None) -> Identity:
    """Returns the identity of a seed; the type is drawn by weight where none is asked for.

    Raises:
        InputError: the type is unknown.
    """
    if type_name is not None and type_name not in TYPE_BY_NAME:
        raise InputError(f"unknown type {type_name!r}; known: {', '.join(TYPE_BY_NAME)}")
    rng = np.random.default_rng([0x5907, seed])
    weights = np.array([t.weight for t in TYPES])
    drawn = TYPES[int(rng.choice(len(TYPES), p=weights / weights.sum()))]
    chosen = TYPE_BY_NAME[type_name] if type_name else drawn
    odds = np.array([w for _, w in chosen.shapes])
    maker = chosen.shapes[int(rng.choice(len(odds), p=odds / odds.sum()))][0]
    builder = maker(rng)
    camouflage = bool(rng.random() < chosen.camouflage_ratio)
    livery = paint(rng, chosen.name, maker, labelled=chosen.labelled, camouflage=camouflage)
    return Identity(f"{chosen.name.replace(' ', '-')}-{seed:06d}", chosen, builder.build(), livery)
