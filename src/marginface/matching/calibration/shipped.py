"""The calibrations that come with this package: a TOML file for each contract of published weights.

They are for users. No protocol of marginface.evaluation takes a threshold from them: LFW and CFP, on which they are
made, are what the protocols measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from marginface.contract import Contract, ModelCard
from marginface.errors import CalibrationError
from marginface.matching.calibration.file import parse_calibration
from marginface.matching.calibration.table import Calibration
from marginface.values import Threshold


@cache
def shipped_calibrations() -> Mapping[str, Calibration]:
    """Return every calibration of this package, by contract id."""
    folder = files("marginface.matching.calibration").joinpath("shipped")
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda one: one.name)
    tables = (parse_calibration(entry.read_text(encoding="utf-8"), entry.name) for entry in entries)
    return {table.contract: table for table in tables}


def shipped_calibration(contract: str) -> Calibration:
    """Return the calibration of this package for a contract id.

    Raises:
        CalibrationError: There is none.
    """
    known = shipped_calibrations()
    if contract not in known:
        names = ", ".join(f"{table.model} ({table.contract})" for table in known.values())
        raise CalibrationError(
            f"no thresholds come with marginface for contract {contract}; there are some for {names}. Make yours from "
            "photos of people, a folder each: marginface calibrate MODEL PHOTOS --out FILE"
        )
    return known[contract]


def known_thresholds(card: ModelCard, contract: Contract) -> tuple[Threshold, ...]:
    """Return every threshold that is known of a model: of this package's calibration, or of its card without one."""
    table = shipped_calibrations().get(contract.id)
    if table is None:
        return tuple(entry.value() for entry in card.thresholds)
    return tuple(table.threshold(rung.fmr) for rung in table.thresholds)
