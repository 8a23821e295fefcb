"""The use road composed: photos → faces → embeddings → decisions.

recognizer      Recognizer: the verbs
photos          EmbeddedPhoto: the faces that are meant, with their quality, or why there is none
reader          PhotoReader: a photo → EmbeddedPhoto
batches         many photos on threads, in order
rules           thresholds → same, different or cannot tell
verification    two photos
comparisons     all faces of many photos with one another
clusters        all faces of many photos in groups
people          what a search is made in: Searchable, and KnownPeople in memory
identification  the faces of a photo among known people
"""

from marginface.pipeline.clusters import ClusteredFace, Clusters
from marginface.pipeline.comparisons import Comparisons
from marginface.pipeline.identification import Identification, IdentifiedFace, SearchDecision
from marginface.pipeline.people import KnownPeople, Searchable
from marginface.pipeline.photos import EmbeddedFace, EmbeddedPhoto
from marginface.pipeline.reader import NamedPhoto, Photo, assess
from marginface.pipeline.recognizer import Recognizer
from marginface.pipeline.rules import Calibrated, Rule
from marginface.pipeline.verification import Verification

__all__ = [
    "Calibrated",
    "ClusteredFace",
    "Clusters",
    "Comparisons",
    "EmbeddedFace",
    "EmbeddedPhoto",
    "Identification",
    "IdentifiedFace",
    "KnownPeople",
    "NamedPhoto",
    "Photo",
    "Recognizer",
    "Rule",
    "SearchDecision",
    "Searchable",
    "Verification",
    "assess",
]
