"""A service of marginface, from Python: typed answers, errors that say what to do, calls that are tried again.

client       Client: photos, collections, the service itself      collection   the verbs of one collection
jobs events runs evaluations                                       long work; the log; what was trained and measured
photo_answers gallery_answers service_answers evaluation_answers   what comes back: frozen values
transport    one call: sent, tried again, answered or raised       refusals     an answer that refuses → an exception
parts pages reading                                                photos → a body; a listing; JSON → a value

It needs httpx2 (``pip install 'marginface[client]'``) and nothing of the service's own code.
"""

from marginface.errors import MissingExtra

try:
    import httpx2  # noqa: F401
except ImportError as error:
    raise MissingExtra("marginface.client speaks HTTP by httpx2: pip install 'marginface[client]'") from error

from marginface.client.client import Client
from marginface.client.collection import CollectionClient
from marginface.client.evaluation_answers import Evaluation, EvaluationDetails, Figure, ProtocolPart
from marginface.client.gallery_answers import (
    AuditEntry,
    AuditReport,
    Check,
    CollectionInfo,
    EnrolledFace,
    Enrolment,
    GalleryFace,
    Lookalike,
    Person,
    Receipt,
    RejectedPhoto,
    Stats,
)
from marginface.client.photo_answers import (
    Candidate,
    Comparisons,
    DetectedFace,
    Detection,
    EmbeddedFace,
    Embeddings,
    Identification,
    IdentifiedFace,
    Threshold,
    Verification,
)
from marginface.client.service_answers import About, Calibration, Curve, Event, Job, Run, RunDetails
from marginface.client.transport import Patience

__all__ = [
    "About",
    "AuditEntry",
    "AuditReport",
    "Calibration",
    "Candidate",
    "Check",
    "Client",
    "CollectionClient",
    "CollectionInfo",
    "Comparisons",
    "Curve",
    "DetectedFace",
    "Detection",
    "EmbeddedFace",
    "Embeddings",
    "EnrolledFace",
    "Enrolment",
    "Evaluation",
    "EvaluationDetails",
    "Event",
    "Figure",
    "GalleryFace",
    "Identification",
    "IdentifiedFace",
    "Job",
    "Lookalike",
    "Patience",
    "Person",
    "ProtocolPart",
    "Receipt",
    "RejectedPhoto",
    "Run",
    "RunDetails",
    "Stats",
    "Threshold",
    "Verification",
]
