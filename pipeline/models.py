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
    "network_sha256",
    "numbers_beside",
    "read_model",
    "write_model",
]

Task: TypeAlias = Literal["detect", "upscale", "rerank"]

CARD_NAME = "model.json"
# What the numbers of large ONNX graphs are called, which lie beside them.
_BESIDE = (".data", "_data")

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
        for member in (path, *numbers_beside(path)):
            self._check(member)
        return path

    def _check(self, path: Path) -> None:
        known = self.files.get(path.name)
        if known is None:
            return
        if not path.is_file():
            raise ModelError(f"model '{self.id}': {path} is missing.", self._mend())
        if (got := _hash_once(path)) != known.sha256:
            raise ModelError(
                f"model '{self.id}': {path} is not the file of the catalogue "
                f"(sha256 {got[:12]}..., expected {known.sha256[:12]}...).",
                self._mend(),
            )

    def _mend(self) -> str:
        if self.converter or self.made_from:
            half = " --precision fp16" if self.folder.name.endswith("@f16") else ""
            return f"Convert it again: python app.py export --model {self.id}{half} --again"
        return "Fetch it again; if you exported it yourself, update pipeline/catalog.toml."

    def version(self) -> str:
        """Return a short text for provenance: the id and the start of each file's hash.

        The hash of a network stands for the numbers beside it too, see `network_sha256`.
        """
        # All of them: a new calibration is a new version as much as new weights are.
        named = FAMILY_FILES.get(self.family, ())
        names = [name for name in named if (self.folder / name).is_file()]
        parts = [f"{name} {network_sha256(self.folder / name)[:12]}" for name in names]
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


def network_sha256(path: Path) -> str:
    """Return one hash of a network: of its graph, and of the numbers beside it where it has any.

    A graph that holds its own numbers has the hash of its file.
    """
    path = path.resolve()
    parts = (part for part in numbers_beside(path) if part.is_file())
    hashes = [_hash_once(path), *(_hash_once(part) for part in parts)]
    return hashes[0] if len(hashes) == 1 else sha256_of(" ".join(hashes).encode())


def numbers_beside(graph: Path) -> tuple[Path, ...]:
    """Return where the numbers of a graph may lie that does not hold them itself.

    Example:
        >>> [path.name for path in numbers_beside(Path("m/detector.int8.xml"))]
        ['detector.int8.bin']
    """
    if graph.suffix == ".xml":
        return (graph.with_suffix(".bin"),)
    return tuple(graph.with_name(graph.name + suffix) for suffix in _BESIDE)


def _hash_once(path: Path) -> str:
    """The hash of a file, computed again only when the file has changed."""
    now = path.stat()
    return _hash_as_of(path, now.st_mtime_ns, now.st_size)


@cache
def _hash_as_of(path: Path, mtime_ns: int, size_bytes: int) -> str:
    return sha256_of(path)
