"""What check finds in a gallery that someone has laid hands on, and an address that is none."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from marginface.errors import GalleryError, InputError
from marginface.gallery import Collection, Gallery, default_key_path
from marginface.gallery.address import parse_address
from oracles.galleries import FaceMaker


@pytest.fixture
def filled(shelf: Collection, face: FaceMaker) -> Collection:
    shelf.add_many({"Ann": [face(crop=b"crop"), face()], "Ben": [face()], "Cem": [face()]})
    return shelf


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE templates SET sealed = zeroblob(92) WHERE face_id = 1", "the template of face 1 of person 1 does not"),
        ("UPDATE crops SET sealed = x'00'", "the crop of face 1 of person 1 does not open"),
        ("UPDATE faces SET details = x'00' WHERE id = 2", "the face of face 2 of person 1 does not open"),
        ("UPDATE people SET details = x'00' WHERE id = 2", "the person of person 2 does not open"),
        ("UPDATE people SET name_digest = x'00' WHERE id = 2", "found under another name"),
        ("UPDATE faces SET photo_digest = x'00' WHERE id = 2", "found under another photo"),
        ("DELETE FROM templates WHERE face_id = 2", "has no template"),
        ("UPDATE faces SET person_id = 99 WHERE id = 2", "row 2 of faces belongs to a row of people that is not there"),
        ("UPDATE faces SET person_id = 2 WHERE id = 1", "does not open"),
        ("UPDATE meta SET value = '2' WHERE name = 'face'", "face: number 4 is in use, and the counter says 2"),
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 3", "audit: entry 3 was changed"),
        ("DELETE FROM audit WHERE seq = 3", "audit: entries 3 to 3 are missing"),
        ("UPDATE collections SET data_key = zeroblob(60)", "does not open with key"),
    ],
)
def test_check_says_what_was_tampered_with(
    file_gallery: Gallery, filled: Collection, tmp_path: Path, statement: str, finding: str
) -> None:
    assert file_gallery.check()
    tamper(tmp_path / "people.db", statement)
    with Gallery.open(tmp_path / "people.db") as gallery:
        report = gallery.check()
    assert not report
    assert any(finding in line for line in report.findings), report.findings
    assert report.to_dict()["ok"] is False


def test_a_vector_that_is_not_of_length_1_is_found(file_gallery: Gallery, filled: Collection, tmp_path: Path) -> None:
    chamber = filled._chamber()
    sealed = chamber.seal.seal("template", 2, 3, bytes(4 * filled.embedding_size))
    tamper(tmp_path / "people.db", f"UPDATE templates SET sealed = x'{sealed.hex()}' WHERE face_id = 3")
    (finding,) = file_gallery.check().findings
    assert "its vector has length 0 and not 1" in finding


def test_many_findings_are_counted(file_gallery: Gallery, shelf: Collection, face: FaceMaker, tmp_path: Path) -> None:
    shelf.add_many({"Ann": [face() for _ in range(50)]})
    tamper(tmp_path / "people.db", "UPDATE templates SET sealed = x'00'")
    findings = file_gallery.check().findings
    assert len(findings) == 21
    assert findings[-1] == "staff: … and 30 more of this kind"


def test_bytes_changed_in_the_file_are_found_by_check_or_refused_at_open(
    file_gallery: Gallery, filled: Collection, tmp_path: Path
) -> None:
    path = tmp_path / "people.db"
    file_gallery.close()
    content = bytearray(path.read_bytes())
    page = 4096 * (len(content) // 4096 // 2)
    content[page : page + 2000] = os.urandom(2000)
    path.write_bytes(content)
    assert not is_whole(path)


def is_whole(path: Path) -> bool:
    """Whether a file opens as a gallery in which check finds nothing."""
    try:
        with Gallery.open(path) as gallery:
            return bool(gallery.check())
    except GalleryError:
        return False


def test_more_entries_than_a_database_can_count_are_all_of_them(file_gallery: Gallery, filled: Collection) -> None:
    assert file_gallery.audit(10**30) == file_gallery.audit(10**6) != ()


def test_an_audit_cut_off_at_the_end_is_found_by_a_head_kept_elsewhere(
    file_gallery: Gallery, filled: Collection, tmp_path: Path
) -> None:
    head = file_gallery.verify_audit().head
    filled.rename("Ann", "Anna")
    assert file_gallery.verify_audit(head)
    tamper(tmp_path / "people.db", "DELETE FROM audit WHERE seq >= (SELECT max(seq) - 1 FROM audit)")
    assert file_gallery.verify_audit()
    (finding,) = file_gallery.verify_audit(head).findings
    assert "cut off" in finding


def test_the_audit_tells_who_did_what_and_never_a_name_or_a_vector(
    file_gallery: Gallery, filled: Collection, face: FaceMaker
) -> None:
    filled.merge("Ben", "Cem")
    filled.erase("Ann")
    entries = file_gallery.audit(1000)
    assert [entry.action for entry in entries if entry.action != "add-person"] == [
        *("create", "create-collection", "add-faces", "add-faces", "add-faces"),
        *("merge-people", "erase", "erase-verified"),
    ]
    assert {entry.actor for entry in entries} == {"tester"}
    text = "".join(entry.subject for entry in entries)
    assert not any(name in text for name in ("Ann", "Ben", "Cem", "vector", "photo"))
    assert [entry.seq for entry in file_gallery.audit(2)] == [len(entries) - 1, len(entries)]
    with pytest.raises(InputError, match="the last 1 or more"):
        file_gallery.audit(0)


def test_stats_count(file_gallery: Gallery, filled: Collection) -> None:
    filled.add_person("Dora")
    stats = file_gallery.stats().to_dict()
    (collection,) = stats["collections"]
    assert (collection["people"], collection["faces"], collection["crops"]) == (4, 4, 1)
    assert collection["faces_per_person"] == {"least": 1, "median": 1.0, "most": 2}
    assert (collection["people_without_faces"], collection["due"]) == (1, 0)
    assert stats["files"]["people.db"] > 0
    assert stats["audit_entries"] == len(file_gallery.audit(1000))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_that_others_can_read_is_advised_about(file_gallery: Gallery, tmp_path: Path) -> None:
    assert file_gallery.check().notes == ()
    (tmp_path / "people.db").chmod(0o644)
    default_key_path().chmod(0o640)
    report = file_gallery.check()
    assert report
    assert [note.split(" ")[0] for note in report.notes] == [str(tmp_path / "people.db"), f"{default_key_path()},"]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "expected the path of a gallery"),
        ("mysql://server/faces", "mysql://: a gallery is a file, a PostgreSQL database"),
        ("postgresql://server:port/faces", "expected postgresql://"),
        ("qdrant://server", "Say which"),
    ],
)
def test_an_address_that_is_none_is_refused(address: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_address(address)


def test_a_password_is_never_shown() -> None:
    for text in ("postgresql://door:secret@server/faces", "postgres://door:secret@server/faces"):
        assert "secret" not in str(parse_address(text))
        url = parse_address(text).url
        assert url is not None
        assert url.password == "secret"
