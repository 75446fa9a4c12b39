"""OpenVINO's copies for sizes that come again: the same numbers, never in the way."""

from __future__ import annotations

import numpy as np
import pytest

openvino_engine = pytest.importorskip("pipeline.engines.openvino_engine")

from pipeline.engines.base import Choice

CHOICE = Choice("openvino", "cpu", "f32", 1, "test")
RUNS = openvino_engine._RUNS_BEFORE_COPY


@pytest.fixture
def path(tiny_models):
    return tiny_models / "upscaler" / "upscaler.onnx"


@pytest.fixture
def compiled(monkeypatch):
    """The shapes that copies were compiled for; `finish` waits for those under way."""
    shapes = []
    add = openvino_engine._Copies._add

    def note(self, wanted):
        shapes.append(wanted)
        add(self, wanted)

    monkeypatch.setattr(openvino_engine._Copies, "_add", note)
    return shapes


def finish():
    openvino_engine._compiler().submit(int).result()


def window(side, rng, count=1):
    return {"input": rng.random((count, 3, side, side), dtype=np.float32)}


def test_a_size_that_comes_again_gets_a_copy_with_the_same_numbers(path, compiled, rng):
    engine = openvino_engine.OpenVinoEngine.open(path, CHOICE)
    feeds = window(32, rng)
    before = [engine.run(feeds)["output"] for _ in range(RUNS - 1)]
    finish()
    assert not compiled, "what comes a few times is not worth it"
    before.append(engine.run(feeds)["output"])
    finish()
    assert compiled == [((1, 3, 32, 32),)]
    assert engine._copies.find(((1, 3, 32, 32),)) is not None
    for output in [*before, engine.run(feeds)["output"]]:
        np.testing.assert_array_equal(output, before[0])
    other = engine.run(window(24, rng))["output"]
    assert other.shape == (1, 3, 96, 96), "other sizes are still taken"


def test_batches_get_copies_of_their_own(path, compiled, rng):
    engine = openvino_engine.OpenVinoEngine.open(path, CHOICE)
    feeds = window(16, rng, count=3)
    expected = engine.run(feeds)["output"]
    for _ in range(RUNS):
        np.testing.assert_array_equal(engine.run(feeds)["output"], expected)
    finish()
    assert sorted(compiled) == [((1, 3, 16, 16),), ((2, 3, 16, 16),)]
    np.testing.assert_array_equal(engine.run(feeds)["output"], expected)


def test_the_longest_unused_copy_goes(path, compiled, rng, monkeypatch):
    monkeypatch.setattr(openvino_engine, "_MAX_COPIES", 2)
    monkeypatch.setattr(openvino_engine, "_RUNS_BEFORE_COPY", 1)
    engine = openvino_engine.OpenVinoEngine.open(path, CHOICE)
    for side in (16, 24, 16, 32, 16, 24):
        engine.run(window(side, rng))
        finish()
    sides = [shapes[0][2] for shapes in compiled]
    assert sides == [16, 24, 32], "what was used since stayed"
    engine.run(window(24, rng))
    finish()
    assert len(compiled) == 4, "what went is made again, after twice as many runs"


def test_a_copy_that_cannot_be_made_is_not_tried_again(path, rng, monkeypatch):
    monkeypatch.setattr(openvino_engine, "_RUNS_BEFORE_COPY", 1)
    engine = openvino_engine.OpenVinoEngine.open(path, CHOICE)
    tried = []

    def refuse(shapes):
        tried.append(shapes)
        raise RuntimeError("out of memory")

    engine._copies._compile_for = refuse
    feeds = window(32, rng)
    outputs = []
    for _ in range(3):
        outputs.append(engine.run(feeds)["output"])
        finish()
    assert len(tried) == 1
    np.testing.assert_array_equal(outputs[0], outputs[-1])


def test_large_networks_and_fixed_ones_are_held_once(path, monkeypatch):
    monkeypatch.setattr(openvino_engine, "_MAX_COPIED_BYTES", path.stat().st_size - 1)
    assert openvino_engine.OpenVinoEngine.open(path, CHOICE)._copies is None
