"""What torch.compile leaves as it is, without its compiler being loaded where nothing is compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def uncompiled(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that runs as it is written, also within a module that is compiled.

    It is torch.compiler.disable, but for the moment at which that loads the compiler: here when something is compiled,
    there when the module with the function is imported, a second and a half for every command that names a loss.
    """

    @wraps(function)
    def as_written(*args: P.args, **kwargs: P.kwargs) -> R:
        if torch.compiler.is_compiling():
            disabled: Callable[P, R] = torch.compiler.disable(function)  # type: ignore[no-untyped-call]
            return disabled(*args, **kwargs)
        return function(*args, **kwargs)

    return as_written
