"""One way to open an ONNX model: one thread, no warnings, errors that name the file."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as states

from marginface.errors import InputError, WeightsError

# ONNX Runtime has no common ancestor for what it raises.
_LOAD_ERRORS = (
    states.Fail, states.InvalidArgument, states.InvalidGraph, states.InvalidProtobuf, states.NoModel, states.NoSuchFile,
    states.NotImplemented, states.RuntimeException, RuntimeError, ValueError,
)  # fmt: skip


def open_session(path: Path, *, threads: int = 1, varying_shapes: bool = False) -> ort.InferenceSession:
    """Return an ONNX Runtime session on the CPU.

    One session may be run by any number of threads at once. With one thread inside, work on several images scales
    better than several threads inside one image.

    Args:
        path: An ONNX file.
        threads: Threads inside one run.
        varying_shapes: The input changes its size from call to call: memory is not kept for each size seen.

    Raises:
        WeightsError: The file is missing or ONNX Runtime cannot load it.
    """
    if threads < 1:
        raise InputError(f"threads is at least 1; got {threads}")
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
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
