"""Functions that torch.compile leaves as they are."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor

from marginface.uncompiled import uncompiled
from oracles.patience import PATIENCE


@pytest.mark.parametrize("calls", [1, 2])
def test_nothing_below_it_is_traced_within_a_compiled_function(calls: int) -> None:
    traced: list[bool] = []

    def below(numbers: Tensor) -> Tensor:
        traced.append(torch.compiler.is_compiling())
        return numbers * 2

    @uncompiled
    def left_alone(numbers: Tensor, *, more: float) -> Tensor:
        return below(numbers) + more

    compiled = torch.compile(lambda numbers: left_alone(numbers + 1, more=0.5) - 1, backend="eager")
    for number in range(calls):
        assert compiled(torch.tensor([1.0, float(number)])).tolist() == [3.5, 2 * number + 1.5]
    assert traced == [False] * calls, "one call each, none of them while it was traced"


def test_it_is_the_function_where_nothing_is_compiled() -> None:
    @uncompiled
    def sum_of(first: int, *, second: int) -> int:
        """Add."""
        return first + second

    assert (sum_of(1, second=2), sum_of.__name__, sum_of.__doc__) == (3, "sum_of", "Add.")


def test_losses_and_backbones_do_not_load_the_compiler() -> None:
    code = "import sys; from marginface import backbones, losses; import marginface.training; "
    code += "losses.build('arcface', num_classes=4, embedding_size=2); print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout == "False\n", "it takes a second and a half of every command that names a loss"
