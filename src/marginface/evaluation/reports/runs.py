"""What a report is about, as plain values: training, the demo and ``marginface evaluate`` fill them alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marginface.errors import InputError
from marginface.evaluation.protocols.pairs import PairResult
from marginface.evaluation.reading import CropReader
from marginface.metrics import Roc, roc
from marginface.values import BoolArray, DoubleArray, ImageArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class ErrorPair:
    """A pair decided wrong: two crops (112, 112, 3), their similarity and their names."""

    first: ImageArray
    second: ImageArray
    similarity: float
    names: tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """What a run scored on one protocol.

    ``numbers`` are PairResult.to_dict() (or ``{"protocol": name, **PairScores.to_dict()}``); similarities and genuine
    (P,) are those of its pairs; the error pairs are shown as they come.
    """

    numbers: Mapping[str, Any]
    similarities: DoubleArray
    genuine: BoolArray
    false_matches: Sequence[ErrorPair] = ()
    false_non_matches: Sequence[ErrorPair] = ()

    @property
    def protocol(self) -> str:
        """Return the name of the protocol."""
        return str(self.numbers["protocol"])

    @property
    def roc(self) -> Roc:
        """Return the exact ROC."""
        return roc(self.similarities[self.genuine], self.similarities[~self.genuine])


@dataclass(frozen=True, slots=True, eq=False)
class RunSummary:
    """One run: its name in the legends, what it is, its recipe (section → key → value), journal and measurements.

    ``journal`` records hold ``step`` and any of the keys that ``plots.training_figure`` draws.
    """

    name: str
    description: str = ""
    recipe: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipe_toml: str = ""
    journal: Sequence[Mapping[str, Any]] = ()
    measurements: Sequence[Measurement] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RunReport:
    """A page: title, a summary in a sentence or two, runs to compare, environment, data and the command."""

    title: str
    summary: str
    runs: Sequence[RunSummary]
    environment: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""

    def __post_init__(self) -> None:
        names = [run.name for run in self.runs]
        if not names or len(set(names)) != len(names):
            raise InputError(f"a report has one run or more with different names; got {names}")


def measure(result: PairResult, read_crop: CropReader, *, hardest: int = 6) -> Measurement:
    """Return the measurement of a result with its hardest errors, whose crops are read again."""
    false_matches, false_non_matches = result.hardest(hardest)
    return Measurement(
        numbers=result.to_dict(),
        similarities=result.similarities,
        genuine=result.scores.genuine,
        false_matches=_error_pairs(result, false_matches, read_crop),
        false_non_matches=_error_pairs(result, false_non_matches, read_crop),
    )


def _error_pairs(result: PairResult, chosen: IntArray, read_crop: CropReader) -> tuple[ErrorPair, ...]:
    found = []
    for pair in chosen:
        paths = [result.pairs.images[index[pair]] for index in (result.pairs.first, result.pairs.second)]
        crops = [crop for path in paths if (crop := read_crop(path)) is not None]
        if len(crops) == 2:
            names = (result.short_name(paths[0]), result.short_name(paths[1]))
            found.append(ErrorPair(crops[0], crops[1], float(result.similarities[pair]), names))
    return tuple(found)
