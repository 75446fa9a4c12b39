"""A process that is killed at any moment loses nothing that was answered and damages nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core.image import encode_image
from project.pictures import read_picture
from project.store import Project

ROOT = Path(__file__).parents[2]
IMAGES = 6

# Edits and proposals in turn; each is written down only after it was answered.
WORKER = """
import json, os, sys
from pathlib import Path
import numpy as np
from project.proposals import Proposal
from project.store import Project
from project.types import Accept, Add, Delete, Move

folder, seed = Path(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(seed)
told = os.open(folder / f"told-{seed}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
with Project.open(folder) as project:
    ids = [image.id for image in project.images("added")]
    print("ready", flush=True)
    while True:
        image_id = int(rng.choice(ids))
        x, y = rng.uniform(0, 40, 2).round(2).tolist()
        box = (x, y, x + 8, y + 6)
        if rng.random() < 0.3:
            # Another place each time: the last proposal is replaced as a whole.
            image = project.propose(image_id, [Proposal(box)], source="model:m", key=str(x))
            row = {"image": image_id, "version": image.version}
        else:
            boxes = project.boxes(image_id)
            edits = [Add(box)]
            if boxes:
                edits += [Move(boxes[0].id, box)] if rng.random() < 0.5 else [Delete(boxes[0].id)]
            version = project.image(image_id).version
            applied = project.apply(image_id, edits, who=f"w{seed}", version=version)
            row = {"image": image_id, "version": applied.image.version, "edit": applied.edit_id,
                   "added": applied.changed[0].id, "xyxy": box}
        os.write(told, (json.dumps(row) + "\\n").encode())
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    with Project.create(folder, "killed") as project:
        for seed in range(IMAGES):
            noise = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
            project.add(read_picture(encode_image(noise), "n"), str(seed))
    return folder


def _work_and_kill(folder: Path, seed: int, wait_s: float) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), str(seed)],
        stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(wait_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def _check(folder: Path) -> int:
    """Number of answered edits, all of which must be there."""
    count = 0
    with Project.open(folder) as project:
        assert project.problems() == []
        versions = {image.id: image.version for image in project.images("added")}
        for path in folder.glob("told-*.jsonl"):
            lines = path.read_bytes().split(b"\n")
            for line in lines[:-1]:
                row = json.loads(line)
                count += 1
                assert versions[row["image"]] >= row["version"]
                if "added" in row:
                    [first, *_] = project.history(row["added"])
                    assert first.edit_id == row["edit"]
                    assert first.after["xyxy"] == pytest.approx(row["xyxy"])
        for image_id in versions:
            image, boxes = project.image(image_id), project.boxes(image_id)
            states = [box.state for box in boxes]
            assert image.confirmed == states.count("confirmed")
            assert image.proposed == states.count("proposed") <= 1
    return count


def test_a_kill_loses_no_answered_edit(pictures: Path) -> None:
    _work_and_kill(pictures, 0, 0.25)
    assert _check(pictures) > 0


@pytest.mark.slow
def test_fifty_kills_lose_no_answered_edit(pictures: Path) -> None:
    rng = np.random.default_rng(0)
    for seed in range(50):
        _work_and_kill(pictures, seed, float(rng.uniform(0.0, 0.4)))
        _check(pictures)
    assert _check(pictures) > 200
