"""Many pictures, one after the other: the only loop over a data file or a folder.

Writes a line as soon as a picture is done, so that a stopped run goes on where it ended; a broken
picture is recorded, does not stop the others, and is asked again by the next run. Each line says
which models and settings made it: a file holds answers of one kind only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm  # type: ignore[import-untyped]

from core.captions import clean_captions
from core.errors import CaptionError, DataError, SpotterError
from core.files import write_bytes
from core.image import WRITABLE, read_image, write_image
from core.result import Ranking, Result
from core.words import counted, listed
from dataset.data_file import Annotation, DataLine
from frontends.data import confined_path
from frontends.failures import telling_interrupts

if TYPE_CHECKING:
    from pipeline.locate import Locator
    from pipeline.rank import Assignment

__all__ = ["BatchSummary", "prediction", "run_batch", "whole_prediction"]

# How each line that is written here begins; anything else is another kind of file.
_LINE_START = b'{"image": '
_STAGES = ("decode", "detect", "cut", "upscale", "rerank", "total")
# What an answer depends on. Engines are left out: "auto" may choose another one on another machine.
_MADE_WITH = ("detector", "upscaler", "reranker", "config")


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """How many pictures were asked now and answered before; which of those now failed, and why."""

    done: int
    skipped: int
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def failed(self) -> int:
        """How many pictures could not be asked."""
        return len(self.errors)

    def sentence(self) -> str:
        """Return the summary as one line."""
        done = counted(self.done - self.failed, "picture")
        counts = f"{done} done, {self.skipped} kept from before"
        if not self.errors:
            return f"{counts}."
        names = listed([name for name, _ in self.errors])
        which = f" ({names}), the first" if self.failed > 1 else ""
        return (
            f"{counts}; {self.failed} failed{which}: {self.errors[0][1]} "
            "The same command asks the failed ones again."
        )


def run_batch(
    locator: Locator,
    *,
    lines: Sequence[DataLine],
    images: Path,
    output: Path,
    assignment: Assignment = "independent",
    drawings: Path | None = None,
    links: bool = False,
    show_progress: bool = True,
) -> BatchSummary:
    """Locate all captions of all pictures and write one line per picture.

    Args:
        locator: the pipeline.
        lines: pictures and what each is asked, see `frontends.data`. A caption that a line has
            twice is answered once, unless jointly: there both mean two objects.
        images: folder of the pictures; names that lead out of it are refused.
        output: JSON lines, appended; pictures already in it are skipped, but those that failed
            lose their line and are asked again. A picture that stands in the data twice is
            answered twice.
        assignment: "joint" gives no box to two captions of a picture.
        drawings: folder for the pictures with their boxes drawn in, under the same names; only
            of those that are located now.
        links: the lines are of `frontends.data.folder_data`: who runs this chose the folder, so
            that links in it may lead out.
        show_progress: draw a bar on stderr.

    Raises:
        DataError: the output is no file of predictions, or it answers other captions than are
            asked, or with other models or settings, or it cannot be written: a full disk loses
            no line that was written before. `drawings` overlaps `images`, or links lead there.
    """
    if drawings is not None:
        _refuse_same_folder(images, drawings, lines if links else ())
    lines = [_described(line) for line in lines]
    if assignment == "independent":
        lines = [_once(line) for line in lines]
    made_with = _made_with(locator, assignment)
    with _told(output):
        before = _repair(output, made_with)
        output.parent.mkdir(parents=True, exist_ok=True)
        output.open("ab").close()  # what cannot be written is said before the work, not after
    open_lines = _not_answered(lines, before, output)
    failed = {
        line.image
        for line in open_lines
        if any("error" in row for row in before.get(line.image, []))
    }
    with _told(output):
        _take_out_failed(output, failed)
    errors: list[tuple[str, str]] = []
    kept = done = len(lines) - len(open_lines)
    with telling_interrupts(lambda: f"{done} of {counted(len(lines), 'picture')} done."):
        for line in tqdm(open_lines, unit="picture", disable=None if show_progress else True):
            row, result = _locate_line(locator, line, images, assignment, links)
            errors += [(line.image, row["error"])] if "error" in row else []
            if drawings is not None and result is not None:
                with _told(drawings):
                    path = _picture(images, line.image, links)
                    target = drawings / path.relative_to(images.resolve())
                    _draw(path, target, result, locator)
            with _told(output):
                _append(output, {**row, "provenance": made_with})
            done += 1
    return BatchSummary(len(open_lines), kept, tuple(errors))


def prediction(image: str, result: Result) -> dict[str, object]:
    """Return one line of the output.

    "bbox" of a caption is its best box even when it is not believed ("found" says whether);
    it is null where nothing was detected or understood. "fitting" are all boxes that a plural
    means. Boxes are left, top, width, height in pixels.
    """
    boxes = [_ltwh(xyxy) for xyxy in result.detections.xyxy.astype(float).tolist()]
    scores = result.detections.score.astype(float).tolist()
    return {
        "image": image,
        "size": list(result.image_wh),
        "detections": [
            {"bbox": box, "score": _short(score)} for box, score in zip(boxes, scores, strict=True)
        ],
        "results": [_caption_row(ranking, boxes, scores) for ranking in result.rankings],
        "seconds": {name: _short(result.seconds.get(name, 0.0), 6) for name in _STAGES},
    }


def whole_prediction(image: str, result: Result, assignment: Assignment) -> dict[str, object]:
    """Return a line of the output with all else that the result tells, under its own names."""
    line, own = prediction(image, result), result.to_dict()
    more = {key: own[key] for key in ("image_wh", "rankings", "warnings")}
    provenance = {**result.provenance, "assignment": assignment}
    return {**line, "provenance": provenance, **more}


def _caption_row(
    ranking: Ranking, boxes: list[list[float]], scores: list[float]
) -> dict[str, object]:
    best = ranking.nearest_row
    return {
        "caption": ranking.caption,
        "found": ranking.found,
        "bbox": None if best is None else boxes[best],
        "score": 0.0 if best is None else _short(float(ranking.score[best])),
        "probability": _short(ranking.found_probability),
        "margin": _short(ranking.margin),
        "about": ranking.reading.about,
        "places": list(ranking.reading.places),
        "nth": ranking.reading.nth,
        "notes": list(ranking.reading.notes),
        "fitting": [boxes[row] for row in ranking.fitting_rows],
        "candidates": [
            {
                "bbox": boxes[row],
                "score": _short(float(ranking.score[row])),
                "logit": _short(float(ranking.logit[row])),
                "detector": _short(scores[row]),
                "evidence": _short(float(ranking.evidence[row])),
            }
            for row in ranking.order.tolist()
        ],
    }


def _locate_line(
    locator: Locator, line: DataLine, images: Path, assignment: Assignment, links: bool
) -> tuple[Mapping[str, Any], Result | None]:
    try:
        path = _picture(images, line.image, links)
        result = locator.locate([path], [line.captions], assignment=assignment)[0]
    except SpotterError as error:
        return {"image": line.image, "error": str(error)}, None
    return prediction(line.image, result), result


def _picture(images: Path, name: str, links: bool) -> Path:
    # A link's own path, which its drawing is named by, not that of what it leads to.
    return images.resolve() / name if links else confined_path(images, name)


def _refuse_same_folder(images: Path, drawings: Path, linked: Sequence[DataLine]) -> None:
    """The drawn pictures have the names of the pictures: they must not replace any."""
    one, other = images.resolve(), drawings.resolve()
    # `resolve` raises where links go in circles.
    pictures = (Path(os.path.realpath(one / line.image)) for line in linked)
    if other.is_relative_to(one) or any(path.is_relative_to(other) for path in (one, *pictures)):
        raise DataError(
            f"{drawings} and {images} overlap, so drawn pictures could replace yours.",
            "Give a folder beside them.",
        )


def _draw(path: Path, target: Path, result: Result, locator: Locator) -> None:
    from frontends.ui.draw import draw_result

    if target.suffix.lower() not in WRITABLE:
        target = target.with_name(f"{target.name}.png")
    target.parent.mkdir(parents=True, exist_ok=True)
    image = read_image(path, max_pixels=locator.max_pixels)
    limit = locator.calibration.found_probability_min
    write_image(draw_result(image, result, limit=limit), target)


def _made_with(locator: Locator, assignment: Assignment) -> dict[str, str]:
    known = locator.provenance
    return {name: known[name] for name in _MADE_WITH if name in known} | {"assignment": assignment}


def _not_answered(
    lines: Sequence[DataLine], before: Mapping[str, list[dict[str, Any]]], output: Path
) -> list[DataLine]:
    """The pictures still to be asked: an answer is known by its captions, not by its place.

    Raises:
        DataError: a picture to be asked has an answer to other captions.
    """
    answers = {
        image: [row["captions"] for row in rows if "error" not in row]
        for image, rows in before.items()
    }
    still = []
    for line in lines:
        asked, known = _asked(line), answers.get(line.image, [])
        if asked in known:
            known.remove(asked)
        else:
            still.append(line)
    for line in still:
        if answers.get(line.image):
            raise DataError(
                f"{output} answers other captions for {line.image} than are asked now.",
                "Give another --output, or remove the file.",
            )
    return still


def _asked(line: DataLine) -> list[str] | None:
    try:
        return clean_captions(line.captions)
    except CaptionError:
        return None  # nobody answers that


def _described(line: DataLine) -> DataLine:
    """The line without boxes that nobody described: data sets have them, and they ask nothing."""
    told = [one for one in line.annotations if one.caption.strip() or one.xyxy is None]
    return replace(line, annotations=tuple(told))


def _once(line: DataLine) -> DataLine:
    """The line with each caption once, where it stands first."""
    known: dict[str, Annotation] = {}
    for annotation in line.annotations:
        known.setdefault(annotation.caption, annotation)
    return replace(line, annotations=tuple(known.values()))


def _take_out_failed(output: Path, images: Collection[str]) -> None:
    """Remove the lines that say why these pictures failed: they get new ones."""
    if not images:
        return
    kept = []
    for text in output.read_bytes().splitlines(keepends=True):
        row = json.loads(text)
        if "error" not in row or row["image"] not in images:
            kept.append(text)
    write_bytes(output, b"".join(kept))


@contextmanager
def _told(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot write {output}: {error.strerror or error}.",
            "Give another --output, or make room: the same command goes on where it ended.",
        ) from error


def _repair(output: Path, made_with: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The rows already done, by picture, in order; cuts off a half-written end of the file.

    Raises:
        DataError: a whole line is not a prediction (this is another kind of file), or was made
            with other models or settings.
    """
    if not output.exists():
        return {}
    content = output.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    rest = content[len(whole) :]
    if not _is_cut_short(rest):
        raise _no_prediction(output, whole.count(b"\n") + 1)
    done: dict[str, list[dict[str, Any]]] = {}
    for number, text in enumerate(whole[:-1].split(b"\n") if whole else [], start=1):
        try:
            row = json.loads(text)
            done.setdefault(str(row["image"]), []).append(_summary(row))
            before = dict(row.get("provenance", {}))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _no_prediction(output, number) from error
        _check_made_with(before, made_with, output)
    if len(whole) < len(content):
        with output.open("rb+") as file:
            file.truncate(len(whole))
    return done


def _is_cut_short(rest: bytes) -> bool:
    """Whether this is what a killed run leaves of a line; nothing is that, too."""
    if not _LINE_START.startswith(rest[: len(_LINE_START)]):
        return False
    try:
        row = json.loads(rest or b"{")
    except ValueError:
        return True
    return isinstance(row, dict) and "provenance" in row  # all of it but the end of the line


def _no_prediction(output: Path, line: int) -> DataError:
    return DataError(
        f"{output}, line {line} is no prediction.", "Give another --output, or remove the file."
    )


def _check_made_with(before: Mapping[str, str], made_with: Mapping[str, str], output: Path) -> None:
    if before == made_with:
        return
    known, wanted = _one_by_one(before), _one_by_one(made_with)
    for name in (*wanted, *known):
        old, new = known.get(name, "not told"), wanted.get(name, "not told")
        if old != new:
            raise DataError(
                f"{output} holds answers made with another {name} ({old}, now {new}).",
                "Give another --output, or repeat the command that began this one.",
            )


def _one_by_one(made_with: Mapping[str, str]) -> dict[str, str]:
    """Models, then settings by their keys."""
    pairs = (pair.partition("=") for pair in str(made_with.get("config", "")).split())
    models = {name: text for name, text in made_with.items() if name != "config"}
    return models | {key: value for key, _, value in pairs}


def _summary(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of a line, what resuming needs: a large output does not fill the memory."""
    if "error" in row:
        return {"error": row["error"]}
    return {"captions": [result["caption"] for result in row["results"]]}


def _append(output: Path, row: Mapping[str, Any]) -> None:
    """Write a line and make sure that it is on the disk before the next picture."""
    with output.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _ltwh(xyxy: list[float]) -> list[float]:
    x1, y1, x2, y2 = xyxy
    return [_short(x1, 2), _short(y1, 2), _short(x2 - x1, 2), _short(y2 - y1, 2)]


def _short(value: float, digits: int = 5) -> float:
    return round(float(value), digits)
