"""The journal of a run: JSON lines, one object per step, flushed at once, so that a kill loses no finished step."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import UnionType
from typing import Any, TextIO

from marginface.documents import parse_json
from marginface.errors import CheckpointError
from marginface.files import write_bytes

_MANY_EPOCHS = 1e9
# What others reckon with, where a record has it.
_NUMBERS = ("loss", "epoch", "train_accuracy", "accuracy_mean", "accuracy_pairs", "total_steps")


def read_journal(path: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> list[dict[str, Any]]:
    """Return the records of a journal; a last line that was cut off by a crash is left out.

    Args:
        path: The file; without one there are no records.
        read: Gives the content of a file.

    Raises:
        CheckpointError: a line before the last is no JSON object.
    """
    if not path.exists():
        return []
    lines = read(path).decode("utf-8", "replace").rstrip("\r\n").split("\n")
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines if lines != [""] else [], start=1):
        try:
            records.append(_record(line))
        except ValueError as error:
            if number < len(lines):
                raise CheckpointError(
                    f"{path}: line {number} is no JSON ({error}). A journal has one object a line; delete the line."
                ) from None
    return records


def _record(line: str) -> dict[str, Any]:
    """Return the object of a line; raise ValueError if it is none, or of no step."""
    record = parse_json(line)
    if not isinstance(record, dict) or type(record.get("step")) is not int:
        raise ValueError("an object with a step is expected")
    wrong = next((key for key in _NUMBERS if not isinstance(record.get(key), int | float | None)), None)
    ends = record.get("accuracy_interval") or [0.0, 0.0]
    if wrong is not None or not 0 <= (record.get("epoch") or 0) < _MANY_EPOCHS:
        raise ValueError(f"{wrong or 'epoch'} is no number")
    if not _is_list(ends, int | float) or len(ends) != 2 or not _is_list(record.get("notes", []), str):
        raise ValueError("accuracy_interval is no pair of numbers, or notes no list of texts")
    return record


def _is_list(value: object, kind: type | UnionType) -> bool:
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)


def truncate_journal(path: Path, step: int, notes: Sequence[str] = ()) -> None:
    """Leave only the records up to a step, so that after a resume each step stands once.

    ``notes`` are added to those of the last record that stays: what was changed after it.
    """
    kept = [record for record in read_journal(path) if record["step"] <= step]
    if kept and notes:
        kept[-1]["notes"] = [*kept[-1].get("notes", ()), *notes]
    write_bytes(path, "".join(map(_line, kept)).encode())


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
        """Append one record and hand it to the operating system.

        Raises:
            OSError: the disk is full, or the like; it names the journal.
        """
        assert self._stream is not None, "a journal is written inside its with block"
        try:
            self._stream.write(_line(record))
            self._stream.flush()
        except OSError as error:
            self._abandon()
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _abandon(self) -> None:
        """Close the file without writing again what it did not take."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"
