"""The kinds of evaluation, in the order of listings: a file each and a line of KINDS.

kind          what a kind is, and the entry of a protocol in a suite
figures       a figure with its interval, and the protocol that it is of
pairs templates identify distractors tinyface groups all_pairs   protocols of suites: settings, measuring, figures
scores        a file of scores          comparisons   several losses, a sweep, two models
calibration   thresholds of a user      audit         what was found in a data set
kept          the pictures of pairs, for the page of a resumed suite
"""

from __future__ import annotations

from marginface.evaluation.kinds import (
    all_pairs,
    audit,
    calibration,
    distractors,
    groups,
    identify,
    pairs,
    scores,
    templates,
    tinyface,
)
from marginface.evaluation.kinds.comparisons import COMPARISON, SWEEP, TWO_MODELS
from marginface.evaluation.kinds.figures import Figure, Numbers, Part
from marginface.evaluation.kinds.kind import Entry, Kind, Tools

__all__ = ["KINDS", "Entry", "Figure", "Kind", "Numbers", "Part", "Tools", "kind_of"]


def _suite_parts(numbers: Numbers, name: str) -> tuple[Part, ...]:
    """Return the protocols of the table of all that a suite writes."""
    return tuple(part for one in numbers["protocols"] for part in KINDS[one["kind"]].parts(one, name))


SUITE = Kind("suite", frozenset({"suite", "results", "protocols"}), _suite_parts)
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        SUITE,
        COMPARISON,
        SWEEP,
        TWO_MODELS,
        pairs.KIND,
        templates.KIND,
        identify.KIND,
        distractors.KIND,
        tinyface.KIND,
        groups.KIND,
        all_pairs.KIND,
        scores.KIND,
        calibration.KIND,
        audit.KIND,
    )
}


def kind_of(numbers: Numbers, stem: str) -> Kind | None:
    """Return of what kind the numbers in a file of this name are, a sweep before a comparison; None: of none."""
    return next((kind for kind in reversed(KINDS.values()) if kind.fits(numbers, stem)), None)
