"""Thresholds → same, different or cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from marginface.contract import Contract, ModelCard
from marginface.errors import InputError
from marginface.matching.calibration import CardThresholds, shipped_calibrations
from marginface.values import Decision, Threshold


class Calibrated(Protocol):
    """Where thresholds come from: matching.calibration.Calibration, or the card of a model."""

    @property
    def contract(self) -> str:
        """The id of the contract that the thresholds hold for."""
        ...

    @property
    def rates(self) -> tuple[float, ...]:
        """The false-match rates that thresholds were set for, the largest first."""
        ...

    def require(self, contract: str) -> None:
        """Raise ContractMismatch unless the thresholds hold for this contract."""
        ...

    def threshold(self, fmr: float) -> Threshold:
        """Return the threshold for a false-match rate of one comparison."""
        ...

    def identification_threshold(self, fpir: float, size: int) -> Threshold:
        """Return the threshold for a false-positive identification rate of a search of ``size`` comparisons."""
        ...


def require_calibration(given: Calibrated | None, contract: str) -> None:
    """Refuse a calibration of another contract, and the path of one."""
    if isinstance(given, str | Path):
        raise InputError(f"a calibration is what marginface.matching.read_calibration(path) gives; got {str(given)!r}")
    if given is not None:
        given.require(contract)


def deciding(given: Calibrated | None, card: ModelCard, contract: Contract) -> Calibrated:
    """Return the thresholds that decide: those given, those that come with this package, or those of the card."""
    return given or shipped_calibrations().get(contract.id) or CardThresholds(card)


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
        lines = [self.threshold.explain()]
        if self.uncertain is not None:
            lines.append(
                f"From {self.uncertain.similarity:.3f} (a false-match rate of {self.uncertain.fmr:g}) up to it the "
                "answer is: cannot tell."
            )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        bounds = self.threshold.fmr_bounds
        return {
            "threshold": round(self.threshold.similarity, 4),
            "fmr": self.threshold.fmr,
            "fmr_bounds": None if bounds is None else list(bounds),
            "threshold_data": self.threshold.data,
            "threshold_impostor_pairs": self.threshold.impostor_pairs,
            "uncertain_threshold": None if self.uncertain is None else round(self.uncertain.similarity, 4),
            "uncertain_fmr": None if self.uncertain is None else self.uncertain.fmr,
        }
