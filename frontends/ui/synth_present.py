"""Material, scenes and figures in, plain mappings for the browser out.

Nothing here changes anything; small pictures are made once and kept.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import ImageOps

from core.errors import ConfigError, SpotterError
from core.image import IMAGE_ERRORS, encode_image, open_picture
from dataset.record import Record
from dataset.statistics import Statistics
from frontends.failures import InternalError
from frontends.made import Made
from frontends.runs import Run
from frontends.ui import text_synth
from frontends.ui.palette import SWATCHES, color_index, mark_index
from frontends.ui.present import data_url, sentence
from synth.library import Background, Cutout
from synth.render import Rendered

__all__ = [
    "file_url",
    "present_cutouts",
    "present_error",
    "present_made",
    "present_photographs",
    "present_record",
    "present_run",
    "present_scene",
]

_TILE_WH = (176, 116)
_THUMB_WIDTH_PX = 400


def present_cutouts(cutouts: Sequence[Cutout], *, ours: bool = False) -> list[dict[str, Any]]:
    """Return the tiles of cutouts.

    Args:
        cutouts: What lies on the wall.
        ours: Ours are small files that the browser may fetch itself, those in sight first.
    """
    return [
        {
            "name": cutout.name,
            "url": file_url(cutout.path)
            if ours
            else _tile(cutout.path, cutout.path.stat().st_mtime_ns),
            "caption": cutout.caption,
            "class_name": cutout.class_name,
            "labelled": cutout.labelled,
        }
        for cutout in cutouts
        if cutout.path.is_file()
    ]


def present_photographs(backgrounds: Sequence[Background]) -> list[dict[str, Any]]:
    """Return the tiles of backgrounds."""
    return [
        {
            "name": item.name,
            "url": _tile(item.path, item.path.stat().st_mtime_ns),
            "caption": item.name.replace("_", " "),
        }
        for item in backgrounds
        if item.path.is_file()
    ]


@lru_cache(maxsize=4000)
def _tile(path: Path, modified_ns: int) -> str:
    """A small WebP as an address; empty if the file cannot be read (it is then not shown)."""
    try:
        with open_picture(path) as opened:
            opened.draft("RGB", (2 * _TILE_WH[0], 2 * _TILE_WH[1]))
            small = ImageOps.exif_transpose(opened)
            small = small.convert("RGBA" if small.has_transparency_data else "RGB")
            small.thumbnail(_TILE_WH)
    except IMAGE_ERRORS:
        return ""
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=70, method=2)
    return data_url(buffer.getvalue(), "webp")


def present_scene(
    rendered: Rendered, canvas_wh: tuple[int, int], *, quality: int = 82
) -> dict[str, Any]:
    """Return a scene with boxes in pixels of the full size, whatever size it was drawn at."""
    scale = canvas_wh[0] / rendered.image.shape[1]
    boxes = _boxes(rendered.xyxy * scale, rendered.captions)
    encoded = encode_image(rendered.image, format="jpeg", quality=quality)
    return {
        "url": data_url(encoded, "jpeg"),
        "width": canvas_wh[0],
        "height": canvas_wh[1],
        "boxes": boxes,
        "distractors": [_place(box) for box in rendered.distractors_xyxy * scale],
    }


def present_record(record: Record, *, full: bool) -> dict[str, Any]:
    """Return a picture of a data set, small or in full size, with its boxes."""
    width, height = record.image_wh
    if full:
        url = data_url(record.path.read_bytes(), "jpeg")
    else:
        with open_picture(record.path) as opened:
            opened.draft("RGB", (_THUMB_WIDTH_PX, _THUMB_WIDTH_PX))
            small = opened.convert("RGB")
        small.thumbnail((_THUMB_WIDTH_PX, _THUMB_WIDTH_PX))
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=78)
        url = data_url(buffer.getvalue(), "jpeg")
    return {
        "name": record.path.name,
        "url": url,
        "width": width,
        "height": height,
        "boxes": _boxes(record.xyxy, record.captions),
    }


def _boxes(xyxy: Any, captions: Sequence[str]) -> list[dict[str, Any]]:
    """Boxes with the color and mark of their caption: equal captions look alike."""
    order = {caption: i for i, caption in enumerate(dict.fromkeys(captions))}
    return [
        {
            **_place(box),
            "caption": caption,
            "color": color_index(order[caption]),
            "mark": mark_index(order[caption]),
        }
        for box, caption in zip(xyxy, captions, strict=True)
    ]


def _place(box: Any) -> dict[str, float]:
    x1, y1, x2, y2 = (float(value) for value in box)
    return {"x": round(x1, 2), "y": round(y1, 2), "w": round(x2 - x1, 2), "h": round(y2 - y1, 2)}


def present_run(run: Run) -> dict[str, Any]:
    """Return how far a run is."""
    return {
        "state": run.state,
        "done": run.done,
        "total": run.total,
        "left_s": None if run.left_s is None else round(run.left_s, 1),
        "error": sentence(run.error or InternalError()) if run.state == "failed" else "",
        "url": run.url,
    }


def present_made(made: Made) -> dict[str, Any]:
    """Return the figures and plots of a data set, and where its ZIP is."""
    statistics = made.statistics
    first = made.dataset.records[0]
    return {
        "images": statistics.num_images,
        "boxes": statistics.num_boxes,
        "empty": statistics.num_empty,
        "splits": statistics.images_per_split,
        "seconds": made.generated.seconds,
        "warnings": [_as_sentence(text) for text in made.generated.warnings],
        "notes": _notes(made),
        "aspect": first.image_wh[0] / first.image_wh[1],
        "swatches": SWATCHES,
        "plots": _plots(statistics),
        "zip": {
            "url": file_url(made.zip_path),
            "name": made.zip_path.name,
            "megabytes": f"{max(made.zip_path.stat().st_size / 1e6, 0.1):.1f}",
        },
    }


def _notes(made: Made) -> list[str]:
    notes = [_as_sentence(note) for note in made.generated.notes]
    if made.generated.dropped:
        notes.append(text_synth.MADE["dropped"].format(count=made.generated.dropped))
    return notes


def _as_sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _plots(statistics: Statistics) -> dict[str, Any]:
    edges, counts = statistics.size_px_edges, statistics.size_px_counts
    sizes = [{"name": f"{edge:.0f}", "value": n} for edge, n in zip(edges, counts, strict=False)]
    used = [i for i, entry in enumerate(sizes) if entry["value"]]
    objects = statistics.objects_per_image
    return {
        "sizes": sizes[used[0] : used[-1] + 1] if used else [],
        "positions": statistics.heat_map,
        "counts": [
            {"name": str(n), "value": objects.get(n, 0)} for n in range(max(objects, default=0) + 1)
        ],
        "classes": _named(statistics.boxes_per_class),
        "colors": _named(statistics.boxes_per_color),
    }


def _named(amounts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in amounts.items() if value]


def file_url(path: Path) -> str:
    """Return the address of a file of ours, relative to the page's."""
    return f"gradio_api/file={quote(str(path))}"


def present_error(error: SpotterError) -> dict[str, Any]:
    """Return an error as the parts of the tab show it, at the settings where these are at fault."""
    at = "settings" if isinstance(error, ConfigError) else "page"
    return {"error": {"at": at, "message": sentence(error)}}
