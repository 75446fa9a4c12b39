"""Batches for the reranker: cached crops, shifted and re-lit, and captions hard to tell apart.

In: a folder of `training.crops`. Out: normalized images, a pool of captions, and how true each
caption is of each image. No model here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from core.errors import InputError
from pipeline.rerank.preprocess import to_pixel_values
from synth.captions import (
    COLORS,
    TYPE_GROUPS,
    TYPES,
    Description,
    choose_colors,
    make_hard_negatives,
    measure_agreement,
    paraphrase,
    write_caption,
)
from training.crops import CACHE_PX, IMAGE_PX

__all__ = ["Batch", "CropCache", "Facts", "describe", "draw_batch", "normalize_images"]


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is known about n crops; see `training.crops.make_shard` for the arrays."""

    type_id: NDArray[np.int64]
    shares: NDArray[np.float32]
    camouflage: NDArray[np.bool_]
    shade: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.type_id)

    def take(self, rows: NDArray[np.int64]) -> Facts:
        """Return the chosen rows."""
        return Facts(self.type_id[rows], self.shares[rows], self.camouflage[rows], self.shade[rows])


class CropCache:
    """The complete shards of a folder; `refresh` finds those written since."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._images: list[NDArray[np.uint8]] = []
        self._names: list[str] = []
        self._parts: list[Facts] = []
        self.refresh()
        if not self._names:
            raise InputError(
                f"{folder} holds no crops; make some: python -m training.crops --out {folder}."
            )

    def __len__(self) -> int:
        return len(self.facts)

    def refresh(self) -> None:
        """Take in the shards that were completed since the last look."""
        for path in sorted(self.folder.glob("crops-*.npz")):
            if path.name in self._names:
                continue
            with np.load(path) as arrays:
                part = Facts(
                    arrays["type_id"].astype(np.int64),
                    arrays["shares"],
                    arrays["camouflage"],
                    arrays["shade"].astype(np.int64),
                )
            self._names.append(path.name)
            self._parts.append(part)
            self._images.append(np.load(path.with_suffix(".npy"), mmap_mode="r"))
        if self._parts:
            columns = ("type_id", "shares", "camouflage", "shade")
            joined = [np.concatenate([getattr(part, c) for part in self._parts]) for c in columns]
            self.facts = Facts(*joined)
            self._starts = np.cumsum([0, *[len(part) for part in self._parts]])

    def images(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return crops as cached, (n, 112, 112, 3) uint8."""
        shard = np.searchsorted(self._starts, rows, side="right") - 1
        picked = [self._images[s][r - self._starts[s]] for s, r in zip(shard, rows, strict=True)]
        return np.stack(picked)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One step's data.

    Attributes:
        pixels: (n, 3, S, S) normalized.
        input_ids: (c, L) tokens of the caption pool.
        agreement: (n, c), see `synth.captions.measure_agreement`.
        own: (n,) column of each image's own caption, -1 for none.
        type_id: (n,) index into TYPES, len(TYPES) for none.
        shares: (n, colors).
        camouflage: (n,) 0 or 1.
    """

    pixels: Tensor
    input_ids: Tensor
    agreement: Tensor
    own: Tensor
    type_id: Tensor
    shares: Tensor
    camouflage: Tensor


def describe(facts: Facts, row: int, *, share_min: float = 0.12) -> Description:
    """Return the plain description of one crop."""
    shares = dict(zip(COLORS, facts.shares[row].tolist(), strict=True))
    colors = choose_colors(shares, share_min=share_min) if facts.shares[row].any() else ()
    return Description(colors, bool(facts.camouflage[row]), (TYPES[facts.type_id[row]],))


def normalize_images(images: NDArray[np.uint8]) -> Tensor:
    """Return the middle of cached crops as the model wants them: (n, 3, S, S), -1 to 1."""
    edge = (images.shape[1] - IMAGE_PX) // 2
    middle = images[:, edge : edge + IMAGE_PX, edge : edge + IMAGE_PX]
    return torch.from_numpy(to_pixel_values(middle))


def draw_batch(
    cache: CropCache,
    rows: NDArray[np.int64],
    tokenizer: Tokenizer,
    rng: np.random.Generator,
    *,
    num_negatives: int,
) -> Batch:
    """Return the rows' crops, augmented, with their captions and extra wrong ones."""
    facts = cache.facts.take(rows)
    images = np.stack([_move(image, rng) for image in cache.images(rows)])
    texts: dict[str, int] = {}
    meanings: list[Description] = []
    own = np.full(len(rows), -1)

    def enter(text: str, meaning: Description) -> int:
        if text not in texts:
            texts[text] = len(meanings)
            meanings.append(meaning)
        return texts[text]

    described = np.flatnonzero(facts.type_id >= 0)
    for row in described:
        meaning = _vary_description(facts, int(row), rng)
        own[row] = enter(_say(meaning, facts, int(row), rng), meaning)
    for row in rng.choice(described, num_negatives):
        (meaning,) = make_hard_negatives(describe(facts, int(row)), rng, count=1)
        enter(_say(meaning, None, 0, rng), meaning)
    agreement = measure_agreement(
        meanings, shares=facts.shares, type_ids=facts.type_id, camouflage=facts.camouflage
    )
    tokens = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    known = np.where(facts.type_id < 0, len(TYPES), facts.type_id)
    return Batch(
        pixels=_relight(normalize_images(images), rng),
        input_ids=torch.tensor(tokens),
        agreement=torch.from_numpy(agreement),
        own=torch.from_numpy(own),
        type_id=torch.from_numpy(known),
        shares=torch.from_numpy(facts.shares),
        camouflage=torch.from_numpy(facts.camouflage.astype(np.float32)),
    )


def _vary_description(facts: Facts, row: int, rng: np.random.Generator) -> Description:
    """A fair description: small colors come and go, near ties swap, a few say less."""
    plain = describe(facts, row, share_min=float(rng.uniform(0.07, 0.15)))
    colors = list(plain.colors)
    shares = dict(zip(COLORS, facts.shares[row], strict=True))
    for first in range(len(colors) - 1):
        if shares[colors[first]] - shares[colors[first + 1]] < 0.12 and rng.random() < 0.5:
            colors[first], colors[first + 1] = colors[first + 1], colors[first]
    types = plain.types
    if rng.random() < 0.06:
        groups = [group for group in TYPE_GROUPS.values() if types[0] in group]
        types = groups[int(rng.integers(len(groups)))]
    if rng.random() < 0.03:
        return Description((), False, types)
    return Description(tuple(colors), plain.camouflage, types)


def _say(meaning: Description, facts: Facts | None, row: int, rng: np.random.Generator) -> str:
    """The caption: mostly in the house style, sometimes in other words, with unknown ones."""
    if len(meaning.types) == 1 and rng.random() < 0.7:
        return write_caption(meaning.colors, meaning.types[0], camouflage=meaning.camouflage)
    shades = {}
    if facts is not None and meaning.colors and facts.shade[row]:
        shades = {meaning.colors[0]: int(facts.shade[row])}
    text = paraphrase(meaning, rng, shades=shades)
    if rng.random() < 0.2:
        words = text.split()
        words.insert(int(rng.integers(len(words) + 1)), "unheardof")
        text = " ".join(words)
    return text


def _move(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The crop as a slightly wrong box would frame it, mirrored, sometimes turned a little."""
    if rng.random() < 0.5:
        image = image[:, ::-1]
    spare = CACHE_PX - IMAGE_PX
    if rng.random() < 0.5:
        left, top = np.clip(np.rint(rng.normal(spare / 2, 2.5, 2)), 0, spare).astype(int)
        return image[top : top + IMAGE_PX, left : left + IMAGE_PX]
    loose = 2.0 if rng.random() < 0.15 else 1.0
    scale = float(np.clip(rng.normal(1.0, 0.07 * loose), 0.78, 1.3))
    angle = float(rng.normal(0, 5))
    matrix = cv2.getRotationMatrix2D((CACHE_PX / 2, CACHE_PX / 2), angle, scale)
    matrix[:, 2] += rng.normal(0, 3.0 * loose, 2) - spare / 2
    return cv2.warpAffine(
        np.ascontiguousarray(image), matrix, (IMAGE_PX, IMAGE_PX), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )  # fmt: skip


def _relight(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """Light, tint, contrast and noise anew for each image; values stay within -1 to 1."""
    count = len(pixels)

    def per_image(values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).reshape(count, -1, 1, 1)

    gain = per_image(np.where(rng.random(count) < 0.5, rng.uniform(0.78, 1.22, count), 1.0))
    tint = per_image(rng.normal(1, 0.035, (count, 3)))
    contrast = per_image(np.where(rng.random(count) < 0.4, rng.uniform(0.7, 1.25, count), 1.0))
    mean = pixels.mean((1, 2, 3), keepdim=True)
    lit = ((pixels - mean) * contrast + mean + 1) * gain * tint - 1
    noisy = np.flatnonzero(rng.random(count) < 0.3)
    noise = rng.standard_normal((len(noisy), *pixels.shape[1:]), np.float32)
    deviation = rng.uniform(0, 0.1, (len(noisy), 1, 1, 1)).astype(np.float32)
    lit[noisy] += torch.from_numpy(noise * deviation)
    return lit.clamp_(-1, 1).contiguous(memory_format=torch.channels_last)
