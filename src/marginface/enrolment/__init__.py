"""Photos and galleries joined: enrol people from photos, identify photos among them.

sources         which photos are of whom: a list, or a folder for each person
looking         a photo → a face that may be enrolled, or why not (on threads)
lookalikes      is a face as similar to another person as a search asks for?
judging         a batch of faces → those that are to be written
reviews         off, standard, strict: how strictly
enrolling       Enroller: photos → faces in a collection, in batches
outcomes        what came of each photo, and of all
models          does a model fit a collection? if not, which one does
searching       a collection as what a recognizer identifies in
imports         what other systems kept: people, vectors, photos
importing       their vectors into a collection of their own
migration       another model for a collection, from the kept crops
"""

from marginface.enrolment.enrolling import Enroller, EnrolSettings, is_earlier
from marginface.enrolment.importing import ImportReport, import_vectors
from marginface.enrolment.imports import IMPORTERS
from marginface.enrolment.migration import Gap, Migration, MigrationReport
from marginface.enrolment.models import collection_for, require_contract
from marginface.enrolment.outcomes import EnrolReport, Outcome, PhotoOutcome
from marginface.enrolment.reviews import REVIEWS, Review
from marginface.enrolment.searching import CollectionPeople, PhotoAnswer, SearchSettings, exit_status, identify_each
from marginface.enrolment.sources import DecodedPhoto, FolderOfPeople, PersonPhoto, folder_of_people, photos_of

__all__ = [
    "IMPORTERS",
    "REVIEWS",
    "CollectionPeople",
    "DecodedPhoto",
    "EnrolReport",
    "EnrolSettings",
    "Enroller",
    "FolderOfPeople",
    "Gap",
    "ImportReport",
    "Migration",
    "MigrationReport",
    "Outcome",
    "PersonPhoto",
    "PhotoAnswer",
    "PhotoOutcome",
    "Review",
    "SearchSettings",
    "collection_for",
    "exit_status",
    "folder_of_people",
    "identify_each",
    "import_vectors",
    "is_earlier",
    "photos_of",
    "require_contract",
]
