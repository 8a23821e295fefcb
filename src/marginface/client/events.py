"""The record of identifications, and the word of a second key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from marginface.client.gallery_answers import AuditReport
from marginface.client.pages import items
from marginface.client.reading import read
from marginface.client.service_answers import Event
from marginface.client.transport import Call, Transport, path_of


@dataclass(frozen=True, slots=True)
class Events:
    """How a service was used, where it keeps a record of that; made by ``Client.events``."""

    transport: Transport = field(repr=False)

    def __iter__(self) -> Iterator[Event]:
        """Yield the events, the newest first."""
        return items(self.transport, "v1/events", Event)

    def of(self, action: str) -> Iterator[Event]:
        """Yield the events of a kind, the newest first: identification, confirmation, request, use, erasure, let-go."""
        return items(self.transport, "v1/events", Event, {"action": action})

    def waiting(self) -> Iterator[Event]:
        """Yield what waits for the word of this key, the newest first: matches, erasures and exports."""
        return items(self.transport, "v1/events/waiting", Event)

    def get(self, event: str) -> Event:
        """Return an event by its id, with what keys have said about it."""
        return read(Event, self.transport.json(Call("GET", path_of("v1", "events", event))))

    def confirm(self, event: str, *, agree: bool = True) -> Event:
        """Give the word of this key about a match, or about what another key has asked for."""
        path = path_of("v1", "events", event, "confirm")
        return read(Event, self.transport.json(Call("POST", path, json={"agree": agree})))

    def check(self, head: str | None = None) -> AuditReport:
        """Say whether the chain of the record holds, and whether an entry that was kept elsewhere is in it."""
        return read(AuditReport, self.transport.json(Call("GET", "v1/events/check", {"head": head})))
