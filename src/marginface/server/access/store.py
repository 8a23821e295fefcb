"""The keys of a service, in its state: made, listed, revoked, and recognized."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Integer, Row, Table, Text, func, insert, select, update

from marginface.clock import now_text, time_text
from marginface.errors import UnknownName
from marginface.registry import near_names
from marginface.server.access.keys import ApiKey, NewKey, digest_of, new_token, parse_token, token_of
from marginface.server.access.scopes import Scope, parse_scopes
from marginface.server.state import METADATA, State

KEYS = Table(
    "service_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("collections", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("revoked", Text, nullable=False),
    Column("per_minute", Integer),
)
_NO_KEY = ApiKey("", NewKey(frozenset(Scope)), "", digest=digest_of(""))  # compared with where there is no such key


class KeyStore:
    """The keys of one service. What one process revokes no process accepts from then on."""

    def __init__(self, state: State) -> None:
        state.add_tables(KEYS)
        self._state = state

    def create(self, wanted: NewKey) -> tuple[ApiKey, str]:
        """Make a key; return it with its token, which is stored nowhere and cannot be had again."""
        key_id, secret = new_token()
        key = ApiKey(key_id, wanted, now_text(), digest=digest_of(secret))
        with self._state.writing() as connection:
            connection.execute(insert(KEYS).values(_row(key)))
        return key, token_of(key_id, secret)

    def all(self) -> list[ApiKey]:
        """Return all keys, revoked ones too, in the order they were made."""
        with self._state.reading() as connection:
            return [_key(row) for row in connection.execute(select(KEYS).order_by(KEYS.c.created, KEYS.c.id))]

    def exist(self) -> bool:
        """Say whether any key was ever made: from then on nothing is answered without one."""
        with self._state.reading() as connection:
            return bool(connection.execute(select(func.count()).select_from(KEYS)).scalar_one())

    def revoke(self, key_id: str) -> ApiKey:
        """Revoke a key, for good; raise UnknownName if there is none with this id."""
        with self._state.writing() as connection:
            row = connection.execute(select(KEYS).where(KEYS.c.id == key_id)).one_or_none()
            if row is None:
                known = [str(name) for name in connection.execute(select(KEYS.c.id)).scalars()]
                raise UnknownName(f"there is no key {key_id!r}. {near_names(key_id, known)}'keys list' shows them")
            if not row.revoked:
                connection.execute(update(KEYS).where(KEYS.c.id == key_id).values(revoked=now_text()))
            return _key(connection.execute(select(KEYS).where(KEYS.c.id == key_id)).one())

    def follow(self, collection: str, renamed: str) -> int:
        """Let the keys for a collection be for its new name; return how many there were."""
        with self._state.writing() as connection:
            keys = [_key(row) for row in connection.execute(select(KEYS))]
            named = [key for key in keys if collection in key.made_for.collections]
            for key in named:
                names = [renamed if name == collection else name for name in key.made_for.collections]
                values = {"collections": json.dumps(list(dict.fromkeys(names)))}
                connection.execute(update(KEYS).where(KEYS.c.id == key.id).values(values))
        return len(named)

    def recognize(self, token: str) -> ApiKey | None:
        """Return the valid key of a token; None for every other text."""
        parsed = parse_token(token)
        if parsed is None:
            return None
        key_id, secret = parsed
        with self._state.reading() as connection:
            row = connection.execute(select(KEYS).where(KEYS.c.id == key_id)).one_or_none()
        key = _NO_KEY if row is None else _key(row)
        return key if key.opens_with(secret) and key.is_valid(datetime.now(UTC)) else None


def _row(key: ApiKey) -> dict[str, Any]:
    until = key.made_for.expires
    return {
        "id": key.id,
        "digest": key.digest,
        "name": key.made_for.name,
        "scopes": ",".join(sorted(scope.value for scope in key.made_for.scopes)),
        "collections": json.dumps(key.made_for.collections),
        "created": key.created,
        "expires": "" if until is None else time_text(until),
        "revoked": key.revoked,
        "per_minute": key.made_for.per_minute,
    }


def _key(row: Row[Any]) -> ApiKey:
    made_for = NewKey(
        parse_scopes(row.scopes),
        tuple(json.loads(row.collections)),
        row.name,
        datetime.fromisoformat(row.expires) if row.expires else None,
        row.per_minute,
    )
    return ApiKey(row.id, made_for, row.created, row.revoked, row.digest)
