"""What a pair loss is, and what it looks at: the features of a batch and which two are of one identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class PairBatch:
    """The n samples of a batch that take part. What is derived from them is computed once, and carries gradient.

    Attributes:
        features: (n, D) as the backbone gives them, not normalized; n ≥ 2.
        labels: (n,) int64, none −1.
    """

    features: Tensor
    labels: Tensor

    @cached_property
    def embeddings(self) -> Tensor:
        """Features of length 1 (n, D); a feature of zeros stays one."""
        return functional.normalize(self.features)

    @cached_property
    def genuine(self) -> Tensor:
        """Which two are of one identity, (n, n) bool; nobody is paired with itself."""
        itself = torch.eye(len(self.labels), dtype=torch.bool, device=self.labels.device)
        return (self.labels[:, None] == self.labels[None]) & ~itself

    @cached_property
    def impostor(self) -> Tensor:
        """Which two are of different identities, (n, n) bool."""
        return self.labels[:, None] != self.labels[None]

    @cached_property
    def similarity(self) -> Tensor:
        """Cosine of every two, (n, n)."""
        return self.embeddings @ self.embeddings.T

    @cached_property
    def squared_distance(self) -> Tensor:
        """‖a − b‖² of every two embeddings, (n, n), in [0, 4] but for rounding. Its gradient has no pole."""
        squares = self.embeddings.square().sum(dim=1)
        return squares[:, None] + squares[None] - 2 * self.similarity

    @cached_property
    def distance(self) -> Tensor:
        """‖a − b‖ of every two embeddings, (n, n), in [0, 2].

        It is computed from differences: √(2 − 2·cos) has few right digits for near embeddings. The gradient where
        a = b, which the formula leaves open, is 0.
        """
        return torch.cdist(self.embeddings, self.embeddings, compute_mode="donot_use_mm_for_euclid_dist")


class PairTerms(Protocol):
    """A pair loss: a batch → its terms (T,), whose mean is the loss. A batch without a valid pair has none, T = 0."""

    def __call__(self, batch: PairBatch, /) -> Tensor:
        """Return the terms, with gradient also where there are none."""
        ...


@runtime_checkable
class Inspects(Protocol):
    """A pair loss that can say how much of a batch still teaches something."""

    def activity(self, batch: PairBatch, /) -> Mapping[str, float]:
        """Return shares in [0, 1] by name, without those of nothing."""
        ...


@runtime_checkable
class CollapsesTo(Protocol):
    """A pair loss with one known value where all embeddings are equal."""

    @property
    def collapsed_loss(self) -> float:
        """Return that value."""
        ...


def share(active: Tensor) -> float | None:
    """Return the share of true values, None of none."""
    return active.double().mean().item() if active.numel() else None
