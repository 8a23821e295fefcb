"""A folder of photos of unknown people → groups, pages to look at, and named folders.

faces          finds and embeds every face
groups         joins them (matching.cluster); the record of a run
sheets         contact sheets in HTML
naming         names filled in by a person → a folder per person
"""

from marginface.grouping.faces import FaceFinder, FoundFace, FoundFaces
from marginface.grouping.groups import Group, GroupedFace, Grouping, group_faces, read_record
from marginface.grouping.naming import Copied, check_unnamed, copy_people, numbered, read_names, write_names
from marginface.grouping.sheets import write_sheets

__all__ = [
    "Copied",
    "FaceFinder",
    "FoundFace",
    "FoundFaces",
    "Group",
    "GroupedFace",
    "Grouping",
    "check_unnamed",
    "copy_people",
    "group_faces",
    "numbered",
    "read_names",
    "read_record",
    "write_names",
    "write_sheets",
]
