"""The plain way to do the same, to be compared with: PyTorch, eager, float32, same weights.

Crops are padded by reflection and upscaled one by one, captions are encoded again each time.
Preparation and decoding are the pipeline's own, and built from the same settings (scales, views,
tiles, shape of the crops), so that only the way of running differs.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmarks.one_by_one import OneByOneUpscaler, load_compact
from core.errors import ConfigError, ModelError
from pipeline.build import build_detector
from pipeline.catalog import Task, find_model
from pipeline.config import LocateConfig
from pipeline.engines.torch_engine import TorchEngine
from pipeline.locate import Locator
from pipeline.rerank.siglip import SiglipReranker, read_card
from pipeline.tokens import read_tokenizer
from training.reranker_model import DualEncoder, ModelConfig

__all__ = ["load_reranker", "open_reference"]


def open_reference(config: LocateConfig, *, threads: int) -> Locator:
    """Return a locator that runs the same weights in PyTorch.

    Args:
        config: The settings of the locator it is compared with.
        threads: CPU threads, the same for both.

    Raises:
        ConfigError: The settings ask for work that is not done here.
        ModelError: A model has no safetensors file beside its ONNX file.
    """
    _check_comparable(config)
    torch.set_num_threads(threads)
    detector = TorchEngine(_load_detector(config), inputs=["images"], outputs=["output0"])
    upscaler = OneByOneUpscaler(
        load_compact(_weights_path(config.upscale.model, "upscale", "upscaler.safetensors")),
        below_px=config.upscale.below_px,
    )
    model = find_model(config.detect.model, "detect")
    return Locator(
        build_detector([model], config.detect, lambda _: lambda _: detector),
        load_reranker(config),
        upscalers=[upscaler],
        context_ratio=config.cut.context_ratio,
        cut_shape=config.cut.shape,
        provenance={"engine": f"torch {torch.__version__}, eager, float32"},
    )


def _check_comparable(config: LocateConfig) -> None:
    """Refuse what only the other side of the comparison would do."""
    asked = []
    if config.detect.ensemble:
        asked.append(f"detect.ensemble={list(config.detect.ensemble)}")
    if config.upscale.mode != "model":
        asked.append(f"upscale.mode={config.upscale.mode}")
    if asked:
        raise ConfigError(
            f"the PyTorch reference has one detector and enlarges with the model, "
            f"got {' and '.join(asked)}.",
            "Leave these settings out, or measure without it: --no-reference.",
        )


def _load_detector(config: LocateConfig) -> nn.Module:
    # Here, because it needs Ultralytics, and the reranker alone does not.
    from training.detector import load_model

    model = load_model(
        load_file(_weights_path(config.detect.model, "detect", "detector.safetensors"))
    )
    model = model.float().to(memory_format=torch.contiguous_format).eval().fuse(verbose=False)

    class RawHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: Tensor) -> Tensor:
            # In PyTorch's default layout, as one writes it first.
            output = self.model(images.contiguous())
            return output if torch.is_tensor(output) else output[0]

    return RawHead()


def load_reranker(config: LocateConfig) -> SiglipReranker:
    """Return the same reranker with PyTorch running its two towers."""
    model = find_model(config.rerank.model, "rerank")
    card = read_card(model.file("reranker.json"))
    weights = {
        name: value
        for part in ("vision", "text")
        for name, value in load_file(
            _weights_path(config.rerank.model, "rerank", f"{part}.safetensors")
        ).items()
    }
    tokenizer = read_tokenizer(model.file("tokenizer.json"), card.text_length)
    encoder = DualEncoder(
        ModelConfig(
            image_size=card.image_size,
            text_length=card.text_length,
            vocabulary_size=tokenizer.get_vocab_size(),
        )
    )
    # The heads that only help training are not exported.
    encoder.load_state_dict({name: value.float() for name, value in weights.items()}, strict=False)
    encoder.eval()

    class Images(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, pixel_values: Tensor) -> Tensor:
            return self.encoder.embed_images(pixel_values)

    class Texts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids: Tensor) -> Tensor:
            return self.encoder.embed_texts(input_ids)

    return SiglipReranker(
        TorchEngine(Images(), inputs=["pixel_values"], outputs=["image_embeds"]),
        TorchEngine(Texts(), inputs=["input_ids"], outputs=["text_embeds"]),
        tokenizer,
        card,
        cached_captions=0,
    )


def _weights_path(name: str, task: Task, file_name: str) -> Path:
    path = find_model(name, task).folder / file_name
    if not path.is_file():
        raise ModelError(f"{path} is missing.", "Put the exported safetensors beside the ONNX.")
    return path
