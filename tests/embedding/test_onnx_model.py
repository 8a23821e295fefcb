from __future__ import annotations

import numpy as np
import pytest

from marginface.embedding import load_embedder
from marginface.errors import HashMismatch, InputError
from oracles.linear_models import CROPS, by_hand, card_of, linear_model, unit


@pytest.mark.parametrize("batch", ["n", 1, 3], ids=["free", "one", "three"])
def test_an_own_model_is_fed_as_its_card_says(tmp_path, batch):
    matrix = linear_model(tmp_path / "own.onnx", batch=batch)
    card_of(tmp_path / "own.onnx")
    got = load_embedder(tmp_path / "own.onnx").embed(CROPS)
    np.testing.assert_allclose(got, [unit(by_hand(matrix, crop)) for crop in CROPS], atol=2e-3)
    assert got.dtype == np.float32


def test_mirror_sums_the_features_before_the_length_is_taken(tmp_path):
    matrix = linear_model(tmp_path / "own.onnx")
    card_of(tmp_path / "own.onnx")
    got = load_embedder(tmp_path / "own.onnx", mirror=True).embed(CROPS)
    expected = [unit(by_hand(matrix, crop) + by_hand(matrix, crop[:, ::-1])) for crop in CROPS]
    np.testing.assert_allclose(got, expected, atol=2e-3)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"sha256": "0" * 64}, HashMismatch, "its card says sha256 0000"),
        ({"embedding_size": 512}, InputError, "its card says embedding_size 512"),
        ({"input_size": 112}, InputError, "its card says input_size 112"),
    ],
)
def test_a_card_that_does_not_fit_its_model_is_refused(tmp_path, changes, error, message):
    linear_model(tmp_path / "own.onnx")
    card_of(tmp_path / "own.onnx", **changes)
    with pytest.raises(error, match=message):
        load_embedder(tmp_path / "own.onnx")
