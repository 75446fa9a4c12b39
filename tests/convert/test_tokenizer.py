"""Tokenizers of public checkpoints: the ids that their networks were trained with."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer, models, normalizers, processors

from convert.tokenizer import save_tokenizer


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
