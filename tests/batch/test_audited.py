"""Audits by shards: what they find is what the auditor of one machine finds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from marginface.auditing import Auditor
from marginface.batch import InProcess, run
from marginface.batch import audited as batch_audited
from marginface.batch.audited import Auditing, audited
from marginface.cli import app
from marginface.data.packs import open_images
from marginface.embedding import load_embedder
from oracles.mean_color import MeanColor


@pytest.mark.parametrize("model", ["", "sface"])
def test_rows_and_embeddings_are_those_of_the_auditor(noise: Path, tmp_path: Path, model: str) -> None:
    images = open_images(noise)
    expected = Auditor(load_embedder(model) if model else None).look_at(images)
    report = run(images, Auditing(model), tmp_path / "out", "npy", executor=InProcess(), per_shard=7)
    found = audited(report, images.listing)
    assert np.array_equal(found.rows, expected.rows)
    assert report.outcomes == {"read": 20, "unreadable": 2}
    assert (found.embeddings is None) == (model == "")
    if found.embeddings is not None:
        assert expected.embeddings is not None
        assert np.array_equal(found.embeddings, expected.embeddings)
        assert np.any(found.embeddings, axis=1).sum() == 20


def test_another_engine_is_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_audited, "load_embedder", lambda model, engine: MeanColor())
    plain, other = Auditing("m").settings(), Auditing("m", "openvino").settings()
    assert "engine" not in plain, "shards of audits that were made before can be gone on with"
    assert other == {**plain, "engine": "openvino"}


def test_an_image_that_is_gone_has_a_row_that_says_so(noise: Path, tmp_path: Path) -> None:
    images = open_images(noise)
    gone = images.part(np.arange(22))
    gone._files[3] = type(gone._files[3])(tmp_path / "gone.png", "gone", "x")  # type: ignore[attr-defined]
    report = run(gone, Auditing(), tmp_path / "out", "npy", executor=InProcess())  # type: ignore[arg-type]
    rows = audited(report, gone.listing).rows
    assert not rows["readable"][3]
    assert rows["readable"].sum() == 19


@pytest.mark.allow_hosts(["127.0.0.1", "localhost"])
def test_the_command_finds_the_same_on_ray_with_its_shards_in_s3(
    cluster: str, noise: Path, s3: str, tmp_path: Path
) -> None:
    plain = ["data", "audit", str(noise), "--no-embed", "--out"]
    here = CliRunner().invoke(app, [*plain, str(tmp_path / "here.json")])
    there = CliRunner().invoke(
        app, [*plain, str(tmp_path / "there.json"), "--shards", f"{s3}/audit", "--engine", "ray"]
    )
    assert (here.exit_code, there.exit_code) == (0, 0), here.output + there.output
    found = [json.loads((tmp_path / name).read_text()) for name in ("here.json", "there.json")]
    assert {**found[0], "command": ""} == {**found[1], "command": ""}
    assert f"Kept: {s3}/audit" in there.output


def test_ray_needs_a_place_that_all_workers_see(noise: Path) -> None:
    done = CliRunner().invoke(app, ["data", "audit", str(noise), "--engine", "ray"])
    assert done.exit_code == 2
    assert "say --shards FOLDER, one that every worker sees" in done.output
