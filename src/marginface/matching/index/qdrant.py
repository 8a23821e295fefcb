"""An index in a Qdrant server.

A collection is a point in the collection ``marginface-collections``, whose payload has its name and contract, and a
collection of its own with the vectors as float32 (dot product of unit rows) and the owner of each as payload. The
server proposes candidates, which are rescored here: similarities are those of every other index.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from marginface.errors import MissingExtra, StorageError
from marginface.matching.index.protocol import (
    NOBODY,
    Hits,
    Snapshot,
    checked_ids,
    checked_rows,
    checked_search,
    require_collection,
)
from marginface.similarity import best_of
from marginface.values import FloatArray, IntArray

try:
    from qdrant_client import QdrantClient, models
    from qdrant_client.http.exceptions import ApiException
except ImportError as error:
    raise MissingExtra("an index in Qdrant needs qdrant-client: pip install 'marginface[qdrant]'") from error

IN_PROCESS = "qdrant://:memory:"
KEY_VARIABLE = "MARGINFACE_QDRANT_API_KEY"
_COLLECTIONS = "marginface-collections"
_BATCH = 500  # faces sent at once: 500 × 512 numbers are some 5 MB of JSON
_CANDIDATES = 400  # rescored at least; see postgres.py: 100 missed a quarter of what was just at a threshold
_EXACT_MORE = 16  # beyond k in an exact search: the server's float32 sums are off in the last digit
_SECONDS = 60


class QdrantIndex:
    """A VectorIndex in a Qdrant server, which several threads and processes may use at once.

    Faces are sent in batches of 500; an upsert that fails may have added some of them, and can be done again. A deleted
    face is out of every search at once; its bytes leave the disk of the server when Qdrant next optimizes the segment.

    Make one with ``QdrantIndex.open``.
    """

    def __init__(self, client: QdrantClient, address: str, collection: str, embedding_size: int) -> None:
        self._client = client
        self._address = address
        self._collection = _faces_of(collection)
        self._entry = _entry_of(collection)
        self._size = embedding_size
        in_process = address == IN_PROCESS
        self._lock: AbstractContextManager[Any] = threading.RLock() if in_process else nullcontext()

    @classmethod
    def open(cls, address: str, collection: str, *, contract: str, embedding_size: int) -> QdrantIndex:
        """Open a collection of a server, made now if it is new.

        Args:
            address: ``qdrant://host:6333``, ``qdrants://`` behind TLS, or ``qdrant://:memory:``, a Qdrant within this
                process for trials. An API key is read from the environment: MARGINFACE_QDRANT_API_KEY.
            collection: Its name.
            contract: Id of the contract its vectors are made under.
            embedding_size: D.

        Raises:
            ContractMismatch: The collection is there, of another contract or size.
            StorageError: The server cannot be reached or refuses.
        """
        client = _client(address)
        with _storage_errors(address):
            _find_or_make(client, collection, contract, embedding_size)
        return cls(client, address, collection, embedding_size)

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has."""
        return self._size

    def upsert(self, ids: IntArray, vectors: FloatArray, owners: IntArray) -> None:
        """Add or replace faces; see VectorIndex.upsert."""
        faces, rows, persons = checked_rows(ids, vectors, owners, self._size)
        for start in range(0, len(faces), _BATCH):
            part = slice(start, start + _BATCH)
            points = models.Batch(
                ids=faces[part].tolist(),
                vectors=rows[part].tolist(),
                payloads=[{"owner": owner} for owner in persons[part].tolist()],
            )
            with self._asking():
                self._client.upsert(self._collection, points=points, wait=True)

    def delete(self, ids: IntArray) -> None:
        """Remove faces."""
        faces = checked_ids(ids)
        if len(faces):
            with self._asking():
                self._client.delete(self._collection, models.PointIdsList(points=faces.tolist()), wait=True)

    def search(self, probes: FloatArray, k: int, *, owners: IntArray | None = None, exact: bool = False) -> Hits:
        """Return the k faces most similar to each probe; see VectorIndex.search."""
        asked, persons = checked_search(probes, k, owners, self._size)
        ids = np.full((len(asked), k), NOBODY)
        similarities = np.full((len(asked), k), -np.inf, np.float32)
        if persons is None or len(persons):
            for row, (faces, vectors) in enumerate(self._candidates(asked, k, persons, exact=exact)):
                best = best_of(asked[row], vectors, faces, k)
                ids[row, : len(best[0])], similarities[row, : len(best[0])] = best
        return Hits(ids, similarities)

    def count(self) -> int:
        """Return how many faces there are."""
        with self._asking():
            return self._client.count(self._collection, exact=True).count

    def snapshot(self) -> Snapshot:
        """Return a copy of all faces by rising id; what others write meanwhile may be in it or not."""
        found, following = [], None
        with self._asking():
            while True:
                page, following = self._client.scroll(
                    self._collection, limit=_BATCH, offset=following, with_payload=True, with_vectors=True
                )
                found += page
                if following is None:
                    break
        order = sorted(found, key=lambda point: int(point.id))
        ids = np.array([int(point.id) for point in order], np.int64)
        owners = np.array([(point.payload or {})["owner"] for point in order], np.int64)
        return Snapshot(ids, owners, self._stacked(order))

    def drop(self) -> None:
        """Remove the collection and all its faces from the server."""
        with self._asking():
            self._client.delete_collection(self._collection)
            self._client.delete(_COLLECTIONS, models.PointIdsList(points=[self._entry]), wait=True)

    def close(self) -> None:
        """Close the connection."""
        if self._address != IN_PROCESS:
            self._client.close()

    def _candidates(
        self, probes: FloatArray, k: int, owners: IntArray | None, *, exact: bool
    ) -> list[tuple[IntArray, FloatArray]]:
        """Return faces to rescore for each probe: all that may be among the k best, or those the server finds."""
        limit = k + _EXACT_MORE if exact else max(_CANDIDATES, 2 * k)
        requests = [
            models.QueryRequest(
                query=probe.tolist(),
                limit=limit,
                filter=None if owners is None else _of_owners(owners),
                params=self._effort(limit, exact=exact),
                with_vector=True,
            )
            for probe in probes
        ]
        if not requests:
            return []
        with self._asking():
            answers = self._client.query_batch_points(self._collection, requests=requests)
        found = [answer.points for answer in answers]
        return [(np.array([int(point.id) for point in row], np.int64), self._stacked(row)) for row in found]

    def _effort(self, limit: int, *, exact: bool) -> models.SearchParams | None:
        """Return how hard to search; the Qdrant within the process compares every face anyhow, and warns."""
        return None if self._address == IN_PROCESS else models.SearchParams(exact=exact, hnsw_ef=limit)

    def _stacked(self, points: list[Any]) -> FloatArray:
        return np.array([point.vector for point in points], np.float32).reshape(len(points), self._size)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with self._lock, _storage_errors(self._address):
            yield


def _client(address: str) -> QdrantClient:
    if address == IN_PROCESS:
        return _in_process()
    scheme, _, where = address.partition("://")
    url = f"{'https' if scheme == 'qdrants' else 'http'}://{where}"
    return QdrantClient(
        url=url, api_key=os.environ.get(KEY_VARIABLE) or None, timeout=_SECONDS, check_compatibility=False
    )


@cache
def _in_process() -> QdrantClient:
    return QdrantClient(":memory:")


def _find_or_make(client: QdrantClient, name: str, contract: str, size: int) -> None:
    """Check the entry of a collection, or write one and make the collection."""
    if not client.collection_exists(_COLLECTIONS):
        _make(client, _COLLECTIONS, 1)
    if not _read_entry(client, name):
        if not client.collection_exists(_faces_of(name)):
            _make(client, _faces_of(name), size)
            if client.init_options.get("location") != ":memory:":  # it has no such indexes, and warns
                client.create_payload_index(_faces_of(name), "owner", models.PayloadSchemaType.INTEGER, wait=True)
        payload = {"name": name, "contract": contract, "embedding_size": size}
        point = models.PointStruct(id=_entry_of(name), vector=[1.0], payload=payload)
        client.upsert(_COLLECTIONS, points=[point], wait=True)
    entry = _read_entry(client, name)  # of who wrote last, if two made it at once
    require_collection(name, (str(entry["contract"]), int(entry["embedding_size"])), (contract, size))


def _make(client: QdrantClient, name: str, size: int) -> None:
    try:
        client.create_collection(name, vectors_config=models.VectorParams(size=size, distance=models.Distance.DOT))
    except ApiException:
        if not client.collection_exists(name):  # another process was first
            raise


def _read_entry(client: QdrantClient, name: str) -> dict[str, Any]:
    found = client.retrieve(_COLLECTIONS, ids=[_entry_of(name)], with_payload=True)
    return dict(found[0].payload or {}) if found else {}


def _entry_of(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


def _faces_of(name: str) -> str:
    """Return the name of the collection of faces: Qdrant allows fewer signs than a name here may have."""
    return f"marginface-faces-{uuid5(NAMESPACE_URL, name).hex}"


def _of_owners(owners: IntArray) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key="owner", match=models.MatchAny(any=owners.tolist()))])


@contextmanager
def _storage_errors(address: str) -> Iterator[None]:
    """Turn errors of the client into StorageError that names the server."""
    try:
        yield
    except ApiException as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise StorageError(
            f"Qdrant at {address.partition('://')[2]}: {said[0]}. Is the server there, is its key in {KEY_VARIABLE}?"
        ) from None
