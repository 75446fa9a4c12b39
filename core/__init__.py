"""The vocabulary that every other package speaks: images, boxes, results, errors, settings.

Knows no model and no page. Needs only the standard library, numpy, Pillow and pydantic.
"""

from core.errors import (
    Cancelled,
    CaptionError,
    ConfigError,
    DataError,
    EngineError,
    ImageError,
    ImageTooLargeError,
    InputError,
    MissingPackageError,
    ModelError,
    SpotterError,
    UnknownNameError,
)
from core.result import Ranking, Result
from core.types import Crops, Detections, Image

__all__ = [
    "Cancelled",
    "CaptionError",
    "ConfigError",
    "Crops",
    "DataError",
    "Detections",
    "EngineError",
    "Image",
    "ImageError",
    "ImageTooLargeError",
    "InputError",
    "MissingPackageError",
    "ModelError",
    "Ranking",
    "Result",
    "SpotterError",
    "UnknownNameError",
]
