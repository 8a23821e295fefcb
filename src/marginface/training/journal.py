"""The journal of a run: JSON lines, one object per step, flushed at once, so that a kill loses no finished step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from marginface.errors import CheckpointError


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the records of a journal; a last line that was cut off by a crash is left out.

    Raises:
        CheckpointError: a line before the last is no JSON object.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number < len(lines):
                raise CheckpointError(
                    f"{path}: line {number} is no JSON ({error.msg}). A journal has one object a line; delete the line."
                ) from None
    return records


def truncate_journal(path: Path, step: int) -> None:
    """Leave only the records up to a step, so that after a resume each step stands once."""
    kept = [record for record in read_journal(path) if record["step"] <= step]
    partial = path.with_suffix(".partial")
    partial.write_text("".join(_line(record) for record in kept), encoding="utf-8")
    partial.replace(path)


class Journal:
    """Appends records to a file; use it as a context."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: TextIO | None = None

    def __enter__(self) -> Journal:
        self._stream = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one record and hand it to the operating system."""
        assert self._stream is not None, "a journal is written inside its with block"
        self._stream.write(_line(record))
        self._stream.flush()


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"
