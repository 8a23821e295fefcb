"""How a pair loss becomes a line of the table LOSSES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from marginface.errors import InputError
from marginface.losses.pairs.batch import PairTerms
from marginface.losses.pairs.head import PairHead
from marginface.losses.table import HeadRequest, check_options, facts_for, options_of


@dataclass(frozen=True)
class PairLoss:
    """A loss over the pairs of a batch: no class centers, no scale, one gradient.

    Attributes:
        terms: the class of the pair loss; its arguments are the options.
    """

    terms: Callable[..., PairTerms]

    @property
    def options(self) -> tuple[str, ...]:
        """Return the parameters of the pair loss."""
        return (*options_of(self.terms),)

    @property
    def described_by(self) -> Callable[..., object]:
        """Return the class of the pair loss."""
        return self.terms

    def head(self, request: HeadRequest) -> nn.Module:
        """Return a PairHead with this loss."""
        check_options(request, self.terms, self.options)
        if request.scale is not None or request.gradient != "exact":
            raise InputError(
                f"{request.name} compares images with each other: it has no scale and only the exact gradient; got "
                f"scale {request.scale}, gradient {request.gradient!r}. Leave both out. Its options: "
                f"{', '.join(self.options)}."
            )
        terms = self.terms(**facts_for(self.terms, request), **request.options)
        return PairHead(request.num_classes, request.embedding_size, terms=terms)
