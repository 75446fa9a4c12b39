"""What all detectors of one network share: batches in, candidates out, boxes chosen among them.

A family decodes the outputs for one image into `Candidates`; everything before and after is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from core.boxes import clip_boxes, is_valid, nms, scale_boxes
from core.image import image_wh
from core.types import Detections, Image
from pipeline.config import DetectConfig
from pipeline.detect.card import DetectorCard, card_for_graph, prepare, read_detector_card
from pipeline.engines.base import Engine, OpenEngine, check_finite, check_interface
from pipeline.models import Model
from pipeline.stages import Detector

__all__ = ["PARTS_AT_ONCE", "Candidates", "NetworkDetector", "choose_boxes", "takes_any_size"]

# Parts of images looked at together: more cost memory and save no time, as a picture of 60 MP has
# two hundred tiles.
PARTS_AT_ONCE = 8

# Of more candidates than this only the best are looked at; a scene has a few dozen objects.
_MAX_CANDIDATES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What a network says about ONE image, before anything is chosen.

    Args:
        xyxy: (n, 4) float32, pixels of the network's input at edges.
        score: (n,) float32, nominally 0..1.
        class_id: (n,) int64.
    """

    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.int64]


class NetworkDetector(ABC):
    """A detector around one network; a family adds `decode`.

    Args:
        engine: The loaded network; its first input is (n, 3, h, w), of any size or of one.
        config: Thresholds and input size.
        class_names: One per class of the network.
        card: How it wants its images.
    """

    num_outputs: ClassVar[int] = 1

    def __init__(
        self,
        engine: Engine,
        config: DetectConfig,
        class_names: Sequence[str] = ("object",),
        card: DetectorCard | None = None,
    ) -> None:
        self._engine = engine
        self._config = config
        self._class_names = tuple(class_names)
        self._card = card_for_graph(card or DetectorCard(), engine.inputs[0].shape)

    @classmethod
    def open(cls, model: Model, config: DetectConfig, open_engine: OpenEngine) -> Self:
        """Return the detector of a catalogue entry.

        Raises:
            ModelError: A file is missing, damaged or of another shape.
        """
        path = model.file("detector.onnx")
        engine = open_engine(path)
        check_interface(engine, path, inputs=1, outputs=cls.num_outputs)
        return cls(engine, config, model.class_names, read_detector_card(model))

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image; images that become one size run as one batch."""
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        prepared = [prepare(image, self._config.input_wh, self._card) for image in images]
        for i, (tensor, _) in enumerate(prepared):
            groups[tensor.shape].append(i)
        found: dict[int, Detections] = {}
        for members in groups.values():
            batch = np.stack([prepared[i][0] for i in members])
            outputs = self._engine.run({self._engine.inputs[0].name: batch})
            for row, i in enumerate(members):
                one = {
                    name: output[row].astype(np.float32, copy=False)
                    for name, output in outputs.items()
                }
                found[i] = choose_boxes(
                    self.decode(one, (batch.shape[3], batch.shape[2])),
                    image_wh=image_wh(images[i]),
                    scale_xy=prepared[i][1],
                    config=self._config,
                    class_names=self._class_names,
                )
        return [found[i] for i in range(len(images))]

    @property
    def card(self) -> DetectorCard:
        """How it wants its images, as file and graph tell: one size, where the graph takes one."""
        return self._card

    @property
    def takes_any_size(self) -> bool:
        """See the function of the same name."""
        return self._card.input_wh is None

    @abstractmethod
    def decode(
        self, outputs: Mapping[str, NDArray[np.float32]], input_wh: tuple[int, int]
    ) -> Candidates:
        """Return what the network says about one image.

        Args:
            outputs: Its outputs by name, without the batch axis.
            input_wh: Size of the input it saw.

        Raises:
            ModelError: The outputs have another shape than the family's.
        """


def takes_any_size(detector: Detector) -> bool:
    """Return whether the settings decide how large a detector's input is, as its attribute says.

    One that decides itself, or does not say, gets neither further scales, where it would see the
    same again, nor a closer look, each window of which would cost it as much as a whole image.
    """
    return bool(getattr(detector, "takes_any_size", False))


def choose_boxes(
    candidates: Candidates,
    *,
    image_wh: tuple[int, int],
    scale_xy: tuple[float, float],
    config: DetectConfig,
    class_names: Sequence[str],
) -> Detections:
    """Return the boxes of one image, best first.

    Overlaps are suppressed across classes: one object is one candidate.

    Args:
        candidates: What the network says.
        image_wh: Size of the original image.
        scale_xy: Input pixels per original pixel, see `prepare`.
        config: Thresholds.
        class_names: One per class.

    Raises:
        EngineError: A score, or the box of a candidate, is no number.
    """
    score = candidates.score
    rows = np.flatnonzero(~(score < config.score_min))  # NaN is less than nothing
    check_finite("detector", score[rows], candidates.xyxy[rows])
    rows = rows[np.argsort(-score[rows], kind="stable")][:_MAX_CANDIDATES]
    xyxy = scale_boxes(candidates.xyxy[rows], (1 / scale_xy[0], 1 / scale_xy[1]))
    xyxy = clip_boxes(xyxy, image_wh)
    valid = is_valid(xyxy)
    xyxy, rows = xyxy[valid], rows[valid]
    kept = nms(xyxy, score[rows], iou_max=config.iou_max, max_boxes=config.max_boxes)
    return Detections.from_xyxy(
        xyxy[kept],
        image_wh,
        score=np.clip(score[rows[kept]], 0, 1),
        class_id=candidates.class_id[rows[kept]],
        class_names=class_names,
    )
