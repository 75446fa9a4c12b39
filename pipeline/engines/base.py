"""The seam between model families and runtimes: numpy in, numpy out.

A family is numpy before + engine + numpy after, so it is written once and runs on every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError

__all__ = [
    "Choice",
    "Engine",
    "Feeds",
    "OpenEngine",
    "TensorSpec",
    "check_interface",
    "run_in_batches",
]

Feeds: TypeAlias = Mapping[str, NDArray]

# A batch is split so that its inputs hold at most this many numbers: two detector inputs, or
# eighty windows of 128 px. On a CPU larger batches only cost memory.
MAX_BATCH_NUMBERS = 4_000_000
MAX_FEW_SHAPES_BATCH = 8


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: name, numpy dtype name, and shape with None for free axes."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What runs a network, and why.

    Args:
        engine: A name in the registry of engines.
        device: "cpu" or "cuda".
        precision: "f32" or "bf16".
        threads: CPU threads.
        reason: One sentence for logs, pages and provenance.
        provider: The execution provider, where the engine has several.
    """

    engine: str
    device: str
    precision: str
    threads: int
    reason: str
    provider: str = ""


class Engine(Protocol):
    """A loaded network; safe to use from any thread."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def run(self, feeds: Feeds) -> dict[str, NDArray]:
        """Return the outputs by name, as new arrays; the first axis of each feed is the batch."""
        ...


OpenEngine: TypeAlias = Callable[[Path], Engine]
"""Loads a network from a file on the engine that was chosen."""


def run_in_batches(
    run: Callable[[Feeds], dict[str, NDArray]],
    feeds: Feeds,
    *,
    max_numbers: int = MAX_BATCH_NUMBERS,
    few_shapes: bool = False,
) -> dict[str, NDArray]:
    """Return the outputs of a large batch, run in parts that keep memory in bounds.

    Args:
        run: Runs one part.
        feeds: Inputs by name, all with the same first axis.
        max_numbers: How many numbers the inputs of a part may hold (but at least one item).
        few_shapes: Only parts of 8, 4, 2 or 1 items: for engines that compile for each new shape.
    """
    num_items = len(next(iter(feeds.values())))
    numbers_per_item = sum(feed.size for feed in feeds.values()) / max(num_items, 1)
    limit = max(1, int(max_numbers / max(numbers_per_item, 1)))
    if few_shapes:
        limit = min(limit, MAX_FEW_SHAPES_BATCH)
    parts: list[dict[str, NDArray]] = []
    start = 0
    while start < num_items or not parts:
        step = min(limit, num_items - start)
        if few_shapes and step:
            step = 1 << (step.bit_length() - 1)
        parts.append(run({name: feed[start : start + step] for name, feed in feeds.items()}))
        start += step
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def check_interface(engine: Engine, path: Path, *, inputs: int, outputs: int) -> None:
    """Check that a network has as many inputs and outputs as its family expects.

    Raises:
        ModelError: It has not.
    """
    if (len(engine.inputs), len(engine.outputs)) != (inputs, outputs):
        raise ModelError(
            f"{path.name} has {len(engine.inputs)} inputs and {len(engine.outputs)} outputs, "
            f"its family expects {inputs} and {outputs}.",
            "Check that the file is the right one, and export it again.",
        )
