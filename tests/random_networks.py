"""Public architectures with random, non-trivial weights: what parity tests compare runtimes on.

Plain random weights make networks that give nearly the same for every image, and then every
comparison succeeds; so weights are drawn wider, and statistics of normalisation with them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn

from core.types import Detections

WORDS = ("<pad>", "</s>", "<unk>", "red", "blue", "a", "photo", "of", ".", "plane")


def shake(module: nn.Module, *, seed: int = 0, gain: float = 1.5) -> nn.Module:
    """Give every parameter and statistic a random value of a sensible size; return the module."""
    generator = torch.Generator().manual_seed(seed)

    def normal(value: torch.Tensor, std: float, mean: float = 0.0) -> None:
        value.copy_(torch.randn(value.shape, generator=generator) * std + mean)

    with torch.no_grad():
        for name, value in module.named_parameters():
            if not value.requires_grad:
                continue  # constants, such as the places that YOLO's head counts
            if value.ndim > 1:
                fan_in = value[0].numel() if value.ndim != 2 else value.shape[1]
                normal(value, gain / max(fan_in, 1) ** 0.5)
            elif name.endswith("weight"):
                normal(value, 0.1, 1.0)
            elif value.ndim == 1 and "logit" not in name:
                normal(value, 0.1)
        for name, value in module.named_buffers():
            if name.endswith("running_mean"):
                normal(value, 0.1)
            elif name.endswith("running_var"):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    return module.eval()


def write_tokenizer(folder: Path) -> None:
    """Write a tokenizer.json of a few words, which ends each text with "</s>"."""
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def assert_same_boxes(
    expected: Detections, got: Detections, *, px: float = 0.5, score: float = 0.005
) -> None:
    """Check that each box has a counterpart: within 0.5 px, and 0.005 in score.

    One box more or less is allowed: at the threshold, or where suppression is a matter of a hair.
    """
    assert len(expected) > 0
    assert abs(len(expected) - len(got)) <= 1
    missing = 0
    for box, chance in zip(expected.xyxy, expected.score, strict=True):
        near = (np.abs(got.xyxy - box).max(axis=1) <= px) & (np.abs(got.score - chance) <= score)
        missing += not near.any()
    assert missing <= 1, f"{missing} of {len(expected)} boxes have no counterpart"


def siglip(*, image_size: int = 32, width: int = 32, layers: int = 2):
    """A SigLIP of a few thousand numbers."""
    from transformers import SiglipConfig, SiglipModel

    tower = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": layers,
             "num_attention_heads": 2}  # fmt: skip
    ids = {"pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 1}
    config = SiglipConfig(
        text_config={**tower, **ids, "vocab_size": 64, "max_position_embeddings": 16,
                     "projection_size": width},
        vision_config={**tower, "image_size": image_size, "patch_size": 8},
    )  # fmt: skip
    model = shake(SiglipModel(config))
    model.logit_scale.data.fill_(float(np.log(118.3125)))
    model.logit_bias.data.fill_(-12.664)
    return model


def clip(*, width: int = 32):
    """A CLIP of a few thousand numbers."""
    from transformers import CLIPConfig, CLIPModel

    tower = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 2,
             "num_attention_heads": 2}  # fmt: skip
    ids = {"pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 1}
    config = CLIPConfig(
        text_config={**tower, **ids, "vocab_size": 64, "max_position_embeddings": 16},
        vision_config={**tower, "image_size": 32, "patch_size": 8},
        projection_dim=24,
    )
    model = shake(CLIPModel(config))
    model.logit_scale.data.fill_(float(np.log(100.0)))
    return model


def rt_detr():
    """An RT-DETR with a backbone of four layers and twenty queries."""
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrResNetConfig

    backbone = RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = RTDetrConfig(
        backbone_config=backbone, encoder_hidden_dim=32, encoder_in_channels=[16, 32, 64],
        feat_strides=[8, 16, 32], encoder_ffn_dim=32, encoder_attention_heads=2, d_model=32,
        num_queries=20, decoder_in_channels=[32, 32, 32], decoder_ffn_dim=32, decoder_layers=2,
        decoder_attention_heads=2, num_denoising=0, num_labels=3, anchor_image_size=None,
    )  # fmt: skip
    return shake(RTDetrForObjectDetection(config))


def detr():
    """A DETR with a backbone of four layers and twenty queries."""
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

    backbone = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage4"],
    )  # fmt: skip
    config = DetrConfig(
        backbone_config=backbone, use_timm_backbone=False, use_pretrained_backbone=False,
        d_model=32, encoder_layers=1, encoder_ffn_dim=32, encoder_attention_heads=2,
        decoder_layers=2, decoder_ffn_dim=32, decoder_attention_heads=2, num_queries=20,
        num_labels=3,
    )  # fmt: skip
    return shake(DetrForObjectDetection(config))


def yolos():
    """A YOLOS of two layers and twenty queries."""
    from transformers import YolosConfig, YolosForObjectDetection

    config = YolosConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        image_size=[96, 128], num_detection_tokens=20, use_mid_position_embeddings=True,
        num_labels=3,
    )  # fmt: skip
    return shake(YolosForObjectDetection(config))


def owl():
    """An OWLv2 of two layers."""
    from transformers import Owlv2Config, Owlv2ForObjectDetection

    tower = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
             "num_attention_heads": 2}  # fmt: skip
    config = Owlv2Config(
        text_config={**tower, "vocab_size": 64, "max_position_embeddings": 8},
        vision_config={**tower, "image_size": 64, "patch_size": 16},
        projection_dim=32,
    )
    return shake(Owlv2ForObjectDetection(config))


def grounding_dino():
    """A Grounding DINO with a small Swin and one layer of each kind."""
    from transformers import GroundingDinoConfig, GroundingDinoForObjectDetection, SwinConfig

    backbone = SwinConfig(
        image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    text = {"model_type": "bert", "hidden_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 5000}  # fmt: skip
    config = GroundingDinoConfig(
        backbone_config=backbone, text_config=text, d_model=32, encoder_layers=1,
        encoder_ffn_dim=32, encoder_attention_heads=2, decoder_layers=2, decoder_ffn_dim=32,
        decoder_attention_heads=2, num_queries=20, num_feature_levels=4, max_text_len=32,
    )  # fmt: skip
    return shake(GroundingDinoForObjectDetection(config))
