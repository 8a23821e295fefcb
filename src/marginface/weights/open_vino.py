"""OpenVINO as an engine, the extra ``openvino``: float32, or bfloat16 where the processor has it.

Never dynamic int8: it moves the embeddings, and was slower than float32 where it was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import numpy as np

from marginface.errors import InputError, MissingExtra, WeightsError
from marginface.processors import usable_cpus
from marginface.values import FloatArray

if TYPE_CHECKING:
    import openvino as ov

Precision = Literal["f32", "bf16"]

_TYPES = {"f32": "tensor(float)"}  # as ONNX Runtime calls it


@dataclass(frozen=True, slots=True)
class OpenVinoPort:
    """An input or output: the words are those of ONNX Runtime; a free dimension is None."""

    name: str
    type: str
    shape: list[int | None]


@dataclass(frozen=True)
class OpenVinoSession:
    """A Session on OpenVINO. Each run takes a request of its own, so any number of threads may run it at once.

    Attributes:
        compiled: The network, for this processor and precision.
    """

    compiled: ov.CompiledModel
    _idle: list[ov.InferRequest] = field(default_factory=list)  # its pop and append are atomic

    def get_inputs(self) -> list[OpenVinoPort]:
        """Return what goes in."""
        return [_port(one) for one in self.compiled.inputs]

    def get_outputs(self) -> list[OpenVinoPort]:
        """Return what comes out, in the order of the model."""
        return [_port(one) for one in self.compiled.outputs]

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, FloatArray]) -> list[FloatArray]:
        """Return the named outputs, or all of them; the arrays are the caller's own."""
        wanted = [port.name for port in self.get_outputs()] if output_names is None else output_names
        request = self._request()
        request.infer(dict(input_feed), share_inputs=True)
        results = [np.array(request.get_tensor(name).data, np.float32) for name in wanted]
        self._idle.append(request)
        return results

    def _request(self) -> ov.InferRequest:
        try:
            return self._idle.pop()
        except IndexError:
            return self.compiled.create_infer_request()


def open_openvino(path: Path, threads: int, varying_shapes: bool, *, precision: Precision) -> OpenVinoSession:
    """Return a session on the CPU; see session.open_session.

    Where shapes do not vary, a free first dimension becomes 1: with all sizes known OpenVINO needs 17 to 19 % less
    time for SFace. There are as many streams of ``threads`` threads as the processors bear, so that callers on several
    threads run side by side; a single caller uses one.

    Raises:
        MissingExtra: OpenVINO is not installed.
        InputError: The processor has no instructions for bfloat16.
        WeightsError: OpenVINO cannot load the model.
    """
    openvino = _openvino()
    core = openvino.Core()
    if precision == "bf16" and not has_bf16():
        raise InputError(
            "this processor has no instructions for bfloat16 (AVX-512 BF16 or AMX), so that it would be slower than "
            "float32. Use --engine openvino or onnxruntime"
        )
    streams = max(1, usable_cpus() // threads)
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": streams * threads,
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,  # pinned, two processes would sit on one core and leave another idle
    }
    try:
        model = core.read_model(path)
        if not varying_shapes:
            _fix_batch(model, openvino)
        return OpenVinoSession(core.compile_model(model, "CPU", settings))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise WeightsError(f"{path}: OpenVINO cannot load this model: {reason}") from None


open_float32 = partial(open_openvino, precision="f32")
open_bfloat16 = partial(open_openvino, precision="bf16")


def has_bf16() -> bool:
    """Say whether OpenVINO computes in bfloat16 on this processor; raise MissingExtra without OpenVINO."""
    return "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _openvino() -> ModuleType:
    try:
        openvino = import_module("openvino")
    except ImportError as error:
        raise MissingExtra(
            f'the engine openvino needs OpenVINO ({error}). Run: pip install "marginface[openvino]"'
        ) from None
    return openvino


def _fix_batch(model: ov.Model, openvino: ModuleType) -> None:
    """Set a free first dimension of the only input to 1."""
    if len(model.inputs) != 1:
        return
    shape = model.inputs[0].partial_shape
    if shape.rank.is_static and len(shape) and shape[0].is_dynamic:
        model.reshape({model.inputs[0]: openvino.PartialShape([1, *list(shape)[1:]])})


def _port(port: ov.ConstOutput) -> OpenVinoPort:
    sizes = [size.get_length() if size.is_static else None for size in port.partial_shape]
    element = port.element_type.get_type_name()
    return OpenVinoPort(port.any_name, _TYPES.get(element, f"tensor({element})"), sizes)
