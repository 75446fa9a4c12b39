r"""Train the reranker on cached crops, from nothing, on one CPU core.

    python -m training.reranker --crops runs/crops --val-crops runs/crops-val \
        --out runs/reranker --max-minutes 65 --threads 1 [--resume]

The learning rate falls with the share of time used, so a run always ends annealed. Besides the
sigmoid loss over all pairs there is a ranking term and, while training, two heads that name type
and colors. New shards are taken in while it runs, so that crops can be made beside it. The folder
`--out` then holds weights.safetensors (averaged weights), config.toml, metrics.json,
environment.txt and checkpoint.pt (for --resume). `python -m training.export_reranker` makes the
model that the app loads.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from core.errors import ConfigError
from core.memory import keep_freed_memory
from training.crops import open_upscaler
from training.optimize import KINDS, Kind, Optimizers, make_optimizer, rate_at, update_average
from training.precision import mixed_precision
from training.reranker_data import Batch, CropCache, draw_batch
from training.reranker_eval import (
    Photographs,
    evaluate_crops,
    evaluate_photographs,
    read_photographs,
)
from training.reranker_model import DualEncoder, ModelConfig, build_tokenizer, compute_loss

__all__ = ["Config", "load_model", "load_start", "main", "train"]

_log = logging.getLogger("training.reranker")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides what a run learns; written beside the weights."""

    crops: str
    val_crops: str
    out: str
    tower: str = "resnet"
    batch: int = 96
    negatives: int = 48
    learning_rate: float = 1.2e-3
    type_weight: float = 1.5  # of the type head's loss; types are learned later than colors
    weight_decay: float = 0.05
    optimizer: Kind = "adamw"
    ema_decay: float = 0.998
    max_minutes: float = 65.0
    max_steps: int = 1_000_000
    small_px: int = 64  # side of the images at first, half the work; convolutions do not mind
    small_ratio: float = 0.4  # share of the time trained so; 0 with a tower of fixed size
    evaluate_minutes: float = 10.0
    seed: int = 1
    threads: int = 1
    photographs: str = ""
    upscaler: str = ""
    start_from: str = ""


def train(
    config: Config, *, resume: bool = False, keep_going: Callable[[float], bool] | None = None
) -> dict[str, object]:
    """Run the training and return its last metrics.

    Args:
        config: All settings.
        resume: Continue from the checkpoint in the folder.
        keep_going: Called before each step with the share that is done; False ends it early.
    """
    torch.set_num_threads(config.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(config.seed)
    out = Path(config.out)
    cache, val = CropCache(Path(config.crops)), CropCache(Path(config.val_crops))
    photographs = _open_photographs(config)
    tokenizer = build_tokenizer(ModelConfig().text_length)
    shape = ModelConfig(tower=config.tower, vocabulary_size=tokenizer.get_vocab_size())
    model, average = _build_models(config, shape)
    optimizer = make_optimizer(
        model,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        kind=config.optimizer,
        betas=(0.9, 0.98),
    )
    step, spent_s = 0, 0.0
    if resume and (out / "checkpoint.pt").exists():
        state = torch.load(out / "checkpoint.pt", weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent_s = state["step"], state["spent_s"]
    rng = np.random.default_rng([config.seed, step])
    total_s = config.max_minutes * 60
    start = time.monotonic() - spent_s
    last_saved = last_said = last_evaluated = time.monotonic()
    queue = np.zeros(0, np.int64)
    sums, said_step = np.zeros(4), step
    metrics: dict[str, object] = {}
    while (now := time.monotonic()) - start < total_s and step < config.max_steps:
        progress = max((now - start) / total_s, step / config.max_steps)
        if keep_going is not None and not keep_going(progress):
            break
        rate = rate_at(step, progress, config.learning_rate, warmup_steps=60, floor=0.01)
        optimizer.set_rate(rate)
        if len(queue) < config.batch:
            cache.refresh()
            queue = rng.permutation(len(cache))
        rows, queue = queue[: config.batch], queue[config.batch :]
        batch = draw_batch(cache, rows, tokenizer, rng, num_negatives=config.negatives)
        model.train()
        side_px = config.small_px if progress < config.small_ratio else shape.image_size
        loss, parts = _compute_losses(model, batch, side_px, config.type_weight)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        step += 1
        update_average(average, model, step, config.ema_decay)
        sums += parts
        if now - last_said > 30 or step == 1:
            speed = config.batch * (step - said_step) / max(time.monotonic() - last_said, 1e-6)
            left_min = (total_s - (time.monotonic() - start)) / 60
            _say(step, speed, len(cache), sums / (step - said_step), left_min)
            sums, said_step, last_said = np.zeros(4), step, time.monotonic()
        if now - last_saved > 120:
            _save(out, config, shape, average, metrics)
            _save_checkpoint(out, model, average, optimizer, step, now - start)
            last_saved = time.monotonic()
        if now - last_evaluated > config.evaluate_minutes * 60:
            metrics = _evaluate(average, tokenizer, val, photographs, step, step * config.batch)
            last_evaluated = time.monotonic()
    metrics = _evaluate(average, tokenizer, val, photographs, step, step * config.batch)
    metrics["minutes"] = round((time.monotonic() - start) / 60, 1)
    _save(out, config, shape, average, metrics)
    _save_checkpoint(out, model, average, optimizer, step, time.monotonic() - start)
    return metrics


def _build_models(config: Config, shape: ModelConfig) -> tuple[DualEncoder, DualEncoder]:
    """The model to train and its moving average, equal so far."""
    if config.tower == "vit" and config.small_ratio > 0:
        raise ConfigError("the vit tower has a fixed size; use --small-ratio 0.")
    model = DualEncoder(shape).to(memory_format=torch.channels_last)
    if config.start_from:
        load_start(model, Path(config.start_from))
    return model, copy.deepcopy(model).eval()


def _say(
    step: int, crops_per_s: float, num_crops: int, mean: NDArray[np.float64], left_min: float
) -> None:
    _log.info(
        "step %d, %.0f crops/s of %d, loss %.2f, type %.3f, color %.3f, right %.3f, "
        "%.1f min left",
        step, crops_per_s, num_crops, *mean, left_min,
    )  # fmt: skip


def load_model(folder: Path) -> DualEncoder:
    """Return the averaged model of a training folder, ready for use."""
    raw = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    raw = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    model = DualEncoder(ModelConfig(**raw))
    model.load_state_dict(load_file(folder / "weights.safetensors"))
    return model.eval()


def load_start(model: DualEncoder, folder: Path) -> None:
    """Load the weights of a run, or those of a shipped model, whose training heads start anew."""
    if (folder / "weights.safetensors").exists():
        model.load_state_dict(load_file(folder / "weights.safetensors"))
        return
    weights = {**load_file(folder / "vision.safetensors"), **load_file(folder / "text.safetensors")}
    wide = {name: value.float() for name, value in weights.items()}
    missing = model.load_state_dict(wide, strict=False).missing_keys
    lacking = [name for name in missing if not name.startswith(("type_head", "color_head"))]
    if lacking:
        raise ConfigError(f"{folder} lacks {', '.join(lacking[:4])}: not weights of this network.")


def _compute_losses(
    model: DualEncoder, batch: Batch, side_px: int, type_weight: float
) -> tuple[Tensor, list[float]]:
    """The loss to descend, and [pair loss, type loss, color loss, share of captions right]."""
    pixels = batch.pixels
    if side_px != pixels.shape[2]:
        pixels = functional.interpolate(
            pixels, (side_px, side_px), mode="bilinear", antialias=True
        ).contiguous(memory_format=torch.channels_last)
    with mixed_precision("cpu"):
        raw = model.vision(pixels)  # (n, d)
        texts = model.text(input_ids=batch.input_ids).pooler_output  # (c, d)
    raw, texts = raw.float(), functional.normalize(texts.float(), dim=1)
    logits = functional.normalize(raw, dim=1) @ texts.T  # (n, c)
    logits = logits * model.logit_scale.exp() + model.logit_bias
    pairs = compute_loss(logits, batch.agreement, batch.own)
    types = functional.cross_entropy(model.type_head(raw), batch.type_id)
    colors = _compute_color_loss(model.color_head(raw), batch)
    with torch.no_grad():
        known = torch.nonzero(batch.own >= 0).squeeze(1)
        right = (batch.agreement[known, logits[known].argmax(1)] > 0.5).float().mean()
    total = pairs + type_weight * types + colors
    return total, [pairs.item(), types.item(), colors.item(), right.item()]


def _compute_color_loss(output: Tensor, batch: Batch) -> Tensor:
    """Which colors are there, how much of each, and whether they form a camouflage pattern."""
    count = batch.shares.shape[1]
    painted = (batch.shares.sum(1) > 0).float()
    present = (batch.shares > 0.1).float()
    unsure = (batch.shares > 0.03) & (batch.shares <= 0.1)
    each = functional.binary_cross_entropy_with_logits(output[:, :count], present, reduction="none")
    presence = each.masked_fill(unsure, 0.0).sum(1)
    amount = -(batch.shares * functional.log_softmax(output[:, count : 2 * count], 1)).sum(1)
    pattern = functional.binary_cross_entropy_with_logits(
        output[:, -1], batch.camouflage, reduction="none"
    )
    return ((0.3 * presence + 0.3 * amount + 0.3 * pattern) * painted).mean()


def _open_photographs(config: Config) -> Photographs | None:
    if not config.photographs:
        return None
    upscale = open_upscaler(Path(config.upscaler) if config.upscaler else None)
    return read_photographs(Path(config.photographs), upscale)


def _evaluate(
    model: DualEncoder,
    tokenizer: Tokenizer,
    val: CropCache,
    photographs: Photographs | None,
    step: int,
    seen: int,
) -> dict[str, object]:
    crops = evaluate_crops(model, tokenizer, val)
    metrics: dict[str, object] = {"step": step, "crops_seen": seen, "held_out": crops}
    _log.info("held-out crops: %s", {name: round(value, 3) for name, value in crops.items()})
    if photographs is not None:
        metrics["photographs"] = evaluate_photographs(model, tokenizer, photographs)
        _log.info("photographs: %s", metrics["photographs"])
    return metrics


def _save(
    out: Path,
    config: Config,
    shape: ModelConfig,
    average: DualEncoder,
    metrics: dict[str, object],
) -> None:
    """Write the averaged weights and everything needed to know what they are."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.contiguous() for name, value in average.state_dict().items()}
    save_file(tensors, out / ".weights.part")
    (out / ".weights.part").replace(out / "weights.safetensors")
    (out / "model.json").write_text(json.dumps(asdict(shape), indent=2) + "\n")
    lines = [f"{name} = {json.dumps(value)}" for name, value in asdict(config).items()]
    (out / "config.toml").write_text("\n".join(lines) + "\n")
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    (out / "environment.txt").write_text(_describe_environment())


def _save_checkpoint(
    out: Path,
    model: DualEncoder,
    average: DualEncoder,
    optimizer: Optimizers,
    step: int,
    spent_s: float,
) -> None:
    state = {
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "spent_s": spent_s,
    }
    torch.save(state, out / ".checkpoint.part")
    (out / ".checkpoint.part").replace(out / "checkpoint.pt")


def _describe_environment() -> str:
    command = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return (
        f"commit {commit or 'unknown'}\npython {platform.python_version()}\n"
        f"torch {torch.__version__}\nnumpy {np.__version__}\ndevice cpu\n"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and train."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for entry in fields(Config):
        kind = {"int": int, "float": float}.get(str(entry.type), str)
        choices = KINDS if entry.type == "Kind" else None
        needed = entry.name in ("crops", "val_crops", "out")
        name = "--" + entry.name.replace("_", "-")
        default = None if needed else entry.default
        parser.add_argument(name, type=kind, choices=choices, required=needed, default=default)
    parser.add_argument("--resume", action="store_true", help="continue from checkpoint.pt")
    parser.add_argument("--smoke", action="store_true", help="two steps of eight crops")
    arguments = vars(parser.parse_args(argv))
    resume, smoke = arguments.pop("resume"), arguments.pop("smoke")
    if smoke:
        arguments |= {"max_steps": 2, "batch": 8, "negatives": 4}
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    metrics = train(Config(**arguments), resume=resume)
    _log.info("done: %s", json.dumps(metrics))


if __name__ == "__main__":
    main()
