"""Three pictures with captions, asked in a batch; what both files of its tests need."""

from __future__ import annotations

import json
from pathlib import Path

from dataset.data_file import read_data
from frontends.batch import BatchSummary, run_batch
from pipeline.locate import Locator

__all__ = ["rows", "run", "three_pictures"]


def three_pictures(folder: Path, picture: Path) -> Path:
    """Return a data file of three good pictures, which lie beside it."""
    lines = []
    for name in ("a.png", "b.png", "c.png"):
        (folder / name).write_bytes(picture.read_bytes())
        captions = [{"caption": "red thing"}, {"caption": "green thing"}]
        lines.append(json.dumps({"image": name, "annotations": captions}) + "\n")
    path = folder / "data.jsonl"
    path.write_text("".join(lines))
    return path


def run(locator: Locator, data: Path, output: Path, **options) -> BatchSummary:
    """Ask all pictures of a data file."""
    lines = read_data(data)
    return run_batch(
        locator, lines=lines, images=data.parent, output=output, show_progress=False, **options
    )


def rows(output: Path) -> list[dict]:
    """Return the lines of the answers."""
    return [json.loads(line) for line in output.read_text().splitlines()]
