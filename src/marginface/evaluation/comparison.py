"""Several losses on the same pairs: accuracies over seeds, differences to the first, and what may be said about them.

The claim that a difference is shown needs both, a p-value (Holm-corrected over the losses) that is small and a 95 %
interval over the people of the pairs that leaves out 0. With several seeds the p-value is that of a paired t-test over
seeds, so that the chance of training is in it; with one seed it is McNemar's over pairs, and it is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marginface.errors import InputError
from marginface.metrics import (
    Interval,
    holm,
    identity_bootstrap,
    mcnemar,
    paired_bootstrap,
    paired_t_p_value,
    student_t_interval,
)
from marginface.values import BoolArray, DoubleArray, IntArray

LEVEL = 0.05

Groups = tuple[IntArray, IntArray]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Which pairs (P,) of a protocol a run decides right; ``groups``: the identities of both images, or the folds."""

    right: BoolArray
    groups: Groups

    @property
    def accuracy(self) -> float:
        """Return the share decided right."""
        return float(self.right.mean())


@dataclass(frozen=True, slots=True, eq=False)
class ComparedRun:
    """One run: its status, what it took, and its decisions by protocol; none if it did not finish."""

    seed: int
    status: str
    message: str = ""
    seconds: float = 0.0
    images_per_second: float = 0.0
    peak_mb: float = 0.0
    decisions: Mapping[str, Decisions] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ComparedLoss:
    """A loss with its runs, one for each seed."""

    label: str
    runs: Sequence[ComparedRun]

    def measured(self, protocol: str) -> dict[int, Decisions]:
        """Return the decisions by seed of the runs that finished."""
        return {run.seed: run.decisions[protocol] for run in self.runs if protocol in run.decisions}

    def unfinished(self) -> list[ComparedRun]:
        """Return the runs that did not finish."""
        return [run for run in self.runs if run.status != "finished"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A loss against the first one on the seeds that both finished.

    ``value`` is share right of this − of the first, ``interval`` its paired bootstrap, ``test`` names the test of
    ``p_value``, ``corrected`` is Holm's. Over one seed, ``only_first`` and ``only_this`` count the pairs that one of
    the two alone has right.
    """

    value: float
    interval: Interval
    test: str
    p_value: float
    corrected: float
    seeds: int
    only_first: int | None = None
    only_this: int | None = None

    @property
    def is_shown(self) -> bool:
        """Say whether the numbers support that the two differ."""
        return self.corrected < LEVEL and not self.interval.low <= 0 <= self.interval.high


@dataclass(frozen=True, slots=True)
class LossResult:
    """A row of the table: accuracy is a mean over seeds; None where no run finished."""

    label: str
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    interval: Interval | None
    difference: Difference | None
    trouble: str = ""

    @property
    def accuracy(self) -> float | None:
        """Return the mean over seeds."""
        return float(np.mean(self.accuracies)) if self.accuracies else None


def protocols_of(losses: Sequence[ComparedLoss]) -> list[str]:
    """Return the protocols that any run was measured on."""
    return list(dict.fromkeys(name for loss in losses for run in loss.runs for name in run.decisions))


def compare_losses(losses: Sequence[ComparedLoss], protocol: str) -> list[LossResult]:
    """Return a row for each loss; the differences are to the first, Holm-corrected over the rows of this protocol.

    Raises:
        InputError: two runs were measured on different pairs.
    """
    first = losses[0].measured(protocol)
    drafts = [None] + [_difference(first, loss.measured(protocol)) for loss in losses[1:]]
    corrected = iter(holm([draft.p_value for draft in drafts if draft is not None]))
    differences = [None if draft is None else _corrected(draft, next(corrected)) for draft in drafts]
    return [_result(loss, protocol, difference) for loss, difference in zip(losses, differences, strict=True)]


def _result(loss: ComparedLoss, protocol: str, difference: Difference | None) -> LossResult:
    measured = loss.measured(protocol)
    trouble = "; ".join(f"seed {run.seed} {run.status}" for run in loss.unfinished())
    accuracies = tuple(decisions.accuracy for decisions in measured.values())
    return LossResult(loss.label, tuple(measured), accuracies, _interval(measured), difference, trouble)


def _interval(measured: Mapping[int, Decisions]) -> Interval | None:
    """Return Student's interval over seeds inside [0, 1], over one seed a bootstrap over identities, None over none."""
    found = list(measured.values())
    if len(found) > 1:
        accuracies = [decisions.accuracy for decisions in found]
        wide = student_t_interval(accuracies, resolution=1 / len(found[0].right))
        return Interval(max(wide.low, 0.0), min(wide.high, 1.0), wide.confidence, "Student t over seeds")
    return identity_bootstrap(found[0].right, *found[0].groups) if found else None


def _difference(first: Mapping[int, Decisions], this: Mapping[int, Decisions]) -> Difference | None:
    """Return the difference over the seeds of both, its p-value not corrected yet."""
    seeds = [seed for seed in first if seed in this]
    if not seeds:
        return None
    ours, theirs = ([side[seed] for seed in seeds] for side in (this, first))
    pairs = {len(decisions.right) for decisions in (*ours, *theirs)}
    if len(pairs) != 1:
        raise InputError(f"runs are compared on the same pairs; got {sorted(pairs)} pairs")
    before, after = _share_right(theirs), _share_right(ours)
    interval = paired_bootstrap(before, after, ours[0].groups)
    value = float((after - before).mean())
    if len(seeds) == 1:
        found = mcnemar(theirs[0].right, ours[0].right)
        counts = (found.only_first, found.only_second)
        return Difference(value, interval, "exact McNemar over pairs", found.p_value, 1.0, 1, *counts)
    gains = [mine.accuracy - other.accuracy for mine, other in zip(ours, theirs, strict=True)]
    p_value = paired_t_p_value(gains, resolution=1 / len(before))
    return Difference(value, interval, "paired t over seeds", p_value, 1.0, len(seeds))


def _share_right(runs: Sequence[Decisions]) -> DoubleArray:
    """Return in which share of the runs each pair is decided right."""
    share: DoubleArray = np.mean([decisions.right for decisions in runs], axis=0, dtype=np.float64)
    return share


def _corrected(draft: Difference, corrected: float) -> Difference:
    counts = (draft.only_first, draft.only_this)
    return Difference(draft.value, draft.interval, draft.test, draft.p_value, corrected, draft.seeds, *counts)


def sentence(first: LossResult, this: LossResult) -> str:
    """Say what the numbers support about a loss against the first one."""
    found = this.difference
    if found is None:
        missing = this if this.accuracy is None else first
        return f"{this.label} against {first.label}: cannot be compared, {missing.trouble or 'nothing finished'}."
    by = f"{100 * found.value:+.2f} points [{100 * found.interval.low:+.2f}, {100 * found.interval.high:+.2f}]"
    how = f"{by}, p = {_p(found.corrected)} after Holm, {found.test}"
    if not found.is_shown:
        return f"{this.label} against {first.label}: no difference shown ({how})."
    better = "better" if found.value > 0 else "worse"
    limit = " One seed: the chance of training is not in this; train more." if found.seeds == 1 else ""
    return f"{this.label} decides these pairs {better} than {first.label} ({how}).{limit}"


def sentences(results: Sequence[LossResult]) -> list[str]:
    """Return a sentence for each loss after the first."""
    return [sentence(results[0], result) for result in results[1:]]


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def result_values(result: LossResult) -> dict[str, Any]:
    """Return plain values for JSON: shares in [0, 1], intervals as [low, high]."""
    found = result.difference
    return {
        "loss": result.label,
        "seeds": list(result.seeds),
        "accuracies": list(result.accuracies),
        "accuracy": result.accuracy,
        "interval": None if result.interval is None else result.interval.to_list(),
        "interval_method": None if result.interval is None else result.interval.method,
        "difference": None if found is None else found.value,
        "difference_interval": None if found is None else found.interval.to_list(),
        "test": None if found is None else found.test,
        "p": None if found is None else found.p_value,
        "p_holm": None if found is None else found.corrected,
        "difference_shown": None if found is None else found.is_shown,
        "seeds_compared": None if found is None else found.seeds,
        "only_first_right": None if found is None else found.only_first,
        "only_this_right": None if found is None else found.only_this,
        "trouble": result.trouble,
    }
