r"""Make the reranker that the app loads from a training folder, and refuse if it differs.

    python -m training.export_reranker --run runs/reranker --val-crops runs/crops-val \
        --out assets/models/spotter-reranker

Several folders after --run are averaged: a run and its continuation together are a little better
than either.

Writes vision.onnx, text.onnx (weights stored as 16-bit floats, cast on loading, so that each file
stays below 10 MB), tokenizer.json, reranker.json, and the same weights for PyTorch in two files.
Nothing is written unless ONNX Runtime agrees with PyTorch on both towers.
"""

from __future__ import annotations

import argparse
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from core.errors import DataError
from core.files import write_bytes, write_json
from synth.captions import list_fillers, list_kinds, list_names
from training.reranker import load_model
from training.reranker_data import CropCache, normalize_images
from training.reranker_model import DualEncoder, build_tokenizer

__all__ = ["export", "main", "store_half", "to_onnx"]

FILE_BYTES_MAX = 10_000_000
_DIFFERENCE_MAX = 1e-3
_OPSET = 18

_log = logging.getLogger("training.export_reranker")


class _Vision(nn.Module):
    def __init__(self, model: DualEncoder) -> None:
        super().__init__()
        self.tower = model.vision

    def forward(self, pixel_values: Tensor) -> Tensor:
        return functional.normalize(self.tower(pixel_values), dim=1)


class _Text(nn.Module):
    def __init__(self, model: DualEncoder) -> None:
        super().__init__()
        self.tower = model.text

    def forward(self, input_ids: Tensor) -> Tensor:
        return functional.normalize(self.tower(input_ids=input_ids).pooler_output, dim=1)


def export(runs: Sequence[Path], val_crops: Path, out: Path) -> dict[str, object]:
    """Write the model folder and return the settings that went into reranker.json.

    Args:
        runs: Folders of `training.reranker`; the weights of several are averaged.
        val_crops: Held-out crops: to compare the towers on.
        out: Folder to write.

    Raises:
        DataError: A tower's outputs differ, or a file would be too large.
    """
    model = average_models([load_model(run) for run in runs])
    cache = CropCache(val_crops)
    tokenizer = build_tokenizer(model.config.text_length)
    pixels = normalize_images(cache.images(np.arange(min(16, len(cache)))))
    captions = ["white and red helicopter", "a dark green camo jet", "", "something unheard of"]
    tokens = torch.tensor([encoding.ids for encoding in tokenizer.encode_batch(captions)])
    vision = to_onnx(_Vision(model), pixels, name="pixel_values", output="image_embeds")
    text = to_onnx(_Text(model), tokens, name="input_ids", output="text_embeds")
    settings = {
        "logit_scale": model.logit_scale.exp().item(),
        "logit_bias": model.logit_bias.item(),
        "image_size": model.config.image_size,
        "text_length": model.config.text_length,
        "template": "{}",
        "filler_words": list_fillers(),
        "kind_words": list_kinds(),
        "names": list_names(),
        # A guess; training.calibrate fits it on scenes that the whole pipeline has looked at.
        "calibration": {"a": 1.0, "b": 0.0, "c": 0.0, "is_fitted": False},
        "found_probability_min": 0.5,
    }
    write_bytes(out / "vision.onnx", vision)
    write_bytes(out / "text.onnx", text)
    write_bytes(out / "tokenizer.json", tokenizer.to_str(pretty=True).encode())
    write_json(out / "reranker.json", settings)
    for name, part in split_weights(_list_weights(model)).items():
        write_bytes(out / f"{name}.safetensors", save(part))
    _log.info("not calibrated yet: python -m training.calibrate --model %s --scenes HELD_OUT", out)
    return settings


def split_weights(weights: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return 16-bit weights in two parts, so that neither file is too large for a plain push."""
    text = {key: value.half() for key, value in weights.items() if key.startswith("text.")}
    vision = {key: value.half() for key, value in weights.items() if key not in text}
    return {"vision": vision, "text": text}


def average_models(models: Sequence[DualEncoder]) -> DualEncoder:
    """Return a model with the mean of the models' weights; they must share one origin."""
    states = [model.state_dict() for model in models]
    mean = dict(states[0])
    for name, value in mean.items():
        if value.dtype.is_floating_point:
            mean[name] = torch.stack([state[name] for state in states]).mean(0)
    result = DualEncoder(models[0].config)
    result.load_state_dict(mean)
    return result.eval()


def to_onnx(module: nn.Module, example: Tensor, *, name: str, output: str) -> bytes:
    """Return the ONNX file of a module, weights stored in half precision, checked against it.

    Args:
        module: Takes one tensor with a free first axis and returns one.
        example: Input to trace and to compare with.
        name: Name of the input.
        output: Name of the output.

    Raises:
        DataError: ONNX Runtime's output differs by more than 0.001, or the file is too large.
    """
    buffer = io.BytesIO()
    axes = {name: {0: "n"}, output: {0: "n"}}
    module.eval()
    torch.onnx.export(
        module, (example,), buffer, input_names=[name], output_names=[output],
        dynamic_axes=axes, opset_version=_OPSET, dynamo=False,
    )  # fmt: skip
    data = store_half(onnx.load_from_string(buffer.getvalue())).SerializeToString()
    if len(data) >= FILE_BYTES_MAX:
        raise DataError(f"{output} takes {len(data)} bytes, allowed are {FILE_BYTES_MAX}.")
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    differences = []
    for part in (example, example[:1]):
        with torch.no_grad():
            expected = module(part).numpy()
        got = session.run(None, {name: part.numpy()})[0]
        differences.append(np.abs(got - expected).max())
    worst = float(np.max(differences))  # NaN if one is, which `max` would pass over
    if not worst <= _DIFFERENCE_MAX:
        raise DataError(f"{output} differs by {worst:.2g}, allowed is {_DIFFERENCE_MAX:g}.")
    _log.info("%s: %.1f MB, differs by at most %.1e", output, len(data) / 1e6, worst)
    return data


def store_half(graph_model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the same graph with large float32 weights stored as float16 and cast when loaded."""
    result = onnx.ModelProto()
    result.CopyFrom(graph_model)
    graph = result.graph
    casts = []
    for tensor in graph.initializer:
        values: NDArray[np.generic] = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < 256:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(result)
    return result


def _list_weights(model: DualEncoder) -> Mapping[str, Tensor]:
    """Everything but the heads that only help training."""
    return {
        name: value.contiguous()
        for name, value in model.state_dict().items()
        if value.dtype.is_floating_point and not name.startswith(("type_head", "color_head"))
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, nargs="+", required=True)
    parser.add_argument("--val-crops", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    export(arguments.run, arguments.val_crops, arguments.out)


if __name__ == "__main__":
    main()
