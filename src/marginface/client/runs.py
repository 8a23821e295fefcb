"""Training runs that a service shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from marginface.client.pages import pages
from marginface.client.transport import Call, Transport


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs in the folder that the service was started with; made by ``Client.runs``."""

    transport: Transport = field(repr=False)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the runs."""
        return pages(self.transport, "v1/runs")

    def get(self, run: str) -> Any:
        """Return a run by its id."""
        return self.transport.json(Call("GET", _path(run)))

    def journal(self, run: str, *, after: int | None = None, points: int | None = None) -> Any:
        """Return what a run has written since a step: a run that trains goes on writing."""
        return self.transport.json(Call("GET", f"{_path(run)}/journal", {"after": after, "points": points}))

    def ticket(self, run: str) -> str:
        """Return the right to see the report of a run for a minute: a browser asks for report?ticket=… then."""
        return str(self.transport.json(Call("POST", f"{_path(run)}/ticket"))["ticket"])

    def report(self, run: str) -> str:
        """Return the page of an evaluation, as HTML."""
        return self.transport.content(Call("GET", f"{_path(run)}/report")).decode()


def _path(run: str) -> str:
    return f"v1/runs/{quote(run, safe='')}"
