"""Where a gallery is: a file or a PostgreSQL database; and where its vectors are searched, if not in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from marginface.errors import InputError
from marginface.matching.index.address import POSTGRES, QDRANT


@dataclass(frozen=True, slots=True)
class Address:
    """A file (``path``) or a database of a server (``url``); it prints without a password.

    ``vectors`` is the address of a server that searches the vectors; empty where they are searched in memory.
    """

    path: Path | None
    url: URL | None = None
    vectors: str = ""

    def __str__(self) -> str:
        return str(self.path) if self.url is None else self.url.render_as_string(hide_password=True)


def parse_address(text: str | Path) -> Address:
    """Return where a gallery is.

    >>> parse_address("people.db").path
    PosixPath('people.db')
    >>> str(parse_address("postgresql://door:secret@server/faces"))
    'postgresql://door:***@server/faces'
    >>> parse_address("qdrant://server:6333?truth=people.db").vectors
    'qdrant://server:6333'
    >>> parse_address("postgresql://server/faces?index=pgvector").vectors
    'postgresql://server/faces'

    Raises:
        InputError: an address of another kind.
    """
    if isinstance(text, Path) or "://" not in text:
        if not str(text).strip() or "\0" in str(text):
            raise InputError(f"expected the path of a gallery, or a postgresql:// address; got {str(text)!r}")
        return Address(Path(text).expanduser())
    scheme = text.split("://")[0]
    if scheme in QDRANT:
        return _with_truth(text)
    if scheme not in POSTGRES:
        raise InputError(
            f"{scheme}://: a gallery is a file, a PostgreSQL database (postgresql://user@server/database), or "
            "qdrant://server:6333?truth=FILE"
        )
    return _in_postgres(_url(text).set(drivername="postgresql"))


def _in_postgres(url: URL) -> Address:
    """Take ``?index=pgvector`` out of an address: the vectors are searched in the database too."""
    wanted, plain = url.query.get("index"), url.difference_update_query(["index"])
    if wanted not in (None, "pgvector"):
        raise InputError(
            f"index={wanted}: in a PostgreSQL address there may be index=pgvector, which searches the vectors there; "
            "without it they are searched in memory"
        )
    return Address(None, plain, "" if wanted is None else plain.render_as_string(hide_password=False))


def _with_truth(text: str) -> Address:
    """Split an address of a vector server with the place of the truth in it."""
    vectors, _, truth = text.partition("?truth=")
    if not truth:
        raise InputError(
            f"{vectors} holds vectors alone: people, consent and audit are in a file or in PostgreSQL. Say which: "
            f"{vectors}?truth=people.db"
        )
    return replace(parse_address(truth), vectors=vectors)


def _url(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as error:
        raise InputError(
            f"expected postgresql://user:password@server:port/database; got an address with {error}"
        ) from None
