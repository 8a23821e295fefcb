"""Faces from photos and from files of embeddings: the same protocol on both, and nothing of another contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marginface.errors import ContractMismatch, DataError
from marginface.evaluation.reading import Reader, list_anybody, list_people
from oracles.colored_pairs import write_color
from oracles.mean_color import MeanColor


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number, name in enumerate(("Ann", "Bob", "Cy")):
        for shade in (0, 40):
            write_color(tmp_path / "photos" / name / f"{shade}.png", (90 + 50 * number, 200 - shade, 70))
    return tmp_path / "photos"


def test_photos_and_their_stored_embeddings_are_the_same_faces(photos: Path, tmp_path: Path) -> None:
    embedder = MeanColor()
    fresh = list_people(photos).faces(embedder, Reader())
    assert fresh.names == ("Ann/0.png", "Ann/40.png", "Bob/0.png", "Bob/40.png", "Cy/0.png", "Cy/40.png")
    assert fresh.people.tolist() == [0, 0, 1, 1, 2, 2]
    contract = np.array(embedder.contract.id)
    np.savez(tmp_path / "a.npz", photos=np.array(fresh.names), embeddings=fresh.vectors, contract=contract)
    stored = list_people(tmp_path / "a.npz").faces(embedder, Reader())
    assert embedder.crops_seen == 6
    np.testing.assert_array_equal(stored.vectors, fresh.vectors)
    assert stored.people.tolist() == fresh.people.tolist()
    anybody = list_anybody(photos).faces(embedder, Reader())
    assert anybody.people.tolist() == list(range(6)), "nobody asks whose distractors are"
    assert fresh.part(np.array([3])).names == ("Bob/40.png",)


def test_embeddings_of_another_model_are_refused_with_what_may_be_the_reason(tmp_path: Path) -> None:
    rows = np.eye(3, dtype=np.float32)
    np.savez(tmp_path / "a.npz", photos=np.array(["a/1", "a/2", "b/1"]), embeddings=rows, contract=np.array("other"))
    with pytest.raises(ContractMismatch, match="The mirror sum is part of a contract"):
        list_people(tmp_path / "a.npz").faces(MeanColor(), Reader())
    np.savez(tmp_path / "b.npz", photos=np.array(["1", "2", "3"]), embeddings=rows)
    with pytest.raises(DataError, match="nothing says whose embeddings these are"):
        list_people(tmp_path / "b.npz").faces(MeanColor(), Reader())
    np.save(tmp_path / "c.npy", np.eye(4, dtype=np.float32))
    with pytest.raises(DataError, match="embeddings of mean-color have 3 numbers; got 4"):
        list_anybody(tmp_path / "c.npy").faces(MeanColor(), Reader())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected photos in this folder or below it; got none"):
        list_anybody(tmp_path / "empty").faces(MeanColor(), Reader())
