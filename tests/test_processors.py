"""How many processors this process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from marginface import processors


def test_usable_cpus_are_at_least_one_and_no_more_than_there_are() -> None:
    assert 1 <= processors.usable_cpus() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("200000 100000", 2), ("50000 100000", 1), ("6400000 100000", 8), ("max 100000", 8), ("", 8)],
)
def test_the_quota_of_a_container_counts(
    quota: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(processors, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert processors.usable_cpus() == expected
