"""The most similar faces of a probe, behind one protocol.

protocol       VectorIndex: upsert, delete, search, count, snapshot; Hits; what every index refuses
exact          compares every face: in memory, float32
rows           growing arrays with rows found by id
"""

from marginface.matching.index.exact import ExactIndex
from marginface.matching.index.protocol import NOBODY, Hits, Snapshot, VectorIndex

__all__ = ["NOBODY", "ExactIndex", "Hits", "Snapshot", "VectorIndex"]
