"""What a margin is: a curve over the cosine of the true class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class MarginContext:
    """What a margin may look at besides the target cosine: feature norms (N,) and the step of the training."""

    feature_norms: Tensor
    step: int = 0


class Margin(Protocol):
    """A target-only margin ψ: cosines of the true class (N,) → margined cosines (N,).

    It falls as the angle grows, changes no argument and keeps no state.
    """

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return ψ of each cosine."""
        ...
