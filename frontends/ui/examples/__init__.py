"""Example pictures as a row of small buttons, and the tolerant reader of their list.

In: a folder with examples.json (`[{"file", "captions"}]`) and pictures. Out: event `choose` with
an index.
"""

from __future__ import annotations

import io
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import gradio as gr
from PIL import ImageOps

from core.image import open_picture
from frontends.ui import text
from frontends.ui.parts import read_part
from frontends.ui.present import data_url

__all__ = ["Example", "create_examples", "read_examples"]

_FOLDER = Path(__file__).parent
_THUMBNAIL_WH = (252, 168)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Example:
    """One example picture with the captions to look for."""

    path: Path
    captions: tuple[str, ...]
    thumbnail: str
    """Small JPEG as a data address."""


def read_examples(folder: Path) -> list[Example]:
    """Return the examples in a folder; what is missing or broken is left out with a log line.

    Args:
        folder: holds examples.json and the pictures that it names.
    """
    try:
        entries = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        _log.warning("No examples: %s cannot be read (%s).", folder / "examples.json", error)
        return []
    examples = []
    for entry in entries:
        try:
            path = folder / Path(str(entry["file"])).name
            captions = tuple(str(caption) for caption in entry["captions"])
            examples.append(Example(path.resolve(), captions, _thumbnail(path)))
        except (OSError, KeyError, TypeError, ValueError) as error:
            _log.warning("Example %r left out: %s.", entry, error)
    return examples


def _thumbnail(path: Path) -> str:
    with open_picture(path) as opened:
        opened.draft("RGB", (_THUMBNAIL_WH[0] * 2, _THUMBNAIL_WH[1] * 2))
        small = ImageOps.fit(ImageOps.exif_transpose(opened).convert("RGB"), _THUMBNAIL_WH)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=72)
    return data_url(buffer.getvalue(), "jpeg")


def create_examples(examples: list[Example], *, room: str, elem_id: str) -> gr.HTML:
    """Return the row of examples; without any it stays invisible."""
    value = [
        {
            "thumbnail": e.thumbnail,
            "captions": list(e.captions),
            "url": f"gradio_api/file={quote(str(e.path))}",
        }
        for e in examples
    ]
    return gr.HTML(
        value=value,
        **read_part(_FOLDER, "createExamples"),
        room=room,
        words=text.EXAMPLES,
        visible=bool(examples),
        apply_default_css=False,
        elem_id=elem_id,
    )
