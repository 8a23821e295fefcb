"""Why an answer is what it is: a code for programs, a sentence for people, and what was seen in this photo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Reason(Enum):
    """A reason code; its value is what JSON holds, ``sentence`` says what it means.

    >>> Reason("no_face").sentence
    'No face was found in the photo.'
    """

    sentence: str

    def __new__(cls, code: str, sentence: str) -> Reason:
        """Make a member whose value is the code alone."""
        member = object.__new__(cls)
        member._value_ = code
        member.sentence = sentence
        return member

    UNREADABLE = "unreadable", "The file cannot be read as an image."
    NO_FACE = "no_face", "No face was found in the photo."
    SEVERAL_FACES = "several_faces", "Several faces were found where exactly one is wanted."
    OTHER_FACES = "other_faces", "The photo shows other faces too; the box says which one was used."
    ODD_LANDMARKS = "odd_landmarks", "The five points that the detector gave do not form a face."

    UNSURE_FACE = "unsure_face", "The detector is not sure that this is a face."
    FACE_TOO_SMALL = "face_too_small", "The eyes are too few pixels apart."
    BLURRED = "blurred", "The face is blurred: out of focus, moved, or enlarged from a small picture."
    TURNED = "turned", "The head is turned to the side."
    PITCHED = "pitched", "The head is bent up or down."
    TOO_BRIGHT = "too_bright", "The face is washed out by light."
    LOW_CONTRAST = "low_contrast", "The face has too little contrast."
    FEW_SHADES = "few_shades", "The face has too few different shades: it is almost black or almost flat."
    WEAK_FEATURE = (
        "weak_feature",
        "The network answers with a short feature, as it does where it sees no face it knows.",
    )

    BETWEEN_THRESHOLDS = "between_thresholds", "The similarity lies between the two thresholds that were asked for."
    OTHER_CONTRACT = "other_contract", "The threshold was set under settings that are not quite those in use."
    NOBODY_KNOWN = "nobody_known", "Nobody is known that the face could be compared with."

    SAME_PHOTO = "same_photo", "The person has this photo already."
    PHOTO_OF_ANOTHER = "photo_of_another", "The same photo is enrolled under another name."
    LOOKS_LIKE = "looks_like", "The face is as similar to another person as a search asks for."
    BAD_NAME = "bad_name", "The name cannot be that of a person."
    NO_PERSON = "no_person", "The photo lies beside the people's folders: whose it is cannot be told."


@dataclass(frozen=True, slots=True)
class Remark:
    """A reason and the words that say it of one photo: names and numbers."""

    reason: Reason
    text: str

    def __str__(self) -> str:
        return self.text


def codes_of(remarks: Iterable[Remark]) -> tuple[Reason, ...]:
    """Return the reasons of remarks, each once, in order."""
    return tuple(dict.fromkeys(remark.reason for remark in remarks))
