"""Tokenizers of public checkpoints: the ids that their networks were trained with."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from convert.hub import _WANTED
from convert.tokenizer import save_tokenizer
from core.errors import ModelError


@pytest.mark.parametrize("name", ["GemmaTokenizer", "Siglip2Tokenizer"])
def test_siglip2_reads_small_letters_and_punctuation(tmp_path, name):
    signs = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.▁"]
    vocabulary = {sign: i for i, sign in enumerate(["<pad>", "<eos>", "<bos>", "<unk>", *signs])}
    theirs = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", fuse_unk=True))
    theirs.normalizer = normalizers.Replace(" ", "▁")
    theirs.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", 1)]
    )
    theirs.save(str(tmp_path / "tokenizer.json"))
    settings = {"tokenizer_class": name, "pad_token": "<pad>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    ours = save_tokenizer(tmp_path, tmp_path / "ours.json", length=16, model_type="siglip")
    upper, lower = (ours.encode(text) for text in ("A Red Drone.", "a red drone."))
    assert upper.ids == lower.ids
    assert lower.tokens == [*"a▁red▁drone.", "<eos>", *["<pad>"] * 3]


# As the slow class saves it, without a tokenizer.json: so is the repository of OWLv2. The sign that
# it pads with is an ordinary one within a caption; transformers takes it for padding there, too.
MERGES = [("r", "e"), ("re", "d</w>"), ("p", "l"), ("pl", "a"), ("n", "e</w>"), ("pla", "ne</w>")]
CAPTIONS = (
    "red plane", "a photo of a Red  Plane.", "plane's wing", "it's red, isn't it?", "F-16 2024",
    "grüner Über-Drache", "été e\u0301", "红色 飞机", "\U0001f681 ??", "", "red\n\tplane " * 9,
)  # fmt: skip


def clip_vocabulary() -> dict[str, int]:
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*signs, *(f"{sign}</w>" for sign in signs), *map("".join, MERGES)]
    return {word: i for i, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}


def write_slow_clip(folder) -> None:
    (folder / "vocab.json").write_text(json.dumps(clip_vocabulary()))
    lines = ["#version: 0.2", *map(" ".join, MERGES)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    settings = {"tokenizer_class": "CLIPTokenizer", "pad_token": "!", "model_max_length": 16}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def test_owlv2_has_the_ids_of_transformers(tmp_path):
    transformers = pytest.importorskip(
        "transformers", reason="pip install -r requirements-convert.txt"
    )
    write_slow_clip(tmp_path)
    ours = save_tokenizer(tmp_path, tmp_path / "ours.json", length=16, model_type="owlv2")
    theirs = transformers.CLIPTokenizer(clip_vocabulary(), MERGES, pad_token="!")
    expected = theirs(list(CAPTIONS), padding="max_length", truncation=True, max_length=16)
    got = Tokenizer.from_file(str(tmp_path / "ours.json")).encode_batch(list(CAPTIONS))
    assert [row.ids for row in got] == expected["input_ids"]
    assert ours.encode("red plane").tokens[:5] == [
        "<|startoftext|>", "red</w>", "plane</w>", "<|endoftext|>", "!",
    ]  # fmt: skip
    assert got[0].ids[-1] == 0


def test_what_is_read_is_fetched(tmp_path):
    assert {"tokenizer.json", "spiece.model", "vocab.json", "merges.txt"} <= set(_WANTED)
    with pytest.raises(ModelError, match=r"nor vocab\.json and merges"):
        save_tokenizer(tmp_path, tmp_path / "ours.json", length=16, model_type="clip")
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0, "<|endoftext|>": 1}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(ModelError, match=r"vocab\.json lacks .* not CLIP's\.$"):
        save_tokenizer(tmp_path, tmp_path / "ours.json", length=16, model_type="clip")
