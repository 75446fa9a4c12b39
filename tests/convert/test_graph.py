"""The comparison that every conversion must pass, on small modules."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="pip install -r requirements-convert.txt")
pytest.importorskip("onnx", reason="pip install -r requirements-convert.txt")

from convert import graph
from core.errors import ModelError

PORTS = graph.Ports(("x",), ("y",))


class Scaled(torch.nn.Module):
    """Its input times a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def export(module, path, rows_axis=None):
    example = (torch.rand(2, 3, 4),)
    graph.export_graph(module, [example], path, PORTS, tolerance=1e-3, rows_axis=rows_axis)


@pytest.mark.parametrize("rows_axis", [None, 1])
def test_a_graph_that_gives_no_numbers_is_refused(tmp_path, monkeypatch, rows_axis):
    run = graph.run_onnx
    monkeypatch.setattr(
        graph, "run_onnx", lambda *told: [np.where(v > 0.5, v, np.nan) for v in run(*told)]
    )
    with pytest.raises(ModelError, match=r"the ONNX graph gave .* \(NaN\)"):
        export(Scaled(2), tmp_path / "graph.onnx", rows_axis)
    assert not list(tmp_path.iterdir())


def test_rows_with_infinite_values_are_never_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "run_onnx", lambda path, feeds: [np.full((2, 3, 4), 7, np.float32)])
    with pytest.raises(ModelError, match="differs from the network by inf"):
        export(Scaled(float("inf")), tmp_path / "graph.onnx", rows_axis=1)
    assert not list(tmp_path.iterdir())


def test_a_network_that_gives_no_numbers_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"the ONNX graph and the network gave .* \(NaN\)"):
        export(Scaled(float("nan")), tmp_path / "graph.onnx")


def test_nothing_is_kept_of_a_graph_with_other_outputs(tmp_path, monkeypatch):
    run = graph.run_onnx
    monkeypatch.setattr(graph, "run_onnx", lambda *told: [v[:1] for v in run(*told)])
    with pytest.raises(ModelError, match="the network"):
        export(Scaled(2), tmp_path / "graph.onnx")
    assert not list(tmp_path.iterdir())


def test_the_same_numbers_are_kept(tmp_path):
    export(Scaled(2), tmp_path / "graph.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.onnx"]
