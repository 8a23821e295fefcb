"""The most similar faces of a probe, behind one protocol.

protocol       VectorIndex: upsert, delete, search, count, snapshot; Hits; what every index refuses
choice         which index in memory for how many faces, and why
exact          compares every face: in memory, float32
sketched       looks at 64 bytes of every face first; sketch makes and scans these
graph          walks a graph of neighbors (usearch): fast, and may miss a face at any similarity
recall         how often a shortcut misses a face that is just as similar as a threshold asks
address        postgresql://… or qdrant://… → an index in a server
postgres       PostgreSQL with pgvector
qdrant         Qdrant
rows           growing arrays with rows found by id
"""

from marginface.matching.index.address import open_index
from marginface.matching.index.choice import IndexChoice, choose_index
from marginface.matching.index.exact import ExactIndex
from marginface.matching.index.protocol import NOBODY, Hits, ServerIndex, Snapshot, VectorIndex
from marginface.matching.index.recall import Recall, recall_at
from marginface.matching.index.sketched import SketchIndex

__all__ = [
    "NOBODY",
    "ExactIndex",
    "Hits",
    "IndexChoice",
    "Recall",
    "ServerIndex",
    "SketchIndex",
    "Snapshot",
    "VectorIndex",
    "choose_index",
    "open_index",
    "recall_at",
]
