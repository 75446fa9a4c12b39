"""What a model is: its catalogue entry, its files and their hashes.

Where models are listed and found: catalog.py. A folder of converted weights carries its own entry,
`model.json`, so it needs no line in the catalogue.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field, ValidationError

from core.config import Section
from core.errors import ModelError
from core.files import sha256_of, write_json

__all__ = [
    "CARD_NAME",
    "FAMILY_FILES",
    "Model",
    "ModelFile",
    "Task",
    "read_model",
    "write_model",
]

Task: TypeAlias = Literal["detect", "upscale", "rerank"]

CARD_NAME = "model.json"

# What a folder of each family must hold.
_TOWERS = ("vision.onnx", "text.onnx", "tokenizer.json")
FAMILY_FILES: dict[str, tuple[str, ...]] = {
    "yolo": ("detector.onnx",),
    "yolov6": ("detector.onnx",),
    "yolox": ("detector.onnx",),
    "detr": ("detector.onnx", "detector.json"),
    "owl": (*_TOWERS, "detector.json"),
    "grounding": ("detector.onnx", "tokenizer.json", "detector.json"),
    "compact": ("upscaler.onnx",),
    "siglip": (*_TOWERS, "reranker.json"),
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
    converter: str = Field(
        default="", description="What turns the public weights into ONNX; empty: files ship here."
    )
    hub: str = Field(default="", description="Its repository on huggingface.co, where it has one.")
    weights: str = Field(
        default="", description="The file of weights that is converted; empty: the repository."
    )
    url: str = Field(default="", description="Where to fetch that file by hand.")
    input_wh: tuple[int, int] | None = Field(
        default=None, description="Input size that a graph of fixed size is made for."
    )
    template: str = Field(default="{}", description="Sentence around a caption, as trained.")
    made_from: str = Field(
        default="", description="Hash of the weights and settings that a conversion was made from."
    )
    made_how: str = Field(default="", description="Hash of those settings and of the converter.")

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
        # Numbers of large graphs lie beside them.
        for member in (name, f"{name}.data"):
            self._check(self.folder / member)
        return path

    def _check(self, path: Path) -> None:
        known = self.files.get(path.name)
        if known is None:
            return
        if not path.is_file():
            raise ModelError(f"model '{self.id}': {path} is missing.", self._mend())
        if (got := hash_once(path, path.stat().st_mtime_ns)) != known.sha256:
            raise ModelError(
                f"model '{self.id}': {path} is not the file of the catalogue "
                f"(sha256 {got[:12]}..., expected {known.sha256[:12]}...).",
                self._mend(),
            )

    def _mend(self) -> str:
        if self.converter:
            return f"Convert it again: python app.py export --model {self.id} --again"
        return "Fetch it again; if you exported it yourself, update pipeline/catalog.toml."

    def version(self) -> str:
        """Return a short text for provenance: the id and the start of each file's hash."""
        # All of them: a new calibration is a new version as much as new weights are.
        named = FAMILY_FILES.get(self.family, ())
        names = [name for name in named if (self.folder / name).is_file()]
        hashes = [hash_once(self.folder / n, (self.folder / n).stat().st_mtime_ns) for n in names]
        parts = [f"{name} {digest[:12]}" for name, digest in zip(names, hashes, strict=True)]
        return f"{self.id} ({', '.join(parts)})" if parts else self.id


def read_model(folder: Path) -> Model:
    """Return the entry that a folder carries in its model.json.

    Raises:
        ModelError: The file is missing or malformed.
    """
    path = folder / CARD_NAME
    try:
        model = Model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelError(
            f"cannot read {path}: {error}.", "Convert the model again: python app.py export --help"
        ) from error
    return model.model_copy(update={"folder": folder})


def write_model(folder: Path, model: Model) -> Model:
    """Write a folder's model.json, with the hash of every other file; return the entry."""
    files = {
        path.name: ModelFile(sha256=sha256_of(path), bytes=path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != CARD_NAME and not path.name.startswith(".")
    }
    entry = model.model_copy(update={"files": files, "folder": folder})
    write_json(folder / CARD_NAME, entry.model_dump(mode="json", exclude={"folder"}))
    return entry


@cache
def hash_once(path: Path, mtime_ns: int) -> str:
    """Hash of a file as it was at this time; files do not change while we run, or the time does."""
    return sha256_of(path)
