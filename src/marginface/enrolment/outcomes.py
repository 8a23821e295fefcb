"""What came of photos that were to be enrolled: an outcome with reasons for each, and the sum of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any

from marginface.reasons import Reason, Remark, codes_of
from marginface.values import Candidate
from marginface.words import plural


class Outcome(Enum):
    """What came of one photo; the value is what JSON holds."""

    ENROLLED = "enrolled"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PhotoOutcome:
    """What came of one photo: ``bool()`` says whether its face is in the gallery now.

    Attributes:
        person: whose photo it was said to be.
        photo: its path.
        outcome: enrolled; known (the person had this photo already); or refused.
        face: the opaque id of the face in the gallery; empty if refused.
        remarks: why it was refused, and what a person should look at.
        lookalikes: other people as similar as a search asks for, most similar first.
    """

    person: str
    photo: str
    outcome: Outcome
    face: str = ""
    remarks: tuple[Remark, ...] = ()
    lookalikes: tuple[Candidate, ...] = ()

    def __bool__(self) -> bool:
        return self.outcome is not Outcome.REFUSED

    @property
    def codes(self) -> tuple[Reason, ...]:
        """The reason codes, each once."""
        return codes_of(self.remarks)

    @property
    def is_warning(self) -> bool:
        """Whether a person should look at it: another person's photo, or a look-alike."""
        return bool({Reason.LOOKS_LIKE, Reason.PHOTO_OF_ANOTHER} & set(self.codes))

    def explain(self) -> str:
        """Say what came of it, with every reason."""
        said = f"{self.photo}: {self.outcome.value}" + (f" as {self.person}." if self else ".")
        return "\n".join([said, *(f"  {remark.text}" for remark in self.remarks)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "person": self.person,
            "photo": self.photo,
            "outcome": self.outcome.value,
            "face": self.face or None,
            "codes": [reason.value for reason in self.codes],
            "reasons": [remark.text for remark in self.remarks],
            "lookalikes": [one.to_dict() for one in self.lookalikes],
        }


@dataclass(frozen=True, slots=True)
class EnrolReport:
    """What came of all photos: ``bool()`` says whether every face is in the gallery now.

    Attributes:
        photos: in the order they were given.
        without_photos: people of whom there was no photo.
        remarks: on the whole, such as a threshold that could not be had.
    """

    photos: tuple[PhotoOutcome, ...]
    without_photos: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return all(self.photos) and not self.without_photos

    @property
    def exit_status(self) -> int:
        """0: the face of every photo is in the gallery; 3: some are not."""
        return 0 if self else 3

    @property
    def left_out(self) -> tuple[str, ...]:
        """The people of whom no photo is in the gallery."""
        inside = {photo.person for photo in self.photos if photo}
        asked = [photo.person for photo in self.photos if photo.person] + list(self.without_photos)
        return tuple(dict.fromkeys(person for person in asked if person not in inside))

    def count(self, outcome: Outcome) -> int:
        """Return how many photos had this outcome."""
        return sum(photo.outcome is outcome for photo in self.photos)

    def explain(self) -> str:
        """Say how many there were of each outcome and reason, and who was left out."""
        people = len({photo.person for photo in self.photos if photo})
        counts = [(outcome.value, self.count(outcome)) for outcome in Outcome]
        lines = [f"{plural(people, 'person')}: " + ", ".join(f"{count:,} {name}" for name, count in counts) + "."]
        codes = Counter(code for photo in self.photos for code in photo.codes if code is not Reason.SAME_PHOTO)
        lines += [f"  {count:>6,}  {code.value:<18} {code.sentence}" for code, count in codes.most_common()]
        lines += [f"Nobody enrolled as {person}." for person in self.left_out]
        return "\n".join([*lines, *self.remarks])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "complete": bool(self),
            **{outcome.value: self.count(outcome) for outcome in Outcome},
            "people_left_out": list(self.left_out),
            "remarks": list(self.remarks),
            "photos": [photo.to_dict() for photo in self.photos],
        }
