"""docs/tutorial/to-a-service.md, followed: trained, calibrated, enrolled, served, asked by curl and by the client."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from marginface.training import run
from oracles.page_services import environment_in, key_in, started
from oracles.patience import PATIENCE
from oracles.walked_pages import Walk, blocks, lines

PAGE = "tutorial/to-a-service.md"
SMALLER = {
    "identities = 160": "identities = 24",
    "hold_out = 40": "hold_out = 8",
    "images_per_identity = 12": "images_per_identity = 6",
    "epochs = 12.0": "epochs = 2.0",
    "batch_size = 64": "batch_size = 24",
    "pairs = 2000": "folds = 2\npairs = 40",
    "input_size = 64": "input_size = 32\noptions = { width = 0.25 }",
    "range(600, 640)": "range(600, 612)",
    "--fmr 1e-2,1e-3 ": "--fmr 1e-2 ",
}
# Fewer people support fewer rates, so what is asked is laxer than on the page; its own figures are of forty people.

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Walk, Path]]:
    """Follow the page as far as the service, in a folder of its own."""
    folder = tmp_path_factory.mktemp("service")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARGINFACE_CONFIG", str(folder / "config"))
        patch.delenv("MARGINFACE_GALLERY_KEY", raising=False)
        patch.setattr(run, "write_run_report", lambda recipe, data, result, path: path.write_text("a report"))
        patch.chdir(folder)
        walk = Walk(PAGE, smaller=SMALLER)
        walk.go()
        yield walk, folder


@pytest.fixture(scope="module")
def served(walked: tuple[Walk, Path]) -> Iterator[tuple[str, dict[str, str], Path]]:
    """Serve as the page says, on a free port; yield the address, the environment and the folder."""
    walk, folder = walked
    environment = {**environment_in(folder), "KEY": key_in(walk.of("marginface keys create"))}
    (line,) = [one for block in blocks(PAGE) for one in lines(block.text) if one.startswith("marginface serve")]
    with started(line, folder, environment) as address:
        yield address.removeprefix("http://"), environment, folder


def test_the_calibration_is_the_one_that_the_page_makes(walked: tuple[Walk, Path]) -> None:
    walk, folder = walked
    assert "visitors of May: 36 photos of 12 people" in walk.of("marginface calibrate")
    assert (folder / "calibration.html").is_file()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_asks_as_the_page_says(served: tuple[str, dict[str, str], Path]) -> None:
    address, environment, folder = served
    (block,) = [block for block in blocks(PAGE) if block.kind == "bash"]
    said = [told(asked_of(address, line), environment, folder) for line in lines(block.text)]
    assert said[1]["calibration"]["data"].startswith("visitors of May")
    assert {"decision", "similarity", "fmr"} <= set(said[1])
    assert said[2]["decision"] in ("match", "no match", "cannot tell")


def asked_of(address: str, text: str) -> str:
    """Return what the page asks, of the service here; its few people support no search at the rate of the page."""
    return text.replace("127.0.0.1:8000", address).replace("fpir=0.1", "fpir=0.2")


def told(line: str, environment: dict[str, str], folder: Path) -> dict[str, object]:
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    answer: dict[str, object] = json.loads(done.stdout)
    assert "error" not in answer, done.stdout
    return answer


def test_the_client_asks_as_the_page_says(served: tuple[str, dict[str, str], Path]) -> None:
    address, environment, folder = served
    (block,) = [block for block in blocks(PAGE) if block.title == "ask.py"]
    (folder / "ask.py").write_text(asked_of(address, block.text), encoding="utf-8")
    words = [sys.executable, "ask.py"]
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    verified, _, erased = done.stdout.splitlines()
    assert "visitors of May" in verified
    assert erased == "True"
