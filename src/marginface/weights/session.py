"""One way to open an ONNX model: an engine by name (table ENGINES), one thread, errors that name the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from marginface.defaults import DEFAULT_ENGINE
from marginface.errors import InputError, WeightsError
from marginface.registry import Registry
from marginface.values import FloatArray
from marginface.weights import open_vino
from marginface.weights.onnx_runtime import open_onnx_runtime


class Port(Protocol):
    """An input or output of a network. A dimension that is not a number is free."""

    @property
    def name(self) -> str:
        """Its name in the model."""
        ...

    @property
    def type(self) -> str:
        """``tensor(float)`` for float32."""
        ...

    @property
    def shape(self) -> list[Any]:
        """Its dimensions."""
        ...


class Session(Protocol):
    """A network that is ready to run, by any number of threads at once; the words are those of ONNX Runtime."""

    def get_inputs(self) -> Sequence[Port]:
        """Return what goes in."""
        ...

    def get_outputs(self) -> Sequence[Port]:
        """Return what comes out."""
        ...

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, FloatArray]) -> Sequence[FloatArray]:
        """Return the named outputs, or all of them in the order of the model."""
        ...


Opener = Callable[[Path, int, bool], Session]  # file, threads inside one run, whether shapes vary

ENGINES: Registry[Opener] = Registry("engine")
ENGINES.add(DEFAULT_ENGINE, open_onnx_runtime)
ENGINES.add("openvino", open_vino.open_float32)
ENGINES.add("openvino-bf16", open_vino.open_bfloat16)


def open_session(
    path: Path, *, threads: int = 1, varying_shapes: bool = False, engine: str = DEFAULT_ENGINE
) -> Session:
    """Return a network that is ready to run on the CPU.

    One session may be run by any number of threads at once. With one thread inside, work on several images scales
    better than several threads inside one image.

    Args:
        path: An ONNX file.
        threads: Threads inside one run.
        varying_shapes: The input changes its size from call to call: no plan of memory is kept for each size seen.
        engine: What runs it: ``onnxruntime``, ``openvino`` (float32) or ``openvino-bf16``.

    Raises:
        UnknownName: No such engine.
        MissingExtra: The engine is not installed.
        InputError: The processor lacks what the engine needs.
        WeightsError: The file is missing or the engine cannot load it.
    """
    opener = ENGINES[engine]
    if threads < 1:
        raise InputError(f"threads is at least 1; got {threads}")
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    return opener(path, threads, varying_shapes)
