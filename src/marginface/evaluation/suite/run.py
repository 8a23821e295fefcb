"""Do the protocols of a suite that are not done, and keep each result whole.

OUT/
    PROTOCOL.json       the numbers, and the key of what they are of: settings, data, way of cropping, contract;
                        where the model comes from (of a training its recipe's hash), who of its people is measured
    PROTOCOL.csv, .npz  the similarities of a pair protocol, the crops of its hardest errors; of templates the .npz is
                        how many pairs have which similarity
    embeddings.sqlite   embeddings by content and contract
    suite.progress.json which protocols there are, and how far they are
    results.csv, .json, .tex   one table of all
    report.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marginface.documents import parse_json
from marginface.evaluation.kinds import Entry, Tools
from marginface.evaluation.kinds.audit import training_of
from marginface.evaluation.suite.plan import Suite
from marginface.evaluation.suite.progress import SuiteProgress
from marginface.evaluation.suite.state import data_state
from marginface.files import write_json

if TYPE_CHECKING:
    from marginface.embedding import Embedder

FORMAT = 4  # of the kept numbers; those of another are made again


@dataclass(frozen=True, slots=True)
class Done:
    """A protocol that is done: its entry and its numbers."""

    entry: Entry
    numbers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """All protocols of a suite on one model."""

    model: str
    suite: str
    done: tuple[Done, ...]


def run_suite(suite: Suite, out: Path, tools: Tools) -> SuiteResult:
    """Run every protocol that is not done in ``out`` under the same settings, data and contract; what is done is read.

    Raises:
        MarginfaceError: a protocol cannot be run; those before it are kept.
    """
    out.mkdir(parents=True, exist_ok=True)
    done, model, told = [], "", SuiteProgress(out, suite)
    for number, entry in enumerate(suite.protocol, 1):
        embedder = tools.embedder(entry.sums_mirror(suite.mirror))
        model, key = embedder.card.name, _key(entry, embedder, tools.reading(aligned=False), data_state(entry, out))
        place = out / f"{entry.file_name}.json"
        numbers = _kept(place, key) if entry.is_kept(out) else None
        told.begin(entry, model)
        tools.tell(f"{entry.name} ({number} of {len(suite.protocol)}){': done before' if numbers else ''}")
        if numbers is None:
            place.unlink(missing_ok=True)  # what lies beside it is of another key from here on
            seen = replace(tools, progress=told.counting(tools.progress))
            about = training_of(embedder.card, entry.audit)
            named = {"key": key, "name": entry.name, "kind": entry.kind, **about}
            numbers = {**named, **entry.measure(embedder, out, seen)}
            write_json(place, numbers)
        told.end(entry)
        done.append(Done(entry, numbers))
    return SuiteResult(model, suite.name, tuple(done))


def _key(entry: Entry, embedder: Embedder, reading: str, data: str) -> str:
    """Return what a result is of: its settings, the data as they are now, how they are read, and the contract."""
    text = f"{FORMAT}|{entry.model_dump_json()}|{data}|{reading}|{embedder.contract.id}"
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(place: Path, key: str) -> dict[str, Any] | None:
    """Return the numbers of a protocol if they are of this key."""
    try:
        numbers = parse_json(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return numbers if isinstance(numbers, dict) and numbers.get("key") == key else None
