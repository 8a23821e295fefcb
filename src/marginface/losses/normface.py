"""NormFace: softmax over cosines, no margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from marginface.errors import InputError
from marginface.losses.margin import MarginContext


@dataclass(frozen=True)
class NormFace:
    r"""No margin: ψ(θ) = cos θ.

    Source: Wang et al., "NormFace", ACM MM 2017, arXiv:1704.06369. The scale is fixed, see ``smallest_scale``.
    """

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return the cosines as they are."""
        return cosine


def smallest_scale(num_classes: int, loss: float = 1e-4) -> float:
    r"""Return the scale at which the lower bound of the loss is ``loss``.

    L ≥ log(1 + (C − 1)·exp(−s·C/(C − 1))), reached when all features sit on the centres of a regular simplex (NormFace,
    section 3.3, with s = ℓ²). With s = 1 the bound stays near log C and nothing can be learned. Solved for s:
    s = (C − 1)/C · log((C − 1)/(e^loss − 1)); at least 1.

    >>> round(smallest_scale(10_572), 1)
    18.5
    """
    if num_classes < 1 or not 0 < loss < math.inf:
        raise InputError(f"num_classes is at least 1 and loss above 0; got {num_classes} and {loss}")
    if num_classes == 1:
        return 1.0
    return max(1.0, (num_classes - 1) / num_classes * math.log((num_classes - 1) / math.expm1(loss)))
