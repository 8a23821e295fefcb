"""Guards: a first step that is not what a fresh head gives, a loss that runs away, numbers that are not finite."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from marginface.errors import DataError, TrainingDiverged
from marginface.values import IntArray

RUNAWAY = 4.0  # times the largest smoothed loss of the settled start
SETTLING_STEPS = 50
SMOOTHING = 0.9

_ADVICE = (
    "Usual causes: a learning rate too high for the batch size (halve optim.learning_rate, or use schedule.warmup), a "
    "margin that starts at once (loss.margin_from, loss.margin_full), no clipping (optim.clip_norm = 5), rounding "
    '(train.precision = "float32"). --resume alone would repeat it: start a new run with another recipe, or go on from '
    "the last checkpoint with another value, as in --resume --set optim.learning_rate=0.05 --allow optim.learning_rate."
)


class LossWatch:
    """Stops a run whose loss is NaN or infinite, or whose smoothed loss is 4 times what it was when it settled."""

    def __init__(self) -> None:
        self._smooth = 0.0
        self._seen = 0
        self._reference = 0.0

    def check(self, step: int, loss: float, *, settling: bool) -> None:
        """Look at the loss of a step; while ``settling`` (the margin still grows) it may rise.

        Raises:
            TrainingDiverged: with the step, the loss, causes and advice.
        """
        if not math.isfinite(loss):
            raise TrainingDiverged(f"step {step}: the loss is {loss}. {_ADVICE}")
        self.see(loss, settling=settling)
        if self._seen > SETTLING_STEPS and not settling and self._smooth > RUNAWAY * max(self._reference, 1e-3):
            raise TrainingDiverged(
                f"step {step}: the loss runs away: {self._smooth:.3g}, {RUNAWAY:g} times the {self._reference:.3g} it "
                f"started from. {_ADVICE}"
            )

    def see(self, loss: float, *, settling: bool) -> None:
        """Remember the loss of a step, without a judgment: of a step that a resumed run has behind it."""
        self._seen += 1
        weight = max(1 / self._seen, 1 - SMOOTHING)
        self._smooth += weight * (loss - self._smooth)
        if settling or self._seen <= SETTLING_STEPS:
            self._reference = max(self._reference, abs(self._smooth), abs(loss))  # SFace is below 0 for a while


def check_gradient(step: int, norm: float) -> None:
    """Raise TrainingDiverged if the gradient's norm is not finite: the step has spoilt the weights."""
    if not math.isfinite(norm):
        raise TrainingDiverged(f"step {step}: the loss is finite and the gradient's norm is {norm}. {_ADVICE}")


def check_weights(step: int, files: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Raise TrainingDiverged if a tensor that a checkpoint would hold is not finite; ``files`` as it holds them."""
    for file, tensors in files.items():
        for name, tensor in tensors.items():
            total = tensor.sum(dtype=torch.float64) if tensor.is_floating_point() else None
            if total is not None and not math.isfinite(total):
                raise TrainingDiverged(
                    f"step {step}: {name} ({file}) is not finite, so no checkpoint was written. {_ADVICE}"
                )


def check_labels(labels: IntArray, identities: int) -> None:
    """Raise DataError if a label is outside [0, identities) or an identity has no image."""
    if len(labels) == 0 or labels.dtype != np.int64 or labels.min() < 0 or labels.max() >= identities:
        span = f"{labels.min()} to {labels.max()}" if len(labels) else "none"
        raise DataError(f"labels are int64 in 0 to {identities - 1}; got {labels.dtype}, {span}")
    empty = int((np.bincount(labels, minlength=identities) == 0).sum())
    if empty:
        raise DataError(f"{empty} of {identities} identities have no image: their class centers would never be pulled")


def first_loss_note(loss: float, identities: int, scale: float | None) -> str:
    """Return a warning if the first loss is not what fresh class centers give, else an empty string.

    Without knowledge a softmax over C identities costs ln C; scaled cosines of random features and a margin add at most
    2 × scale.
    """
    low = 0.3 * math.log(identities)
    high = math.inf if scale is None else math.log(identities) + 2 * scale
    if low <= loss <= high:
        return ""
    return (
        f"first loss {loss:.3f}, expected {low:.3f} to {high:.3f} for {identities} identities: are the labels "
        "right, and are the images different from each other?"
    )
