"""Graph surgery on ONNX models: pure functions, model in, new model out.

PReLU is split for all of them, published or exported from torch; the rest is for weight-only quantized ones.

The published files store each weight as int8 with a scale for every block (ONNX DequantizeLinear, opset 21). ONNX
Runtime does not run them as they are (checked with 1.32): a per-tensor scale beside a block size is refused, and
weights are listed as inputs that must be fed. Folding computes each weight once in float32, as the operator is
defined, so nothing is lost and nothing is computed twice.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from marginface.values import FloatArray

Arrays = dict[str, NDArray[np.generic]]


def dequantize(
    quantized: NDArray[np.generic],
    scale: NDArray[np.generic],
    zero_point: NDArray[np.generic] | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
) -> FloatArray:
    """Return (quantized − zero_point) · scale in float32.

    Source: ONNX operator DequantizeLinear-21. A scalar scale (or one of shape (1,) beside one block) counts for the
    whole tensor; without a block size a vector has one entry for each index of ``axis``; with one, entry k of
    ``axis`` counts for the indices k·block_size to (k+1)·block_size − 1.
    """
    size = quantized.shape[axis] if quantized.ndim else 1
    zero = np.zeros((), np.float32) if zero_point is None else zero_point.astype(np.float32)
    wide_scale = _spread(scale.astype(np.float32), quantized.ndim, size, axis, block_size)
    wide_zero = _spread(zero, quantized.ndim, size, axis, block_size)
    return np.asarray((quantized.astype(np.float32) - wide_zero) * wide_scale, np.float32)


def _spread(values: FloatArray, dimensions: int, size: int, axis: int, block_size: int) -> FloatArray:
    """Repeat a scale or zero point so that it broadcasts against the tensor it belongs to."""
    if values.ndim == 0:
        return values
    if block_size:
        return np.repeat(values, block_size, axis=axis).take(np.arange(size), axis=axis)
    return values.reshape([-1 if place == axis % dimensions else 1 for place in range(dimensions)])


def fold_weights(model: ModelProto) -> ModelProto:
    """Return the model with every weight a plain float32 initializer that is not listed as an input."""
    graph = model.graph
    arrays: Arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes = [node for node in graph.node if not _fold(node, arrays)]
    used = {name for node in nodes for name in node.input}
    inputs = [value for value in graph.input if value.name in used and value.name not in arrays]
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items() if name in used]
    return _model(model, helper.make_graph(nodes, graph.name, inputs, list(graph.output), tensors))


def _fold(node: NodeProto, arrays: Arrays) -> bool:
    """Compute the node's output into ``arrays`` if it is a weight; say whether it was one."""
    if node.op_type not in ("DequantizeLinear", "Reshape") or any(name not in arrays for name in node.input):
        return False
    operands = [arrays[name] for name in node.input]
    options = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == "Reshape":
        arrays[node.output[0]] = operands[0].reshape([int(size) for size in operands[1]])
    else:
        arrays[node.output[0]] = dequantize(*operands, **options)
    return True


def split_prelu(model: ModelProto) -> ModelProto:
    """Return the model with PReLU(x) written as slope·x + (1 − slope)·Relu(x), the same to float32 rounding.

    ONNX Runtime has fast CPU kernels for the parts and a slow one for PReLU: SFace takes 13.1 ms in place of 24.2 (one
    thread of a Xeon); docs/how-to/export.md has the backbones. Relu(x) − slope·Relu(−x) takes 18.7 ms, max(x, slope·x)
    16.0 ms. Where no slope of a layer is above 1, its second term is Relu((1 − slope)·x), the same to the last bit:
    ONNX Runtime does product and Relu in one pass over the memory, and SFace takes 6 % less. Slopes that are not
    weights stay.
    """
    graph = model.graph
    slopes: Arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    same = [
        node for node in graph.node if node.op_type == "Identity" and node.input[0] in slopes
    ]  # equal weights are one
    slopes |= {node.output[0]: slopes[node.input[0]] for node in same}
    nodes: list[NodeProto] = []
    tensors = list(graph.initializer)
    for node in graph.node:
        if node.op_type == "PRelu" and node.input[1] in slopes:
            rest = np.float32(1) - slopes[node.input[1]].astype(np.float32)
            tensors.append(numpy_helper.from_array(np.asarray(rest, np.float32), f"{node.output[0]}/rest"))
            nodes += _prelu_parts(node, can_scale_first=bool((rest >= 0).all()))
        else:
            nodes.append(node)
    return _model(model, helper.make_graph(nodes, graph.name, graph.input, graph.output, tensors))


def _prelu_parts(node: NodeProto, *, can_scale_first: bool) -> list[NodeProto]:
    x, slope = node.input
    y = node.output[0]
    steps = [("Mul", [f"{y}/rest"]), ("Relu", [])] if can_scale_first else [("Relu", []), ("Mul", [f"{y}/rest"])]
    (first, with_first), (second, with_second) = steps
    return [
        helper.make_node("Mul", [x, slope], [f"{y}/sloped"]),
        helper.make_node(first, [x, *with_first], [f"{y}/half"]),
        helper.make_node(second, [f"{y}/half", *with_second], [f"{y}/rise"]),
        helper.make_node("Add", [f"{y}/sloped", f"{y}/rise"], [y]),
    ]


def free_dimensions(
    model: ModelProto, inputs: dict[str, tuple[str | int, ...]], outputs: dict[str, tuple[str | int, ...]]
) -> ModelProto:
    """Return the model with these input and output shapes; a name in place of a number is a free dimension."""
    graph = model.graph
    return _model(
        model,
        helper.make_graph(graph.node, graph.name, _values(inputs), _values(outputs), graph.initializer),
    )


def _values(shapes: dict[str, tuple[str | int, ...]]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in shapes.items()]


def _model(like: ModelProto, graph: onnx.GraphProto) -> ModelProto:
    """Return a model of the same operators; the published files say an older format than their operators need."""
    opsets = list(like.opset_import)
    version = max(like.ir_version, helper.find_min_ir_version_for(opsets))
    return helper.make_model(graph, opset_imports=opsets, ir_version=version, producer_name="marginface")
