from __future__ import annotations

import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from marginface.errors import GalleryKeyError, InputError
from marginface.gallery import Collection, Gallery, GalleryKey, default_key_path, find_key, make_key, read_key
from oracles.galleries import CONTRACT, SIZE, FaceMaker


def test_the_first_gallery_makes_the_key_for_its_owner_alone_and_not_beside_it(
    tmp_path: Path, own_config: Path
) -> None:
    with Gallery.create(tmp_path / "people.db"):
        pass
    path = default_key_path()
    assert path == own_config / "gallery.key"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["people.db"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "people.db").stat().st_mode) == 0o600
    before = path.read_bytes()
    with Gallery.create(tmp_path / "second.db"):
        assert path.read_bytes() == before
    assert read_key(path).secret not in (tmp_path / "people.db").read_bytes()


def test_a_key_beside_the_gallery_is_refused_and_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="who copies the folder has both"):
        Gallery.create(tmp_path / "people.db", key=tmp_path / "gallery.key")
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path))
    with pytest.raises(InputError, match="who copies the folder has both"):
        Gallery.create(tmp_path / "people.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", [lambda key: base64.b64encode(key).decode(), bytes.hex])
def test_a_key_in_the_environment_is_used_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: Callable[[bytes], str]
) -> None:
    secret = os.urandom(32)
    monkeypatch.setenv("MARGINFACE_GALLERY_KEY", written(secret))
    with Gallery.create(tmp_path / "people.db") as gallery:
        assert gallery.key_source == "$MARGINFACE_GALLERY_KEY"
    assert not default_key_path().exists()
    found = find_key()
    assert found is not None
    assert found.secret == secret


def test_a_missing_key_says_which_one_is_needed_and_where_it_was_looked_for(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "people.db"):
        pass
    key = read_key(default_key_path())
    default_key_path().unlink()
    with pytest.raises(GalleryKeyError) as caught:
        Gallery.open(tmp_path / "people.db")
    for part in (f"sealed by key {key.id}", "$MARGINFACE_GALLERY_KEY", str(default_key_path()), "enrol again"):
        assert part in str(caught.value)


def test_a_wrong_key_is_named_beside_the_right_one_and_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    with Gallery.create(path) as gallery:
        gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
    right, wrong = read_key(default_key_path()), GalleryKey(os.urandom(32), "a test")
    with pytest.raises(GalleryKeyError, match=f"sealed by key {right.id}; the key in a test is {wrong.id}"):
        Gallery.open(path, key=wrong)
    assert Gallery.open(path, key=right).collection().people() == []


@pytest.mark.parametrize("text", ["", "not a key", "marginface-gallery-key-1 AAAA", "ünï", "A" * 64 + "=="])
def test_a_file_that_holds_no_key_is_said_to_hold_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gallery.key"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GalleryKeyError, match=r"gallery\.key"):
        read_key(path)
    with pytest.raises(GalleryKeyError, match="no key file"):
        read_key(tmp_path / "missing.key")


def test_a_key_is_never_written_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "gallery.key"
    key = make_key(path)
    assert read_key(path) == key
    assert key.secret.hex() not in repr(key)
    with pytest.raises(InputError, match="never written over"):
        make_key(path)


def test_another_key_opens_the_gallery_after_a_rotation_and_the_old_one_does_not(
    gallery: Gallery, staff: Collection, face: FaceMaker, anywhere: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    probe = face()
    staff.add_many({"Ann": [probe]})
    old = read_key(default_key_path())
    new = make_key(tmp_path_factory.mktemp("keys") / "new.key")
    change = gallery.rotate_key(new)
    assert change
    assert (change.key_id, change.collections, change.resealed) == (new.id, 1, 0)
    assert staff.search(probe.embedding)[0].person.name == "Ann"
    staff.add_person("Ben")
    gallery.create_collection("later", contract=CONTRACT, embedding_size=SIZE)
    with pytest.raises(GalleryKeyError):
        Gallery.open(anywhere, key=old)
    with Gallery.open(anywhere, key=new) as again:
        assert [person.name for person in again.collection("staff").people()] == ["Ann", "Ben"]
        assert again.check()


@pytest.mark.parametrize("rotated", [False, True])
def test_new_data_keys_change_every_record_and_no_answer(tmp_path: Path, face: FaceMaker, rotated: bool) -> None:
    path = tmp_path / "people.db"
    with Gallery.create(path) as gallery, Gallery.open(path) as other:
        staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE, rotated=rotated)
        probe = face("a", crop=b"a crop")
        staff.add_many({"Ann": [probe, face("b")], "Ben": [face("c")]})
        watched = other.collection()
        before = [(m.person.name, m.face, m.similarity) for m in watched.search(probe.embedding, 2)]
        old = staff.snapshot()
        assert gallery.renew_data_keys()
        for collection in (staff, watched):
            after = [(m.person.name, m.face, m.similarity) for m in collection.search(probe.embedding, 2)]
            assert [row[:2] for row in after] == [row[:2] for row in before]
            assert [row[2] for row in after] == pytest.approx([row[2] for row in before], abs=1e-6)
        new = staff.snapshot()
        assert new.generation == old.generation + 1
        assert bool((abs(new.vectors - old.vectors) > 1e-3).any()) == rotated
        assert not staff.changes_since(old).complete
        assert not staff.add_face("Ann", probe), "photos are known by their new digests"
        assert watched.crop(staff.find_photo(probe.photo)[0][1].uid) == b"a crop"
        assert gallery.check(), gallery.check().explain()


def test_an_unsealed_gallery_needs_no_key_until_it_is_sealed(tmp_path: Path, face: FaceMaker) -> None:
    path = tmp_path / "people.db"
    with Gallery.create(path, sealed=False) as gallery:
        staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
        staff.add_many({"Ann": [face()]})
        assert gallery.key_source == ""
        assert not gallery.stats().sealed
    assert not default_key_path().exists()
    open_key = _data_key(path)
    with Gallery.open(path) as gallery:
        key = make_key(default_key_path())
        change = gallery.rotate_key(key)
        assert (bool(change), change.resealed) == (True, 1)
        assert gallery.check()
    assert open_key not in path.read_bytes(), "the key that lay open seals nothing any more, and is gone"
    with pytest.raises(GalleryKeyError):
        Gallery.open(path, key=GalleryKey(bytes(32), "a test"))
    with Gallery.open(path) as gallery:
        assert [person.name for person in gallery.collection().people()] == ["Ann"]


def _data_key(path: Path) -> bytes:
    import sqlite3

    connection = sqlite3.connect(path)
    (key,) = connection.execute("SELECT data_key FROM collections").fetchone()
    connection.close()
    return bytes(key)
