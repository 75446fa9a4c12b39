"""Draws a result on its picture; pure: image and Result in, a new image out.

The same look as on the page: answers in their caption's color, other boxes thin and white, every
line outside of its box, labels beside it.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from core.image import to_pil
from core.result import Ranking, Result
from core.types import Image
from frontends.ui import text
from frontends.ui.palette import COLORS, MARKS, color_index, mark_index
from frontends.verdict import verdict_of

__all__ = ["draw_result"]

_DARK = (18, 20, 23, 222)
_WHITE = (255, 255, 255, 255)
_HALO = (0, 0, 0, 150)
_LONGEST_CAPTION_CHARS = 48
_MOST_CAPTIONS = 4
# Pillow's own font has ASCII and some quotes. A line with other letters has the first of these
# that can write it: one of them is on most systems.
_SPARE_FONTS = (
    "DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "segoeui.ttf",
    "Arial Unicode.ttf", "Arial.ttf", "arial.ttf",
)  # fmt: skip

Frame = tuple[int, int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
# A line of a label, and the position of the caption whose mark stands before it.
Line = tuple[str, int | None]


def draw_result(
    image: Image, result: Result, *, score_min: float = 0.0, limit: float = 1.0
) -> Image:
    """Return the picture with all boxes: answers and nearest ones with a label, others a number.

    Args:
        image: uint8 (h, w, 3) RGB; not changed.
        result: what was found in this picture.
        score_min: boxes of a lower detector score are left out.
        limit: below this chance a caption has no answer (`found_probability_min` of the model).

    Returns:
        uint8 (h, w, 3) RGB of the same size.
    """
    canvas = to_pil(image).convert("RGBA")
    layer = PilImage.new("RGBA", canvas.size, (0, 0, 0, 0))
    pen = _Pen(ImageDraw.Draw(layer), canvas.size)
    frames = [_frame(xyxy) for xyxy in result.detections.xyxy.tolist()]
    marked = {row for r in result.rankings for row in (r.answer_row, r.nearest_row)}
    is_shown = result.detections.score >= score_min
    for row, frame in enumerate(frames):
        if row not in marked and is_shown[row]:
            pen.box(frame, _WHITE, thick=False)
    notes: list[tuple[int, str]] = []
    told: dict[int, list[tuple[int, str]]] = {}
    answers = {ranking.answer_row for ranking in result.rankings}
    for position, ranking in enumerate(result.rankings):
        best = ranking.answer_row if ranking.found else ranking.nearest_row
        verdict = verdict_of(ranking, limit)
        is_unsure = verdict == "unsure"
        is_hidden = best is not None and not is_shown[best]
        caption = _short(ranking.caption)
        if is_hidden or not ranking.found:
            kind = "hidden" if is_hidden and verdict in ("found", "unsure") else verdict
            notes.append((position, text.DRAW[kind].format(caption=caption)))
        if best is None or is_hidden:
            continue
        title = caption
        if not ranking.found:
            if best in answers and not is_unsure:
                continue  # what is not there marks nothing that another caption means
            title = text.DRAW["perhaps" if is_unsure else "nearest"].format(caption=caption)
        told.setdefault(best, []).append((position, title))
    # Answers over what is only nearest, the first caption's over the others', labels over all.
    for meant in told.values():
        meant.sort(key=lambda one: not result.rankings[one[0]].found)
    rows = sorted(told, key=lambda row: (row not in answers, told[row][0][0]))
    for row in reversed(rows):
        pen.box(frames[row], _color(told[row][0][0]), thick=row in answers)
    pen.keep_free([frame for frame, shown in zip(frames, is_shown, strict=True) if shown])
    for row in rows:
        pen.label(frames[row], _lines(row, told[row], result))
    pen.footer(notes)
    # Last, where room is left: labels say more.
    for row in np.flatnonzero(is_shown).tolist():
        if row not in told:
            pen.number(frames[row], row + 1)
    return np.array(PilImage.alpha_composite(canvas, layer).convert("RGB"))


def _lines(row: int, meant: list[tuple[int, str]], result: Result) -> list[Line]:
    """What the label of a box says: each caption that means it, then its number and scores.

    One label for all of them: those of several would cover each other.
    """
    words = text.DRAW
    detector = words["detector"].format(score=f"{float(result.detections.score[row]):.2f}")
    sure = [_sure(result.rankings[position]) for position, _ in meant]
    if len(meant) == 1:
        return [(meant[0][1], meant[0][0]), (f"{row + 1}  {sure[0]}  {detector}", None)]
    titles: list[Line] = [
        (f"{title}  {share}", position)
        for (position, title), share in zip(meant[:_MOST_CAPTIONS], sure, strict=False)
    ]
    more = len(meant) - len(titles)
    rest: list[Line] = [(words["more"].format(count=more), None)] if more else []
    return [*titles, *rest, (f"{row + 1}  {detector}", None)]


def _sure(ranking: Ranking) -> str:
    """How sure an answer is, and of which words where not all count."""
    about = ranking.reading.about
    words = text.ANSWERS["sure_of" if about not in ("", ranking.caption) else "sure"]
    return words.format(share=f"{100 * ranking.found_probability:.0f} %", about=_short(about))


def _frame(xyxy: list[float]) -> Frame:
    x1, y1, x2, y2 = xyxy
    return int(np.floor(x1)), int(np.floor(y1)), int(np.ceil(x2)), int(np.ceil(y2))


def _rgba(color: str) -> tuple[int, int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16), 255


def _color(position: int) -> tuple[int, int, int, int]:
    return _rgba(COLORS[color_index(position)].picture)


def _short(caption: str) -> str:
    if len(caption) <= _LONGEST_CAPTION_CHARS:
        return caption
    return caption[: _LONGEST_CAPTION_CHARS - 1].rstrip() + "…"


@cache
def _font(size_px: int) -> Font:
    return ImageFont.load_default(size_px)


def _written(line: str, size_px: int) -> tuple[str, Font]:
    """A line and a font that can write it; without one, letters lose their accents."""
    usual = _font(size_px)
    if not _lacking(usual, line):
        return line, usual
    for name in _SPARE_FONTS:
        font = _spare_font(name, size_px)
        if font is not None and not _lacking(font, line):
            return line, font
    plain = "".join(c for c in unicodedata.normalize("NFKD", line) if not unicodedata.combining(c))
    lacking = _lacking(usual, plain)
    return "".join("?" if letter in lacking else letter for letter in plain), usual


def _lacking(font: Font, line: str) -> set[str]:
    """The letters that a font does not have: it draws all of them alike."""
    if line.isascii():
        return set()
    unknown = bytes(font.getmask("\uffff"))
    return {letter for letter in set(line) if bytes(font.getmask(letter)) == unknown}


@cache
def _spare_font(name: str, size_px: int) -> Font | None:
    try:
        return ImageFont.truetype(name, size_px)
    except OSError:
        return None


class _Pen:
    """Draws in proportion to the picture, and remembers what labels are not to cover."""

    def __init__(self, draw: ImageDraw.ImageDraw, image_wh: tuple[int, int]) -> None:
        self._draw = draw
        self._wh = image_wh
        self._unit = max(1, round(max(image_wh) / 1100))
        self._taken: list[Frame] = []

    def box(self, frame: Frame, color: tuple[int, int, int, int], *, thick: bool) -> None:
        """Draw around the frame: its color between two dark lines."""
        width = self._unit * (2 if thick else 1)
        x1, y1, x2, y2 = frame
        for out, line, ink in ((2 * self._unit + width, width + 2 * self._unit, _HALO),
                               (self._unit + width, width, color)):  # fmt: skip
            outer = (x1 - out, y1 - out, x2 - 1 + out, y2 - 1 + out)
            self._draw.rectangle(outer, outline=ink, width=line)

    def keep_free(self, frames: list[Frame]) -> None:
        """Let labels cover as little of these as they can."""
        self._taken += frames

    def label(self, frame: Frame, lines: list[Line]) -> None:
        """Draw a label beside the frame, where it covers least."""
        written = [_written(line, 13 * self._unit) for line, _ in lines]
        pad, gap = 5 * self._unit, 6 * self._unit
        glyph = 10 * self._unit
        line_height = 17 * self._unit
        widths = [self._draw.textlength(line, font=font) for line, font in written]
        size = (int(max(widths)) + 2 * pad + glyph + gap, line_height * len(lines) + pad)
        x, y = self._place(frame, size, gap)
        self._taken.append((x, y, x + size[0], y + size[1]))
        self._draw.rounded_rectangle((x, y, x + size[0], y + size[1]), 4 * self._unit, fill=_DARK)
        for i, ((line, font), (_, position)) in enumerate(zip(written, lines, strict=True)):
            top = y + pad // 2 + i * line_height
            if position is not None:
                middle = top + (line_height - glyph) // 2
                mark = MARKS[mark_index(position)]
                corners = [(x + pad + px * glyph, middle + py * glyph) for px, py in mark]
                self._draw.polygon(corners, fill=_color(position))
            self._draw.text((x + pad + glyph + gap, top), line, fill=_WHITE, font=font)

    def number(self, frame: Frame, number: int) -> None:
        """Draw a box's number beside the frame, where it covers least."""
        font = _font(11 * self._unit)
        pad, height = 4 * self._unit, 15 * self._unit
        width = int(self._draw.textlength(str(number), font=font)) + 2 * pad
        x, y = self._place(frame, (width, height), 4 * self._unit)
        self._taken.append((x, y, x + width, y + height))
        self._draw.rounded_rectangle((x, y, x + width, y + height), 3 * self._unit, fill=_DARK)
        middle = (x + width // 2, y + height // 2)
        self._draw.text(middle, str(number), fill=_WHITE, font=font, anchor="mm")

    def footer(self, notes: list[tuple[int, str]]) -> None:
        """Say at the lower edge which captions have no box."""
        x, y = 0, self._wh[1]
        for position, line in reversed(notes):
            height = 24 * self._unit
            y -= height
            self.label((x, y, x, y), [(line, position)])

    def _place(self, frame: Frame, size: tuple[int, int], gap: int) -> tuple[int, int]:
        x1, y1, x2, y2 = frame
        width, height = size
        spots = [
            (x1, y1 - height - gap), (x1, y2 + gap), (x2 - width, y1 - height - gap),
            (x2 - width, y2 + gap), (x2 + gap, y1), (x1 - width - gap, y1),
            (x2 + gap, y2 - height), (x1 - width - gap, y2 - height),
        ]  # fmt: skip
        best, least = (0, 0), float("inf")
        for i, (left, top) in enumerate(spots):
            x = min(max(left, 0), max(0, self._wh[0] - width - 1))
            y = min(max(top, 0), max(0, self._wh[1] - height - 1))
            spot = (x, y, x + width, y + height)
            cost = i + sum(10 * _overlap(spot, other) for other in self._taken)
            if cost < least:
                best, least = (x, y), cost
        return best


def _overlap(a: Frame, b: Frame) -> int:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(0, width) * max(0, height)
