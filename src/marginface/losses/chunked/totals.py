"""What is taken over the classes of a loss that has a curve for them: a log-sum-exp, or a sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from marginface.losses.chunked.sums import RunningSums, weights_of
from marginface.losses.chunked.tiles import Tile


class Running(Protocol):
    """A total over the tiles so far, with its gradient by the directions up to a factor for each sample."""

    def add(self, numbers: Tensor, tile: Tile, /) -> tuple[Tensor, Tensor | None]:
        """Take the numbers of a tile (n, N); return the total's derivative by them up to a factor, and its maximum."""
        ...

    @property
    def weighted(self) -> Tensor:
        """Σ derivative·ŵ (N, D); the caller adds to it after ``add``."""
        ...

    def result(self) -> tuple[Tensor, Tensor]:
        """Return the total (N,) and its gradient by the directions (N, D)."""
        ...


class Total(Protocol):
    """What is taken over the classes of numbers (N, C')."""

    def of(self, tiles: list[Tensor], /) -> Tensor:
        """Return the total (N,) of the totals of tiles, (N,) each."""
        ...

    def of_tile(self, numbers: Tensor, other: Tensor, /) -> Tensor:
        """Return the total of a tile (N,); ``other`` (N, C') bool is false at the true class."""
        ...

    def pull(self, numbers: Tensor, total: Tensor, by_total: Tensor, /) -> Tensor:
        """Return the gradient by numbers (N, C')."""
        ...

    def running(self, directions: Tensor, /) -> Running:
        """Return the total over no class."""
        ...

    def factors(self, total: Tensor, by_total: Tensor, maximum: Tensor | None, /) -> Tensor:
        """Return what the derivative that a tile was given has to be multiplied with (N,)."""
        ...


class LogSumOfExp:
    """log Σ exp of the numbers; see Total."""

    def of(self, tiles: list[Tensor], /) -> Tensor:
        """Return the log-sum-exp over tiles."""
        return torch.stack(tiles).logsumexp(0)

    def of_tile(self, numbers: Tensor, other: Tensor, /) -> Tensor:
        """Return the log-sum-exp within a tile."""
        return torch.where(other, numbers, -torch.inf).logsumexp(1)

    def pull(self, numbers: Tensor, total: Tensor, by_total: Tensor, /) -> Tensor:
        """Return g·p; 0 where there is no other class."""
        finite = torch.where(total.isfinite(), total, torch.zeros_like(total))
        return torch.where(total.isfinite(), by_total, 0.0)[:, None] * (numbers - finite[:, None]).exp()

    def running(self, directions: Tensor, /) -> Running:
        """Return sums of powers with a running maximum."""
        return _RunningLog(RunningSums.of(directions, bounded=False))

    def factors(self, total: Tensor, by_total: Tensor, maximum: Tensor | None, /) -> Tensor:
        """Return g·exp(maximum − total)."""
        return weights_of(by_total, total, maximum)


@dataclass(frozen=True, eq=False)
class _RunningLog:
    """See Running."""

    sums: RunningSums

    @property
    def weighted(self) -> Tensor:
        return self.sums.weighted

    def add(self, numbers: Tensor, tile: Tile, /) -> tuple[Tensor, Tensor | None]:
        powers = numbers.clone()
        maximum = self.sums.add(powers, tile)
        return powers, maximum

    def result(self) -> tuple[Tensor, Tensor]:
        return self.sums.log_sum(), self.sums.mean()


class PlainSum:
    """Σ of the numbers; see Total."""

    def of(self, tiles: list[Tensor], /) -> Tensor:
        """Return the sum over tiles."""
        return torch.stack(tiles).sum(0)

    def of_tile(self, numbers: Tensor, other: Tensor, /) -> Tensor:
        """Return the sum within a tile."""
        return torch.where(other, numbers, torch.zeros_like(numbers)).sum(1)

    def pull(self, numbers: Tensor, total: Tensor, by_total: Tensor, /) -> Tensor:  # noqa: ARG002
        """Return g for every number."""
        return by_total[:, None].expand_as(numbers)

    def running(self, directions: Tensor, /) -> Running:
        """Return a sum."""
        return _RunningSum(directions.new_zeros(len(directions)), torch.zeros_like(directions))

    def factors(self, total: Tensor, by_total: Tensor, maximum: Tensor | None, /) -> Tensor:  # noqa: ARG002
        """Return g."""
        return by_total


@dataclass(frozen=True, eq=False)
class _RunningSum:
    """See Running."""

    total: Tensor
    weighted: Tensor

    def add(self, numbers: Tensor, tile: Tile, /) -> tuple[Tensor, Tensor | None]:
        others, derivative = numbers.clone(), torch.ones_like(numbers)
        for values in (others, derivative):
            values[tile.places, tile.samples] = 0
        self.total.add_(others.sum(0))
        return derivative, None

    def result(self) -> tuple[Tensor, Tensor]:
        return self.total, self.weighted
