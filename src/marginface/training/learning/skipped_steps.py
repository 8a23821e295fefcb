"""Steps that an optimizer did not do on centers without gradient, done later at once.

A step of SGD without gradient is linear in a center w and its momentum b, the same for all centers. k of them are one
matrix, the product of theirs, in whatever way the learning rate moved between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

ROWS = 8192  # taken out of all at a time, changed and put back: 16 MB with 512 dimensions
_TRIM_EVERY = 256


class SkippedSteps:
    """How many steps each row of the centers (C, D), or (C, K, D), has missed, and what they come to.

    Args:
        centers: changed in place when they are caught up.
    """

    def __init__(self, centers: Tensor) -> None:
        self._centers = centers
        self._steps = 0
        self._done = torch.zeros(len(rows_of(centers)), dtype=torch.int32, device=centers.device)  # of each row
        self._last = torch.eye(2, dtype=torch.float64)[None]  # (K + 1, 2, 2): the last k steps, of a row

    def advance(self, matrix: Tensor) -> None:
        """Count a step that does this (2, 2) to (w, b) of a row without gradient."""
        self._steps += 1
        self._last = torch.cat((self._last[:1], matrix @ self._last))
        if self._steps % _TRIM_EVERY == 0:
            self._last = self._last[: self._steps - int(self._done.min()) + 1]

    def mark(self, rows: slice | Tensor) -> None:
        """Say that rows took part in all steps so far."""
        self._done[rows] = self._steps

    def catch_up(self, rows: Tensor, moving: Sequence[Tensor]) -> None:
        """Do the steps that some rows (n,) went without; ``moving`` is the momentum, empty where there is none."""
        for block in torch.split(rows, ROWS):
            self._catch_up(block, moving)

    def catch_up_all(self, moving: Sequence[Tensor]) -> None:
        """Do the steps that any row went without."""
        self.catch_up(torch.arange(len(self._done), device=self._done.device), moving)

    def _catch_up(self, rows: Tensor, moving: Sequence[Tensor]) -> None:
        missed = self._steps - self._done[rows]
        if not missed.any():
            return
        matrices = self._last.to(self._centers.device, self._centers.dtype)[missed.long()]
        whole = [rows_of(tensor) for tensor in (self._centers, *moving)]
        parts = [tensor.index_select(0, rows) for tensor in whole]
        for k, tensor in enumerate(whole):
            tensor.index_copy_(0, rows, sum_of(parts, matrices[:, k]))
        self.mark(rows)


def rows_of(tensor: Tensor) -> Tensor:
    """Return centers or their state as (C·K, D), to be changed in place."""
    return tensor.detach().view(-1, tensor.shape[-1])


def sum_of(parts: Sequence[Tensor], weights: Tensor) -> Tensor:
    """Return Σ parts (n, D) by weights (n, K), of which there may be more than parts."""
    found = parts[0] * weights[:, :1]
    for k, part in enumerate(parts[1:], start=1):
        found.addcmul_(part, weights[:, k : k + 1])
    return found
