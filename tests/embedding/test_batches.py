from __future__ import annotations

import numpy as np
import pytest

from marginface.embedding import load_embedder, preprocess
from marginface.errors import InputError, WeightsError
from oracles.linear_models import CROPS, card_of, linear_model


def test_preprocessing_shrinks_orders_and_normalizes(tmp_path):
    linear_model(tmp_path / "own.onnx")
    contract = card_of(tmp_path / "own.onnx").contract()
    flat = np.zeros((1, 112, 112, 3), np.uint8)
    flat[..., 0], flat[..., 2] = 200, 50
    planes = preprocess(flat, contract)
    assert planes.shape == (1, 3, 16, 16)
    assert [planes[0, channel, 0, 0] for channel in range(3)] == [-1.0, -2.0, 2.0]


def test_no_crops_give_no_embeddings(sface):
    assert sface.embed(CROPS[:0]).shape == (0, 128)


def test_a_feature_without_direction_is_an_error_that_names_the_crop(tmp_path):
    linear_model(tmp_path / "zero.onnx", weight=np.zeros((4, 768), np.float32))
    card_of(tmp_path / "zero.onnx")
    with pytest.raises(WeightsError, match=r"without a direction .* crop 0 and 6 others"):
        load_embedder(tmp_path / "zero.onnx").embed(CROPS)


def test_crops_of_another_shape_are_refused(sface):
    with pytest.raises(InputError, match=r"\(N, 112, 112, 3\); got uint8 \(112, 112, 3\)"):
        sface.embed(CROPS[0])
