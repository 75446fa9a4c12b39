"""How good a reranker is, on held-out crops and on photographs with true boxes.

In: a model and data. Out: plain numbers. Photographs are only ever measured on here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from tokenizers import Tokenizer

from core.image import read_image
from pipeline.cut import CONTEXT_RATIO
from synth.captions import COLORS, TYPES, measure_agreement, parse_caption, write_caption
from training.crops import IMAGE_PX, Upscale, cut_batch
from training.reranker_data import CropCache, Facts, describe, normalize_images
from training.reranker_model import DualEncoder

__all__ = [
    "Photographs",
    "evaluate_crops",
    "evaluate_photographs",
    "read_photographs",
]


@dataclass(frozen=True, slots=True, eq=False)
class Photographs:
    """Crops at the true boxes of real photographs.

    Attributes:
        crops: (n, S, S, 3) uint8.
        captions: n captions.
        image_id: (n,) which photograph.
        ambiguous: (n,) another object of the photograph has the same caption.
    """

    crops: NDArray[np.uint8]
    captions: tuple[str, ...]
    image_id: NDArray[np.int64]
    ambiguous: NDArray[np.bool_]


def read_photographs(annotations: Path, upscale: Upscale) -> Photographs:
    """Return the crops of a JSON-lines file: `{"image", "annotations": [{"bbox", "caption"}]}`."""
    pictures, boxes, captions, ids, ambiguous = [], [], [], [], []
    for number, line in enumerate(annotations.read_text(encoding="utf-8").splitlines()):
        entry = json.loads(line)
        if not entry["annotations"]:
            continue
        image = read_image(annotations.parent / "images" / entry["image"])
        for item in entry["annotations"]:
            left, top, width, height = item["bbox"]
            pictures.append(image)
            boxes.append((left, top, left + width, top + height))
            captions.append(item["caption"])
            ids.append(number)
            ambiguous.append(bool(item.get("ambiguous", False)))
    crops = cut_batch(pictures, boxes, upscale, side_px=IMAGE_PX, context_ratio=CONTEXT_RATIO)
    return Photographs(crops, tuple(captions), np.array(ids), np.array(ambiguous))


@torch.no_grad()
def embed_crops(
    model: DualEncoder, images: NDArray[np.uint8], *, fast: bool = False
) -> NDArray[np.float32]:
    """Return image embeddings (n, d); `fast` computes in bfloat16."""
    parts = []
    for start in range(0, len(images), 256):
        pixels = normalize_images(images[start : start + 256])
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            parts.append(model.embed_images(pixels.contiguous(memory_format=torch.channels_last)))
    return torch.cat(parts).numpy()


@torch.no_grad()
def embed_captions(
    model: DualEncoder, tokenizer: Tokenizer, captions: Sequence[str]
) -> NDArray[np.float32]:
    """Return text embeddings (c, d)."""
    tokens = [encoding.ids for encoding in tokenizer.encode_batch(list(captions))]
    return model.embed_texts(torch.tensor(tokens)).numpy()


def compute_logits(
    model: DualEncoder, texts: NDArray[np.float32], images: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return logits (c, n)."""
    scale, bias = model.logit_scale.exp().item(), model.logit_bias.item()
    return scale * texts @ images.T + bias


def evaluate_crops(
    model: DualEncoder, tokenizer: Tokenizer, cache: CropCache, *, seed: int = 0
) -> dict[str, float]:
    """Return accuracies on held-out crops, gathered at random into pictures of four objects.

    one_by_one: each caption picks the right one of four; joint: the same by assignment; pooled:
    each caption's best of all crops fits it; named: the best of all captions fits the crop.
    """
    model.eval()
    facts = cache.facts
    rows = np.flatnonzero(facts.type_id >= 0)
    facts = facts.take(rows)
    images = embed_crops(model, cache.images(rows), fast=True)
    captions, agreement = _caption_all(facts)
    own = _own_columns(facts, captions)
    texts = embed_captions(model, tokenizer, captions)
    logits = compute_logits(model, texts, images)  # (c, n)
    groups = _draw_groups(agreement, own, np.random.default_rng(seed), count=len(rows))
    single = [logits[np.ix_(own[g], g)].argmax(1) == np.arange(len(g)) for g in groups]
    joint = []
    for group in groups:
        picked = linear_sum_assignment(-logits[np.ix_(own[group], group)])[1]
        joint.append(picked == np.arange(len(group)))
    used = np.unique(own)
    pooled = agreement[logits[used].argmax(1), used] >= 0.5
    named = agreement[np.arange(len(rows)), used[logits[used].argmax(0)]] >= 0.5
    return {
        "one_by_one": float(np.mean(np.concatenate(single))),
        "joint": float(np.mean(np.concatenate(joint))),
        "pooled": float(np.mean(pooled)),
        "named": float(np.mean(named)),
    }


def evaluate_photographs(
    model: DualEncoder, tokenizer: Tokenizer, photographs: Photographs
) -> dict[str, object]:
    """Return accuracies on photographs, and what was taken for what.

    `types` and `colors` list "true > taken for" with counts: the caption's type (or its first
    color) is exchanged for every other one, and the best replacement counts as what was seen.
    """
    model.eval()
    images = embed_crops(model, photographs.crops)
    texts = embed_captions(model, tokenizer, photographs.captions)
    logits = compute_logits(model, texts, images)
    single, joint = [], []
    for number in np.unique(photographs.image_id):
        rows = np.flatnonzero((photographs.image_id == number) & ~photographs.ambiguous)
        if not len(rows):
            continue
        part = logits[np.ix_(rows, rows)]
        single += list(part.argmax(1) == np.arange(len(rows)))
        joint += list(linear_sum_assignment(-part)[1] == np.arange(len(rows)))
    best = logits.argmax(1)
    same = [photographs.captions[row] == photographs.captions[b] for row, b in enumerate(best)]
    plain = np.flatnonzero(~photographs.ambiguous)
    types, colors = _confuse(model, tokenizer, photographs, images)
    return {
        "one_by_one": float(np.mean(single)),
        "joint": float(np.mean(joint)),
        "pooled": float(np.mean(np.array(same)[plain])),
        "logit_right": float(np.median(np.diag(logits))),
        **types,
        **colors,
    }


def _caption_all(facts: Facts) -> tuple[list[str], NDArray[np.float32]]:
    """The distinct plain captions of the crops, and their agreement with every crop (n, c)."""
    captions = sorted({_plain_caption(facts, row) for row in range(len(facts))})
    meanings = [parse_caption(caption) for caption in captions]
    agreement = measure_agreement(
        meanings, shares=facts.shares, type_ids=facts.type_id, camouflage=facts.camouflage
    )
    return captions, agreement


def _own_columns(facts: Facts, captions: Sequence[str]) -> NDArray[np.int64]:
    column = {caption: index for index, caption in enumerate(captions)}
    return np.array([column[_plain_caption(facts, row)] for row in range(len(facts))])


def _plain_caption(facts: Facts, row: int) -> str:
    meaning = describe(facts, row)
    return write_caption(meaning.colors, meaning.types[0], camouflage=meaning.camouflage)


def _draw_groups(
    agreement: NDArray[np.float32], own: NDArray[np.int64], rng: np.random.Generator, *, count: int
) -> list[NDArray[np.int64]]:
    """Groups of four crops in which no caption fits a crop that is not its own."""
    groups = []
    for _ in range(count):
        group = rng.choice(len(own), 4, replace=False)
        fits = agreement[np.ix_(group, own[group])] > 0.2
        if fits.sum() - np.trace(fits) == 0:
            groups.append(group)
    return groups


def _confuse(
    model: DualEncoder,
    tokenizer: Tokenizer,
    photographs: Photographs,
    images: NDArray[np.float32],
) -> tuple[dict[str, object], dict[str, object]]:
    types: Counter[str] = Counter()
    colors: Counter[str] = Counter()
    for row, caption in enumerate(photographs.captions):
        meaning = parse_caption(caption)
        if len(meaning.types) != 1:
            continue
        by_type = [replace(meaning, types=(name,)) for name in TYPES]
        by_color = [replace(meaning, colors=(name, *meaning.colors[1:])) for name in COLORS]
        said = [
            write_caption(m.colors, m.types[0], camouflage=m.camouflage)
            for m in (*by_type, *by_color)
        ]
        scores = embed_captions(model, tokenizer, said) @ images[row]
        types[f"{meaning.types[0]} > {TYPES[int(scores[: len(TYPES)].argmax())]}"] += 1
        if meaning.colors:
            seen = COLORS[int(scores[len(TYPES) :].argmax())]
            colors[f"{meaning.colors[0]} > {seen}"] += 1
    return _summarize("types", types), _summarize("colors", colors)


def _summarize(name: str, counts: Counter[str]) -> dict[str, object]:
    right = sum(n for pair, n in counts.items() if len(set(pair.split(" > "))) == 1)
    wrong = {pair: n for pair, n in counts.most_common() if len(set(pair.split(" > "))) == 2}
    return {f"{name}_right": right / max(sum(counts.values()), 1), name: wrong}
