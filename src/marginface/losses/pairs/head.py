"""The head of the pair losses: no class centers, nothing learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.cross_entropy import ABSENT, check_shapes
from marginface.losses.pairs.batch import CollapsesTo, Inspects, PairBatch, PairTerms


class PairHead(nn.Module):
    r"""Features (N, D), labels (N,) → mean of the terms of a pair loss over the batch.

    It runs in the dtype of the features, at least float32, whatever the dtype of an autocast around it. A sample with
    label −1 takes no part. A batch without any valid pair has loss 0, with a gradient of 0, and is counted. Unlike a
    head with class centers it has no ``centers`` and no ``cosine``: what can be measured of a batch says ``diagnose``.

    Args:
        num_classes: C, the number of identities; labels are checked against it.
        embedding_size: D.
        terms: the pair loss.

    Attributes:
        is_softmax: false: the loss of a fresh head is not near log C.
        empty_batches: how many training batches had no valid pair, a buffer () int64.

    Raises:
        InputError: an argument is below 1.

    >>> head = PairHead(2, 3, terms=lambda batch: 1 - batch.similarity[batch.genuine])
    >>> head(torch.eye(3), torch.tensor([0, 0, 1]))
    tensor(1.)
    """

    is_softmax = False
    empty_batches: Tensor

    def __init__(self, num_classes: int, embedding_size: int, *, terms: PairTerms) -> None:
        super().__init__()
        if num_classes < 1 or embedding_size < 1:
            raise InputError(f"num_classes and embedding_size are at least 1; got {num_classes} and {embedding_size}")
        self.num_classes, self.embedding_size, self.formula = num_classes, embedding_size, terms
        self.register_buffer("empty_batches", torch.zeros((), dtype=torch.int64))

    @property
    def collapsed_loss(self) -> float | None:
        """The loss where all embeddings are equal, if that is one number."""
        return self.formula.collapsed_loss if isinstance(self.formula, CollapsesTo) else None

    def forward(self, features: Tensor, labels: Tensor, step: int = 0) -> Tensor:  # noqa: ARG002
        """Return the mean loss, a scalar.

        Args:
            features: (N, D) as the backbone gives them, not normalized.
            labels: (N,) int64 in 0 … C − 1, or −1.
            step: the step of the training; no pair loss follows it.

        Raises:
            InputError: shape, dtype or range of features or labels is wrong.
        """
        check_shapes(features, labels, self.num_classes, self.embedding_size)
        with torch.autocast(features.device.type, enabled=False):
            batch = _present(features, labels)
            terms = self.formula(batch) if len(batch.labels) > 1 else batch.features.flatten()[:0]
            if self.training and len(terms) == 0:
                self.empty_batches.add_(1)
            return terms.sum() / max(len(terms), 1)

    @torch.no_grad()
    def diagnose(self, features: Tensor, labels: Tensor) -> dict[str, float]:
        """Return the mean similarity of the genuine and of the impostor pairs, and what the loss has to say.

        What a batch has no pair for is left out.
        """
        with torch.autocast(features.device.type, enabled=False):
            batch = _present(features, labels)
            kinds = {"genuine_similarity": batch.genuine, "impostor_similarity": batch.impostor}
            means = {name: batch.similarity[kind].mean().item() for name, kind in kinds.items() if kind.any()}
            return {**means, **(self.formula.activity(batch) if isinstance(self.formula, Inspects) else {})}

    def report(self, step: int) -> dict[str, float]:  # noqa: ARG002
        """Return how many training batches had no valid pair, if any had none."""
        empty = int(self.empty_batches.item())
        return {"batches_without_pairs": float(empty)} if empty else {}


def _present(features: Tensor, labels: Tensor) -> PairBatch:
    """Return the samples that take part, in float32 or better."""
    here = labels != ABSENT
    return PairBatch(features.to(torch.promote_types(features.dtype, torch.float32))[here], labels[here])
