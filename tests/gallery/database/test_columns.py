"""A gallery in whose tables something else stands than should: GalleryError, and `check` lives to tell."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from marginface.errors import GalleryError, MarginfaceError
from marginface.gallery import Gallery
from marginface.gallery.database.tables import METADATA
from oracles.galleries import CONTRACT, SIZE


def damaged(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement, values)
        connection.commit()


def look_at(path: Path) -> None:
    """All that reads."""
    with Gallery.open(path) as gallery:
        collection = gallery.collection()
        for person in collection.people():
            for found in collection.faces(person):
                collection.crop(found.uid)
        snapshot = collection.snapshot()
        collection.find_photo("x")
        assert len(snapshot.ids) == 2
        gallery.stats()
        assert gallery.check()
        gallery.verify_audit()


@pytest.fixture
def path(tmp_path: Path, face: Callable[..., Any]) -> Path:
    path = tmp_path / "people.db"
    with Gallery.create(path) as gallery:
        collection = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE, rotated=True)
        person = collection.add_person("Ann")
        collection.add_faces(person.uid, [face(), face(crop=b"crop")])
    look_at(path)
    return path


NOT_HERE = {  # `check` finds a person of no collection; a crop may be none; changes say what is to be read again
    ("people", "collection_id"), ("crops", "sealed"),
    ("changes", "collection_id"), ("changes", "face_id"), ("changes", "what"),
}  # fmt: skip
DUE = [
    (table.name, column.name)
    for table in METADATA.sorted_tables
    for column in table.columns
    if not column.nullable and not column.primary_key and (table.name, column.name) not in NOT_HERE
]


@pytest.mark.parametrize(("table", "column"), DUE)
def test_nothing_where_there_is_always_something_is_told(path: Path, table: str, column: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE type = 'table'")
        connection.commit()
    damaged(path, f"UPDATE {table} SET {column} = NULL")
    with pytest.raises(MarginfaceError):
        look_at(path)


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE collections SET contract = ?", b"\xff"),
        ("UPDATE collections SET embedding_size = ?", "many"),
        ("UPDATE collections SET embedding_size = ?", 0),
        ("UPDATE collections SET embedding_size = ?", 2**40),
        ("UPDATE collections SET data_key = ?", "a text"),
        ("UPDATE people SET details = ?", 5),
        ("UPDATE people SET retain_until = ?", "soon"),
        ("UPDATE faces SET created = ?", b"\x80"),
        ("UPDATE templates SET sealed = ?", "a text"),
        ("UPDATE crops SET sealed = ?", 1.5),
        ("UPDATE meta SET value = ? WHERE name = 'change'", "1.5"),
        ("DELETE FROM meta WHERE name = ?", "uid"),
        ("DELETE FROM meta WHERE name = ?", "key_id"),
        ("UPDATE audit SET subject = ?", b"\x00"),
    ],
)
def test_a_value_of_another_kind_is_a_gallery_error(path: Path, statement: str, value: object) -> None:
    damaged(path, statement, value)
    with pytest.raises(GalleryError):
        look_at(path)


def test_an_entry_of_the_audit_that_is_no_json_is_shown_and_found(path: Path) -> None:
    damaged(path, "UPDATE audit SET subject = ?", "{")
    with Gallery.open(path) as gallery:
        assert gallery.audit()[0].to_dict()["subject"] == "{"
        assert not gallery.verify_audit()
