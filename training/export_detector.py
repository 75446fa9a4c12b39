"""Turn trained weights of the detector into ``detector.onnx``, checked before it is kept.

    python -m training.export_detector --weights RUN/weights.safetensors --out FOLDER

Several files after --weights are averaged: those of a run and of its continuation.
Raw head (no NMS), free batch, height and width; weights stored in half precision and widened when
loaded, so the file is half as large and the arithmetic stays float32 on every engine.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save
from torch import nn

from core.errors import ModelError
from core.files import replacing, write_bytes
from training.detector import load_model

OPSET = 18
HALF_MIN_NUMBERS = 64  # smaller tensors stay as they are; they hold constants of the graph
SPREAD_MAX = 64.0  # of a channel; its square, the variance, must fit into 16 bits (65,504)
BOX_TOLERANCE_PX = 0.05
SCORE_TOLERANCE = 1e-3

__all__ = ["export_detector", "store_as_half"]


def export_detector(*weights: Path, out: Path) -> Path:
    """Write ``out/detector.onnx``, and the weights beside it for PyTorch; return the first's path.

    Args:
        *weights: Averaged weights of a run, safetensors; the mean of several is exported.
        out: Folder, made if missing.

    Raises:
        ModelError: The ONNX graph does not compute what the network does, or its weights are
            beyond 16 bits; nothing is written.
    """
    mean = load_model(average_weights([load_file(path) for path in weights])).state_dict()
    kept = save(halve(balanced(load_model(mean))))
    model = load_for_export(mean)
    target = out / "detector.onnx"
    with replacing(target) as temporary:
        write_onnx(model, temporary)
        differences = compare(model, temporary)
        # So turned that NaN is refused, too.
        if not (differences[0] <= BOX_TOLERANCE_PX and differences[1] <= SCORE_TOLERANCE):
            raise ModelError(
                f"the ONNX graph differs from the network by {differences[0]:.3g} px and "
                f"{differences[1]:.3g} in score; nothing was written."
            )
    write_bytes(out / "detector.safetensors", kept)
    print(
        f"{target}: {target.stat().st_size / 1e6:.2f} MB, largest difference "
        f"{differences[0]:.2g} px and {differences[1]:.2g} in score"
    )
    print(f"for CPUs without bfloat16: python -m training.quantize --model {target} --images DIR")
    return target


def write_onnx(model: nn.Module, path: Path) -> None:
    """Write the graph of a network from `load_for_export`, its weights stored in 16 bits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of every Python number in the model
        torch.onnx.export(
            model,
            (torch.zeros(2, 3, 64, 96),),
            str(path),
            input_names=["images"],
            output_names=["output0"],
            dynamic_axes={
                "images": {0: "n", 2: "height", 3: "width"},
                "output0": {0: "n", 2: "anchors"},
            },
            opset_version=OPSET,
            dynamo=False,
        )
    proto = store_as_half(onnx.load(str(path)))
    proto.producer_version = ""  # the same weights give the same bytes
    onnx.checker.check_model(proto)
    onnx.save(proto, str(path))


def balanced(model: nn.Module) -> dict[str, torch.Tensor]:
    """Weights that compute the same, with variances of channels that 16 bits reach.

    What follows a kernel divides by the spread of its channels, so training may let a kernel grow
    without changing any answer. Such channels are divided by a power of two, which rounds nothing.
    """
    with torch.no_grad():
        for module in model.modules():
            kernel, norm = getattr(module, "conv", None), getattr(module, "bn", None)
            if not isinstance(norm, nn.BatchNorm2d):
                continue
            spread = (norm.running_var.double() + norm.eps).sqrt()
            factor = torch.where(spread > SPREAD_MAX, spread.log2().round().exp2(), 1.0)
            kernel.weight.div_(factor.float()[:, None, None, None])
            norm.running_mean.div_(factor.float())
            norm.running_var.copy_((spread / factor) ** 2 - norm.eps)
    return model.state_dict()


def halve(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights in 16 bits, half as large a file; counters stay whole numbers.

    Raises:
        ModelError: A number is beyond the range of 16 bits.
    """
    kept = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
    lost = [k for k, v in kept.items() if v.is_floating_point() and not v.isfinite().all()]
    if lost:
        raise ModelError(f"{', '.join(lost)}: numbers beyond the range of 16 bits.")
    return {key: value.contiguous() for key, value in kept.items()}


def average_weights(states: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The mean of weights that share one origin, in float32; counters are those of the last."""
    return {
        key: torch.stack([state[key].float() for state in states]).mean(0)
        if value.is_floating_point()
        else value
        for key, value in states[-1].items()
    }


def load_for_export(weights: Mapping[str, torch.Tensor]) -> nn.Module:
    """The network with normalisation folded in, weights rounded to half, and its raw head on."""
    model = load_model(weights).float().eval().fuse(verbose=False)
    head = model.model[-1]
    head.export, head.dynamic, head.format = True, True, "onnx"
    with torch.no_grad():
        for value in model.parameters():
            # What the file will hold, so that the comparison is about the graph alone.
            if value.numel() >= HALF_MIN_NUMBERS:
                value.copy_(value.half().float())
    return model


def store_as_half(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its large float32 weights stored as float16 and cast when loaded."""
    graph = proto.graph
    casts = []
    for tensor in graph.initializer:
        numbers = int(np.prod(tensor.dims)) if tensor.dims else 1
        if tensor.data_type != TensorProto.FLOAT or numbers < HALF_MIN_NUMBERS:
            continue
        name = tensor.name
        half = numpy_helper.from_array(
            numpy_helper.to_array(tensor).astype(np.float16), name + "_half"
        )
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return proto


def compare(model: nn.Module, path: Path) -> tuple[float, float]:
    """Largest difference of boxes (px) and scores between network and file, at three sizes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    largest = np.zeros(2)
    for batch, height, width in ((1, 544, 960), (2, 96, 64), (3, 128, 160)):
        images = rng.random((batch, 3, height, width), dtype=np.float32)
        ours = session.run(None, {"images": images})[0]
        with torch.no_grad():
            theirs = raw_output(model(torch.from_numpy(images)))
        if ours.shape != theirs.shape:
            raise ModelError(f"the ONNX graph gives {ours.shape}, the network {theirs.shape}.")
        difference = np.abs(ours - theirs)
        largest = np.maximum(largest, [difference[:, :4].max(), difference[:, 4:].max()])
    return float(largest[0]), float(largest[1])


def raw_output(output: torch.Tensor | Sequence[torch.Tensor]) -> NDArray[np.float32]:
    """The head's (n, 5, anchors) as an array, whatever the head wraps it in."""
    tensor = output if torch.is_tensor(output) else output[0]
    return tensor.numpy()


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    export_detector(*arguments.weights, out=arguments.out)


if __name__ == "__main__":
    main()
