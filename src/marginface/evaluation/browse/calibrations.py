"""A calibration (``marginface calibrate``, its TOML file or its JSON), as a part with figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from marginface.evaluation.browse.figures import Figure, Part, figure_of, short
from marginface.evaluation.calibration_report import decades
from marginface.matching.calibration import Calibration
from marginface.values import Threshold
from marginface.words import plurals


def calibration_part(numbers: Mapping[str, Any]) -> Part:
    """Return how often a person is refused at the thresholds for powers of ten, by false-match rate.

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
    return Part(
        short(known.data.description),
        "calibration",
        figures=tuple(_figure(one) for one in thresholds if one.fnmr is not None),
        headline=len(thresholds),
        facts=_facts(known),
        sentences=tuple(f"{one.similarity:.4f} is the threshold for FMR {one.fmr:.3g}." for one in thresholds),
    )


def _figure(threshold: Threshold) -> Figure:
    return figure_of(f"FNMR at FMR {threshold.fmr:.3g}", threshold.fnmr, threshold.fnmr_bounds)


def _facts(known: Calibration) -> dict[str, str | int | float | bool | None]:
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
