"""What the commands that take --engine, stores and shards say to wrong inputs."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marginface.batch import InProcess
from marginface.batch.on_ray import OnRay
from marginface.cli import app
from marginface.data.convert.job import Job
from marginface.data.packs import open_images
from marginface.errors import DataError


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["align", "in", "out", "--engine", "ray"], "say --format tar (or parquet)"),
        (["align", "memory://in", "out"], "say --format tar (or parquet)"),
        (["align", "in", "out", "--format", "tra"], "unknown format of shards 'tra'"),
        (["align", "in", "out", "--format", "tar"], "in: expected train.rec, tar shards"),
        (["align", "in", "out", "--engine", "rya"], "'rya'"),
        (["embed", "a.jpg", "--json", "--engine", "openvino"], "in embed and data audit that is --runtime openvino"),
        (["align", "in", "out", "--address", "auto"], "say --engine ray as well"),
        (["align", "in", "out", "--format", "tar", "--workers", "0"], "workers is at least 1; got 0"),
        (["align", "nowhere://a", "out", "--format", "tar"], "a URL of a store that fsspec knows"),
        (["embed", "a", "b", "--format", "parquet", "--out", "x"], "made of one source and need --out FOLDER; got 2"),
        (["embed", "a", "--format", "parquet"], "got 1 source and no --out"),
        (["embed", "nowhere", "--format", "parque", "--out", "x"], "unknown format of embeddings 'parque'"),
        (["embed", "a.jpg", "--engine", "ray", "--json"], "say --format parquet as well"),
        (["data", "convert", "in", "out", "--format", "tar", "--address", "auto"], "say --engine ray as well"),
    ],
)
def test_a_wrong_input_is_one_sentence(
    command: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("upath")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2, done.output
    assert message in done.output
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]


def test_only_shards_go_to_a_store(noise_folder: Path) -> None:
    pytest.importorskip("upath")
    done = CliRunner().invoke(app, ["data", "convert", str(noise_folder), "memory://pack", "--format", "recordio"])
    assert done.exit_code == 2
    assert "unknown format of shards 'recordio'" in done.output
    assert "tar, parquet" in done.output


def test_a_conversion_to_a_store_says_what_is_there(noise_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("upath")
    numbers = tmp_path / "numbers.json"
    command = ["data", "convert", str(noise_folder), "memory://shards", "--format", "tar", "--out", str(numbers)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "3 images; 2 are in 1 shard in memory://shards." in done.output
    assert "1 unreadable:" in done.output
    assert json.loads(numbers.read_text())["outcomes"] == {"copied": 2, "unreadable": 1}
    shown = CliRunner().invoke(app, ["data", "inspect", "memory://shards"])
    assert "2 images of 2 identities" in shown.output


@pytest.fixture
def noise_folder(tmp_path: Path) -> Path:
    """Two images and a file that is none."""
    from PIL import Image

    for name in ("ann", "bo"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        Image.effect_noise((112, 112), 50).convert("RGB").save(tmp_path / "photos" / name / "1.png")
    (tmp_path / "photos" / "bo" / "2.png").write_text("no image")
    return tmp_path / "photos"


@pytest.mark.parametrize(
    "options",
    [
        [
            "data",
            "convert",
            "A B",
            "OUT",
            "--format",
            "tar",
            "--label",
            "per son",
            "--engine",
            "ray",
            "--address",
            "a:1",
        ],
        ["data", "convert", "A B", "OUT", "--format", "tar", "--per-shard", "1"],
        ["align", "A B", "OUT", "--format", "tar", "--face", "one", "--pad", "0.25", "--workers", "1"],
        ["data", "audit", "A B", "it's", "--shards", "OUT", "--no-embed", "--against", "A B", "--workers", "1"],
    ],
    ids=["convert on Ray", "convert", "align", "audit"],
)
def test_what_was_broken_off_is_gone_on_with_by_what_was_typed(
    options: list[str], noise_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Iterator[object]:
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.chdir(tmp_path)
    shutil.copytree(noise_folder, "it's")
    noise_folder.rename("A B")
    for maker in (InProcess.make, OnRay.make, Job.rows):
        monkeypatch.setattr(f"{maker.__module__}.{maker.__qualname__}", full)
    monkeypatch.setattr("sys.argv", ["marginface", *options])
    assert "No space left on device" in CliRunner().invoke(app, options).output
    with pytest.raises(DataError) as told:
        open_images(Path("OUT"))
    assert shlex.split(str(told.value).partition("Go on with it: ")[2]) == ["marginface", *options]
