"""Pictures as a project keeps them: checked, named by their content, in a form browsers show.

In: the bytes of a file. Out: a `Picture`. Not here: where it is kept (``project.store``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PilImage
from PIL import ImageOps, UnidentifiedImageError

from core.errors import ImageError, ImageTooLargeError
from core.files import replacing, sha256_of
from core.image import (
    IMAGE_ERRORS,
    MAX_PIXELS,
    decode_image,
    encode_image,
    open_picture,
    upright_wh,
)

__all__ = [
    "SUFFIXES",
    "TWIN_BITS_MAX",
    "Picture",
    "keep_file",
    "load_picture",
    "look_of",
    "read_picture",
]

TWIN_BITS_MAX = 3
"""Images whose looks differ in at most so many of 64 bits are taken for nearly the same."""
_KEPT = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp"}
SUFFIXES = frozenset(_KEPT.values())
"""Endings of the pictures that a project keeps."""
_FILE_BYTES_MAX = 200_000_000
_LOOK_WH = (9, 8)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file that was checked.

    Args:
        data: Bytes of the file; as given, or as PNG where browsers do not show its form.
        sha256: Of these bytes.
        suffix: Ending of the file name, from its content.
        image_wh: Width and height, px, upright.
        look: 64 bits that change little when the picture does, see `look_of`.
    """

    data: bytes
    sha256: str
    suffix: str
    image_wh: tuple[int, int]
    look: int


def load_picture(path: Path, name: str, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Return a picture from a file; see `read_picture`.

    Raises:
        ImageError: It is no picture that can be used, or has too many bytes to look at.
        OSError: It cannot be read.
    """
    if (size := path.stat().st_size) > _FILE_BYTES_MAX:
        raise ImageTooLargeError(
            f"{name} has {size} bytes, the limit is {_FILE_BYTES_MAX}.", "Scale it down first."
        )
    return read_picture(path.read_bytes(), name, max_pixels=max_pixels)


def read_picture(data: bytes, name: str, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Return a picture from the bytes of a file, decoded to its end once.

    Args:
        data: Bytes of a file.
        name: For messages.
        max_pixels: Larger pictures are refused before they are decoded.

    Raises:
        ImageError: It is no picture, damaged, cut short or too large.
    """
    if not data:
        raise ImageError(f"{name} is empty (0 bytes).", "Choose another file.")
    try:
        with open_picture(data) as opened:
            if opened.width * opened.height > max_pixels:
                raise ImageTooLargeError(
                    f"{name} has {opened.width}x{opened.height} pixels, the limit is {max_pixels}.",
                    "Scale it down first.",
                )
            suffix = _KEPT.get(opened.format or "")
            wh = upright_wh(opened)
            if suffix and not getattr(opened, "is_animated", False):
                # JPEG may be read at an eighth of its size, which still goes through all of it.
                opened.draft("L", (max(72, opened.width // 8), max(64, opened.height // 8)))
                look = look_of(ImageOps.exif_transpose(opened))
                return Picture(data, sha256_of(data), suffix, wh, look)
    except ImageError:
        raise
    except UnidentifiedImageError:
        pass  # told below, as everywhere
    except IMAGE_ERRORS as error:
        raise ImageError(
            f"{name} is damaged or cut short: {error}.", "Save it again as JPEG or PNG."
        ) from error
    image = decode_image(data, max_pixels=max_pixels, name=name)
    png = encode_image(image)
    look = look_of(PilImage.fromarray(image))
    return Picture(png, sha256_of(png), ".png", (image.shape[1], image.shape[0]), look)


def look_of(image: PilImage.Image) -> int:
    """Return 64 bits, signed: which of neighboring grey cells is brighter, on a grid of 9x8.

    Scaling, noise and other compression change few of them. A plain picture gives 0, which is taken
    for no look at all.
    """
    small = image.convert("L").resize(_LOOK_WH, PilImage.Resampling.BOX)
    grey = np.asarray(small, np.int16)
    bits = np.packbits(grey[:, 1:] > grey[:, :-1])
    return int.from_bytes(bits.tobytes(), "big", signed=True)


def keep_file(path: Path, data: bytes) -> None:
    """Write a file that outlives a power failure, complete or not at all; one that is there stays.

    Raises:
        DataError: It cannot be written.
    """
    if path.is_file() and path.stat().st_size == len(data):
        return
    with replacing(path, fsync=True) as part:
        part.write_bytes(data)
