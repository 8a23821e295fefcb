"""An erasure reads the files of the gallery, and SQLite's locks on them stay: to others this process is not gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from marginface.errors import StorageError
from marginface.gallery import Collection, Gallery, NewFace
from marginface.gallery.erasing.traces import Traces
from oracles.patience import PATIENCE

FaceMaker = Callable[..., NewFace]
VISIT = """
import sys
from marginface.gallery import Gallery
with Gallery.open(sys.argv[1]) as gallery:
    print(*sorted(person.name for person in gallery.collection("shelf").people()))
"""


def visit(path: Path) -> list[str]:
    """Open the gallery in another process and close it again; return the people that it saw."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", VISIT, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE)
    return done.stdout.split()


def test_what_is_acknowledged_after_an_erasure_is_there_for_others(tmp_path: Path, face: FaceMaker) -> None:
    with Gallery.create(tmp_path / "people.db", sealed=False) as gallery:
        one = face()
        shelf = gallery.create_collection(
            "shelf", contract=one.embedding.contract, embedding_size=len(one.embedding.vector)
        )
        shelf.add_many({"Ann": [one], "Ben": [face()]})
        assert shelf.erase("Ann")
        assert visit(tmp_path / "people.db") == ["Ben"]
        shelf.add_many({"Cem": [face()]})
        assert (tmp_path / "people.db-wal").exists()
        assert visit(tmp_path / "people.db") == ["Ben", "Cem"]
        assert gallery.check()
    assert visit(tmp_path / "people.db") == ["Ben", "Cem"]


def test_a_file_is_searched_without_being_opened_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 200_000)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("opened in this process"))
    monkeypatch.setattr("builtins.open", lambda *_, **__: pytest.fail("opened in this process"))
    found = Traces([], [b"\x10\x11\x12\x13\x14\x15"]).look_in(path)
    assert (found.size, found.traces) == (51_200_000, 200_000)


def test_a_file_that_cannot_be_read_is_no_file_without_traces(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be searched"):
        Traces([], [b"name"]).look_in(tmp_path / "nothing")


def test_a_collection_goes_on_after_many_erasures(file_gallery: Gallery, shelf: Collection, face: FaceMaker) -> None:
    for number in range(5):
        shelf.add_many({f"Person {number}": [face()]})
        assert shelf.erase(f"Person {number}")
    assert file_gallery.check()
