"""What a converter is given and gives back, and safe reading of checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from core.errors import ModelError
from pipeline.models import Model

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Source", "Tell", "read_tensors"]

Tell: TypeAlias = Callable[[str], None]
"""Told what happens next, in a few words."""


@dataclass(frozen=True, slots=True)
class Source:
    """Weights at hand, and what is known about them.

    Args:
        path: A file, or the folder of a repository.
        entry: Id, task and licence; family and classes are filled in by the converter.
        trust_pickle: The user agrees that the file may run code while it is read.
        class_names: Names of a detector's classes, where the file does not tell them.
        tell: Told what happens next.
    """

    path: Path
    entry: Model
    trust_pickle: bool = False
    class_names: tuple[str, ...] = ()
    tell: Tell = lambda what: None


def read_tensors(source: Source) -> dict[str, Tensor]:
    """Return the weights of a .safetensors or .pth file by name; runs no code of the file.

    Raises:
        ModelError: It holds more than tensors, and nobody agreed to run its code; or it is damaged.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = source.path
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"cannot read {path}: {error}.") from error
    try:
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # PyTorch raises a pickle error, a RuntimeError or an OSError, as the file fails.
        if not source.trust_pickle:
            raise needs_trust(path, error) from error
        loaded = _load_trusting(path)
    for key in ("params_ema", "params", "state_dict"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
            break
    if not isinstance(loaded, dict) or not all(torch.is_tensor(v) for v in loaded.values()):
        raise ModelError(f"{path} holds no table of weights.", "Give a file of weights alone.")
    return loaded


def _load_trusting(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        # Whatever code in the file raises, or PyTorch of a damaged one.
        why = str(error).strip() or type(error).__name__
        raise ModelError(f"cannot read {path}: {why[:160]}.", "Fetch it again.") from error


def needs_trust(path: Path, error: Exception) -> ModelError:
    """Return the error of a file that can only be read by running code in it."""
    why = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
    return ModelError(
        f"{path} cannot be read without running code that is in it ({why}).",
        "If you trust whoever made it, add --trust-pickle; a .safetensors file needs no trust.",
    )
