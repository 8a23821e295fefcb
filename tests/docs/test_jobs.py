"""docs/how-to/jobs.md, done: a service is started as the page says, and its blocks are run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from marginface.data.synthetic import draw_photo
from marginface.server.app import make_app
from marginface.server.jobs import KINDS, JobState
from marginface.server.settings import ServerSettings
from oracles.page_services import environment_in, key_in, started
from oracles.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/jobs.md").read_text(encoding="utf-8")
RECORD = (ROOT / "docs/how-to/log-and-confirm.md").read_text(encoding="utf-8")
START, *BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def draw(folder: Path) -> None:
    for person, identity in {"Ann Example": 1, "Ben Example": 2}.items():
        for image in range(2):
            for place in (folder / "people" / person, folder / "photos"):
                place.mkdir(parents=True, exist_ok=True)
                photo = draw_photo(identity, image, strength=0.1)[0]
                Image.fromarray(photo).save(place / f"{identity}-{image}.jpg", quality=95)


def bash(script: str, folder: Path, environment: dict[str, str]) -> str:
    script = re.sub(r"^marginface", f"{sys.executable} -m marginface", script, flags=re.MULTILINE)
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.enable_socket
def test_the_page_imports_groups_migrates_and_purges(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    draw(tmp_path)
    environment = environment_in(tmp_path)
    create, keys, serve = START.splitlines()
    made = bash(f"{create}\n{keys}", tmp_path, environment)
    with started(serve, tmp_path, environment) as address:
        environment |= {"KEY": key_in(made), "URL": address}
        said = bash("\necho; echo ----\n".join(BLOCKS), tmp_path, environment)
    check(said)


def check(said: str) -> None:
    enrol, cluster, migrate, listed, local = (said.split("----\n")[place] for place in (1, 2, 3, 5, 6))
    job, result = map(json.loads, enrol.strip().replace("}{", "}\n{").splitlines())
    assert (job["done"], job["summary"]["enrolled"]) == (4, 4)
    assert {item["person"] for item in result["items"]} == {"Ann Example", "Ben Example"}
    groups = json.loads(cluster.strip().replace("}{", "}\n{").splitlines()[-1])["items"]
    names = sorted(sorted(face["photo"] for face in group["faces"]) for group in groups)
    assert names == [["1-0.jpg", "1-1.jpg"], ["2-0.jpg", "2-1.jpg"]]
    migrated = json.loads(migrate.strip())
    assert (migrated["summary"]["faces"], migrated["summary"]["erased"]["complete"]) == (4, True)
    assert [one["kind"] for one in json.loads(listed.strip().replace("}{", "}\n{").splitlines()[0])["items"]] == [
        "purge",
        "migrate",
        "cluster",
        "enrol",
    ]
    assert "enrol" in local


def test_states_kinds_and_paths_of_the_pages_are_there() -> None:
    told = PAGE.split("| state |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", told)) >= {state.value for state in JobState}
    assert set(re.findall(r'"kind": "(\w+)"', PAGE)) == set(KINDS)
    paths = set(make_app(ServerSettings(gallery="people.db")).openapi()["paths"])
    for named in re.findall(r"(?:GET|POST) (/v1[^`? ]*)", RECORD):
        assert re.sub(r"e-[0-9a-f]{16}", "{event}", named) in paths, named
