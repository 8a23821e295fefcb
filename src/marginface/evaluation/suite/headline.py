"""The rows of the table of all protocols: what, figure, value, interval; shares in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from marginface.evaluation.suite.run import Done

Numbers = Mapping[str, Any]
Figure = tuple[str, float, Sequence[float]]  # its name, value, interval


def headline(done: Sequence[Done]) -> list[dict[str, Any]]:
    """Return the rows of every protocol that is done."""
    return [_row(one.numbers, *figure) for one in done for figure in FIGURES[one.numbers["kind"]](one.numbers)]


def _pairs(numbers: Numbers) -> Iterator[Figure]:
    yield "accuracy", numbers["accuracy_mean"], numbers["accuracy_interval"]
    yield from _tars(numbers["tar_at_far"])


def _identify(numbers: Numbers) -> Iterator[Figure]:
    yield from _gallery(numbers, "")


def _templates(numbers: Numbers) -> Iterator[Figure]:
    yield from _tars((numbers["verification"] or {"tar_at_far": ()})["tar_at_far"])
    for gallery in numbers["identification"]:
        yield from _gallery(gallery, f" ({gallery['gallery']})")


def _gallery(gallery: Numbers, where: str) -> Iterator[Figure]:
    for rank, rate in gallery["identification_rate"].items():
        yield f"rank {rank}{where}", rate, gallery["identification_interval"][rank]
    for point in gallery["tpir_at_fpir"]:
        yield f"TPIR at FPIR {point['fpir']:g}{where}", point["tpir"], point["interval"]


def _distractors(numbers: Numbers) -> Iterator[Figure]:
    for one in numbers["rates"]:
        name = f"rank {one['rank']} among {one['distractors']:,}"
        yield name, one["identification_rate"], one["interval_identities"]
    yield from _tars(numbers["tar_at_far"])


def _tinyface(numbers: Numbers) -> Iterator[Figure]:
    for rank, rate in numbers["identification_rate"].items():
        yield f"rank {rank}", rate, numbers["identification_interval"][rank]
    yield "mAP", numbers["mean_average_precision"], numbers["mean_average_precision_interval"]


def _groups(numbers: Numbers) -> Iterator[Figure]:
    for group in numbers["groups"]:
        yield f"accuracy ({group['group']})", group["accuracy_mean"], group["accuracy_interval_identities"]
        common = group["accuracy_at_common_thresholds"], group["accuracy_at_common_thresholds_interval"]
        yield f"accuracy at common thresholds ({group['group']})", *common


def _all_pairs(numbers: Numbers) -> Iterator[Figure]:
    for number, one in enumerate(numbers["sets"]):
        yield from _tars(one["tar_at_far"], f" ({one['set']})" if number else "")


def _tars(points: Sequence[Numbers], where: str = "") -> Iterator[Figure]:
    for point in points:
        yield f"TAR at FAR {point['far']:g}{where}", point["tar"], point.get("interval_identities", point["interval"])


FIGURES: dict[str, Callable[[Numbers], Iterator[Figure]]] = {
    "pairs": _pairs,
    "identify": _identify,
    "templates": _templates,
    "distractors": _distractors,
    "tinyface": _tinyface,
    "groups": _groups,
    "all-pairs": _all_pairs,
}


def _row(numbers: Numbers, figure: str, value: float, interval: Sequence[float]) -> dict[str, Any]:
    low, high = interval
    return {
        "protocol": numbers["name"],
        "figure": figure,
        "value": value,
        "low": low,
        "high": high,
        "contract": numbers["contract"],
    }
