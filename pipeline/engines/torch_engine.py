"""PyTorch as the reference that the other engines are compared with; never needed to locate.

It runs a module handed to it, not a file: tests and benchmarks own the module.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.engines.base import Feeds, TensorSpec, run_in_batches

__all__ = ["TorchEngine"]


class TorchEngine:
    """A `torch.nn.Module` (eager or TorchScript) behind the engine seam, on its own device.

    Args:
        module: Called with the inputs in order; returns a tensor or a tuple of them.
        inputs: Names of the inputs, in the order of the call.
        outputs: Names of what it returns.
    """

    def __init__(
        self, module: torch.nn.Module, *, inputs: Sequence[str], outputs: Sequence[str]
    ) -> None:
        self._module = module.eval()
        parameter = next(module.parameters(), None)
        self._device = torch.device("cpu") if parameter is None else parameter.device
        # A module does not tell its shapes.
        self.inputs = tuple(TensorSpec(name, "float32", ()) for name in inputs)
        self.outputs = tuple(TensorSpec(name, "float32", ()) for name in outputs)

    def run(self, feeds: Feeds) -> dict[str, NDArray]:
        """Return the outputs by name."""
        return run_in_batches(self._run, feeds)

    @torch.inference_mode()
    def _run(self, feeds: Feeds) -> dict[str, NDArray]:
        tensors = [
            torch.from_numpy(np.ascontiguousarray(feeds[spec.name])).to(self._device)
            for spec in self.inputs
        ]
        got = self._module(*tensors)
        values = got if isinstance(got, tuple | list) else (got,)
        return {
            spec.name: value.cpu().numpy() for spec, value in zip(self.outputs, values, strict=True)
        }
