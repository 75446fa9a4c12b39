"""OpenVINO's copies for sizes that come again: used, the same numbers, never in the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from pipeline.catalog import find_model
from pipeline.engines.base import Choice

openvino_engine = pytest.importorskip("pipeline.engines.openvino_engine")

CHOICE = Choice("openvino", "cpu", "f32", 1, "test")
RUNS = openvino_engine._RUNS_BEFORE_COPY


class Unusable:
    """A request that must not be asked."""

    def infer(self, *args, **kwargs):
        raise AssertionError("the network of free sizes was run, and there is a copy")


@pytest.fixture
def engine(tiny_models):
    return openvino_engine.OpenVinoEngine.open(tiny_models / "upscaler" / "upscaler.onnx", CHOICE)


@pytest.fixture
def at_once(monkeypatch):
    """A size gets its copy when it comes for the first time."""
    monkeypatch.setattr(openvino_engine, "_RUNS_BEFORE_COPY", 1)


def finish():
    """Wait for the copy under way."""
    openvino_engine._compiler().submit(int).result()


def window(side, rng, count=1):
    return {"input": rng.random((count, 3, side, side), dtype=np.float32)}


def sides(engine):
    return sorted(shapes[0][2] for shapes in engine._copies._ready)


def test_a_size_that_comes_again_gets_a_copy_with_the_same_numbers(engine, rng):
    feeds = window(32, rng)
    before = [engine.run(feeds)["output"] for _ in range(RUNS - 1)]
    finish()
    assert not sides(engine), "what comes a few times is not worth it"
    before.append(engine.run(feeds)["output"])
    finish()
    assert sides(engine) == [32]
    other = engine.run(window(24, rng))["output"]
    assert other.shape == (1, 3, 96, 96), "other sizes are still taken"
    engine._request = Unusable()
    for output in [*before, engine.run(feeds)["output"]]:
        np.testing.assert_array_equal(output, before[0])


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_where_sums_are_rounded_a_copy_gives_nearly_the_same(precision, rng):
    folder = find_model("spotter-detector-n", "detect").folder
    name = "detector.int8.xml" if precision == "int8" else "detector.onnx"
    choice = replace(CHOICE, precision=precision)
    engine = openvino_engine.OpenVinoEngine.open(folder / name, choice)
    feeds = {"images": rng.random((1, 3, 128, 128), dtype=np.float32)}
    outputs = []
    for _ in range(2 * RUNS):
        outputs += engine.run(feeds).values()
        finish()
    assert sides(engine) == [128]
    scores = np.array(outputs)[:, 0, 4]
    np.testing.assert_allclose(scores[-1], scores[0], atol=0.05)


def test_parts_of_a_batch_get_copies_of_their_own(engine, rng):
    feeds = window(16, rng, count=3)
    expected = engine.run(feeds)["output"]
    for _ in range(2 * RUNS):
        np.testing.assert_array_equal(engine.run(feeds)["output"], expected)
        finish()
    assert sorted(shapes[0][0] for shapes in engine._copies._ready) == [1, 2]
    engine._request = Unusable()
    np.testing.assert_array_equal(engine.run(feeds)["output"], expected)


def test_sizes_that_take_turns_do_not_drive_each_other_out(engine, rng, monkeypatch, at_once):
    monkeypatch.setattr(openvino_engine, "_MAX_COPIES", 2)
    compiled = []
    compile_for = engine._copies._compile_for
    engine._copies._compile_for = lambda shapes: compiled.append(shapes) or compile_for(shapes)
    for side in (16, 24, 32) * 5:
        engine.run(window(side, rng))
        finish()
    assert len(compiled) == 2
    assert sides(engine) == [16, 24]
    monkeypatch.setattr(openvino_engine, "_STALE_RUNS", 3)
    for side in (24, 32, 24, 32):
        engine.run(window(side, rng))
        finish()
    assert sides(engine) == [24, 32], "what has not come for long makes room"


def test_copies_are_made_one_at_a_time(engine, rng, at_once, monkeypatch):
    waiting = []
    monkeypatch.setattr(ThreadPoolExecutor, "submit", lambda self, *call: waiting.append(call))
    for side in (16, 24, 32):
        engine.run(window(side, rng))
    assert len(waiting) == 1, "a process that ends waits for one at most"


@pytest.mark.parametrize("error", [RuntimeError("refused"), MemoryError()])
def test_a_copy_that_cannot_be_made_does_not_matter(engine, rng, at_once, error):
    tried = []

    def refuse(shapes):
        tried.append(shapes)
        raise error

    engine._copies._compile_for = refuse
    feeds = window(32, rng)
    outputs = []
    for _ in range(3):
        outputs.append(engine.run(feeds)["output"])
        finish()
    assert len(tried) == 1
    np.testing.assert_array_equal(outputs[0], outputs[-1])


def test_a_copy_that_cannot_be_asked_for_does_not_matter(engine, rng, at_once, monkeypatch):
    def refuse(self, *call):
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuse)
    assert engine.run(window(32, rng))["output"].shape == (1, 3, 128, 128)


def test_large_networks_and_those_of_fixed_sizes_are_held_once(tiny_models, tmp_path, monkeypatch):
    import onnx

    path = tiny_models / "upscaler" / "upscaler.onnx"
    graph = onnx.load(path)
    for axis, side in ((2, 32), (3, 32)):
        graph.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = side
    onnx.save(graph, tmp_path / "fixed.onnx")
    opened = openvino_engine.OpenVinoEngine.open(tmp_path / "fixed.onnx", CHOICE)
    assert opened.inputs[0].shape == (None, 3, 32, 32)
    assert opened._copies is None
    monkeypatch.setattr(openvino_engine, "_MAX_COPIED_BYTES", 1000)
    assert openvino_engine.OpenVinoEngine.open(path, CHOICE)._copies is None
