"""Files of others → named tensors, without running anything that stands in them.

PyTorch's own format is a pickle. It is read by torch's restricted unpickler (weights_only), which makes tensors and
plain containers and calls nothing else. Checkpoints of training frameworks hold objects besides (AdaFace's has those of
Lightning): for each class they name, an empty dictionary is put in its place; the class is never imported.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from marginface.errors import WeightsError
from marginface.weights.folding import fold_weights

# Where checkpoints keep the weights; the last is arcface_torch's checkpoint_gpu_0.pt.
_HOLDERS = ("state_dict", "model_state_dict", "model", "state_dict_backbone")
_DEPTH = 2  # checkpoint → its state dict

Tensors = dict[str, Tensor]

# What torch's reader raises on bytes that are not what they claim; an assertion of its own is among them.
_DAMAGE = (
    pickle.UnpicklingError, RuntimeError, ValueError, EOFError, LookupError, TypeError, AttributeError, AssertionError,
    ArithmeticError, MemoryError, OSError, struct.error, zipfile.BadZipFile,
)  # fmt: skip


def read_tensors(path: Path) -> Tensors:
    """Return the tensors of a .safetensors file or of one written by torch.save, in float32 where they are fractions.

    Raises:
        WeightsError: the file is missing, no such file, or asks for more than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    found = _safetensors(path) if path.suffix == ".safetensors" else _state_dict(_torch_file(path), path)
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in found.items()}


def _safetensors(path: Path) -> Tensors:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"{path}: not a safetensors file: {error}") from None


def _torch_file(path: Path) -> Any:
    try:
        named = get_unsafe_globals_in_checkpoint(path) if zipfile.is_zipfile(path) else []
        with safe_globals([(_stand_in(), name) for name in named]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        raise WeightsError(
            f"{path}: not read: {_reason(error)}. A file of torch.save is expected, of tensors and plain containers; "
            "nothing in it is run. If you trust it, write its weights alone elsewhere: "
            'torch.save(model.state_dict(), "weights.pth")'
        ) from None


def _reason(error: Exception) -> str:
    """Return the sentence of torch that says what is wrong, without its advice to read the file unprotected."""
    if not isinstance(error, pickle.UnpicklingError):
        return "it is damaged, or of another kind"
    return str(error).partition("Check the documentation")[0].strip().splitlines()[-1].rstrip(".")


def _stand_in() -> type:
    """Return a class of its own whose instances are empty dictionaries, whatever they are made from."""

    class Unread:
        def __new__(cls, *_: object) -> Any:
            return OrderedDict()

    return Unread


def _state_dict(content: Any, path: Path) -> Tensors:
    """Return the tensors of a state dict, or of the checkpoint around it."""
    for _ in range(_DEPTH):
        if isinstance(content, dict):
            tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
            if tensors:
                return tensors
            content = next((content[name] for name in _HOLDERS if isinstance(content.get(name), dict)), None)
    raise WeightsError(
        f"{path}: holds no named tensors, nor a {' or '.join(_HOLDERS)} with them. A state dict is expected; of a "
        'whole model write torch.save(model.state_dict(), "weights.pth")'
    )


def read_graph(path: Path) -> tuple[Tensors, float, float]:
    """Return the weights of the published SFace by ONNX name, and the mean and standard deviation it applies itself."""
    graph = fold_weights(onnx.load(str(path))).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    first, second = graph.node[0], graph.node[1]
    if (first.op_type, second.op_type) != ("Sub", "Mul"):
        raise WeightsError(
            f"{path}: begins with {first.op_type} and {second.op_type}; (pixel − mean) · factor is expected"
        )
    mean, factor = (float(np.squeeze(arrays.pop(node.input[1]))) for node in (first, second))
    used = {name for node in graph.node[2:] for name in node.input}
    slopes = {node.input[1] for node in graph.node if node.op_type == "PRelu"}  # (C, 1, 1) there, (C,) in torch
    flat = {name: array.reshape(-1) if name in slopes else array for name, array in arrays.items() if name in used}
    return {name: torch.from_numpy(array.copy()) for name, array in flat.items()}, mean, 1 / factor
