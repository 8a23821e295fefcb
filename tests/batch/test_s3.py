"""Photos in S3 → shards of crops in S3, made on Ray → a training that reads them where they are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from marginface.batch import InProcess, run
from marginface.batch.aligning import Aligning
from marginface.cli import app
from marginface.data.crops.encoded import EncodedCrops
from marginface.data.packs import bytefile, open_images
from marginface.data.synthetic import draw_photo
from marginface.locations import location, store_of
from marginface.training import recipe_from, train
from oracles.patience import PATIENCE

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "localhost"])
IDENTITIES, EACH = 4, 3


@pytest.fixture(scope="module")
def photos(s3: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Drawn photos of four identities and an unreadable one: on this machine, and the same in S3."""
    root = tmp_path_factory.mktemp("photos")
    for i in range(IDENTITIES * EACH):
        path = root / f"person-{i % IDENTITIES}" / f"{i:02d}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(draw_photo(i % IDENTITIES, i)[0]).save(path, quality=92)
    (root / "person-2" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    fs, key = store_of(location(f"{s3}/in"))
    fs.put(str(root), key, recursive=True)
    return root, f"{s3}/in"


@pytest.fixture(scope="module")
def crops(cluster: str, photos: tuple[Path, str], s3: str) -> str:
    """Shards of crops in S3, made by the command line on Ray."""
    command = ["align", photos[1], f"{s3}/crops", "--format", "tar", "--engine", "ray", "--per-shard", "5"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "13 images; 12 are in 3 shards in s3://photos/crops." in done.output
    assert "1 unreadable:\n    s3://photos/in/person-2/broken.jpg: image of 12 bytes" in done.output
    return f"{s3}/crops"


def test_the_shards_are_those_that_this_machine_makes_of_the_same_photos(
    crops: str, photos: tuple[Path, str], tmp_path: Path
) -> None:
    run(open_images(photos[0]), Aligning(), tmp_path / "here", "tar", executor=InProcess(), per_shard=5)
    there = location(crops)
    local = sorted((tmp_path / "here").glob("*.tar"))
    assert [(there / shard.name).read_bytes() for shard in local] == [shard.read_bytes() for shard in local]
    manifest = json.loads((there / "manifest.json").read_text())
    assert manifest["outcomes"] == {"cropped": 12, "unreadable": 1}
    assert len(manifest["shards"]) == 3


def test_the_same_command_again_finds_all_done(crops: str, photos: tuple[Path, str]) -> None:
    command = ["align", photos[1], crops, "--format", "tar", "--per-shard", "5", "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["made"] == 12


def test_a_training_reads_the_shards_where_they_are(crops: str, tmp_path: Path) -> None:
    fs, key = store_of(location(crops))
    fs.get(f"{key}/", str(tmp_path / "copy"), recursive=True)
    recipe = {
        "backbone": {"name": "tiny"},
        "loss": {"name": "arcface"},
        "train": {"steps": 3, "batch_size": 4},
        "data": {"source": "packed", "path": f"{crops}/train-*.tar", "check": "index", "hold_out": 0},
    }
    there = train(recipe_from(recipe), tmp_path / "there")
    recipe["data"]["path"] = str(tmp_path / "copy")
    here = train(recipe_from(recipe), tmp_path / "here")
    weights = [(result.checkpoint.folder / "backbone.safetensors").read_bytes() for result in (there, here)]
    assert weights[0] == weights[1]


def test_a_rank_fetches_only_its_part(crops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytefile, "_BLOCKS", bytefile._Blocks(1 << 24))
    fetched: list[str] = []
    fetch = bytefile._RemoteFile._fetch
    monkeypatch.setattr(
        bytefile._RemoteFile, "_fetch", lambda self, number: (fetched.append(self._key), fetch(self, number))[1]
    )
    source = EncodedCrops(open_images(location(crops)), check="index")
    assert fetched == []
    source.read(np.arange(0, 4))
    assert {Path(key).name for key in fetched} == {"train-000000.tar"}


def test_embeddings_and_conversions_go_from_store_to_store(crops: str, cluster: str, s3: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    command = ["embed", crops, "--out", f"{s3}/embeddings", "--format", "parquet", "--aligned", "--engine", "ray"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    fs, key = store_of(location(f"{s3}/embeddings"))
    table = parquet.read_table(f"{key}/embeddings-00000-of-00001.parquet", filesystem=fs)
    vectors = np.asarray(table.column("embedding").to_pylist())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), np.ones(12), rtol=1e-5)
    done = CliRunner().invoke(app, ["data", "convert", crops, f"{s3}/parquet", "--format", "parquet"])
    assert done.exit_code == 0, done.output
    images, before = open_images(location(f"{s3}/parquet")), open_images(location(crops))
    assert [images.bytes_of(i) for i in range(12)] == [before.bytes_of(i) for i in range(12)]
    assert images.listing.identities == before.listing.identities


def test_a_store_without_keys_is_one_sentence(s3: str) -> None:
    code = (
        "import os; [os.environ.pop(k, None) for k in ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY')];"
        "os.environ['AWS_EC2_METADATA_DISABLED'] = 'true';"
        "from marginface.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "data", "inspect", f"{s3}/crops"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("marginface: s3://photos/crops: the store refuses us or does not answer: Unable to")
    assert "Traceback" not in done.stderr
