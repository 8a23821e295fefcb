"""The published SFace: names of the ONNX initializers, which came from MXNet."""

from __future__ import annotations

import re

from marginface.weights.layouts.layout import Layout, Network, Shapes, by_rules, grid_side, require

_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_var": "running_var"}
_ENDS = {"bn1": "last.0", "fc1": "projection.norm"}
_RULES = {
    r"pre_fc1_weight_dequantized": r"projection.linear.weight",
    r"pre_fc1_bias_dequantized": r"projection.linear.bias",
}


def _sface(shapes: Shapes) -> Network:
    size, flat = require(shapes, "pre_fc1_weight_dequantized", 2)
    channels = require(shapes, "bn1_gamma", 1)[0]
    return Network("sface", size, 16 * grid_side(flat, channels, "pre_fc1_weight_dequantized"))


def _sface_name(name: str, _: Shapes) -> str | None:
    end = re.fullmatch(r"(bn1|fc1)_(gamma|beta|moving_mean|moving_var)", name)
    if end:
        return f"{_ENDS[end[1]]}.{_NORM[end[2]]}"
    unit = re.fullmatch(r"conv_(\d+)(_dw)?_(?:batchnorm_(\w+)|(conv2d_weight_reshaped)|(relu_gamma))", name)
    if unit is None:
        return by_rules(name, _RULES)
    number, depthwise = int(unit[1]), bool(unit[2])
    first = "stem" if number == 1 else f"stages.{number - 2}"
    offset = 0 if number == 1 or depthwise else 3
    if unit[3]:
        return f"{first}.{offset + 1}.{_NORM[unit[3]]}"
    return f"{first}.{offset + (0 if unit[4] else 2)}.weight"


SFACE = Layout("sface", "opencv_zoo's SFace, ONNX", "pre_fc1_weight_dequantized", _sface, _sface_name)
