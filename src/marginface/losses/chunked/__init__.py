"""The same numbers as ``dense`` without N×C of them: the classes are taken tile by tile.

Three facts make it exact and lean.

- The margin changes one logit of each sample. So the softmax needs from the classes two things: the log-sum-exp over
  the others, and the true class's center. The margin itself stays ordinary autograd on N numbers.
- A cosine is at most 1, so exp(s·cos θ) cannot overflow while s + ln C is below what the dtype holds: no maximum is
  looked for. Where logits have no such bound, a running maximum is kept, as in online softmax (Milakov and
  Gimelshein, 2018, arXiv:1805.02867).
- A center is used as it is and its length divided out of N numbers, so no normalized copy of the centers exists, nor a
  gradient of one. The gradient of a center loses its part along the center while its tile is in the cache.

With curves on the other classes (CurricularFace, Circle, SphereFace2 …) and with sub-centers a tile runs through
autograd of its own: in the forward pass where its N numbers a class are kept, else in the backward pass.

tiles      which samples belong to a tile, how large it is, in which precision it multiplies
batch      directions against the centers of a tile
gradient   where the gradient of the centers goes: into one tensor, or tile by tile to what updates them
sums       log-sum-exp over tiles, and its gradient by the directions in the same pass
totals     what is taken over the classes of a curve
products   softmax losses with a margin on the true class alone, and plain softmax
curves     losses that change the other classes, and sub-centers
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from marginface.losses.chunked.batch import Batch, inverse_norms, nearest
from marginface.losses.chunked.curves import Curves, KeptTotalOfCurve, TotalOfCurve
from marginface.losses.chunked.products import LogSumExpOfProducts, Products
from marginface.losses.chunked.tiles import Tiling
from marginface.losses.chunked.totals import LogSumOfExp, PlainSum
from marginface.losses.implementation import Curve, Logits, Own, Survey, Update, own_of
from marginface.uncompiled import uncompiled

__all__ = ["Chunked"]


@dataclass(frozen=True, eq=False)
class Chunked:
    """See Implementation.

    Args:
        tiling: how the classes are taken.
        update: what takes the gradient of the centers tile by tile; None: it is one tensor, as usual.
    """

    tiling: Tiling = field(default_factory=Tiling)
    update: Update | None = None

    def compare(self, directions: Tensor, centers: Tensor, labels: Tensor, /) -> ChunkedComparison:
        """Return the comparison of a batch."""
        return ChunkedComparison(directions, centers, labels, self.tiling, self.update)

    def learning(self, update: Update, /) -> Chunked:
        """Return the same implementation whose backward pass hands the gradient of the centers to an update."""
        return replace(self, update=update)


@dataclass(frozen=True, eq=False)
class ChunkedComparison:
    """See Comparison."""

    directions: Tensor
    centers: Tensor
    labels: Tensor
    tiling: Tiling
    update: Update | None

    @torch.no_grad()
    def own_cosine(self) -> Tensor:
        """Return the cosines of the true classes (N,), without gradient."""
        return self._own(self.centers[self.labels], _plain(self.directions)).product

    @torch.no_grad()
    def survey(self, survey: Survey, /) -> Tensor:
        """Return the sums of a survey over all classes (N, K), without gradient."""
        batch = Batch.of(self.directions, self.centers, self.labels, self.tiling)
        sums = []
        with self.tiling.multiplying(self.centers):
            for tile in batch.tiles:
                classes = torch.arange(tile.start, tile.stop, device=self.labels.device)
                cosine = nearest(batch.products(tile, inverse_norms(batch.rows[tile.rows])), batch.sub_centers)
                sums.append(survey(cosine, classes != self.labels[:, None]))
        return torch.stack(sums).sum(0)

    @uncompiled
    def log_sum_exp(self, logits: Logits, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(z_j) of each sample (N,), and its true class."""
        if self.centers.ndim == 3:
            found, own_class = self.log_sum_exp_of_curve(lambda cosine: cosine, logits.scale)
            return found, own_class
        queries = logits.scale * self.directions
        work = Products(self.tiling, self.update, logits.normalized, self._stores(), _largest_logit(queries, logits))
        found, own = LogSumExpOfProducts.apply(queries, self.centers, logits.bias, self.labels, work)  # type: ignore[no-untyped-call]
        return found, self._own(own, logits)

    @uncompiled
    def log_sum_exp_of_curve(self, curve: Curve, scale: Tensor, /) -> tuple[Tensor, Own]:
        """Return log Σ_{j≠y} exp(scale·curve(cos θ_j)) of each sample (N,), and its true class."""
        learned = (scale,) if scale.requires_grad else ()
        return self._total(
            Curves(self.tiling, self.update, lambda cosine: scale * curve(cosine), LogSumOfExp()), learned
        )

    @uncompiled
    def sum_of_curve(self, curve: Curve, parameters: Sequence[Tensor], /) -> tuple[Tensor, Own]:
        """Return Σ_{j≠y} curve(cos θ_j) of each sample (N,), and its true class."""
        return self._total(Curves(self.tiling, self.update, curve, PlainSum()), parameters)

    def _total(self, work: Curves, learned: Sequence[Tensor]) -> tuple[Tensor, Own]:
        given = (self.directions, self.centers, self.labels, work)
        if learned or not self._stores():
            total, own = TotalOfCurve.apply(*given, *learned)  # type: ignore[no-untyped-call]
        else:
            total, own = KeptTotalOfCurve.apply(*given)  # type: ignore[no-untyped-call]
        return total, self._own(own, _plain(self.directions))

    def _stores(self) -> bool:
        """Say whether N numbers a class are kept for the backward pass."""
        numbers = self.centers[..., 0].numel() * len(self.labels)
        return torch.is_grad_enabled() and self.tiling.stores(numbers, self.centers.element_size())

    def _own(self, own: Tensor, logits: Logits) -> Own:
        return own_of(self.directions, own, self.labels, logits)


def _plain(like: Tensor) -> Logits:
    return Logits(like.new_ones(()))


def _largest_logit(queries: Tensor, logits: Logits) -> float:
    """Return what no logit is above: the largest scale, where the centers have length 1 and there is no bias."""
    if not logits.normalized or logits.bias is not None:
        return math.inf
    return float(torch.linalg.vector_norm(queries.detach(), dim=1).amax())
