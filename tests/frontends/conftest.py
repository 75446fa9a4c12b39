"""Fixtures of the front ends: a service without weights, and pictures that are good and bad."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from core.image import encode_image
from core.types import Image
from frontends.service import Service, read_limits
from tests.frontends.annotate_page import address, browse, pictures  # noqa: F401  fixtures
from tests.frontends.annotate_visit import ann, desk, own_uploads  # noqa: F401  fixtures
from tests.frontends.locate_page import locate_address, shapes, visit  # noqa: F401  fixtures
from tests.frontends.synth_visit import handlers, key, workshop  # noqa: F401  fixtures


@pytest.fixture
def service() -> Service:
    """The whole service with the stages that need no weights."""
    return Service(replace(read_limits({}), preset="fake"))


@pytest.fixture
def shapes_path(tmp_path: Path, shapes_image: Image) -> Path:
    path = tmp_path / "shapes.png"
    path.write_bytes(encode_image(shapes_image))
    return path


@pytest.fixture
def examples_folder(tmp_path: Path, shapes_image: Image) -> Path:
    """Two stand-in examples, one entry without its picture, one that is nonsense."""
    folder = tmp_path / "examples"
    folder.mkdir()
    for name in ("one.jpg", "two.jpg"):
        (folder / name).write_bytes(encode_image(shapes_image, format="jpeg"))
    entries = [
        {"file": "one.jpg", "captions": ["red thing", "green thing"]},
        {"file": "two.jpg", "captions": ["blue thing"]},
        {"file": "absent.jpg", "captions": ["red thing"]},
        {"captions": "nonsense"},
    ]
    (folder / "examples.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture
def odd_file(tmp_path: Path) -> Callable[[str], Path]:
    """Builder of files by kind; see `_ODD`."""

    def make(kind: str) -> Path:
        name, data = _ODD[kind]()
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return make


def _picture() -> PilImage.Image:
    picture = np.full((60, 80, 3), 200, np.uint8)
    picture[20:40, 30:60] = (255, 0, 0)
    return PilImage.fromarray(picture)


def _saved(picture: PilImage.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, **options)
    return buffer.getvalue()


def _cut_short() -> tuple[str, bytes]:
    return "cut.jpg", _saved(_picture(), format="JPEG")[:400]


def _words() -> tuple[str, bytes]:
    return "words.jpg", b"this is no picture"


def _empty() -> tuple[str, bytes]:
    return "empty.png", b""


def _one_pixel() -> tuple[str, bytes]:
    return "one.png", _saved(PilImage.new("RGB", (1, 1)), format="PNG")


def _huge() -> tuple[str, bytes]:
    """A PNG whose header claims 30000 x 30000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return "huge.png", b"\x89PNG\r\n\x1a\n" + body


def _cmyk() -> tuple[str, bytes]:
    return "cmyk.jpg", _saved(_picture().convert("CMYK"), format="JPEG")


def _deep() -> tuple[str, bytes]:
    grey = np.linspace(0, 65535, 60 * 80).reshape(60, 80).astype(np.uint16)
    return "deep.png", _saved(PilImage.fromarray(grey), format="PNG")


def _animated() -> tuple[str, bytes]:
    second = PilImage.new("RGB", (80, 60), "green")
    data = _saved(_picture(), format="GIF", save_all=True, append_images=[second], duration=100)
    return "moving.gif", data


def _tiff() -> tuple[str, bytes]:
    return "scan.tiff", _saved(_picture(), format="TIFF")


_ODD: dict[str, Callable[[], tuple[str, bytes]]] = {
    "cut short": _cut_short,
    "words": _words,
    "empty": _empty,
    "one pixel": _one_pixel,
    "huge": _huge,
    "cmyk": _cmyk,
    "16 bit": _deep,
    "animated": _animated,
    "tiff": _tiff,
}
