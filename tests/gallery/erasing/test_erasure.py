"""Erase: gone from the rows, the index, the log and the bytes of the file, and said so truthfully."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from marginface.errors import StorageError, UnknownName
from marginface.gallery import About, Collection, Gallery
from marginface.gallery.erasing.traces import Traces
from oracles.galleries import FaceMaker

NAME = "Ann Unmistakable Example"


def records_of(path: Path, name_of_table: dict[str, str]) -> list[bytes]:
    """Every sealed byte string of a gallery, read without marginface."""
    connection = sqlite3.connect(path)
    found = [
        bytes(row[0])
        for table, column in name_of_table.items()
        for row in connection.execute(f"SELECT {column} FROM {table}")
    ]
    connection.close()
    return found


SEALED = {"people": "details", "faces": "details", "templates": "sealed", "crops": "sealed"}


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


def test_erased_people_are_in_no_byte_of_the_files_and_the_others_stay(
    file_gallery: Gallery, shelf: Collection, face: FaceMaker, tmp_path: Path
) -> None:
    shelf.add_many({NAME: [face(crop=os.urandom(9000)) for _ in range(3)]}, About("signed", "the door"))
    erased = records_of(tmp_path / "people.db", SEALED)
    shelf.add_many({f"Person {number}": [face(crop=os.urandom(5000))] for number in range(20)})
    person = shelf.person(NAME)
    assert all(record[:32] in bytes_of(tmp_path) for record in erased)
    receipt = shelf.erase(NAME)
    assert receipt, receipt.explain()
    assert (receipt.people, receipt.faces, receipt.crops) == ((person.uid,), 3, 3)
    left = bytes_of(tmp_path)
    for record in erased:
        for start in range(0, len(record) - 16, 16):
            assert record[start : start + 16] not in left
    assert NAME.encode() not in left
    assert (tmp_path / "people.db-wal").stat().st_size == 0 or NAME.encode() not in left
    assert len(shelf.people()) == 20
    assert file_gallery.check()
    with pytest.raises(UnknownName):
        shelf.person(NAME)


def test_the_receipt_names_nobody_and_says_what_was_searched(
    file_gallery: Gallery, shelf: Collection, face: FaceMaker, tmp_path: Path
) -> None:
    shelf.add_many({NAME: [face()], "Ben": [face()]})
    receipt = shelf.erase([NAME, NAME, "Ben"])
    assert len(receipt.people) == 2
    text = receipt.explain() + repr(receipt.to_dict())
    assert NAME not in text
    assert "Complete." in receipt.explain()
    assert receipt.to_dict()["complete"] is True
    (main, *_) = receipt.files
    assert main.name == "people.db"
    assert main.size == (tmp_path / "people.db").stat().st_size
    report = file_gallery.verify_audit(receipt.audit_head)
    assert report, report.findings
    assert NAME not in repr(file_gallery.audit())


def test_what_stayed_in_a_free_page_is_found_and_the_file_is_written_anew(
    shelf: Collection, face: FaceMaker, tmp_path: Path
) -> None:
    """A tool without secure_delete copied the rows and dropped them again: their bytes are in free pages."""
    shelf.add_many({NAME: [face(crop=os.urandom(9000))], "Ben": [face()]})
    careless = sqlite3.connect(tmp_path / "people.db")
    careless.execute("PRAGMA secure_delete = OFF")
    careless.execute("CREATE TABLE copied AS SELECT * FROM templates, crops WHERE templates.face_id = crops.face_id")
    careless.execute("DROP TABLE copied")
    careless.commit()
    careless.close()
    receipt = shelf.erase(NAME)
    assert receipt, receipt.explain()
    assert receipt.rewritten
    assert [person.name for person in shelf.people()] == ["Ben"]


def test_a_cleaning_that_fails_is_in_the_receipt_and_the_person_is_gone_all_the_same(
    file_gallery: Gallery, shelf: Collection, face: FaceMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add_many({NAME: [face()], "Ben": [face()]})
    careless = sqlite3.connect(tmp_path / "people.db")
    careless.execute("PRAGMA secure_delete = OFF")
    careless.execute("CREATE TABLE copied AS SELECT * FROM templates")
    careless.execute("DROP TABLE copied")
    careless.commit()
    careless.close()

    def no_room(store: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("marginface.gallery.erasing.erasure.rewrite", no_room)
    receipt = shelf.erase(NAME)
    assert not receipt
    assert receipt.traces
    assert "could not be written anew: the disk is full" in receipt.explain()
    assert [person.name for person in shelf.people()] == ["Ben"]
    assert file_gallery.check()


def test_a_copy_beside_the_gallery_that_still_holds_them_is_named(
    shelf: Collection, face: FaceMaker, tmp_path: Path
) -> None:
    shelf.add_many({NAME: [face()]})
    shelf.search(face().embedding)
    with sqlite3.connect(tmp_path / "people.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    shutil.copy(tmp_path / "people.db", tmp_path / "people.db.old")
    receipt = shelf.erase(NAME)
    assert not receipt
    assert "people.db.old" in receipt.explain()
    assert "NOT complete" in receipt.explain()
    (tmp_path / "people.db.old").unlink()
    assert shelf.purge()


def test_a_reader_that_does_not_end_is_said_and_purge_completes_it_later(
    file_gallery: Gallery, shelf: Collection, face: FaceMaker, tmp_path: Path
) -> None:
    shelf.add_many({NAME: [face()], "Ben": [face()]})
    erased = records_of(tmp_path / "people.db", SEALED)
    reader = sqlite3.connect(tmp_path / "people.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM people").fetchone()
    receipt = shelf.erase(NAME, wait=0.2)
    assert not receipt
    assert not receipt.log_emptied
    assert "Another process was reading" in receipt.explain()
    assert [person.name for person in shelf.people()] == ["Ben"]
    reader.execute("COMMIT")
    reader.close()
    (later,) = file_gallery.purge()
    assert later, later.explain()
    assert erased[0] not in bytes_of(tmp_path)


def test_purge_erases_whose_day_has_passed(gallery: Gallery, staff: Collection, face: FaceMaker) -> None:
    for name, until in (("Ann", date(2027, 1, 31)), ("Ben", date(2027, 2, 1)), ("Cem", None)):
        staff.add_person(name, About(retain_until=until))
        staff.add_face(name, face())
    assert staff.purge(date(2027, 1, 31)).people == ()
    receipt = staff.purge(date(2027, 2, 1))
    assert receipt, receipt.explain()
    assert len(receipt.people) == receipt.faces == 1
    assert [person.name for person in staff.people()] == ["Ben", "Cem"]
    (receipt,) = gallery.purge(date(2100, 1, 1))
    assert [person.name for person in staff.people()] == ["Cem"]


def test_an_erased_collection_takes_its_data_key_with_it(
    file_gallery: Gallery, shelf: Collection, face: FaceMaker, tmp_path: Path
) -> None:
    other = file_gallery.create_collection("visitors", contract=shelf.contract, embedding_size=shelf.embedding_size)
    shelf.add_many({NAME: [face()]})
    other.add_many({"Ben": [face()]})
    (key, kept) = records_of(tmp_path / "people.db", {"collections": "data_key"})
    receipt = file_gallery.erase_collection("staff")
    assert receipt, receipt.explain()
    assert key not in bytes_of(tmp_path)
    assert kept in bytes_of(tmp_path)
    assert [person.name for person in other.people()] == ["Ben"]
    assert file_gallery.check()


def test_many_erasures_among_many_writes_are_all_complete(shelf: Collection, face: FaceMaker, tmp_path: Path) -> None:
    chance = random.Random(1)
    for turn in range(12):
        names = [f"Person number {turn} {number}" for number in range(6)]
        shelf.add_many({name: [face(crop=os.urandom(chance.choice([0, 3000, 9000])))] for name in names})
        shelf.merge(names[0], names[1])
        chosen = chance.sample([person.name for person in shelf.people()], 3)
        receipt = shelf.erase(chosen)
        assert receipt, receipt.explain()


def naive_count(records: list[bytes], texts: list[bytes], data: bytes) -> int:
    pieces = {record[start : start + 16] for record in records for start in range(0, len(record) - 15, 64)}
    found = sum(data[start : start + 16] in pieces for start in range(len(data)))
    return found + sum(data[start:].startswith(text) for text in texts for start in range(len(data)))


@pytest.mark.parametrize("seed", range(8))
def test_traces_are_counted_as_by_looking_from_every_byte(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = np.random.default_rng(seed)
    records = [chance.bytes(int(length)) for length in chance.integers(16, 300, 5)]
    texts = [b"Ann Example", b"Zo\xc3\xab"]
    parts: list[bytes] = []
    for _ in range(40):
        record = records[chance.integers(5)]
        start = int(chance.integers(len(record)))
        parts += [chance.bytes(int(chance.integers(30))), record[start : start + int(chance.integers(1, 200))]]
        parts += [texts[chance.integers(2)]] * int(chance.random() < 0.2)
    data = b"".join(parts)
    assert Traces(records, texts).count(data) == naive_count(records, texts, data)
    monkeypatch.setattr("marginface.gallery.erasing.traces._CHUNK", 97)
    (tmp_path / "file").write_bytes(data)
    looked = Traces(records, texts).look_in(tmp_path / "file")
    assert (looked.traces, looked.size) == (naive_count(records, texts, data), len(data))


def test_nothing_to_look_for_is_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert Traces([], []).look_in(tmp_path / "file").traces == 0
    assert Traces([b"short"], []).count(b"short") == 0
