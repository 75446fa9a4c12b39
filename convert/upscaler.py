"""Upscaling networks: Real-ESRGAN x4v3, x4plus, and what else spandrel recognises."""

from __future__ import annotations

from pathlib import Path

import torch

from convert.graph import Ports, export_graph
from convert.source import Source, read_tensors
from core.errors import ModelError
from core.files import write_json
from core.packages import import_spandrel
from pipeline.models import Model

__all__ = ["convert"]

TOLERANCE = 1e-3
SCALES = (2, 3, 4, 8)


def convert(source: Source, folder: Path) -> Model:
    """Write upscaler.onnx and upscaler.json of a .pth or .safetensors file; return its entry."""
    spandrel = import_spandrel()
    tensors = read_tensors(source)
    try:
        found = spandrel.ModelLoader(device=torch.device("cpu")).load_from_state_dict(tensors)
    except spandrel.UnsupportedModelError as error:
        raise ModelError(
            f"{source.path} is of no architecture that spandrel knows.",
            "Real-ESRGAN's compact (PReLU), RRDB, SPAN, SwinIR and many others are known.",
        ) from error
    if found.scale not in SCALES or (found.input_channels, found.output_channels) != (3, 3):
        raise ModelError(
            f"{source.path} enlarges {found.scale} times from {found.input_channels} to "
            f"{found.output_channels} channels; needed are RGB and a factor of "
            f"{', '.join(map(str, SCALES))}."
        )
    source.tell(f"tracing and comparing {found.architecture.name}, x{found.scale}")
    step = max(1, found.size_requirements.multiple_of)
    least = max(found.size_requirements.minimum, 16)
    side = -(-least // step) * step
    sizes = (side, side + step), (side + 2 * step, side)
    try:
        try:
            _export(found.model, folder, Ports, (2, 3, *sizes[0]), (1, 3, *sizes[1]))
        except ModelError:
            # Attention within windows remembers how many images it was traced with.
            _export(found.model, folder, _PortsOfOne, (1, 3, *sizes[0]), (1, 3, *sizes[1]))
    except ModelError as error:
        raise ModelError(
            f"networks of architecture {found.architecture.name} cannot be converted: "
            f"{error.message}",
            "Give one of another architecture, for example Real-ESRGAN's, SPAN or SwinIR.",
        ) from error
    write_json(folder / "upscaler.json", {"scale": found.scale, "multiple_px": step})
    return source.entry.model_copy(update={"family": "compact"})


def _export(
    network: torch.nn.Module, folder: Path, ports: type[Ports], *shapes: tuple[int, ...]
) -> None:
    free = {2: "height", 3: "width"}
    export_graph(
        network,
        [(torch.rand(shape),) for shape in shapes],
        folder / "upscaler.onnx",
        ports(("input",), ("output",), {"input": free, "output": free}),
        tolerance=TOLERANCE,
    )


class _PortsOfOne(Ports):
    """Ports that take one image at a time."""

    def axes(self) -> dict[str, dict[int, str]]:
        """Return the free axes of every port, the batch not among them."""
        return {name: dict(self.free[name]) for name in (*self.inputs, *self.outputs)}
