"""The only place where pictures become `Image` arrays: decode, check, encode.

In: a path, bytes, a Pillow image or an array. Out: uint8 (h, w, 3) RGB, contiguous, upright;
cutouts (`read_rgba`) as (h, w, 4).
Rules: EXIF orientation is applied; transparency is laid on white (what a page would show), or kept
in cutouts; 16-bit samples are scaled to 8 bits, not clipped; of an animation the first frame is
used. Other modules open files by `open_picture`, which knows few formats.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilModule
from PIL import ImageOps, UnidentifiedImageError

from core.errors import ImageError, ImageTooLargeError
from core.files import write_bytes
from core.types import Image

__all__ = [
    "IMAGE_ERRORS",
    "MAX_PIXELS",
    "READABLE",
    "WRITABLE",
    "ImageSource",
    "check_decodes",
    "decode_image",
    "decode_rgba",
    "encode_image",
    "format_of",
    "image_wh",
    "is_animated",
    "is_shown_upright",
    "open_picture",
    "orientation_of",
    "read_image",
    "read_rgba",
    "resize_image",
    "to_image",
    "to_pil",
    "upright_wh",
    "write_image",
]

ImageSource: TypeAlias = "str | Path | bytes | PilModule.Image | NDArray[np.generic]"

MAX_PIXELS = 100_000_000

# What is opened, by Pillow's names; MPO is found with JPEG. Of the many others EPS is a program,
# which Pillow hands to Ghostscript.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "AVIF")
# The endings that such files have.
READABLE = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".gif", ".tif", ".tiff")
# The endings that `write_image` knows.
WRITABLE: Mapping[str, Literal["png", "jpeg", "webp"]] = {
    ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp",
}  # fmt: skip
_FORMATS_HINT = (
    "Use a PNG, JPEG, WebP, AVIF, BMP, GIF or TIFF file; open and save it again if needed."
)
_SIDE_PX_MAX: Mapping[str, int] = {"webp": 16_383, "jpeg": 65_500}  # of libwebp and libjpeg
_OPAQUE_MIN = 251  # pictures whose alpha is nowhere below were exported with a channel, not cut out
_BLOCK = 1 << 16  # samples that are scaled at once
_ORIENTATION = 0x0112  # EXIF tag
_SIDEWAYS = (5, 6, 7, 8)  # its values that swap width and height
# What Pillow raises for files that are no image, damaged (their EXIF too), or far too large.
IMAGE_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, KeyError, AttributeError,
    struct.error, PilModule.DecompressionBombError,
)  # fmt: skip


def to_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Return an `Image` from whatever the caller has.

    Args:
        source: A path, the bytes of a file, a Pillow image, or an array: (h, w), (h, w, 1),
            (h, w, 3) RGB or (h, w, 4) RGBA; uint8, uint16, bool or float in [0, 1].
        max_pixels: Larger images are refused before they are decoded.

    Raises:
        ImageError: It is not an image, or damaged, or an array of another form.
        ImageTooLargeError: It has more than `max_pixels` pixels.

    Example:
        >>> to_image(np.zeros((2, 3), np.uint8)).shape
        (2, 3, 3)
    """
    if isinstance(source, str | Path):
        return read_image(Path(source), max_pixels=max_pixels)
    if isinstance(source, bytes | bytearray | memoryview):
        return decode_image(bytes(source), max_pixels=max_pixels)
    if isinstance(source, PilModule.Image):
        # It may not be decoded yet.
        with _told("the image", max_pixels):
            _check_pixels(source.size, max_pixels)
            return _from_pil(source)
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    raise ImageError(
        f"an image must be a path, bytes, a Pillow image or an array, got {type(source).__name__}."
    )


def open_picture(source: Path | bytes) -> PilModule.Image:
    """Return a picture file opened by Pillow, its header read; use it in `with`.

    Raises:
        OSError: It cannot be read or is in none of our formats; decoding raises `IMAGE_ERRORS`.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    return PilModule.open(file, formats=_FORMATS)


def check_decodes(source: Path | bytes) -> tuple[int, int]:
    """Read a picture file to its end and return its width and height as stored, px.

    One that is cut short has a good header. JPEG is read at an eighth of the size, which still
    goes through all of the file.

    Raises:
        IMAGE_ERRORS: It is damaged, cut short or no picture.
    """
    with open_picture(source) as image:
        stored_wh = image.size
        image.draft("RGB", (max(1, image.width // 8), max(1, image.height // 8)))
        image.load()
        return stored_wh


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Return the image in a file; see `to_image`."""
    path = Path(path)
    return decode_image(_read(path), max_pixels=max_pixels, name=path.name)


def decode_image(data: bytes, *, max_pixels: int = MAX_PIXELS, name: str = "the image") -> Image:
    """Return the image in the bytes of a file; `name` is used in messages. See `to_image`."""
    with _opened(data, name, max_pixels) as opened:
        return _from_pil(opened)


def read_rgba(path: Path, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Return the cutout in a file: upright RGBA with straight alpha, uint8 (h, w, 4).

    Raises:
        ImageError: It cannot be read, is too large, or is transparent nowhere.
    """
    return decode_rgba(_read(path), max_pixels=max_pixels, name=path.name)


def decode_rgba(
    data: bytes, *, max_pixels: int = MAX_PIXELS, name: str = "the image"
) -> NDArray[np.uint8]:
    """Return the cutout in the bytes of a file; `name` is used in messages. See `read_rgba`."""
    with _opened(data, name, max_pixels) as opened:
        if opened.has_transparency_data:
            rgba = np.array(ImageOps.exif_transpose(opened).convert("RGBA"), np.uint8)
            if rgba[..., 3].min() < _OPAQUE_MIN:
                return rgba
    raise ImageError(f"{name} has no transparent ground.", "Cut its object out first.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # no name may hold a null character
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"cannot read {path}: {reason}.", "Check the path.") from error


@contextmanager
def _opened(data: bytes, name: str, max_pixels: int) -> Iterator[PilModule.Image]:
    """The opened file, no larger than allowed; what goes wrong in the block is told."""
    if not data:
        raise ImageError(f"{name} is empty (0 bytes).", "Choose another file.")
    with _told(name, max_pixels), open_picture(data) as opened:
        # The header alone is read so far: a bomb costs nothing.
        _check_pixels(opened.size, max_pixels)
        yield opened


@contextmanager
def _told(name: str, max_pixels: int) -> Iterator[None]:
    """Turn what Pillow raises into an ImageError that names the file."""
    try:
        yield
    except PilModule.DecompressionBombError as error:
        # Pillow's own limit of 179 million pixels, which comes before we see the size.
        pixels = int(match[0]) if (match := re.search(r"\d+", str(error))) else None
        raise _too_large(f"{pixels} pixels", max_pixels) from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not an image we can read.", _FORMATS_HINT) from error
    except IMAGE_ERRORS as error:
        raise ImageError(
            f"{name} is damaged or cut short: {error}.",
            "Download or export it again, and check that it opens in an image viewer.",
        ) from error


def image_wh(image: Image) -> tuple[int, int]:
    """Return (width, height) of an image."""
    return image.shape[1], image.shape[0]


def orientation_of(opened: PilModule.Image) -> int:
    """Return how an opened file is stored, as EXIF counts: 1 is upright, 5 to 8 lie on a side."""
    known = opened.getexif().get(_ORIENTATION, 1)
    return int(known) if known in range(1, 9) else 1


def is_shown_upright(opened: PilModule.Image) -> bool:
    """Whether every browser turns an opened file as its EXIF says: sure for upright ones and JPEG.

    Chromium shows WebP as it is stored.
    """
    return opened.format in ("JPEG", "MPO") or orientation_of(opened) == 1


def upright_wh(opened: PilModule.Image) -> tuple[int, int]:
    """Return (width, height) that an opened file will have as an `Image`, from its header."""
    # Pillow tells the size of a TIFF as it is after turning.
    if opened.format != "TIFF" and orientation_of(opened) in _SIDEWAYS:
        return opened.height, opened.width
    return opened.size


def to_pil(image: Image) -> PilModule.Image:
    """Return a Pillow image in mode RGB."""
    return PilModule.fromarray(image)


def resize_image(image: Image, wh: tuple[int, int]) -> Image:
    """Return the image at another size (Lanczos, with antialiasing when shrinking)."""
    if image_wh(image) == tuple(wh):
        return image
    return _contiguous(to_pil(image).resize(wh, PilModule.Resampling.LANCZOS))


def encode_image(
    image: Image, *, format: Literal["png", "jpeg", "webp"] = "png", quality: int = 92
) -> bytes:
    """Return the bytes of an image file; `quality` (1..100) applies to jpeg and webp.

    Raises:
        ImageError: The format has no room for so long a side.
    """
    longest = max(image_wh(image))
    if longest > (limit := _SIDE_PX_MAX.get(format, longest)):
        raise ImageError(
            f"a {format} file has room for {limit} px a side, this image has {longest}.",
            "Write a .png file.",
        )
    buffer = io.BytesIO()
    to_pil(image).save(buffer, format=format.upper(), quality=quality)
    return buffer.getvalue()


def write_image(image: Image, path: str | Path, *, quality: int = 92) -> None:
    """Write an image; the format follows from the ending: .png, .jpg, .jpeg or .webp.

    Raises:
        ImageError: The ending is none of these, or the format has no room for so long a side.
    """
    path = Path(path)
    write_bytes(path, encode_image(image, format=format_of(path), quality=quality))


def format_of(path: Path) -> Literal["png", "jpeg", "webp"]:
    """Return the format that a file's ending asks for; ask before long work.

    Raises:
        ImageError: The ending is none of .png, .jpg, .jpeg, .webp.
    """
    if (suffix := path.suffix.lower()) not in WRITABLE:
        raise ImageError(f"cannot write {path.name}.", f"Use one of {', '.join(WRITABLE)}.")
    return WRITABLE[suffix]


def _check_pixels(wh: tuple[int, int], max_pixels: int) -> None:
    if 0 in wh:
        raise ImageError(f"the image has no pixels: {wh[0]}x{wh[1]}.", "Choose another image.")
    if wh[0] * wh[1] > max_pixels:
        raise _too_large(f"{wh[0]}x{wh[1]} = {wh[0] * wh[1]} pixels", max_pixels)


def _too_large(size: str, max_pixels: int) -> ImageTooLargeError:
    return ImageTooLargeError(
        f"the image has {size}, the limit is {max_pixels} pixels.",
        "Scale it down or cut out the part of interest.",
    )


def is_animated(opened: PilModule.Image) -> bool:
    """Whether an opened picture moves; a JPEG with others behind it (MPO) shows the first alone."""
    return bool(getattr(opened, "is_animated", False)) and opened.format != "MPO"


def _from_pil(opened: PilModule.Image) -> Image:
    # Seeking back also undoes what an earlier reader of an animation left behind.
    if getattr(opened, "is_animated", False):
        opened.seek(0)
    opened.load()
    upright = ImageOps.exif_transpose(opened)
    if upright.mode.startswith("I") or upright.mode == "F":
        return _from_array(_eight_bit(np.asarray(upright)), upright.width * upright.height)
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        white = PilModule.new("RGBA", rgba.size, "white")
        return _contiguous(PilModule.alpha_composite(white, rgba).convert("RGB"))
    return _contiguous(upright.convert("RGB"))


def _contiguous(image: PilModule.Image) -> Image:
    # A copy: arrays that view Pillow's buffer are read-only for some modes and not for others.
    return np.array(image, dtype=np.uint8, order="C")


def _eight_bit(samples: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey samples of 16, 32 or float bits as 8 bits, scaled by the range they evidently use."""
    low, high = float(samples.min()), float(samples.max())
    if not np.isfinite([low, high]).all() or low < 0 or high > 65535:
        raise ImageError(
            f"grey values run from {low:g} to {high:g}, allowed are 0..1, 0..255 or 0..65535.",
            "Save the image with 8 or 16 bits per channel.",
        )
    if samples.dtype.kind == "f":
        scale = 255.0 if high <= 1 else (1.0 if high <= 255 else 255 / 65535)
    else:
        # Files with 16-bit samples use the whole range even when the picture is dark.
        scale = 255 / 65535 if samples.dtype.itemsize == 2 or high > 255 else 1.0
    return _scaled(samples, scale)


def _scaled(samples: NDArray[np.generic], scale: float) -> NDArray[np.uint8]:
    """Samples times a scale, rounded; block by block, as float64 takes much memory."""
    flat = samples.reshape(-1)
    scaled = np.empty(flat.size, np.uint8)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK].astype(np.float64)
        scaled[start : start + _BLOCK] = np.round(block * scale)
    return scaled.reshape(samples.shape)


def _from_array(array: NDArray[np.generic], max_pixels: int) -> Image:
    shape_ok = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not shape_ok or 0 in array.shape:
        raise ImageError(
            f"an array image must be (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), got {array.shape}.",
            "Put the channels last and drop the batch axis.",
        )
    _check_pixels((array.shape[1], array.shape[0]), max_pixels)
    samples = _array_samples(array)
    if samples.ndim == 2 or samples.shape[2] == 1:
        return np.ascontiguousarray(np.repeat(samples.reshape(*samples.shape[:2], 1), 3, axis=2))
    if samples.shape[2] == 4:
        alpha = samples[..., 3:].astype(np.float32) / 255
        samples = np.round(samples[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return np.array(samples, order="C")


def _array_samples(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array.astype(np.uint8, copy=False)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return _eight_bit(array)
    # Neither comparison holds where a value is no number.
    if array.dtype.kind == "f" and array.min() >= 0 and array.max() <= 1:
        return _scaled(array, 255)
    raise ImageError(
        f"array values must be uint8, uint16, bool, or float in [0, 1], got {array.dtype}"
        f" from {array.min()} to {array.max()}.",
        "Convert it to uint8 first.",
    )
