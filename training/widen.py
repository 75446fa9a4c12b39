"""A wider network that computes what a narrower one does, to go on training with more room.

    python -m training.widen --weights detector.safetensors --out wider.safetensors

Source: "Net2Net: Accelerating Learning via Knowledge Transfer" (Chen, Goodfellow, Shlens 2016).
Every new channel repeats an old one, and what reads a repeated channel shares its weights among the
copies: in random parts, so that copies learn different things from the first step on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import nn

from core.errors import ModelError
from core.files import write_bytes
from training.detector import DEEP_FACTOR, build_model, load_model
from training.yolo import DetectionModel

SHARE_RANGE = (0.5, 1.5)  # of a copy, before those of one channel are brought to a sum of 1
BOX_TOLERANCE_PX = 0.05  # rounding in float32, as when exporting
SCORE_TOLERANCE = 1e-3

__all__ = ["widen"]


def widen(
    narrow: DetectionModel, deep_factor: float = DEEP_FACTOR, seed: int = 0
) -> DetectionModel:
    """The same detector with more channels; its outputs are those of the narrow one.

    Args:
        narrow: Trained; not changed.
        deep_factor: Of the new one, as in `build_model`.
        seed: Of the shares.

    Raises:
        ModelError: The heads of attention would change their size, or a layer is of another kind.
    """
    wide = build_model(deep_factor)
    widener = _Widener(np.random.default_rng(seed))
    flows = [_Flow(3, np.arange(3))]  # of the image, then of each layer's output
    with torch.no_grad():
        for before, after in zip(narrow.model, wide.model, strict=True):
            # Ultralytics counts layers from 0 and the one before as -1; the image comes first here.
            origins = [before.f] if isinstance(before.f, int) else before.f
            inputs = [flows[i] if i < 0 else flows[i + 1] for i in origins]
            flows.append(widener.layer(before, after, _joined(inputs)))
    _check_same(narrow, wide)
    return wide


@dataclass(frozen=True, slots=True, eq=False)
class _Flow:
    """A tensor in both networks: how many channels the narrow one has, and what the wide repeats.

    Args:
        channel_count: Of the narrow network.
        sources: (wide channels,): the narrow channel that each repeats.
    """

    channel_count: int
    sources: NDArray[np.int64]

    def parts(self, count: int) -> list[_Flow]:
        """The flow split into equal parts, as both networks split the tensor.

        Each part repeats channels of the same part of the narrow network alone.
        """
        size = self.channel_count // count
        return [
            _Flow(size, part - number * size)
            for number, part in enumerate(np.split(self.sources, count))
        ]


def _joined(flows: Sequence[_Flow]) -> _Flow:
    """Several tensors put one behind the other."""
    starts = np.cumsum([0, *(flow.channel_count for flow in flows)])
    sources = [flow.sources + start for flow, start in zip(flows, starts[:-1], strict=True)]
    return _Flow(int(starts[-1]), np.concatenate(sources))


class _Widener:
    """Copies weights, one kind of layer after the other; each method returns the output's flow."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def layer(self, before: Any, after: Any, flow: _Flow) -> _Flow:
        """Any layer of the network.

        Raises:
            ModelError: This kind of layer is not known here.
        """
        kinds = {
            "Conv": self.convolution,
            "DWConv": self.convolution,
            "Conv2d": self.plain_convolution,
            "Upsample": lambda before, after, flow: flow,
            "Concat": lambda before, after, flow: flow,
            "Sequential": self.sequential,
            "Bottleneck": self.bottleneck,
            "C3k": self.c3k,
            "C3k2": self.c3k2,
            "SPPF": self.sppf,
            "C2PSA": self.c2psa,
            "PSABlock": self.psablock,
            "Detect": self.detect,
        }
        name = type(before).__name__
        if name not in kinds:
            raise ModelError(f"a layer of the kind {name} cannot be widened.")
        return kinds[name](before, after, flow)

    def convolution(self, before: Any, after: Any, flow: _Flow, parts: int = 1) -> _Flow:
        """A convolution and its normalisation; its output is read in so many equal parts."""
        flow = self.plain_convolution(before.conv, after.conv, flow, parts)
        for key, value in before.bn.state_dict().items():
            kept = value[flow.sources] if value.ndim else value
            after.bn.state_dict()[key].copy_(kept)
        return flow

    def plain_convolution(
        self, before: nn.Conv2d, after: nn.Conv2d, flow: _Flow, parts: int = 1
    ) -> _Flow:
        """A convolution; one over single channels keeps what flows through it apart."""
        if before.groups == before.in_channels > 1:
            output = flow
            after.weight.copy_(before.weight[flow.sources])
        else:
            output = _Flow(before.out_channels, _repeated(before, after, parts))
            shares = self._shares(after.out_channels, flow)
            after.weight.copy_(before.weight[output.sources][:, flow.sources] * shares)
        if before.bias is not None and after.bias is not None:
            after.bias.copy_(before.bias[output.sources])
        return output

    def _shares(self, outputs: int, flow: _Flow) -> torch.Tensor:
        """How much of the old weight each copy of a channel gets, (outputs, inputs, 1, 1)."""
        raw = self._rng.uniform(*SHARE_RANGE, (outputs, len(flow.sources)))
        sums = np.zeros((outputs, flow.channel_count))
        np.add.at(sums, (slice(None), flow.sources), raw)
        return torch.from_numpy(raw / sums[:, flow.sources]).float()[:, :, None, None]

    def sequential(self, before: Any, after: Any, flow: _Flow) -> _Flow:
        """Layers one after the other."""
        for one, other in zip(before, after, strict=True):
            flow = self.layer(one, other, flow)
        return flow

    def bottleneck(self, before: Any, after: Any, flow: _Flow) -> _Flow:
        """Two convolutions, their input added."""
        return self.convolution(
            before.cv2, after.cv2, self.convolution(before.cv1, after.cv1, flow)
        )

    def c3k(self, before: Any, after: Any, flow: _Flow) -> _Flow:
        """Bottlenecks beside a convolution, joined."""
        deep = self.sequential(before.m, after.m, self.convolution(before.cv1, after.cv1, flow))
        side = self.convolution(before.cv2, after.cv2, flow)
        return self.convolution(before.cv3, after.cv3, _joined([deep, side]))

    def c3k2(self, before: Any, after: Any, flow: _Flow) -> _Flow:
        """Two halves, and what comes of the second step by step, joined."""
        flows = self.convolution(before.cv1, after.cv1, flow, parts=2).parts(2)
        for one, other in zip(before.m, after.m, strict=True):
            flows.append(self.layer(one, other, flows[-1]))
        return self.convolution(before.cv2, after.cv2, _joined(flows))

    def sppf(self, before: Any, after: Any, flow: _Flow) -> _Flow:
        """The input and its maxima over wider and wider windows, joined."""
        inner = self.convolution(before.cv1, after.cv1, flow)
        return self.convolution(before.cv2, after.cv2, _joined([inner] * (before.n + 1)))

    def c2psa(self, before: Any, after: Any, flow: _Flow) -> _Flow:
        """Two halves, the second through attention, joined."""
        kept, attended = self.convolution(before.cv1, after.cv1, flow, parts=2).parts(2)
        attended = self.sequential(before.m, after.m, attended)
        return self.convolution(before.cv2, after.cv2, _joined([kept, attended]))

    def psablock(self, before: Any, after: Any, flow: _Flow) -> _Flow:
        """Attention, then two convolutions, each added to its input."""
        return self.sequential(before.ffn, after.ffn, self.attention(before.attn, after.attn, flow))

    def attention(self, before: Any, after: Any, flow: _Flow) -> _Flow:
        """Whole heads are repeated, so that each looks as one of the old ones does."""
        if before.head_dim != after.head_dim or before.key_dim != after.key_dim:
            raise ModelError("with so many channels the heads of attention have another size.")
        self.convolution(before.qkv, after.qkv, flow)
        heads = np.arange(after.num_heads * after.head_dim) % (before.num_heads * before.head_dim)
        values = _Flow(before.num_heads * before.head_dim, heads)
        self.convolution(before.pe, after.pe, values)
        return self.convolution(before.proj, after.proj, values)

    def detect(self, before: Any, after: Any, flow: _Flow) -> _Flow:
        """The branches for boxes and for the class."""
        for branches in ("cv2", "cv3"):
            self.layer(getattr(before, branches)[0], getattr(after, branches)[0], flow)
        return flow


def _repeated(before: nn.Conv2d, after: nn.Conv2d, parts: int) -> NDArray[np.int64]:
    """The old channel of each new one, part by part."""
    old, new = before.out_channels // parts, after.out_channels // parts
    return np.concatenate([np.arange(new) % old + part * old for part in range(parts)])


def _check_same(narrow: nn.Module, wide: nn.Module) -> None:
    """Raise ModelError unless both networks answer alike to noise."""
    images = torch.rand(2, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    modes = [network.training for network in (narrow, wide)]
    with torch.no_grad():
        old, new = (network.eval()(images)[0] for network in (narrow, wide))
    for network, mode in zip((narrow, wide), modes, strict=True):
        network.train(mode)
    difference = (old - new).abs().amax(dim=(0, 2))
    if difference[:4].max() > BOX_TOLERANCE_PX or difference[4:].max() > SCORE_TOLERANCE:
        raise ModelError(
            f"the wider network differs by {float(difference[:4].max()):.3g} px and "
            f"{float(difference[4:].max()):.3g} in score."
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and write the wider weights."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--deep-factor", type=float, default=DEEP_FACTOR, help="of YOLO11n's")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    wide = widen(load_model(load_file(arguments.weights)), arguments.deep_factor, arguments.seed)
    weights = {key: value.contiguous() for key, value in wide.state_dict().items()}
    write_bytes(arguments.out, save(weights))
    count = sum(value.numel() for value in wide.parameters())
    print(f"{arguments.out}: {count / 1e6:.1f} million parameters")


if __name__ == "__main__":
    main()
