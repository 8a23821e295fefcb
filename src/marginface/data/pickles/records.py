"""Pickled records, as older versions of deepface keep their embeddings: lists of dicts of texts, numbers and lists.

The reader is that of reader.py, whose machine this file extends: nothing in a file is run, and no name of any module
is known at all. Text becomes str here, and there are floats and dicts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from marginface.data.pickles.reader import _Machine
from marginface.data.pickles.span import Content, Span

_MOST_OPCODES = 50_000_000  # a number is one; 20,000 embeddings of 2,048 numbers are 41 million
_LONGEST_TEXT = 32_768


class RecordMachine(_Machine):
    """Reads dicts and floats too, and calls nothing."""

    reads = "lists, tuples, dicts, texts and numbers"

    def most_opcodes(self) -> int:
        """Return how many opcodes are read: a float is one opcode of nine bytes."""
        return min(1_000 + len(self.content), _MOST_OPCODES)

    def action(self, opcode: bytes) -> Callable[[Any], None] | None:
        """Return what an opcode does; None for one that records do not need."""
        if opcode in _FOR_CALLS:
            return None
        return _RECORDS.get(opcode) or super().action(opcode)

    def float_bytes(self) -> None:
        """Put a number of eight bytes, highest first."""
        self.stack.append(struct.unpack(">d", self.take(8))[0])

    def empty_dict(self) -> None:
        """Put an empty dict."""
        self.stack.append({})

    def dict_of(self) -> None:
        """Put a dict of the values up to the mark."""
        values = self.pop_marked()
        self.stack.append({})
        self.put_items(values)

    def put_item(self) -> None:
        """Put one entry into the dict on top."""
        self.put_items(list(self.pop_many(2)))

    def put_many(self) -> None:
        """Put the entries up to the mark into the dict on top."""
        self.put_items(self.pop_marked())

    def put_items(self, values: list[Any]) -> None:
        """Put keys and values in turn into the dict on top."""
        target = self.top()
        keys, entries = values[::2], values[1::2]
        if not isinstance(target, dict) or len(keys) != len(entries) or not all(type(key) is Span for key in keys):
            raise self.refusal("sets an entry of what is no dict of texts")
        target.update(zip(map(self.text, keys), entries, strict=True))

    def text(self, value: Any) -> str:
        """Return a text; raise DataError for anything else."""
        if not isinstance(value, Span) or value.stop - value.start > _LONGEST_TEXT:
            raise self.refusal("has something else where a text is due")
        if value.coding != "utf-8":
            return self.read(value).decode("latin-1")
        try:
            return bytes(self.content[value.start : value.stop]).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise self.refusal("has a text that is not Unicode") from None


_FOR_CALLS = frozenset((b"c", b"\x93", b"R", b"b"))
_RECORDS: dict[bytes, Callable[[RecordMachine], None]] = {
    b"G": RecordMachine.float_bytes,
    b"}": RecordMachine.empty_dict,
    b"d": RecordMachine.dict_of,
    b"s": RecordMachine.put_item,
    b"u": RecordMachine.put_many,
}


def read_pickled_records(content: Content, name: str) -> list[dict[str, Any] | list[Any]]:
    """Return a pickled list of dicts or lists; the texts in them are str. ``name`` is for messages.

    Raises:
        DataError: The pickle is anything else, or is truncated.
    """
    machine = RecordMachine(content, name)
    records = machine.run()
    if not isinstance(records, list) or not all(type(record) in (dict, list) for record in records):
        raise machine.refusal("holds something else than a list of records")
    return [_with_texts(machine, record) for record in records]


def _with_texts(machine: RecordMachine, record: dict[str, Any] | list[Any]) -> dict[str, Any] | list[Any]:
    if isinstance(record, dict):
        return {key: _plain(machine, value) for key, value in record.items()}
    return [_plain(machine, value) for value in record]


def _plain(machine: RecordMachine, value: Any) -> Any:
    return machine.text(value) if isinstance(value, Span) else value
