from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from marginface.data.images.kept import keep_arrays, kept_arrays, kept_place, text_array, texts_of


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "data"


def test_arrays_are_kept_until_a_file_changes_and_then_replaced(tmp_path: Path, cache: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for path in files:
        path.write_bytes(b"12")
    first = kept_place("kind", files)
    keep_arrays(first, {"x": np.arange(3)})
    found = kept_arrays(first)
    assert found is not None
    assert found["x"].tolist() == [0, 1, 2]
    keep_arrays(kept_place("kind", files[:1]), {"x": np.arange(1)})
    os.utime(files[1], ns=(1, 1))
    second = kept_place("kind", files)
    assert len({first, second, kept_place("another kind", files), kept_place("kind", files[:1])}) == 4
    assert kept_arrays(second) is None
    keep_arrays(second, {"x": np.arange(4)})
    assert kept_arrays(second) is not None
    assert len(list(cache.glob("*.npz"))) == 2, "what was kept of the files as they were is gone"


@pytest.mark.parametrize("texts", [[], ["a"], ["", "Zoë", "x/y\n\udc80"]])
def test_texts_come_back(texts: list[str]) -> None:
    assert texts_of(text_array(texts)) == texts
