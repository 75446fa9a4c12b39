"""Pictures as a project keeps them: checked, named by their content, in a form browsers show.

In: the bytes of a file. Out: a `Picture`. Not here: where it is kept (``project.store``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageOps, UnidentifiedImageError

from core.errors import ImageError, ImageTooLargeError
from core.files import replacing, sha256_of
from core.image import (
    IMAGE_ERRORS,
    MAX_PIXELS,
    decode_image,
    encode_image,
    is_animated,
    is_shown_upright,
    open_picture,
    upright_wh,
)

__all__ = [
    "SUFFIXES",
    "TWIN_BITS_MAX",
    "Picture",
    "detail_of",
    "is_same_detail",
    "keep_file",
    "load_picture",
    "look_of",
    "read_picture",
]

TWIN_BITS_MAX = 3
"""Images whose looks differ in at most so many of 64 bits may be nearly the same."""
# MPO is a JPEG with further ones behind it, such as a preview: browsers show the first, as we do.
_KEPT = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp"}
SUFFIXES = frozenset(_KEPT.values())
"""Endings of the pictures that a project keeps."""
_FILE_BYTES_MAX = 200_000_000
_LOOK_WH = (9, 8)
_DETAIL_SIDE = 32
_DETAIL_UNIT = 24  # of the standard deviation; a byte then holds five of them
_SAME_DETAIL_MIN = 0.8


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file that was checked.

    Args:
        data: Bytes of the file; as given, or as PNG where browsers do not show its form.
        sha256: Of these bytes.
        suffix: Ending of the file name, from its content.
        image_wh: Width and height, px, upright.
        look: 64 bits that change little when the picture does, see `look_of`.
        detail: What tells pictures of one look apart, see `detail_of`; empty: nothing does.
    """

    data: bytes
    sha256: str
    suffix: str
    image_wh: tuple[int, int]
    look: int
    detail: bytes = b""


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
            if suffix and is_shown_upright(opened) and not is_animated(opened):
                # JPEG may be read at an eighth of its size, which still goes through all of it.
                opened.draft("L", (max(72, opened.width // 8), max(64, opened.height // 8)))
                upright = ImageOps.exif_transpose(opened)
                look, detail = look_of(upright), detail_of(upright)
                return Picture(data, sha256_of(data), suffix, wh, look, detail)
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
    drawn = PilImage.fromarray(image)
    wh = (image.shape[1], image.shape[0])
    return Picture(png, sha256_of(png), ".png", wh, look_of(drawn), detail_of(drawn))


def look_of(image: PilImage.Image) -> int:
    """Return 64 bits, signed: which of neighboring grey cells is brighter, on a grid of 9x8.

    Scaling, noise and other compression change few of them. A plain picture gives 0, which is taken
    for no look at all.
    """
    small = image.convert("L").resize(_LOOK_WH, PilImage.Resampling.BOX)
    grey = np.asarray(small, np.int16)
    bits = np.packbits(grey[:, 1:] > grey[:, :-1])
    return int.from_bytes(bits.tobytes(), "big", signed=True)


def detail_of(image: PilImage.Image) -> bytes:
    """Return the grey cells of a picture, 32x32 numbers of 8 bits, without what changes smoothly.

    Clear skies have one look: each is brighter towards the horizon and darker in its corners. So
    the surface of second degree that fits the picture best is taken away, and the rest set to one
    contrast. See `is_same_detail`.
    """
    side = (_DETAIL_SIDE, _DETAIL_SIDE)
    small = image.convert("L").resize(side, PilImage.Resampling.BOX)
    grey = np.asarray(small, np.float64).ravel()
    rest = grey - _smooth_basis() @ (_smooth_basis().T @ grey)
    rest *= _DETAIL_UNIT / max(rest.std(), 1e-6)
    return np.clip(np.round(rest), -127, 127).astype(np.int8).tobytes()


def is_same_detail(one: bytes, other: bytes) -> bool:
    """Whether two pictures of nearly the same look have the same detail, by its correlation.

    Other compression, size, brightness or a border that was cut leave more than 0.9 of a
    photograph's. Aircraft before clear sky, also in the middle of both, have 0.4 at most in common.
    """
    a, b = (np.frombuffer(cells, np.int8).astype(np.float64) for cells in (one, other))
    lengths = float(np.sqrt((a @ a) * (b @ b))) if len(a) == len(b) else 0.0
    return lengths > 0 and float(a @ b) >= _SAME_DETAIL_MIN * lengths


@cache
def _smooth_basis() -> NDArray[np.float64]:
    """Surfaces of up to second degree over the cells, (32 * 32, 6), at right angles."""
    steps = np.linspace(-1, 1, _DETAIL_SIDE)
    y, x = (axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij"))
    surfaces = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    return np.asarray(np.linalg.qr(surfaces)[0], np.float64)


def keep_file(path: Path, data: bytes) -> None:
    """Write a file that outlives a power failure, complete or not at all; one that is there stays.

    Raises:
        DataError: It cannot be written.
    """
    if path.is_file() and path.stat().st_size == len(data):
        return
    with replacing(path, fsync=True) as part:
        part.write_bytes(data)
