"""The tokenizer of a public checkpoint as one tokenizer.json that pads and cuts as trained."""

from __future__ import annotations

import string
from pathlib import Path

from tokenizers import Regex, Tokenizer, normalizers

from convert.sentencepiece import tokenizer_of
from core.errors import DataError, ModelError
from core.files import read_json

__all__ = ["save_tokenizer"]

# SigLIP was trained without punctuation, SigLIP 2 (with Gemma's tokenizer) with it; both saw small
# letters alone, whatever the files of their repositories say.
_PUNCTUATION = Regex("[" + "".join(f"\\{sign}" for sign in string.punctuation) + "]")
_WITHOUT_PUNCTUATION = (
    normalizers.Replace(_PUNCTUATION, ""),
    normalizers.Replace(Regex(r"\s+"), " "),
    normalizers.Strip(),
)


def save_tokenizer(repository: Path, path: Path, *, length: int, model_type: str) -> Tokenizer:
    """Write tokenizer.json for a repository and return the tokenizer.

    Args:
        repository: Folder with tokenizer.json or spiece.model.
        path: File to write.
        length: Every text becomes this many tokens.
        model_type: As config.json tells, for example "siglip".

    Raises:
        ModelError: The repository has no tokenizer that can be read without running code.
    """
    tokenizer = _read(repository)
    settings = _settings(repository)
    if model_type == "siglip":
        signs = () if _is_gemma(settings) else _WITHOUT_PUNCTUATION
        rest = [tokenizer.normalizer] if tokenizer.normalizer is not None else []
        tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *signs, *rest])
    pad = _pad_token(tokenizer, settings)
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, pad_token=pad, pad_id=tokenizer.token_to_id(pad) or 0)
    tokenizer.save(str(path))
    return tokenizer


def _read(repository: Path) -> Tokenizer:
    whole, pieces = repository / "tokenizer.json", repository / "spiece.model"
    try:
        if whole.is_file():
            return Tokenizer.from_file(str(whole))
        if pieces.is_file():
            return tokenizer_of(pieces.read_bytes())
    except Exception as error:
        # The library raises plain Exception.
        raise ModelError(f"cannot read the tokenizer in {repository}: {error}.") from error
    raise ModelError(
        f"{repository} has neither tokenizer.json nor spiece.model.",
        "Fetch the whole repository.",
    )


def _settings(repository: Path) -> dict[str, object]:
    try:
        found = read_json(repository / "tokenizer_config.json")
    except DataError:
        return {}
    return dict(found) if isinstance(found, dict) else {}


def _is_gemma(settings: dict[str, object]) -> bool:
    """True for SigLIP 2, which names one of two classes; its model_type is SigLIP's."""
    name = str(settings.get("tokenizer_class", ""))
    return "Gemma" in name or "Siglip2" in name


def _pad_token(tokenizer: Tokenizer, settings: dict[str, object]) -> str:
    told = settings.get("pad_token")
    if isinstance(told, dict):
        told = told.get("content")
    candidates = [str(told)] if told else []
    candidates += ["<pad>", "[PAD]", "</s>", "<|endoftext|>"]
    return next((t for t in candidates if tokenizer.token_to_id(t) is not None), "[PAD]")
