"""The address of a server → a collection in it as an index."""

from __future__ import annotations

from marginface.errors import InputError
from marginface.matching.index.protocol import ServerIndex

POSTGRES = ("postgresql", "postgres")
QDRANT = ("qdrant", "qdrants")


def open_index(address: str, collection: str, *, contract: str, embedding_size: int) -> ServerIndex:
    """Open a collection of a server, made now if it is new.

    Args:
        address: ``postgresql://user@host/database``, ``qdrant://host:6333``, or ``qdrants://`` for one behind TLS.
        collection: Its name: any text.
        contract: Id of the contract its vectors are made under.
        embedding_size: D.

    Raises:
        InputError: Another kind of address.
        ContractMismatch: The collection is there, of another contract or size.
        StorageError: The server cannot be reached.
        MissingExtra: The package for such a server is not installed.
    """
    scheme = address.partition("://")[0]
    if scheme in POSTGRES:
        from marginface.matching.index.postgres import PostgresIndex

        return PostgresIndex.open(address, collection, contract=contract, embedding_size=embedding_size)
    if scheme in QDRANT:
        from marginface.matching.index.qdrant import QdrantIndex

        return QdrantIndex.open(address, collection, contract=contract, embedding_size=embedding_size)
    raise InputError(
        f"an index in a server has an address postgresql://user@host/database or qdrant://host:6333; got {scheme!r}"
    )
