"""The one formula of every head, and the checks of its arguments."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from marginface.errors import InputError

ABSENT = -1  # "the center of this sample is not here"


def check_batch(features: Tensor, labels: Tensor, centers: Tensor) -> None:
    """Raise InputError unless features are (N, D), labels (N,) int64 in −1 … C − 1, N ≥ 1, for centers (C, …, D)."""
    check_shapes(features, labels, centers.shape[0], centers.shape[-1])


def check_shapes(features: Tensor, labels: Tensor, num_classes: int, size: int) -> None:
    """Raise InputError unless features are (N, size), labels (N,) int64 in −1 … num_classes − 1, N ≥ 1."""
    if features.ndim != 2 or features.shape[1] != size or len(features) == 0 or not features.is_floating_point():
        raise InputError(
            f"features are float of shape (N, {size}) with N ≥ 1; got {features.dtype} {tuple(features.shape)}. "
            f"embedding_size of the head and of the backbone must be equal."
        )
    if labels.dtype != torch.int64 or labels.shape != features.shape[:1]:
        raise InputError(
            f"labels are torch.int64 of shape ({len(features)},), one for each feature; "
            f"got {labels.dtype} {tuple(labels.shape)}. labels.long() converts."
        )
    low, high = (int(bound) for bound in labels.aminmax())
    if low < ABSENT or high >= num_classes:
        raise InputError(
            f"labels are in 0 … {num_classes - 1}, or −1 where the center is not here; got {low} … {high}. "
            f"num_classes must be the number of identities of the training data."
        )


def present_mean(losses: Tensor, labels: Tensor) -> Tensor:
    """Return the mean over the samples whose label is not −1; 0 if there are none."""
    present = labels != ABSENT
    return torch.where(present, losses, torch.zeros_like(losses)).sum() / present.sum().clamp_min(1)


def log_sum_exp_where(other: Tensor, logits: Tensor) -> Tensor:
    """Return log Σ exp(z_j) over the classes that are others (N,); −inf, without gradient, where there is none.

    Args:
        other: (N, C) bool, false at the true class.
        logits: (N, C); the value at the true class is not looked at.
    """
    some = other.any(1)
    found = torch.where(other | ~some[:, None], logits, -torch.inf).logsumexp(1)
    return torch.where(some, found, torch.full_like(found, -torch.inf))


def against_others(others: Tensor, target: Tensor) -> Tensor:
    r"""Return softplus(LSE_{j≠y}(z_j) − z_y) of each sample: cross entropy with the target logit given apart.

    Unlike −log softmax, a loss of 1e-12 keeps its digits and its gradient, as nothing is subtracted from 1. With a
    single class there is nothing to tell apart, LSE is −∞ and the loss is 0.

    Args:
        others: (N,) log Σ exp over the classes that are not the true one.
        target: (N,) the logit of the true class.
    """
    return -functional.logsigmoid(target - others)
