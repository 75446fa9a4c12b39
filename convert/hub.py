"""Fetching the weights of a public model: only when asked to, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from convert.repository import is_whole
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
    "vocab.json",
    "merges.txt",
    "*.safetensors",
    "model.safetensors.index.json",
)
_PICKLED = ("pytorch_model*.bin", "pytorch_model.bin.index.json")


def fetch(entry: Model, *, download: bool, tell: Tell) -> Path:
    """Return the folder or file of a model's weights in the Hugging Face cache.

    Args:
        entry: Its `hub` names the repository, its `weights` a single file of it.
        download: The user agrees to a download of what is missing or newer there; otherwise only
            what is here is used.
        tell: Told what happens next.

    Raises:
        ModelError: It is not here, or not all of it, or cannot be fetched; or no repository can
            have such a name, as where a path was misspelt.
    """
    _check_id(entry.hub)
    if download:
        tell(f"fetching huggingface.co/{entry.hub}")
        folder = _download(entry)
    else:
        folder = _find(entry)
    path = folder / entry.weights if entry.weights else folder
    if not path.exists():
        raise ModelError(f"huggingface.co/{entry.hub} has no {entry.weights}.")
    return path


def _check_id(name: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ModelError(
            f"'{name}' is neither a file or folder here, nor can it be a public id.",
            "Check the path; public ids are like google/owlv2-base-patch16-ensemble.",
        ) from error


def _find(entry: Model) -> Path:
    from huggingface_hub.errors import LocalEntryNotFoundError

    reason = None
    try:
        folder = _snapshot(entry, local=True)
        # A download that was broken off leaves a folder, too.
        if (folder / entry.weights).is_file() if entry.weights else is_whole(folder):
            return folder
    except LocalEntryNotFoundError as error:
        reason = error
    raise ModelError(
        f"the weights of '{entry.id}' are not on this machine, or not all of them.",
        f"To fetch them from huggingface.co/{entry.hub} (licence: {entry.licence}) run: "
        f"python app.py export --model {entry.id} --download",
    ) from reason


def _download(entry: Model) -> Path:
    from huggingface_hub import errors

    # The base of all its HTTP errors; which library that comes from has changed before.
    http_error: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]
    try:
        return _snapshot(entry, local=False)
    except (http_error, errors.LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else "no answer"
        raise ModelError(
            f"cannot fetch huggingface.co/{entry.hub}: {reason}.",
            "Check the name and the connection; HF_HUB_OFFLINE must not be set; "
            "gated repositories need: hf auth login.",
        ) from error


def _snapshot(entry: Model, *, local: bool) -> Path:
    """The folder of what is wanted; pickled weights only where there are no others."""
    from huggingface_hub import snapshot_download

    def take(patterns: Sequence[str]) -> Path:
        return Path(
            snapshot_download(entry.hub, allow_patterns=list(patterns), local_files_only=local)
        )

    if entry.weights:
        return take([entry.weights])
    folder = take(_WANTED)
    return folder if is_whole(folder) else take([*_WANTED, *_PICKLED])
