"""A calibration (``marginface calibrate``, its TOML file or its JSON), as a part with figures."""

from __future__ import annotations

from pydantic import ValidationError

from marginface.evaluation.calibration.page import decades
from marginface.evaluation.kinds.figures import Figure, Numbers, Part, Scalar, figure_of, short
from marginface.evaluation.kinds.kind import Kind
from marginface.matching.calibration import Calibration
from marginface.values import Threshold
from marginface.words import decimal, plurals


def _parts(numbers: Numbers, _name: str) -> tuple[Part, ...]:
    """Return one part: how often a person is refused at the thresholds for powers of ten, by false-match rate.

    Raises:
        ValueError: The numbers are damaged, or were changed so that they contradict each other.
    """
    try:
        known = Calibration.model_validate({name: numbers[name] for name in Calibration.model_fields})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
    thresholds = [known.threshold(rate) for rate in decades(known)]
    part = Part(
        short(known.data.description),
        "calibration",
        figures=tuple(_figure(one) for one in thresholds if one.fnmr is not None),
        headline=len(thresholds),
        facts=_facts(known),
        sentences=tuple(f"{decimal(one.similarity, 4)} is the threshold for FMR {one.fmr:.3g}." for one in thresholds),
    )
    return (part,)


def _figure(threshold: Threshold) -> Figure:
    return figure_of(f"FNMR at FMR {threshold.fmr:.3g}", threshold.fnmr, threshold.fnmr_bounds)


def _facts(known: Calibration) -> dict[str, Scalar]:
    data = known.data
    return {
        "contract": known.contract,
        "photos": plurals((data.photos, "photo"), (data.people, "person")),
        "photos_without_a_face": data.failures_to_acquire,
        "genuine_pairs": data.genuine_pairs,
        "impostor_pairs": data.impostor_pairs,
        "smallest_fmr": known.smallest_fmr,
        "cropping": short(known.made.cropping),
        "alignment": short(known.made.alignment),
        "made": known.made.date.isoformat(),
    }


_MARKS = frozenset({"contract", "thresholds", "made"})
KIND = Kind("calibration", _MARKS, _parts, tables=())
