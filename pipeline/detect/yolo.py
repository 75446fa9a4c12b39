"""Detectors of the YOLO kind: one network, raw anchors out, decoded here.

Letterbox (rectangular, turned with the image) -> engine -> `decode_yolo`, which is plain numpy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.boxes import clip_boxes, cxcywh_to_xyxy, is_valid, nms, scale_boxes
from core.errors import ModelError
from core.image import image_wh
from core.types import Detections, Image
from pipeline.catalog import Model
from pipeline.config import DetectConfig
from pipeline.detect.letterbox import letterbox
from pipeline.engines.base import Engine, OpenEngine, check_interface

__all__ = ["YoloDetector", "decode_yolo"]

# Of more anchors than this only the best are looked at; a scene has a few dozen objects.
_MAX_ANCHORS = 1000


class YoloDetector:
    """A detector whose network gives (n, 4 + classes, anchors): cx, cy, w, h in pixels, scores.

    Args:
        engine: The loaded network; its input is (n, 3, h, w) RGB in 0..1.
        config: Thresholds and input size.
        class_names: One per class of the network.
    """

    def __init__(
        self, engine: Engine, config: DetectConfig, class_names: Sequence[str] = ("object",)
    ) -> None:
        self._engine = engine
        self._config = config
        self._class_names = tuple(class_names)

    @classmethod
    def open(cls, model: Model, config: DetectConfig, open_engine: OpenEngine) -> Self:
        """Return the detector of a catalogue entry.

        Raises:
            ModelError: A file is missing, damaged or of another shape.
        """
        path = model.file("detector.onnx")
        engine = open_engine(path)
        check_interface(engine, path, inputs=1, outputs=1)
        return cls(engine, config, model.class_names)

    def __call__(self, images: Sequence[Image]) -> list[Detections]:
        """Return one `Detections` per image; images that become one size run as one batch."""
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        boxed = [letterbox(image, self._config.input_wh) for image in images]
        for i, (tensor, _) in enumerate(boxed):
            groups[tensor.shape].append(i)
        found: dict[int, Detections] = {}
        for members in groups.values():
            outputs = self._run(np.stack([boxed[i][0] for i in members]))
            for i, output in zip(members, outputs, strict=True):
                found[i] = decode_yolo(
                    output,
                    image_wh=image_wh(images[i]),
                    scale_xy=boxed[i][1],
                    config=self._config,
                    class_names=self._class_names,
                )
        return [found[i] for i in range(len(images))]

    def _run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        outputs = self._engine.run({self._engine.inputs[0].name: batch})
        output = outputs[self._engine.outputs[0].name]
        if output.ndim != 3 or output.shape[1] != 4 + len(self._class_names):
            raise ModelError(
                f"the detector gave {output.shape}, expected (n, {4 + len(self._class_names)}, "
                f"anchors) for {len(self._class_names)} classes.",
                "Check class_names in the catalogue, and export without NMS.",
            )
        return output.astype(np.float32, copy=False)


def decode_yolo(
    output: NDArray[np.float32],
    *,
    image_wh: tuple[int, int],
    scale_xy: tuple[float, float],
    config: DetectConfig,
    class_names: Sequence[str] = ("object",),
) -> Detections:
    """Return the boxes in one image's raw output, best first.

    Overlaps are suppressed across classes: one object is one candidate.

    Args:
        output: (4 + classes, anchors): cx, cy, w, h in pixels of the network's input, scores.
        image_wh: Size of the original image.
        scale_xy: Input pixels per original pixel, see `letterbox`.
        config: Thresholds.
        class_names: One per class.
    """
    class_id = output[4:].argmax(axis=0)
    score = output[4:].max(axis=0)
    rows = np.flatnonzero(score >= config.score_min)
    rows = rows[np.argsort(-score[rows], kind="stable")][:_MAX_ANCHORS]
    xyxy = scale_boxes(cxcywh_to_xyxy(output[:4, rows].T), (1 / scale_xy[0], 1 / scale_xy[1]))
    xyxy = clip_boxes(xyxy, image_wh)
    valid = is_valid(xyxy)
    xyxy, rows = xyxy[valid], rows[valid]
    kept = nms(xyxy, score[rows], iou_max=config.iou_max, max_boxes=config.max_boxes)
    return Detections.from_xyxy(
        xyxy[kept],
        image_wh,
        score=np.clip(score[rows[kept]], 0, 1),
        class_id=class_id[rows[kept]],
        class_names=class_names,
    )
