"""Turn trained upscaler weights into the model folder that the app loads.

    python -m training.export_upscaler --run runs/upscaler --out assets/models/spotter-upscaler-x4

Writes upscaler.onnx (free batch, height and width) and upscaler.safetensors, but only after ONNX
Runtime and PyTorch agree on pictures of several sizes. Not here: training (`training.upscaler`).
"""

from __future__ import annotations

import argparse
import tomllib
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.torch import load_file, save_file

from training.compact import Compact

__all__ = ["export_upscaler", "load_run", "main"]

_SIZES_HW = ((32, 32), (48, 48), (96, 128), (17, 61))
_TOLERANCE = 1e-4  # of a value range of 1: a fortieth of a grey level


def load_run(run: Path) -> Compact:
    """Return the network of a training run, on the CPU, ready to use.

    Args:
        run: the folder that `training.upscaler` wrote.

    Raises:
        FileNotFoundError: if it has no config.toml or weights.safetensors.
    """
    config = tomllib.loads((run / "config.toml").read_text(encoding="utf-8"))
    net = Compact(features=config["features"], convolutions=config["convolutions"])
    net.load_state_dict(load_file(str(run / "weights.safetensors")))
    return net.eval()


def export_upscaler(run: Path, out: Path) -> float:
    """Return how far PyTorch and ONNX Runtime differ at most, after writing the model folder.

    Args:
        run: the folder that `training.upscaler` wrote.
        out: folder to write upscaler.onnx and upscaler.safetensors to.

    Raises:
        ValueError: if the two disagree by more than a fortieth of a grey level; nothing is written
        then.
    """
    net = load_run(run)
    out.mkdir(parents=True, exist_ok=True)
    temporary = out / "upscaler.onnx.tmp"
    try:
        _write_onnx(net, temporary)
        difference = _largest_difference(net, temporary)
        if not difference <= _TOLERANCE:  # NaN neither
            raise ValueError(
                f"PyTorch and ONNX Runtime differ by {difference:.2g}, "
                f"allowed is {_TOLERANCE:.2g}. Nothing was written."
            )
        temporary.replace(out / "upscaler.onnx")
    finally:
        temporary.unlink(missing_ok=True)
    weights = {name: value.contiguous() for name, value in net.state_dict().items()}
    save_file(weights, str(out / "upscaler.safetensors"))
    return difference


def _write_onnx(net: Compact, path: Path) -> None:
    free = {"input": {0: "n", 2: "h", 3: "w"}, "output": {0: "n", 2: "4h", 3: "4w"}}
    with warnings.catch_warnings():
        # The tracing exporter is deprecated; it alone needs no further package and keeps the graph
        # at 16 nodes.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (torch.rand(1, 3, 32, 32),),
            str(path),
            input_names=["input"],
            output_names=["output"],
            dynamic_axes=free,
            opset_version=18,
            dynamo=False,
        )
    model = onnx.load(str(path))
    model.producer_version = ""  # the same weights give the same file, whatever wrote it
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _largest_difference(net: Compact, path: Path) -> float:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(3)
    differences = []
    for count, (height, width) in enumerate(_SIZES_HW, start=1):
        small = rng.random((count, 3, height, width), dtype=np.float32)
        (ours,) = session.run(None, {"input": small})
        with torch.no_grad():
            theirs = net(torch.from_numpy(small)).numpy()
        differences.append(np.abs(np.asarray(ours) - theirs).max())
    return float(np.max(differences))


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and export.

    Args:
        arguments: words after the command; those of the process if None.
    """
    parser = argparse.ArgumentParser(description="Export a trained upscaler.", allow_abbrev=False)
    parser.add_argument(
        "--run", type=Path, required=True, help="folder written by training.upscaler"
    )
    parser.add_argument("--out", type=Path, required=True, help="model folder to write")
    options = parser.parse_args(arguments)
    difference = export_upscaler(options.run, options.out)
    print(f"wrote {options.out}; largest difference to PyTorch {difference:.2g}")


if __name__ == "__main__":
    main()
