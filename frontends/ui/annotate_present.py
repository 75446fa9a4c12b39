"""Projects, images, boxes and runs in, plain mappings for the browser out.

Nothing here changes a project; small pictures are made once and kept beside it.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image as PilImage
from PIL import ImageDraw, ImageOps

from core.errors import ImageError, SpotterError
from core.files import write_bytes
from core.image import IMAGE_ERRORS, open_picture, to_image, to_pil
from frontends.desk import Desk
from frontends.failures import InternalError
from frontends.runs import Run
from frontends.ui import text_annotate
from frontends.ui.present import sentence
from frontends.ui.synth_present import file_url
from frontends.visits import Visit
from frontends.words import usual_words
from project.folders import ProjectInfo, deleted_projects
from project.score import RankedScore
from project.store import Project
from project.types import (
    MERGED,
    MODEL,
    Asked,
    BoxRow,
    HistoryEntry,
    ImageRow,
    Progress,
    StoreError,
    Xyxy,
)
from project.vocabulary import SETTING

__all__ = [
    "crop_url",
    "present_asked",
    "present_box",
    "present_error",
    "present_history",
    "present_photo",
    "present_progress",
    "present_project",
    "present_projects",
    "present_run",
    "present_scores",
    "present_thumb",
    "sentence",
    "thumb_url",
]

_THUMB_WH = (160, 104)
_THUMBS = "thumbs"
_CROP_BOX_RATIO = 0.5
_CROP_WIDTH_MIN_PX = 40
_HISTORY_MAX = 30
_DELETED_SHOWN = 20

Shown = dict[str, Any]


def present_projects(desk: Desk, visit: Visit) -> Shown:
    """Return the projects that a visitor may open, where they are kept, and deleted ones."""
    words = text_annotate.PROJECTS
    where = words["visit"] if desk.shared is None else words["shared"].format(folder=desk.shared)
    return {
        "projects": [_summary(one) for one in desk.projects(visit)],
        "where": where,
        "trash": [
            {"aside": place.name, "name": place.name.rpartition("@")[0]}
            for place in reversed(deleted_projects(desk.folder(visit)))
        ][:_DELETED_SHOWN],
    }


def _summary(info: ProjectInfo) -> Shown:
    return {
        "key": info.folder.name,
        "name": info.name,
        "images": info.images,
        "done": info.done,
        "problem": info.problem,
    }


def present_project(key: str, project: Project) -> Shown:
    """Return what the tab needs to know about an open project."""
    return {
        "key": key,
        "name": project.name,
        "classes": list(project.class_names),
        "captions": list(project.setting("captions", [])),
        "given": project.count_given(),
        "vocabulary": project.setting(SETTING) or usual_words(project).to_dict(),
    }


def present_progress(progress: Progress) -> Shown:
    """Return how far a project is, and how fast."""
    return {
        "total": progress.total,
        "done": progress.done,
        "images": dict(progress.images),
        "seconds_per_image": progress.seconds_per_image,
        "left_s": progress.left_s,
        "removed": progress.removed,
    }


def present_photo(project: Project, image: ImageRow) -> Shown:
    """Return an image with its address."""
    width, height = image.image_wh
    return {
        "id": image.id,
        "name": image.name,
        "url": file_url(project.path(image.id)),
        "width": width,
        "height": height,
        "state": image.state,
        "version": image.version,
        "reason": image.doubt_reason,
        "error": image.error,
        "removed": image.removed,
        "given": list(image.captions),
    }


def present_box(box: BoxRow) -> Shown:
    """Return a box."""
    x1, y1, x2, y2 = box.xyxy
    return {
        "id": box.id,
        "x": x1,
        "y": y1,
        "w": x2 - x1,
        "h": y2 - y1,
        "state": box.state,
        "class_name": box.class_name,
        "caption": box.caption,
        "detector": box.detector,
        "certainty": box.certainty,
        "logit": box.logit,
        "probability": box.probability,
        "source": box.source.removeprefix(MODEL).removeprefix(MERGED),
        "own": box.is_own,
    }


def present_asked(asked: Sequence[Asked]) -> list[Shown]:
    """Return the captions that were looked for in an image."""
    return [
        {
            "caption": one.caption,
            "found": one.found,
            "confirmed": one.confirmed,
            "unread": not one.confirmed and one.probability is None,
        }
        for one in asked
    ]


def present_scores(scores: Sequence[RankedScore]) -> Shown:
    """Return scores and ranks by box."""
    return {
        str(one.score.box_id): {
            "logit": one.score.logit,
            "probability": one.score.probability,
            "rank": one.rank,
            "of": one.of,
        }
        for one in scores
    }


def present_suggestions(suggested: Sequence[tuple[str, float]]) -> list[Shown]:
    """Return captions that fit a box, with the similarity of each."""
    return [{"caption": caption, "probability": chance} for caption, chance in suggested]


def present_history(entries: Sequence[HistoryEntry]) -> list[str]:
    """Return what happened to a box, a line each, latest first."""
    return [
        f"{time.strftime('%d %b %H:%M', time.localtime(entry.at))}  {entry.sentence()}"
        for entry in reversed(entries[-_HISTORY_MAX:])
    ]


def present_thumb(project: Project, image: ImageRow) -> Shown:
    """Return the name and small picture of an image."""
    return {"id": image.id, "name": image.name, "url": thumb_url(project, image.id)}


def thumb_url(project: Project, image_id: int) -> str:
    """Return the address of a small picture; empty where the file is damaged."""
    source = project.path(image_id)
    path = project.folder / _THUMBS / f"{source.stem}.jpg"
    if not path.is_file():
        try:
            _write_thumb(source, path)
        except (ImageError, *IMAGE_ERRORS):
            return ""
    return file_url(path)


def crop_url(project: Project, box: BoxRow) -> str:
    """Return the address of a small picture of a box in its surroundings, framed.

    Empty where the file is damaged.
    """
    source = project.path(box.image_id)
    place = "-".join(f"{side:.0f}" for side in box.xyxy)
    path = project.folder / _THUMBS / f"{source.stem}-{place}.jpg"
    if not path.is_file():
        try:
            _write_crop(source, box.xyxy, path)
        except (ImageError, *IMAGE_ERRORS):
            return ""
    return file_url(path)


def _write_thumb(source: Path, path: Path) -> None:
    with open_picture(source) as opened:
        opened.draft("RGB", (2 * _THUMB_WH[0], 2 * _THUMB_WH[1]))
        upright = to_pil(to_image(opened))
        small = ImageOps.fit(upright, _THUMB_WH, PilImage.Resampling.BILINEAR)
    _write_jpeg(small, path)


def _write_crop(source: Path, xyxy: Xyxy, path: Path) -> None:
    x1, y1, x2, y2 = xyxy
    width, height = _THUMB_WH
    # Pixels of the picture for one of the small picture.
    scale = max((x2 - x1) / width, (y2 - y1) / height) / _CROP_BOX_RATIO
    scale = max(scale, _CROP_WIDTH_MIN_PX / width)
    left, top = round((x1 + x2 - width * scale) / 2), round((y1 + y2 - height * scale) / 2)
    window = (left, top, left + round(width * scale), top + round(height * scale))
    with open_picture(source) as opened:
        upright = to_pil(to_image(opened))
    # What lies outside of the picture is black.
    small = upright.crop(window).resize(_THUMB_WH, PilImage.Resampling.BILINEAR)
    low = (x1 - left) / scale - 1, (y1 - top) / scale - 1
    high = (x2 - left) / scale, (y2 - top) / scale
    ImageDraw.Draw(small).rectangle([low, high], outline="white")
    _write_jpeg(small, path)


def _write_jpeg(small: PilImage.Image, path: Path) -> None:
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    write_bytes(path, buffer.getvalue())


def present_run(run: Run) -> Shown:
    """Return how far a run is and, once over, what came of it."""
    link = None
    if run.file is not None:
        link = {
            "url": file_url(run.file),
            "text": text_annotate.RUNS["download"].format(name=run.file.name),
            "download": True,
        }
    elif run.url:
        link = {"url": run.url, "text": run.url}
    return {
        "state": run.state,
        "running": not run.is_over,
        "done": run.done,
        "total": run.total,
        "left_s": None if run.left_s is None else round(run.left_s, 1),
        "error": sentence(run.error or InternalError()) if run.state == "failed" else "",
        "said": text_annotate.RUNS["stopped"] if run.state == "stopped" else run.said,
        # Most reasons are sentences about the file, which begin with its name.
        "refused": [
            reason if reason.startswith(name) else f"{name}: {reason}"
            for name, reason in run.refused
        ],
        "to_review": run.to_review,
        "link": link,
    }


def present_error(error: SpotterError) -> Shown:
    """Return an error as the parts of the tab show it, and whether the same may work later."""
    return {"error": sentence(error), "again": isinstance(error, StoreError) and error.passes}
