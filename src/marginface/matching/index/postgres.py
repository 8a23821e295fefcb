"""An index in PostgreSQL with the extension pgvector (0.8 or later).

A collection is a line in ``marginface_collections``, with its contract, and a table of its own with the vectors as
float32. A graph of neighbors (HNSW) over their float16 proposes candidates, which are rescored here: similarities are
those of every other index. ``exact=True`` lets the server compare every face.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from marginface.errors import InputError, MissingExtra, StorageError
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
    import psycopg
    from pgvector.psycopg import register_vector
    from psycopg import sql
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise MissingExtra(
        "an index in PostgreSQL needs psycopg and pgvector: pip install 'marginface[postgres]'"
    ) from error

Connection = psycopg.Connection[tuple[Any, ...]]
Candidates = tuple[IntArray, FloatArray]  # faces (C,) to rescore and their vectors (C, D)

_LARGEST = 1_900  # numbers of a vector: what fits into a page of 8 KB
_EXACT_BELOW = 50_000  # faces: the server compares all of them in the time that a walk through the graph takes
_CANDIDATES = 400  # of a walk, rescored at least; 100 missed a quarter of what was just at a threshold
_MOST_EFFORT = 1_000  # the largest hnsw.ef_search
_FEW_OWNERS = 1_000  # whose faces the server finds by their owner, sooner than the graph comes upon them
_EXACT_MORE = 16  # beyond k in an exact search: the server's float32 sums are off in the last digit
_COLLECTIONS = """
    CREATE TABLE IF NOT EXISTS marginface_collections (
        number serial PRIMARY KEY, name text UNIQUE NOT NULL, contract text NOT NULL, embedding_size int NOT NULL
    )"""
_FACES = """
    CREATE TABLE {table} (id bigint PRIMARY KEY, owner bigint NOT NULL, vector vector({size}) NOT NULL);
    ALTER TABLE {table} ALTER COLUMN vector SET STORAGE PLAIN;
    CREATE INDEX ON {table} (owner);
    CREATE INDEX ON {table} USING hnsw ((vector::halfvec({size})) halfvec_ip_ops)"""
_UPSERT = """
    INSERT INTO {table} (id, owner, vector) VALUES (%s, %s, %s)
    ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, vector = excluded.vector"""
_NEAR = """
    SELECT id, vector FROM {table} WHERE {among}
    ORDER BY vector::halfvec({size}) <#> %(probe)s::vector::halfvec({size}) LIMIT %(limit)s"""
_NEAREST = """
    SELECT id, vector FROM {table} WHERE {among}
    ORDER BY vector <#> %(probe)s::vector, id LIMIT %(limit)s"""


class PostgresIndex:
    """A VectorIndex in a PostgreSQL server, which several processes may use at once.

    Threads that share one object wait for each other; give each thread its own where searches are many. After a lost
    connection the next call opens a new one. A deleted face is out of every search at once; its bytes leave the disk of
    the server with VACUUM and the write-ahead log.

    Make one with ``PostgresIndex.open``.
    """

    def __init__(self, address: str, number: int, embedding_size: int) -> None:
        self._address = address
        self._size = embedding_size
        names = {"table": sql.Identifier(f"marginface_faces_{number}"), "size": sql.Literal(embedding_size)}
        self._names: dict[str, sql.Composable] = names
        self._number = number
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, address: str, collection: str, *, contract: str, embedding_size: int) -> PostgresIndex:
        """Open a collection of a server, made now if it is new.

        Args:
            address: ``postgresql://user@host/database``; the password best in ~/.pgpass or PGPASSWORD.
            collection: Its name.
            contract: Id of the contract its vectors are made under.
            embedding_size: D, at most 1,900.

        Raises:
            ContractMismatch: The collection is there, of another contract or size.
            StorageError: The server cannot be reached, has no pgvector, or does not allow what is needed.
        """
        if not 0 < embedding_size <= _LARGEST:
            raise InputError(f"a vector in PostgreSQL has 1 to {_LARGEST:,} numbers here; got {embedding_size}")
        with _storage_errors(address), _connect(address) as connection, connection.transaction():
            number = _find_or_make(connection, collection, contract, embedding_size)
        return cls(address, number, embedding_size)

    @property
    def embedding_size(self) -> int:
        """How many numbers a vector has."""
        return self._size

    def upsert(self, ids: IntArray, vectors: FloatArray, owners: IntArray) -> None:
        """Add or replace faces in one transaction: all of them or none; see VectorIndex.upsert."""
        faces, rows, persons = checked_rows(ids, vectors, owners, self._size)
        with self._transaction() as cursor:
            cursor.executemany(self._query(_UPSERT), list(zip(faces.tolist(), persons.tolist(), rows, strict=True)))

    def delete(self, ids: IntArray) -> None:
        """Remove faces in one transaction."""
        faces = checked_ids(ids)
        with self._transaction() as cursor:
            cursor.execute(self._query("DELETE FROM {table} WHERE id = ANY(%s)"), [faces.tolist()])

    def search(self, probes: FloatArray, k: int, *, owners: IntArray | None = None, exact: bool = False) -> Hits:
        """Return the k faces most similar to each probe; see VectorIndex.search.

        Below 50,000 faces and among up to 1,000 owners it is exact, too.
        """
        asked, persons = checked_search(probes, k, owners, self._size)
        ids = np.full((len(asked), k), NOBODY)
        similarities = np.full((len(asked), k), -np.inf, np.float32)
        whole = exact or (persons is not None and len(persons) <= _FEW_OWNERS)
        with self._transaction() as cursor:
            whole = whole or self._estimate(cursor) < _EXACT_BELOW
            found = self._all(cursor, asked, k, persons) if whole else self._near(cursor, asked, k, persons)
        for row, (faces, vectors) in enumerate(found):
            best = best_of(asked[row], vectors, faces, k)
            ids[row, : len(best[0])], similarities[row, : len(best[0])] = best
        return Hits(ids, similarities)

    def count(self) -> int:
        """Return how many faces there are."""
        with self._transaction() as cursor:
            found = cursor.execute(self._query("SELECT count(*) FROM {table}")).fetchone()
            return int(found[0]) if found else 0

    def snapshot(self) -> Snapshot:
        """Return a copy of all faces by rising id, as they were at one moment."""
        with self._transaction() as cursor:
            rows = cursor.execute(self._query("SELECT id, owner, vector FROM {table} ORDER BY id")).fetchall()
        ids, owners = (np.array([row[column] for row in rows], np.int64) for column in (0, 1))
        return Snapshot(ids, owners, _stacked([row[2] for row in rows], self._size))

    def drop(self) -> None:
        """Remove the collection and all its faces from the server."""
        with self._transaction() as cursor:
            cursor.execute(self._query("DROP TABLE {table}"))
            cursor.execute("DELETE FROM marginface_collections WHERE number = %s", [self._number])

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def _estimate(self, cursor: psycopg.Cursor[Any]) -> float:
        """Return about how many faces there are, as the server last counted; −1 before it first has."""
        query = "SELECT reltuples FROM pg_class WHERE oid = %s::regclass"
        found = cursor.execute(query, [f"marginface_faces_{self._number}"]).fetchone()
        return float(found[0]) if found else -1

    def _all(
        self, cursor: psycopg.Cursor[Any], probes: FloatArray, k: int, owners: IntArray | None
    ) -> list[Candidates]:
        """Let the server compare every face (of the owners)."""
        _set(cursor, {"enable_indexscan": "off"})
        return [self._ask(cursor, _NEAREST, probe, k + _EXACT_MORE, owners) for probe in probes]

    def _near(
        self, cursor: psycopg.Cursor[Any], probes: FloatArray, k: int, owners: IntArray | None
    ) -> list[Candidates]:
        """Let the graph propose faces; where it gives up before k, all are compared."""
        wanted = max(_CANDIDATES, 2 * k)
        effort = str(min(wanted, _MOST_EFFORT))
        _set(cursor, {"hnsw.ef_search": effort, "hnsw.iterative_scan": "relaxed_order"})
        found = [self._ask(cursor, _NEAR, probe, wanted, owners) for probe in probes]
        short = [row for row, (faces, _) in enumerate(found) if len(faces) < k]
        for row, better in zip(short, self._all(cursor, probes[short], k, owners), strict=True):
            found[row] = better
        return found

    def _ask(
        self, cursor: psycopg.Cursor[Any], text: str, probe: FloatArray, limit: int, owners: IntArray | None
    ) -> Candidates:
        among = sql.SQL("true" if owners is None else "owner = ANY(%(owners)s)")
        values = {"probe": probe, "limit": limit, "owners": None if owners is None else owners.tolist()}
        rows = cursor.execute(self._query(text, among=among), values).fetchall()
        return np.array([row[0] for row in rows], np.int64), _stacked([row[1] for row in rows], self._size)

    def _query(self, text: str, **parts: sql.Composable) -> sql.Composed:
        return sql.SQL(text).format(**self._names, **parts)

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        """Give a cursor in a transaction of its own; an error of the server undoes it."""
        with self._lock, _storage_errors(self._address):
            if self._connection is None or self._connection.closed:
                self._connection = _connect(self._address)
                register_vector(self._connection)
            with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
                yield cursor


def _set(cursor: psycopg.Cursor[Any], settings: Mapping[str, str]) -> None:
    """Set parameters of the server for this transaction."""
    for name, value in settings.items():
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def _connect(address: str) -> Connection:
    return psycopg.connect(address, autocommit=True, connect_timeout=10)


def _find_or_make(connection: Connection, name: str, contract: str, size: int) -> int:
    """Return the number of a collection; two processes that make it at once get the same."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('marginface_collections'))")
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    connection.execute(_COLLECTIONS)
    find = "SELECT number, contract, embedding_size FROM marginface_collections WHERE name = %s"
    found = connection.execute(find, [name]).fetchone()
    if found is not None:
        require_collection(name, (found[1], found[2]), (contract, size))
        return int(found[0])
    add = "INSERT INTO marginface_collections (name, contract, embedding_size) VALUES (%s, %s, %s) RETURNING number"
    made = connection.execute(add, [name, contract, size]).fetchone()
    number = int(made[0]) if made else 0
    table = sql.Identifier(f"marginface_faces_{number}")
    connection.execute(sql.SQL(_FACES).format(table=table, size=sql.Literal(size)))
    return number


def _stacked(vectors: list[Any], size: int) -> FloatArray:
    return np.array([vector.to_numpy() for vector in vectors], np.float32).reshape(len(vectors), size)


@contextmanager
def _storage_errors(address: str) -> Iterator[None]:
    """Turn errors of the server into StorageError that names it, without the password."""
    try:
        yield
    except psycopg.Error as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise StorageError(
            f"{_shown(address)}: {said[0]}. An index in PostgreSQL needs a server with pgvector 0.8 or later, and a "
            "user who may create tables (and the extension, once: CREATE EXTENSION vector)"
        ) from None


def _shown(address: str) -> str:
    try:
        parts = conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        return "a PostgreSQL address"
    return f"PostgreSQL at {parts.get('host', 'localhost')}, database {parts.get('dbname', 'of the user')}"
