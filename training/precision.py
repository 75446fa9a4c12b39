"""Which numbers a training run computes in."""

from __future__ import annotations

import torch

from pipeline.engines.machine import probe_machine

__all__ = ["mixed_precision", "product_type"]


def mixed_precision(device_type: str) -> torch.autocast:
    """A context of bfloat16 products where the processor has them, of float32 elsewhere.

    A CPU without them computes them all the same, in software and some ten times slower.
    """
    return torch.autocast(device_type, torch.bfloat16, enabled=_has_bfloat16(device_type))


def product_type(device_type: str) -> torch.dtype:
    """The type for products that need few digits: bfloat16 where it is in the processor."""
    return torch.bfloat16 if _has_bfloat16(device_type) else torch.float32


def _has_bfloat16(device_type: str) -> bool:
    return device_type != "cpu" or probe_machine().has_bf16
