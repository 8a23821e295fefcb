"""A head with further terms: the sum of their losses, with centers, cosines and margin of the head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.margin import Reports


class Term(Protocol):
    """What a term does: features (N, D), labels (N,) → a scalar, its weight included. It is an nn.Module."""

    def __call__(self, features: Tensor, labels: Tensor, /) -> Tensor:
        """Return the weighted loss."""
        ...


class SummedHead(nn.Module):
    r"""Features (N, D), labels (N,) → loss of the head + Σ losses of the terms.

    ``centers``, ``cosine``, ``scale`` and ``margin_strength`` are those of the wrapped head.

    Args:
        head: any head of LOSSES.
        terms: by name, each with its weight inside.

    Attributes:
        head: the wrapped head.
        terms: the terms, by name.
        is_softmax: false: the terms add to what a fresh softmax costs.

    Raises:
        InputError: the wrapped head has a term of that name already.
    """

    is_softmax = False
    latest: Tensor

    def __init__(self, head: nn.Module, terms: Mapping[str, nn.Module]) -> None:
        super().__init__()
        twice = set(terms) & set(getattr(head, "terms", ()))
        if twice:
            raise InputError(f"the head has the term {', '.join(sorted(twice))} already; leave it out of the terms")
        self.head, self.terms = head, nn.ModuleDict(terms)
        self.register_buffer("latest", torch.zeros(len(terms)), persistent=False)

    @property
    def centers(self) -> Tensor:
        """The class centers of the head."""
        return cast(Tensor, self.head.centers)

    @property
    def scale(self) -> float | None:
        """The scale of the head, None where it has no fixed one."""
        return cast("float | None", getattr(self.head, "scale", None))

    @property
    def margin_strength(self) -> float:
        """That of the head; absent where it has none."""
        return cast(float, self.head.margin_strength)

    @margin_strength.setter
    def margin_strength(self, strength: float) -> None:
        self.head.margin_strength = strength  # type: ignore[assignment]

    def forward(self, features: Tensor, labels: Tensor, step: int = 0) -> Tensor:
        """Return the sum, a scalar; see MarginHead.forward."""
        loss: Tensor = self.head(features, labels, step)
        if not self.terms:
            return loss
        terms = torch.stack([term(features, labels) for term in self.terms.values()])
        if self.training:
            self.latest = terms.detach()
        return loss + terms.sum()

    def cosine(self, features: Tensor) -> Tensor:
        """Return the cosine of each feature and each class (N, C), by the centers of the head."""
        return cast(Tensor, self.head.cosine(features))  # type: ignore[operator]

    def report(self, step: int) -> dict[str, float]:
        """Return what the head has to say, and each term's share of the loss of the latest training batch."""
        said = dict(self.head.report(step)) if isinstance(self.head, Reports) else {}
        shares = {f"{name}_loss": share for name, share in zip(self.terms, self.latest.tolist(), strict=True)}
        return {**said, **shares}


def without_terms(head: nn.Module) -> nn.Module:
    """Return the head that terms are added to, or the head itself."""
    return without_terms(head.head) if isinstance(head, SummedHead) else head
