"""The tokenizer of a public checkpoint as one tokenizer.json that pads and cuts as trained."""

from __future__ import annotations

import string
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

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
# CLIP's words: contractions, runs of letters, single digits, runs of other signs.
_CLIP_START, _CLIP_END = "<|startoftext|>", "<|endoftext|>"
_CLIP_WORD = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")


def save_tokenizer(repository: Path, path: Path, *, length: int, model_type: str) -> Tokenizer:
    """Write tokenizer.json for a repository and return the tokenizer.

    Args:
        repository: Folder with tokenizer.json, spiece.model, or CLIP's vocab.json and merges.txt.
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
    vocabulary, merges = repository / "vocab.json", repository / "merges.txt"
    try:
        if whole.is_file():
            return Tokenizer.from_file(str(whole))
        if pieces.is_file():
            return tokenizer_of(pieces.read_bytes())
        if vocabulary.is_file() and merges.is_file():
            return _clip_tokenizer(vocabulary, merges)
    except ModelError:
        raise
    except Exception as error:
        # The library raises plain Exception.
        raise ModelError(f"cannot read the tokenizer in {repository}: {error}.") from error
    raise ModelError(
        f"{repository} has neither tokenizer.json nor spiece.model, nor vocab.json and merges.txt.",
        "Fetch the whole repository.",
    )


def _clip_tokenizer(vocabulary: Path, merges: Path) -> Tokenizer:
    """The tokenizer of CLIP and OWLv2, as repositories have it that were saved by the slow class.

    Raises:
        ModelError: The files are those of another byte-pair tokenizer.
    """
    pairs = models.BPE.from_file(
        str(vocabulary), str(merges), unk_token=_CLIP_END, end_of_word_suffix="</w>"
    )
    tokenizer = Tokenizer(pairs)
    ends = {token: tokenizer.token_to_id(token) for token in (_CLIP_START, _CLIP_END)}
    if None in ends.values():
        raise ModelError(f"{vocabulary} lacks {_CLIP_START} or {_CLIP_END}: it is not CLIP's.")
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_CLIP_WORD, behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.add_special_tokens(list(ends))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_CLIP_START} $A {_CLIP_END}", special_tokens=list(ends.items())
    )
    return tokenizer


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
