"""Damage to files: bytes turned, cut, doubled and put in from elsewhere; words and numbers that readers trip over.

A mutation is a function of a random generator and some files that are whole; the same seed gives the same damage.
"""

from __future__ import annotations

import io
import re
import sqlite3
import warnings
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from random import Random

Mutation = Callable[[Random, bytes], bytes]

_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**62, 2**63 - 1, 2**64 - 1)
_WORDS = (
    b"",
    b"0",
    b"-1",
    b"1e999",
    b"-1e999",
    b"nan",
    b"inf",
    b"1e-400",
    b"9" * 19,
    b"9" * 25,
    b"9" * 5000,
    b"0x10",
    b"1_0",
    "²".encode(),
    "٣".encode(),
    "５".encode(),
    b"true",
    b"null",
    b"None",
    b"[]",
    b"{}",
    b"[[[]]]",
    b"[" * 3000,
    b'{"a":' * 3000,
    b'"',
    b"'",
    b'"""',
    b"\\",
    b"\\u0000",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b",",
    b",,,",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"=",
    b"a.b=1",
    b"[a]",
    b"[[a]]",
    b"../../x",
    b"/",
    b"..",
    b"C:\\x",
    b"a" * 5000,
    b"%",
    b"%s",
    b"1979-05-27",
    b"07:32:00",
    b"1979-05-27T07:32:00Z",
    b"#",
    b";",
    b"-0",
    b"+1",
    b"1.",
    b".5",
    b"0.0",
    b"-5",
    b"10000000",
)
_PIECE = re.compile(rb"[\w.+-]+")


def flip_bits(random: Random, content: bytes) -> bytes:
    """Turn a few bits."""
    found = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4, 16)) if found else 0):
        found[random.randrange(len(found))] ^= 1 << random.randrange(8)
    return bytes(found)


def set_number(random: Random, content: bytes) -> bytes:
    """Write a number that is an edge of its type over 1, 2, 4 or 8 bytes."""
    size = random.choice((1, 2, 4, 8))
    if len(content) < size:
        return content
    at = random.randrange(len(content) - size + 1)
    if random.random() < 0.5:
        at = at // 4 * 4
    number = random.choice(_NUMBERS) % (1 << (8 * size))
    return content[:at] + number.to_bytes(size, random.choice(("little", "big"))) + content[at + size :]


def cut(random: Random, content: bytes) -> bytes:
    """Cut the file short."""
    return content[: random.randrange(len(content) + 1)]


def remove(random: Random, content: bytes) -> bytes:
    """Take a part out."""
    start, stop = _part(random, content)
    return content[:start] + content[stop:]


def double(random: Random, content: bytes) -> bytes:
    """Put a part in again, once or many times."""
    start, stop = _part(random, content)
    times = random.choice((1, 1, 2, 50))
    return content[:stop] + content[start:stop] * times + content[stop:]


def swap(random: Random, content: bytes) -> bytes:
    """Exchange two parts."""
    places = sorted(random.randrange(len(content) + 1) for _ in range(4))
    a, b, c, d = places
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def put_word(random: Random, content: bytes) -> bytes:
    """Put a word in the place of another, or between two."""
    word = random.choice(_WORDS)
    pieces = [found.span() for found in _PIECE.finditer(content[:200_000])]
    if pieces and random.random() < 0.8:
        start, stop = random.choice(pieces)
        return content[:start] + word + content[stop:]
    at = random.randrange(len(content) + 1)
    return content[:at] + word + content[at:]


def change_lines(random: Random, content: bytes) -> bytes:
    """Remove, double or exchange lines."""
    lines = content.split(b"\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    how = random.randrange(3)
    if how == 0:
        del lines[one]
    elif how == 1:
        lines.insert(other, lines[one])
    else:
        lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def inside_zip(random: Random, content: bytes) -> bytes:
    """Damage a member of a zip file, and write the file anew, so that its checksums fit."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, NotImplementedError, EOFError, RuntimeError):
        return flip_bits(random, content)
    if not members:
        return content
    place = random.randrange(len(members))
    name, inner = members[place]
    if random.random() < 0.15:
        del members[place]
    elif random.random() < 0.15:
        members[place] = (random.choice(members)[0] + random.choice(("", "x", "/", "..")), inner)
    else:
        members[place] = (name, once(random, inner, BINARY if random.random() < 0.5 else TEXT))
    written = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(written, "w") as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice: that is the damage
        for name, inner in members:
            archive.writestr(zipfile.ZipInfo(name), inner)
    return written.getvalue()


def inside_sqlite(random: Random, content: bytes) -> bytes:
    """Put a value of another kind into a row of a database, or take a row away."""
    with closing(sqlite3.connect(":memory:")) as connection, suppress(sqlite3.Error, UnicodeDecodeError, IndexError):
        connection.deserialize(content[:18] + b"\1\1" + content[20:])  # a write-ahead log is no use in memory
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = random.choice(tables)
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        rows = [row for (row,) in connection.execute(f'SELECT rowid FROM "{table}"')]
        if rows and random.random() < 0.15:
            connection.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (random.choice(rows),))
        elif rows:
            change = f'UPDATE "{table}" SET "{random.choice(columns)}" = ? WHERE rowid = ?'
            connection.execute(change, (_cell(random), random.choice(rows)))
        connection.commit()
        changed = connection.serialize()
        return changed[:18] + content[18:20] + changed[20:]
    return flip_bits(random, content)


def _cell(random: Random) -> object:
    word = random.choice(_WORDS)
    number = random.choice((0, -1, 1, 2, 2**31, 2**62, -(2**63)))
    return random.choice((None, number, 1.5, word, word.decode("utf-8", "replace"), str(number)))


BINARY: tuple[Mutation, ...] = (flip_bits, flip_bits, set_number, set_number, cut, remove, double, swap)
TEXT: tuple[Mutation, ...] = (put_word, put_word, put_word, change_lines, flip_bits, cut, remove, double)
SQLITE: tuple[Mutation, ...] = (*[inside_sqlite] * 6, flip_bits, set_number, cut)
ZIP: tuple[Mutation, ...] = (inside_zip, inside_zip, inside_zip, flip_bits, cut)


def once(random: Random, content: bytes, mutations: Sequence[Mutation]) -> bytes:
    """Damage a file in one way, or in a few."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        content = random.choice(mutations)(random, content)
    return content


def mutated(random: Random, seeds: Sequence[bytes], mutations: Sequence[Mutation]) -> bytes:
    """Return a damaged file, made from one of these; now and then from two."""
    content = random.choice(seeds)
    if random.random() < 0.1:
        other = random.choice(seeds)
        content = content[: random.randrange(len(content) + 1)] + other[random.randrange(len(other) + 1) :]
    return once(random, content, mutations)


def _part(random: Random, content: bytes) -> tuple[int, int]:
    start = random.randrange(len(content) + 1)
    return start, min(len(content), start + random.choice((1, 2, 4, 8, 64, 1024)))
