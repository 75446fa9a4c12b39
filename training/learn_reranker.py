"""Crops and captions of a project for the reranker: cut, mixed with synthetic ones, learnt.

Captions teach as far as their words are known (types and colors of ``synth.words``); others are
left out. In: the two parts of a project. Out: a model folder, if it is no worse on held-out
crops than the one before.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.files import read_json, write_json
from core.image import read_image
from dataset.record import Record
from synth.captions import COLORS, TYPES, Description, parse_caption
from training.crops import CACHE_PX, cut_batch, open_upscaler, write_shard
from training.export_reranker import export
from training.learn_data import Divided
from training.reranker import Config, load_model, load_start, train
from training.reranker_data import CropCache
from training.reranker_eval import evaluate_crops
from training.reranker_model import DualEncoder, ModelConfig, build_tokenizer

__all__ = ["RerankerOptions", "cut_crops", "learn_reranker"]

TRAIN_MIN, HELD_OUT_MIN, CAPTIONS_MIN = 32, 8, 4
_SHARES = {1: (1.0,), 2: (0.6, 0.4), 3: (0.45, 0.33, 0.22)}
_LEARNING_RATE = 2e-4


@dataclass(frozen=True, slots=True)
class RerankerOptions:
    """How the reranker learns.

    Args:
        start: Folder of the model to begin with; needs its weights as safetensors.
        minutes: How long.
        max_steps: At most this many steps; 0: by time alone.
        batch: Crops in a step.
        crops: Gives a cache of ``training.crops`` to mix in, or None; called once it is needed.
        upscaler: ONNX file of the upscaler, None: bicubic.
        threads: Threads to compute with.
        seed: Of all draws.
    """

    start: Path
    minutes: float
    max_steps: int = 0
    batch: int = 48
    crops: Callable[[], Path | None] = lambda: None
    upscaler: Path | None = None
    threads: int = 1
    seed: int = 0


def learn_reranker(
    divided: Divided,
    run: Path,
    options: RerankerOptions,
    keep_going: Callable[[float], bool],
    *,
    resume: bool = False,
) -> dict[str, object]:
    """Return what came of it: figures before and after, or why nothing was learnt.

    Args:
        divided: The project's images.
        run: Gets `crops/`, `reranker/` and, if it is no worse, `reranker-model/`.
        options: All settings.
        keep_going: Called with the share done; False ends the training early.
        resume: Continue the training that lies in the folder.
    """
    if not (options.start / "vision.safetensors").is_file():
        return {"left_out": f"{options.start.name} has no weights to train on"}
    own, held_out = run / "crops" / "own", run / "crops" / "held-out"
    counts = {
        "train": cut_crops(divided.train, own, options.upscaler),
        "held_out": cut_crops(divided.held_out, held_out, options.upscaler),
    }
    if counts["train"] < TRAIN_MIN or counts["held_out"] < HELD_OUT_MIN:
        return {"crops": counts, "left_out": "too few crops with captions of known words"}
    before = _evaluate_start(options.start, held_out)
    if before is None:
        return {"crops": counts, "left_out": "the held-out captions are too much alike"}
    mixed = _mix(own, options.crops(), run / "crops" / "mixed")
    out = run / "reranker"
    config = Config(
        crops=str(mixed), val_crops=str(held_out), out=str(out), batch=options.batch,
        negatives=options.batch // 2, learning_rate=_LEARNING_RATE, small_ratio=0.0,
        max_minutes=options.minutes, max_steps=options.max_steps or 1_000_000,
        evaluate_minutes=1e9, seed=options.seed, threads=options.threads,
        start_from=str(options.start),
    )  # fmt: skip
    train(config, resume=resume, keep_going=keep_going)
    after = evaluate_crops(load_model(out), _tokenizer(), CropCache(held_out))
    told = {"crops": counts, "before": before, "after": after}
    better = after["one_by_one"] >= before["one_by_one"]
    if better:
        _export(out, held_out, options.start, run / "reranker-model")
    return {**told, "taken": better}


def cut_crops(records: Sequence[Record], out: Path, upscaler: Path | None) -> int:
    """Write the crops of all boxes whose caption has known words, and return how many.

    They are cut and enlarged as in use, and form one shard of ``training.crops``.
    """
    meanings: list[Description] = []
    images: list[NDArray[np.uint8]] = []
    upscale = open_upscaler(upscaler)
    for record in records:
        told = [parse_caption(caption) for caption in record.captions]
        rows = [row for row, meaning in enumerate(told) if len(meaning.types) == 1]
        if rows:
            image = read_image(record.path)
            boxes = [record.xyxy[row].tolist() for row in rows]
            images.extend(cut_batch([image] * len(rows), boxes, upscale))
            meanings += [told[row] for row in rows]
    if not meanings:
        return 0
    arrays: dict[str, NDArray[np.generic]] = {
        "images": np.stack(images).reshape(-1, CACHE_PX, CACHE_PX, 3),
        "type_id": np.array([TYPES.index(m.types[0]) for m in meanings], np.int16),
        "shares": np.stack([_shares(m) for m in meanings]),
        "camouflage": np.array([m.camouflage for m in meanings]),
        "shade": np.zeros(len(meanings), np.int8),
    }
    write_shard(out, 0, arrays)
    return len(meanings)


def _shares(meaning: Description) -> NDArray[np.float32]:
    """How much of the paint each color makes up, as far as a caption tells: named first is more."""
    shares = np.zeros(len(COLORS), np.float32)
    named = meaning.colors[:3]
    for color, share in zip(named, _SHARES.get(len(named), ()), strict=True):
        shares[COLORS.index(color)] = share
    return shares


def _mix(own: Path, synthetic: Path | None, out: Path) -> Path:
    """A folder with the own crops about as often as synthetic ones, as links."""
    if synthetic is None:
        return own
    shards = sorted(synthetic.glob("crops-*.npz"))
    total = sum(len(np.load(path)["type_id"]) for path in shards)
    times = max(1, round(total / len(np.load(own / "crops-00000.npz")["type_id"])))
    # Anew: links of an earlier run may lead to other crops, or to none any more.
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for number, path in enumerate([*[own / "crops-00000.npz"] * times, *shards]):
        for suffix in (".npy", ".npz"):
            link = out / f"crops-{number:05d}{suffix}"
            link.symlink_to(path.with_suffix(suffix).resolve())
    return out


def _tokenizer():  # noqa: ANN202 - the type of an optional package
    return build_tokenizer(ModelConfig().text_length)


def _evaluate_start(start: Path, held_out: Path) -> dict[str, float] | None:
    tokenizer = _tokenizer()
    model = DualEncoder(ModelConfig(vocabulary_size=tokenizer.get_vocab_size())).eval()
    load_start(model, start)
    try:
        return evaluate_crops(model, tokenizer, CropCache(held_out))
    except ValueError:
        # No four crops can be told apart by their captions.
        return None


def _export(run: Path, held_out: Path, start: Path, out: Path) -> None:
    """Write the model; whether an answer is right at all is told as before.

    A few dozen held-out crops say which model is better, but not how sure it may be of itself.
    """
    export([run], held_out, out)
    before, now = read_json(start / "reranker.json"), read_json(out / "reranker.json")
    assert isinstance(before, dict)
    assert isinstance(now, dict)
    kept = {key: before[key] for key in ("calibration", "found_probability_min")}
    write_json(out / "reranker.json", {**now, **kept})
