"""Damaged files of every kind: each reader answers, or says in one of our errors what is wrong."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from fuzzing.mutation import mutated
from fuzzing.readers import READERS
from fuzzing.trial import faults_of, tried

KEPT = Path(__file__).parent / "kept"
SECONDS, FILES = 0.4, 60  # benchmarks/fuzz.py does the same for as long as you like
EXTRAS = {
    "video": "cv2", "parquet": "pyarrow", "parquet pairs": "pyarrow", "embeddings shard": "pyarrow",
    "deepface .parquet": "pyarrow", "deepface .feather": "pyarrow", "weights": "torch", "weights zip": "torch",
    "recipe": "torch", "recipe override": "torch", "run": "torch", "checkpoint": "torch", "loss": "torch",
    "source card": "torch",
}  # fmt: skip


@pytest.fixture
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("own_config")
@pytest.mark.parametrize("name", READERS)
def test_whatever_a_file_holds_a_reader_answers_or_says_what_is_wrong(name: str, tmp_path: Path) -> None:
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    faults = faults_of(READERS[name], tmp_path, seed=1, seconds=SECONDS, most=FILES)
    assert [(number, fault.key) for number, fault in faults] == []


@pytest.mark.usefixtures("own_config")
@pytest.mark.parametrize("path", sorted(KEPT.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_that_once_was_a_fault_is_none(path: Path, tmp_path: Path) -> None:
    name = path.parent.name.replace("_", " ")
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    assert tried(READERS[name], tmp_path, path.read_bytes()) is None


def test_every_kept_file_is_of_a_reader_that_is_there() -> None:
    assert {folder.name.replace("_", " ") for folder in KEPT.iterdir()} <= set(READERS)


def test_the_same_seed_does_the_same_damage() -> None:
    seeds = [b"[a]\nb = 1\n", bytes(range(256))]
    for mutations in {reader.mutations for reader in READERS.values()}:
        one, other = ([mutated(random, seeds, mutations) for _ in range(50)] for random in (Random(3), Random(3)))
        assert one == other
        assert len(set(one)) > 20
