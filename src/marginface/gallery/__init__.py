"""Who is known: people, their faces, consent and audit, in one file or one database that can be erased from for good.

gallery      Gallery: create, open, collections, keys, archive, check
collection   Collection: people, faces, search, erase
records      what goes in and comes out: frozen values
address      where a gallery is            store        the database: transactions, errors in words
tables columns names   the schema          migrations   from an older one
creation     a new gallery                 transaction  one write: numbers, changes, audit
keys         the gallery's key             vault        database + key → opened collections
cipher       AES-256-GCM                   rekeying     new keys, records sealed anew
sealing      a record, bound to its face   rotation     vectors that two galleries cannot compare
people faces moves vectors chambers        the rows             succession   another takes its place
listing                                    a page of people
live         the index that follows the truth           searching    the people most similar to a face
erasure      delete, clean, verify, receipt             disk traces  logs and free pages; bytes that must be gone
audit        a chain of hashes             checking     is all of it whole?    statistics   how much there is
archive importing envelope                 a gallery as one file
"""

from marginface.gallery.archive import ArchiveCounts
from marginface.gallery.audit import AuditEntry, AuditReport
from marginface.gallery.checking import CheckReport
from marginface.gallery.collection import Collection
from marginface.gallery.erasure import Receipt
from marginface.gallery.gallery import Gallery
from marginface.gallery.keys import GalleryKey, default_key_path, find_key, make_key, read_key
from marginface.gallery.records import (
    About,
    Changes,
    CollectionInfo,
    Enrolled,
    Faces,
    GalleryFace,
    Match,
    NewFace,
    Person,
    last_day,
)
from marginface.gallery.rekeying import KeyChange
from marginface.gallery.statistics import CollectionStats, Stats

__all__ = [
    "About",
    "ArchiveCounts",
    "AuditEntry",
    "AuditReport",
    "Changes",
    "CheckReport",
    "Collection",
    "CollectionInfo",
    "CollectionStats",
    "Enrolled",
    "Faces",
    "Gallery",
    "GalleryFace",
    "GalleryKey",
    "KeyChange",
    "Match",
    "NewFace",
    "Person",
    "Receipt",
    "Stats",
    "default_key_path",
    "find_key",
    "last_day",
    "make_key",
    "read_key",
]
