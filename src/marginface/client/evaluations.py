"""Evaluations that a service shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from marginface.client.evaluation_answers import Evaluation, EvaluationDetails
from marginface.client.pages import items
from marginface.client.reading import read
from marginface.client.transport import Call, Transport, path_of, report_address


@dataclass(frozen=True, slots=True)
class Evaluations:
    """Suites, comparisons and files of numbers in the folder of runs; made by ``Client.evaluations``."""

    transport: Transport = field(repr=False)

    def __iter__(self) -> Iterator[Evaluation]:
        """Yield the evaluations by kind, then by where they are."""
        return items(self.transport, "v1/evaluations", Evaluation)

    def of(self, kind: str) -> Iterator[Evaluation]:
        """Yield the evaluations of a kind: suite, comparison, sweep, pairs, calibration, audit and so on."""
        return items(self.transport, "v1/evaluations", Evaluation, {"kind": kind})

    def get(self, evaluation: str) -> EvaluationDetails:
        """Return every figure of an evaluation, by its id."""
        return read(EvaluationDetails, self.transport.json(Call("GET", path_of("v1", "evaluations", evaluation))))

    def report(self, evaluation: str) -> str:
        """Return the page of an evaluation, as HTML."""
        return self.transport.content(Call("GET", path_of("v1", "evaluations", evaluation, "report"))).decode()

    def report_address(self, evaluation: str) -> str:
        """Return an address under which a browser sees the page of an evaluation for a minute, without a key."""
        return report_address(self.transport, "evaluations", evaluation)

    def table(self, evaluation: str, table: str) -> bytes:
        """Return a table as the command wrote it: csv, json or tex; toml of a calibration."""
        return self.transport.content(Call("GET", path_of("v1", "evaluations", evaluation, "tables", table)))
