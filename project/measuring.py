"""What the models think of the captions that are there, kept beside the boxes; no box is changed.

In use when a picture is opened or edited, and for all pictures at once: labels that came from
elsewhere have no figures until then, and checks of captions need them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.image import MAX_PIXELS, read_image
from core.types import Image
from core.words import counted
from project.score import RankedScore, Scorer
from project.store import Project
from project.types import BoxRow, StoreError, Xyxy
from project.vocabulary import SETTING, Vocabulary

__all__ = [
    "Measured",
    "asked_words",
    "count_unmeasured",
    "measure_all",
    "measure_image",
    "suggest_captions",
]

_TRIES = 3  # at what somebody edits meanwhile
_SAME_PX = 0.01


@dataclass(frozen=True, slots=True)
class Measured:
    """How a run went: boxes measured, and pictures that could not be read."""

    boxes: int
    failed: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Return the summary as one line."""
        told = f"{counted(self.boxes, 'box')} measured."
        lost = len(self.failed)
        return told + f" {counted(lost, 'picture')} could not be read." * bool(lost)


def asked_words(project: Project) -> Vocabulary | None:
    """Return the captions that a box might have had instead: what the models were last asked."""
    if told := project.setting(SETTING):
        return Vocabulary.from_dict(told)
    captions = tuple(project.setting("captions", []))
    return Vocabulary(captions) if captions else None


def measure_image(
    project: Project,
    scorer: Scorer,
    image_id: int,
    wished: Sequence[int] | None = None,
    *,
    max_pixels: int = MAX_PIXELS,
) -> list[RankedScore]:
    """Return what the models think of an image's boxes as they are now, and keep it.

    Args:
        project: The project.
        scorer: The models.
        image_id: The image.
        wished: Ids of boxes; None: all that have a caption.
        max_pixels: Larger pictures are refused.

    Raises:
        ImageError: The picture cannot be read.
    """
    path = project.path(image_id)

    def load() -> Image:
        return read_image(path, max_pixels=max_pixels)

    for _ in range(_TRIES):
        image, boxes = project.image(image_id), project.boxes(image_id)
        found = scorer.measure(str(path), load, boxes, wished)
        before = {box.id: box for box in boxes}
        news = [one.score for one in found if _differs(before[one.score.box_id], one)]
        if not news or project.set_scores(image_id, news, image.version):
            break
    return found


def suggest_captions(
    project: Project,
    scorer: Scorer,
    image_id: int,
    xyxy: Xyxy,
    words: Vocabulary,
    *,
    max_pixels: int = MAX_PIXELS,
) -> list[tuple[str, float]]:
    """Return the captions that fit a place in an image best, with the similarity of each.

    Args:
        project: The project.
        scorer: The models.
        image_id: The image.
        xyxy: The place, in pixels of the image; of a box that need not be there yet.
        words: What captions are made of, where none came with the image.
        max_pixels: Larger pictures are refused.

    Raises:
        ImageError: The picture cannot be read.
        InputError: There is no such image.
        DataError: This is no place in it.
    """
    path, given = project.path(image_id), project.image(image_id).captions
    known = (box.xyxy for box in project.boxes(image_id))
    # What was embedded already is found by its exact numbers.
    place = next((one for one in known if np.allclose(one, xyxy, rtol=0, atol=_SAME_PX)), xyxy)
    return scorer.suggest(
        str(path),
        lambda: read_image(path, max_pixels=max_pixels),
        place,
        list(dict.fromkeys(given)) or words,
    )


def count_unmeasured(project: Project) -> int:
    """Return how many boxes have a caption and no figures, rejected ones left out."""
    return sum(len(_unmeasured(boxes)) for _, boxes in project.walk_boxes())


def measure_all(
    project: Project,
    scorer: Scorer,
    *,
    max_pixels: int = MAX_PIXELS,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Measured:
    """Measure every box that has a caption and no figures yet.

    Args:
        project: The project.
        scorer: The models.
        max_pixels: Larger pictures are left out.
        on_progress: Called after each picture with (done, total, name); may raise to stop, and what
            was measured until then is kept.

    Raises:
        EngineError: The machine cannot go on; what was measured until then is kept.
        ModelError: The same, of a model.
    """
    waiting = [(image, _unmeasured(boxes)) for image, boxes in project.walk_boxes()]
    waiting = [(image, ids) for image, ids in waiting if ids]
    count, failed = 0, list[str]()
    for number, (image, ids) in enumerate(waiting, start=1):
        try:
            count += len(measure_image(project, scorer, image.id, ids, max_pixels=max_pixels))
        except StoreError:  # nor that of the disk
            raise
        except InputError:  # others are the machine's fault, not the picture's
            failed.append(image.name)
        if on_progress is not None:
            on_progress(number, len(waiting), image.name)
    return Measured(count, tuple(failed))


def _unmeasured(boxes: Sequence[BoxRow]) -> list[int]:
    return [b.id for b in boxes if b.caption and b.logit is None and b.state != "rejected"]


def _differs(box: BoxRow, found: RankedScore) -> bool:
    if box.logit is None or abs(box.logit - found.score.logit) > 1e-4:
        return True
    return box.margin is None and found.score.margin is not None
