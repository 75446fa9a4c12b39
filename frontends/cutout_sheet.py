"""A sheet of cutouts on a checkerboard, each with its name and caption.

Pure: cutouts in, an image out. The checkerboard shows what is transparent, and what only looks so.
"""

from __future__ import annotations

import numpy as np
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from core.errors import InputError, SpotterError
from core.image import read_rgba
from core.types import Image
from synth.library import Cutout

__all__ = ["draw_checkerboard", "draw_sheet"]

_LIGHT, _DARK = 255, 205
_SQUARE_PX = 10
_INK, _SOFT, _PAPER = (25, 26, 28), (95, 97, 104), (251, 251, 249)
_PAD_PX, _LINE_PX, _FONT_PX = 12, 17, 13


def draw_checkerboard(size_wh: tuple[int, int], *, square_px: int = _SQUARE_PX) -> Image:
    """Return a checkerboard of light and dark grey squares, uint8 (h, w, 3) RGB."""
    rows = np.arange(size_wh[1])[:, None] // square_px
    columns = np.arange(size_wh[0])[None] // square_px
    board = np.where((rows + columns) % 2, _DARK, _LIGHT).astype(np.uint8)
    return np.repeat(board[..., None], 3, axis=2)


def draw_sheet(cutouts: list[Cutout], *, columns: int = 5, tile_px: int = 240) -> Image:
    """Return all cutouts in rows, uint8 (h, w, 3) RGB; none is enlarged.

    Args:
        cutouts: At least one.
        columns: Cutouts in a row.
        tile_px: Side of the square that a cutout is fitted into.

    Raises:
        InputError: There are no cutouts.
    """
    if not cutouts:
        raise InputError("the folder has no cutouts.", "Add some first.")
    columns = min(columns, len(cutouts))
    cell_wh = (tile_px + _PAD_PX, tile_px + 2 * _LINE_PX + 2 * _PAD_PX)
    rows = -(-len(cutouts) // columns)
    sheet = PilImage.new(
        "RGB", (columns * cell_wh[0] + _PAD_PX, rows * cell_wh[1] + _PAD_PX), _PAPER
    )
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_FONT_PX)
    for number, cutout in enumerate(cutouts):
        x = _PAD_PX + number % columns * cell_wh[0]
        y = _PAD_PX + number // columns * cell_wh[1]
        sheet.paste(_draw_tile(cutout, tile_px), (x, y))
        for row, (line, ink) in enumerate(((cutout.caption, _INK), (cutout.name, _SOFT))):
            at = (x, y + tile_px + 4 + row * _LINE_PX)
            pen.text(at, _fit(line, pen, font, tile_px), fill=ink, font=font)
    return np.array(sheet)


def _draw_tile(cutout: Cutout, tile_px: int) -> PilImage.Image:
    tile = PilImage.fromarray(draw_checkerboard((tile_px, tile_px)))
    try:
        rgba = PilImage.fromarray(read_rgba(cutout.path))
    except SpotterError:
        ImageDraw.Draw(tile).text((_PAD_PX, tile_px // 2), "cannot be read", fill=(163, 38, 15))
        return tile
    rgba.thumbnail((tile_px - 2 * _PAD_PX,) * 2, PilImage.Resampling.LANCZOS)
    left, top = (tile_px - rgba.width) // 2, (tile_px - rgba.height) // 2
    tile.paste(rgba, (left, top), rgba)
    return tile


def _fit(
    line: str,
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    width_px: int,
) -> str:
    if pen.textlength(line, font=font) <= width_px:
        return line
    while line and pen.textlength(line + "…", font=font) > width_px:
        line = line[:-1]
    return line.rstrip() + "…"
