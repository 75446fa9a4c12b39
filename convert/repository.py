"""Reading a folder in the layout of transformers: its configuration and the model itself."""

from __future__ import annotations

from pathlib import Path
from pickle import PickleError
from typing import Any

from convert.source import Source
from core.errors import DataError, ModelError
from core.files import read_json
from core.packages import require

__all__ = ["image_settings", "is_whole", "load_model", "model_type", "read_config"]

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")


def read_config(folder: Path) -> dict[str, Any]:
    """Return the contents of a repository's config.json.

    Raises:
        ModelError: There is none.
    """
    try:
        config = read_json(folder / "config.json")
    except DataError as error:
        raise ModelError(f"{folder} is no repository of transformers: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{folder / 'config.json'} holds no object.")
    return dict(config)


def is_whole(folder: Path) -> bool:
    """Return whether a repository has its configuration and every file of its weights."""
    if not (folder / "config.json").is_file():
        return False
    for single, index in (_WEIGHTS, _PICKLED):
        if (folder / single).is_file():
            return True
        if (folder / index).is_file():
            parts = _parts(folder / index)
            return bool(parts) and all((folder / part).is_file() for part in parts)
    return False


def _parts(index: Path) -> set[str]:
    """Names of the files that large weights are spread over; none where the list is damaged."""
    try:
        listed = read_json(index)
    except DataError:
        return set()
    places = listed.get("weight_map") if isinstance(listed, dict) else None
    return {str(name) for name in places.values()} if isinstance(places, dict) else set()


def model_type(folder: Path) -> str:
    """Return what a repository says it is, for example "siglip"; empty where it does not."""
    return str(read_config(folder).get("model_type", "")).replace("-", "_")


def image_settings(folder: Path) -> dict[str, Any]:
    """Return how images are prepared, as the repository tells; empty where it does not."""
    for name in ("preprocessor_config.json", "processor_config.json"):
        try:
            found = read_json(folder / name)
        except DataError:
            continue
        if isinstance(found, dict):
            inner = found.get("image_processor")
            return dict(inner) if isinstance(inner, dict) else dict(found)
    return {}


def load_model(source: Source, class_name: str) -> Any:
    """Return a model of transformers in evaluation mode, 32 bits, without fused attention.

    Args:
        source: A folder in the layout of transformers.
        class_name: Which class loads it, for example "AutoModel".

    Raises:
        ModelError: There are no weights, they do not fit, or a .bin file holds more than numbers:
            transformers reads those with PyTorch's weights_only, so no code of theirs is run.
    """
    require("torch", "transformers")
    import torch
    import transformers

    folder = source.path
    safe = any((folder / name).is_file() for name in _WEIGHTS)
    pickled = any((folder / name).is_file() for name in _PICKLED)
    if not safe and not pickled:
        raise ModelError(f"{folder} has no {_WEIGHTS[0]}.", "Fetch the whole repository.")
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        model = getattr(transformers, class_name).from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=safe,
            attn_implementation="eager",
            dtype=torch.float32,
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, PickleError) as error:
        raise ModelError(f"cannot load {folder}: {str(error)[:300]}.") from error
    return model.eval()
