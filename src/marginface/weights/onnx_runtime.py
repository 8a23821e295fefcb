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
    """Return a session on the CPU; see session.open_session.

    The arena stays on: without it each run gets its memory from the system and gives it back, and YuNet takes 1.5 to
    1.9 times as long at 480×640 and 640×640. It does not grow with the number of sizes: after 60 sizes and one of
    1280×1280 the process had 145 MB, and 176 MB without it. A pattern of memory is kept for each size: not here.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_mem_pattern = not varying_shapes
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _LOAD_ERRORS as error:
        raise WeightsError(f"{path}: ONNX Runtime cannot load this model: {error}") from None
