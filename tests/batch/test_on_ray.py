"""Jobs on a real Ray cluster of two worker processes: workers and drivers that are killed, and photos in S3."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from marginface.batch import InProcess, run
from marginface.batch.copying import Copying
from marginface.batch.on_ray import OnRay
from marginface.data.packs import open_images
from marginface.errors import DataError
from oracles.batch_work import Traced
from oracles.patience import PATIENCE, at_work, wait_for

TESTS = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "localhost"])


def shas(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.tar"))}


def marks(folder: Path) -> dict[str, tuple[int, str]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_text()) for path in folder.glob("done/*.json")}


@pytest.fixture
def expected(noise: Path, tmp_path: Path) -> dict[str, str]:
    """The shards of the same job in this process."""
    run(open_images(noise), Copying(), tmp_path / "expected", "tar", executor=InProcess(), per_shard=3)
    return shas(tmp_path / "expected")


def test_a_worker_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    cluster: str, noise: Path, tmp_path: Path, expected: dict[str, str]
) -> None:
    images, out, log = open_images(noise), tmp_path / "out", tmp_path / "log"
    victims = frozenset(hashlib.sha256(images.bytes_of(i)).hexdigest() for i in (4, 16))
    report = run(images, Traced(str(log), dies_at=victims), out, "tar", executor=OnRay(), per_shard=3)
    assert len(list(tmp_path.glob("died-*"))) == 2, "no worker was killed"
    assert shas(out) == expected
    assert len(marks(out)) == len(report.marks) == 8
    done = Counter(log.read_text().split())
    again = {hashlib.sha256(images.bytes_of(i)).hexdigest() for i in (3, 15)}  # of the shards that were cut off
    assert {name for name, times in done.items() if times > 1} <= again


def test_a_shard_that_kills_every_worker_ends_the_job_with_its_name(cluster: str, noise: Path, tmp_path: Path) -> None:
    images, out = open_images(noise), tmp_path / "out"
    poison = frozenset({hashlib.sha256(images.bytes_of(0)).hexdigest()})
    work = Traced(str(tmp_path / "log"), dies_at=poison, always=True)
    with pytest.raises(DataError, match=r"shard 0: 3 workers died at it.*00\.png to .*10\.png\. What is done is kept"):
        run(images, work, out, "tar", executor=OnRay(), per_shard=3)


def test_a_driver_killed_in_the_middle_is_gone_on_with(
    cluster: str, noise: Path, tmp_path: Path, expected: dict[str, str]
) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    command = [sys.executable, "-m", "oracles.batch_work", str(noise), str(out), str(log), cluster]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    nothing = subprocess.DEVNULL
    with at_work(subprocess.Popen(command, env=environment, stdout=nothing, stderr=nothing)) as driver:
        wait_for(lambda: len(marks(out)) >= 2 or driver.poll() is not None, "no shard comes", pause=0.02)
    before = marks(out)
    assert 2 <= len(before) < 8, "the driver was not killed in the middle"
    finished = set(log.read_text().split())
    report = run(open_images(noise), Traced(str(log)), out, "tar", executor=OnRay(), per_shard=3)
    after = marks(out)
    assert {name: after[name] for name in before} == before, "a shard that was done was done again"
    assert shas(out) == expected
    assert len(after) == 8
    assert report.done_before >= 3 * len(before) - 1
    assert finished <= set(log.read_text().split())


def test_a_cluster_that_does_not_answer_is_one_sentence(noise: Path, tmp_path: Path) -> None:
    code = "from marginface.cli import main; main()"
    options = ["--format", "tar", "--engine", "ray", "--address", "127.0.0.1:1"]
    command = [sys.executable, "-c", code, "data", "convert", str(noise), str(tmp_path / "out"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("marginface: no Ray cluster answers at 127.0.0.1:1: ")
    assert done.stderr.count("\n") == 1


def test_what_is_wrong_in_a_worker_comes_back_as_a_sentence(cluster: str, noise: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(open_images(noise), Copying(), out, "tar", executor=InProcess(), per_shard=3)
    (out / "done" / "000002.json").unlink()
    (out / "train-000002.tar").unlink()
    (out / "train-000002.tar").mkdir()
    with pytest.raises(DataError, match=r"shard 2: .*directory.* What is done is kept: the same command goes on"):
        run(open_images(noise), Copying(), out, "tar", executor=OnRay(), per_shard=3)
