"""Photos of a protocol → crops → embeddings.

reader   images → crops → embeddings, read ahead on threads
memory   embeddings that are kept, so that a photo is embedded once
faces    faces of people, from photos or from a file of embeddings
"""

from __future__ import annotations

from marginface.evaluation.reading.faces import FaceList, Faces, list_anybody, list_people
from marginface.evaluation.reading.memory import EmbeddingMemory
from marginface.evaluation.reading.reader import (
    ALIGNED,
    FILES,
    Cropper,
    CropReader,
    ImageStore,
    Progress,
    Reader,
    Vectors,
    crop_reader,
    cropping_of,
    protocol_cropper,
    reading_of,
)

__all__ = [
    "ALIGNED",
    "FILES",
    "CropReader",
    "Cropper",
    "EmbeddingMemory",
    "FaceList",
    "Faces",
    "ImageStore",
    "Progress",
    "Reader",
    "Vectors",
    "crop_reader",
    "cropping_of",
    "list_anybody",
    "list_people",
    "protocol_cropper",
    "reading_of",
]
