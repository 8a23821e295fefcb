from __future__ import annotations

import base64
import io
import json
import os
import random
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.errors import ContractMismatch, DataError, GalleryKeyError, InputError, MarginfaceError, StorageError
from marginface.gallery import About, Collection, Gallery
from marginface.gallery.archives import envelope
from marginface.gallery.archives.envelope import SealedReader, SealedWriter, sealed_blocks
from oracles.galleries import CONTRACT, OTHER_CONTRACT, SIZE, FaceMaker, sha, state_of

SECRET = "correct horse battery"


@pytest.fixture
def filled(gallery: Gallery, staff: Collection, face: FaceMaker) -> Collection:
    about = About("signed", "door", date(2030, 1, 1))
    staff.add_many({"Zoë Example": [face("a", crop=os.urandom(100_000)), face("b")], "Ben": [face("c")]}, about)
    visitors = gallery.create_collection("visitors", contract=OTHER_CONTRACT, embedding_size=4, rotated=True)
    visitors.add_many({"Cem": [face("d", size=4, contract=OTHER_CONTRACT)]})
    return staff


@pytest.mark.parametrize("passphrase", [SECRET, None])
def test_what_is_exported_comes_back_whole_in_another_gallery(
    gallery: Gallery, filled: Collection, tmp_path: Path, passphrase: str | None
) -> None:
    path = tmp_path / "archive"
    counts = gallery.export_archive(path, passphrase=passphrase)
    assert (counts.collections, counts.people, counts.faces) == (2, 3, 4)
    with Gallery.create(tmp_path / "new.db") as new:
        assert new.import_archive(path, passphrase=passphrase) == counts
        for info in gallery.collections():
            old_ones, new_ones = gallery.collection(info.name), new.collection(info.name)
            assert state_of(old_ones) == state_of(new_ones)
            for person in old_ones.people():
                copied = new_ones.person(person.name)
                assert (copied.uid, copied.about, copied.created) == (person.uid, person.about, person.created)
                pairs = zip(old_ones.faces(person), new_ones.faces(copied), strict=True)
                for one, two in pairs:
                    assert {**one.to_dict(), "id": 0} == {**two.to_dict(), "id": 0}
                    assert old_ones.crop(one.uid) == new_ones.crop(two.uid)
        np.testing.assert_array_equal(
            gallery.collection("staff").snapshot().vectors, new.collection("staff").snapshot().vectors
        )
        again = new.import_archive(path, passphrase=passphrase)
        assert (again.faces, again.faces_known) == (0, 4)
        assert new.check()


def test_a_sealed_archive_shows_nothing_and_its_owner_alone_can_read_it(
    gallery: Gallery, filled: Collection, tmp_path: Path
) -> None:
    path = tmp_path / "archive"
    gallery.export_archive(path, passphrase=SECRET)
    content = path.read_bytes()
    for secret in (b"Ben", b"staff", CONTRACT.encode(), sha("a").encode(), b"signed"):
        assert secret not in content
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Gallery.create(tmp_path / "new.db") as new:
        with pytest.raises(InputError, match="give its passphrase"):
            new.import_archive(path)
        with pytest.raises(GalleryKeyError, match="does not open with this passphrase"):
            new.import_archive(path, passphrase="another phrase")
        assert new.collections() == []
    with pytest.raises(InputError, match="at least 8 characters"):
        gallery.export_archive(tmp_path / "weak", passphrase="1234567")
    assert not (tmp_path / "weak").exists()


def test_a_clear_archive_is_lines_of_json_that_others_can_read(
    gallery: Gallery, filled: Collection, tmp_path: Path
) -> None:
    gallery.export_archive(tmp_path / "archive", passphrase=None, collections=["staff"])
    head, *lines, end = [json.loads(line) for line in (tmp_path / "archive").read_text(encoding="utf-8").splitlines()]
    assert (head["format"], head["version"]) == ("marginface-gallery", 1)
    assert [next(iter(line)) for line in lines] == ["collection", "person", "face", "face", "person", "face"]
    assert end == {"end": {"collections": 1, "people": 2, "faces": 3}}
    vector = np.frombuffer(base64.b64decode(lines[5]["face"]["vector"]), "<f4")
    ben = filled.person("Ben")
    snapshot = filled.snapshot()
    np.testing.assert_array_equal(vector, snapshot.vectors[snapshot.owners == ben.id][0])


def test_one_person_is_exported_for_a_request_of_access(gallery: Gallery, filled: Collection, tmp_path: Path) -> None:
    counts = gallery.export_archive(tmp_path / "ben", passphrase=None, collections=["staff"], people=["Ben"])
    assert (counts.people, counts.faces) == (1, 1)
    assert "Zoë" not in (tmp_path / "ben").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="people are of one collection"):
        gallery.export_archive(tmp_path / "ben", passphrase=None, people=["Ben"])
    assert gallery.audit(1)[0].action == "export"


def test_an_archive_of_another_contract_is_refused_whole(filled: Collection, gallery: Gallery, tmp_path: Path) -> None:
    gallery.export_archive(tmp_path / "archive", passphrase=None)
    with Gallery.create(tmp_path / "new.db") as new:
        new.create_collection("visitors", contract=CONTRACT, embedding_size=SIZE)
        with pytest.raises(ContractMismatch, match="collection visitors holds embeddings of contract"):
            new.import_archive(tmp_path / "archive")
        assert [info.name for info in new.collections()] == ["visitors"]


def changed(lines: list[bytes], number: int, text: bytes) -> list[bytes]:
    return [*lines[:number], text, *lines[number + 1 :]]


def face_with(line: bytes, **values: object) -> bytes:
    face = json.loads(line)["face"]
    return json.dumps({"face": {**face, **values}}).encode()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: lines[:-1], "cut off"),
        (lambda lines: lines[:3], "cut off"),
        (lambda lines: [], "cut off"),
        (
            lambda lines: [b"\xff\xd8 a photo"],
            "line 1 is no JSON.* Is it an archive that 'marginface gallery export' wrote",
        ),
        (lambda lines: lines[1:], "expected an archive of format marginface-gallery"),
        (lambda lines: changed(lines, 0, b'{"format":"marginface-gallery","version":2}'), "version 2"),
        (lambda lines: changed(lines, 2, b"no json"), "line 3 is no JSON"),
        (lambda lines: changed(lines, 2, b"[1]"), "line 3 is no JSON object"),
        (lambda lines: changed(lines, 2, b'{"guest":{}}'), "line 3 is no collection"),
        (lambda lines: changed(lines, 2, b'{"person":{"name":"Ben"}}'), "line 3 is not as described"),
        (lambda lines: changed(lines, 2, b'{"person":[]}'), "line 3 is not as described"),
        (lambda lines: lines[:1] + lines[2:], "line 2 is a person outside a collection"),
        (lambda lines: lines[:2] + lines[3:], "line 3 is a face without a person"),
        (lambda lines: [*lines[:4], *lines[5:]], "came before it"),
        (
            lambda lines: changed(lines, 3, face_with(lines[3], vector="AAAA")),
            "line 4 has a vector that is not 16",
        ),
        (lambda lines: changed(lines, 3, face_with(lines[3], vector="AAAA" * 21 + "AA==")), "line 4 cannot be taken"),
        (lambda lines: changed(lines, 3, face_with(lines[3], vector="%")), "line 4 is not as described"),
        (lambda lines: changed(lines, 3, face_with(lines[3], uid="Ann Example")), "an opaque id is"),
        (lambda lines: changed(lines, 3, face_with(lines[3], created="<script>")), "a time is written as"),
        (lambda lines: changed(lines, 3, face_with(lines[3], photo="x")), "sha256 of a photo"),
        (lambda lines: changed(lines, 3, face_with(lines[3], quality={"a": "b"})), "numbers by name"),
    ],
)
def test_a_damaged_archive_is_refused_with_its_line_and_nothing_of_it_stays(
    tmp_path: Path, face: FaceMaker, damage: Callable[[list[bytes]], list[bytes]], message: str
) -> None:
    with Gallery.create(tmp_path / "people.db") as gallery:
        shelf = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
        shelf.add_many({"Ann": [face(), face()], "Ben": [face()]})
        gallery.export_archive(tmp_path / "archive", passphrase=None)
        gallery.erase_collection("staff")
        lines = (tmp_path / "archive").read_bytes().splitlines()
        (tmp_path / "archive").write_bytes(b"\n".join(damage(lines)))
        with pytest.raises(DataError, match=message):
            gallery.import_archive(tmp_path / "archive")
        assert gallery.collections() == []
        assert gallery.check()


def test_a_collection_made_after_an_import_that_failed_is_sealed_by_its_own_key(
    gallery: Gallery, filled: Collection, anywhere: str, tmp_path: Path, face: FaceMaker
) -> None:
    """Its number is that of the collection that was not made."""
    gallery.export_archive(tmp_path / "archive", passphrase=None)
    whole = (tmp_path / "archive").read_bytes().splitlines()
    (tmp_path / "cut").write_bytes(b"\n".join(whole[:-1]))
    with Gallery.create(tmp_path / "new.db") as new:
        with pytest.raises(DataError, match="cut off"):
            new.import_archive(tmp_path / "cut")
        new.create_collection("staff", contract=CONTRACT, embedding_size=SIZE).add_many({"Dora": [face()]})
    with Gallery.open(tmp_path / "new.db") as new:
        assert new.check(), new.check().explain()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_sealed_file_with_any_change_does_not_open(data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(envelope._COST, "n", 16)
        a_changed_file_does_not_open(data)


def a_changed_file_does_not_open(data: st.DataObject) -> None:
    stream = io.BytesIO()
    writer = SealedWriter(stream, SECRET)
    content = bytes(range(256)) * 300
    writer.write(content)
    writer.finish()
    sealed = stream.getvalue()
    assert b"".join(sealed_blocks(io.BytesIO(sealed), SECRET, "file")) == content
    place = data.draw(st.integers(0, len(sealed) - 1))
    kind = data.draw(st.sampled_from(["cut", "flip", "add"]))
    if kind == "cut":
        broken = sealed[:place]
    elif kind == "flip":
        broken = sealed[:place] + bytes([sealed[place] ^ (1 << data.draw(st.integers(0, 7)))]) + sealed[place + 1 :]
    else:
        broken = sealed[:place] + b"\x00" + sealed[place:]
    with pytest.raises(MarginfaceError):
        b"".join(sealed_blocks(io.BytesIO(broken), SECRET, "file"))


def test_blocks_cannot_change_places_and_a_costly_header_is_refused() -> None:
    stream = io.BytesIO()
    writer = SealedWriter(stream, SECRET)
    for _ in range(3):
        writer.write(bytes(1 << 16))
    writer.finish()
    sealed = stream.getvalue()
    head, block = sealed.index(b"}\n") + 2, 4 + (1 << 16) + 16
    first, second = sealed[head : head + block], sealed[head + block : head + 2 * block]
    swapped = sealed[:head] + second + first + sealed[head + 2 * block :]
    with pytest.raises(GalleryKeyError):
        list(sealed_blocks(io.BytesIO(swapped), SECRET, "file"))
    costly = sealed.replace(b'"n": 32768', b'"n": 2147483648')
    with pytest.raises(DataError, match="more work to open it"):
        list(sealed_blocks(io.BytesIO(costly), SECRET, "file"))


def sealed(content: bytes) -> bytes:
    stream = io.BytesIO()
    writer = SealedWriter(stream, SECRET)
    writer.write(content)
    writer.finish()
    return stream.getvalue()


@pytest.mark.parametrize("size", [0, 1, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 3 << 16, 200_001])
def test_a_sealed_file_is_read_at_any_place(size: int) -> None:
    content = random.Random(size).randbytes(size)
    reader = io.BufferedReader(SealedReader(io.BytesIO(sealed(content)), SECRET, "file"))
    assert reader.read() == content
    assert reader.seek(0, io.SEEK_END) == size
    for place in (0, size // 3, max(0, size - 5), 1 << 16, size + 9):
        reader.seek(place)
        assert reader.read(70_000) == content[place : place + 70_000]


def test_a_sealed_file_that_is_cut_or_changed_is_told_where_it_is_read() -> None:
    whole = sealed(bytes(200_000))
    place = 4 + (1 << 16) + 16
    head = whole.index(b"}\n") + 2
    for cut in (len(whole) - 1, head + 2 * place):
        with pytest.raises(DataError, match="cut off or damaged"):
            SealedReader(io.BytesIO(whole[:cut]), SECRET, "file")
    changed = bytearray(whole)
    changed[head + place + 100] ^= 1
    reader = io.BufferedReader(SealedReader(io.BytesIO(changed), SECRET, "file"), 1 << 16)
    assert reader.read(1 << 16) == bytes(1 << 16)
    with pytest.raises(DataError, match="damaged at block 1"):
        reader.read(1 << 16)
    with pytest.raises(GalleryKeyError, match="this passphrase"):
        SealedReader(io.BytesIO(whole), SECRET + "x", "file")


def test_what_cannot_be_written_or_read_is_said(file_gallery: Gallery, shelf: Collection, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot write the archive"):
        file_gallery.export_archive(tmp_path / "blocked" / "archive", passphrase=None)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        file_gallery.import_archive(tmp_path / "missing")
