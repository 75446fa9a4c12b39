"""Every model as data: what it is, where its files lie, under which licence.

`catalog.toml` lists the models that ship with the project; a folder of your own with the same file
names works too, by its path. File hashes are checked before anything is run.

    python -m pipeline.catalog        # after an export: write the new hashes into catalog.toml
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from core.config import Section
from core.errors import ModelError, UnknownNameError
from core.files import read_toml, sha256_of, write_bytes
from core.registry import suggest

__all__ = [
    "CATALOG_PATH",
    "MODELS_PATH",
    "Model",
    "ModelFile",
    "Task",
    "find_model",
    "load_catalog",
    "update_catalog",
]

Task = Literal["detect", "upscale", "rerank"]

CATALOG_PATH = Path(__file__).parent / "catalog.toml"
MODELS_PATH = Path(__file__).parents[1] / "assets" / "models"

# What a folder of one's own must contain, and the family that reads it.
_FOLDER_FAMILY: dict[Task, str] = {"detect": "yolo", "upscale": "compact", "rerank": "siglip"}
_FOLDER_FILES: dict[Task, tuple[str, ...]] = {
    "detect": ("detector.onnx",),
    "upscale": ("upscaler.onnx",),
    "rerank": ("vision.onnx", "text.onnx", "tokenizer.json", "reranker.json"),
}


class ModelFile(Section):
    """One file of a model."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the file.")
    bytes: int = Field(ge=1, description="Size of the file.")


class Model(Section):
    """A catalogue entry."""

    id: str = Field(description="Name of the model and of its folder.")
    task: Task = Field(description="Which stage it serves.")
    family: str = Field(description="Which class reads it; a name in pipeline/registry.py.")
    licence: str = Field(
        default="unknown", description="Licence of the weights, as an SPDX expression."
    )
    source: str = Field(default="", description="Where the weights come from.")
    class_names: tuple[str, ...] = Field(default=("object",), description="Classes of a detector.")
    files: dict[str, ModelFile] = Field(default_factory=dict, description="Files by name.")
    folder: Path = Field(default=Path(), description="Where the files lie.")

    def file(self, name: str) -> Path:
        """Return the path of one of its files, after checking that it is the right one.

        Raises:
            ModelError: The file is missing or damaged.
        """
        path = self.folder / name
        if not path.is_file():
            raise ModelError(
                f"model '{self.id}': {path} is missing.",
                "Fetch the models (README, 'Models'), or train and export them (training/).",
            )
        known = self.files.get(name)
        if known is not None and (got := _hash_once(path, path.stat().st_mtime_ns)) != known.sha256:
            raise ModelError(
                f"model '{self.id}': {path} is not the file of the catalogue "
                f"(sha256 {got[:12]}..., expected {known.sha256[:12]}...).",
                "Fetch it again; if you exported it yourself, update pipeline/catalog.toml.",
            )
        return path

    def version(self) -> str:
        """Return a short text for provenance: the id and the start of each file's hash."""
        # All of them: a new calibration is a new version as much as new weights are.
        names = [n for n in _FOLDER_FILES[self.task] if (self.folder / n).is_file()]
        hashes = [_hash_once(self.folder / n, (self.folder / n).stat().st_mtime_ns) for n in names]
        parts = [f"{name} {digest[:12]}" for name, digest in zip(names, hashes, strict=True)]
        return f"{self.id} ({', '.join(parts)})" if parts else self.id


def find_model(name: str, task: Task, *, catalog: Path = CATALOG_PATH) -> Model:
    """Return a model by its catalogue id, or by the path of a folder with the usual file names.

    Args:
        name: An id such as "spotter-detector-n", or a path.
        task: The stage it is wanted for.
        catalog: Another catalogue, for tests.

    Raises:
        UnknownNameError: It is neither an id of this task nor a folder.
        ModelError: The folder lacks a file, or the catalogue is malformed.
    """
    models = load_catalog(catalog)
    if name in models:
        if models[name].task != task:
            raise UnknownNameError(
                f"model '{name}' is for {models[name].task}, not for {task}.",
                f"Known for {task}: {', '.join(_ids(models, task))}.",
            )
        return models[name]
    if Path(name).is_dir():
        return _model_in_folder(Path(name), task)
    known = _ids(models, task)
    raise UnknownNameError(
        f"unknown model '{name}'.{suggest(name, known)}",
        f"Known for {task}: {', '.join(known)}; or give the path of a folder.",
    )


def load_catalog(path: Path = CATALOG_PATH, *, models_path: Path = MODELS_PATH) -> dict[str, Model]:
    """Return all models by id.

    Raises:
        ModelError: An entry is malformed.
    """
    models: dict[str, Model] = {}
    for model_id, entry in read_toml(path).items():
        try:
            values = {"id": model_id, "folder": models_path / model_id, **dict(entry)}  # type: ignore[call-overload]
            models[model_id] = Model.model_validate(values)
        except (ValidationError, TypeError, ValueError) as error:
            raise ModelError(f"{path.name}: entry '{model_id}' is malformed: {error}.") from error
    return models


def update_catalog(path: Path = CATALOG_PATH, *, models_path: Path = MODELS_PATH) -> list[str]:
    """Write the hash and size of each model's files into the catalogue; return the ids found.

    Models whose folder lacks a file keep what they have.
    """
    updated: list[str] = []
    lines: list[str] = []
    models = load_catalog(path, models_path=models_path)
    text = path.read_text(encoding="utf-8")
    for block in re.split(r"(?m)^(?=\[)", text):
        match = re.match(r"\[([^\]]+)\]", block)
        model = models[match[1]] if match else None
        names = _FOLDER_FILES[model.task] if model else ()
        if model is None or not all((model.folder / name).is_file() for name in names):
            lines.append(block)
            continue
        kept = [line for line in block.rstrip().splitlines() if not line.startswith("files.")]
        kept += [_file_line(model.folder / name) for name in names]
        lines.append("\n".join(kept) + "\n\n")
        updated.append(model.id)
    write_bytes(path, ("".join(lines).rstrip() + "\n").encode())
    return updated


def _file_line(path: Path) -> str:
    size = path.stat().st_size
    return f'files."{path.name}" = {{ sha256 = "{sha256_of(path)}", bytes = {size} }}'


def _model_in_folder(folder: Path, task: Task) -> Model:
    missing = [name for name in _FOLDER_FILES[task] if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder} lacks {', '.join(missing)}.",
            f"A folder for {task} needs {', '.join(_FOLDER_FILES[task])}.",
        )
    return Model(id=folder.name, task=task, family=_FOLDER_FAMILY[task], folder=folder)


def _ids(models: dict[str, Model], task: Task) -> list[str]:
    return sorted(name for name, model in models.items() if model.task == task)


@cache
def _hash_once(path: Path, mtime_ns: int) -> str:
    """Hash of a file as it was at this time; files do not change while we run, or the time does."""
    return sha256_of(path)


if __name__ == "__main__":
    update_catalog()
