from __future__ import annotations

import os
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marginface.data.pickles import reader
from marginface.data.pickles.reader import FlatArray, read_pickled
from marginface.data.pickles.span import Span
from marginface.errors import DataError
from oracles.packs import python2_pickle

AWKWARD = [b"\xff\xd8'\\x41\\\n\r\t\x00\"\x1a img", bytes(range(256)), b"'", b'"', b"\\", b"x" * 300, b"\\u0041"]
VALUE = (AWKWARD, [True, False, 1, 0, -7, 255, 256, 65536, -(2**31), 2**40, None], (), [], (1,), (1, (2, [3])))


def plain(value: Any, content: bytes) -> Any:
    """Return what was read as Python values."""
    if isinstance(value, Span):
        return value.read(content)
    if isinstance(value, FlatArray):
        assert value.data is not None
        return np.frombuffer(value.data.read(content), dtype=value.kind)
    return type(value)(plain(part, content) for part in value) if isinstance(value, list | tuple) else value


def read(content: bytes) -> Any:
    return plain(read_pickled(content, "x.bin"), content)


WRITERS: dict[str, Callable[[Any], bytes]] = {
    **{f"python3 C {protocol}": lambda value, p=protocol: pickle.dumps(value, p) for protocol in range(6)},  # type: ignore[misc]
    **{f"python3 {protocol}": lambda value, p=protocol: pickle._dumps(value, p) for protocol in range(6)},  # type: ignore[misc,attr-defined]
    **{f"python2 {protocol}": lambda value, p=protocol: python2_pickle(value, p) for protocol in range(3)},  # type: ignore[misc]
}


@pytest.mark.parametrize("writer", WRITERS)
def test_plain_values_are_what_pickle_reads(writer: str) -> None:
    content = WRITERS[writer](VALUE)
    expected = pickle.loads(content, encoding="bytes")
    assert expected == VALUE
    found = read(content)
    assert found == VALUE
    assert [type(item) for item in found[1]] == [type(item) for item in VALUE[1]]


@pytest.mark.parametrize("writer", WRITERS)
def test_arrays_and_booleans_of_numpy_are_what_pickle_reads(writer: str) -> None:
    array, other = np.frombuffer(AWKWARD[1], np.uint8), np.arange(70_000).astype(np.uint8)
    bits = np.array([True, False, True])
    content = WRITERS[writer](([array, other, array], bits, [np.True_, np.False_]))
    first, second = read(content)[0][:2]
    np.testing.assert_array_equal(first, array)
    np.testing.assert_array_equal(second, other)
    assert read(content)[1].tolist() == [True, False, True]
    assert read(content)[2] == [True, False]


def test_names_of_numpy_before_and_after_version_2_are_known() -> None:
    content = python2_pickle([np.arange(5, dtype=np.uint8), np.True_], 2)
    for old, new in ((b"numpy._core", b"numpy.core"), (b"numpy.core", b"numpy._core")):
        array, flag = read(content.replace(old, new))
        assert (array.tolist(), flag) == ([0, 1, 2, 3, 4], True)


# what is refused


class Evil:
    """An object that runs a function when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.open, (str(self.path), os.O_CREAT | os.O_WRONLY)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("wrap", [lambda evil: evil, lambda evil: ([b"a", evil], [True]), lambda evil: ([], [evil])])
def test_a_pickle_that_runs_a_function_is_refused_and_nothing_runs(
    tmp_path: Path, protocol: int, wrap: Callable[[Any], Any]
) -> None:
    place = tmp_path / "owned"
    content = pickle.dumps(wrap(Evil(place)), protocol)
    with pytest.raises(DataError, match=r"x.bin: at byte \d+ this pickle names (posix|nt)\.open, which no pack needs"):
        read(content)
    assert not place.exists()
    pickle.loads(content)  # the control: Python's own reader runs it
    assert place.exists()


def global0(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def array_of(shape: bytes, dtype: bytes, data: bytes = b"U\x02ab") -> bytes:
    made = global0("numpy.core.multiarray", "_reconstruct") + global0("numpy", "ndarray") + b"K\x00\x85U\x01b\x87R"
    return made + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb."


U1 = global0("numpy", "dtype") + b"U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
TEXT = b"X\x02\x00\x00\x00ab"
HOSTILE = {
    "os.system": (global0("os", "system") + b"(S'true'\ntR.", r"names os\.system"),
    "eval": (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", r"names builtins\.eval"),
    "eval of Python 2": (global0("__builtin__", "eval") + b"(S'1'\ntR.", r"names __builtin__\.eval"),
    "a dotted name": (b"\x80\x04\x8c\x05numpy\x8c\x0edtype.__init__\x93.", r"names numpy\.dtype\.__in"),
    "a call within a call": (
        global0("_codecs", "encode") + global0("os", "getcwd") + b")R" + TEXT + b"\x86R.",
        r"names os\.getcwd",
    ),
    "the result of a call is called": (
        global0("_codecs", "encode") + TEXT + b"X\x06\x00\x00\x00latin1\x86R" + b")R.",
        "calls what cannot be called",
    ),
    "a list is called": (b"])R.", "calls what cannot be called"),
    "ndarray is called": (global0("numpy", "ndarray") + b"K\x09\x85R.", "calls what cannot be called"),
    "arguments that are no tuple": (global0("_codecs", "encode") + b"]R.", "calls what cannot be called"),
    "a codec that unpacks": (global0("_codecs", "encode") + TEXT + b"X\x04\x00\x00\x00zlib\x86R.", "as latin-1"),
    "decode of _codecs": (global0("_codecs", "decode") + TEXT + b"\x85R.", r"names _codecs\.decode"),
    "an object as INST": (b"(ios\nsystem\n.", "holds an object"),
    "an object as OBJ": (b"(" + global0("numpy", "dtype") + b"o.", "holds an object"),
    "an object as NEWOBJ": (global0("numpy", "dtype") + b")\x81.", "holds an object"),
    "an object as NEWOBJ_EX": (global0("numpy", "dtype") + b")}\x92.", "holds a dict"),
    "a persistent id": (b"Pos.system\n.", "holds a persistent id"),
    "a persistent id from the stack": (b"U\x01aQ.", "holds a persistent id"),
    "an extension code": (b"\x80\x02\x82\x01.", "holds an extension"),
    "a dict": (b"}.", "holds a dict"),
    "a float": (b"F1.5\n.", "holds a float"),
    "an out-of-band buffer": (b"\x80\x05\x97.", "holds something else"),
    "a huge array": (array_of(b"\x8a\x06\x00\x00\x00\x00\x00\x10\x85", U1), r"shape \(17592186044416,\) over 2 bytes"),
    "an array of many axes": (array_of(b"(" + b"K\x01" * 40 + b"t", U1), r"an array of shape \(1, 1, 1.* over 2 bytes"),
    "an array with a shape that is no shape": (array_of(b"N\x85", U1), "an array of shape unknown"),
    "an array of objects": (array_of(b"K\x02\x85", U1.replace(b"U\x02u1", b"U\x02O8")), "neither uint8 nor bool"),
    "an array of a list": (array_of(b"K\x00\x85", U1, b"]"), "an array without bytes"),
    "an array of text": (array_of(b"K\x02\x85", U1, TEXT), "an array without bytes"),
    "a type with fields": (U1.replace(b"|NNN", b"|NN)") + b".", "sets the state of something else"),
    "the state of a list": (b"]]b.", "sets the state of something else"),
    "the state of an array, twice": (
        array_of(b"K\x02\x85", U1)[:-1] + b"(K\x01K\x02\x85" + U1 + b"\x89U\x02abtb.",
        "state",
    ),
    "a number of NumPy that holds a pickle": (
        global0("numpy.core.multiarray", "scalar") + global0("numpy", "dtype") + b"U\x01OK\x00K\x01\x87RU\x01a\x86R.",
        "neither uint8 nor bool",
    ),
    "a bool of 2": (
        global0("numpy.core.multiarray", "scalar") + U1.replace(b"u1", b"b1") + b"U\x01\x02\x86R.",
        "a NumPy number that is not a bool",
    ),
    "bytes beyond the end": (
        b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"a.",
        "asks for 4,611,.* bytes where 2 ",
    ),
    "a text beyond the end": (b"\x80\x04\x8d" + (2**63).to_bytes(8, "little") + b"a.", "bytes where 2 are left"),
    "a frame beyond the end": (b"\x80\x04\x95" + (2**60).to_bytes(8, "little") + b"].", "bytes where 2 are left"),
    "a negative length": (b"T\xff\xff\xff\xffa.", "asks for -1 bytes"),
    "a number of a million digits": (b"I" + b"9" * 1_000_000 + b"\n.", "where a number is due"),
    "a long of a million bytes": (b"\x80\x02\x8b\x40\x42\x0f\x00" + b"\x7f" * 1_000_000 + b".", "holds something else"),
    "a number that is none": (b"Ione\n.", "where a number is due"),
    "a string without quotes": (b"Sab\n.", "without quotes"),
    "a string of one quote": (b"S'\n.", "without quotes"),
    "protocol 6": (b"\x80\x06].", "of protocol 6"),
    "a value never kept": (b"h\x07.", "recalls value 7"),
    "nothing to return": (b".", "takes a value that is not there"),
    "a value below a mark": (b"](0.", "takes a value that is not there"),
    "no mark": (b"t.", "a mark that is not there"),
    "an append to a tuple": (b")]a.", "appends to what is no list"),
    "a name of another kind": (b"\x80\x04]]\x93.", "where a name is due"),
    "a name that is very long": (b"\x80\x04U\x01aU\xff" + b"a" * 255 + b"\x93.", "where a name is due"),
    "an empty file": (b"", "asks for 1 bytes where 0 are left"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_no_pack_needs_is_refused_with_the_place(what: str) -> None:
    content, message = HOSTILE[what]
    with pytest.raises(DataError, match=rf"x.bin: at byte [\d,]+ this pickle .*{message}.*nothing in the file was run"):
        read(content)


@pytest.mark.parametrize("escape", [b"\\q", b"\\x4", b"\\"])
def test_an_escape_that_python_2_never_wrote_is_refused(escape: bytes) -> None:
    span = read_pickled(b"S'" + escape + b"'\n.", "x.bin")
    with pytest.raises(DataError, match="no escaped text"):
        span.read(b"S'" + escape + b"'\n.")


def test_text_that_no_bytes_are_written_as_is_refused() -> None:
    content = pickle.dumps("€", 4)
    with pytest.raises(DataError, match="no utf-8 text"):
        read(content)


def test_a_small_file_cannot_ask_for_much_memory() -> None:
    laughs = b"\x80\x04]\x94" + b"".join(b"(" + (b"h" + bytes([n])) * 10 + b"t\x94" for n in range(60))
    bombs = [
        laughs + b".",  # 10 ** 60 items if it were written out
        b"]r\xff\xff\xff\xff.",  # a memo of four billion places, if it were an array
        b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b"a",
        HOSTILE["a huge array"][0],
    ]
    tracemalloc.start()
    try:
        for bomb in bombs:
            try:
                read_pickled(bomb, "x.bin")
            except DataError:
                continue
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_the_number_of_opcodes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = b"]" + b"C\x00" * 300_000 + b"."
    with pytest.raises(DataError, match=f"has more than {100_000 + len(bomb) // 16:,} opcodes, too many for its size"):
        read(bomb)
    monkeypatch.setattr(reader, "MAX_OPCODES", 50)
    assert read(b"]" + b"]0" * 24 + b".") == []
    with pytest.raises(DataError, match="has more than 50 opcodes"):
        read(b"]" + b"]0" * 25 + b".")


def test_a_text_that_many_arrays_name_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    array = array_of(b"K\x02\x85", U1, b"h\x00")[:-1]
    content = global0("_codecs", "encode") + TEXT + b"X\x06\x00\x00\x00latin1\x86Rq\x000]" + (array + b"a") * 100 + b"."
    reads: list[Span] = []
    decode = Span.read
    monkeypatch.setattr(Span, "read", lambda span, content: (reads.append(span), decode(span, content))[1])
    assert len(read_pickled(content, "x.bin")) == 100
    assert len([span for span in reads if span.coding == "utf-8" and span.stop - span.start == 2]) == 1


def test_a_name_cannot_write_to_the_terminal() -> None:
    with pytest.raises(DataError, match=r"names os\.\\x1b\[2Jsystem,") as caught:
        read(b"\x80\x04\x8c\x02os\x8c\x0a\x1b[2Jsystem\x93.")
    assert "\x1b" not in str(caught.value)


def test_lists_within_lists_end_without_a_deep_call_stack() -> None:
    depth = 90_000
    found = read_pickled(b"]" * depth + b"a" * (depth - 1) + b".   " + b" " * 16 * depth, "x.bin")
    assert len(found) == 1


def test_a_list_that_holds_itself_ends() -> None:
    found = read_pickled(b"]q\x00h\x00a.", "x.bin")
    assert found[0] is found


@pytest.mark.parametrize("writer", WRITERS)
def test_every_beginning_of_a_pickle_is_refused(writer: str) -> None:
    content = WRITERS[writer](([b"image one", np.arange(9, dtype=np.uint8)], [True, np.False_]))
    read(content)
    for length in range(len(content)):
        with pytest.raises(DataError):
            read(content[:length])


@pytest.mark.parametrize("writer", WRITERS)
def test_damaged_bytes_give_values_or_a_data_error_and_nothing_else(writer: str) -> None:
    random = np.random.default_rng(0)
    content = np.frombuffer(WRITERS[writer](([b"ab", np.arange(3, dtype=np.uint8)], [True, np.False_])), np.uint8)
    refused = 0
    for _ in range(1500):
        damaged = content.copy()
        damaged[random.integers(len(content), size=random.integers(1, 4))] = random.integers(256)
        try:
            read_pickled(damaged.tobytes(), "x.bin")
        except DataError:
            refused += 1
    assert refused > 500
