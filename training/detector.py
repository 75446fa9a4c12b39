"""Train the detector from scratch on cached scenes: one class, "something that flies".

    python -m training.detector --scenes CACHE --out RUN --max-minutes 70 --threads 1

A straight loop over a wider YOLO11n of one head: AdamW or Muon, warm-up and cosine over time,
moving average of the weights, crops of 256x256, larger ones in the last fifth, mosaics of four
scenes on request until the last quarter. ``--resume`` continues RUN.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from core.errors import ModelError
from core.files import write_json
from core.memory import keep_freed_memory
from training.detector_data import BatchFeed, to_batch
from training.optimize import KINDS, Kind, Optimizers, make_optimizer, rate_at, update_average
from training.precision import mixed_precision
from training.scenes import read_scenes
from training.yolo import DetectionModel, get_cfg, yaml_model_load

ARCHITECTURE = "yolo11n.yaml"
DEEP_LAYERS = range(3, 23)  # those whose output has an eighth of the input's sides or less
DEEP_FACTOR = 1.5  # their channels, as a multiple of YOLO11n's
FIRST_DEEP_CHANNELS = 64  # of YOLO11n's first such layer
TOP_DOWN_LAYERS = 6  # of its neck: from the coarsest features up to those at 1/8 of the input
FINEST_LAYER = 16  # what those end in, counted from the input; the next layer is the head
ALL_HEADS_LAYER = 23  # the layer of all heads in the whole YOLO11n
DEEP_FACTOR_MAX = 4.0
NOT_OURS = (
    "these weights are not of this version's detector.",
    "Begin with detector.safetensors of spotter-detector-n.",
)
WARMUP_STEPS = 80
EMA_DECAY = 0.998
SAVE_EVERY_S = 120.0

__all__ = ["build_model", "load_model", "main", "train"]


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Settings of one run; written beside its weights.

    ``mosaic_ratio`` of the crops are mosaics until the last ``plain_ratio`` of the run: what the
    network learns last are pictures without seams (as in YOLOX, Ge et al. 2021).
    """

    max_minutes: float = 70.0
    batch_size: int = 24
    crop_wh: tuple[int, int] = (256, 256)
    late_crop_wh: tuple[int, int] = (416, 352)
    late_ratio: float = 0.2
    learning_rate: float = 2e-3
    optimizer: Kind = "adamw"
    weight_decay: float = 0.02
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    max_steps: int = 0
    init: str = ""
    negatives: str = ""
    negative_ratio: float = 0.15
    mosaic_ratio: float = 0.0
    plain_ratio: float = 0.25


def build_model(deep_factor: float = DEEP_FACTOR) -> DetectionModel:
    """YOLO11n with one class, its finest head alone and random weights, ready for its loss.

    The detector looks at several scales of an image, so no scale needs heads for large objects:
    with the coarse heads left out of a trained network every measured average precision stayed
    (training/LOG.md), and a third of the weights and a quarter of the time went. Channels are
    cheap where there are few pixels, so there are more of them from an eighth of the input on.

    Args:
        deep_factor: Channels of the layers DEEP_LAYERS, as a multiple of YOLO11n's.
    """
    layers = dict(yaml_model_load(ARCHITECTURE))
    depth, width, channels_max = layers["scales"][layers["scale"]]
    layers["scales"] = {layers["scale"]: [depth, width, round(deep_factor * channels_max)]}
    rows = [*layers["backbone"], *layers["head"]]
    for index in DEEP_LAYERS:
        _, _, kind, arguments = rows[index]
        if kind not in ("nn.Upsample", "Concat"):
            arguments[0] = round(deep_factor * arguments[0])
    layers["head"] = [*layers["head"][:TOP_DOWN_LAYERS], [[FINEST_LAYER], 1, "Detect", ["nc"]]]
    model = DetectionModel(layers, nc=1, verbose=False)
    model.args = get_cfg()  # the loss reads its weights (box, cls, dfl) from here
    return model.to(memory_format=torch.channels_last)


def load_model(weights: Mapping[str, torch.Tensor]) -> DetectionModel:
    """The network with these weights, of 32 or 16 bits; of all YOLO11n's, those that it has.

    Raises:
        ModelError: They are of another network.
    """
    model = build_model(_deep_factor_of(weights))
    own = {key: weights.get(_in_whole_yolo(key), weights.get(key)) for key in model.state_dict()}
    try:
        model.load_state_dict({key: value for key, value in own.items() if value is not None})
    except RuntimeError as error:
        raise ModelError(*NOT_OURS) from error
    return model


def _deep_factor_of(weights: Mapping[str, torch.Tensor]) -> float:
    """Channels of the deep layers, as a multiple of YOLO11n's.

    Raises:
        ModelError: No detector of ours has such a first deep layer, or the weights have none.
    """
    first = weights.get(f"model.{DEEP_LAYERS[0]}.conv.weight")
    factor = 0.0 if first is None else len(first) / FIRST_DEEP_CHANNELS
    if not 1 <= factor <= DEEP_FACTOR_MAX:
        raise ModelError(*NOT_OURS)
    return factor


def _in_whole_yolo(key: str) -> str:
    """What a weight of ours is called in YOLO11n with all its heads, the first of which is ours."""
    return key.replace(f"model.{FINEST_LAYER + 1}.", f"model.{ALL_HEADS_LAYER}.", 1)


def to_float32(output: Any) -> Any:
    """The model's nested output with every tensor in float32, as the loss needs it."""
    if isinstance(output, dict):
        return {key: to_float32(value) for key, value in output.items()}
    if isinstance(output, list | tuple):
        return [to_float32(value) for value in output]
    return output.float() if torch.is_tensor(output) else output


def learning_rate_at(step: int, progress: float, peak: float) -> float:
    """Linear warm-up, then a cosine down to 1.5 % of the peak."""
    return rate_at(step, progress, peak, warmup_steps=WARMUP_STEPS, floor=0.015)


def train(scenes_path: Path, out: Path, options: TrainOptions, *, resume: bool = False) -> Path:
    """Train and return the path of the averaged weights (safetensors).

    Args:
        scenes_path: Cache written by ``training.scenes``.
        out: Folder of the run: state.pt, weights.safetensors, log.jsonl, config.json.
        options: All settings.
        resume: Continue from ``state.pt``; the minutes already spent count.
    """
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "config.json", {key: getattr(options, key) for key in options.__slots__})
    scenes = read_scenes(scenes_path)
    device = torch.device(options.device)
    model = load_model(load_file(options.init)) if options.init else build_model()
    model = model.to(device).train()
    ema = copy.deepcopy(model).eval()
    optimizer = make_optimizer(
        model,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        kind=options.optimizer,
    )
    step, spent_s = load_state(out, model, ema, optimizer) if resume else (0, 0.0)
    print(
        f"{len(scenes)} scenes, {sum(len(s.xyxy) for s in scenes)} boxes, step {step}", flush=True
    )
    feed = BatchFeed(
        scenes,
        crop_wh=options.crop_wh,
        batch_size=options.batch_size,
        seed=options.seed + step,
        negatives=read_scenes(Path(options.negatives)) if options.negatives else (),
        negative_ratio=options.negative_ratio,
        mosaic_ratio=options.mosaic_ratio,
    )
    start = saved = time.monotonic() - spent_s
    recent: list[np.ndarray] = []
    is_late = False
    while True:
        progress = progress_of(step, time.monotonic() - start, options)
        if progress >= 1:
            break
        if progress >= 1 - options.late_ratio and not is_late:
            is_late = True
            feed.set_crops(options.late_crop_wh, late_batch_size(options))
        if progress >= 1 - options.plain_ratio:
            feed.set_mosaic(0.0)
        rate = learning_rate_at(step, progress, options.learning_rate)
        optimizer.set_rate(rate)
        recent.append(train_step(model, optimizer, feed.next(), device))
        step += 1
        update_average(ema, model, step, EMA_DECAY)
        if step % 25 == 0:
            report(out, step, progress, time.monotonic() - start, rate, recent, options)
            recent.clear()
        if time.monotonic() - saved > SAVE_EVERY_S:
            saved = time.monotonic()
            save_state(out, model, ema, optimizer, step, saved - start)
            feed.set_scenes(read_scenes(scenes_path))  # it may still be growing
    feed.close()
    save_state(out, model, ema, optimizer, step, time.monotonic() - start)
    return out / "weights.safetensors"


def train_step(
    model: DetectionModel, optimizer: Optimizers, batch: dict, device: torch.device
) -> np.ndarray:
    """One update; returns the three parts of the loss: box, class, distribution."""
    batch = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
    batch["img"] = batch["img"].float().div_(255)  # (b, 3, h, w), stays channels_last
    with mixed_precision(device.type):
        output = model(batch["img"])
    # In bfloat16 the losses of small boxes vanish, so predictions are widened first.
    loss, parts = model.loss(batch, to_float32(output))
    loss = loss.sum() / len(batch["img"])
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
    optimizer.step()
    return np.array([float(parts[key]) for key in ("box_loss", "cls_loss", "dfl_loss")])


def progress_of(step: int, passed_s: float, options: TrainOptions) -> float:
    """Share of the run that is done, by steps if they are given, else by time."""
    if options.max_steps:
        return step / options.max_steps
    return passed_s / (options.max_minutes * 60)


def late_batch_size(options: TrainOptions) -> int:
    """Crops of the late size in a batch with about as many pixels as before."""
    ratio = math.prod(options.crop_wh) / math.prod(options.late_crop_wh)
    return max(2, round(options.batch_size * ratio))


def report(
    out: Path,
    step: int,
    progress: float,
    passed_s: float,
    rate: float,
    recent: Sequence[np.ndarray],
    options: TrainOptions,
) -> None:
    """Print one line of progress and append it to log.jsonl."""
    box, cls, dfl = np.mean(recent, axis=0)
    left_s = passed_s * (1 - progress) / max(progress, 1e-6)
    print(
        f"step {step}  {100 * progress:.1f} %  {left_s / 60:.1f} min left  lr {rate:.2e}  "
        f"box {box:.3f} cls {cls:.3f} dfl {dfl:.3f}  {step / passed_s:.2f} steps/s",
        flush=True,
    )
    row = {
        "step": step,
        "passed_s": round(passed_s, 1),
        "lr": rate,
        "box": float(box),
        "cls": float(cls),
        "dfl": float(dfl),
    }
    with (out / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def save_state(
    out: Path,
    model: nn.Module,
    ema: nn.Module,
    optimizer: Optimizers,
    step: int,
    spent_s: float,
) -> None:
    """Write state.pt (to resume) and weights.safetensors (the average), each whole or not."""
    state = {
        "model": model.state_dict(),
        "ema": ema.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "spent_s": spent_s,
    }
    torch.save(state, out / "state.pt.new")
    (out / "state.pt.new").replace(out / "state.pt")
    weights = {key: value.contiguous().cpu() for key, value in ema.state_dict().items()}
    save_file(weights, out / "weights.safetensors.new")
    (out / "weights.safetensors.new").replace(out / "weights.safetensors")


def load_state(
    out: Path, model: nn.Module, ema: nn.Module, optimizer: Optimizers
) -> tuple[int, float]:
    """Load state.pt into all three; returns the step and the seconds already spent."""
    state = torch.load(out / "state.pt", weights_only=True, map_location="cpu")
    model.load_state_dict(state["model"])
    ema.load_state_dict(state["ema"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), float(state["spent_s"])


def smoke() -> None:
    """Two steps on eight made-up images: everything runs, nothing is learnt."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    model = build_model().train()
    optimizer = make_optimizer(model, learning_rate=1e-3, weight_decay=0.0)
    for _ in range(2):
        crops = []
        for _ in range(4):
            image = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
            crops.append((image, np.array([[10, 10, 40, 50]], np.float32)))
        parts = train_step(model, optimizer, to_batch(crops), torch.device("cpu"))
        print(f"box {parts[0]:.3f} cls {parts[1]:.3f} dfl {parts[2]:.3f}")


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and train."""
    keep_freed_memory()
    defaults = TrainOptions()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scenes", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--max-minutes", type=float, default=defaults.max_minutes)
    parser.add_argument("--max-steps", type=int, default=0, help="instead of minutes")
    parser.add_argument("--batch-size", type=int, default=defaults.batch_size)
    parser.add_argument("--crop-wh", type=int, nargs=2, default=defaults.crop_wh)
    parser.add_argument("--late-crop-wh", type=int, nargs=2, default=defaults.late_crop_wh)
    parser.add_argument("--late-ratio", type=float, default=defaults.late_ratio)
    parser.add_argument("--init", default="", help="weights to start from, safetensors")
    parser.add_argument("--negatives", default="", help="folder of training.mine")
    parser.add_argument("--negative-ratio", type=float, default=defaults.negative_ratio)
    parser.add_argument("--mosaic-ratio", type=float, default=defaults.mosaic_ratio)
    parser.add_argument(
        "--plain-ratio", type=float, default=defaults.plain_ratio, help="last part without mosaics"
    )
    parser.add_argument("--learning-rate", type=float, default=defaults.learning_rate)
    parser.add_argument("--optimizer", choices=KINDS, default=defaults.optimizer)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--threads", type=int, default=defaults.threads)
    parser.add_argument("--device", default=defaults.device)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="two steps on made-up images")
    arguments = parser.parse_args(argv)
    if arguments.smoke:
        smoke()
        return
    if arguments.scenes is None or arguments.out is None:
        parser.error("--scenes and --out are needed (or --smoke)")
    given = {name: value for name, value in vars(arguments).items() if hasattr(defaults, name)}
    given |= {name: tuple(given[name]) for name in ("crop_wh", "late_crop_wh")}
    options = TrainOptions(**given)
    print(f"weights: {train(arguments.scenes, arguments.out, options, resume=arguments.resume)}")


if __name__ == "__main__":
    main()
