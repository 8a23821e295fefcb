"""IdentifiedTrack: what is said of one person in a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginface.pipeline import Identification, SearchDecision
from marginface.values import Box
from marginface.words import decimal, plural


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face was, and when."""

    seconds: float
    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedTrack:
    """A person in a video and the one decision on them: ``bool()`` is true for a match.

    Attributes:
        number: counts the tracks from 1, in the order of their beginning.
        places: where the face was in each frame it was seen in.
        best_frame: number of the frame with the best face.
        best_seconds: its time.
        pooled: how many faces the decision was made from.
        identification: of the pooled face.
    """

    number: int
    places: tuple[Place, ...]
    best_frame: int
    best_seconds: float
    pooled: int
    identification: Identification

    def __bool__(self) -> bool:
        return bool(self.identification)

    @property
    def decision(self) -> SearchDecision:
        """Match, no match, or cannot tell."""
        return self.identification.decision

    @property
    def person(self) -> str | None:
        """Who it is; None unless it is a match."""
        return self.identification.faces[0].person

    @property
    def first(self) -> float:
        """When the person was first seen, in seconds."""
        return self.places[0].seconds

    @property
    def last(self) -> float:
        """When the person was last seen, in seconds."""
        return self.places[-1].seconds

    def explain(self) -> str:
        """Say in a line when who was seen."""
        face = self.identification.faces[0]
        best = decimal(face.candidates[0].similarity) if face.candidates else ""
        said = self.person or self.decision.value
        likeness = f", similarity {best}" if self else f" (nearest: similarity {best})" if best else ""
        seen = f"seen {plural(len(self.places), 'time')}, decided on {self.pooled}"
        line = f"{_clock(self.first)}–{_clock(self.last)}  track {self.number}: {said}{likeness}, {seen}."
        return "\n".join([line, *(f"  {remark.text}" for remark in face.reasons)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, in one line as the track ends."""
        found = self.identification.to_dict()
        face = found["faces"][0]
        return {
            "track": self.number,
            "first": round(self.first, 3),
            "last": round(self.last, 3),
            "sightings": len(self.places),
            "pooled": self.pooled,
            "best_frame": self.best_frame,
            "best_seconds": round(self.best_seconds, 3),
            **face,
            **{key: value for key, value in found.items() if key not in ("photo", "faces", *face)},
        }


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"
