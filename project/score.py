"""What the models think of boxes that people move and reword: measured again in milliseconds.

Only what changed is measured: a moved box is cut, enlarged and embedded anew, a reworded caption is
embedded as text; everything else is kept from before. Not here: storing the scores.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.arrays import sigmoid
from core.image import image_wh
from core.types import Detections, Image
from pipeline.locate import UNREAD_LOGIT, Locator
from project.types import BoxRow, Score, Xyxy
from project.vocabulary import Vocabulary

__all__ = [
    "FITS_MIN",
    "SUGGESTIONS",
    "RankedScore",
    "Scorer",
    "choose_captions",
    "embed_boxes",
    "fitting",
]

FITS_MIN = 0.25
"""Similarity below which a caption hardly fits: none is proposed, and a given one is doubted."""
SUGGESTIONS = 5
"""Captions that are suggested for a box: as many as one reads at a glance."""
_PAIRS = 2
_KEPT_BOXES = 20_000  # about 1 kB each


@dataclass(frozen=True, slots=True)
class RankedScore:
    """The scores of a box, and its rank by similarity among the image's boxes for its caption.

    Args:
        score: What is kept of it.
        rank: 1 for the box that fits its caption best.
        of: Number of boxes that are ranked.
    """

    score: Score
    rank: int
    of: int


def embed_boxes(
    locator: Locator, image: Image, xyxy: Sequence[Xyxy] | NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (n, d) embeddings of boxes of an image, cut and enlarged as for locating."""
    boxes = np.asarray(xyxy, np.float32).reshape(-1, 4)
    seen = Detections.from_xyxy(boxes, image_wh(image))
    crops = [locator.cut(image, seen)]
    for upscaler in locator.upscalers:
        crops = upscaler(crops)
    return locator.reranker.embed_images(crops)[0]


def choose_captions(
    locator: Locator, embeds: NDArray[np.float32], vocabulary: Vocabulary
) -> list[tuple[str, float, float | None]]:
    """Return for each embedding the best caption of a vocabulary, its logit, and its lead.

    The best single-colored caption first; a second color is named where that fits better. The lead
    is over the best caption with another meaning, None where there is no other.
    """
    if not len(embeds):
        return []
    texts = vocabulary.captions()
    reranker = locator.reranker
    logits = reranker.logits(embeds, reranker.embed_texts(texts))
    chosen = []
    for row in range(len(embeds)):
        column = logits[:, row]
        best = int(column.argmax())
        others = np.delete(column, best)
        caption, logit = texts[best], float(column[best])
        runner_up = float(others.max()) if len(others) else None
        if more := vocabulary.two_colored(caption):
            pairs = reranker.logits(embeds[row : row + 1], reranker.embed_texts(more))[:, 0]
            second = int(pairs.argmax())
            if pairs[second] > logit:
                rest = [*np.delete(pairs, second).tolist(), logit, runner_up]
                runner_up = max(value for value in rest if value is not None)
                caption, logit = more[second], float(pairs[second])
        chosen.append((caption, logit, None if runner_up is None else logit - runner_up))
    return chosen


def fitting(
    locator: Locator, embed: NDArray[np.float32], captions: Sequence[str] | Vocabulary
) -> list[tuple[str, float]]:
    """Return the captions that fit a crop best, with the similarity of each, best first.

    Of a vocabulary also two with a second color, more of which would leave no room for other
    colors and types, and of "red and white" and "white and red" the one that fits better. What the
    model does not understand fits nothing.

    Args:
        locator: The models.
        embed: (d,) of the crop.
        captions: To choose from.
    """
    reranker = locator.reranker
    is_vocabulary = isinstance(captions, Vocabulary)  # else what people wrote

    def best(texts: Sequence[str], count: int) -> list[tuple[float, str]]:
        logits = reranker.logits(embed[None], reranker.embed_texts(texts))[:, 0]
        kept: dict[str | frozenset[str], tuple[float, str]] = {}
        for logit, text in sorted(zip(logits.tolist(), texts, strict=True), reverse=True):
            if len(kept) < count and reranker.read(text).grasp != "nothing":
                meaning = frozenset(text.split()) if is_vocabulary else text
                kept.setdefault(meaning, (logit, text))
        return list(kept.values())

    if isinstance(captions, Vocabulary):
        single = best(captions.captions(), SUGGESTIONS)
        pairs = best([p for _, text in single for p in captions.two_colored(text)], _PAIRS)
        found = sorted([*pairs, *single[: SUGGESTIONS - len(pairs)]], reverse=True)
    else:
        found = best(captions, SUGGESTIONS)
    chances = sigmoid(np.array([logit for logit, _ in found], np.float32)).tolist()
    return [(text, chance) for (_, text), chance in zip(found, chances, strict=True)]


class Scorer:
    """Measures boxes with the models of a locator; safe to use from several threads.

    Args:
        locator: The pipeline.
        vocabulary: Where the lead over other captions is taken from; None: no lead is told.
    """

    def __init__(self, locator: Locator, vocabulary: Vocabulary | None = None) -> None:
        self.locator = locator
        self.vocabulary = vocabulary
        self._kept: OrderedDict[tuple[str, Xyxy], NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def look(
        self, key: str, load: Callable[[], Image], boxes: Sequence[BoxRow]
    ) -> dict[Xyxy, NDArray[np.float32]]:
        """Return the embeddings of an image's boxes; only those that are new are measured.

        Args:
            key: Names the image for good, such as the path of its file.
            load: Gives its pixels; called only where some box is new.
            boxes: Its boxes.
        """
        return self._embeds(key, load, [box.xyxy for box in boxes])

    def _embeds(
        self, key: str, load: Callable[[], Image], places: Sequence[Xyxy]
    ) -> dict[Xyxy, NDArray[np.float32]]:
        wished = dict.fromkeys(places)
        found = {}
        with self._lock:
            for xyxy in wished:
                if (key, xyxy) in self._kept:
                    self._kept.move_to_end((key, xyxy))
                    found[xyxy] = self._kept[key, xyxy]
        new = [xyxy for xyxy in wished if xyxy not in found]
        if new:
            measured = dict(zip(new, embed_boxes(self.locator, load(), new), strict=True))
            found |= measured
            with self._lock:
                self._kept.update(((key, xyxy), embed) for xyxy, embed in measured.items())
                while len(self._kept) > _KEPT_BOXES:
                    self._kept.popitem(last=False)
        return found

    def measure(
        self,
        key: str,
        load: Callable[[], Image],
        boxes: Sequence[BoxRow],
        wished: Sequence[int] | None = None,
    ) -> list[RankedScore]:
        """Return scores and ranks of boxes that have a caption.

        Args:
            key: See `look`.
            load: See `look`.
            boxes: All boxes of the image; rejected ones take no rank.
            wished: Ids of those to measure; None: all.
        """
        captioned = [b for b in boxes if b.caption and (wished is None or b.id in wished)]
        if not captioned:
            return []
        ranked = [b for b in boxes if b.state != "rejected" or b in captioned]
        looked = self.look(key, load, ranked)
        embeds = np.stack([looked[box.xyxy] for box in ranked])
        texts = list(dict.fromkeys(box.caption for box in captioned))
        reranker = self.locator.reranker
        logits = reranker.logits(embeds, reranker.embed_texts(texts))
        # A caption of which nothing was understood would fit any box about as well.
        logits[[reranker.read(text).grasp == "nothing" for text in texts]] = UNREAD_LOGIT
        rows = {box.id: row for row, box in enumerate(ranked)}
        found = []
        for box in captioned:
            column, row = logits[texts.index(box.caption)], rows[box.id]
            logit = float(column[row])
            lead = self._lead(box, embeds[row], logit)
            score = Score(box.id, logit, float(sigmoid(column[row])), lead)
            rank = int((column > column[row]).sum()) + 1
            found.append(RankedScore(score, rank, len(ranked)))
        return found

    def suggest(
        self, key: str, load: Callable[[], Image], xyxy: Xyxy, captions: Sequence[str] | Vocabulary
    ) -> list[tuple[str, float]]:
        """Return the captions that fit a place best, with the similarity of each, best first.

        Args:
            key: See `look`.
            load: See `look`.
            xyxy: The place, in pixels of the image.
            captions: To choose from; of a vocabulary also those with a second color.
        """
        embed = self._embeds(key, load, [xyxy])[xyxy]
        return fitting(self.locator, embed, captions)

    def _lead(self, box: BoxRow, embed: NDArray[np.float32], logit: float) -> float | None:
        """Lead of a box's caption over the best other one of the vocabulary."""
        # Of a caption that the model reads in part it cannot say that another fits better.
        if self.vocabulary is None or self.locator.reranker.read(box.caption).grasp != "whole":
            return None
        others = [text for text in self.vocabulary.captions() if text != box.caption]
        if not others:
            return None
        reranker = self.locator.reranker
        return logit - float(reranker.logits(embed[None], reranker.embed_texts(others)).max())
