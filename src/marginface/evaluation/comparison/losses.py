"""Several losses on the same pairs: accuracies, differences to the first, and what may be said about them.

One test decides whether a difference is shown: Student's t over people and seeds (metrics.paired_difference), its
p-value corrected by Holm over the losses of a table. The interval beside it is of the same test, and leaves out 0 where
p is below 0.05 before the correction. With one seed the chance of training is in neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from marginface.errors import InputError
from marginface.metrics import CrossedMean, Interval, crossed_mean, holm, paired_difference
from marginface.values import BoolArray, IntArray
from marginface.words import points

LEVEL = 0.05

Groups = tuple[IntArray, IntArray]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Which pairs (P,) of a protocol a run decides right; ``groups``: the identities of both images, or the fold twice.

    Folds stand for people that are not known: pairs of one fold are then taken together.
    """

    right: BoolArray
    groups: Groups

    @property
    def units(self) -> str:
        """Return what the groups are: an impostor pair has two people, and every protocol has impostor pairs."""
        return "folds" if np.array_equal(*self.groups) else "people"

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
    """A loss against the first one on the seeds that both finished: share right of this − of the first.

    ``test`` names the test that gives ``p_value`` and ``interval``; ``corrected`` is the p-value after Holm.
    """

    estimate: CrossedMean
    test: str
    corrected: float

    @property
    def value(self) -> float:
        """Return the difference, a share of the pairs."""
        return self.estimate.mean

    @property
    def interval(self) -> Interval:
        """Return the interval of the test; it knows nothing of other losses."""
        return self.estimate.interval(1 - LEVEL)

    @property
    def p_value(self) -> float:
        """Return the p-value of the test before Holm's correction."""
        return self.estimate.p_value

    @property
    def seeds(self) -> int:
        """Return how many seeds both losses finished."""
        return self.estimate.seeds

    @property
    def is_shown(self) -> bool:
        """Say whether the numbers support that the two differ."""
        return self.corrected < LEVEL

    @property
    def is_lost_by_correction(self) -> bool:
        """Say whether the difference would be shown if this loss were the only one compared."""
        return self.p_value < LEVEL <= self.corrected


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
        InputError: two runs were measured on different pairs, or the pairs are of fewer than two people (or folds).
    """
    first = losses[0].measured(protocol)
    drafts = [None] + [_difference(first, loss.measured(protocol)) for loss in losses[1:]]
    corrected = iter(holm([draft.p_value for draft in drafts if draft is not None]))
    differences = [None if draft is None else replace(draft, corrected=next(corrected)) for draft in drafts]
    return [_result(loss, protocol, difference) for loss, difference in zip(losses, differences, strict=True)]


def _result(loss: ComparedLoss, protocol: str, difference: Difference | None) -> LossResult:
    measured = loss.measured(protocol)
    trouble = "; ".join(f"seed {run.seed} {run.status}" for run in loss.unfinished())
    accuracies = tuple(decisions.accuracy for decisions in measured.values())
    return LossResult(loss.label, tuple(measured), accuracies, _interval(measured), difference, trouble)


def _interval(measured: Mapping[int, Decisions]) -> Interval | None:
    """Return an interval for other people and, over several seeds, other seeds; None where no run finished."""
    runs = list(measured.values())
    if not runs:
        return None
    found = crossed_mean(_right(runs), *runs[0].groups).share_interval(1 - LEVEL)
    return replace(found, method=f"Wilson over {_chances(runs)}")


def _difference(first: Mapping[int, Decisions], this: Mapping[int, Decisions]) -> Difference | None:
    """Return the difference over the seeds of both, its p-value not corrected yet."""
    seeds = [seed for seed in first if seed in this]
    if not seeds:
        return None
    before, after = ([side[seed] for seed in seeds] for side in (first, this))
    _require_same_pairs([*before, *after])
    found = paired_difference(_right(before), _right(after), *before[0].groups)
    return Difference(found, f"Student t over {_chances(before)}", found.p_value)


def _right(runs: Sequence[Decisions]) -> BoolArray:
    """Return (S, P) what each run decides right."""
    _require_same_pairs(runs)
    return np.stack([decisions.right for decisions in runs])


def _require_same_pairs(runs: Sequence[Decisions]) -> None:
    if any(not np.array_equal(runs[0].groups, decisions.groups) for decisions in runs[1:]):
        counts = ", ".join(f"{len(decisions.right):,}" for decisions in runs)
        raise InputError(
            f"runs are compared on the same pairs of the same people; these runs decided {counts} pairs, and not the "
            "same ones. Delete what they decided, which is kept beside them, to measure all of them again"
        )


def _chances(runs: Sequence[Decisions]) -> str:
    """Say what an interval or a test over these runs knows about."""
    return f"{runs[0].units} and seeds" if len(runs) > 1 else f"{runs[0].units}, one seed"


def sentence(first: LossResult, this: LossResult) -> str:
    """Say what the numbers support about a loss against the first one."""
    found = this.difference
    if found is None:
        missing = this if this.accuracy is None else first
        return f"{this.label} against {first.label}: cannot be compared, {missing.trouble or 'nothing finished'}."
    by = points(found.value, found.interval.to_list())
    how = f"{by}, p after Holm {p_text(found.corrected)}, {found.test}"
    limits = _limits(found)
    if not found.is_shown:
        return f"{this.label} against {first.label}: no difference shown ({how}).{limits}"
    better = "better" if found.value > 0 else "worse"
    return f"{this.label} decides these pairs {better} than {first.label} ({how}).{limits}"


def _limits(found: Difference) -> str:
    """Say what a reader of the interval could miss."""
    alone = " The interval leaves out 0 because it is not corrected for the other losses; p is."
    one_seed = " One seed: the chance of training is not in this; train more."
    return (alone if found.is_lost_by_correction else "") + (one_seed if found.seeds == 1 else "")


def sentences(results: Sequence[LossResult]) -> list[str]:
    """Return a sentence for each loss after the first."""
    return [sentence(results[0], result) for result in results[1:]]


def p_text(value: float) -> str:
    """Return a p-value for people: its own rounding errors are about 1e-12, and nobody needs more than 1e-6."""
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}" if value >= 1e-6 else "< 1e-06"


def result_values(result: LossResult) -> dict[str, Any]:
    """Return plain values for JSON: shares in [0, 1], intervals as [low, high]."""
    return {
        "loss": result.label,
        "seeds": list(result.seeds),
        "accuracies": list(result.accuracies),
        "accuracy": result.accuracy,
        "interval": None if result.interval is None else result.interval.to_list(),
        "interval_method": None if result.interval is None else result.interval.method,
        **_difference_values(result.difference),
        "trouble": result.trouble,
    }


def _difference_values(found: Difference | None) -> dict[str, Any]:
    """Return the values of a difference, None each where there is none."""
    return {
        "difference": None if found is None else found.value,
        "difference_interval": None if found is None else found.interval.to_list(),
        "test": None if found is None else found.test,
        "p": None if found is None else found.p_value,
        "p_holm": None if found is None else found.corrected,
        "difference_shown": None if found is None else found.is_shown,
        "seeds_compared": None if found is None else found.seeds,
        "error_of_groups": None if found is None else found.estimate.error_of_people,
        "error_of_seeds": None if found is None else found.estimate.error_of_seeds,
        "degrees_of_freedom": None if found is None else found.estimate.freedom,
    }
