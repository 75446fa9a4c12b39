"""Result in, plain mapping for the browser out; pure.

The mapping is what `answers`, `picture` and `evidence` share through the room: boxes by row,
captions with their orders and scores, times, engine, and the result's own JSON form.
"""

from __future__ import annotations

import base64
import itertools
import re
from typing import Literal

from convert.job import install_steps
from core.captions import clean_caption
from core.errors import CaptionError, ImageError, SpotterError
from core.image import encode_image, to_image, to_pil
from core.result import Result
from core.types import Image
from frontends.doctor import Readiness
from frontends.failures import InternalError
from frontends.notes import contrast_note, notes_of
from frontends.service import Answer, CropPair
from frontends.ui import text
from frontends.ui.palette import color_index, mark_index
from frontends.verdict import like_rows, verdict_of
from pipeline.config import LocateConfig

__all__ = [
    "data_url",
    "drawn_url",
    "present_answer",
    "present_crops",
    "present_error",
    "present_nothing",
    "present_readiness",
    "sentence",
    "settings_of",
    "split_captions",
]

# "my cut.jpg is damaged", not "the file a.jpg is damaged".
_FILE_FIRST = re.compile(r"(?!(?:an?|the|this|no|there|cannot) )[^:;]*?\.[A-Za-z]\w{1,4}(?: |: |,)")
# "Fetch it from there, then run: python app.py ...": what to read, and what to type.
_COMMAND = re.compile(r"(?:, then )?\b[Rr]un(?:, [^:]+)?: ")
# What gets one model, and is part of what gets all of a preset's.
_ONE_MODEL = re.compile(r"python app\.py export --model \S+ --(download|weights \S+)")
_UNSAFE = re.compile(r"[^\w.-]+")
_STEM_CHARS_MAX = 80
_PNG_MAX_PIXELS = 4_000_000
_CROP_SIDE_MAX = 512
# An error that comes again is news to the browser, which waits for a change.
_SERIAL = itertools.count(1)
_ENGINE_NAMES = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}


def split_captions(lines: str | None) -> list[str]:
    """Return the captions of a text with one caption a line, cleaned; empty lines do not count.

    Raises:
        CaptionError: there is none, or one is too long.
    """
    captions = [clean_caption(line) for line in (lines or "").split("\n") if line.strip()]
    if not captions:
        raise CaptionError(text.ERRORS["no_captions"])
    return captions


def present_answer(
    answer: Answer,
    assignment: str,
    score_min: float,
    *,
    pieces: int = 0,
    closely: bool = False,
    file_name: str = "",
) -> dict[str, object]:
    """Return the mapping for the browser.

    Args:
        answer: what the service found.
        assignment: "independent" or "joint", kept for the download.
        score_min: the lowest confidence of its boxes, kept for the download.
        pieces: in how many a closer look sees the picture; 0 where it sees no more.
        closely: whether this was one, for this picture alone.
        file_name: of the picture; downloads are named after it.
    """
    result = answer.result
    told = [note for ranking in result.rankings for note in ranking.reading.notes]
    xyxy = result.detections.xyxy.astype(float)
    return {
        "key": answer.key,
        "error": None,
        "save_as": _save_as(file_name),
        "assignment": assignment,
        "score_min": score_min,
        "reused": answer.reused,
        "size": list(result.image_wh),
        "boxes": [
            {"id": row, "x": x1, "y": y1, "w": x2 - x1, "h": y2 - y1, "detector": float(score)}
            for row, ((x1, y1, x2, y2), score) in enumerate(
                zip(xyxy.tolist(), result.detections.score, strict=True)
            )
        ],
        "limit": answer.found_probability_min,
        "captions": [_caption(answer, i) for i in range(len(result.rankings))],
        "pieces": pieces,
        "closely": closely,
        "seconds": _seconds(result, reused=answer.reused),
        "engine": _engine(result),
        "reason": result.provenance.get("engine_reason", ""),
        "warnings": [note for note in result.warnings if note not in told],
        "result": result.to_dict(),
    }


def _save_as(file_name: str) -> str:
    """The name of downloads without its ending: letters, digits and marks that every disk takes."""
    stem = _UNSAFE.sub("-", file_name.rpartition(".")[0] or file_name).strip("-._")
    return f"{stem[:_STEM_CHARS_MAX].rstrip('-._')}-spotter" if stem else "spotter"


def _caption(answer: Answer, position: int) -> dict[str, object]:
    ranking = answer.result.rankings[position]
    reading = ranking.reading
    return {
        "caption": ranking.caption,
        "color": color_index(position),
        "mark": mark_index(position),
        "found": ranking.found,
        "verdict": verdict_of(ranking, answer.found_probability_min),
        "grasp": reading.grasp,
        "answer": ranking.answer_row,
        "nearest": ranking.nearest_row,
        "like": like_rows(ranking),
        "plural": reading.is_plural,
        "notes": list(notes_of(ranking)),
        "contrast": contrast_note(ranking, answer.result),
        "about": "" if reading.about == ranking.caption else reading.about,
        "found_probability": float(ranking.found_probability),
        "order": ranking.order.tolist(),
        "probability": ranking.score.astype(float).tolist(),
        "evidence": ranking.evidence.astype(float).tolist(),
    }


def _seconds(result: Result, *, reused: bool) -> dict[str, float]:
    """Time of each stage that ran for this answer, and their total, in seconds."""
    seconds = result.seconds
    if reused:
        return {"rerank": seconds["answer"], "total": seconds["answer"]}
    names = ("decode", "detect", "cut", "upscale", "rerank", "total")
    return {name: seconds[name] for name in names if name in seconds}


def _engine(result: Result) -> str:
    """For example "mini on OpenVINO bf16, 2 threads"."""
    provenance = result.provenance
    preset = provenance.get("preset", "")
    if provenance.get("engine", "none") == "none":
        return preset
    name = _ENGINE_NAMES.get(provenance["engine"], provenance["engine"])
    threads = provenance.get("threads", "")
    count = f", {threads} thread{'' if threads == '1' else 's'}" if threads else ""
    return f"{preset} on {name} {provenance.get('precision', '')}".strip() + count


def present_crops(pair: CropPair) -> dict[str, object]:
    """Return one crop before and after upscaling, as data addresses, with its size in pixels."""
    height, width = pair.cut.shape[:2]
    return {
        "cut": _small_url(pair.cut),
        "upscaled": _small_url(pair.upscaled) if pair.upscaled is not None else None,
        "width": width,
        "height": height,
        "scale": f"{pair.scale:g}",
        "note": text.CROP_NOTES["large" if pair.upscaling else "off"],
    }


def _small_url(image: Image) -> str:
    """The crop no larger than the page shows it; an object may fill a large photograph."""
    if max(image.shape[:2]) > _CROP_SIDE_MAX:
        small = to_pil(image)
        small.thumbnail((_CROP_SIDE_MAX, _CROP_SIDE_MAX))
        image = to_image(small)
    return data_url(encode_image(image), "png")


def present_nothing() -> dict[str, object]:
    """Return the mapping for the browser while there is no caption yet."""
    return _without_answer("nowhere", "")


def present_readiness(found: Readiness, preset: str) -> dict[str, object]:
    """Return what runs the networks and why; or what is missing, with a note and a command each."""
    words = text.SETTINGS
    if found.ok:
        said = words["ready"].format(engine=found.engine.rstrip("."))
    elif found.engine:
        said = words["missing"].format(preset=preset)
    else:
        said = found.missing[-1][:1].upper() + found.missing[-1][1:]
    steps, lacking = [], []
    for what in found.missing:
        run = _COMMAND.search(what)
        note, command = (what[: run.start()], what[run.end() :]) if run else (what, "")
        step = {"note": f"{note[:1].upper()}{note[1:].strip()}", "command": command}
        one = _ONE_MODEL.fullmatch(command)
        if one and one[1] == "download":
            lacking.append(step["note"])
        else:
            steps.append(step)
    packages, models = install_steps(preset)
    if lacking:
        steps.append({"note": " ".join(lacking), "command": models})
    if any(step["command"].startswith("python app.py export") for step in steps):
        steps.insert(0, {"note": "", "command": packages})
    return {"ok": found.ok, "said": said, "steps": steps}


def settings_of(config: LocateConfig) -> dict[str, object]:
    """Return those settings that the page can change and a preset sets."""
    return {
        "score_min": config.detect.score_min,
        "iou_max": config.detect.iou_max,
        "upscale": config.upscale.mode != "none",
        "tiles": config.detect.tile_wh is not None,
    }


def data_url(data: bytes, format: Literal["png", "jpeg", "webp"]) -> str:
    """Return the file of a picture as an address that holds the file itself."""
    return f"data:image/{format};base64,{base64.b64encode(data).decode('ascii')}"


def drawn_url(image: Image) -> str:
    """Return an annotated picture as an address: PNG, but JPEG where that would be huge."""
    pixels = image.shape[0] * image.shape[1]
    format: Literal["png", "jpeg"] = "png" if pixels <= _PNG_MAX_PIXELS else "jpeg"
    return data_url(encode_image(image, format=format), format)


def present_error(error: SpotterError) -> dict[str, object]:
    """Return the mapping for the browser that shows an error where its cause is."""
    at = "page"
    if isinstance(error, CaptionError):
        at = "captions"
    elif isinstance(error, ImageError):
        at = "picture"
    return _without_answer(at, sentence(error))


def _without_answer(at: str, message: str) -> dict[str, object]:
    return {"serial": next(_SERIAL), "error": {"at": at, "message": message}}


def sentence(error: SpotterError) -> str:
    """Return an error as a sentence; a file's name at its start keeps its letters."""
    message = text.ERRORS["internal"] if isinstance(error, InternalError) else str(error)
    if _FILE_FIRST.match(message):
        return message
    return message[:1].upper() + message[1:]
