"""Find the thing in an image by describing it: the one entry for every front end.

    Image --detect--> Detections --cut--> Crops --upscale--> Crops --embed--> Observation
    Observation + captions --compare--> logits --rank--> Result

`observe` does all the image work, once. `answer` does only text work, so a second caption about
the same image takes a few milliseconds. `locate` is one after the other.

Where to look: a wrong box: detect/. A wrong rank: rerank/ and rank.py. A slow run: engines/.
A new model: catalog.toml. A new family: registry.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.captions import clean_captions
from core.errors import ImageError, InputError
from core.image import MAX_PIXELS, ImageSource, image_wh, to_image
from core.result import Result
from core.types import Crops, Detections, Image
from pipeline.config import LocateConfig
from pipeline.cut import CONTEXT_RATIO, Shape, cut
from pipeline.rank import Assignment, check_assignment, rank
from pipeline.stages import (
    Calibration,
    CaptionDetector,
    Detector,
    OnProgress,
    Reranker,
    Upscaler,
)

__all__ = ["UNREAD_LOGIT", "Locator", "Observation"]

UNREAD_LOGIT = -20.0
"""The similarity of every box to a caption that says nothing to the model: it resembles none."""


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What was seen in ONE image, before any caption: keep it to ask more questions.

    Args:
        image_wh: Size of the image in pixels.
        detections: All candidate boxes, best first.
        crops: The boxes as cut, one per detection.
        upscaled: The crops as the reranker saw them.
        embeds: (n, d) float32 image embeddings, one per detection.
        seconds: Seconds by stage: decode, detect, cut, upscale, embed.
        captions: What an open-vocabulary detector was told to look for; empty: whatever there is.
    """

    image_wh: tuple[int, int]
    detections: Detections
    crops: Crops
    upscaled: Crops
    embeds: NDArray[np.float32]
    seconds: Mapping[str, float]
    captions: tuple[str, ...] = ()


class Locator:
    """Stages in a row; immutable and usable from any thread; nothing need be closed.

    Args:
        detector: Finds candidate boxes.
        reranker: Compares crops with captions.
        upscalers: Applied to the crops one after the other; none is allowed.
        calibration: Replaces the reranker's own.
        context_ratio: Context cut around each box, as a share of its longer side.
        cut_shape: Crops are squares, or have the shape of the box.
        max_pixels: Larger images are refused.
        provenance: Model ids, engine and why, versions, settings; copied into each result.

    Example:
        >>> from pipeline.fakes import FakeDetector, FakeReranker
        >>> locator = Locator(FakeDetector(), FakeReranker())
        >>> image = np.full((40, 60, 3), 255, np.uint8)
        >>> image[10:20, 30:50] = (255, 0, 0)
        >>> locator.locate([image], ["red thing"])[0].answer_xyxy()
        (30.0, 10.0, 50.0, 20.0)
    """

    def __init__(
        self,
        detector: Detector,
        reranker: Reranker,
        *,
        upscalers: Sequence[Upscaler] = (),
        calibration: Calibration | None = None,
        context_ratio: float = CONTEXT_RATIO,
        cut_shape: Shape = "square",
        max_pixels: int = MAX_PIXELS,
        provenance: Mapping[str, str] | None = None,
    ) -> None:
        self.detector = detector
        self.reranker = reranker
        self.upscalers = tuple(upscalers)
        self.calibration = calibration or reranker.calibration
        self.context_ratio = context_ratio
        self.cut_shape = cut_shape
        self.max_pixels = max_pixels
        self.provenance = dict(provenance or {})

    @classmethod
    def open(cls, config: LocateConfig) -> Self:
        """Return a locator with the models that the settings name, loaded and ready.

        Raises:
            ModelError: A model is missing, damaged or of another shape than expected.
            EngineError: An explicit wish for an engine, device or precision cannot be met.
            UnknownNameError: A model is not in the catalogue.
            MissingPackageError: A runtime is not installed.
        """
        # Here, so that a locator of one's own stages needs neither catalogue nor engines.
        from pipeline.build import build_stages

        stages = build_stages(config)
        return cls(
            stages.detector,
            stages.reranker,
            upscalers=stages.upscalers,
            calibration=stages.calibration,
            context_ratio=config.cut.context_ratio,
            cut_shape=config.cut.shape,
            max_pixels=config.image.max_pixels,
            provenance=stages.provenance,
        )

    def locate(
        self,
        images: Sequence[ImageSource],
        captions: Sequence[str] | Sequence[Sequence[str]],
        *,
        assignment: Assignment = "independent",
        keep_crops: bool = False,
        on_progress: OnProgress | None = None,
    ) -> list[Result]:
        """Return one result per image.

        Args:
            images: Paths, bytes, Pillow images or arrays; see `core.image.to_image`.
            captions: One list for all images, or one list per image.
            assignment: "joint" when the captions of an image describe different objects.
            keep_crops: Keep the crops in the result.
            on_progress: Called after each stage with (done, total, what).

        Raises:
            ImageError: An image cannot be used.
            CaptionError: A caption is empty or too long.
            InputError: There are not as many caption lists as images, or one image is given
                instead of a list, or there is no such assignment.
        """
        check_assignment(assignment)
        images = _image_list(images)
        per_image = _captions_per_image(captions, len(images))
        observations = self.observe(images, per_image, on_progress=on_progress)
        return [
            self.answer(observation, texts, assignment=assignment, keep_crops=keep_crops)
            for observation, texts in zip(observations, per_image, strict=True)
        ]

    @property
    def reads_captions(self) -> bool:
        """True when the detector is told what to look for: then other captions are another look."""
        return isinstance(self.detector, CaptionDetector)

    def observe(
        self,
        images: Sequence[ImageSource],
        captions: Sequence[str] | Sequence[Sequence[str]] = (),
        *,
        on_progress: OnProgress | None = None,
    ) -> list[Observation]:
        """Return what is seen in each image: all the expensive work, and no text.

        Args:
            images: Paths, bytes, Pillow images or arrays; see `core.image.to_image`.
            captions: What to look for, for detectors of an open vocabulary (`reads_captions`);
                one list for all images, or one list per image. Others do not read them.
            on_progress: Called after each stage with (done, total, what).

        Raises:
            ImageError: An image cannot be used.
            InputError: The detector must be told what to look for, and was not; or one image is
                given instead of a list.
            Cancelled: The progress callback asked to stop.
        """
        images = _image_list(images)
        wanted = _captions_per_image(captions, len(images)) if self.reads_captions else []
        clock = _Clock(on_progress)
        with clock.stage("decode"):
            pictures = _to_images(images, self.max_pixels)
        with clock.stage("detect"):
            detections = self._detect(pictures, wanted)
        with clock.stage("cut"):
            crops = [
                self.cut(image, seen) for image, seen in zip(pictures, detections, strict=True)
            ]
        with clock.stage("upscale"):
            upscaled = crops
            for upscaler in self.upscalers:
                upscaled = upscaler(upscaled)
        with clock.stage("embed"):
            embeds = self.reranker.embed_images(upscaled)
        # The stages run once for all images: each image bears its share of the time.
        seconds = {name: value / max(len(images), 1) for name, value in clock.seconds.items()}
        return [
            Observation(
                image_wh=image_wh(pictures[i]),
                detections=detections[i],
                crops=crops[i].without_source(),
                upscaled=upscaled[i].without_source(),
                embeds=embeds[i],
                seconds=seconds,
                captions=tuple(wanted[i]) if wanted else (),
            )
            for i in range(len(pictures))
        ]

    def answer(
        self,
        observation: Observation,
        captions: Sequence[str],
        *,
        assignment: Assignment = "independent",
        keep_crops: bool = False,
    ) -> Result:
        """Return the boxes that the captions describe: text work only.

        Args:
            observation: What `observe` saw in the image.
            captions: Descriptions, each of one object; a caption seen before costs nothing.
            assignment: "joint" when they describe different objects.
            keep_crops: Keep the crops in the result.

        Raises:
            CaptionError: A caption is empty or too long.
            InputError: There is no such assignment.
        """
        start_s = perf_counter()
        texts = clean_captions(captions)
        readings = [self.reranker.read(text) for text in texts]
        logits = self.reranker.logits(observation.embeds, self.reranker.embed_texts(texts))
        # A caption of which nothing was understood would fit any box about as well.
        logits[[reading.grasp == "nothing" for reading in readings]] = UNREAD_LOGIT
        rankings = rank(
            texts,
            logits,
            observation.detections,
            calibration=self.calibration,
            assignment=assignment,
            readings=readings,
        )
        return Result(
            image_wh=observation.image_wh,
            detections=observation.detections,
            rankings=rankings,
            crops=observation.crops if keep_crops else None,
            upscaled=observation.upscaled if keep_crops else None,
            seconds=_result_seconds(observation.seconds, perf_counter() - start_s),
            provenance=self.provenance,
            warnings=(
                *chain(*(one.reading.notes for one in rankings)),
                *self.calibration.notes(),
            ),
        )

    def cut(self, image: Image, detections: Detections) -> Crops:
        """Return the boxes of one image cut out as this pipeline's reranker is shown them."""
        return cut(image, detections, context_ratio=self.context_ratio, shape=self.cut_shape)

    def warm_up(self) -> None:
        """Run everything once, so that the first real image is not slower."""
        image = _crosses()
        # Boxes of several sizes: networks are prepared for each size they first meet.
        boxes = [[100, 100, 100 + side, 100 + side] for side in (12, 24, 36, 60, 75)]
        self._detect([image], [["object"]])
        seen = Detections.from_xyxy(boxes, image_wh(image))
        crops = [self.cut(image, seen)]
        for upscaler in self.upscalers:
            crops = upscaler(crops)
        self.reranker(crops, ["object"])

    def _detect(self, images: Sequence[Image], wanted: Sequence[Sequence[str]]) -> list[Detections]:
        detector = self.detector
        if not isinstance(detector, CaptionDetector) or not any(wanted):
            return detector(images)
        return [
            (detector.looking_for(texts) if texts else detector)([image])[0]
            for image, texts in zip(images, wanted, strict=True)
        ]


def _crosses() -> Image:
    """An image of fifteen small crosses, which a detector of aircraft takes for some.

    So a closer look at them meets all its batches: eight, four, two and one.
    """
    image = np.full((870, 1520, 3), (150, 180, 210), np.uint8)
    for x in range(160, 1520, 300):
        for y in range(155, 870, 280):
            image[y - 2 : y + 3, x - 18 : x + 19] = 40
            image[y - 18 : y + 19, x - 2 : x + 3] = 40
    return image


class _Clock:
    """Seconds by stage, and a call to the progress callback after each."""

    names = ("decode", "detect", "cut", "upscale", "embed")

    def __init__(self, on_progress: OnProgress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._on_progress = on_progress

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start_s = perf_counter()
        yield
        self.seconds[name] = perf_counter() - start_s
        if self._on_progress is not None:
            self._on_progress(len(self.seconds), len(self.names), name)


def _result_seconds(observed: Mapping[str, float], answer_s: float) -> dict[str, float]:
    """Seconds as a reader wants them: reranking is image and text work together."""
    seconds = {name: value for name, value in observed.items() if name != "embed"}
    seconds["rerank"] = observed.get("embed", 0.0) + answer_s
    seconds["total"] = sum(seconds.values())
    # Part of rerank: what one more question about the same image costs.
    seconds["answer"] = answer_s
    return seconds


def _image_list(images: Sequence[ImageSource]) -> list[ImageSource]:
    """The images as a list. One alone is refused: its rows or letters would pass for images."""
    is_one = isinstance(images, str | bytes | bytearray | memoryview)
    is_one |= isinstance(images, np.ndarray) and images.ndim in (2, 3)
    if is_one or not isinstance(images, Iterable):
        raise InputError(
            f"images must be a list, got one {type(images).__name__}.", "Write [image]."
        )
    return list(images)


def _to_images(images: Sequence[ImageSource], max_pixels: int) -> list[Image]:
    """All of them decoded; of several an error tells which: bytes and arrays have no name."""
    pictures = []
    for number, image in enumerate(images, start=1):
        try:
            pictures.append(to_image(image, max_pixels=max_pixels))
        except ImageError as error:
            if len(images) == 1 or isinstance(image, str | Path):
                raise
            which = f"image {number} of {len(images)}: {error.message}"
            raise type(error)(which, error.hint) from error
    return pictures


def _captions_per_image(
    captions: Sequence[str] | Sequence[Sequence[str]], num_images: int
) -> list[list[str]]:
    """One clean list of captions per image."""
    # A generator could be read once only.
    captions = captions if isinstance(captions, str) else list(captions)  # type: ignore[assignment]
    if isinstance(captions, str) or all(isinstance(caption, str) for caption in captions):
        # One list for all images (a lone text is refused there).
        return [clean_captions(captions)] * num_images  # type: ignore[arg-type]
    if len(captions) != num_images:
        raise InputError(
            f"got {num_images} images and {len(captions)} lists of captions.",
            "Give one list for all images, or one list per image.",
        )
    return [clean_captions(texts) for texts in captions]
