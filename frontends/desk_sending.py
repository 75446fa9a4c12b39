"""An answer of the tab Locate into a project: the picture, and its boxes as proposals.

Knows no page. In: a picture's file and what was located in it; out: the project and image.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.result import Result
from frontends.desk import Desk
from frontends.visits import Visit
from project.folders import ProjectInfo
from project.pictures import read_picture
from project.prelabel import proposals_of
from project.types import MODEL

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
    rows = (result.detections.score >= score_min).nonzero()[0].tolist()
    proposals, asked = proposals_of(result, rows)
    if is_new:
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
