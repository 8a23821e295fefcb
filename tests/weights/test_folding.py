from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from marginface.weights.folding import dequantize, fold_weights, free_dimensions, split_prelu
from oracles.dequantization import dequantize_linear

RNG = np.random.default_rng(0)


def quantized(shape, scale_shape):
    values = RNG.integers(-128, 128, shape, dtype=np.int8)
    return values, RNG.uniform(0.01, 1, scale_shape).astype(np.float32), RNG.integers(-9, 9, scale_shape, dtype=np.int8)


@pytest.mark.parametrize(
    ("shape", "scale_shape", "axis", "block_size"),
    [
        ((4, 12), (4, 3), 1, 4),
        ((4, 10), (4, 3), 1, 4),  # the last block is short
        ((12, 5), (3, 5), 0, 4),
        ((7,), (1,), 0, 64),  # one block larger than the tensor
        ((128,), (2,), 0, 64),
        ((2, 6, 3), (2, 2, 3), 1, 3),
        ((4, 6), (6,), 1, 0),
        ((4, 6), (4,), 0, 0),
        ((4, 6), (), 1, 0),
    ],
)
def test_dequantization_equals_the_operator_definition_bit_for_bit(shape, scale_shape, axis, block_size):
    x, scale, zero = quantized(shape, scale_shape)
    ours = dequantize(x, scale, zero, axis=axis, block_size=block_size)
    np.testing.assert_array_equal(ours, dequantize_linear(x, scale, zero, axis, block_size))
    assert ours.dtype == np.float32


def test_a_missing_zero_point_is_zero():
    x, scale, _ = quantized((3, 4), (3, 2))
    expected = dequantize_linear(x, scale, np.zeros((3, 2), np.int8), 1, 2)
    np.testing.assert_array_equal(dequantize(x, scale, axis=1, block_size=2), expected)


def small_model():
    """A 1×1 convolution with block-quantized weights and a PReLU, as the published files are built."""
    x, scale, zero = quantized((6, 4), (6, 2))
    weights = {
        "w_q": x, "w_s": scale, "w_z": zero, "w_shape": np.array([6, 4, 1, 1], np.int64),
        "slope": RNG.uniform(-0.5, 1.2, (6, 1, 1)).astype(np.float32),
    }  # fmt: skip
    nodes = [
        helper.make_node("DequantizeLinear", ["w_q", "w_s", "w_z"], ["w_f"], axis=1, block_size=2),
        helper.make_node("Reshape", ["w_f", "w_shape"], ["w"]),
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("PRelu", ["c", "slope"], ["y"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 4, 8, 8]),
        helper.make_tensor_value_info("slope", onnx.TensorProto.FLOAT, [6, 1, 1]),
        helper.make_tensor_value_info("w_old", onnx.TensorProto.FLOAT, [6, 4, 1, 1]),
    ]
    outputs = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 6, 8, 8])]
    tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "small", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=6), weights


def by_hand(x, weights):
    matrix = dequantize_linear(weights["w_q"], weights["w_s"], weights["w_z"], 1, 2)
    c = np.einsum("oc,nchw->nohw", matrix, x)
    return np.where(c >= 0, c, weights["slope"] * c)


def run(model, x):
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def test_the_folded_model_computes_what_the_quantized_one_says():
    model, weights = small_model()
    x = RNG.normal(size=(1, 4, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(run(fold_weights(model), x), by_hand(x, weights), rtol=1e-5, atol=1e-3)


def test_folding_leaves_one_input_and_only_the_weights_that_are_used():
    folded = fold_weights(small_model()[0])
    assert [value.name for value in folded.graph.input] == ["x"]
    assert {tensor.name for tensor in folded.graph.initializer} == {"w", "slope"}
    assert [node.op_type for node in folded.graph.node] == ["Conv", "PRelu"]


def test_a_split_prelu_is_the_same_function_at_both_signs_and_at_zero():
    folded = fold_weights(small_model()[0])
    x = RNG.normal(size=(1, 4, 8, 8)).astype(np.float32)
    x[..., 0] = 0
    split = split_prelu(folded)
    assert "PRelu" not in {node.op_type for node in split.graph.node}
    np.testing.assert_allclose(run(split, x), run(folded, x), rtol=1e-5, atol=1e-4)


def test_nothing_is_changed_in_the_model_that_is_handed_in():
    model, _ = small_model()
    before = model.SerializeToString(deterministic=True)
    split_prelu(fold_weights(model))
    assert model.SerializeToString(deterministic=True) == before


def test_a_freed_dimension_takes_any_size():
    free = free_dimensions(fold_weights(small_model()[0]), {"x": ("n", 4, "h", "w")}, {"y": ("n", 6, "h", "w")})
    assert run(free, np.zeros((3, 4, 5, 7), np.float32)).shape == (3, 6, 5, 7)
