"""What the numbers of a study say about the claims of two articles. Every sentence is computed from the numbers.

Two losses are compared class by class on the training images, which is what the articles draw: the mean difference and
its 95 % interval (Student t over the classes of one training; another seed may differ more). A difference whose
interval holds 0 is not shown.

Sources: Wang et al., "CosFace", CVPR 2018, arXiv:1801.09414: the toy experiment with eight people and m = 0, 0.1, 0.2
(figure 4), and the bound on m (section 3.4). Xu et al., "X2-Softmax", 2024, arXiv:2312.05281: figure 5, whose text was
not available to us; the claims are the article's summary in our words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from marginface.losses.theory import class_margin, curve_of, widest_class_angle
from marginface.metrics import Interval, student_t_interval
from marginface.toy.entries import head_of
from marginface.toy.results import LossResult, ToyStudy
from marginface.values import DoubleArray
from marginface.words import percent, signed

Verdict = Literal["agrees", "agrees in part", "does not agree", "not shown"]

KEPT = 0.95  # share of the training features with their margin from which a margin counts as met
COSINE_MARGINS = ("cosface", "amsoftmax")
OTHERS = ("softmax", "normface", "cosface", "amsoftmax", "arcface")  # that X2-Softmax is compared with


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim of an article, whether this study agrees, and the numbers that decide."""

    article: str
    claim: str
    verdict: Verdict
    numbers: str

    def to_dict(self) -> dict[str, str]:
        """Return the four parts by name."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.article}: {self.claim} This study: {self.verdict}. {self.numbers}"


@dataclass(frozen=True, slots=True)
class _Step:
    """One comparison: what is compared, the difference in degrees, and which sign the article expects."""

    what: str
    mean: float
    interval: Interval
    expected: int

    @property
    def is_as_expected(self) -> bool:
        return self.expected * self.mean > 0 and not self.interval.low <= 0 <= self.interval.high

    @property
    def is_opposite(self) -> bool:
        return self.expected * self.mean < 0 and not self.interval.low <= 0 <= self.interval.high

    def __str__(self) -> str:
        shown = "" if self.is_as_expected or self.is_opposite else ", not shown"
        low, high = (signed(end, 1) for end in self.interval.to_list())
        return f"{self.what}: {signed(self.mean, 1)}° [{low}, {high}]{shown}"


def findings(study: ToyStudy) -> tuple[Finding, ...]:
    """Return what can be said with the losses of this study; empty if it holds none of the articles' comparisons."""
    results = study.results
    return (
        *_softmax_is_ambiguous(results),
        *_gap_grows_with_the_margin(results),
        *_bound_decides(study),
        *_x2_is_tighter(results),
        *_x2_margin_grows(study),
    )


def _of(results: Sequence[LossResult], names: Iterable[str]) -> list[LossResult]:
    chosen = set(names)
    return [result for result in results if result.loss.name in chosen]


def _cosine_margin(result: LossResult) -> float:
    return float(result.loss.options["margin"])


def _softmax_is_ambiguous(results: Sequence[LossResult]) -> Iterator[Finding]:
    plain = _of(results, ["softmax"])
    with_margin = [result for result in _of(results, COSINE_MARGINS) if _cosine_margin(result) > 0]
    if not plain or not with_margin:
        return
    overlapping = {result.loss.label: _overlapping(result) for result in (plain[0], *with_margin)}
    fewer = [_overlapping(result) < _overlapping(plain[0]) for result in with_margin]
    verdict: Verdict = "agrees" if all(fewer) else "agrees in part" if any(fewer) else "does not agree"
    classes = len(plain[0].centers)
    listed = ", ".join(f"{label} {count} of {classes}" for label, count in overlapping.items())
    claim = "Softmax leaves the borders between classes ambiguous, a cosine margin does not."
    yield Finding("CosFace, figure 4", claim, verdict, f"Classes whose sector meets another's: {listed}.")
    steps = [_gap_step(result, plain[0]) for result in with_margin]
    claim = "A cosine margin puts a wider gap between the classes than softmax does."
    yield Finding("CosFace, figure 4", claim, _verdict(steps), f"Gap between classes: {_listed(steps)}.")


def _overlapping(result: LossResult) -> int:
    """Return how many classes reach as far as another does."""
    return int((result.train.geometry.gap <= 0).sum())


def _gap_grows_with_the_margin(results: Sequence[LossResult]) -> Iterator[Finding]:
    ordered = sorted(_of(results, COSINE_MARGINS), key=_cosine_margin)
    if len(ordered) < 2:
        return
    steps = [_gap_step(larger, smaller) for smaller, larger in pairwise(ordered)]
    claim = "The larger m, the larger the angular gap between classes."
    yield Finding("CosFace, figure 4", claim, _verdict(steps), f"Gap between classes: {_listed(steps)}.")


def _bound_decides(study: ToyStudy) -> Iterator[Finding]:
    found = [result for result in _of(study.results, COSINE_MARGINS) if _cosine_margin(result) > 0]
    if not found:
        return
    classes = len(study.data.classes)
    bound = 1 - math.cos(widest_class_angle(classes, study.size))
    as_claimed = [(_kept(result) >= KEPT) == (_cosine_margin(result) <= bound) for result in found]
    listed = ", ".join(f"m = {_cosine_margin(result):g}: {percent(_kept(result), 1)}" for result in found)
    claim = (
        f"{classes} classes in {study.size} dimensions allow m up to {bound:.3f}: up to there the margin can be met, "
        "above it cannot."
    )
    verdict: Verdict = "agrees" if all(as_claimed) else "agrees in part" if any(as_claimed) else "does not agree"
    numbers = f"Share of the training images with their margin: {listed} (met from {percent(KEPT, 0)})."
    yield Finding("CosFace, section 3.4", claim, verdict, numbers)


def _kept(result: LossResult) -> float:
    return 0.0 if result.margin_kept is None else result.margin_kept


def _x2_is_tighter(results: Sequence[LossResult]) -> Iterator[Finding]:
    others = _of(results, OTHERS)
    for ours in _of(results, ["x2softmax"]):
        if not others:
            return
        tighter = [_step(ours, other, "spread", -1) for other in others]
        claim = f"With {ours.loss.label} each class is more compact than with the other losses."
        numbers = f"Standard deviation within classes: {_listed(tighter)}."
        yield Finding("X2-Softmax, figure 5", claim, _verdict(tighter), numbers)
        apart = [_gap_step(ours, other) for other in others]
        claim = f"With {ours.loss.label} the classes are farther apart than with the other losses."
        yield Finding("X2-Softmax, figure 5", claim, _verdict(apart), f"Gap between classes: {_listed(apart)}.")


def _x2_margin_grows(study: ToyStudy) -> Iterator[Finding]:
    """Look at the margin of the trained curve at the class angles that this training came to."""
    for result in _of(study.results, ["x2softmax"]):
        nearest = np.nanmin(result.center_angles, axis=1)
        ends = np.array([nearest.min(), nearest.max()])
        head = head_of(result.loss.name, result.loss.options, len(study.data.classes), study.size)
        margins = np.degrees(class_margin(curve_of(result.loss.name, head), ends))
        claim = "The margin grows with the angle between two classes."
        verdict: Verdict = "not shown"
        if np.isfinite(margins).all():
            verdict = "agrees" if margins[1] > margins[0] else "does not agree"
        words = ["none" if math.isnan(margin) else f"{margin:.1f}°" for margin in margins.tolist()]
        low, high = np.degrees(ends).tolist()
        numbers = (
            f"{result.loss.label}: the nearest class center is {low:.1f}° to {high:.1f}° away, where its margin is "
            f"{words[0]} to {words[1]}."
        )
        yield Finding("X2-Softmax, figure 4", claim, verdict, numbers)


def _gap_step(first: LossResult, second: LossResult) -> _Step:
    return _step(first, second, "gap", +1)


def _step(first: LossResult, second: LossResult, number: Literal["gap", "spread"], expected: int) -> _Step:
    """Compare two losses class by class, in degrees."""
    values: list[DoubleArray] = [np.degrees(getattr(result.train.geometry, number)) for result in (first, second)]
    difference = values[0] - values[1]
    interval = student_t_interval(difference)
    return _Step(f"{first.loss.label} against {second.loss.label}", float(difference.mean()), interval, expected)


def _verdict(steps: Sequence[_Step]) -> Verdict:
    if all(step.is_as_expected for step in steps):
        return "agrees"
    if any(step.is_as_expected for step in steps):
        return "agrees in part"
    return "does not agree" if any(step.is_opposite for step in steps) else "not shown"


def _listed(steps: Sequence[_Step]) -> str:
    return "; ".join(str(step) for step in steps)
