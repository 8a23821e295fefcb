"""Faces of frame after frame → tracks: one person each, by where the face is and by whom it looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from marginface.errors import InputError
from marginface.geometry import iou
from marginface.pipeline import EmbeddedFace
from marginface.values import Box, DoubleArray


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A face in a frame: when, in which frame, and the face with quality and embedding."""

    seconds: float
    number: int
    used: EmbeddedFace

    @property
    def box(self) -> Box:
        """Where it is."""
        return self.used.face.box


@dataclass(frozen=True, slots=True)
class TrackingRule:
    """When a face goes on with a track.

    It does if it is as similar to the faces of the track as ``same``, wherever it is; or if it is where the track was
    last and at least as similar as ``apart``: a turned or blurred face of one person is not alike, and at a cut another
    person may sit in the same place. Of a face too poor for its embedding to be trusted only the place counts.

    Attributes:
        same: Similarity from which on two faces are one person.
        apart: Similarity below which two faces of good quality in one place are two persons.
        overlap: Intersection over union from which on two boxes are one place.
        patience: Seconds without the face after which a track ends.
        longest: Seconds after which a track ends and another begins, so that a person who stays is answered.
    """

    same: float
    apart: float
    overlap: float = 0.3
    patience: float = 2.0
    longest: float = 600.0

    def __post_init__(self) -> None:
        if not -1 <= self.apart <= self.same <= 1:
            raise InputError(f"similarities are −1 ≤ apart ≤ same ≤ 1; got apart {self.apart} and same {self.same}")
        if not 0 < self.overlap <= 1:
            raise InputError(f"overlap is above 0 and at most 1; got {self.overlap}")
        if not (self.patience > 0 and self.longest > 0):
            raise InputError(f"patience and longest are seconds above 0; got {self.patience} and {self.longest}")


@dataclass
class Track:
    """The sightings of one person so far; ``number`` counts from 1 in the order of the first sightings."""

    number: int
    sightings: list[Sighting] = field(default_factory=list)
    _sum: DoubleArray = field(default_factory=lambda: np.zeros(1))  # of the embeddings that can be trusted
    _compared: int = 0  # how many those are

    @property
    def first(self) -> Sighting:
        """The first sighting."""
        return self.sightings[0]

    @property
    def last(self) -> Sighting:
        """The last sighting."""
        return self.sightings[-1]

    @property
    def can_be_compared(self) -> bool:
        """Whether any of its embeddings can be trusted."""
        return self._compared > 0

    def add(self, sighting: Sighting) -> None:
        """Go on with this face."""
        self.sightings.append(sighting)
        if sighting.used.is_usable:
            self._sum = self._sum + sighting.used.embedding.vector
            self._compared += 1

    def likeness(self, face: EmbeddedFace) -> float:
        """Return the mean of the similarities of a face and those of the track that can be compared."""
        return float(self._sum @ face.embedding.vector / self._compared)


class Tracker:
    """Puts the faces of each frame to tracks, one face to one track, the surest pairs first."""

    def __init__(self, rule: TrackingRule) -> None:
        self._rule = rule
        self._open: list[Track] = []
        self._begun = 0

    def update(self, seconds: float, sightings: Sequence[Sighting]) -> list[Track]:
        """Take the faces of the frame at this time; return the tracks that have ended."""
        ended = self._end(seconds)
        free_tracks, free_faces = set(range(len(self._open))), set(range(len(sightings)))
        for _, track, face in sorted(self._links(sightings), reverse=True):
            if track in free_tracks and face in free_faces:
                self._open[track].add(sightings[face])
                free_tracks.remove(track)
                free_faces.remove(face)
        for face in sorted(free_faces):
            self._begin(sightings[face])
        return ended

    def finish(self) -> list[Track]:
        """End all tracks and return them."""
        ended, self._open = self._open, []
        return ended

    def _end(self, seconds: float) -> list[Track]:
        rule = self._rule
        ended = [
            track
            for track in self._open
            if seconds - track.last.seconds > rule.patience or seconds - track.first.seconds > rule.longest
        ]
        self._open = [track for track in self._open if track not in ended]
        return ended

    def _begin(self, sighting: Sighting) -> None:
        self._begun += 1
        track = Track(self._begun)
        track.add(sighting)
        self._open.append(track)

    def _links(self, sightings: Sequence[Sighting]) -> list[tuple[float, int, int]]:
        """Return the pairs that may be linked: how sure, track, face."""
        if not self._open or not sightings:
            return []
        overlaps = iou(_corners([track.last for track in self._open]), _corners(sightings))
        links = []
        for row, track in enumerate(self._open):
            for column, sighting in enumerate(sightings):
                sure = self._sureness(track, sighting, float(overlaps[row, column]))
                if sure > 0:
                    links.append((sure, row, column))
        return links

    def _sureness(self, track: Track, sighting: Sighting, overlap: float) -> float:
        """Return 0 for a pair that may not be linked, above 1 for one that is alike, else up to 1."""
        place = overlap if overlap >= self._rule.overlap else 0.0
        if not (track.can_be_compared and sighting.used.is_usable):
            return place
        likeness = track.likeness(sighting.used)
        if likeness >= self._rule.same:
            return 2.0 + likeness
        return place if likeness >= self._rule.apart else 0.0


def _corners(sightings: Sequence[Sighting]) -> DoubleArray:
    return np.array([[one.box.x1, one.box.y1, one.box.x2, one.box.y2] for one in sightings], np.float64)
