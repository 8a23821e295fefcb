"""The files of ``marginface embed`` are read as it writes them, and what is none is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from marginface.data.embedding_files import embeddings_file, holds_embeddings, read_embeddings, write_embeddings
from marginface.errors import DataError, InputError
from marginface.values import FloatArray


def unit_rows(count: int = 5, size: int = 3) -> FloatArray:
    rows = np.random.default_rng(0).normal(size=(count, size))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_an_archive_says_whose_embeddings_it_has(tmp_path: Path) -> None:
    names = [f"lfw/{name}/1.jpg" for name in ("Ann", "Ann", "Bob", "Cy", "Dee")]
    np.savez(tmp_path / "a.npz", photos=np.array(names), embeddings=unit_rows(), contract=np.array("c0ffee"))
    stored = read_embeddings(tmp_path / "a.npz")
    assert (stored.people, stored.contract) == (("Ann", "Ann", "Bob", "Cy", "Dee"), "c0ffee")
    np.testing.assert_array_equal(stored.vectors, unit_rows())
    np.savez(tmp_path / "b.npz", photos=np.array(["1.jpg"] * 5), embeddings=unit_rows())
    assert (read_embeddings(tmp_path / "b.npz").people, read_embeddings(tmp_path / "b.npz").contract) == ((), "")


def test_an_array_stays_on_the_disk_and_others_are_brought_to_length_one(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", unit_rows())
    assert isinstance(read_embeddings(tmp_path / "a.npy").vectors.base, np.memmap)
    np.testing.assert_array_equal(read_embeddings(tmp_path / "a.npy").vectors, unit_rows())
    np.save(tmp_path / "b.npy", (3 * unit_rows()).astype(np.float16))
    np.testing.assert_allclose(read_embeddings(tmp_path / "b.npy").vectors, unit_rows(), atol=2e-3)
    assert read_embeddings(tmp_path / "b.npy").vectors.dtype == np.float32


def test_shards_are_one_set_with_the_contract_of_their_manifest(tmp_path: Path) -> None:
    from marginface.batch.embeddings import fill_embeddings
    from marginface.data.convert.rows import Row

    pytest.importorskip("pyarrow")
    for number, part in enumerate(np.split(unit_rows(), [3])):
        name = f"p{number}"
        rows = [Row(row, f"{name}/{row}", name, number, part[row].tobytes(), "") for row in range(len(part))]
        with (tmp_path / f"embeddings-{number:05d}-of-00002.parquet").open("wb") as stream:
            fill_embeddings(stream, rows, ())
    assert holds_embeddings(tmp_path)
    assert read_embeddings(tmp_path).contract == ""
    (tmp_path / "manifest.json").write_text(json.dumps({"settings": {"contract": "c0ffee"}}))
    stored = read_embeddings(tmp_path)
    assert stored.contract == "c0ffee"
    assert stored.people == ("p0", "p0", "p0", "p1", "p1")
    assert stored.names == ("p0/0", "p0/1", "p0/2", "p1/0", "p1/1")
    np.testing.assert_array_equal(stored.vectors, unit_rows())


def test_only_these_are_taken_for_embeddings(tmp_path: Path) -> None:
    assert holds_embeddings(tmp_path / "x.npz")
    assert holds_embeddings(tmp_path / "x.npy")
    assert not holds_embeddings(tmp_path)
    assert not holds_embeddings(tmp_path / "x.jpg")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"vectors": unit_rows()}, "expected an array embeddings"),
        ({"embeddings": unit_rows(), "photos": np.array(["a/1"])}, "a photo for each embedding; got 1 and 5"),
        ({"embeddings": unit_rows()[0]}, r"numbers .N, D.; got float32 \(3,\)"),
        ({"embeddings": np.arange(6).reshape(2, 3)}, "got int64"),
        ({"embeddings": np.zeros((2, 3), np.float32)}, "embedding 0 has no direction, its length is 0"),
        ({"embeddings": np.full((2, 3), np.nan, np.float32)}, "its length is nan"),
        ({"embeddings": np.array([[{}]], dtype=object)}, "only pickle reads"),
    ],
)
def test_what_is_no_file_of_embeddings_is_said(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_embeddings(tmp_path / "a.npz")


def test_a_damaged_or_absent_file_is_named(tmp_path: Path) -> None:
    for name in ("a.npz", "a.npy"):
        with pytest.raises(DataError, match=f"{name}: cannot be read as a NumPy file: no such file"):
            read_embeddings(tmp_path / name)
        (tmp_path / name).write_bytes(b"no archive at all")
        with pytest.raises(DataError, match=f"{name}: .*no(t)? .*(NumPy|zip) file"):
            read_embeddings(tmp_path / name)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    vectors = np.eye(3, dtype=np.float32)
    write_embeddings(
        tmp_path / "new" / "faces.npz", ["Ann/1.jpg", "Ann/2.jpg", "Bob/1.jpg"], vectors, "0123456789abcdef"
    )
    found = read_embeddings(tmp_path / "new" / "faces.npz")
    assert np.array_equal(found.vectors, vectors)
    assert (found.names[2], found.people, found.contract) == ("Bob/1.jpg", ("Ann", "Ann", "Bob"), "0123456789abcdef")


def test_embeddings_are_written_to_npz_alone_so_that_no_photo_is_overwritten() -> None:
    assert embeddings_file(Path("staff.npz")) == Path("staff.npz")
    with pytest.raises(InputError, match=r"ann\.jpg: embeddings are written to FILE\.npz"):
        embeddings_file(Path("ann.jpg"))
