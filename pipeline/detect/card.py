"""How a detector's network wants its images: the contents of detector.json.

Models of public checkpoints differ in the order of colors, in scale, and in whether an image is
fitted in shape or stretched. Without the file a network gets RGB in 0..1, fitted and padded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from core.config import Section
from core.errors import ModelError
from core.image import image_wh
from core.types import Image
from pipeline.detect.letterbox import AREA_FROM, MULTIPLE_PX, PAD_VALUE, letterbox, letterbox_wh
from pipeline.models import Model

__all__ = ["DetectorCard", "card_for_graph", "prepare", "read_detector_card"]

_FILE = "detector.json"
_Level: TypeAlias = Annotated[float, Field(ge=0, le=255)]


class DetectorCard(Section):
    """What a network expects, as data."""

    fit: Literal["letterbox", "stretch", "corner"] = Field(
        default="letterbox",
        description="letterbox: kept in shape, padded to multiples of 32; corner: kept in shape, "
        "padded to the whole input; stretch: to the whole input, out of shape.",
    )
    input_wh: tuple[int, int] | None = Field(
        default=None, description="The input size; unset: any, and the settings decide."
    )
    multiple_px: int = Field(default=MULTIPLE_PX, ge=1, description="Sides are multiples of this.")
    pad_value: _Level | tuple[_Level, _Level, _Level] = Field(
        default=PAD_VALUE, description="Grey of the padding, or its color as red, green, blue."
    )
    order: Literal["rgb", "bgr"] = Field(default="rgb", description="Order of the colors.")
    scale: float = Field(default=1 / 255, gt=0, description="Factor from 0..255 to the input.")
    mean: tuple[float, float, float] = Field(default=(0, 0, 0), description="Subtracted after.")
    std: tuple[float, float, float] = Field(default=(1, 1, 1), description="Then divided by.")
    text_length: int = Field(
        default=0, ge=0, description="Tokens of a caption, where it reads any."
    )
    template: str = Field(default="{}", description="Sentence around a caption.")
    softmax: bool = Field(
        default=False, description="Classes exclude each other, and the last one means 'nothing'."
    )

    @property
    def is_plain(self) -> bool:
        """True when `letterbox` alone prepares the image."""
        return self == DetectorCard(text_length=self.text_length, template=self.template)


def card_for_graph(card: DetectorCard, shape: Sequence[int | None]) -> DetectorCard:
    """Return the card with the only size that a graph takes; unchanged where it takes any.

    Args:
        card: What is known of the network.
        shape: Of the graph's input, (n, 3, h, w); None for free axes.

    Example:
        >>> card_for_graph(DetectorCard(), (1, 3, 480, 640)).input_wh
        (640, 480)
    """
    height, width = shape[2:] if len(shape) == 4 else (None, None)
    if height is None or width is None:
        return card
    fit = "corner" if card.fit == "letterbox" else card.fit
    return card.model_copy(update={"fit": fit, "input_wh": (width, height)})


def read_detector_card(model: Model) -> DetectorCard:
    """Return the contents of a model's detector.json; the usual values where there is none.

    Raises:
        ModelError: It is malformed or not the file of the catalogue.
    """
    if not (model.folder / _FILE).is_file():
        return DetectorCard()
    path = model.file(_FILE)
    try:
        return DetectorCard.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelError(f"{path} is malformed: {error}.", "Convert the model again.") from error


def prepare(
    image: Image, input_wh: tuple[int, int], card: DetectorCard
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Return the network's input, (3, h, w) float32, and the scale in x and y.

    Args:
        image: uint8 (h, w, 3) RGB.
        input_wh: Size the image is fitted into, where the card leaves it open.
        card: What the network expects.

    Returns:
        The tensor, padded at the right and bottom; and (sx, sy) with box_in_tensor = box * scale.
    """
    if card.is_plain:
        return letterbox(image, input_wh)
    resized, padded = _sizes(image_wh(image), card.input_wh or input_wh, card)
    width, height = image_wh(image)
    canvas = np.full((padded[1], padded[0], 3), card.pad_value, np.float32)
    method = cv2.INTER_AREA if width > AREA_FROM * resized[0] else cv2.INTER_LINEAR
    canvas[: resized[1], : resized[0]] = cv2.resize(image, resized, interpolation=method)
    if card.order == "bgr":
        canvas = canvas[..., ::-1]
    mean, std = np.array(card.mean, np.float32), np.array(card.std, np.float32)
    values = (canvas * np.float32(card.scale) - mean) / std
    tensor = np.ascontiguousarray(values.transpose(2, 0, 1), np.float32)
    return tensor, (resized[0] / width, resized[1] / height)


def _sizes(
    wh: tuple[int, int], input_wh: tuple[int, int], card: DetectorCard
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size an image is resized to, and the padded size."""
    if card.fit == "stretch":
        return input_wh, input_wh
    if card.fit == "corner":
        factor = min(input_wh[0] / wh[0], input_wh[1] / wh[1])
        return (max(1, round(wh[0] * factor)), max(1, round(wh[1] * factor))), input_wh
    resized, _ = letterbox_wh(wh, input_wh)
    multiple = card.multiple_px
    return resized, (-(-resized[0] // multiple) * multiple, -(-resized[1] // multiple) * multiple)
