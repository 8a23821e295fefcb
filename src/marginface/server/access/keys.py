"""A key of the service: what it is for, and the token that is shown once.

A token is ``mf_<id>_<secret>``; the secret has 32 random bytes, so that one SHA-256 is as good as any slow hash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from marginface.clock import time_text
from marginface.errors import InputError
from marginface.gallery.names import LONGEST_NAME, check_text
from marginface.server.access.scopes import Scope

_TOKEN = re.compile(r"mf_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_MOST_PER_MINUTE = 1_000_000


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is to be made for.

    Attributes:
        scopes: What it may ask.
        collections: Names of the collections it may ask about; none: all.
        name: Whose it is, for the list of keys and the audit.
        expires: Not valid from here on (UTC); None: until it is revoked.
        per_minute: Requests in a minute; None: the limit of the service.
    """

    scopes: frozenset[Scope]
    collections: tuple[str, ...] = ()
    name: str = ""
    expires: datetime | None = None
    per_minute: int | None = None

    def __post_init__(self) -> None:
        check_text(self.name, "the name of a key", LONGEST_NAME)
        if not self.scopes:
            raise InputError("a key is made for at least one scope; 'marginface keys create --help' lists them")
        if self.per_minute is not None and not 1 <= self.per_minute <= _MOST_PER_MINUTE:
            raise InputError(f"per_minute is 1 to {_MOST_PER_MINUTE:,} requests; got {self.per_minute}")
        if self.expires is not None and self.expires.tzinfo is None:
            raise InputError(f"expires is a time with its zone; got {self.expires!r}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: ``digest`` is the hash of its secret, which is nowhere."""

    id: str
    made_for: NewKey
    created: str
    revoked: str = ""
    digest: str = field(default="", repr=False)

    def is_valid(self, now: datetime) -> bool:
        """Say whether it is neither revoked nor expired."""
        until = self.made_for.expires
        return not self.revoked and (until is None or now < until)

    def opens_with(self, secret: str) -> bool:
        """Say whether a secret is this key's, in a time that does not depend on it."""
        return hmac.compare_digest(self.digest, digest_of(secret))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; nothing of the secret."""
        until = self.made_for.expires
        return {
            "id": self.id,
            "name": self.made_for.name,
            "scopes": sorted(scope.value for scope in self.made_for.scopes),
            "collections": list(self.made_for.collections),
            "created": self.created,
            "expires": None if until is None else time_text(until),
            "revoked": self.revoked or None,
            "per_minute": self.made_for.per_minute,
        }


def end_of(day: datetime) -> datetime:
    """Return when a key ends that is not valid from a day on.

    Raises:
        InputError: That day has begun (UTC): the key would never be valid.
    """
    end, now = day.replace(tzinfo=UTC), datetime.now(UTC)
    if end <= now:
        raise InputError(f"a key ends on a later day than today; got {end:%Y-%m-%d}, and it is {now:%Y-%m-%d} (UTC)")
    return end


def new_token() -> tuple[str, str]:
    """Return the id and the secret of a new key."""
    return secrets.token_hex(6), base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()


def token_of(key_id: str, secret: str) -> str:
    """Return what is shown once and sent with every request."""
    return f"mf_{key_id}_{secret}"


def parse_token(text: str) -> tuple[str, str] | None:
    """Return id and secret of a token; None where it has not the form of one."""
    found = _TOKEN.fullmatch(text)
    return None if found is None else (found[1], found[2])


def digest_of(secret: str) -> str:
    """Return the hash that is stored, 64 hex digits."""
    return hashlib.sha256(b"marginface api key|" + secret.encode()).hexdigest()
