"""What deepface, InsightFace and CompreFace keep, in the forms they write it; whatever else a file holds is refused."""

from __future__ import annotations

import base64
import json
import pickle
import sqlite3
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from marginface.enrolment import IMPORTERS, Enroller, EnrolSettings, import_vectors
from marginface.enrolment.imports import ForeignFaces
from marginface.errors import ContractMismatch, DataError, InputError, MarginfaceError
from marginface.gallery import Collection, Gallery
from marginface.pipeline import Recognizer
from marginface.similarity import l2_normalize
from marginface.values import Embedding
from oracles.enrolments import write_people
from oracles.red_faces import photo_with_faces

STEM = "ds_model_facenet512_detector_retinaface_aligned_normalization_base_expand_0"
CONTRACT = "foreign:deepface/facenet512/retinaface/aligned/base/0"
VECTORS = np.random.default_rng(5).normal(size=(4, 16)) * 30
PHOTOS = ["db/Ann/1.jpg", "db/Ann/2.jpg", "db\\Łucja 王\\a.jpg", "db/Bob/x.png"]


def unit(number: int) -> np.ndarray:
    return l2_normalize(VECTORS[number])


def rows() -> list[dict[str, object]]:
    listed = [list(map(float, vector)) for vector in VECTORS]
    listed[3] = None  # type: ignore[call-overload]
    return [
        {
            "identity": photo,
            "hash": "ab",
            "embedding": vector,
            "target_x": 1,
            "target_y": 2,
            "target_w": 3,
            "target_h": 4,
        }
        for photo, vector in zip(PHOTOS, listed, strict=True)
    ]


def deepface_file(folder: Path, kind: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{STEM}.{kind}"
    if kind == "npz":
        vectors = VECTORS.copy()
        vectors[3] = 0
        columns = {
            name: np.array([row[name] for row in rows()]) for name in ("identity", "hash", "target_x", "target_y")
        }
        np.savez(path, embedding=vectors, has_embedding=np.array([True, True, True, False]), **columns)
    elif kind == "pkl":
        path.write_bytes(pickle.dumps(rows()))
    else:
        pa = pytest.importorskip("pyarrow")
        table = pa.Table.from_pylist(rows())
        if kind == "parquet":
            pytest.importorskip("pyarrow.parquet").write_table(table, path)
        else:
            pytest.importorskip("pyarrow.feather").write_feather(table, path)
    return path


def same(found: ForeignFaces, *numbers: int) -> None:
    vectors = [face.vector for face in found.faces if face.vector is not None]
    assert len(vectors) == len(numbers)
    for vector, number in zip(vectors, numbers, strict=True):
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, unit(number), atol=1e-6)


@pytest.mark.parametrize("kind", ["npz", "parquet", "feather", "pkl"])
def test_representations_of_deepface_in_each_of_its_formats(tmp_path: Path, kind: str) -> None:
    found = IMPORTERS["deepface"](deepface_file(tmp_path / "db", kind), "")
    assert found.contract == CONTRACT
    assert [face.person for face in found.faces] == ["Ann", "Ann", "Łucja 王", "Bob"]
    assert [face.photo for face in found.faces] == PHOTOS
    assert found.remarks == ("Photos in which deepface found no face: 1.",)
    same(found, 0, 1, 2)


def test_deepface_before_2024_kept_pairs_and_named_the_file_by_the_model(tmp_path: Path) -> None:
    path = tmp_path / "representations_arcface.pkl"
    path.write_bytes(pickle.dumps([["people/Ann/1.jpg", list(map(float, VECTORS[0]))]], protocol=2))
    with pytest.raises(InputError, match="--made-by ArcFace"):
        IMPORTERS["deepface"](path, "")
    found = IMPORTERS["deepface"](path, "ArcFace")
    assert (found.contract, found.faces[0].person) == ("foreign:deepface/arcface", "Ann")
    same(found, 0)


def test_photos_beside_the_file_are_people_by_their_own_name(tmp_path: Path) -> None:
    path = tmp_path / "people" / f"{STEM}.npz"
    path.parent.mkdir()
    np.savez(path, identity=np.array(["somewhere/people/ann.smith.jpg", "bob.png"]), embedding=VECTORS[:2])
    assert [face.person for face in IMPORTERS["deepface"](path, "").faces] == ["ann.smith", "bob"]


class Runs:
    """Runs something when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (open, (str(self.marker), "w"))  # type: ignore[return-value]


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(tmp_path: Path, protocol: int) -> None:
    path, marker = tmp_path / f"{STEM}.pkl", tmp_path / "was-run"
    path.write_bytes(pickle.dumps([{"identity": "a.jpg", "embedding": Runs(marker)}], protocol=protocol))
    with pytest.raises(DataError, match="nothing in the file was run"):
        IMPORTERS["deepface"](path, "")
    assert not marker.exists()


def test_arrays_that_only_pickle_reads_are_refused_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "faces.npz"
    np.savez(path, names=np.array(["Ann"], dtype=object), embeddings=VECTORS[:1])
    with pytest.raises(DataError, match=r"which only pickle reads.*np\.savez"):
        IMPORTERS["insightface"](path, "buffalo_l")


def test_names_and_vectors_of_insightface_in_the_forms_its_users_keep(tmp_path: Path) -> None:
    side = tmp_path / "side.npz"
    np.savez(side, names=np.array(["Ann", "Bob"]), embeddings=VECTORS[:2].astype(np.float32))
    each = tmp_path / "each.npz"
    np.savez(each, Ann=VECTORS[0], Bob=VECTORS[1:3])
    plain = tmp_path / "plain.npy"
    np.save(plain, VECTORS[:2])
    with pytest.raises(DataError, match=r"put them into plain\.txt"):
        IMPORTERS["insightface"](plain, "buffalo_l")
    plain.with_suffix(".txt").write_text("Ann\nŁucja\n", encoding="utf-8")
    with pytest.raises(InputError, match="--made-by buffalo_l"):
        IMPORTERS["insightface"](side, "")
    wanted = (
        (side, ["Ann", "Bob"], (0, 1)),
        (each, ["Ann", "Bob", "Bob"], (0, 1, 2)),
        (plain, ["Ann", "Łucja"], (0, 1)),
    )
    for path, people, numbers in wanted:
        found = IMPORTERS["insightface"](path, "buffalo_l")
        assert (found.contract, [face.person for face in found.faces]) == ("foreign:insightface/buffalo_l", people)
        same(found, *numbers)


def server(path: Path, *collections: str) -> Path:
    """Write a database with the tables of InsightFace Server 0.2 that the importer reads."""
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE collections (id TEXT, name TEXT, model_id TEXT, model_version TEXT, "
            "preprocessing_version TEXT);"
            "CREATE TABLE persons (collection_id TEXT, id TEXT, name TEXT, external_id TEXT);"
            "CREATE TABLE face_samples (id TEXT, collection_id TEXT, person_id TEXT, embedding BLOB);"
        )
        for number, name in enumerate(collections):
            connection.execute("INSERT INTO collections VALUES (?, ?, 'buffalo_l', '1.0', 'v1')", (f"c{number}", name))
            for person, label, outside in (("p0", "Ann", None), ("p1", None, "staff-7")):
                connection.execute("INSERT INTO persons VALUES (?, ?, ?, ?)", (f"c{number}", person, label, outside))
                blob = VECTORS[int(person[1])].astype("<f4").tobytes()
                connection.execute(
                    "INSERT INTO face_samples VALUES (?, ?, ?, ?)", (f"f{person}", f"c{number}", person, blob)
                )
    connection.close()
    return path


def test_the_database_of_insightface_server(tmp_path: Path) -> None:
    found = IMPORTERS["insightface"](server(tmp_path / "insightface-server.db", "staff"), "")
    assert found.contract == "foreign:insightface-server/buffalo_l/1.0/v1"
    assert [face.person for face in found.faces] == ["Ann", "staff-7"]
    same(found, 0, 1)
    several = server(tmp_path / "several.db", "staff", "guests")
    with pytest.raises(InputError, match=r"which collection\?.*guests, staff"):
        IMPORTERS["insightface"](several, "")
    assert len(IMPORTERS["insightface"](several, "guests").faces) == 2
    (tmp_path / "text.db").write_text("no database, but long enough to look at")
    with pytest.raises(DataError, match="cannot be read as the database"):
        IMPORTERS["insightface"](tmp_path / "text.db", "")


def photo_bytes(blue: int) -> bytes:
    stream = BytesIO()
    Image.fromarray(photo_with_faces((180, 60, 280, 180), blue=blue)).save(stream, "PNG")
    return stream.getvalue()


def compreface_files(folder: Path) -> dict[str, Path]:
    """Write one gallery of two subjects in the three forms."""
    arrays = ["{" + ",".join(map(str, vector)) + "}" for vector in VECTORS[:2]]
    images = [photo_bytes(10), photo_bytes(120)]
    dump = folder / "dump.sql"
    dump.write_text(
        "-- PostgreSQL database dump\n\n"
        "COPY public.subject (id, api_key, subject_name) FROM stdin;\n"
        "s1\tk1\tAnn\\tTab\ns2\tk2\tŁucja\n\\.\n\n\n"
        "COPY public.img (id, content, subject_id) FROM stdin;\n"
        f"i1\t\\\\x{images[0].hex()}\ts1\n\\.\n\n"
        "COPY public.embedding (id, subject_id, embedding, calculator, img_id) FROM stdin;\n"
        f"e1\ts1\t{arrays[0]}\tFaceNet\ti1\ne2\ts2\t{arrays[1]}\tFaceNet\t\\N\n\\.\n",
        encoding="utf-8",
    )
    table = folder / "faces.csv"
    table.write_text(
        "subject_name,calculator,embedding,image\n"
        f'Ann,FaceNet,"{arrays[0]}",{images[0].hex()}\nŁucja,FaceNet,"{arrays[1]}",\n',
        encoding="utf-8",
    )
    listed = folder / "faces.json"
    faces = [
        {"subject": "Ann", "embedding": VECTORS[0].tolist(), "image": base64.b64encode(images[0]).decode()},
        {"subject": "Łucja", "embedding": VECTORS[1].tolist(), "calculator": "FaceNet"},
    ]
    listed.write_text(json.dumps({"faces": faces}), encoding="utf-8")
    return {"sql": dump, "csv": table, "json": listed}


@pytest.mark.parametrize("kind", ["sql", "csv", "json"])
def test_a_dump_of_compreface_has_vectors_and_the_photos_that_it_kept(
    people: Collection, red: Recognizer, tmp_path: Path, kind: str
) -> None:
    found = IMPORTERS["compreface"](compreface_files(tmp_path)[kind], "")
    assert found.contract == "foreign:compreface/facenet"
    assert [face.person for face in found.faces] == ["Ann\tTab" if kind == "sql" else "Ann", "Łucja"]
    same(found, 0, 1)
    assert [bool(face.content) for face in found.faces] == [True, False]
    report = Enroller(people, red, EnrolSettings()).enrol(found.photos(None)[:1])
    assert [(one.outcome.value, one.person[:3]) for one in report.photos] == [("enrolled", "Ann")]
    assert people.search(red.embed(photo_bytes(10)))[0].similarity == pytest.approx(1)
    assert (len(found.remarks) == 1) == (kind == "sql")


def test_what_no_importer_can_use_is_said(tmp_path: Path) -> None:
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps({"faces": [{"image_id": "1", "subject": "Ann"}]}))
    with pytest.raises(DataError, match="The REST list of faces has none: dump the database"):
        IMPORTERS["compreface"](listed, "FaceNet")
    two = [{"subject": "A", "embedding": [1, 2], "calculator": c} for c in ("x", "y")]
    listed.write_text(json.dumps(two))
    with pytest.raises(InputError, match="several calculators: x, y"):
        IMPORTERS["compreface"](listed, "")
    assert len(IMPORTERS["compreface"](listed, "x").faces) == 1
    dump = tmp_path / "dump.sql"
    dump.write_text("COPY public.subject (id, subject_name) FROM stdin;\n1\tAnn\n")
    with pytest.raises(DataError, match="cut off"):
        IMPORTERS["compreface"](dump, "")
    with pytest.raises(DataError, match="expected a representations file of deepface"):
        IMPORTERS["deepface"](tmp_path / "a.csv", "")
    np.savez(tmp_path / "mixed.npz", A=VECTORS[0], B=VECTORS[0][:5])
    with pytest.raises(DataError, match="several models made them"):
        IMPORTERS["insightface"](tmp_path / "mixed.npz", "x")
    np.savez(tmp_path / "zero.npz", A=np.zeros(8))
    with pytest.raises(DataError, match="no direction"):
        IMPORTERS["insightface"](tmp_path / "zero.npz", "x")


def test_vectors_go_into_a_collection_that_only_their_model_can_search(gallery: Gallery, tmp_path: Path) -> None:
    found = IMPORTERS["deepface"](deepface_file(tmp_path / "db", "npz"), "")
    report = import_vectors(gallery, found, "deepface")
    assert (report.people, report.new, report.known, report.exit_status) == (2, 3, 0, 3)
    assert report.left_out == ("db/Bob/x.png: no vector.",)
    again = import_vectors(gallery, found, "deepface")
    assert (again.new, again.known) == (0, 3)
    old = gallery.collection("deepface")
    assert (old.contract, old.embedding_size) == (CONTRACT, 16)
    (best,) = old.search(Embedding(unit(2), CONTRACT))
    assert (best.person.name, round(best.similarity, 5)) == ("Łucja 王", 1)
    with pytest.raises(ContractMismatch):
        old.search(Embedding(unit(2), "0" * 16))
    other = IMPORTERS["deepface"](deepface_file(tmp_path / "db", "npz"), "ArcFace")
    with pytest.raises(ContractMismatch, match="Say another --collection"):
        import_vectors(gallery, other, "deepface")
    assert gallery.check().findings == ()


def test_photos_are_found_where_they_are_now(tmp_path: Path) -> None:
    found = IMPORTERS["deepface"](deepface_file(tmp_path / "db", "npz"), "")
    moved = write_people(tmp_path / "moved", {"Ann": (10,)})
    (moved / "Ann" / "010.png").rename(moved / "Ann" / "1.jpg")
    places = [item.path for item in found.photos(moved)]
    assert places[0] == moved / "Ann" / "1.jpg"
    assert places[1] == Path("db/Ann/2.jpg")
    (tmp_path / "db" / "Ann").mkdir()
    (tmp_path / "db" / "Ann" / "2.jpg").write_bytes(b"")
    assert [item.path for item in found.photos(None)][1] == tmp_path / "db" / "Ann" / "2.jpg"


GOOD = {
    "pkl": pickle.dumps([{"identity": "a/b.jpg", "embedding": [0.5, 1.5, -2.0]}, {"identity": "c", "embedding": None}]),
    "json": b'[{"subject": "A", "embedding": [1, 2.5], "calculator": "x"}]',
    "csv": b'subject,embedding,calculator\nA,"{1,2}",x\n',
    "sql": b"COPY public.subject (id, subject_name) FROM stdin;\n1\tA\n\\.\n"
    b"COPY public.embedding (id, subject_id, embedding, calculator) FROM stdin;\n1\t1\t{1,2}\tx\n\\.\n",
}


def npz() -> bytes:
    stream = BytesIO()
    np.savez(
        stream, names=np.array(["A", "B"]), embeddings=VECTORS[:2], identity=np.array(["a", "b"]), embedding=VECTORS[:2]
    )
    return stream.getvalue()


GOOD["npz"] = npz()


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data(), kind=st.sampled_from(sorted(GOOD)))
def test_a_damaged_file_is_an_error_of_ours_or_is_read(tmp_path: Path, data: st.DataObject, kind: str) -> None:
    content = bytearray(GOOD[kind])
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    path = tmp_path / f"{STEM}.{kind}"
    path.write_bytes(bytes(content[:cut]))
    for system in {"pkl": ["deepface"], "npz": ["deepface", "insightface"]}.get(kind, ["compreface"]):
        try:
            found = IMPORTERS[system](path, data.draw(st.sampled_from(["", "x"])))
        except MarginfaceError:
            continue
        assert all(face.vector is None or abs(np.linalg.norm(face.vector) - 1) < 1e-3 for face in found.faces)
