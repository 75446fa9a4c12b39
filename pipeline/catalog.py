"""Where models are found: the catalogue, a folder of one's own, the cache of converted weights.

`catalog.toml` lists the models that ship with the project and the public ones it knows. Public ones
are converted once, into a cache folder (convert/, `python app.py export`); nothing here converts or
downloads. File hashes are checked before anything is run.

    python -m pipeline.catalog        # after an export: write the new hashes into catalog.toml
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from core.errors import ModelError, UnknownNameError
from core.files import read_toml, sha256_of, write_bytes
from core.registry import suggest
from pipeline.cache import cache_folder, is_cached
from pipeline.models import CARD_NAME, FAMILY_FILES, Model, ModelFile, Task, read_model

__all__ = [
    "CATALOG_PATH",
    "MODELS_PATH",
    "Model",
    "ModelFile",
    "Task",
    "converted_folder",
    "find_model",
    "load_catalog",
    "update_catalog",
]

CATALOG_PATH = Path(__file__).parent / "catalog.toml"
MODELS_PATH = Path(__file__).parents[1] / "assets" / "models"

# The family of a folder of one's own without a model.json.
_FOLDER_FAMILY: dict[Task, str] = {"detect": "yolo", "upscale": "compact", "rerank": "siglip"}


def converted_folder(name: str, *, precision: str = "f32") -> Path:
    """Return where the conversion of a model lies, whether it is there or not.

    Args:
        name: A catalogue id, a public id such as "google/siglip-base-patch16-224".
        precision: "f32", or "f16" for the graph with 16-bit numbers inside.

    Raises:
        DataError: No cache folder is set, and the user has no home folder.

    Example:
        >>> converted_folder("google/owlv2-base", precision="f16").name
        'google--owlv2-base@f16'
    """
    # Only letters that are safe in every file system; ids have no others.
    slug = re.sub(r"[^A-Za-z0-9._-]", "-", name.replace("/", "--")).lstrip(".") or "model"
    half = "@f16" if precision == "f16" else ""
    return cache_folder("models") / f"{slug}{half}"


def find_model(
    name: str,
    task: Task,
    *,
    catalog: Path = CATALOG_PATH,
    precision: str = "f32",
) -> Model:
    """Return a model by its catalogue id, the path of a folder, or its public id.

    They are tried in this order, so that what lies in the current directory never takes the place
    of a model of the catalogue; "./spotter-detector-n" is the folder of that name.

    Args:
        name: An id such as "spotter-detector-n" or "PekingU/rtdetr_r18vd", or a path.
        task: The stage it is wanted for.
        catalog: Another catalogue, for tests.
        precision: "f16" asks for the conversion with 16-bit numbers inside.

    Raises:
        UnknownNameError: It is neither an id of this task nor a folder.
        ModelError: It is not converted yet, its folder lacks a file, or the catalogue is malformed.
        DataError: There is no folder where its conversion could be, see `converted_folder`.
    """
    models = load_catalog(catalog)
    known = models.get(name)
    if known is not None and known.task != task:
        raise UnknownNameError(
            f"model '{name}' is for {known.task}, not for {task}.",
            f"Known for {task}: {', '.join(_ids(models, task))}.",
        )
    if known is not None and (known.family == "fake" or not (known.converter or _half(precision))):
        return known
    if known is None and _is_folder(Path(name)):
        return _checked(_model_in_folder(Path(name), task), task)
    folder = converted_folder(name, precision=precision)
    if is_cached(folder / CARD_NAME):
        return _checked(read_model(folder), task)
    # A file of one's own, by the id that its conversion has: that may be there in 32 bits alone.
    is_own = is_cached(converted_folder(name) / CARD_NAME)
    if known is not None or is_own or re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ModelError(
            f"model '{name}' is not converted yet{_half(precision)}.", _how(name, known, precision)
        )
    ids = _ids(models, task)
    raise UnknownNameError(
        f"unknown model '{name}'.{suggest(name, ids)}",
        f"Known for {task}: {', '.join(ids)}; or give the path of a folder.",
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
        names = FAMILY_FILES.get(model.family, ()) if model and not model.converter else ()
        if model is None or not names or not all((model.folder / n).is_file() for n in names):
            lines.append(block)
            continue
        kept = [line for line in block.rstrip().splitlines() if not line.startswith("files.")]
        kept += [_file_line(model.folder / name) for name in names]
        lines.append("\n".join(kept) + "\n\n")
        updated.append(model.id)
    write_bytes(path, ("".join(lines).rstrip() + "\n").encode())
    return updated


def _half(precision: str) -> str:
    return " to 16 bits" if precision == "f16" else ""


def _how(name: str, known: Model | None, precision: str) -> str:
    """The command that makes a model usable."""
    half = " --precision fp16" if precision == "f16" else ""
    if known is None or known.hub or not known.url:
        return f"Run: python app.py export --model {name}{half} --download"
    return (
        f"Fetch {known.weights} from {known.url} ({known.source}), then run: "
        f"python app.py export --model {name}{half} --weights {known.weights}"
    )


def _file_line(path: Path) -> str:
    size = path.stat().st_size
    return f'files."{path.name}" = {{ sha256 = "{sha256_of(path)}", bytes = {size} }}'


def _model_in_folder(folder: Path, task: Task) -> Model:
    if (folder / CARD_NAME).is_file():
        return read_model(folder)
    family = _FOLDER_FAMILY[task]
    missing = [name for name in FAMILY_FILES[family] if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder} lacks {', '.join(missing)}.",
            f"A folder for {task} needs {', '.join(FAMILY_FILES[family])}.",
        )
    return Model(id=folder.name, task=task, family=family, folder=folder)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # no file has so long a name, or it may not be looked into
        return False


def _checked(model: Model, task: Task) -> Model:
    if model.task != task:
        raise UnknownNameError(f"model '{model.id}' is for {model.task}, not for {task}.")
    return model


def _ids(models: dict[str, Model], task: Task) -> list[str]:
    return sorted(name for name, model in models.items() if model.task == task)


if __name__ == "__main__":
    update_catalog()
