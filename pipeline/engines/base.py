"""The seam between model families and runtimes: numpy in, numpy out.

A family is numpy before + engine + numpy after, so it is written once and runs on every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError, ModelError

__all__ = [
    "Choice",
    "Engine",
    "Feeds",
    "OpenEngine",
    "Profile",
    "Range",
    "TensorSpec",
    "check_finite",
    "check_interface",
    "fixed_batch",
    "run_in_batches",
]

Feeds: TypeAlias = Mapping[str, NDArray]

# A batch is split so that its inputs hold at most this many numbers: two detector inputs, or
# eighty windows of 128 px. On a CPU larger batches only cost memory.
MAX_BATCH_NUMBERS = 4_000_000
MAX_FEW_SHAPES_BATCH = 8
_WHY_CHARS = 200


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
        precision: "f32", "f16", "bf16" or "int8".
        threads: CPU threads.
        reason: One sentence for logs, pages and provenance.
        provider: The execution provider, where the engine has several.
        hardware: What compiled engines are tied to: card, architecture, compiler; empty on a CPU.
    """

    engine: str
    device: str
    precision: str
    threads: int
    reason: str
    provider: str = ""
    hardware: str = ""


Range: TypeAlias = tuple[int, int, int]
"""Least, usual and largest size of a free axis."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How large a network's free axes become: for engines that are compiled for a range of sizes.

    Args:
        batch: The first axis.
        height: The third axis of an image input.
        width: The fourth.
    """

    batch: Range = (1, 1, 20)
    height: Range = (32, 544, 960)
    width: Range = (32, 960, 960)

    def shapes(self, spec: TensorSpec) -> tuple[tuple[int, ...], ...]:
        """Return the least, usual and largest shape of an input.

        Raises:
            ModelError: Another axis than batch, height or width is free.

        Example:
            >>> Profile(batch=(1, 10, 20)).shapes(TensorSpec("ids", "int64", (None, 24)))
            ((1, 24), (10, 24), (20, 24))
        """
        ranges: dict[int, Range] = {0: self.batch}
        if len(spec.shape) == 4:
            ranges |= {2: self.height, 3: self.width}
        free = [axis for axis, side in enumerate(spec.shape) if side is None]
        if unknown := [axis for axis in free if axis not in ranges]:
            raise ModelError(
                f"input '{spec.name}' leaves axis {unknown[0]} open, and its sizes are not known.",
                "Export the network with that axis fixed, or run it without TensorRT.",
            )
        return tuple(
            tuple(side if side is not None else ranges[axis][which]
                  for axis, side in enumerate(spec.shape))
            for which in range(3)
        )  # fmt: skip


class Engine(Protocol):
    """A loaded network; safe to use from any thread."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def run(self, feeds: Feeds) -> dict[str, NDArray]:
        """Return the outputs by name, as new arrays; the first axis of each feed is the batch.

        More items than the network takes at once run in parts, see `run_in_batches`.

        Raises:
            EngineError: The runtime refused the feeds, or could not go on.
        """
        ...


OpenEngine: TypeAlias = Callable[[Path], Engine]
"""Loads a network from a file on the engine that was chosen."""


def fixed_batch(inputs: Sequence[TensorSpec]) -> int | None:
    """Return how many items a network takes at once; None: as many as are given.

    Example:
        >>> fixed_batch([TensorSpec("images", "float32", (1, 3, None, None))])
        1
    """
    sizes = [spec.shape[0] for spec in inputs if spec.shape]
    return sizes[0] if sizes else None


def run_in_batches(
    run: Callable[[Feeds], dict[str, NDArray]],
    feeds: Feeds,
    *,
    name: str = "the network",
    max_numbers: int = MAX_BATCH_NUMBERS,
    max_items: int | None = None,
    few_shapes: bool = False,
) -> dict[str, NDArray]:
    """Return the outputs of a large batch, run in parts that keep memory in bounds.

    Args:
        run: Runs one part.
        feeds: Inputs by name, all with the same first axis.
        name: What is run, for messages.
        max_numbers: How many numbers the inputs of a part may hold (but at least one item).
        max_items: How many items a part may hold; None: no limit of its own.
        few_shapes: Only parts of 8, 4, 2 or 1 items: for engines that compile for each new shape.

    Raises:
        EngineError: The runtime refused a part, or could not go on.
    """
    num_items = len(next(iter(feeds.values())))
    numbers_per_item = sum(feed.size for feed in feeds.values()) / max(num_items, 1)
    limit = max(1, int(max_numbers / max(numbers_per_item, 1)))
    if max_items is not None:
        limit = min(limit, max_items)
    if few_shapes:
        limit = min(limit, MAX_FEW_SHAPES_BATCH)
    parts: list[dict[str, NDArray]] = []
    start = 0
    while start < num_items or not parts:
        step = min(limit, num_items - start)
        if few_shapes and step:
            step = 1 << (step.bit_length() - 1)
        part = {key: feed[start : start + step] for key, feed in feeds.items()}
        try:
            parts.append(run(part))
        except Exception as error:
            # The runtimes' exceptions have no common base but Exception.
            raise _not_run(name, part, error) from error
        start += step
    if len(parts) == 1:
        return parts[0]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _not_run(name: str, feeds: Feeds, error: Exception) -> EngineError:
    given = ", ".join("x".join(map(str, feed.shape)) for feed in feeds.values())
    # What is wrong stands at the start with one runtime, at the end with the other.
    why = " ".join(str(error).split()) or type(error).__name__
    if len(why) > 2 * _WHY_CHARS:
        why = f"{why[:_WHY_CHARS]} ... {why[-_WHY_CHARS:]}"
    return EngineError(
        f"{name} could not be run with {given}: {why.rstrip('.')}.",
        "If it takes other sizes, export it with free ones; if memory ran out, use smaller "
        "sizes or fewer boxes. This machine is checked by: python app.py doctor",
    )


def check_interface(engine: Engine, path: Path, *, inputs: int, outputs: int) -> None:
    """Check that a network has the inputs and outputs of its family, and takes items one by one.

    Raises:
        ModelError: It has not, or it takes several items at once and no other number.
    """
    if (len(engine.inputs), len(engine.outputs)) != (inputs, outputs):
        raise ModelError(
            f"{path.name} has {len(engine.inputs)} inputs and {len(engine.outputs)} outputs, "
            f"its family expects {inputs} and {outputs}.",
            "Check that the file is the right one, and export it again.",
        )
    batch = fixed_batch(engine.inputs) or 1
    if batch > 1:
        raise ModelError(
            f"{path.name} takes {batch} items at once and no other number, and often there is one.",
            "Export it again with a free batch axis, or a batch of 1.",
        )


def check_finite(what: str, *values: NDArray) -> None:
    """Check that a network gave numbers.

    Args:
        what: Which network it is, for the message: "detector".
        values: What it gave.

    Raises:
        EngineError: NaN or infinity is among them.
    """
    if not all(np.isfinite(part).all() for part in values):
        raise EngineError(
            f"the {what}'s network gave values that are no numbers (NaN, or infinite).",
            "16 bits may be too few for it: --set engine.precision=f32; else export it again.",
        )
