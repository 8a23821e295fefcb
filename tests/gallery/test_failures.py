"""What the world does to a gallery: full and read-only disks, foreign files, other versions, other writers."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from marginface.errors import GalleryBusy, GalleryError, InputError, StorageError
from marginface.gallery import Collection, Gallery
from marginface.gallery.database import migrations
from marginface.gallery.database import store as stores
from oracles.descriptors import open_below
from oracles.disks import remount
from oracles.galleries import CONTRACT, SIZE, FaceMaker, state_of
from oracles.patience import PATIENCE

ACKNOWLEDGED: list[str] = []


def enrol_many(staff: Collection, face: FaceMaker) -> None:
    """Enrol until it fails, and remember what did not."""
    ACKNOWLEDGED.clear()
    for number in range(1000):
        staff.add_many({f"Person {number}": [face(crop=os.urandom(20_000))]})
        ACKNOWLEDGED.append(f"Person {number}")


def test_a_full_disk_ends_with_what_to_do_and_everything_acknowledged_stays(small_disk: Path, face: FaceMaker) -> None:
    with Gallery.create(small_disk / "people.db") as gallery:
        staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
        with pytest.raises(StorageError, match=r"the disk is full\. Nothing of this was written"):
            enrol_many(staff, face)
        assert len(staff.people()) == len(ACKNOWLEDGED) > 3
        assert gallery.check(), gallery.check().explain()
        remount(small_disk, "size=16m")
        staff.add_many({"Ann": [face()]})
        assert gallery.check()


def test_a_limit_on_the_size_of_files_is_told(
    tmp_path: Path, face: FaceMaker, file_limit: Callable[[int], None]
) -> None:
    with Gallery.create(tmp_path / "people.db") as gallery:
        staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
        file_limit(200_000)
        with pytest.raises(StorageError, match="Nothing of this was written"):
            enrol_many(staff, face)
        file_limit(resource.RLIM_INFINITY)
        assert gallery.check()


def test_a_gallery_on_a_read_only_disk_can_be_searched_and_not_written(small_disk: Path, face: FaceMaker) -> None:
    probe = face()
    with Gallery.create(small_disk / "people.db") as gallery:
        staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
        staff.add_many({"Ann": [probe]})
    remount(small_disk, "ro")
    try:
        with Gallery.open(small_disk / "people.db") as gallery:
            assert gallery.collection().search(probe.embedding)[0].person.name == "Ann"
            assert gallery.check()
            with pytest.raises(StorageError, match="read-only"):
                gallery.collection().add_person("Ben")
        with pytest.raises(StorageError):
            Gallery.create(small_disk / "new.db")
    finally:
        remount(small_disk, "rw")


def test_a_gallery_that_was_not_closed_says_so_on_a_read_only_disk(
    small_disk: Path, tmp_path: Path, face: FaceMaker
) -> None:
    with Gallery.create(tmp_path / "people.db") as gallery:
        staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
        staff.add_many({"Ann": [face()]})
        for ending in ("", "-wal"):
            shutil.copy(tmp_path / f"people.db{ending}", small_disk / f"people.db{ending}")
    remount(small_disk, "ro")
    try:
        with pytest.raises(StorageError, match="copy one that was not") as refused:
            Gallery.open(small_disk / "people.db")
        assert open_below(small_disk) == [], refused  # the error is held: what it refers to has not gone by itself
    finally:
        remount(small_disk, "rw")
    with Gallery.open(small_disk / "people.db") as gallery:
        assert [person.name for person in gallery.collection().people()] == ["Ann"]


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00" + bytes(100), os.urandom(9000)])
def test_a_foreign_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(GalleryError, match=r"notes\.txt: is (not a gallery|damaged)"):
        Gallery.open(path)
    with pytest.raises(InputError, match="there is a file already"):
        Gallery.create(path)
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta (name TEXT, value TEXT)")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(GalleryError, match="is not a gallery of marginface"):
        Gallery.open(path)
    assert path.read_bytes() == before


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"there is no gallery\. 'marginface gallery create"):
        Gallery.open(tmp_path / "people.db")
    with pytest.raises(GalleryError, match="is a folder"):
        Gallery.open(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        Gallery.create(tmp_path / "missing" / "people.db")
    assert list(tmp_path.iterdir()) == []


def test_a_creation_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("marginface.gallery.upkeep.creation.make_schema", fail)
    with pytest.raises(KeyboardInterrupt):
        Gallery.create(tmp_path / "people.db")
    assert list(tmp_path.iterdir()) == []


def set_schema(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (str(version),))
        connection.commit()


def test_a_newer_schema_is_refused(file_gallery: Gallery, tmp_path: Path) -> None:
    file_gallery.close()
    set_schema(tmp_path / "people.db", migrations.SCHEMA + 1)
    with pytest.raises(GalleryError, match="made by a newer marginface"):
        Gallery.open(tmp_path / "people.db")
    with pytest.raises(GalleryError, match="knows no way"):
        Gallery.migrate_schema(tmp_path / "people.db")


def older_gallery(gallery: Gallery, path: Path) -> None:
    """Make of a gallery one of schema 0: as if retention had come with schema 1."""
    gallery.close()
    set_schema(path, 0)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE people DROP COLUMN retain_until")
        connection.commit()


def add_retention(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE people ADD COLUMN retain_until TEXT")


def test_an_older_schema_is_refused_until_it_is_migrated_with_a_copy(
    file_gallery: Gallery, shelf: Collection, face: FaceMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "people.db"
    shelf.add_many({"Ann": [face()]})
    before = state_of(shelf)
    older_gallery(file_gallery, path)
    with pytest.raises(GalleryError, match=r"has schema 0, this marginface reads 1\. Bring it up with"):
        Gallery.open(path)
    with pytest.raises(GalleryError, match="knows no way from the one to the other"):
        Gallery.migrate_schema(path)
    monkeypatch.setitem(migrations.STEPS, 0, add_retention)
    found, copy = Gallery.migrate_schema(path)
    assert (found, copy) == (0, tmp_path / "people.db.schema-0.backup")
    with Gallery.open(path) as gallery:
        assert state_of(gallery.collection()) == before
        assert gallery.check()
        assert gallery.audit(1)[0].action == "migrate-schema"
        receipt = gallery.collection().erase("Ann")
        assert not receipt, "the copy still holds them"
        assert "people.db.schema-0.backup" in receipt.explain()
    assert Gallery.migrate_schema(path) == (1, None)


def test_a_migration_that_fails_changes_nothing(
    file_gallery: Gallery, shelf: Collection, face: FaceMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "people.db"
    shelf.add_many({"Ann": [face()]})
    older_gallery(file_gallery, path)

    def half(connection: Connection) -> None:
        add_retention(connection)
        raise ZeroDivisionError

    monkeypatch.setitem(migrations.STEPS, 0, half)
    with pytest.raises(ZeroDivisionError):
        Gallery.migrate_schema(path)
    with pytest.raises(InputError, match="copy from an earlier try"):
        Gallery.migrate_schema(path)
    (tmp_path / "people.db.schema-0.backup").unlink()
    monkeypatch.setitem(migrations.STEPS, 0, add_retention)
    Gallery.migrate_schema(path)
    with Gallery.open(path) as gallery:
        assert gallery.check()


def test_a_write_that_waits_too_long_for_another_is_said_and_changes_nothing(
    tmp_path: Path, face: FaceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "_PRAGMAS", tuple(p for p in stores._PRAGMAS if "busy" not in p))
    monkeypatch.setattr(stores, "WAIT", 0.1)
    with Gallery.create(tmp_path / "people.db") as gallery:
        staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
        with closing(sqlite3.connect(tmp_path / "people.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(GalleryBusy, match="another process has been writing"):
                staff.add_person("Ann")
            assert staff.people() == [], "readers do not wait"
            other.execute("ROLLBACK")
        staff.add_person("Ann")


WRITER = """
import sys
from oracles.galleries import new_face
import numpy as np
from marginface.gallery import Gallery
address, name = sys.argv[1:]
chance = np.random.default_rng(int(name))
with Gallery.open(address) as gallery:
    staff = gallery.collection("staff")
    for number in range(25):
        faces = [new_face(chance, f"{name} {number} {photo}") for photo in range(2)]
        staff.add_many({f"Writer {name}, person {number}": faces, "Everybody": faces})
        staff.search(faces[0].embedding)
"""


def test_two_processes_that_write_at_once_lose_nothing(gallery: Gallery, staff: Collection, anywhere: str) -> None:
    tests = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])}
    command = [sys.executable, "-c", WRITER, anywhere]
    writers = [subprocess.Popen([*command, str(number)], env=environment) for number in range(2)]
    assert [writer.wait(timeout=PATIENCE) for writer in writers] == [0, 0]
    people = {person.name: person.faces for person in staff.people()}
    assert people.pop("Everybody") == 100
    assert people == {f"Writer {name}, person {number}": 2 for name in range(2) for number in range(25)}
    assert len(staff.snapshot()) == 200
    assert gallery.check(), gallery.check().explain()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_uses_connections_of_its_own(gallery: Gallery, staff: Collection, face: FaceMaker) -> None:
    probe = face()
    staff.add_person("Ann")
    child = os.fork()
    if not child:
        try:
            staff.add_face("Ann", probe)
            os._exit(0 if staff.search(probe.embedding) else 1)
        except BaseException:  # noqa: BLE001 - whatever it is, a child must not go on as its parent
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert staff.search(probe.embedding)[0].person.name == "Ann"
    assert gallery.check()


def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StorageError, match="does not answer or refuses us") as caught:
        Gallery.open("postgresql://door:secret@127.0.0.1:1/faces")
    assert "secret" not in str(caught.value)
