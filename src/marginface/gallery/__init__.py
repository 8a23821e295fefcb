"""Who is known: people, their faces, consent and audit, in one file or one database that can be erased from for good.

gallery      Gallery: create, open, collections, keys, archive, check
collection   Collection: people, faces, search, erase
records      what goes in and comes out: frozen values
address      where a gallery is                names        of people and collections, in one form each
vault        database + key → opened collections
enrolled/    collections, people and their faces, as rows
search/      the index that follows the truth; the people most similar to a face
database/    tables, one write to them, the audit
sealing/     keys, and the records that nothing else opens
erasing/     gone from the disk too, looked for, said in a receipt
archives/    a gallery as one file
upkeep/      made, counted, checked, given new keys
"""

from marginface.gallery.archives.writing import ArchiveCounts
from marginface.gallery.collection import Collection
from marginface.gallery.database.audit import AuditEntry, AuditReport
from marginface.gallery.erasing.erasure import Receipt
from marginface.gallery.gallery import Gallery
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
from marginface.gallery.sealing.keys import GalleryKey, default_key_path, find_key, make_key, read_key
from marginface.gallery.upkeep.checking import CheckReport
from marginface.gallery.upkeep.rekeying import KeyChange
from marginface.gallery.upkeep.statistics import CollectionStats, Stats

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
