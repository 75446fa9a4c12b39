"""Every error that a user can cause or mend.

Each carries a `message` (what we got, what is allowed), a `hint` (what to do) and a stable `code`.
Front ends turn them into a note on the page, an HTTP 4xx or one line on stderr; any other
exception is a bug of ours.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "Cancelled",
    "CaptionError",
    "ConfigError",
    "DataError",
    "EngineError",
    "ImageError",
    "ImageTooLargeError",
    "InputError",
    "MissingPackageError",
    "ModelError",
    "SpotterError",
    "UnknownNameError",
]


class SpotterError(Exception):
    """The base of all errors that are the world's fault, not the program's.

    Args:
        message: What we got and what is allowed, as a sentence.
        hint: What to do about it, as a sentence; may be empty.

    Example:
        >>> str(SpotterError("got 3 images and 2 captions.", "Give one caption per image."))
        'got 3 images and 2 captions. Give one caption per image.'
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(SpotterError):
    """Something handed in cannot be used as it is."""

    code = "bad_input"


class ImageError(InputError):
    """The image cannot be read or has an unusable form."""

    code = "bad_image"


class ImageTooLargeError(ImageError):
    """The image has more pixels than allowed; found from its header, before decoding."""

    code = "image_too_large"


class CaptionError(InputError):
    """The caption is empty, too long or not text."""

    code = "bad_caption"


class DataError(InputError):
    """A file, a row or an array does not have the promised form."""

    code = "bad_data"


class ConfigError(InputError):
    """A setting is unknown, out of range or of the wrong type."""

    code = "bad_config"


class UnknownNameError(ConfigError):
    """A name is not in the registry or the catalogue."""

    code = "unknown_name"


class MissingPackageError(SpotterError):
    """An optional package that was asked for is not installed."""

    code = "missing_package"


class ModelError(SpotterError):
    """A model's files are missing, damaged or of another shape than the family expects."""

    code = "bad_model"


class EngineError(SpotterError):
    """A wish for an engine, a device or a precision cannot be met here, or a network not be run."""

    code = "engine_unavailable"


class Cancelled(SpotterError):  # noqa: N818 - not a failure, an outcome
    """The caller's progress callback asked to stop."""

    code = "cancelled"
