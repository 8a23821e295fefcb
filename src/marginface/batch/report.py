"""What came of a job: as lines for a person, and as the manifest and the list of what was left out, for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from marginface.batch.shard import LeftOut, Mark
from marginface.files import json_bytes, write_bytes, write_json
from marginface.words import plural

MANIFEST = "manifest.json"
LEFT_OUT = "left-out.jsonl"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class BatchReport:
    """All marks of a finished job, in the order of the shards.

    ``done_before`` images were done by an earlier call; ``unlisted`` are entries of the source that are no image or
    have no label, each with its reason.
    """

    destination: Path
    facts: dict[str, Any]
    marks: tuple[Mark, ...]
    done_before: int
    unlisted: tuple[str, ...] = ()

    @property
    def outcomes(self) -> dict[str, int]:
        """Return how many images had each outcome."""
        total: Counter[str] = Counter()
        for mark in self.marks:
            total.update(mark.outcomes)
        return dict(total)

    @property
    def left_out(self) -> Iterator[LeftOut]:
        """Every image that gave nothing, and every entry that could not be listed."""
        yield from (LeftOut(entry, "unlisted", "no image, or no label") for entry in self.unlisted)
        yield from (entry for mark in self.marks for entry in mark.left_out)

    @property
    def made(self) -> int:
        """How many images gave something."""
        return sum(mark.images - len(mark.left_out) for mark in self.marks)

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest: plain values for JSON."""
        shards = [
            {"file": mark.file, "size": mark.size, "sha256": mark.sha256, "images": mark.images - len(mark.left_out)}
            for mark in self.marks
            if mark.file is not None
        ]
        counts = {"made": self.made, "outcomes": self.outcomes, "unlisted": len(self.unlisted)}
        return {**self.facts, **counts, "shards": shards}

    def write(self) -> None:
        """Write the manifest and the list of what was left out beside the shards."""
        lines = "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in self.left_out)
        write_bytes(self.destination / LEFT_OUT, json_bytes(lines))
        write_json(self.destination / MANIFEST, self.to_dict())

    def summary(self) -> str:
        """Say in a few lines what happened and where to look."""
        before = f" ({self.done_before:,} were done by an earlier run)" if self.done_before else ""
        shards = len(self.to_dict()["shards"])
        lines = [
            f"{plural(self.facts['images'], 'image')}; {self.made:,} are in {plural(shards, 'shard')} in "
            f"{self.destination}{before}."
        ]
        for outcome in ("unlisted", *self.outcomes):
            entries = [entry for entry in self.left_out if entry.outcome == outcome]
            if entries:
                lines.append(f"{len(entries):,} {outcome}:")
                lines += [f"    {entry.image}: {entry.note}" for entry in entries[:_SHOWN]]
                lines += [f"    … {len(entries) - _SHOWN:,} more, all in {LEFT_OUT}"] if len(entries) > _SHOWN else []
        return "\n".join(lines)
