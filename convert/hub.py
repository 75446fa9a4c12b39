"""Fetching the weights of a public model: only when asked to, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from convert.source import Tell
from core.errors import ModelError
from pipeline.models import Model

__all__ = ["fetch"]

# What conversion reads of a repository; larger alternatives (TensorFlow, Flax, ONNX) stay there.
_WANTED = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "spiece.model",
    "*.safetensors",
    "model.safetensors.index.json",
)
_PICKLED = ("pytorch_model*.bin", "pytorch_model.bin.index.json")


def fetch(entry: Model, *, download: bool, tell: Tell) -> Path:
    """Return the folder or file of a model's weights in the Hugging Face cache.

    Args:
        entry: Its `hub` names the repository, its `weights` a single file of it.
        download: The user agrees to a download; otherwise only what is there is used.
        tell: Told what happens next.

    Raises:
        ModelError: It is not there, or cannot be fetched.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    patterns = [entry.weights] if entry.weights else [*_WANTED, *_PICKLED]
    try:
        folder = _snapshot(snapshot_download, entry.hub, patterns, local=True)
    except LocalEntryNotFoundError as error:
        if not download:
            raise ModelError(
                f"the weights of '{entry.id}' are not on this machine.",
                f"To fetch them from huggingface.co/{entry.hub} (licence: {entry.licence}) run: "
                f"python app.py export --model {entry.id} --download",
            ) from error
        tell(f"fetching huggingface.co/{entry.hub}")
        folder = _download(entry, patterns)
    path = folder / entry.weights if entry.weights else folder
    if not path.exists():
        raise ModelError(f"huggingface.co/{entry.hub} has no {entry.weights}.")
    return path


def _download(entry: Model, patterns: list[str]) -> Path:
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        if entry.weights:
            return _snapshot(snapshot_download, entry.hub, patterns, local=False)
        folder = _snapshot(snapshot_download, entry.hub, list(_WANTED), local=False)
        # Pickled weights only where there are no others.
        if not list(folder.glob("*.safetensors")):
            folder = _snapshot(snapshot_download, entry.hub, patterns, local=False)
        return folder
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else "no answer"
        raise ModelError(
            f"cannot fetch huggingface.co/{entry.hub}: {reason}.",
            "Check the name and the connection; HF_HUB_OFFLINE must not be set; "
            "gated repositories need: hf auth login.",
        ) from error


def _snapshot(download: Any, repository: str, patterns: list[str], *, local: bool) -> Path:
    return Path(download(repository, allow_patterns=patterns, local_files_only=local))
