"""What a margin is: a curve over the cosine of the true class, and the hooks of those that need more than a curve.

A margin is called with the cosines of the true class. It may have any of these besides, and MarginHead looks for them:

Surveys            it needs sums over the other classes first (NPCFace)
Observes           it learns from each training batch, in buffers (AdaFace, CurricularFace, KappaFace)
ChangesOthers      it changes the other classes' cosines too (CurricularFace, MV-Softmax, Circle)
Penalizes          it adds a term to the loss of each sample (MagFace)
Reports            it has numbers worth a line in the journal (SphereFace's λ, CurricularFace's t)
Cautions           it knows when its parameters do not fit the task (X2-Softmax)
ComparesCenters    it looks at the centers of all classes, which must not be spread over processes (Dyn-ArcFace)

A scale may survey, observe and report as well (AdaCos). A margin that keeps buffers or parameters is an nn.Module, any
other a frozen dataclass. In ``observe`` a buffer that takes part in the gradient of the cosines is replaced and not
written to: an earlier loss may still wait for its backward pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class MarginContext:
    """What a margin may look at besides the target cosine. Everything is in the dtype of the centers.

    Attributes:
        features: (N, D) as the backbone gives them, not normalized; they carry gradient.
        labels: (N,) int64, 0 where the label is −1.
        present: (N,) bool, false where the label is −1: leave such a sample out of any statistic.
        centers: (C, D), or (C, K, D) with K sub-centers; not normalized; they carry gradient as the features do:
            detach what must not be learned from. Where the classes are spread over processes, those of this process.
        step: the step of the training.
        training: whether the head is in training mode; what is drawn or learned is only then.
        survey: (N, K) what ``survey`` of the same margin or scale gave, summed over all other classes; without columns
            if there is none.
    """

    features: Tensor
    labels: Tensor
    present: Tensor
    centers: Tensor
    step: int = 0
    training: bool = True
    survey: Tensor = field(default_factory=lambda: torch.empty(0, 0))

    @property
    def feature_norms(self) -> Tensor:
        """‖x‖ of each feature (N,), with gradient."""
        norms: Tensor = torch.linalg.vector_norm(self.features, dim=1)
        return norms

    @classmethod
    def of_curve(cls, cosine: Tensor, *, step: int = 0, training: bool = False) -> MarginContext:
        """Return a context for looking at a curve apart from any head: two opposite centers, features of length 1.

        Args:
            cosine: (N,) the cosines of the true class, class 0.
            step: the step of the training.
            training: whether margins may draw and learn.
        """
        sine = (1 - cosine.detach().clamp(-1, 1).square()).sqrt()
        features = torch.stack((cosine.detach(), sine), dim=1)
        labels = torch.zeros(len(cosine), dtype=torch.int64, device=cosine.device)
        centers = cosine.new_tensor([[1.0, 0.0], [-1.0, 0.0]])
        return cls(features, labels, labels == 0, centers, step, training)


class Margin(Protocol):
    """A margin ψ: cosines of the true class (N,) → margined cosines (N,). It changes no argument."""

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return ψ of each cosine."""
        ...


@runtime_checkable
class Surveys(Protocol):
    """Needs sums over the other classes before anything else."""

    def survey(self, others: Tensor, other: Tensor, target: Tensor, context: MarginContext, /) -> Tensor:
        """Return what is summed over classes: one or more columns (N, K), without gradient.

        Args:
            others: (N, C') cosines of some classes; the survey of all classes is the sum over such tiles.
            other: (N, C') bool, false at the true class, whose cosine must not count.
            target: (N,) cosines of the true class.
            context: without ``survey``.
        """
        ...


@runtime_checkable
class Observes(Protocol):
    """Learns from each training batch; called without gradient before margin and scale, in training mode only.

    A sample whose cosine is not finite, as after an overflow in half precision, is not present there: the loss of the
    batch says that something is wrong, and the statistics outlive it.
    """

    def observe(self, target: Tensor, context: MarginContext, /) -> None:
        """Update the buffers from the cosines of the true class (N,) and the context, the own survey included."""
        ...


@runtime_checkable
class ChangesOthers(Protocol):
    """Changes the cosines of the classes that are not the true one."""

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:
        """Return the changed cosines (N, C') of some classes; what it returns at the true class is not looked at.

        Gradient goes through ``others`` only: target and margined come without, so that classes can be taken in tiles.

        Args:
            others: (N, C') cosines.
            target: (N,) cosines of the true class.
            margined: (N,) ψ of them, at the present margin_strength.
            context: the survey included.
        """
        ...


@runtime_checkable
class Penalizes(Protocol):
    """Adds a term to the loss."""

    def penalty(self, context: MarginContext, /) -> Tensor:
        """Return the term of each sample (N,), with gradient; the head multiplies it by its margin_strength."""
        ...


@runtime_checkable
class Reports(Protocol):
    """Has numbers that a person who watches a training wants to see."""

    def report(self, step: int, /) -> Mapping[str, float]:
        """Return the present values by name."""
        ...


@dataclass(frozen=True)
class HeadFacts:
    """What a margin may look at to judge its parameters; ``scale`` is None where it is learned."""

    num_classes: int
    embedding_size: int
    scale: float | None
    gradient: str


@runtime_checkable
class Cautions(Protocol):
    """Knows when its parameters do not fit; the trainer says so at the start of a run (losses.theory.cautions)."""

    def cautions(self, facts: HeadFacts, /) -> tuple[str, ...]:
        """Return a sentence for each thing that a person who trains with it should know; empty if all is well."""
        ...


@runtime_checkable
class ComparesCenters(Protocol):
    """Looks at the centers of all classes, so it does not work where they are spread over processes."""

    def needs_all_centers(self) -> str:
        """Return what they are needed for, as the beginning of a sentence."""
        ...
