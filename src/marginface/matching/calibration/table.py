"""A calibration: thresholds for a ladder of false-match rates, what stands behind each, and the rates between."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from marginface.errors import CalibrationError, ContractMismatch
from marginface.metrics import fmr_of_search, fpir_of_search, size_of_search, smallest_rate, trials_needed
from marginface.values import Threshold

FORMAT: Final = 1
_FROZEN = ConfigDict(extra="forbid", frozen=True)
SAME_RATE = 1 + 1e-9  # two rates that differ by less are one


class Rung(BaseModel):
    """A threshold and its errors on the data, of all pairs.

    Attributes:
        fmr: At most this share of the impostor pairs is accepted; the lowest such similarity, in steps of 1e-4.
        similarity: The threshold.
        lift: How far the line from here to the next rung is raised, so that no rate between is missed; see Calibration.
        false_matches: Impostor pairs that are accepted.
        fmr_low: The true rate is not below this one; bounds are at 95 %, pairs that share people taken together.
        fmr_high: Nor above this one.
        false_non_matches: Genuine pairs that are refused; None, as its bounds, where no person has two photos.
        fnmr_low: As fmr_low.
        fnmr_high: As fmr_high.
    """

    model_config = _FROZEN

    fmr: float = Field(gt=0, lt=1)
    similarity: float = Field(ge=-1, le=1)
    lift: float = Field(default=0.0, ge=0, le=2)
    false_matches: int = Field(ge=0)
    fmr_low: float = Field(ge=0, le=1)
    fmr_high: float = Field(ge=0, le=1)
    false_non_matches: int | None = Field(default=None, ge=0)
    fnmr_low: float | None = Field(default=None, ge=0, le=1)
    fnmr_high: float | None = Field(default=None, ge=0, le=1)


class CalibrationData(BaseModel):
    """What was compared: in words, and how much of it."""

    model_config = _FROZEN

    description: str
    people: int = Field(ge=2)
    photos: int = Field(ge=2)
    failures_to_acquire: int = Field(ge=0)
    genuine_pairs: int = Field(ge=0)
    impostor_pairs: int = Field(ge=1)

    @property
    def words(self) -> str:
        """Return the description with the counts."""
        return f"{self.description}: {self.photos:,} photos of {self.people:,} people"


class Making(BaseModel):
    """When and how a calibration was made."""

    model_config = _FROZEN

    date: date
    cropping: str
    alignment: str
    command: str = ""
    versions: dict[str, str] = Field(default_factory=dict)


class Calibration(BaseModel):
    """Thresholds by false-match rate for the embeddings of one contract.

    The rungs go from the largest FMR to the smallest that the impostor pairs support. Between two rungs the threshold
    lies on the straight line over log FMR, raised by ``lift``: with it no rate between would have had a threshold above
    the line on the data. So what ``threshold`` returns is never laxer than the data shows.

    >>> calibration = shipped_calibration("…")  # doctest: +SKIP
    >>> calibration.threshold(1e-4).similarity  # doctest: +SKIP
    >>> calibration.identification_threshold(0.01, size=1000).similarity  # doctest: +SKIP
    """

    model_config = _FROZEN

    format: Literal[1] = FORMAT
    contract: str = Field(pattern=r"^[0-9a-f]{16}$")
    model: str
    thresholds: tuple[Rung, ...] = Field(min_length=1)
    data: CalibrationData
    made: Making

    @model_validator(mode="after")
    def _checked(self) -> Calibration:
        for rung in self.thresholds:
            _check_rung(rung, self.data)
        for laxer, stricter in pairwise(self.thresholds):
            _check_order(laxer, stricter)
        return self

    @property
    def smallest_fmr(self) -> float:
        """Return the smallest false-match rate that there is a threshold for."""
        return self.thresholds[-1].fmr

    @property
    def rates(self) -> tuple[float, ...]:
        """Return the false-match rates of the rungs, the largest first."""
        return tuple(rung.fmr for rung in self.thresholds)

    def require(self, contract: str) -> None:
        """Raise ContractMismatch unless this calibration is for the embeddings of this contract."""
        if contract != self.contract:
            raise ContractMismatch(
                f"the calibration is for {self.model}, contract {self.contract}, and not for contract {contract}: "
                "another model, alignment, preprocessing or mirror sum has other similarities. Calibrate that one too: "
                "marginface calibrate MODEL PHOTOS --out FILE"
            )

    def threshold(self, fmr: float) -> Threshold:
        """Return the threshold for a false-match rate: how often two different people may be called the same.

        Raises:
            CalibrationError: The rate is no share, or smaller than the impostor pairs support.
        """
        _require_share(fmr, "false-match rate")
        if fmr * SAME_RATE < self.smallest_fmr:
            raise CalibrationError(
                f"FMR {fmr:.3g} is beyond this calibration: {self._support()}. Smallest FMR here: "
                f"{self.smallest_fmr:.3g}. {_what_it_takes(fmr)}"
            )
        place = next(number for number, rung in enumerate(self.thresholds) if rung.fmr <= fmr * SAME_RATE)
        stricter = self.thresholds[place]
        on_it = place == 0 or fmr <= stricter.fmr * SAME_RATE
        laxer = stricter if on_it else self.thresholds[place - 1]
        return Threshold(
            similarity=stricter.similarity if on_it else _between(laxer, stricter, fmr),
            fmr=fmr,
            impostor_pairs=self.data.impostor_pairs,
            data=self.data.words,
            fmr_bounds=(stricter.fmr_low, _highest(laxer, stricter, fmr)),
            fnmr=self._fnmr(stricter),
            fnmr_bounds=_bounds_over(laxer, stricter),
            is_between=not on_it,
        )

    def identification_threshold(self, fpir: float, size: int) -> Threshold:
        """Return the threshold for searches: for which share of strangers may somebody be returned?

        The more comparisons a search makes, the lower the false-match rate of each has to be (metrics.fmr_of_search):
        ask again whenever the gallery has grown.

        Args:
            fpir: False-positive identification rate, at most.
            size: Comparisons in a search: the templates in the gallery.

        Raises:
            CalibrationError: A number is out of range, or the impostor pairs do not support so small a rate.
        """
        _require_share(fpir, "false-positive identification rate")
        if size < 1:
            raise CalibrationError(f"a search makes one comparison or more; got a size of {size}")
        fmr = fmr_of_search(fpir, size)
        if fmr * SAME_RATE < self.smallest_fmr:
            raise CalibrationError(
                f"FPIR {fpir:g} in a search of {size:,} needs FMR {fmr:.2g}, and this calibration supports "
                f"{self.smallest_fmr:.2g}: {self._support()}. In such a search it supports FPIR "
                f"{self.smallest_fpir(size):.2g} or more; FPIR {fpir:g} up to a size of "
                f"{self.largest_size(fpir):,}. {_what_it_takes(fmr)}"
            )
        return replace(self.threshold(fmr), fpir=fpir, size=size)

    def smallest_fpir(self, size: int) -> float:
        """Return the smallest FPIR that there is a threshold for in a search of this size."""
        return fpir_of_search(self.smallest_fmr, size)

    def largest_size(self, fpir: float) -> int:
        """Return the largest search that there is a threshold for at this FPIR."""
        return size_of_search(fpir, self.smallest_fmr)

    def _fnmr(self, rung: Rung) -> float | None:
        if rung.false_non_matches is None:
            return None
        return rung.false_non_matches / self.data.genuine_pairs

    def _support(self) -> str:
        return f"it has {self.data.impostor_pairs:,} impostor pairs of {self.data.people:,} people"


def _between(laxer: Rung, stricter: Rung, fmr: float) -> float:
    """Return the threshold of a rate between two rungs."""
    share = math.log(laxer.fmr / fmr) / math.log(laxer.fmr / stricter.fmr)
    line = laxer.similarity + share * (stricter.similarity - laxer.similarity)
    return min(line + laxer.lift, stricter.similarity)


def _highest(laxer: Rung, stricter: Rung, fmr: float) -> float:
    """Return the upper bound of the true rate: on the data it is ``fmr`` at most, and no surer than at the rungs."""
    return stricter.fmr_high if laxer is stricter else fmr * max(rung.fmr_high / rung.fmr for rung in (laxer, stricter))


def _bounds_over(laxer: Rung, stricter: Rung) -> tuple[float, float] | None:
    """Return bounds of the FNMR of any threshold from one rung to the other."""
    if laxer.fnmr_low is None or stricter.fnmr_high is None:
        return None
    return laxer.fnmr_low, stricter.fnmr_high


def _what_it_takes(fmr: float) -> str:
    pairs = trials_needed(fmr)
    photos = math.ceil((1 + math.sqrt(1 + 8 * pairs)) / 2)
    return (
        f"It takes {pairs:,} impostor pairs, which is all pairs of {photos:,} people with a photo each: no error in n "
        "pairs bounds the rate below 3/n at 95 %."
    )


def _require_share(rate: float, name: str) -> None:
    if not 0 < rate < 1:
        raise CalibrationError(f"a {name} is a share between 0 and 1, such as 1e-3; got {rate!r}")


def _check_rung(rung: Rung, data: CalibrationData) -> None:
    """Raise ValueError if a rung cannot be one of these data."""
    name, share = f"threshold of FMR {rung.fmr:.4g}", rung.false_matches / data.impostor_pairs
    if share > rung.fmr * SAME_RATE:
        raise ValueError(f"{name}: {rung.false_matches:,} false matches in {data.impostor_pairs:,} pairs are above it")
    if rung.fmr * SAME_RATE < smallest_rate(data.impostor_pairs):
        raise ValueError(f"{name}: {data.impostor_pairs:,} impostor pairs do not support it; see the rule of three")
    if not rung.fmr_low <= share <= rung.fmr_high:
        raise ValueError(f"{name}: its measured rate {share:.4g} is not within its bounds")
    known = {rung.false_non_matches is not None, rung.fnmr_low is not None, rung.fnmr_high is not None}
    if known != {data.genuine_pairs > 0}:
        raise ValueError(f"{name}: there are {data.genuine_pairs:,} genuine pairs, which does not fit its FNMR")


def _check_order(laxer: Rung, stricter: Rung) -> None:
    """Raise ValueError if two rungs in a row are not in order."""
    if not stricter.fmr < laxer.fmr:
        raise ValueError(f"false-match rates fall from one threshold to the next; got {laxer.fmr} and {stricter.fmr}")
    if stricter.similarity < laxer.similarity or stricter.false_matches > laxer.false_matches:
        raise ValueError(
            f"the threshold of FMR {stricter.fmr:.4g} is laxer than that of {laxer.fmr:.4g}: similarity "
            f"{stricter.similarity} after {laxer.similarity}, {stricter.false_matches:,} false matches after "
            f"{laxer.false_matches:,}"
        )
