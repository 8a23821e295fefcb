"""Which table decides about two photos."""

from __future__ import annotations

from marginface.contract import Contract, ModelCard
from marginface.matching.calibration.shipped import shipped_calibrations
from marginface.matching.calibration.table import Calibration
from marginface.values import Threshold


def verification_threshold(
    card: ModelCard, contract: Contract, fmr: float, calibration: Calibration | None = None
) -> Threshold:
    """Return the threshold of a model for a false-match rate.

    It is that of the calibration that is given; without one that of the package's own calibration for this contract;
    where there is none either, that of the model's card, which states single rates without bounds.

    Raises:
        ContractMismatch: The calibration is for another contract.
        CalibrationError: It does not support the rate.
        InputError: The card has no threshold for the rate.
    """
    table = calibration or shipped_calibrations().get(contract.id)
    if table is None:
        return card.threshold(fmr)
    table.require(contract.id)
    return table.threshold(fmr)


def known_thresholds(card: ModelCard, contract: Contract) -> tuple[Threshold, ...]:
    """Return every threshold that is known of a model: the rungs of the package's calibration, or those of its card."""
    table = shipped_calibrations().get(contract.id)
    if table is None:
        return tuple(entry.value() for entry in card.thresholds)
    return tuple(table.threshold(rung.fmr) for rung in table.thresholds)
