"""An answer of the tab Locate into a project: the picture, and its boxes as proposals.

Knows no page. In: a picture's file and what was located in it; out: the project and image.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.result import Ranking, Result
from frontends.desk import Desk
from frontends.visits import Visit
from project.folders import ProjectInfo
from project.pictures import read_picture
from project.proposals import Proposal
from project.types import MODEL, Asked

__all__ = ["Sent", "send_answer"]


@dataclass(frozen=True, slots=True)
class Sent:
    """Where an answer went.

    Args:
        key: The project.
        name: Its name.
        image_id: The image in it.
        num_boxes: How many boxes wait there for a person; those that were there do not count.
    """

    key: str
    name: str
    image_id: int
    num_boxes: int


def send_answer(
    desk: Desk,
    visit: Visit,
    path: Path,
    result: Result,
    *,
    wished: str,
    default_name: str,
    score_min: float = 0.0,
) -> Sent:
    """Put a picture into a project, with its boxes beside whatever is there.

    Args:
        desk: Has the projects.
        visit: Whose they are.
        path: The picture's file.
        result: What was found in it; the box that answers a caption gets it.
        wished: Key of the project; one that is not there is no error.
        default_name: The project that is used, or made, then.
        score_min: Boxes of a lower detector score stay behind.

    Raises:
        ImageError: The picture cannot be read.
        InputError: It is gone, or the visitor's room is full.
    """
    desk.check_room(visit)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError("this picture is no longer kept.", "Choose it again.") from error
    picture = read_picture(data, path.name, max_pixels=desk.limits.max_pixels)
    key = _choose(desk, visit, wished, default_name)
    project = desk.project(visit, key)
    image_id, is_new = project.add(picture, path.stem)
    source = MODEL + (result.provenance.get("preset", "") or "own")
    proposals = _proposals(result, score_min)
    if is_new:
        asked = [Asked(r.caption, r.found, r.found_probability, False) for r in result.rankings]
        project.propose(image_id, proposals, source=source, key="", asked=asked)
        return Sent(key, project.name, image_id, len(project.boxes(image_id)))
    count = project.propose_more(image_id, proposals, source=source)
    return Sent(key, project.name, image_id, count)


def _choose(desk: Desk, visit: Visit, wished: str, default_name: str) -> str:
    usable = [info for info in desk.projects(visit) if not info.problem]
    known = {info.folder.name for info in usable}
    if wished in known:
        return wished
    named: ProjectInfo | None = next((one for one in usable if one.name == default_name), None)
    return named.folder.name if named else desk.create(visit, default_name, ())


def _proposals(result: Result, score_min: float) -> list[Proposal]:
    """Boxes from a score on; where two captions mean one, the one that fits better names it."""
    best: dict[int, Ranking] = {}
    for ranking in result.rankings:
        row = ranking.answer_row
        if row is not None and (row not in best or ranking.logit[row] > best[row].logit[row]):
            best[row] = ranking
    shown = (result.detections.score >= score_min).nonzero()[0].tolist()
    return [_proposal(result, row, best.get(row)) for row in shown]


def _proposal(result: Result, row: int, ranking: Ranking | None) -> Proposal:
    x1, y1, x2, y2 = result.detections.xyxy[row].astype(float).tolist()
    score = float(result.detections.score[row])
    if ranking is None:
        return Proposal((x1, y1, x2, y2), detector=score)
    return Proposal(
        (x1, y1, x2, y2),
        caption=ranking.caption,
        detector=score,
        logit=float(ranking.logit[row]),
        probability=float(ranking.score[row]),
        margin=float(ranking.margin),
    )
