"""How far a suite is, in a file of its folder: for those who look while it runs, and after it was stopped.

Which protocols there are stands in a list that only the user has; a folder of results alone could not say how many are
to come. No name of a protocol's own file has a dot in it, so this one is nobody else's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from marginface.evaluation.kinds import Entry
from marginface.evaluation.suite.plan import Suite
from marginface.files import write_json

PROGRESS = "suite.progress.json"
_EVERY = 1.0  # seconds between two times that images are counted


class SuiteProgress:
    """Writes down which protocols wait, run and are done, and how many images of the running one.

    Args:
        out: The folder of the results.
        suite: The list.
    """

    def __init__(self, out: Path, suite: Suite) -> None:
        self._path = out / PROGRESS
        self._rows: dict[str, dict[str, Any]] = {
            entry.file_name: {"name": entry.name, "kind": entry.kind, "file": entry.file_name, "state": "waiting"}
            for entry in suite.protocol
        }
        self._told: dict[str, Any] = {"suite": suite.name, "model": "", "protocols": list(self._rows.values())}
        self._write()

    def begin(self, entry: Entry, model: str) -> None:
        """A protocol begins, on a model."""
        self._told["model"] = model
        self._rows[entry.file_name]["state"] = "running"
        self._write()

    def end(self, entry: Entry) -> None:
        """A protocol is done."""
        row = self._rows[entry.file_name]
        row["state"] = "done"
        row.pop("images", None)
        self._write()

    def counting(self, progress: Callable[[int, int], None] | None) -> Callable[[int, int], None]:
        """Return a progress of images that counts here too, once a second at most."""
        last = 0.0

        def count(done: int, total: int) -> None:
            nonlocal last
            if progress is not None:
                progress(done, total)
            if (now := time.monotonic()) - last >= _EVERY:
                last = now
                self._count(done, total)

        return count

    def _count(self, done: int, total: int) -> None:
        for row in self._rows.values():
            if row["state"] == "running":
                row["images"] = [done, total]
        self._write()

    def _write(self) -> None:
        write_json(self._path, self._told)
