"""Detectors that are told what to look for, as detectors like any other.

`looking_for(captions)` returns an ordinary detector whose classes are the captions, so wrappers and
Locator need to know no more; see `pipeline.stages.CaptionDetector`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.errors import InputError
from core.types import Detections, Image
from pipeline.stages import Detector

__all__ = ["BoundDetector", "CaptionWrapper"]


class BoundDetector:
    """A detector that looks for given captions.

    Args:
        detect: Finds them in one image.
        captions: What it looks for; the classes of its detections.
    """

    def __init__(
        self, detect: Callable[[Image, tuple[str, ...]], Detections], captions: Sequence[str]
    ) -> None:
        if not captions:
            raise InputError("an open-vocabulary detector needs captions.", "Say what to look for.")
        self._detect = detect
        self.captions = tuple(captions)

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image."""
        return [self._detect(image, self.captions) for image in images]


class CaptionWrapper:
    """Tiles, views or ensembles around a detector that is told what to look for.

    Wrappers know nothing of captions, so they are put around what `looking_for` gives.

    Args:
        build: Makes the whole detector for captions.
        plain: The whole detector of whatever there is, as `build` makes it for no captions.
    """

    def __init__(self, build: Callable[[tuple[str, ...]], Detector], plain: Detector) -> None:
        self._build = build
        self._plain = plain

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image, of whatever there is."""
        return self._plain(images)

    def looking_for(self, captions: Sequence[str]) -> Detector:
        """Return the whole detector for these captions."""
        return self._build(tuple(captions))
