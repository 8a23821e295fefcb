"""A calibration whose thresholds can be computed by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

from marginface.contract import require_same_contract
from marginface.values import Threshold


@dataclass(frozen=True)
class Table:
    """A calibration as the package knows it, by its shape: thresholds 1 − FMR, those of a search 1 − FPIR / size."""

    contract: str
    rates: tuple[float, ...] = (0.1, 0.01, 0.001)

    def require(self, contract: str) -> None:
        require_same_contract(self.contract, contract)

    def threshold(self, fmr: float) -> Threshold:
        return Threshold(1 - fmr, fmr, 1000, "a table")

    def identification_threshold(self, fpir: float, size: int) -> Threshold:
        return replace(self.threshold(fpir / size), fpir=fpir, size=size)
