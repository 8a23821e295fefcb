"""The groups of a folder's faces (Recognizer.cluster) on disk: pages to look at, and named folders.

record         groups.json: which face of which photo is in which group
sheets         contact sheets in HTML
naming         names filled in by a person → a folder per person
"""

from marginface.grouping.naming import (
    Copied,
    check_copies,
    check_unnamed,
    copy_people,
    numbered,
    read_names,
    write_names,
)
from marginface.grouping.record import Record, read_record, record_of, write_record
from marginface.grouping.sheets import write_sheets

__all__ = [
    "Copied",
    "Record",
    "check_copies",
    "check_unnamed",
    "copy_people",
    "numbered",
    "read_names",
    "read_record",
    "record_of",
    "write_names",
    "write_record",
    "write_sheets",
]
