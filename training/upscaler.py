"""Train the x4 upscaler on photographs, from nothing, on a CPU or a GPU.

    python -m training.upscaler --backgrounds PHOTOS --out runs/upscaler --max-minutes 25
    python -m training.upscaler --backgrounds PHOTOS --out runs/upscaler --max-minutes 25 --resume

Each step takes half of its pairs fresh from the degradation and half from a pool of recent ones,
because on a CPU making a pair costs more than learning from it. The learning rate falls with the
share of time used, so a run always ends annealed. The loss is Charbonnier plus the same on
differences between neighbors; no adversarial term, since invented detail and shifted color would
mislead the stage that reads colors.

The folder `--out` then holds weights.safetensors (averaged weights), config.toml, metrics.json,
environment.txt and checkpoint.pt (for --resume). `python -m training.export_upscaler` makes the
model that the app loads.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import math
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from core.memory import keep_freed_memory
from training.compact import Compact
from training.degrade import degrade, draw_level
from training.optimize import Optimizers, rate_at, update_average
from training.patches import iterate_patches, list_pictures, read_cutouts, split_pictures
from training.precision import mixed_precision
from training.upscaler_eval import measure_psnr

__all__ = ["Config", "Pool", "main", "train"]

_log = logging.getLogger("training.upscaler")
_SCALE = 4


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides what a run learns; written beside the weights."""

    backgrounds: str
    out: str
    cutouts: str = ""
    features: int = 32
    convolutions: int = 6
    small_side_px: int = 32
    batch: int = 16
    fresh: int = 8  # pairs of a batch that were never seen before
    pool: int = 1024
    learning_rate: float = 1.5e-3
    ema_decay: float = 0.999
    edge_weight: float = 0.5
    max_minutes: float = 25.0
    max_steps: int = 1_000_000
    seed: int = 1
    device: str = "auto"
    threads: int = 1
    workers: int = 0
    measured: int = 360  # patches per level in the final figures


class Pairs(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless (small, large) pairs; with several workers each one draws its own."""

    def __init__(self, config: Config, paths: list[Path], *, seed: int) -> None:
        """Remember what to draw from; the cutouts are read once, here."""
        self.config, self.paths, self.seed = config, paths, seed
        self.cutouts = read_cutouts(Path(config.cutouts)) if config.cutouts else []

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield uint8 (3, s, s) and (3, 4s, 4s)."""
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        small, rim = self.config.small_side_px, 4
        side = (small + 2 * rim) * _SCALE
        for patch in iterate_patches(self.paths, side_px=side, rng=rng, cutouts=self.cutouts):
            damaged = degrade(patch, draw_level(rng), rng=rng, scale=_SCALE)
            # Cut away a random rim: JPEG's 8-pixel grid and the filters' borders then fall
            # anywhere.
            y, x = (int(v) for v in rng.integers(0, 2 * rim + 1, 2))
            large = patch[y * _SCALE :, x * _SCALE :][: small * _SCALE, : small * _SCALE]
            yield _to_tensor(damaged[y : y + small, x : x + small]), _to_tensor(large)


@dataclass(slots=True)
class Run:
    """What a training run changes, and what a checkpoint keeps."""

    net: Compact
    averaged: Compact  # its moving average: what is saved and measured
    optimizer: Optimizers
    step: int = 0
    minutes: float = 0.0  # spent training, resumed runs included


def train(config: Config, *, resume: bool = False) -> dict[str, float]:
    """Return the figures of the trained network, after writing it to `config.out`.

    Args:
        config: what to train on and for how long; the time counts from the first start, not from a
            resume.
        resume: continue the checkpoint in `config.out`.

    Raises:
        FileNotFoundError: if there are no pictures, or nothing to resume.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    cv2.setNumThreads(1)
    device = _choose_device(config.device)
    paths, held = split_pictures(list_pictures(Path(config.backgrounds)))
    if not paths:
        paths, held = held, []
    if not held:
        _log.warning("no photograph is held out: the figures tell of those trained on")
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    net = Compact(features=config.features, convolutions=config.convolutions)
    net = net.to(device, memory_format=torch.channels_last)
    optimizer = Optimizers(torch.optim.Adam(net.parameters(), lr=config.learning_rate))
    run = Run(net, copy.deepcopy(net), optimizer)
    if resume:
        _load_checkpoint(run, out / "checkpoint.pt", device)
    _write_description(config, out)
    _log.info(
        "%d photographs and %d held out, %d parameters, %s, from step %d",
        len(paths),
        len(held),
        sum(p.numel() for p in net.parameters()),
        device,
        run.step,
    )
    _learn(run, config, paths, device)
    _save(run, out)
    metrics = {"steps": float(run.step), "minutes": round(run.minutes, 2)}
    metrics["held_out"] = float(len(held))
    metrics |= measure_psnr(run.averaged.cpu(), held or paths, patches_per_level=config.measured)
    _write(out / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return metrics


def _learn(run: Run, config: Config, paths: list[Path], device: torch.device) -> None:
    """Take steps until the time or the number of steps is used up."""
    pairs = Pairs(config, paths, seed=config.seed + run.step)
    loader = DataLoader(pairs, batch_size=config.fresh, num_workers=config.workers)
    pool = Pool(config.pool, np.random.default_rng([config.seed, run.step]))
    began, before = time.monotonic(), run.minutes
    shown, saved, mean = began, began, math.nan
    for fresh_small, fresh_large in loader:
        run.minutes = before + (time.monotonic() - began) / 60
        done = max(run.minutes / config.max_minutes, run.step / config.max_steps)
        if done >= 1:
            return
        rate = rate_at(run.step, done, config.learning_rate, warmup_steps=200, floor=0.01)
        run.optimizer.set_rate(rate)
        small, large = pool.mix(
            fresh_small, fresh_large, config.batch
        )  # uint8 (n, 3, s, s), (n, 3, 4s, 4s)
        small, large = small.to(device).float() / 255, large.to(device).float() / 255
        with mixed_precision(device.type):
            enlarged = run.net(small.contiguous(memory_format=torch.channels_last))
        loss = _loss(enlarged.float(), large, config.edge_weight)
        run.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(run.net.parameters(), 0.5)
        run.optimizer.step()
        run.step += 1
        update_average(run.averaged, run.net, run.step, config.ema_decay)
        mean = loss.item() if math.isnan(mean) else 0.98 * mean + 0.02 * loss.item()
        now = time.monotonic()
        if now - shown > 20:
            left = run.minutes * (1 - done) / max(done, 1e-6)
            _log.info(
                "step %d  loss %.4f  %.1f min done, %.1f left", run.step, mean, run.minutes, left
            )
            shown = now
        if now - saved > 60:
            _save(run, Path(config.out))
            saved = now


class Pool:
    """Recent pairs, kept to be shown again beside fresh ones."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        """Start empty.

        Args:
            size: how many pairs to keep.
            rng: chooses what is shown and what is replaced.
        """
        self.size, self.rng = size, rng
        self.small: list[Tensor] = []
        self.large: list[Tensor] = []

    def mix(self, small: Tensor, large: Tensor, batch: int) -> tuple[Tensor, Tensor]:
        """Return the fresh pairs filled up to `batch` from the pool, each turned at random.

        Args:
            small: fresh inputs (n, 3, s, s), added to the pool.
            large: their targets (n, 3, 4s, 4s).
            batch: how many pairs to return.
        """
        for pair in zip(small, large, strict=True):
            if len(self.small) < self.size:
                self.small.append(pair[0])
                self.large.append(pair[1])
            else:
                at = int(self.rng.integers(self.size))
                self.small[at], self.large[at] = pair
        old = self.rng.integers(len(self.small), size=batch - len(small)).tolist()
        chosen = [*zip(small, large, strict=True), *((self.small[i], self.large[i]) for i in old)]
        turned = [self._turn(*pair) for pair in chosen]
        return torch.stack([a for a, _ in turned]), torch.stack([b for _, b in turned])

    def _turn(self, small: Tensor, large: Tensor) -> tuple[Tensor, Tensor]:
        quarter, mirrored = int(self.rng.integers(4)), bool(self.rng.integers(2))
        small, large = (torch.rot90(t, quarter, (1, 2)) for t in (small, large))
        return (small.flip(2), large.flip(2)) if mirrored else (small, large)


def _loss(enlarged: Tensor, large: Tensor, edge_weight: float) -> Tensor:
    """Charbonnier distance of the pixels plus that of the differences between neighbors."""
    error = enlarged - large
    edges = _charbonnier(error.diff(dim=2)) + _charbonnier(error.diff(dim=3))
    return _charbonnier(error) + edge_weight * edges


def _charbonnier(error: Tensor) -> Tensor:
    return torch.sqrt(error * error + 1e-6).mean()


def _to_tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


def _choose_device(wish: str) -> torch.device:
    if wish == "auto":
        wish = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wish)


def _save(run: Run, out: Path) -> None:
    """Write weights and checkpoint, under other names first: a broken-off write harms nothing."""
    weights = {name: value.cpu().contiguous() for name, value in run.averaged.state_dict().items()}
    save_file(weights, str(out / "weights.tmp"))
    (out / "weights.tmp").replace(out / "weights.safetensors")
    state = {
        "net": run.net.state_dict(),
        "averaged": run.averaged.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "step": run.step,
        "minutes": run.minutes,
    }
    torch.save(state, out / "checkpoint.tmp")
    (out / "checkpoint.tmp").replace(out / "checkpoint.pt")


def _load_checkpoint(run: Run, path: Path, device: torch.device) -> None:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing, so there is nothing to resume. Start without --resume."
        )
    state = torch.load(path, map_location=device, weights_only=True)
    run.net.load_state_dict(state["net"])
    run.averaged.load_state_dict(state["averaged"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.step, run.minutes = int(state["step"]), float(state["minutes"])


def _write_description(config: Config, out: Path) -> None:
    """Write config.toml and environment.txt."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in asdict(config).items()]
    _write(out / "config.toml", "\n".join(lines) + "\n")
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    where = (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else platform.processor() or platform.machine()
    )
    _write(
        out / "environment.txt",
        f"commit {commit or 'unknown'}\npython {platform.python_version()}\n"
        f"torch {torch.__version__}\nnumpy {np.__version__}\nopencv {cv2.__version__}\n"
        f"device {where}, {os.cpu_count()} processors\n",
    )


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(path.suffix + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and train.

    Args:
        arguments: words after the command; those of the process if None.
    """
    keep_freed_memory()
    defaults = Config("", "")
    parser = argparse.ArgumentParser(description="Train the x4 upscaler.", allow_abbrev=False)
    parser.add_argument("--resume", action="store_true", help="continue the checkpoint in --out")
    parser.add_argument(
        "--smoke", action="store_true", help="two steps on small patches, to see that it runs"
    )
    for name, default in asdict(defaults).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(default),
            default=default,
            required=name in ("backgrounds", "out"),
            help=f"default {default!r}",
        )
    options: dict[str, Any] = vars(parser.parse_args(arguments))
    resume, smoke = options.pop("resume"), options.pop("smoke")
    if smoke:
        options |= {
            "max_steps": 2,
            "measured": 2,
            "batch": 2,
            "fresh": 1,
            "features": 8,
            "convolutions": 1,
            "small_side_px": 16,
        }
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for name, value in train(Config(**options), resume=resume).items():
        _log.info("%s %s", name, value)


if __name__ == "__main__":
    main()
