"""The numbers of losses at the ends of their ranges, those of the papers; a loss without a line has none looked at."""

from __future__ import annotations

import math

import pytest

from marginface.errors import InputError
from marginface.losses import LOSSES, build

Range = tuple[str, float, float]  # which ends belong to it, and the ends

PI, INF = math.pi, math.inf
ANNEALING = dict.fromkeys(("base", "gamma", "power", "floor"), ("[)", 0, INF))
ANGLE = {"margin": ("[)", 0, PI)}
RANGES: dict[str, dict[str, Range]] = {
    "cosface": {"margin": ("[]", 0, 2)},
    "amsoftmax": {"margin": ("[]", 0, 2)},
    "arcface": ANGLE,
    "x2softmax": {"a": ("()", -INF, 0), "h": ("[]", -PI, PI), "k": ("()", -INF, INF)},
    "lsoftmax": {"margin": ("whole", 2, 5), **ANNEALING},
    "sphereface": {"margin": ("[]", 1, 10), **ANNEALING},
    "sphereface_r": {"margin": ("[]", 1, 10)},
    "combined": {"m1": ("(]", 0, 10), "m2": ("[)", 0, PI), "m3": ("[]", 0, 2)},
    "expface": {"margin": ("(]", 0, 1)},
    "dynarcface": {
        "k1": ("[)", 0, INF),
        "k2": ("[)", 0, (PI - 1.03 * 0.5) / (PI - 1)),
        "k3": ("[)", 0, (PI - 0.2 * (PI - 1)) / 1.03),
    },
    "elastic_arc": {"margin": ("[)", 0, PI - 6 * 0.05), "sigma": ("[)", 0, (PI - 0.5) / 6)},
    "elastic_arc_plus": {"margin": ("[)", 0, PI - 6 * 0.0175), "sigma": ("[)", 0, (PI - 0.5) / 6)},
    "elastic_cos": {"margin": ("[]", 0, 2), "sigma": ("[]", 0, 1)},
    "elastic_cos_plus": {"margin": ("[]", 0, 2), "sigma": ("[]", 0, 1)},
    "magface": {
        "lower_margin": ("[]", 0, 0.8),
        "upper_margin": ("[)", 0.45, PI),
        "lower_norm": ("()", 0, 110),
        "upper_norm": ("()", 10, INF),
        "weight": ("[)", 0, INF),
    },
    "adaface": {"margin": ("[)", 0, PI / 2), "h": ("[)", 0, INF), "t_alpha": ("(]", 0, 1)},
    "kappaface": {**ANGLE, "temperature": ("[)", 0, INF), "gamma": ("[]", 0, 1), "window": ("whole", 2, INF)},
    "curricularface": {**ANGLE, "t_alpha": ("(]", 0, 1)},
    "mv_softmax": {"margin": ("[]", 0, 2), "t": ("[]", 1, 10)},
    "mv_softmax_arc": {**ANGLE, "t": ("[]", 1, 10)},
    "npcface": {**ANGLE, "m0": ("[)", 0.2, PI - 0.2), "m1": ("[]", 0, 0.4), "t": ("[]", 1, 10), "a": ("[]", 0, 10)},
    "arcnegface": {**ANGLE, "alpha": ("(]", 0, 10), "sigma": ("()", 0, INF)},
    "circle": {"margin": ("[]", 0, 1)},
    "contrastive": {"margin": ("(]", 0, 2)},
    "cosine_contrastive": {"margin": ("[)", -1, 1)},
    "triplet": {"margin": ("(]", 0, 4)},
    "npair": {"regularization": ("[)", 0, INF)},
    "supcon": {"temperature": ("()", 0, INF)},
    "sface": {"k": ("()", 0, INF), "a": ("[]", 0, PI), "b": ("[]", 0, PI)},
    "sphereface2": {"margin": ("[]", 0, 2), "t": ("[)", 1, INF), "alpha": ("()", 0, 1), "weight": ("()", 0, INF)},
    "uniface": {"margin": ("[]", 0, 2), "weight": ("()", 0, INF)},
    "subcenter_arcface": {**ANGLE, "sub_centers": ("whole", 1, INF)},
    "center": {"weight": ("()", 0, INF), "alpha": ("(]", 0, 1)},
    "triplet_center": {"weight": ("()", 0, INF), "margin": ("[)", 0, INF)},
}
SCALES = {
    name: ("(]", 0, 128) if name == "adacos" else ("()", 0, INF)
    for name, loss in LOSSES.items()
    if "scale" in loss.options
}
CASES = [
    *((name, option, interval) for name, options in RANGES.items() for option, interval in options.items()),
    *((name, "scale", interval) for name, interval in SCALES.items()),
    ("arcface", "sample_rate", ("(]", 0, 1)),
    ("arcface", "interclass_filter", ("()", -1, 1)),
]


def at_the_ends(ends: str, low: float, high: float) -> tuple[list[float], list[float]]:
    """Return what is just inside a range, and what is just outside."""
    if ends == "whole":
        return [low, low + 1], [low - 1, *([high + 1, low + 0.5] if math.isfinite(high) else [])]
    inside, outside = [], [math.nan]
    for end, belongs, inward in ((low, ends[0] == "[", 1e-9), (high, ends[1] == "]", -1e-9)):
        inside.append(end if belongs else end + inward if math.isfinite(end) else math.copysign(1e6, end))
        outside.append(end - inward if belongs else end)
    return inside, outside


@pytest.mark.parametrize(("name", "option", "interval"), CASES)
def test_a_number_at_the_end_of_its_range_is_taken_and_one_beyond_refused(
    name: str, option: str, interval: Range
) -> None:
    inside, outside = at_the_ends(*interval)
    for value in inside:
        build(name, num_classes=3, embedding_size=2, **{option: value})
    for value in outside:
        with pytest.raises(InputError, match="got"):
            build(name, num_classes=3, embedding_size=2, **{option: value})
