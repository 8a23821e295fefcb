"""Every error this package raises on purpose.

    MarginfaceError
    ├── InputError              an argument or option is wrong (also a ValueError)
    │   ├── UnknownName         a name that a table does not hold, with the near ones
    │   │   └── UnknownGalleryName  a collection, person or face that a gallery does not have
    │   ├── TakenName           a name that another collection or person has
    │   ├── RecipeError         a recipe that does not fit its schema
    │   └── CalibrationError    a rate that the data cannot support, or a calibration file that is not as described
    ├── FolderBusy              another process is at work in a folder
    ├── ImageError              an image file or its bytes cannot be used
    │   ├── UnreadableImage     not an image, corrupt, truncated
    │   └── ImageTooLarge       more pixels than the cap, refused before decoding
    ├── VideoError              a video or camera cannot be read, or a video not written
    ├── FaceCountError          a step that needs one face got none or several
    ├── ContractMismatch        embeddings of different contracts meet
    ├── GalleryError            a gallery is missing, foreign, damaged or of another schema
    │   ├── GalleryKeyError     the key of a gallery is missing, or is not the one that sealed it
    │   └── CollectionGoneError a collection was erased by another process since it was opened
    ├── GalleryBusy             another process holds a gallery for longer than we wait
    ├── WeightsError            weights are missing or not what they claim
    │   ├── HashMismatch        a file whose sha256 is not the registered one
    │   └── CacheError          the folder that keeps them cannot be written
    ├── DataError               a data set, a pair list or a protocol file is not as described
    ├── CheckpointError         a checkpoint is missing, corrupt or of another recipe
    ├── StorageError            disk or memory is full, or a file of a run cannot be written or read
    ├── RankFailed              another process of a run has ended, and has said why
    ├── RankLost                another process of a run has ended without a word
    ├── TrainingDiverged        the loss is not finite or runs away
    ├── ExportError             an exported file does not compute what the checkpoint does
    ├── ServiceError            the service that marginface.client asks has refused, or failed
    │   ├── RequestError        what was sent is not as the service expects it
    │   ├── AccessError         the key is missing, unknown, or may not do this
    │   ├── NotFoundError       no such collection, person, face, job or run
    │   ├── ConflictError       it is there already, or not in the state that this needs
    │   └── BusyError           too many requests, for longer than the client tries
    ├── ServiceUnreachable      there is no answer from the service
    └── MissingExtra            an optional dependency is not installed

The command line turns any of them into one message and exit status 2; anything else is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class MarginfaceError(Exception):
    """The root: catch this to catch everything the package raises on purpose."""


class InputError(MarginfaceError, ValueError):
    """An argument or option is wrong: the message says what was expected, what came, what to do."""


class UnknownName(InputError):
    """A name that a table does not hold; the message lists the near ones."""


class UnknownGalleryName(UnknownName):
    """A collection, person or face that a gallery does not have; ``brief`` says so and names nobody else."""

    def __init__(self, message: str, brief: str) -> None:
        super().__init__(message)
        self.brief = brief


class TakenName(InputError):
    """A name that another collection or person has; the message says what to do."""


class RecipeError(InputError):
    """A recipe that does not fit its schema; the message names the section and the key."""


class CalibrationError(InputError):
    """A rate that the data behind a calibration cannot support, or a calibration file that is not as described."""


class FolderBusy(MarginfaceError):
    """Another process is at work in a folder; the message says which."""


class ImageError(MarginfaceError):
    """An image cannot be used; the message names the file."""


class UnreadableImage(ImageError):
    """Not an image, corrupt or truncated."""


class ImageTooLarge(ImageError):
    """More pixels than the cap; refused before decoding."""


class VideoError(MarginfaceError):
    """A video or camera cannot be read, or a video cannot be written; the message names it."""


class FaceCountError(MarginfaceError):
    """A step that needs exactly one face got none or several; the message names the image."""


class ContractMismatch(MarginfaceError):
    """Embeddings made under different contracts cannot be compared."""


class GalleryError(MarginfaceError):
    """A gallery is missing, foreign, damaged or of another schema; the message names it and says what to do."""


class GalleryKeyError(GalleryError):
    """The key of a gallery is missing, or is not the one that sealed it; the message names both keys by their ids."""


class CollectionGoneError(GalleryError):
    """A collection was erased, by another process mostly, since it was opened."""


class GalleryBusy(MarginfaceError):
    """Another process holds a gallery for longer than we wait; nothing was changed."""


class WeightsError(MarginfaceError):
    """Model weights are missing or not what they claim to be."""


class CacheError(WeightsError):
    """The folder that keeps weights cannot be written: no other source of them helps."""


class HashMismatch(WeightsError):
    """A file whose sha256 is not the registered one; it is never loaded."""


class DataError(MarginfaceError):
    """A data set, a pair list or a protocol file is not as described."""


class CheckpointError(MarginfaceError):
    """A checkpoint is missing, corrupt or belongs to another recipe."""


class StorageError(MarginfaceError):
    """Disk or memory is full, or a file of a run cannot be written or read; the message says how to go on."""


class RankFailed(MarginfaceError):
    """Another process of a run has ended and has said why; the message is that of the other one, ``kind`` its class."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class RankLost(MarginfaceError):
    """Another process of a run has ended without a word; the message says which and what to do."""


class TrainingDiverged(MarginfaceError):
    """The loss is not finite or runs away; the message says at which step and what to try."""


class ExportError(MarginfaceError):
    """An exported file does not compute what the checkpoint computes."""


class ServiceError(MarginfaceError):
    """The service that ``marginface.client`` asks has refused or failed; the message is that of the service.

    Attributes:
        status: the HTTP status.
        code: the reason for programs, as ``no_face``; empty where something else than marginface has answered.
        details: what the service says besides.
        request_id: names the request in the logs of the service.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        details: Mapping[str, Any] | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = dict(details or {})
        self.request_id = request_id


class RequestError(ServiceError):
    """What was sent is not as the service expects it, or too large."""


class AccessError(ServiceError):
    """The key is missing, unknown or revoked, or may not do this here."""


class NotFoundError(ServiceError):
    """No such collection, person, face, job or run, or none that the key may see."""


class ConflictError(ServiceError):
    """It is there already, or not in the state that this needs."""


class BusyError(ServiceError):
    """Too many requests, for longer than the client tries."""


class ServiceUnreachable(MarginfaceError):
    """There is no answer from the service; the message says whether the request may have been carried out."""


class MissingExtra(MarginfaceError, ImportError):
    """An optional dependency is not installed; the message gives the pip line."""
