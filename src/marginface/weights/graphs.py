"""The network that runs, made from the published file: weights folded, PReLU split, free dimensions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import ModelProto

from marginface.registry import Registry
from marginface.weights.folding import fold_weights, free_dimensions, split_prelu
from marginface.weights.published import YUNET_STRIDES, Weights


def prepare(weights: Weights, path: Path) -> ModelProto:
    """Return the model that runs: weights folded, PReLU split, free dimensions. Nothing is written."""
    return _SHAPES[weights.name](split_prelu(fold_weights(onnx.load(str(path)))))


def _free_yunet(model: ModelProto) -> ModelProto:
    """Free height and width, multiples of 32; n locations in each output of a stride."""
    widths = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    outputs: dict[str, tuple[str | int, ...]] = {
        f"{kind}_{stride}": (1, f"locations_{stride}", width)
        for kind, width in widths.items()
        for stride in YUNET_STRIDES
    }
    return free_dimensions(model, {"input": (1, 3, "height", "width")}, outputs)


def _free_sface(model: ModelProto) -> ModelProto:
    return free_dimensions(model, {"data": ("batch", 3, 112, 112)}, {"fc1": ("batch", 128)})


_SHAPES: Registry[Callable[[ModelProto], ModelProto]] = Registry("preparation")
_SHAPES.add("yunet", _free_yunet)
_SHAPES.add("sface", _free_sface)
