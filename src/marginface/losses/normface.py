"""NormFace: softmax over cosines, no margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.theory.bounds import scale_bound


@dataclass(frozen=True)
class NormFace:
    r"""No margin: ψ(θ) = cos θ.

    Source: Wang et al., "NormFace", ACM MM 2017, arXiv:1704.06369. Unless one is given, the scale is the smallest that
    can bring the loss of C classes down to 1e-4 (``smallest_scale``); in the table normface keeps it, and
    normface_learned learns it from there, as the paper's section 3.3 has it.
    """

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return the cosines as they are."""
        return cosine


def smallest_scale(num_classes: int, loss: float = 1e-4) -> float:
    r"""Return the scale at which the lower bound of the loss (theory.bounds.loss_bound) is ``loss``; at least 1.

    With s = 1 the bound stays near log C and nothing can be learned. A loss is −log P of the true class, so it is the
    scale at which a feature on its center can have P = e^−loss.

    >>> round(smallest_scale(10_572), 1)
    18.5
    """
    if num_classes < 1 or not 0 < loss < math.inf:
        raise InputError(f"num_classes is at least 1 and loss above 0; got {num_classes} and {loss}")
    return 1.0 if num_classes == 1 else max(1.0, scale_bound(num_classes, math.exp(-loss)))
