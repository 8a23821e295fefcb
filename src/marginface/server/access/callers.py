"""Who asks, and what they may: Caller, and the two ways to be refused."""

from __future__ import annotations

from dataclasses import dataclass

from marginface.errors import MarginfaceError
from marginface.server.access.keys import ApiKey
from marginface.server.access.scopes import Scope

_OPEN = "this machine"  # who asks, while no key was ever made


class NoKey(MarginfaceError):
    """No valid key came with a request."""


class Forbidden(MarginfaceError):
    """The key is valid, and is not for this."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the key, or None while the service is open to this machine alone."""

    key: ApiKey | None

    @property
    def id(self) -> str:
        """The id of the key; for records and logs."""
        return _OPEN if self.key is None else self.key.id

    @property
    def actor(self) -> str:
        """Who it is in the audit of the gallery."""
        return self.id if self.key is None else f"key {self.id}"

    @property
    def scopes(self) -> frozenset[Scope]:
        """What it may ask."""
        return frozenset(Scope) if self.key is None else self.key.made_for.scopes

    @property
    def collections(self) -> tuple[str, ...]:
        """The names of the collections it may ask about; none: all."""
        return () if self.key is None else self.key.made_for.collections

    def sees(self, collection: str) -> bool:
        """Say whether it may ask about a collection, by name."""
        return not self.collections or collection in self.collections

    def require(self, scope: Scope) -> None:
        """Raise Forbidden if it may not ask this."""
        if scope not in self.scopes:
            raise Forbidden(
                f"this needs a key with scope {scope.value!r} (to {scope.sentence}); yours has "
                f"{', '.join(sorted(one.value for one in self.scopes))}"
            )

    def require_collection(self, name: str) -> None:
        """Raise Forbidden if it may not ask about a collection, whether there is one or not."""
        if not self.sees(name):
            raise Forbidden(f"this key is for {', '.join(self.collections)} and for no other collection")

    def require_whole(self) -> None:
        """Raise Forbidden unless it may ask about all collections."""
        if self.collections:
            raise Forbidden(
                f"this is about the whole gallery, and the key for {', '.join(self.collections)} alone. Make one "
                "without --collection"
            )
