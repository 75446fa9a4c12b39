"""The same objects in every image of a scene that is shown under several blends.

Rims change how well an object can be made out, and how much of it is visible, a little: what one
blend leaves out is left out in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from synth.library import Library
from synth.plan import ScenePlan
from synth.render import render

__all__ = ["same_objects"]


def same_objects(plan: ScenePlan, blends: Sequence[str], library: Library) -> ScenePlan:
    """The plan without the objects that some image of the scene would not have a box of.

    What has a box in none of them stays as it is, painted and without a label, unless one of them
    leaves it out. It costs a rendering a blend, two where something is left out.

    Args:
        plan: Of one image, under one of the blends.
        blends: All that the scene is shown under; fewer than two change nothing.
        library: Holds the named background and cutouts.

    Raises:
        InputError: The library lacks a name that the plan uses.
    """
    if len(blends) < 2:
        return plan
    while True:
        scenes = [render(plan.with_blend(blend), library) for blend in blends]
        boxed = [set(scene.numbers) for scene in scenes]
        differing = boxed[0].union(*boxed) - boxed[0].intersection(*boxed)
        left_out = frozenset(differing).union(*(scene.left_out for scene in scenes))
        if left_out == frozenset(plan.left_out):
            return plan
        plan = replace(plan, left_out=tuple(sorted(left_out)))
