"""What must stay in one split: pictures of one group, and those that look nearly the same.

One rule for everything that leaves a project and for what is learnt from it: else what was learnt
is measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from project.reader import Reader
from project.types import ImageRow

__all__ = ["Place", "join_twins", "places_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image belongs.

    Args:
        group: Its own group, or the one it was joined with; never empty.
        split: Its own, or that of the first image of the group that has one; empty: the group
            decides.
    """

    group: str
    split: str


def places_of(project: Reader) -> dict[str, Place]:
    """Return for the name of each image where it belongs."""
    # Removed ones too: two copies of one that was taken out are copies of each other.
    return join_twins(sorted([*project.walk(), *project.removed()], key=lambda image: image.id))


def join_twins(images: Iterable[ImageRow]) -> dict[str, Place]:
    """Return for the name of each image, given as they were added, where it belongs."""
    images = list(images)
    parent: dict[str, str] = {}

    def root(group: str) -> str:
        while parent.setdefault(group, group) != group:
            group = parent[group]
        return group

    own = {image.id: image.group or image.name for image in images}
    for image in images:
        if image.twin_id in own:
            # The earlier image's group, so that it stays where it is when others come.
            parent[root(own[image.id])] = root(own[image.twin_id])
    groups = {image.id: root(own[image.id]) for image in images}
    splits: dict[str, str] = {}
    for image in images:
        if image.split and not image.removed:
            splits.setdefault(groups[image.id], image.split)
    return {
        image.name: Place(groups[image.id], image.split or splits.get(groups[image.id], ""))
        for image in images
    }
