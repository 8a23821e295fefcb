"""Sealing and rotation: what a record is bound to, what a stolen file shows, what a rotation keeps."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from marginface.errors import GalleryError
from marginface.gallery import About, Collection, Gallery, GalleryKey
from marginface.gallery.sealing.cipher import new_key
from marginface.gallery.sealing.rotation import Rotation
from marginface.gallery.sealing.seal import Seal, derived_key
from oracles.galleries import CONTRACT, SIZE, FaceMaker, sha, unit


def test_a_record_opens_only_where_it_belongs() -> None:
    key = new_key()
    seal = Seal(key, "c-1", CONTRACT)
    sealed = seal.seal("template", 1, 2, b"vector")
    assert seal.open("template", 1, 2, sealed) == b"vector"
    others = (
        lambda: seal.open("crop", 1, 2, sealed),
        lambda: seal.open("template", 3, 2, sealed),
        lambda: seal.open("template", 1, 3, sealed),
        lambda: Seal(key, "c-2", CONTRACT).open("template", 1, 2, sealed),
        lambda: Seal(key, "c-1", "f" * 16).open("template", 1, 2, sealed),
        lambda: Seal(new_key(), "c-1", CONTRACT).open("template", 1, 2, sealed),
        lambda: seal.open("template", 1, 2, sealed[:-1]),
        lambda: seal.open("template", 1, 2, b""),
        lambda: seal.open("template", 1, 2, bytes([sealed[0] ^ 1]) + sealed[1:]),
    )
    for opened in others:
        with pytest.raises(GalleryError, match="does not open"):
            opened()


def test_a_record_is_aes_256_gcm_as_the_page_describes_it() -> None:
    key = new_key()
    sealed = Seal(key, "c-1", CONTRACT).seal("face", 5, 9, b"content")
    bound = f"marginface|1|c-1|{CONTRACT}|face|5|9".encode()
    assert AESGCM(derived_key(key, "seal")).decrypt(sealed[:12], sealed[12:], bound) == b"content"


def test_records_and_data_keys_of_older_files_open() -> None:
    key = bytes(range(32))
    record = bytes.fromhex("c43b79c1709e3c9a50769f05beed4266f463f1d818e5e9c4c2df6bbac6db2bfeb7eaca")
    assert Seal(key, "c-1", CONTRACT).open("face", 5, 9, record) == b"content"
    wrapped = bytes.fromhex(
        "99e3fd84693f9acb1f3c82963870a3b639c6d8cbc2713192800e12a4a45b02af"
        "35cbdc8511273df9dd2828686d9e8855fb488a9bf65d00a473a47708"
    )
    assert GalleryKey(key, "a test").unwrap(wrapped, "c-1") == bytes(32)


def test_equal_contents_are_sealed_differently_and_digests_need_the_key() -> None:
    seal = Seal(new_key(), "c-1", CONTRACT)
    assert seal.seal("face", 1, 1, b"same") != seal.seal("face", 1, 1, b"same")
    assert seal.digest("name", "Ann") == seal.digest("name", "Ann") != seal.digest("photo", "Ann")
    assert seal.digest("name", "Ann") != Seal(new_key(), "c-1", CONTRACT).digest("name", "Ann")


def test_a_stolen_file_shows_neither_names_nor_vectors_nor_photos_nor_crops(
    file_gallery: Gallery, shelf: Collection, face: FaceMaker, tmp_path: Path
) -> None:
    crop, name = os.urandom(5000), "Ann Unmistakable Example"
    new = face("photo", crop=crop)
    shelf.add_many({name: [new]}, About("consent of the person", "purpose of the door"))
    shelf.rename(name, name + " II")
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    vector = new.embedding.vector.tobytes()
    secrets = [name.encode(), vector, vector[:8], sha("photo").encode(), bytes.fromhex(sha("photo")), crop[:64]]
    secrets += [b"consent of", b"purpose of", b"sharpness"]
    for secret in secrets:
        assert secret not in content
    assert b"staff" in content, "names of collections are not sealed"
    assert CONTRACT.encode() in content


def test_records_that_are_swapped_between_people_do_not_open(
    file_gallery: Gallery, shelf: Collection, face: FaceMaker, tmp_path: Path
) -> None:
    import sqlite3

    shelf.add_many({"Ann": [face()], "Ben": [face()]})
    connection = sqlite3.connect(tmp_path / "people.db")
    rows = connection.execute("SELECT face_id, sealed FROM templates ORDER BY face_id").fetchall()
    for (face_id, _), (_, sealed) in itertools.pairwise([*rows, rows[0]]):
        connection.execute("UPDATE templates SET sealed = ? WHERE face_id = ?", (sealed, face_id))
    connection.commit()
    connection.close()
    with pytest.raises(GalleryError, match="template of face 1 of person 1 does not open"):
        shelf.snapshot()
    report = file_gallery.check()
    assert len(report.findings) == 2
    assert not report


@pytest.mark.parametrize("size", [1, 2, 16, 129])
def test_a_rotation_keeps_every_cosine_and_turns_back(size: int) -> None:
    chance = np.random.default_rng(size)
    vectors = np.stack([unit(chance, size) for _ in range(20)]).astype(np.float32)
    rotation = Rotation(b"a key", size)
    turned = rotation.turn(vectors)
    np.testing.assert_allclose(turned @ turned.T, vectors @ vectors.T, atol=1e-6)
    np.testing.assert_allclose(rotation.back(turned), vectors, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), 1, atol=1e-6)


def test_vectors_under_two_rotations_have_cosines_of_strangers() -> None:
    chance = np.random.default_rng(0)
    size, count = 128, 400
    vectors = np.stack([unit(chance, size) for _ in range(count)]).astype(np.float32)
    one, two = Rotation(b"one", size).turn(vectors), Rotation(b"two", size).turn(vectors)
    across = np.einsum("nd,nd->n", one, two)
    assert abs(across.mean()) < 4 / np.sqrt(size * count), "as of random unit vectors: mean 0 …"
    assert across.std() == pytest.approx(1 / np.sqrt(size), rel=0.15), "… and deviation 1/√D"


def rotation_by_hand(key: bytes, size: int) -> np.ndarray:
    """SHAKE-256 → Box-Muller → Gram-Schmidt on the columns, one number at a time."""
    half = (size * size + 1) // 2
    stream = hashlib.shake_256(key).digest(16 * half)
    words = [int.from_bytes(stream[8 * i : 8 * i + 8], "little") for i in range(2 * half)]
    radii = [math.sqrt(-2 * math.log((word + 1) / 2**64)) for word in words[:half]]
    angles = [2 * math.pi * word / 2**64 for word in words[half:]]
    normal = [r * math.cos(a) for r, a in zip(radii, angles, strict=True)]
    normal += [r * math.sin(a) for r, a in zip(radii, angles, strict=True)]
    columns: list[np.ndarray] = []
    for column in np.array(normal[: size * size]).reshape(size, size).T:
        rest = column - sum((float(column @ done) * done for done in columns), np.zeros(size))
        columns.append(rest / np.linalg.norm(rest))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_rotation_is_the_same_on_every_machine(size: int) -> None:
    turned = Rotation(b"marginface", size).turn(np.eye(size, dtype=np.float32))
    np.testing.assert_allclose(turned, rotation_by_hand(b"marginface", size), atol=1e-6)


def test_a_rotated_collection_answers_as_one_that_is_not(file_gallery: Gallery, face: FaceMaker) -> None:
    plain = file_gallery.create_collection("plain", contract=CONTRACT, embedding_size=SIZE)
    turned = file_gallery.create_collection("turned", contract=CONTRACT, embedding_size=SIZE, rotated=True)
    faces = {f"Person {number}": [face()] for number in range(30)}
    for collection in (plain, turned):
        collection.add_many(faces)
    probe = face().embedding
    one, two = (collection.search(probe, 30) for collection in (plain, turned))
    assert [match.person.name for match in one] == [match.person.name for match in two]
    np.testing.assert_allclose([m.similarity for m in one], [m.similarity for m in two], atol=1e-6)
    across = np.abs(np.einsum("nd,nd->n", plain.snapshot().vectors, turned.snapshot().vectors))
    assert across.max() < 0.99
