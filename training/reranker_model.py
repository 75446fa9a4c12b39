"""The reranker: a small SigLIP-style dual encoder, its tokenizer and its loss.

Text goes through transformers' SiglipTextModel; images through a residual convolution tower or,
for comparison, through SiglipVisionModel. No data, no loop: those are in `training.reranker`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor, nn
from torch.nn import functional
from transformers import SiglipTextConfig, SiglipTextModel, SiglipVisionConfig, SiglipVisionModel

from synth.captions import COLORS, TYPES, list_vocabulary

__all__ = ["DualEncoder", "ModelConfig", "build_tokenizer", "compute_loss"]

PAD, UNKNOWN = "[PAD]", "[UNK]"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The shape of a dual encoder; everything needed to build it again.

    Attributes:
        tower: "resnet" or "vit", the image tower.
        image_size: Side of the square image in pixels.
        text_length: Tokens in a caption, padded or cut to this.
        vocabulary_size: Words the tokenizer knows.
        embed_dim: Length of the shared embedding.
        widths: Channels of the convolution tower at strides 4, 8, 16, 32.
        depths: Residual blocks at those strides.
    """

    tower: str = "resnet"
    image_size: int = 96
    text_length: int = 24
    vocabulary_size: int = 256
    embed_dim: int = 192
    widths: tuple[int, ...] = (48, 96, 192, 280)
    depths: tuple[int, ...] = (1, 2, 2, 2)


def build_tokenizer(text_length: int) -> Tokenizer:
    """Return a word-level tokenizer that lower-cases, drops punctuation, and pads or cuts.

    Args:
        text_length: Tokens every caption becomes.
    """
    words = [PAD, UNKNOWN, *list_vocabulary()]
    vocabulary = {word: index for index, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), normalizers.Replace(Regex("[^a-z0-9]+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.enable_padding(pad_id=0, pad_token=PAD, length=text_length)
    tokenizer.enable_truncation(text_length)
    return tokenizer


class _Block(nn.Module):
    """Two 3x3 convolutions and a shortcut; the first may halve the resolution."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(channels_in, channels_out, stride=stride)
        self.second = _convolution(channels_out, channels_out)
        changes = stride > 1 or channels_in != channels_out
        self.shortcut = (
            _convolution(channels_in, channels_out, size=1, stride=stride)
            if changes
            else nn.Identity()
        )

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.second(functional.relu(self.first(images)))
        return functional.relu(hidden + self.shortcut(images))


class ResNetTower(nn.Module):
    """Residual convolutions at strides 4 to 32; early and late maps are pooled together.

    Colors are decided by early maps, types by late ones, hence both reach the head, each by its
    mean and its maximum (a small stripe survives a maximum, not a mean).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        first = config.widths[0]
        self.stem = nn.Sequential(
            _convolution(3, first // 2, stride=2),
            nn.ReLU(),
            _convolution(first // 2, first, stride=2),
            nn.ReLU(),
        )
        self.stages = nn.ModuleList()
        channels = first
        for index, (width, depth) in enumerate(zip(config.widths, config.depths, strict=True)):
            strides = [2 if index and not block else 1 for block in range(depth)]
            blocks = []
            for stride in strides:
                blocks.append(_Block(channels, width, stride))
                channels = width
            self.stages.append(nn.Sequential(*blocks))
        pooled = 2 * sum(config.widths)
        self.head = nn.Sequential(
            nn.Linear(pooled, 384), nn.GELU(), nn.Linear(384, config.embed_dim)
        )

    def forward(self, images: Tensor) -> Tensor:
        maps = self.stem(images)
        pooled = []
        for stage in self.stages:
            maps = stage(maps)
            pooled += [maps.mean((2, 3)), maps.amax((2, 3))]
        return self.head(torch.cat(pooled, 1))


class ViTTower(nn.Module):
    """SigLIP's own vision transformer, small, with its attention-pooling head."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.model = SiglipVisionModel(
            SiglipVisionConfig(
                hidden_size=config.embed_dim,
                intermediate_size=4 * config.embed_dim,
                num_hidden_layers=8,
                num_attention_heads=config.embed_dim // 64,
                image_size=config.image_size,
                patch_size=12,
            )
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.model(pixel_values=images).pooler_output


TOWERS = {"resnet": ResNetTower, "vit": ViTTower}


class DualEncoder(nn.Module):
    """Image tower, text tower, and the scale and bias of the sigmoid.

    The two linear heads read type and colors off the image embedding. They only help training
    and are not exported.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.vision = TOWERS[config.tower](config)
        self.text = SiglipTextModel(
            SiglipTextConfig(
                vocab_size=config.vocabulary_size,
                hidden_size=128,
                intermediate_size=256,
                num_hidden_layers=2,
                num_attention_heads=2,
                max_position_embeddings=config.text_length,
                projection_size=config.embed_dim,
                pad_token_id=0,
                bos_token_id=None,
                eos_token_id=None,
            )
        )
        self.type_head = nn.Linear(config.embed_dim, len(TYPES) + 1)
        self.color_head = nn.Linear(config.embed_dim, 2 * len(COLORS) + 1)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.logit_bias = nn.Parameter(torch.tensor(-5.0))

    def embed_images(self, pixel_values: Tensor) -> Tensor:
        """Return L2-normalized embeddings (n, d) of normalized images (n, 3, S, S)."""
        return functional.normalize(self.vision(pixel_values).float(), dim=1)

    def embed_texts(self, input_ids: Tensor) -> Tensor:
        """Return L2-normalized embeddings (c, d) of token ids (c, L)."""
        return functional.normalize(self.text(input_ids=input_ids).pooler_output.float(), dim=1)


def compute_loss(logits: Tensor, agreement: Tensor, own: Tensor) -> Tensor:
    """Return the sigmoid loss over all pairs plus a ranking term in both directions.

    A pair's target is whether its agreement exceeds one half, its weight how far it is from one
    half, so matters of taste teach nothing. An image's own caption is always right.

    Args:
        logits: (n images, c captions).
        agreement: (n, c) in [0, 1], see `synth.captions.measure_agreement`.
        own: (n,) column of each image's own caption, -1 for an image that has none.
    """
    agreement = agreement.clone()
    rows = torch.nonzero(own >= 0).squeeze(1)
    agreement[rows, own[rows]] = 1.0
    target = (agreement > 0.5).float()
    weight = (2 * agreement - 1).abs()
    pairs = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    sigmoid = (pairs * weight).sum() / len(logits)
    wrong = logits.masked_fill((agreement > 0.3) & (target < 1), -1e4)
    return sigmoid + 0.5 * (_rank(wrong, target) + _rank(wrong.T, target.T))


def _rank(logits: Tensor, target: Tensor) -> Tensor:
    """Return how badly the right columns of each row compete with the wrong ones."""
    right = logits.masked_fill(target < 1, -1e4)
    loss = torch.logsumexp(logits, 1) - torch.logsumexp(right, 1)
    return loss[target.amax(1) > 0].mean()


def _convolution(
    channels_in: int, channels_out: int, *, size: int = 3, stride: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(channels_out),
    )
