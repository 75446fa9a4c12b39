"""Measure the public upscaler in windows of real context against padding crops one by one.

    python -m benchmarks.upscale --weights realesr-general-x4v3.pth --json result.json

Photographs are degraded to a quarter of their size, regions of mixed size are enlarged both ways,
and both are compared with the photograph, and with the network run on the whole small picture.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.one_by_one import PADDING_PX, OneByOneUpscaler
from convert.source import Source
from convert.upscaler import convert
from core.files import write_json
from core.image import read_image
from core.packages import import_spandrel
from core.types import Crops, Detections, Image
from pipeline.config import EngineConfig, UpscaleConfig
from pipeline.cut import cut
from pipeline.engines.base import Engine, Feeds
from pipeline.engines.choose import choose_engine
from pipeline.engines.machine import probe_machine
from pipeline.models import Model, write_model
from pipeline.networks import open_engine
from pipeline.upscale.compact import CompactUpscaler
from training.degrade import LEVELS, degrade

__all__ = ["Counted", "compare", "main"]

PICTURES = Path(__file__).parents[1] / "assets" / "examples"
SIDES_PX = (12, 80)


class Counted:
    """An engine that counts its calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self.calls = 0

    def run(self, feeds: Feeds) -> dict[str, NDArray]:
        """Return the outputs by name."""
        self.calls += 1
        return self._engine.run(feeds)


def compare(weights: Path, *, num_crops: int, margin_px: int, seed: int = 0) -> dict[str, object]:
    """Return the figures.

    Args:
        weights: Real-ESRGAN x4v3, .pth.
        num_crops: How many crops, shared by the photographs.
        margin_px: Real context around each crop.
        seed: Of regions and damage.
    """
    rng = np.random.default_rng(seed)
    config = UpscaleConfig(below_px=512, margin_px=margin_px)
    with tempfile.TemporaryDirectory() as folder:
        engine = _open(weights, Path(folder))
    upscaler = CompactUpscaler(engine, config)
    module = import_spandrel().ModelLoader(device="cpu").load_from_file(weights).model
    padded = OneByOneUpscaler(module.eval(), below_px=512)
    paths = sorted(PICTURES.glob("*.jpg"))
    ours: list[float] = []
    theirs: list[float] = []
    gaps: list[int] = []
    inside: list[bool] = []
    calls: list[int] = []
    for number, path in enumerate(paths):
        truth = read_image(path)
        truth = truth[: truth.shape[0] // 8 * 4, : truth.shape[1] // 8 * 4]
        small = degrade(truth, LEVELS[number % len(LEVELS)], rng=rng)
        crops = _draw(small, num_crops // len(paths) + 1, rng)
        before = engine.calls
        windows = upscaler([crops])[0]
        calls.append(engine.calls - before)
        alone = padded([crops])[0]
        whole = engine.run({engine.inputs[0].name: _batch(small)})[engine.outputs[0].name][0]
        for row, region in enumerate(crops.region_xyxy):
            x1, y1, x2, y2 = (4 * region).tolist()
            expected = np.rint(np.clip(whole[:, y1:y2, x1:x2], 0, 1) * 255).transpose(1, 2, 0)
            gaps.append(int(np.abs(windows.images[row].astype(int) - expected).max()))
            # Beyond the picture's edge there is no real context: both invent it, differently.
            reach = [
                *(region[:2] - margin_px),
                *(np.array(small.shape[1::-1]) - region[2:] - margin_px),
            ]
            inside.append(min(reach) >= 0)
            ours.append(_psnr(windows.images[row], truth[y1:y2, x1:x2]))
            theirs.append(_psnr(alone.images[row], truth[y1:y2, x1:x2]))
    better = np.array(ours) - np.array(theirs)
    return {
        "crops": len(ours),
        "margin_px": margin_px,
        "most_calls_for_a_picture": max(calls),
        "against_the_whole_picture_grey_levels": {
            "crops_away_from_the_edge": int(sum(inside)),
            "largest_there": int(max(np.array(gaps)[inside], default=0)),
            "share_within_1_of_all": float(np.mean(np.array(gaps) <= 1)),
        },
        "psnr_db": {
            "windows_with_real_context": float(np.mean(ours)),
            f"padded_by_{PADDING_PX}_px_one_by_one": float(np.mean(theirs)),
            "mean_gain": float(better.mean()),
            "share_at_least_as_good": float((better >= -1e-3).mean()),
        },
    }  # fmt: skip


def _open(weights: Path, folder: Path) -> Counted:
    model = write_model(folder, convert(Source(weights, _ENTRY), folder))
    choice = choose_engine(EngineConfig(engine="onnxruntime", device="cpu"), probe_machine())
    return Counted(open_engine(model.file("upscaler.onnx"), choice))


_ENTRY = Model(id="realesrgan-x4v3", task="upscale", family="compact")


def _draw(small: Image, count: int, rng: np.random.Generator) -> Crops:
    """Regions of mixed size and shape, anywhere in the picture."""
    height, width = small.shape[:2]
    sides = np.exp(rng.uniform(*np.log(SIDES_PX), count))
    ratio = rng.uniform(0.5, 1, count)
    wh = np.stack([sides, sides * ratio], axis=1).clip(8, min(height, width) - 1)
    low = rng.uniform(0, 1, (count, 2)) * (np.array([width, height]) - wh)
    boxes = np.concatenate([low, low + wh], axis=1)
    return cut(small, Detections.from_xyxy(boxes, (width, height)), context_ratio=0.0, shape="box")


def _batch(image: Image) -> NDArray[np.float32]:
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) / np.float32(255)


def _psnr(got: Image, expected: Image) -> float:
    error = np.mean((got.astype(np.float64) - expected) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-6)))


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, measure, print or write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--crops", type=int, default=200)
    parser.add_argument("--margin", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    figures = compare(options.weights, num_crops=options.crops, margin_px=options.margin)
    result = {"machine": describe_machine(), "commit": describe_commit(), **figures}
    if options.json:
        write_json(options.json, result)
    print(figures)


if __name__ == "__main__":
    main()
