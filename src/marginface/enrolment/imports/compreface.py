"""CompreFace: the tables of its PostgreSQL database, as pg_dump writes them, or as CSV or JSON.

    .sql    pg_dump --data-only --table=subject --table=embedding --table=img (plain text)
    .csv    columns subject_name, embedding ({0.1,…} or [0.1,…]) and, if you like, calculator and image (hex or base64)
    .json   a list of {"subject", "embedding", "calculator", "image"}, or that list under "faces"

Its REST API lists faces by id, without vectors and photos: that list is of no use here.
"""

from __future__ import annotations

import base64
import binascii
import csv
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from marginface.contract import foreign_contract
from marginface.documents import parse_json
from marginface.enrolment.imports.foreign import ForeignFace, ForeignFaces, checked_vector, require_maker
from marginface.errors import DataError, InputError

_COPY = re.compile(r'COPY (?:public\.|"public"\.)?"?(subject|embedding|img)"? \(([^)]*)\) FROM stdin;')
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NEEDED = {"subject": {"id", "subject_name"}, "embedding": {"id", "subject_id", "embedding", "calculator"}}
_LONGEST_CELL = 1 << 30
_QUERY = (
    "SELECT s.subject_name, e.calculator, e.embedding, encode(i.content, 'hex') AS image FROM embedding e JOIN "
    "subject s ON s.id = e.subject_id LEFT JOIN img i ON i.id = e.img_id"
)

Row = Mapping[str, Any]


def read_compreface(path: Path, made_by: str = "") -> ForeignFaces:
    """Return the faces of a dump of CompreFace.

    Args:
        path: .sql, .csv or .json.
        made_by: The calculator whose vectors are wanted; needed where there are several, or none is said.

    Raises:
        DataError: It is none of these, or damaged.
        InputError: It is not said which calculator made the vectors.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path}: expected a dump of CompreFace: {', '.join(_READERS)}. As CSV: \\copy ({_QUERY}) TO f.csv"
        )
    try:
        rows = list(reader(path))
    except OSError as error:
        raise DataError(f"{path}: cannot open this file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: this is no text in UTF-8") from None
    calculator = _calculator(path, rows, made_by)
    chosen = [row for row in rows if row.get("calculator") in (None, "", calculator)]
    faces = tuple(_face(path, number, row) for number, row in enumerate(chosen, start=1))
    services = {row["api_key"] for row in chosen if row.get("api_key")}
    several = f"The subjects of {len(services)} services are put together; those of one name are one person."
    return ForeignFaces(
        path, foreign_contract("compreface", calculator), faces, (several,) if len(services) > 1 else ()
    )


def _calculator(path: Path, rows: list[Row], made_by: str) -> str:
    known = sorted({str(row["calculator"]) for row in rows if row.get("calculator")})
    if made_by or not known:
        return require_maker(made_by, path, "Calculator@mobilenet.py")
    if len(known) > 1:
        raise InputError(f"{path}: vectors of several calculators: {', '.join(known)}. Choose one by --made-by")
    return known[0]


def _face(path: Path, number: int, row: Row) -> ForeignFace:
    where = f"{path}: row {number}"
    person = row.get("subject_name") or row.get("subject")
    if not isinstance(person, str):
        raise DataError(f"{where}: expected a subject's name; got {person!r}")
    vector = row.get("embedding")
    if isinstance(vector, str):
        vector = _numbers(vector, where)
    found = None if vector in (None, []) else checked_vector(vector, where)
    image = row.get("image") or row.get("content") or ""
    content = _decoded(image, where) if image else b""
    if found is None and not content:
        raise DataError(f"{where}: neither a vector nor an image. The REST list of faces has none: dump the database")
    return ForeignFace(person, found, f"{path.name}#{row.get('id') or number}", content)


def _numbers(text: str, where: str) -> list[float]:
    """Return the numbers of a PostgreSQL or JSON array."""
    inner = text.strip().strip("{}[]")
    try:
        return [float(part) for part in inner.split(",")] if inner.strip() else []
    except ValueError:
        raise DataError(f"{where}: expected numbers such as {{0.1,0.2}}; got {text[:60]!r}") from None


def _decoded(text: Any, where: str) -> bytes:
    r"""Return the bytes of an image: hex, as PostgreSQL writes it (\x…), or base64."""
    if not isinstance(text, str):
        raise DataError(f"{where}: expected an image as hex or base64; got {type(text).__name__}")
    clean = text.strip().removeprefix("\\x")
    try:
        if len(clean) % 2 == 0 and re.fullmatch(r"[0-9a-fA-F]+", clean):
            return bytes.fromhex(clean)
        return base64.b64decode(clean.partition("base64,")[2] or clean, validate=True)
    except (ValueError, binascii.Error):
        raise DataError(f"{where}: this image is neither hex nor base64") from None


def _of_csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        try:
            yield from csv.DictReader(stream, strict=True)
        except csv.Error as error:
            raise DataError(f"{path}: damaged, or no CSV: {error}") from None


def _of_json(path: Path) -> Iterator[Row]:
    text = path.read_text(encoding="utf-8-sig")
    try:
        values = parse_json(text)
    except ValueError as error:
        raise DataError(f"{path}: damaged, or no JSON: {error}") from None
    listed = values.get("faces") if isinstance(values, dict) else values
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        raise DataError(f'{path}: expected a list of {{"subject", "embedding"}}, or that list under "faces"')
    yield from listed


def _of_dump(path: Path) -> Iterator[Row]:
    """Give the rows of ``embedding`` with the subject and the image that they name."""
    tables = _tables(path)
    for table, columns in _NEEDED.items():
        rows = tables.get(table)
        if rows is None or (rows and not columns <= rows[0].keys()):
            raise DataError(f"{path}: no table {table} with {', '.join(sorted(columns))}: pg_dump --table={table}")
    subjects = {row["id"]: row for row in tables["subject"]}
    images = {row.get("id"): row.get("content") for row in tables.get("img", [])}
    for row in tables["embedding"]:
        subject = subjects.get(row["subject_id"])
        if subject is None:
            raise DataError(f"{path}: embedding {row['id']} is of a subject that is not in the dump")
        named = {"subject_name": subject["subject_name"], "api_key": subject.get("api_key")}
        yield {**row, **named, "image": images.get(row.get("img_id"))}


def _tables(path: Path) -> dict[str, list[dict[str, str | None]]]:
    """Return the rows of the COPY blocks of a dump, by table."""
    tables: dict[str, list[dict[str, str | None]]] = {}
    with path.open(encoding="utf-8", newline="\n") as stream:
        for line in stream:
            found = _COPY.match(line)
            if found is not None:
                columns = [name.strip().strip('"') for name in found[2].split(",")]
                tables[found[1]] = list(_copied(path, stream, columns))
    return tables


def _copied(path: Path, stream: Iterator[str], columns: list[str]) -> Iterator[dict[str, str | None]]:
    for line in stream:
        text = line.rstrip("\n")
        if text == "\\.":
            return
        cells = text.split("\t")
        if len(cells) != len(columns):
            raise DataError(f"{path}: a row of {len(cells)} cells where {len(columns)} are due: the dump is damaged")
        yield dict(zip(columns, map(_cell, cells), strict=True))
    raise DataError(f"{path}: the dump is cut off: a table has no end")


def _cell(text: str) -> str | None:
    if text == "\\N":
        return None
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text)


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {".sql": _of_dump, ".csv": _of_csv, ".json": _of_json}
