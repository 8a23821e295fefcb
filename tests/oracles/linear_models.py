"""A network of one matrix as an ONNX model with its card, and what it gives, by hand."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from marginface.contract import ModelCard, file_sha256, write_card

RNG = np.random.default_rng(0)
CROPS = RNG.integers(0, 256, (7, 112, 112, 3), dtype=np.uint8)


def linear_model(path, size=16, width=4, *, batch="n", weight=None):
    """Write features = W · pixels as ONNX, with its card, and return W (width, 3·size·size)."""
    matrix = RNG.normal(size=(width, 3 * size * size)).astype(np.float32) if weight is None else weight
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [batch, 3, size, size])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [batch, width])],
        [numpy_helper.from_array(matrix, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return matrix


def card_of(path, **changes):
    """Write a card beside a model and return it."""
    values = {
        "name": "linear", "file": path.name, "sha256": file_sha256(path), "license": "none", "embedding_size": 4,
        "input_size": 16, "mean": 100.0, "std": 50.0, "color_order": "BGR",
    }  # fmt: skip
    card = ModelCard(**(values | changes))
    write_card(card, path.with_suffix(".toml"))
    return card


def by_hand(matrix, crop, size=16):
    """One crop at a time: mean of blocks, BGR, (p − 100) / 50, planes, matrix product, length 1."""
    block = 112 // size
    small = np.floor(crop.reshape(size, block, size, block, 3).mean(axis=(1, 3)) + 0.5)
    vector = ((small[..., ::-1].transpose(2, 0, 1) - 100) / 50).ravel()
    return matrix.astype(np.float64) @ vector


def unit(vector):
    """A vector brought to length 1."""
    return vector / np.linalg.norm(vector)
