"""Reading and embedding for an audit: kept, resumed after an interruption, done again when a file changes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from marginface import auditing
from marginface.auditing import Auditor, kept_folder
from marginface.data.audit.opened import open_training
from oracles.audits import photo, png
from oracles.mean_color import MeanColor


@pytest.fixture(autouse=True)
def small_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(auditing, "SHARD", 4)


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    root = tmp_path / "crops"
    for number in range(10):
        path = root / f"person-{number % 3}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(photo(number, 112, 112 if number != 5 else 96)))
    (root / "person-0" / "broken.png").write_bytes(b"\x89PNG no more")
    return root


def test_every_crop_has_an_embedding_and_what_is_none_has_zeros(crops: Path) -> None:
    images, embedder = open_training([crops]), MeanColor()
    said: list[tuple[str, int, int]] = []
    found = Auditor(embedder, progress=lambda *what: said.append(what)).look_at(images)
    names = [images.name(i) for i in range(11)]
    assert found.embeddings is not None
    without = {name for name, row in zip(names, found.embeddings, strict=True) if not row.any()}
    assert without == {"0/person-0/broken.png", "0/person-2/5.png"}
    assert embedder.crops_seen == 9
    place = names.index("0/person-1/7.png")
    expected = MeanColor().embed(photo(7, 112, 112)[None])[0]
    np.testing.assert_allclose(found.embeddings[place], expected, atol=1e-3)
    assert said == [("Reading", done, 11) for done in (4, 8, 11)] + [("Embedding", done, 11) for done in (4, 8, 11)]


def test_a_second_look_reads_and_embeds_nothing(crops: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Auditor(MeanColor()).look_at(open_training([crops]))
    monkeypatch.setattr(auditing, "audit_images", lambda _: pytest.fail("read again"))
    embedder = MeanColor()
    second = Auditor(embedder).look_at(open_training([crops]))
    assert embedder.crops_seen == 0
    assert first.rows.tobytes() == second.rows.tobytes()
    np.testing.assert_array_equal(first.embeddings, second.embeddings)


def test_another_engine_has_embeddings_of_its_own(crops: Path) -> None:
    Auditor(MeanColor()).look_at(open_training([crops]))
    other = MeanColor()
    Auditor(other, engine="openvino").look_at(open_training([crops]))
    assert other.crops_seen == 9
    kept = sorted(path.name for path in kept_folder(open_training([crops])).glob("*.npy") if "rows" not in path.name)
    assert kept == [f"{MeanColor().contract.id}-openvino.npy", f"{MeanColor().contract.id}.npy"]


def test_an_interrupted_look_goes_on_where_it_stopped(crops: Path) -> None:
    def interrupt(what: str, done: int, _total: int) -> None:
        if (what, done) == ("Embedding", 8):
            raise KeyboardInterrupt

    first = MeanColor()
    with pytest.raises(KeyboardInterrupt):
        Auditor(first, progress=interrupt).look_at(open_training([crops]))
    assert 0 < first.crops_seen < 9
    second = MeanColor()
    found = Auditor(second).look_at(open_training([crops]))
    assert first.crops_seen + second.crops_seen == 9
    os.environ["MARGINFACE_CACHE"] += "-other"
    whole = Auditor(MeanColor()).look_at(open_training([crops]))
    np.testing.assert_array_equal(found.embeddings, whole.embeddings)


def test_a_damaged_file_of_the_cache_is_made_again(crops: Path) -> None:
    first = Auditor(MeanColor()).look_at(open_training([crops]))
    folder = kept_folder(open_training([crops]))
    (folder / "rows-00001.npy").write_bytes(b"\x93NUMPY")
    next(path for path in folder.glob("*.npy") if not path.name.startswith("rows")).write_bytes(b"")
    embedder = MeanColor()
    second = Auditor(embedder).look_at(open_training([crops]))
    assert embedder.crops_seen == 9
    assert first.rows.tobytes() == second.rows.tobytes()


def test_a_changed_file_is_other_data(crops: Path) -> None:
    before = kept_folder(open_training([crops]))
    assert kept_folder(open_training([crops])) == before
    os.utime(crops / "person-1" / "1.png", ns=(1, 1))
    assert kept_folder(open_training([crops])) != before
