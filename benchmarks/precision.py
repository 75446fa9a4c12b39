"""Whether 16-bit numbers inside the reranker rank crops as 32-bit ones do.

    python -m benchmarks.precision --count 400 --json

Synthetic crops of the shipped gallery, cut and upscaled as in use, in pictures of four. Each
caption orders the six pairs of its picture's crops: the share that every precision orders alike is
what counts. On a CPU both 16-bit formats are emulated: float16 by ONNX Runtime, which rounds
between layers and multiplies in 32 bits as a GPU's accumulators do; bfloat16 by PyTorch.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import combinations
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.reference import load_reranker
from convert.half import to_half
from core.image import image_wh
from core.types import Crops, Image
from pipeline.catalog import find_model
from pipeline.config import load_config
from pipeline.cut import CONTEXT_RATIO
from pipeline.engines.base import Engine
from pipeline.engines.ort_engine import OrtEngine
from pipeline.rerank.siglip import SiglipReranker
from synth.library import read_library
from training.crop_scenes import CropConfig, draw_scene
from training.crops import IMAGE_PX, cut_batch, open_upscaler

__all__ = ["compare_orders", "main", "make_crops"]

ASSETS = Path(__file__).parents[1] / "assets"
PICTURE = 4  # crops in a picture
BATCH = 64


def make_crops(count: int, *, seed: int = 0) -> tuple[list[Image], list[str]]:
    """Return crops of 96 px with one labelled object each, and their captions.

    Args:
        count: How many.
        seed: The same seed gives the same crops.
    """
    library = read_library(ASSETS / "cutouts", ASSETS / "backgrounds")
    upscale = open_upscaler(find_model("spotter-upscaler-x4", "upscale").file("upscaler.onnx"))
    rng = np.random.default_rng(seed)
    crops: list[Image] = []
    captions: list[str] = []
    while len(crops) < count:
        scene = draw_scene(library, CropConfig(nothing_ratio=0), rng)
        if scene.cutout is not None:
            crops.append(
                cut_batch(
                    [scene.image],
                    [scene.box_xyxy],
                    upscale,
                    side_px=IMAGE_PX,
                    context_ratio=CONTEXT_RATIO,
                )[0]
            )
            captions.append(scene.cutout.caption)
    return crops, captions


def compare_orders(
    logits: NDArray[np.float32], other: NDArray[np.float32]
) -> dict[str, float | int]:
    """Return how far two sets of logits agree.

    Args:
        logits: (pictures, captions, crops) in 32 bits.
        other: The same in another precision.
    """
    pairs = np.array(list(combinations(range(logits.shape[2]), 2)))
    gaps, other_gaps = (each[..., pairs[:, 0]] - each[..., pairs[:, 1]] for each in (logits, other))
    is_same = np.sign(gaps) == np.sign(other_gaps)
    return {
        "pairs": int(is_same.size),
        "pairs_alike": round(float(is_same.mean()), 5),
        "first_alike": round(float((logits.argmax(2) == other.argmax(2)).mean()), 5),
        "largest_logit_difference": round(float(np.abs(logits - other).max()), 4),
        # How near the two crops of a pair were that changed places, in logits.
        "largest_gap_turned": round(float(np.abs(gaps[~is_same]).max(initial=0)), 4),
    }


def _logits(
    reranker: SiglipReranker,
    crops: Sequence[Image],
    captions: Sequence[str],
    context: AbstractContextManager[object],
) -> NDArray[np.float32]:
    """Logits of every picture's captions and crops, (pictures, 4, 4)."""
    with context:
        images = np.concatenate(
            [reranker.embed_images([_as_crops(crops[i : i + BATCH])])[0]
             for i in range(0, len(crops), BATCH)]
        )  # fmt: skip
        texts = reranker.embed_texts(captions)
    groups = np.arange(len(crops)).reshape(-1, PICTURE)
    return np.stack([reranker.logits(images[rows], texts[rows]) for rows in groups])


def _as_crops(images: Sequence[Image]) -> Crops:
    sizes = [(0, 0, *image_wh(image)) for image in images]
    count = len(images)
    return Crops(tuple(images), np.array(sizes), np.arange(count), np.ones(count, np.float32))


def _open_half(path: Path) -> Engine:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    graph = to_half(onnx.load(str(path))).SerializeToString()
    return OrtEngine(
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--count", type=int, default=400, help="crops, a multiple of four")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    config = load_config()
    model = find_model(config.rerank.model, "rerank")
    crops, captions = make_crops(max(1, arguments.count // PICTURE) * PICTURE, seed=arguments.seed)
    plain = load_reranker(config)
    half = SiglipReranker.open(model, config.rerank, _open_half)
    wide = _logits(plain, crops, captions, nullcontext())
    report = {
        "machine": describe_machine(),
        "commit": describe_commit(),
        "command": f"python -m benchmarks.precision --count {arguments.count} "
        f"--seed {arguments.seed} --json",
        "reranker": config.rerank.model,
        "crops": len(crops),
        "float16": compare_orders(wide, _logits(half, crops, captions, nullcontext())),
        "bfloat16": compare_orders(
            wide, _logits(plain, crops, captions, torch.autocast("cpu", torch.bfloat16))
        ),
    }
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for name in ("float16", "bfloat16"):
        print(name, ", ".join(f"{key} {value}" for key, value in report[name].items()))


if __name__ == "__main__":
    main()
