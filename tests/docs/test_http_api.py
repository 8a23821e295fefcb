"""docs/how-to/http-api.md, done: a service is started as the page says, and every curl of it is run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from marginface.data.synthetic import draw_photo
from marginface.enrolment import REVIEWS
from marginface.evaluation import browse
from marginface.server.app import make_app
from marginface.server.refusals import KINDS, OF_STATUS
from marginface.server.settings import ServerSettings
from oracles.evaluated import invoke
from oracles.page_services import environment_in, key_in, started
from oracles.patience import PATIENCE
from oracles.run_folders import write_run

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/http-api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
CURLS = [line for block in BLOCKS[1:] for line in block.splitlines()]

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Start a service, run the page, and return the answer of each curl by its line."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    folder = tmp_path_factory.mktemp("http")
    draw(folder)
    measure(folder)
    environment = environment_in(folder)
    made = [command(line, folder, environment) for line in BLOCKS[0].splitlines()[:2]]
    with started(BLOCKS[0].splitlines()[2], folder, environment) as address:
        environment |= {"KEY": key_in(made[1]), "URL": address}
        yield {line: told(line, folder, environment) for line in CURLS}


def draw(folder: Path) -> None:
    photos = {"ann": (1, 0), "ann-2": (1, 1), "ben": (2, 0)}
    drawn = {name: draw_photo(*which, strength=0.1)[0] for name, which in photos.items()}
    for name, image in {**drawn, "door": np.hstack([drawn["ann"], drawn["ben"]])}.items():
        Image.fromarray(image).save(folder / f"{name}.jpg", quality=95)


def measure(folder: Path) -> None:
    """Put a run and an evaluation where the page lets the service look."""
    write_run(folder / "runs" / "small", state="finished")
    lines = [
        f"{score},{genuine},{fold}" for fold in (0, 1) for score, genuine in ((0.9, 1), (0.8, 1), (0.1, 0), (0.2, 0))
    ]
    (folder / "scores.csv").write_text("score,genuine,fold\n" + "\n".join(lines) + "\n", encoding="utf-8")
    invoke("evaluate", "scores", folder / "scores.csv", "--out", folder / "runs" / "scores.json")


def command(line: str, folder: Path, environment: dict[str, str]) -> str:
    line = re.sub(r"^marginface", f"{sys.executable} -m marginface", line)
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout


def told(line: str, folder: Path, environment: dict[str, str]) -> Any:
    said = command(f"{line} -w '\\n%{{http_code}}'", folder, environment)
    body, _, status = said.rpartition("\n")
    assert status in ("200", "201"), (line, said)
    return json.loads(body) if body else None


def of(answers: dict[str, Any], *pieces: str) -> Any:
    """Return the answer of the first line that has these pieces."""
    return next(answer for line, answer in answers.items() if all(piece in line for piece in pieces))


def test_the_page_enrols_identifies_and_erases(answers: dict[str, Any]) -> None:
    enrolled = of(answers, "/faces", "images=@door.jpg")
    assert [face["index"] for face in enrolled["faces"]] == [0]
    assert [(one["index"], one["codes"]) for one in enrolled["rejected"]] == [(1, ["several_faces"])]
    found = of(answers, "identify", "ann-2.jpg")
    assert (found["decision"], found["faces"][0]["person"]) == ("match", "Ann Example")
    both = of(answers, "identify", "door.jpg")
    assert {face["person"] for face in both["faces"]} == {"Ann Example", "Ben Example"}
    assert of(answers, "-X DELETE", "Ann%20Example")["people"] == [enrolled["person"]]
    assert of(answers, "audit/check")["ok"]


def test_the_page_looks_and_compares(answers: dict[str, Any]) -> None:
    assert len(of(answers, "/v1/detect")["faces"]) == 2
    assert of(answers, "/v1/verify")["decision"] == "same"
    assert len(of(answers, "/v1/compare")["similarities"]) == 4
    assert len(of(answers, "/v1/embed")["faces"][0]["embedding"]) == 128
    assert "detect" in of(answers, '"$URL/v1" ')["caller"]["scopes"]
    assert of(answers, "/v1/calibration")["thresholds"][0]["fmr"] == 0.1


def test_the_page_shows_what_was_trained_and_measured(answers: dict[str, Any]) -> None:
    assert [run["state"] for run in of(answers, "/v1/runs")["items"]] == ["finished"]
    (scores,) = of(answers, "kind=scores")["items"]
    assert (scores["place"], scores["state"], scores["headline"][0]["value"]) == ("scores.json", "finished", 1.0)
    assert of(answers, "/v1/events/check")["ok"]
    kinds = re.findall(r"`([a-z-]+)`", PAGE.split("| a folder with several protocols |")[1].split("`headline` has")[0])
    assert set(browse.KIND_NAMES) - {"unreadable"} <= set(kinds), "a kind is not in the table of the page"


def test_the_shown_answer_is_as_answers_are(answers: dict[str, Any]) -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    got = of(answers, "/faces", "images=@door.jpg")
    assert set(shown) == set(got)
    assert shown["rejected"] == got["rejected"]
    assert set(shown["faces"][0]) == set(got["faces"][0])


def test_paths_codes_and_reviews_of_the_page_are_there() -> None:
    paths = set(make_app(ServerSettings(gallery="people.db")).openapi()["paths"])
    for named in re.findall(r"`(?:GET|POST|DELETE) (/v1[^`?]*)", PAGE):
        assert named.replace("/C/", "/{collection}/").replace("/F", "/{face}") in paths, named
    codes = {kind.code for _, kind in KINDS} | set(OF_STATUS.values()) | {"internal", "foreign_page"}
    table = "\n".join(line for line in PAGE.split("## Errors")[1].splitlines() if line.startswith("| "))
    assert set(re.findall(r"`([a-z_]+)`", table)) == codes
    assert set(re.findall(r"(?:409|422) `(\w+)`", PAGE)) <= codes
    assert re.findall(r"^\| `(\w+)` \| (?:none|`\w+`) \|", PAGE, re.MULTILINE) == list(REVIEWS)
