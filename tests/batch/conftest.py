"""One S3 server and one Ray cluster of two workers for all tests here, both on loopback alone, ended after the last."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oracles.patience import at_work

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="package")
def s3() -> Iterator[str]:
    """The URL of a bucket on moto's S3 server; the environment says to every process started later where it is."""
    for module in ("moto", "flask", "s3fs", "upath"):
        pytest.importorskip(module, reason="S3 tests need pip install 'marginface[dev]'")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with (
        at_work(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        assert server.stdout is not None
        line = next(line for line in server.stdout if "Running on" in line)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", line.split()[-1])
        from marginface.locations import location, store_of

        fs, key = store_of(location("s3://photos"))
        fs.mkdir(key)
        yield "s3://photos"


@pytest.fixture(scope="package")
def cluster(s3: str) -> Iterator[str]:
    """The address of a cluster that this process is connected to."""
    if find_spec("ray") is None:  # not imported here: load_ray sets what Ray reads then
        pytest.skip("Ray tests need pip install 'marginface[ray]'")
    from marginface.batch.on_ray import load_ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), *sys.path]))
        patch.setenv("OMP_NUM_THREADS", "1")
        ray = load_ray(stays_here=True)
        context = ray.init(
            address="local",
            num_cpus=2,
            object_store_memory=200_000_000,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
        )
        assert context.address_info["address"].startswith("127.0.0.1:")
        yield context.address_info["address"]
        ray.shutdown()


@pytest.fixture(scope="session")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty crops of noise of five identities, and two files that are no images."""
    root = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    for i in range(20):
        path = root / f"person-{i % 5}" / f"{i:02d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (112, 112, 3), np.uint8)).save(path)
    (root / "person-1" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (root / "person-3" / "text.png").write_text("not an image")
    return root
