"""`marginface bench data` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from typer.testing import CliRunner, Result

from marginface import cli
from marginface.training.loading import Loading
from oracles.image_packs import crop_bytes, labeled, write_tar


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.app, ["bench", "data", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    members = [m for i in range(24) for m in labeled(f"{i:02d}", crop_bytes(i), f"person {i % 6}")]
    return write_tar(tmp_path_factory.mktemp("crops") / "a.tar", members)


@pytest.fixture(scope="module")
def recipe(shard: Path) -> Path:
    path = shard.with_name("r.toml")
    path.write_text(
        f'[data]\nsource = "packed"\npath = "{shard}"\nworkers = 1\n[backbone]\nname = "tiny"\ninput_size = 32\n'
        "embedding_size = 16\noptions = { width = 0.5 }\n[train]\nbatch_size = 8\nthreads = 1\n"
    )
    return path


def test_data_alone_is_read_decoded_and_augmented(shard: Path) -> None:
    answer = call(shard, "--seconds", 0, "--set", "train.batch_size=8", "--set", "data.decoder=pillow")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("24 images of 6 identities, 8 a batch\ndecoded by Pillow ")
    assert [line.split()[0] for line in answer.stdout.splitlines()[5:9]] == ["read", "decode", "transfer", "augment"]
    assert "warm page cache" in answer.stdout
    assert "training" not in answer.stdout
    assert " is the bottleneck: it is " in answer.stdout.splitlines()[-1]


def test_data_may_be_a_url_as_for_inspect(shard: Path) -> None:
    answer = call(f"file://{shard}", "--seconds", 0, "--set", "train.batch_size=8")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("24 images of 6 identities, 8 a batch\n")


def test_a_recipe_is_trained_too_and_nothing_is_written(recipe: Path) -> None:
    before = sorted(recipe.parent.rglob("*"))
    answer = call(recipe, "--seconds", 0, "--json")
    assert answer.exit_code == 0, answer.output
    values = json.loads(answer.stdout)
    assert list(values["milliseconds_per_batch"]) == ["read", "decode", "resize", "transfer", "augment", "step"]
    assert min(values["milliseconds_per_batch"].values()) > 0
    assert set(values["images_per_second"]) == {"loader", "training"}
    assert 0 <= values["waiting"] <= 1
    assert sorted(recipe.parent.rglob("*")) == before


def test_errors_are_one_message_and_status_2(shard: Path) -> None:
    for arguments, message in (
        ([shard.with_name("none.toml")], "no such recipe"),
        ([shard.with_name("none")], "got nothing there"),
        ([shard, "--set", "data.worker=1"], "Did you mean 'workers'?"),
        ([shard], "a batch has 1 to 24 images"),
    ):
        answer = call(*arguments)
        assert answer.exit_code == 2, answer.output
        assert message in answer.stderr


def loading(decoder: str = "simplejpeg 1.9.0", waiting: float | None = None, **stages: float) -> Loading:
    speeds = {"loader": 1000.0} if waiting is None else {"loader": 1000.0, "training": 100.0, "waiting": waiting}
    return Loading("data", "setting", decoder, 100, 1.0, stages, speeds)


def test_the_bottleneck_is_the_step_unless_it_waits() -> None:
    quick = loading(read=1.0, decode=5.0, augment=2.0, step=1000.0, waiting=0.001)
    assert quick.sentence().startswith("The step is the bottleneck: the loader alone makes 10.0 × as many images.")
    slow = loading(read=1.0, decode=5.0, augment=2.0, step=4.0, waiting=0.4)
    assert slow.sentence().startswith(
        "Decoding is the bottleneck: the training waits 40 % of its time; it is 62 % of making a batch. More [data] w"
    )
    assert loading(read=9.0, decode=5.0).sentence().startswith("Reading is the bottleneck: it is 64 % of making")
    assert "Install simplejpeg" in loading("Pillow 13", read=1.0, decode=5.0).sentence()
