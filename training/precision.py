"""Which numbers a training run computes in."""

from __future__ import annotations

import torch

from pipeline.engines.machine import probe_machine

__all__ = ["mixed_precision"]


def mixed_precision(device_type: str) -> torch.autocast:
    """A context of bfloat16 products where the processor has them, of float32 elsewhere.

    A CPU without them computes them all the same, in software and some ten times slower.
    """
    is_native = device_type != "cpu" or probe_machine().has_bf16
    return torch.autocast(device_type, torch.bfloat16, enabled=is_native)
