"""ONNX Runtime as an engine: what runs every network unless another one is asked for."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as states

from marginface.errors import WeightsError

# ONNX Runtime has no common ancestor for what it raises.
_LOAD_ERRORS = (
    states.Fail, states.InvalidArgument, states.InvalidGraph, states.InvalidProtobuf, states.NoModel, states.NoSuchFile,
    states.NotImplemented, states.RuntimeException, RuntimeError, ValueError,
)  # fmt: skip


def open_onnx_runtime(path: Path, threads: int, varying_shapes: bool) -> ort.InferenceSession:
    """Return a session on the CPU; see session.open_session."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = not varying_shapes
    options.enable_mem_pattern = not varying_shapes
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _LOAD_ERRORS as error:
        raise WeightsError(f"{path}: ONNX Runtime cannot load this model: {error}") from None
