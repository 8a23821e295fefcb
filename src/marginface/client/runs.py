"""Training runs that a service shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from marginface.client.pages import items
from marginface.client.reading import read
from marginface.client.service_answers import Curve, Run, RunDetails
from marginface.client.transport import Call, Transport, path_of, report_address


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs in the folder that the service was started with; made by ``Client.runs``."""

    transport: Transport = field(repr=False)

    def __iter__(self) -> Iterator[Run]:
        """Yield the runs by where they are."""
        return items(self.transport, "v1/runs", Run)

    def get(self, run: str) -> RunDetails:
        """Return all that a run says, by its id."""
        return read(RunDetails, self.transport.json(Call("GET", path_of("v1", "runs", run))))

    def journal(self, run: str, *, after: int | None = None, points: int | None = None) -> Curve:
        """Return the curve of a run after a step, in at most so many points."""
        query = {"after": after, "points": points}
        return read(Curve, self.transport.json(Call("GET", path_of("v1", "runs", run, "journal"), query)))

    def report(self, run: str) -> str:
        """Return the page of a run's report, as HTML."""
        return self.transport.content(Call("GET", path_of("v1", "runs", run, "report"))).decode()

    def report_address(self, run: str) -> str:
        """Return an address under which a browser sees the report of a run for a minute, without a key."""
        return report_address(self.transport, "runs", run)
