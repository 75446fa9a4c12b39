"""Desks with projects, and uploads to them, as the tests of the tab Annotate need them."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

from core.image import encode_image
from frontends.desk import Desk
from frontends.desk_runs import start_import
from frontends.material import Brought
from frontends.runs import wait_for
from frontends.service import Service, read_limits
from frontends.visits import Visit


def open_desk(tmp_path: Path, *, shared: bool, room: int = 2_000_000_000) -> Desk:
    folder = tmp_path / "projects" if shared else None
    limits = replace(read_limits({}), preset="fake", projects_folder=folder, visit_max_bytes=room)
    return Desk(Service(limits), visits_root=tmp_path / "desks")


def bring(desk: Desk, visit: Visit, key: str, *files: tuple[str, bytes]) -> str:
    brought = []
    for number, (name, data) in enumerate(files):
        path = desk.visits.enter("uploads").folder / f"{number}{Path(name).suffix}"
        path.write_bytes(data)
        brought.append(Brought(path, name))
    run = start_import(desk, visit, key, brought)
    wait_for(run, 20)
    return run.said


def packed(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in folder.rglob("*"):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return buffer.getvalue()


def noise(seed: int) -> bytes:
    """A picture of about 60 kB."""
    import numpy as np

    pixels = np.random.default_rng(seed).integers(0, 256, (100, 200, 3), dtype=np.uint8)
    return encode_image(pixels)
