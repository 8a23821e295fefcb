"""What other systems kept → people and their faces. The table IMPORTERS has a reader for each system.

foreign        ForeignFaces: people, vectors, photos
deepface       representations of DeepFace.find: npz, feather, parquet, pkl
insightface    names and vectors in NumPy files; the database of InsightFace Server
compreface     dumps of its database: sql, csv, json
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from marginface.enrolment.imports.compreface import read_compreface
from marginface.enrolment.imports.deepface import read_deepface
from marginface.enrolment.imports.foreign import ForeignFace, ForeignFaces
from marginface.enrolment.imports.insightface import read_insightface
from marginface.registry import Registry

Importer = Callable[[Path, str], ForeignFaces]  # a file, and what made its vectors where the file does not say it

IMPORTERS: Registry[Importer] = Registry("system to import from")
IMPORTERS.add("deepface", read_deepface)
IMPORTERS.add("insightface", read_insightface)
IMPORTERS.add("compreface", read_compreface)

__all__ = ["IMPORTERS", "ForeignFace", "ForeignFaces", "Importer"]
