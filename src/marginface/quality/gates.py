"""The table GATES: the floors below which a face is refused, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from marginface.quality.cues import CUES
from marginface.quality.measured import Quality
from marginface.reasons import Reason, Remark
from marginface.registry import Registry


@dataclass(frozen=True, slots=True)
class Floor:
    """A limit of one cue: refused below it (``least``) or, by size without sign, above it (``most``)."""

    cue: str
    kind: Literal["least", "most"]
    limit: float
    reason: Reason

    def holds(self, quality: Quality) -> bool:
        """Say whether a face passes; a cue that could not be told refuses nothing."""
        value = quality.get(self.cue)
        if value is None:
            return True
        return value >= self.limit if self.kind == "least" else abs(value) <= self.limit

    def say(self, quality: Quality) -> str:
        """Return the reason with the value and the limit."""
        cue = CUES[self.cue]
        bound = "at least" if self.kind == "least" else "at most"
        unit = f" {cue.unit}" if cue.unit else ""
        name = self.cue.replace("_", " ")
        said = self.reason.sentence.removesuffix(".")
        return f"{said}: {name} {quality[self.cue]:.3g}{unit}, {bound} {self.limit:g} is wanted."


# Cue, kind, reason, and the limits of usable, standard, strict; None: no limit. Below "usable" half of all genuine
# pairs are refused, and two such faces of different people match several times as often as they should; the others lie
# where errors begin to rise: docs/explanation/quality.md, benchmarks/quality.py. Dark pixels and the mean luminance
# have no floor on purpose: they are skin as much as light, and darkness alone hardly harms.
_LIMITS: tuple[tuple[str, Literal["least", "most"], Reason, float | None, float | None, float | None], ...] = (
    ("detector_score", "least", Reason.UNSURE_FACE, None, 0.85, 0.9),
    ("inter_eye_distance", "least", Reason.FACE_TOO_SMALL, 8, 16, 24),
    ("sharpness", "least", Reason.BLURRED, 0.018, 0.03, 0.04),
    ("head_pose_yaw", "most", Reason.TURNED, None, 45, 25),
    ("head_pose_pitch", "most", Reason.PITCHED, None, 35, 25),
    ("contrast", "least", Reason.LOW_CONTRAST, 0.08, 0.15, 0.2),
    ("dynamic_range", "least", Reason.FEW_SHADES, 1, 2, 4),
    ("over_exposure_prevention", "most", Reason.TOO_BRIGHT, 0.85, 0.3, 0.1),
    ("feature_norm", "least", Reason.WEAK_FEATURE, 0.6, 0.8, 0.9),
)

GATES: Registry[tuple[Floor, ...]] = Registry("quality gate")
GATES.add("off", ())
for _place, _name in enumerate(("usable", "standard", "strict")):
    _rows = [(cue, kind, limits[_place], reason) for cue, kind, reason, *limits in _LIMITS]
    GATES.add(_name, tuple(Floor(cue, kind, at, reason) for cue, kind, at, reason in _rows if at is not None))


def shortfalls(quality: Quality, gate: str) -> tuple[Remark, ...]:
    """Return why a gate refuses a face; empty if it passes.

    Args:
        quality: of the face.
        gate: ``off``, ``usable`` (verify and identify), ``standard`` or ``strict`` (enrolment).

    Raises:
        UnknownName: no such gate.

    >>> [remark.reason.value for remark in shortfalls(Quality({"head_pose_yaw": -60.0}), "standard")]
    ['turned']
    """
    return tuple(Remark(floor.reason, floor.say(quality)) for floor in GATES[gate] if not floor.holds(quality))
