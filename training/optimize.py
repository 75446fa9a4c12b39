"""What every training loop here needs: an optimizer, a moving average of the weights, a rate."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import torch
from torch import nn

from core.errors import ConfigError
from training.muon import Muon, split_parameters

__all__ = ["KINDS", "Kind", "Optimizers", "make_optimizer", "rate_at", "update_average"]

Kind = Literal["adamw", "muon"]
KINDS: tuple[str, ...] = get_args(Kind)


class Optimizers:
    """Several optimizers over parts of one model, driven as one."""

    def __init__(self, *parts: torch.optim.Optimizer) -> None:
        self._parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all parts."""
        return [group for part in self._parts for group in part.param_groups]

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of every group."""
        for group in self.param_groups:
            group["lr"] = rate

    def zero_grad(self) -> None:
        """Drop all gradients."""
        for part in self._parts:
            part.zero_grad(set_to_none=True)

    def step(self) -> None:
        """One update of every part."""
        for part in self._parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """The state of every part, in order."""
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state again.

        Raises:
            ConfigError: It is that of another kind of optimizer.
        """
        saved = state.get("parts", [state])  # AdamW alone, as it was saved at first
        if len(saved) != len(self._parts):
            raise ConfigError(
                "the run was begun with another optimizer.", "Resume it with the same --optimizer."
            )
        for part, its_state in zip(self._parts, saved, strict=True):
            part.load_state_dict(its_state)


def make_optimizer(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    kind: Kind = "adamw",
    betas: tuple[float, float] = (0.9, 0.99),
) -> Optimizers:
    """An optimizer that decays matrices and kernels but no bias and no normalisation.

    Args:
        model: Its parameters that take gradients are trained.
        learning_rate: Peak rate; of the same meaning for both kinds.
        weight_decay: Decoupled decay of matrices and kernels.
        kind: "adamw", or "muon" for matrices and kernels with AdamW for the rest.
        betas: Of AdamW.
    """
    suited, others = split_parameters(model) if kind == "muon" else ([], list(model.parameters()))
    groups = [
        {"params": [p for p in others if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, learning_rate, betas=betas, fused=True)
    if not suited:
        return Optimizers(adamw)
    return Optimizers(Muon(suited, learning_rate, weight_decay=weight_decay), adamw)


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, step: int, decay: float) -> None:
    """Move the averaged weights towards the model's; whole numbers are copied.

    Args:
        average: Changed in place.
        model: Just updated.
        step: Updates so far; early averages forget faster.
        decay: Share of the past that is kept later on.
    """
    decay = min(decay, (1 + step) / (20 + step))
    pairs = zip(average.state_dict().values(), model.state_dict().values(), strict=True)
    for mean, value in pairs:
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def rate_at(step: int, progress: float, peak: float, *, warmup_steps: int, floor: float) -> float:
    """The learning rate: linear warm-up over steps times half a cosine over the run.

    Args:
        step: Updates so far.
        progress: Share of the run that is done, 0 to 1.
        peak: Largest rate.
        warmup_steps: Updates until the peak.
        floor: Share of the peak that is left at the end.
    """
    falling = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return peak * min(1.0, (step + 1) / warmup_steps) * falling
