"""Which uploads a browser may show as they are, and what is shown instead of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from core.image import decode_image, read_image
from frontends.ui.display import displayable
from project.pictures import read_picture

_EXIF_ORIENTATION = 274


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))


def _write(folder: Path, ending: str, orientation: int) -> Path:
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, 20:] = 220
    exif = Pil.Exif()
    exif[_EXIF_ORIENTATION] = orientation
    path = folder / f"picture{ending}"
    Pil.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    ("ending", "orientation", "alike"),
    [
        (".jpg", 1, True),
        (".jpg", 6, True),
        (".png", 1, True),
        (".png", 6, False),
        (".webp", 1, True),
        (".webp", 6, False),
        (".tiff", 1, False),
    ],
)
def test_what_browsers_may_turn_otherwise_is_shown_upright(tmp_path, ending, orientation, alike):
    path = _write(tmp_path, ending, orientation)
    shown = displayable(path, max_pixels=10_000)
    kept = read_picture(path.read_bytes(), path.name)
    assert kept.image_wh == ((20, 40) if orientation == 6 else (40, 20))
    if alike:
        assert shown is None
        assert kept.data == path.read_bytes()
        return
    assert shown is not None
    np.testing.assert_array_equal(read_image(shown), read_image(path))
    assert kept.suffix == ".png"
    np.testing.assert_array_equal(decode_image(kept.data), read_image(path))
