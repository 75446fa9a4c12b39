"""Muon, an optimizer whose steps are orthogonal matrices; in float32, for convolutions too.

Source: K. Jordan and others, "Muon: An optimizer for hidden layers in neural networks" (2024), with
the size of steps of "Muon is Scalable for LLM Training" (Liu and others, 2025, section 2.2).
PyTorch's and Ultralytics' versions compute in bfloat16 and take matrices alone or mix in SGD. Here
not even a CPU with bfloat16 gets it: the flat way iterates on the Gram matrix, whose small values
are lost in 8 bits, and steps grew up to thousandfold.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Muon", "orthogonalized", "split_parameters"]

# The polynomial of Jordan's Newton-Schulz iteration: singular values end between 0.7 and 1.2.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5
_ROWS_MIN = 16  # a kernel with fewer outputs or inputs has nothing worth orthogonalising
_ADAM_RMS = 0.2  # the usual root mean square of AdamW's steps, so that both share one rate


def orthogonalized(matrix: Tensor) -> Tensor:
    """The matrix with all its singular values brought near 1.

    Args:
        matrix: float32 (m, n).

    Returns:
        float32 (m, n), about U V^T of the matrix's U S V^T.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalized(matrix.T).T
    matrix = matrix / (matrix.norm() + 1e-7)
    rows, columns = matrix.shape
    if columns < 2 * rows:
        for _ in range(_ITERATIONS):
            matrix = _polynomial(matrix @ matrix.T) @ matrix
        return matrix
    # Flat matrices, which kernels are: iterate on the small Gram matrix and multiply once.
    gram = matrix @ matrix.T
    product = _polynomial(gram)
    factor = product
    for _ in range(_ITERATIONS - 1):
        gram = product @ gram @ product
        product = _polynomial(gram)
        factor = product @ factor
    return factor @ matrix


def _polynomial(gram: Tensor) -> Tensor:
    value = torch.addmm(gram, gram, gram, beta=_B, alpha=_C)
    value.diagonal().add_(_A)
    return value


def split_parameters(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The trainable parameters that Muon suits (kernels and matrices), and all the others.

    Tables of embeddings are not suited: most of their rows have no gradient in a step, and
    orthogonal steps would move those as far as the rest.
    """
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    suited: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            rows = parameter.shape[0] if parameter.ndim else 0
            flat = parameter.ndim > 1 and min(rows, parameter.numel() // rows) >= _ROWS_MIN
            flat = flat and id(parameter) not in tables
            (suited if flat else others).append(parameter)
    return suited, others


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; learning rates as for AdamW.

    Args:
        parameters: Matrices, or kernels (out, in, h, w) taken as matrices (out, in * h * w).
        learning_rate: Of the step, whose root mean square is 0.2 times it.
        momentum: Share of the past in the averaged gradient.
        weight_decay: Decoupled, as AdamW's.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        *,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": learning_rate, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """One update of every parameter that has a gradient."""
        if closure is not None:
            raise ValueError("Muon takes no closure: compute the gradients before the step")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        assert parameter.grad is not None
        state = self.state[parameter]
        if "average" not in state:
            state["average"] = torch.zeros_like(parameter)
        average = state["average"].lerp_(parameter.grad, 1 - group["momentum"])
        ahead = parameter.grad.lerp(average, group["momentum"]).reshape(parameter.shape[0], -1)
        size = _ADAM_RMS * max(ahead.shape) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(orthogonalized(ahead).reshape(parameter.shape), alpha=-group["lr"] * size)
