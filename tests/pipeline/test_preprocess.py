"""Crops as the reranker sees them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PilImage

from pipeline.rerank.preprocess import fit_input, square_input, to_pixel_values


@pytest.mark.parametrize("hw", [(96, 96), (384, 384), (20, 20), (1, 1)])
def test_squares_are_resized(hw):
    square = square_input(np.full((*hw, 3), 77, np.uint8), 96)
    assert square.shape == (96, 96, 3)
    assert square.dtype == np.uint8
    assert (square == 77).all()


def test_others_are_padded_with_grey():
    square = square_input(np.full((10, 30, 3), 200, np.uint8), 30)
    assert (square[:10] == 127).all()
    assert (square[10:20] == 200).all()
    assert (square[20:] == 127).all()


def test_pixel_values():
    squares = np.zeros((1, 2, 2, 3), np.uint8)
    squares[0, 0, 1] = (255, 127, 0)
    values = to_pixel_values(squares)
    assert values.shape == (1, 3, 2, 2)
    np.testing.assert_allclose(values[0, :, 0, 1], [1, 127 / 127.5 - 1, -1], atol=1e-6)


@pytest.mark.parametrize("resample", [PilImage.Resampling.BILINEAR, PilImage.Resampling.BICUBIC])
def test_crops_are_resized_by_the_filter_of_the_card(image, resample):
    crop = image((60, 40))
    expected = np.asarray(PilImage.fromarray(crop).resize((24, 24), resample))
    np.testing.assert_array_equal(fit_input(crop, 24, "stretch", resample), expected)
