"""What open-vocabulary detectors share: captions to tokens, shares of the input to boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from core.boxes import cxcywh_to_xyxy
from core.image import image_wh
from core.types import Detections, Image
from pipeline.config import DetectConfig
from pipeline.detect.card import DetectorCard
from pipeline.detect.network import Candidates, choose_boxes

__all__ = ["encode", "to_detections"]


def to_detections(
    boxes: NDArray[np.float32],
    score: NDArray[np.float32],
    class_id: NDArray[np.int64],
    *,
    image: Image,
    input_wh: tuple[int, int],
    scale_xy: tuple[float, float],
    config: DetectConfig,
    class_names: Sequence[str],
) -> Detections:
    """Return the boxes of one image, best first.

    Args:
        boxes: (n, 4): center x, center y, width, height as shares of the input.
        score: (n,) in 0..1.
        class_id: (n,) caption that each fits best.
        image: The image.
        input_wh: Size of the network's input.
        scale_xy: Input pixels per image pixel.
        config: Thresholds.
        class_names: The captions, or ("object",).
    """
    size = np.tile(np.array(input_wh, np.float32), 2)
    return choose_boxes(
        Candidates(cxcywh_to_xyxy(boxes) * size, score, class_id),
        image_wh=image_wh(image),
        scale_xy=scale_xy,
        config=config,
        class_names=class_names,
    )


def encode(tokenizer: Tokenizer, captions: Sequence[str], card: DetectorCard) -> NDArray[np.int64]:
    """Return (captions, length) token ids, the template applied."""
    texts = [card.template.replace("{}", caption) for caption in captions]
    return np.array([encoding.ids for encoding in tokenizer.encode_batch(texts)], np.int64)
