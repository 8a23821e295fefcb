"""The same numbers as ``dense`` without N×C of them: the classes are taken tile by tile.

Three facts make it exact and lean.

- The margin changes one logit of each sample. So the softmax needs from the classes two things: the log-sum-exp over
  the others, and the true class's centre. The margin itself stays ordinary autograd on N numbers.
- A cosine is at most 1, so exp(s·cos θ) cannot overflow while s + ln C is below what the dtype holds: no maximum is
  looked for. Where logits have no such bound, a running maximum is kept, as in online softmax (Milakov and
  Gimelshein, 2018, arXiv:1805.02867).
- A centre is used as it is and its length divided out of N numbers, so no normalized copy of the centres exists, nor a
  gradient of one. The gradient of a centre loses its part along the centre while its tile is in the cache.

With curves on the other classes (CurricularFace, Circle, SphereFace2 …) and with sub-centres a tile runs through
autograd of its own in the backward pass.

tiles      which samples belong to a tile, how large it is, in which precision it multiplies
batch      directions against the centres of a tile
products   softmax losses with a margin on the true class alone, and plain softmax
curves     losses that change the other classes, and sub-centres
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from marginface.losses.chunked.batch import Batch, inverse_norms, nearest
from marginface.losses.chunked.curves import Curves, LogSumOfExp, PlainSum, TotalOfCurve
from marginface.losses.chunked.products import LogSumExpOfProducts, Products
from marginface.losses.chunked.tiles import Tiling
from marginface.losses.implementation import Curve, Logits, Own, Survey

__all__ = ["Chunked"]


class Chunked:
    """See Implementation.

    Args:
        tiling: how the classes are taken.
    """

    def __init__(self, tiling: Tiling | None = None) -> None:
        self.tiling = tiling or Tiling()

    @torch.no_grad()
    def own_cosine(self, directions: Tensor, centers: Tensor, labels: Tensor, /) -> Tensor:
        """Return the cosines of the true classes (N,), without gradient."""
        return _own(directions, centers[labels], normalized=True).product

    @torch.no_grad()
    def survey(self, directions: Tensor, centers: Tensor, labels: Tensor, survey: Survey, /) -> Tensor:
        """Return the sums of a survey over all classes (N, K), without gradient."""
        batch = Batch.of(directions, centers, labels, self.tiling)
        sums = []
        with self.tiling.multiplying(centers):
            for tile in batch.tiles:
                classes = torch.arange(tile.start, tile.stop, device=labels.device)
                cosine = nearest(batch.products(tile, inverse_norms(batch.rows[tile.rows])), batch.sub_centers)
                sums.append(survey(cosine, classes != labels[:, None]))
        return torch.stack(sums).sum(0)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def log_sum_exp(self, logits: Logits, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(z_j) of each sample (N,), and its true class."""
        directions, centers, labels, scale, normalized, bias = logits
        if centers.ndim == 3:
            found, own_class = self.log_sum_exp_of_curve(directions, centers, labels, lambda cosine: cosine, scale)
            return found, own_class
        queries = scale * directions
        work = Products(self.tiling, normalized, _is_bounded(queries, centers, normalized, bias))
        found, own = LogSumExpOfProducts.apply(queries, centers, bias, labels, work)  # type: ignore[no-untyped-call]
        return found, _own(directions, own, normalized=normalized)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def log_sum_exp_of_curve(
        self, directions: Tensor, centers: Tensor, labels: Tensor, curve: Curve, scale: Tensor, /
    ) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(scale·curve(cos θ_j)) of each sample (N,), and its true class."""
        learned = (scale,) if scale.requires_grad else ()
        work = Curves(self.tiling, lambda cosine: scale * curve(cosine), LogSumOfExp())
        total, own = TotalOfCurve.apply(directions, centers, labels, work, *learned)  # type: ignore[no-untyped-call]
        return total, _own(directions, own, normalized=True)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def sum_of_curve(
        self, directions: Tensor, centers: Tensor, labels: Tensor, curve: Curve, parameters: Sequence[Tensor], /
    ) -> tuple[Tensor, Own]:
        """Return Σ_{j≠y} curve(cos θ_j) of each sample (N,), and its true class."""
        work = Curves(self.tiling, curve, PlainSum())
        total, own = TotalOfCurve.apply(directions, centers, labels, work, *parameters)  # type: ignore[no-untyped-call]
        return total, _own(directions, own, normalized=True)


def _own(directions: Tensor, own: Tensor, *, normalized: bool) -> Own:
    """Return the true class from its centres (N, D) or (N, K, D), by ordinary autograd."""
    rows = functional.normalize(own, dim=-1) if normalized else own
    product = torch.linalg.vecdot(directions[:, None] if own.ndim == 3 else directions, rows)
    if own.ndim == 3:
        product = product.max(1).values
    return Own(product, own.new_ones(()) if normalized else torch.linalg.vector_norm(own, dim=-1))


def _is_bounded(queries: Tensor, centers: Tensor, normalized: bool, bias: Tensor | None) -> bool:
    """Say whether Σ exp(logit) fits the dtype without a maximum taken out: s + ln C with 3 to spare."""
    if not normalized or bias is not None:
        return False
    most = torch.linalg.vector_norm(queries.detach(), dim=1).amax().item() + math.log(len(centers))
    return bool(most < math.log(torch.finfo(centers.dtype).max) - 3)
