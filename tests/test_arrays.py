"""NumPy files of others: arrays, or DataError with what is wrong."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marginface.arrays import map_npy, read_npy, read_npz
from marginface.errors import DataError


def npz(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return path


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def test_arrays_come_back(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", numbers=np.arange(3.0), names=np.array(["Ann", "ü𝄞"]))
    found = read_npz(tmp_path / "a.npz")
    assert found["numbers"].tolist() == [0, 1, 2]
    assert found["names"].tolist() == ["Ann", "ü𝄞"]
    np.save(tmp_path / "a.npy", np.arange(4))
    assert read_npy(tmp_path / "a.npy").tolist() == map_npy(tmp_path / "a.npy").tolist() == [0, 1, 2, 3]


def test_names_with_the_most_significant_byte_first_come_back(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", names=np.array(["Ann"]).astype(">U3"))
    assert read_npz(tmp_path / "a.npz")["names"].tolist() == ["Ann"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(np.array([{}], dtype=object)), "only pickle reads"),
        (npy(np.array(["ab"]))[:-4] + b"\xff\xff\xff\xff", "signs that Unicode does not have"),
        (b"no array", "expected NumPy arrays; got bytes"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (4,"), "a.npz"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,), }\n"), "a.npz"),
        (header("(" * 5000), "a.npz"),
    ],
)
def test_whatever_a_member_holds_is_an_array_or_a_data_error(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_npz(npz(tmp_path / "a.npz", a_npy=content))


def test_a_missing_file_is_a_data_error(tmp_path: Path) -> None:
    for read in (read_npz, read_npy, map_npy):
        with pytest.raises(DataError, match="no such file"):
            read(tmp_path / "none")
