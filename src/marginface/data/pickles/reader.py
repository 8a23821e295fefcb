"""The one kind of pickle that is read: lists, tuples, numbers, byte strings and flat byte arrays.

Python's ``pickle`` module does what a file tells it to; this one cannot. It walks the same opcodes (protocols 0 to 5,
as Lib/pickletools.py of CPython describes them), but a global is a name in ``_CALLS``, nothing is imported, and what
NumPy's names build is a value of this file. Any other opcode or name ends the reading. Byte strings are not copied:
they stay in the file as a Span. Lengths are checked against the file before they are used, a shape is never allocated,
no string is decoded twice and the number of opcodes is bounded, so a small file cannot ask for much memory or time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from marginface.data.pickles.span import Coding, Content, Span
from marginface.errors import DataError

# 14,000 images take 35,000 opcodes (protocol 4) to 480,000 (arrays in protocol 0); an image is a kilobyte or more.
MAX_OPCODES = 2_000_000
_FEW_OPCODES = 100_000  # that any file may have, besides one for 16 bytes of its size
_STOP = b"."
_LONGEST_NUMBER = 20  # characters of a number that is written as text
_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_BUFFERS = ("numpy.core.numeric", "numpy._core.numeric")
_BYTE_TYPES = {"u1": "u1", "|u1": "u1", "uint8": "u1", "b1": "b1", "|b1": "b1", "bool": "b1"}
_REFUSED = {
    b"P": "a persistent id", b"Q": "a persistent id", b"i": "an object", b"o": "an object", b"\x81": "an object",
    b"\x92": "an object", b"\x82": "an extension", b"\x83": "an extension", b"\x84": "an extension", b"d": "a dict",
    b"}": "a dict", b"s": "a dict", b"u": "a dict", b"\x8f": "a set", b"\x91": "a set", b"F": "a float",
    b"G": "a float",
}  # fmt: skip


@dataclass(slots=True)
class FlatArray:
    """A NumPy array of one axis, uint8 (``u1``) or bool (``b1``): one byte for each item.

    ``data`` is None until the pickle says what it is.
    """

    kind: str = ""
    data: Span | None = None


@dataclass(frozen=True, slots=True)
class _Global:
    module: str
    name: str


@dataclass(frozen=True, slots=True)
class _ByteType:
    kind: str


class _Machine:
    """The stack of a pickle; every method is an opcode or a part of one."""

    reads = "lists, tuples, numbers, byte strings and flat byte arrays"

    def __init__(self, content: Content, name: str) -> None:
        self.content, self.name, self.position, self.place = content, name, 0, 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.lengths: dict[Span, int] = {}

    def run(self) -> Any:
        limit = self.most_opcodes()
        for _ in range(limit):
            self.place = self.position
            opcode = self.take(1)
            if opcode == _STOP:
                return self.pop()
            action = self.action(opcode)
            if action is None:
                raise self.refusal(f"holds {_REFUSED.get(opcode, 'something else')} (opcode {opcode!r})")
            action(self)
        raise self.refusal(f"has more than {limit:,} opcodes, too many for its size")

    def most_opcodes(self) -> int:
        return min(_FEW_OPCODES + len(self.content) // 16, MAX_OPCODES)

    def action(self, opcode: bytes) -> Callable[[_Machine], None] | None:
        return _ACTIONS.get(opcode)

    def refusal(self, what: str) -> DataError:
        return DataError(
            f"{self.name}: at byte {self.place:,} this pickle {what}. Only {self.reads} are read; nothing in the file "
            "was run"
        )

    # the file

    def span(self, length: int, coding: Coding, *, is_text: bool = False) -> Span:
        start, stop = self.position, self.position + length
        if length < 0 or stop > len(self.content):
            left = len(self.content) - start
            raise self.refusal(f"asks for {length:,} bytes where {left:,} are left: it is truncated or damaged")
        self.position = stop
        return Span(start, stop, coding, is_text)

    def take(self, length: int) -> bytes:
        span = self.span(length, "bytes")
        return self.content[span.start : span.stop]

    def integer(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def line(self, coding: Coding = "bytes", *, is_text: bool = False) -> Span:
        end = self.content.find(b"\n", self.position)
        if end < 0:
            raise self.refusal("has a line without an end: it is truncated or damaged")
        span = self.span(end - self.position, coding, is_text=is_text)
        self.position = end + 1
        return span

    def read(self, span: Span) -> bytes:
        try:
            return span.read(self.content)
        except DataError as error:
            raise self.refusal(f"is damaged: {error}") from None

    def number(self) -> int:
        span = self.line()
        text = self.content[span.start : min(span.stop, span.start + _LONGEST_NUMBER + 1)]
        if not re.fullmatch(rb"-?[0-9]{1,19}L?", text):
            raise self.refusal(f"has {text!r} where a number is due")
        return int(text.rstrip(b"L"))

    def check_protocol(self) -> None:
        if (protocol := self.integer(1)) > 5:
            raise self.refusal(f"is of protocol {protocol}; known are 0 to 5")

    def frame(self) -> None:
        """Protocol 4 says how long the next part is; it is read like the rest."""
        self.span(self.integer(8), "bytes")
        self.position = self.place + 9

    # the stack

    def mark(self) -> None:
        self.marks.append(len(self.stack))

    def pop(self) -> Any:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise self.refusal("takes a value that is not there")
        return self.stack.pop()

    def drop(self) -> None:
        self.pop()

    def pop_many(self, count: int) -> tuple[Any, ...]:
        return tuple(self.pop() for _ in range(count))[::-1]

    def pop_marked(self) -> list[Any]:
        if not self.marks:
            raise self.refusal("takes values up to a mark that is not there")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def top(self) -> Any:
        value = self.pop()
        self.stack.append(value)
        return value

    def extend(self, values: list[Any]) -> None:
        target = self.top()
        if not isinstance(target, list):
            raise self.refusal("appends to what is no list")
        target.extend(values)

    def remember(self, key: int) -> None:
        self.memo[key] = self.top()

    def recall(self, key: int) -> None:
        if key not in self.memo:
            raise self.refusal(f"recalls value {key}, which it never kept")
        self.stack.append(self.memo[key])

    def word(self, value: Any) -> str:
        """Return a short name that the pickle holds as text or, from Python 2, as bytes."""
        if not isinstance(value, Span) or value.stop - value.start > 64:
            raise self.refusal("has something else where a name is due")
        return self.read(value).decode("latin-1")

    # names and what may be called

    def put_global(self, module: str, name: str) -> None:
        if (module, name) not in _CALLS and (module, name) != ("numpy", "ndarray"):
            raise self.refusal(f"names {ascii(f'{module}.{name}')[1:-1]}, which no pack needs")
        self.stack.append(_Global(module, name))

    def global_lines(self) -> None:
        module, name = self.word(self.line()), self.word(self.line())
        self.put_global(module, name)

    def global_words(self) -> None:
        module, name = self.pop_many(2)
        self.put_global(self.word(module), self.word(name))

    def call(self) -> None:
        function, arguments = self.pop_many(2)
        act = _CALLS.get((function.module, function.name)) if isinstance(function, _Global) else None
        if act is None or not isinstance(arguments, tuple):
            raise self.refusal("calls what cannot be called")
        self.stack.append(act(self, arguments))

    def build(self) -> None:
        target, state = self.pop_many(2)
        match target, state:
            case _ByteType(), (3, _, None, None, None, -1, -1, int()):
                self.stack.append(target)
            case FlatArray(data=None), (int(), shape, _ByteType(kind=kind), _, data):
                target.kind, target.data = kind, self.checked(shape, data)
                self.stack.append(target)
            case _:
                raise self.refusal("sets the state of something else than a flat byte array")

    def checked(self, shape: Any, data: Any) -> Span:
        """Return the bytes of an array, if its shape says as many."""
        if not isinstance(data, Span) or data.is_text:
            raise self.refusal("has an array without bytes")
        length = self.length(data)
        if shape != (length,):
            known = isinstance(shape, tuple) and all(type(size) is int for size in shape)
            sizes = str(shape)[:60] if known else "unknown"
            raise self.refusal(f"has an array of shape {sizes} over {length:,} bytes instead of ({length},)")
        return data

    def length(self, data: Span) -> int:
        if data.coding == "bytes":
            return data.stop - data.start
        if data not in self.lengths:
            self.lengths[data] = len(self.read(data))
        return self.lengths[data]


def _encode(machine: _Machine, arguments: tuple[Any, ...]) -> Span:
    """``_codecs.encode(text, "latin1")``: how Python 3 writes bytes in protocols 0 to 2."""
    match arguments:
        case (Span(is_text=True) as text, coding) if machine.word(coding) in ("latin1", "latin-1"):
            return replace(text, is_text=False)
    raise machine.refusal("encodes something else than a text as latin-1")


def _byte_type(machine: _Machine, arguments: tuple[Any, ...]) -> _ByteType:
    """``numpy.dtype("u1", False, True)``."""
    match arguments:
        case (Span() as code, 0 | 1, 0 | 1) if (kind := _BYTE_TYPES.get(machine.word(code))) is not None:
            return _ByteType(kind)
    raise machine.refusal("has a NumPy type that is neither uint8 nor bool")


def _empty_array(machine: _Machine, arguments: tuple[Any, ...]) -> FlatArray:
    """``_reconstruct(ndarray, (0,), b"b")``."""
    match arguments:
        case (_Global(module="numpy", name="ndarray"), (0,), Span()):
            return FlatArray()
    raise machine.refusal("makes something else than a NumPy array")


def _buffer_array(machine: _Machine, arguments: tuple[Any, ...]) -> FlatArray:
    """``_frombuffer(bytes, dtype, shape, order)``: protocol 5."""
    match arguments:
        case (data, _ByteType(kind=kind), shape, Span()):
            return FlatArray(kind, machine.checked(shape, data))
    raise machine.refusal("makes something else than a NumPy array")


def _scalar(machine: _Machine, arguments: tuple[Any, ...]) -> bool:
    """``scalar(dtype("b1"), one byte)``: a numpy.bool_."""
    match arguments:
        case (_ByteType(kind="b1"), Span(is_text=False) as data) if data.stop - data.start <= len(rb"\u0001"):
            value = machine.read(data)
            if value in (b"\0", b"\1"):
                return value == b"\1"
    raise machine.refusal("has a NumPy number that is not a bool")


_Call = Callable[[_Machine, tuple[Any, ...]], Any]
_CALLS: dict[tuple[str, str], _Call] = {
    ("_codecs", "encode"): _encode,
    ("numpy", "dtype"): _byte_type,
    **{(module, "_reconstruct"): _empty_array for module in _MODULES},
    **{(module, "scalar"): _scalar for module in _MODULES},
    **{(module, "_frombuffer"): _buffer_array for module in _BUFFERS},
}


def _boolean_or_number(machine: _Machine) -> None:
    """``I01`` and ``I00`` are how protocols 0 and 1 write booleans."""
    text = machine.content[machine.position : machine.position + 3]
    value = machine.number()
    machine.stack.append(bool(value) if text in (b"00\n", b"01\n") else value)


def _quoted(machine: _Machine) -> None:
    """Protocol 0 of Python 2: ``S'…'``, escaped as repr does."""
    span = machine.line("escaped")
    ends = machine.content[span.start : span.start + 1], machine.content[span.stop - 1 : span.stop]
    if span.stop - span.start < 2 or ends not in ((b"'", b"'"), (b'"', b'"')):
        raise machine.refusal("has a byte string without quotes")
    machine.stack.append(replace(span, start=span.start + 1, stop=span.stop - 1))


def _put(make: Callable[[_Machine], Any]) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(make(machine))


def _constant(*, value: tuple[()] | bool | None) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(value)


def _bytes(size: int, *, signed: bool = False) -> Callable[[_Machine], None]:
    return _put(lambda machine: machine.span(machine.integer(size, signed=signed), "bytes"))


def _text(size: int) -> Callable[[_Machine], None]:
    return _put(lambda machine: machine.span(machine.integer(size), "utf-8", is_text=True))


_ACTIONS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": _Machine.check_protocol,
    b"\x95": _Machine.frame,
    b"(": _Machine.mark,
    b"0": _Machine.drop,
    # values
    b"N": _constant(value=None),
    b"\x88": _constant(value=True),
    b"\x89": _constant(value=False),
    b"I": _boolean_or_number,
    b"L": _put(lambda m: m.number()),
    b"J": _put(lambda m: m.integer(4, signed=True)),
    b"K": _put(lambda m: m.integer(1)),
    b"M": _put(lambda m: m.integer(2)),
    b"\x8a": _put(lambda m: m.integer(m.integer(1), signed=True)),
    # byte strings: of Python 2, of Python 3, of protocol 5; then text
    b"S": _quoted,
    b"T": _bytes(4, signed=True),
    b"U": _bytes(1),
    b"B": _bytes(4),
    b"C": _bytes(1),
    b"\x8e": _bytes(8),
    b"\x96": _bytes(8),
    b"V": _put(lambda m: m.line("raw-unicode-escape", is_text=True)),
    b"X": _text(4),
    b"\x8c": _text(1),
    b"\x8d": _text(8),
    # lists and tuples
    b"]": lambda m: m.stack.append([]),
    b"l": _put(lambda m: m.pop_marked()),
    b"a": lambda m: m.extend([m.pop()]),
    b"e": lambda m: m.extend(m.pop_marked()),
    b")": _constant(value=()),
    b"t": _put(lambda m: tuple(m.pop_marked())),
    b"\x85": _put(lambda m: m.pop_many(1)),
    b"\x86": _put(lambda m: m.pop_many(2)),
    b"\x87": _put(lambda m: m.pop_many(3)),
    # memory
    b"p": lambda m: m.remember(m.number()),
    b"q": lambda m: m.remember(m.integer(1)),
    b"r": lambda m: m.remember(m.integer(4)),
    b"\x94": lambda m: m.remember(len(m.memo)),
    b"g": lambda m: m.recall(m.number()),
    b"h": lambda m: m.recall(m.integer(1)),
    b"j": lambda m: m.recall(m.integer(4)),
    # NumPy arrays
    b"c": _Machine.global_lines,
    b"\x93": _Machine.global_words,
    b"R": _Machine.call,
    b"b": _Machine.build,
}


def read_pickled(content: Content, name: str) -> Any:
    """Return what a pickle holds: lists, tuples, None, bool, int, Span and FlatArray; ``name`` is for messages.

    Raises:
        DataError: the pickle holds anything else, or is truncated.
    """
    return _Machine(content, name).run()
