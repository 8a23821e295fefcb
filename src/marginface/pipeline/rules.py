"""Thresholds → same, different or cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from marginface.contract import ModelCard
from marginface.errors import InputError
from marginface.values import Decision, Threshold

_ROUNDING = 1 + 1e-9


class Calibrated(Protocol):
    """Where thresholds come from: matching.calibration.Calibration, or the card of a model."""

    @property
    def contract(self) -> str:
        """The id of the contract that the thresholds hold for."""
        ...

    def threshold(self, fmr: float) -> Threshold:
        """Return the threshold for a false-match rate of one comparison."""
        ...

    def identification_threshold(self, fpir: float, size: int) -> Threshold:
        """Return the threshold for a false-positive identification rate of a search of ``size`` comparisons."""
        ...


@dataclass(frozen=True, slots=True)
class CardThresholds:
    """The few thresholds of a model card."""

    card: ModelCard

    @property
    def contract(self) -> str:
        """The contract of the card, without the mirror sum."""
        return self.card.contract().id

    def threshold(self, fmr: float) -> Threshold:
        """Return the threshold of the card; the errors are those of ModelCard.threshold."""
        return self.card.threshold(fmr)

    def identification_threshold(self, fpir: float, size: int) -> Threshold:
        """Return the threshold of the largest rate on the card that keeps FPIR ≈ size · FMR at or below ``fpir``.

        Raises:
            InputError: a rate out of range, or the card has no rate so small.
        """
        if not 0 < fpir < 1:
            raise InputError(f"fpir is a share of searches, above 0 and below 1; got {fpir}")
        wanted = fpir / size
        fitting = [entry for entry in self.card.thresholds if entry.fmr <= wanted * _ROUNDING]
        if fitting:
            return max(fitting, key=lambda entry: entry.fmr).value()
        rates = sorted(entry.fmr for entry in self.card.thresholds)
        has = f"goes down to {rates[0]:g}, enough for {int(fpir / rates[0] * _ROUNDING):,}" if rates else "has none:"
        raise InputError(
            f"a search among {size:,} faces at FPIR {fpir:g} needs a threshold for FMR {wanted:.2g}; the card of "
            f"{self.card.name!r} {has} faces. Calibrate the model on data with enough pairs, or ask for a larger FPIR."
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """Same at or above ``threshold``; different below it, or below ``uncertain`` where there is one; else cannot tell.

    ``uncertain`` is the threshold of a laxer rate. Between the two, more persons would be wrongly called the same than
    the one rate allows, and more wrongly called different than need be.
    """

    threshold: Threshold
    uncertain: Threshold | None = None

    def __post_init__(self) -> None:
        lower = self.uncertain
        if lower is not None and not (lower.fmr > self.threshold.fmr and lower.similarity <= self.threshold.similarity):
            raise InputError(
                f"the uncertain rate is laxer than the other: above FMR {self.threshold.fmr:g}, with a threshold of at "
                f"most {self.threshold.similarity:.4f}; got FMR {lower.fmr:g} with {lower.similarity:.4f}"
            )

    @property
    def lowest(self) -> float:
        """The similarity below which two faces are different."""
        return (self.uncertain or self.threshold).similarity

    def decide(self, similarity: float) -> Decision:
        """Return the decision on two faces that are fit to be compared."""
        if similarity >= self.threshold.similarity:
            return Decision.SAME
        return Decision.DIFFERENT if similarity < self.lowest else Decision.CANNOT_TELL

    def explain(self) -> list[str]:
        """Say where the threshold comes from, and how far the uncertain range reaches; a sentence each."""
        lines = [origin_of(self.threshold)]
        if self.uncertain is not None:
            lines.append(
                f"From {self.uncertain.similarity:.3f} (a false-match rate of {self.uncertain.fmr:g}) up to it the "
                "answer is: cannot tell."
            )
        return lines

    def to_dict(self) -> dict[str, float | int | str | None]:
        """Return plain values for JSON."""
        return {
            "threshold": round(self.threshold.similarity, 4),
            "fmr": self.threshold.fmr,
            "threshold_data": self.threshold.data,
            "threshold_impostor_pairs": self.threshold.impostor_pairs,
            "uncertain_threshold": None if self.uncertain is None else round(self.uncertain.similarity, 4),
            "uncertain_fmr": None if self.uncertain is None else self.uncertain.fmr,
        }


def origin_of(threshold: Threshold) -> str:
    """Say in a sentence which rate a threshold was set for, and on what."""
    return (
        f"The threshold was set for a false-match rate of {threshold.fmr:g} on {threshold.data} "
        f"({threshold.impostor_pairs:,} impostor pairs)."
    )
