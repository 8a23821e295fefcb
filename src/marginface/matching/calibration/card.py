"""The few thresholds of a model card, asked as a calibration is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from marginface.contract import ModelCard, require_same_contract
from marginface.errors import InputError
from marginface.matching.calibration.table import SAME_RATE
from marginface.metrics import fmr_of_search, size_of_search
from marginface.values import Threshold


@dataclass(frozen=True, slots=True)
class CardThresholds:
    """The thresholds of a card: single rates without bounds; nothing is read between them."""

    card: ModelCard

    @property
    def contract(self) -> str:
        """The contract of the card, without the mirror sum."""
        return self.card.contract().id

    @property
    def rates(self) -> tuple[float, ...]:
        """The false-match rates that the card has thresholds for, the largest first."""
        return tuple(sorted((entry.fmr for entry in self.card.thresholds), reverse=True))

    def require(self, contract: str) -> None:
        """Raise ContractMismatch unless this is the contract of the card."""
        require_same_contract(self.contract, contract)

    def threshold(self, fmr: float) -> Threshold:
        """Return the threshold of the card; the errors are those of ModelCard.threshold."""
        return self.card.threshold(fmr)

    def identification_threshold(self, fpir: float, size: int) -> Threshold:
        """Return the threshold of the largest rate on the card that is small enough for searches of this size.

        Raises:
            InputError: A number out of range, or the card has no rate so small.
        """
        if not 0 < fpir < 1 or size < 1:
            raise InputError(f"fpir is a share between 0 and 1, of searches of 1 face or more; got {fpir} and {size}")
        wanted = fmr_of_search(fpir, size)
        fitting = [entry for entry in self.card.thresholds if entry.fmr <= wanted * SAME_RATE]
        if fitting:
            return replace(max(fitting, key=lambda entry: entry.fmr).value(), fpir=fpir, size=size)
        raise InputError(
            f"a search among {size:,} faces at FPIR {fpir:g} needs a threshold for FMR {wanted:.2g}; the card of "
            f"{self.card.name!r} {self._reach(fpir)}. Ask for a larger FPIR, or make thresholds: marginface calibrate"
        )

    def _reach(self, fpir: float) -> str:
        if not self.card.thresholds:
            return "has none"
        least = min(entry.fmr for entry in self.card.thresholds)
        return f"goes down to {least:g}, enough for {size_of_search(fpir, least):,} faces"
