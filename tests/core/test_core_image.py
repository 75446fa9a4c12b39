"""Every way a picture can arrive, good and bad."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import EpsImagePlugin, ImageOps
from PIL import Image as Pil

from core.errors import ImageError, ImageTooLargeError
from core.image import (
    decode_image,
    encode_image,
    image_wh,
    open_picture,
    read_image,
    read_rgba,
    resize_image,
    to_image,
    to_pil,
    write_image,
)


def file_of(picture: Pil.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("L", 7, (7, 7, 7)),
        ("1", 1, (255, 255, 255)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("LA", (0, 0), (255, 255, 255)),
        ("I;16", 65535, (255, 255, 255)),
        ("I;16", 32896, (128, 128, 128)),
    ],
    ids=["rgb", "grey", "bit", "opaque", "clear", "clear-grey", "16-white", "16-middle"],
)
def test_png_modes(mode, color, expected):
    picture = decode_image(file_of(Pil.new(mode, (3, 2), color)))
    assert picture.shape == (2, 3, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert picture[0, 0].tolist() == list(expected)


def test_half_transparent_is_laid_on_white():
    picture = decode_image(file_of(Pil.new("RGBA", (2, 2), (0, 0, 0, 128))))
    assert picture[0, 0].tolist() == [127, 127, 127]


def test_palette_with_transparency():
    palette = Pil.new("P", (2, 1), 0)
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    picture = decode_image(file_of(palette, transparency=1))
    assert picture[0].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_cmyk_jpeg():
    data = file_of(Pil.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95)
    red, green, blue = decode_image(data)[4, 4].tolist()
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = np.zeros((4, 6, 3), np.uint8)
    upright[0, :] = 255  # the top row
    turned = to_pil(upright)
    undo = {
        2: Pil.Transpose.FLIP_LEFT_RIGHT,
        3: Pil.Transpose.ROTATE_180,
        4: Pil.Transpose.FLIP_TOP_BOTTOM,
        5: Pil.Transpose.TRANSPOSE,
        6: Pil.Transpose.ROTATE_90,
        7: Pil.Transpose.TRANSVERSE,
        8: Pil.Transpose.ROTATE_270,
    }
    if orientation in undo:
        turned = turned.transpose(undo[orientation])
    exif = Pil.Exif()
    exif[274] = orientation
    np.testing.assert_array_equal(decode_image(file_of(turned, exif=exif)), upright)


def test_animation_gives_its_first_frame():
    frames = [Pil.new("RGB", (4, 4), color) for color in ("red", "blue")]
    data = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_image(data)[0, 0].tolist() == [255, 0, 0]
    opened = Pil.open(io.BytesIO(data))
    opened.seek(1)
    assert to_image(opened)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((2, 3), 9, np.uint8), 9),
        (np.full((2, 3, 1), 9, np.uint8), 9),
        (np.full((2, 3, 3), 9, np.uint8), 9),
        (np.full((2, 3, 4), 255, np.uint8), 255),
        (np.full((2, 3), 65535, np.uint16), 255),
        (np.full((2, 3, 3), 257 * 9, np.uint16), 9),
        (np.full((2, 3, 3), 0.5, np.float32), 128),
        (np.full((2, 3), True), 255),
    ],
    ids=["grey", "one", "rgb", "rgba", "16", "16-rgb", "float", "bool"],
)
def test_arrays(array, expected):
    picture = to_image(array)
    assert picture.shape == (2, 3, 3)
    assert (picture == expected).all()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 2), np.uint8), r"must be \(h, w\)"),
        (np.zeros((0, 3, 3), np.uint8), r"must be \(h, w\)"),
        (np.zeros((1, 2, 3, 3), np.uint8), r"drop the batch axis"),
        (np.full((2, 3), 300, np.int64), r"Convert it to uint8"),
        (np.full((2, 3), 1.5), r"float in \[0, 1\], got float64"),
        (np.full((2, 3), np.nan), r"float in \[0, 1\]"),
    ],
    ids=["channels", "empty", "batch", "int64", "range", "nan"],
)
def test_odd_arrays_are_refused(array, message):
    with pytest.raises(ImageError, match=message):
        to_image(array)


def test_sixteen_bits_take_little_memory():
    data = file_of(Pil.fromarray(np.full((1000, 1000), 65535, np.uint16)))
    tracemalloc.start()
    try:
        assert (decode_image(data) == 255).all()
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


def test_own_copy_not_a_view():
    array = np.zeros((2, 3, 3), np.uint8)
    picture = to_image(array)
    picture[0] = 1
    assert array.max() == 0


def test_float_tiff_and_its_limits():
    for value, expected in ((0.5, 128), (200.0, 200), (65535.0, 255)):
        data = file_of(Pil.fromarray(np.full((2, 2), value, np.float32)), "TIFF")
        assert decode_image(data)[0, 0, 0] == expected
    with pytest.raises(ImageError, match="grey values run from"):
        decode_image(file_of(Pil.fromarray(np.full((2, 2), -3, np.float32)), "TIFF"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"hello world", r"not an image we can read.*Use a PNG"),
        (png_header(50, 50), r"damaged or cut short"),
        (file_of(Pil.new("RGB", (90, 90), "red"), "JPEG")[:-60], r"damaged or cut short.*again"),
        (file_of(Pil.new("RGB", (90, 90)), "PNG")[:60], r"damaged or cut short"),
    ],
    ids=["empty", "text", "hollow", "jpeg", "png"],
)
def test_damaged_files(data, message):
    with pytest.raises(ImageError, match=message):
        decode_image(data)


def test_programs_that_draw_are_no_pictures(monkeypatch):
    started = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *options: started.append(options))
    drawn = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(ImageError, match=r"holiday\.jpg is not an image we can read.*Use a PNG"):
        decode_image(drawn, name="holiday.jpg")
    assert not started


@pytest.mark.parametrize("format", ["PNG", "JPEG", "MPO", "BMP", "GIF", "WEBP", "TIFF", "AVIF"])
def test_common_formats_are_opened(format, tmp_path):
    picture = Pil.new("RGB", (20, 10), "red")
    path = tmp_path / "picture"
    picture.save(path, format, **({"append_images": [picture]} if format == "MPO" else {}))
    for source in (path, path.read_bytes()):
        with open_picture(source) as opened:
            assert (opened.format, opened.size) == (format, (20, 10))


def test_a_damaged_file_that_pillow_opened_is_told_too():
    cut_short = file_of(Pil.new("RGB", (90, 90), "red"), "JPEG")[:-60]
    with pytest.raises(ImageError, match="the image is damaged or cut short"):
        to_image(Pil.open(io.BytesIO(cut_short)))


def test_a_picture_without_pixels_is_refused():
    with pytest.raises(ImageError, match="no pixels: 0x5"):
        to_image(Pil.new("RGB", (0, 5)))


def test_damaged_exif_is_a_damaged_file(monkeypatch):
    cut_short = file_of(Pil.new("RGB", (9, 9)), exif=b"Exif\0\0MM\0*\0\0")
    with pytest.raises(struct.error):
        ImageOps.exif_transpose(Pil.open(io.BytesIO(cut_short)))
    with pytest.raises(ImageError, match="damaged or cut short"):
        decode_image(cut_short)

    def fail(picture):
        raise AttributeError("'IFDRational' object has no attribute 'encode'")

    # So Pillow fails to write back EXIF whose fields have the wrong types.
    monkeypatch.setattr(ImageOps, "exif_transpose", fail)
    with pytest.raises(ImageError, match="damaged or cut short"):
        decode_image(file_of(Pil.new("RGB", (9, 9))))


def test_bombs_are_refused_from_the_header():
    with pytest.raises(ImageTooLargeError, match=r"900000000 pixels, the limit is 100000000"):
        decode_image(png_header(30_000, 30_000))
    with pytest.raises(ImageTooLargeError, match=r"120x100 = 12000 pixels, the limit is 11999"):
        decode_image(png_header(120, 100), max_pixels=11_999)
    with pytest.raises(ImageTooLargeError):
        to_image(np.zeros((3, 4), np.uint8), max_pixels=11)
    with pytest.raises(ImageTooLargeError):
        to_image(Pil.new("RGB", (4, 3)), max_pixels=11)


def test_files(tmp_path, image):
    picture = image((20, 10))
    for name in ("a.png", "a.jpg", "a.webp"):
        write_image(picture, tmp_path / name)
        assert image_wh(read_image(tmp_path / name)) == (20, 10)
    write_image(picture, str(tmp_path / "text.png"))
    np.testing.assert_array_equal(read_image(str(tmp_path / "text.png")), picture)
    np.testing.assert_array_equal(to_image(str(tmp_path / "a.png")), picture)
    with pytest.raises(ImageError, match=r"cannot write a.xyz"):
        write_image(picture, tmp_path / "a.xyz")
    with pytest.raises(ImageError, match=r"cannot read .*No such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(ImageError, match=r"cannot read .*null byte.*Check the path"):
        read_image(tmp_path / "a\0.png")
    with pytest.raises(ImageError, match="got int"):
        to_image(7)


def test_cutouts_are_upright_with_straight_alpha(tmp_path):
    upright = np.zeros((4, 6, 4), np.uint8)
    upright[:, 3:] = (200, 30, 20, 128)
    exif = Pil.Exif()
    exif[274] = 6
    turned = Pil.fromarray(upright).transpose(Pil.Transpose.ROTATE_90)
    for format in ("PNG", "WEBP"):
        turned.save(tmp_path / "turned", format, exif=exif, lossless=True)
        np.testing.assert_array_equal(read_rgba(tmp_path / "turned"), upright)
    Pil.new("LA", (6, 4), (9, 0)).save(tmp_path / "grey.png")
    assert read_rgba(tmp_path / "grey.png")[0, 0].tolist() == [9, 9, 9, 0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (file_of(Pil.new("RGB", (9, 9))), r"a\.png has no transparent ground.*Cut its object out"),
        (file_of(Pil.new("RGBA", (9, 9), (1, 2, 3, 251))), r"a\.png has no transparent ground"),
        (file_of(Pil.new("RGBA", (11, 10))), r"110 pixels, the limit is 100"),
        (b"no image", r"a\.png is not an image"),
        (file_of(Pil.new("RGBA", (9, 9)))[:45], r"a\.png is damaged"),
        (b"", r"a\.png is empty"),
    ],
    ids=["rgb", "opaque", "large", "words", "cut", "empty"],
)
def test_what_is_no_cutout_is_told(data, message, tmp_path):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ImageError, match=message):
        read_rgba(tmp_path / "a.png", max_pixels=100)


@pytest.mark.parametrize(("format", "side"), [("webp", 16_384), ("jpeg", 65_501)])
def test_formats_have_room_for_so_much(format, side):
    with pytest.raises(ImageError, match=f"has room for .* this image has {side}"):
        encode_image(np.zeros((1, side, 3), np.uint8), format=format)
    assert encode_image(np.zeros((side - 1, 1, 3), np.uint8), format=format)


def test_resize_and_encode(image):
    picture = image((20, 10))
    assert resize_image(picture, (20, 10)) is picture
    assert image_wh(resize_image(picture, (7, 31))) == (7, 31)
    np.testing.assert_array_equal(decode_image(encode_image(picture)), picture)
