"""Paths and URLs behind one door."""

from __future__ import annotations

from pathlib import Path

import pytest

from marginface.errors import DataError, InputError, MissingExtra
from marginface.files import write_whole
from marginface.locations import files_below, is_remote, location, store_errors_told

upath = pytest.importorskip("upath", reason="stores need pip install 'marginface[ray]'")


@pytest.mark.parametrize("text", ["crops", "/data/train-*.tar", "C:\\crops", "a:b"])
def test_a_path_stays_a_path_of_this_machine(text: str) -> None:
    assert location(text) == Path(text)
    assert not is_remote(location(text))
    assert not is_remote(location("file:///tmp/crops"))


def test_a_store_nobody_knows_and_a_driver_that_is_missing_are_told() -> None:
    with pytest.raises(InputError, match="expected a path, or a URL of a store that fsspec knows"):
        location("nowhere://bucket/crops")
    with pytest.raises(MissingExtra, match="dropbox:// needs a driver: pip install its fsspec driver"):
        location("dropbox://bucket/crops")


def test_a_store_that_refuses_is_told() -> None:
    with pytest.raises(DataError, match=r"s3://b: the store refuses us .* Check its keys"), store_errors_told("s3://b"):
        raise PermissionError("Access Denied")


def test_files_below_a_folder_of_a_store_are_its_own() -> None:
    root = location("memory://listing")
    for name in ("a/2.jpg", "a/1.jpg", "b.jpg"):
        (root / name).write_bytes(b"x")
    (location("memory://listing-other") / "c.jpg").write_bytes(b"x")
    assert [path.relative_to(root).as_posix() for path in files_below(root)] == ["a/1.jpg", "a/2.jpg", "b.jpg"]


def test_what_fails_while_it_is_written_leaves_the_old_file_in_the_store() -> None:
    path = location("memory://writing/file.bin")
    write_whole(path, lambda stream: stream.write(b"old"))

    def fail(stream: object) -> None:
        stream.write(b"half of the n")  # type: ignore[attr-defined]
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_whole(path, fail)
    assert path.read_bytes() == b"old"
