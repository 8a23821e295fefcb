"""data.json of a run: what it trains on, by identity, so that a resumed run can say what has changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from marginface.data.source import CropSource
from marginface.documents import parse_json
from marginface.errors import CheckpointError
from marginface.files import write_bytes
from marginface.training.feed.sources import TrainingData
from marginface.training.folder.names import DATA

SHOWN = 5  # names in a message


@dataclass(frozen=True, slots=True)
class DataRecord:
    """The fingerprint of the training crops, and the images of each identity, in the order of the labels."""

    fingerprint: str
    trained_on: dict[str, int]
    held_out: dict[str, int]

    @property
    def images(self) -> int:
        """Return how many images are trained on."""
        return sum(self.trained_on.values())

    def has_identities_of(self, other: DataRecord) -> bool:
        """Say whether each class center would be that of the same identity."""
        return list(self.trained_on) == list(other.trained_on)


def record_of(data: TrainingData) -> DataRecord:
    """Return the record of data that was opened."""
    held_out = {} if data.held_out is None else _counts(data.held_out)
    return DataRecord(data.fingerprint, _counts(data.train), held_out)


def write_record(record: DataRecord, out: Path) -> None:
    """Write data.json, whole or not at all."""
    text = json.dumps(asdict(record)) + "\n"  # ASCII: a name may hold bytes that are no UTF-8
    write_bytes(out / DATA, text.encode())


def read_record(out: Path) -> DataRecord | None:
    """Return what a run began with; None of a run from before there was a data.json.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = out / DATA
    if not path.is_file():
        return None
    try:
        return DataRecord(**parse_json(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise CheckpointError(
            f"{path}: not what a run writes there ({error}). Delete it: the fingerprint in the checkpoint then says "
            "whether the data is the same"
        ) from None


def difference(now: DataRecord, before: DataRecord) -> str:
    """Say what has changed: counts, then names of identities that are gone, new, or have more or fewer images.

    >>> began = DataRecord("1", {"Ann": 2, "Bob": 3}, {})
    >>> difference(DataRecord("2", {"Ann": 2, "Bob": 2}, {}), began)
    '4 images of 2 identities, the run began with 5 of 2. Other counts: Bob 3 → 2 images'
    """
    parts = [
        *_differences(now.trained_on, before.trained_on, ""),
        *_differences(now.held_out, before.held_out, "held-out "),
    ]
    if not parts:
        return (
            f"the same {len(now.trained_on):,} identities with as many images each; the content of images, their names "
            "or their order are others, or they are kept or checked in another way"
        )
    counts = (
        f"{now.images:,} images of {len(now.trained_on):,} identities, the run began with {before.images:,} of "
        f"{len(before.trained_on):,}"
    )
    return ". ".join([counts, *parts])


def _differences(now: dict[str, int], before: dict[str, int], kind: str) -> list[str]:
    gone = [name for name in before if name not in now]
    new = [name for name in now if name not in before]
    both = ((name, before[name], now[name]) for name in now if name in before)
    other = [f"{name} {then} → {count} images" for name, then, count in both if then != count]
    named = {f"Gone {kind}identities": gone, f"New {kind}identities": new, f"Other {kind}counts": other}
    return [f"{title}: {_first(names)}" for title, names in named.items() if names]


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _counts(source: CropSource) -> dict[str, int]:
    counts = np.bincount(source.labels, minlength=len(source.identities)).tolist()
    return dict(zip(source.identities, counts, strict=True))
