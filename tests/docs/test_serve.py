"""docs/how-to/serve.md, deploy.md and come-from-compreface.md say what the code says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from marginface.cli import app
from marginface.cli.keys import app as keys_app
from marginface.cli.serve import app as serve_app
from marginface.data.synthetic import draw_photo
from marginface.gallery import Gallery
from marginface.server.access import Scope
from marginface.server.app import make_app
from marginface.server.settings import Limits, ServerSettings
from oracles.page_services import environment_in, key_in, started
from oracles.patience import PATIENCE
from oracles.walked_pages import blocks

DOCS = Path(__file__).resolve().parents[2] / "docs"
HOW_TO = DOCS / "how-to"
SERVE, DEPLOY, COMPREFACE = (
    (HOW_TO / f"{name}.md").read_text(encoding="utf-8") for name in ("serve", "deploy", "come-from-compreface")
)
SPEC: dict[str, Any] = make_app(ServerSettings(gallery="people.db")).openapi()


def test_the_table_of_scopes_is_that_of_the_code() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", SERVE.partition("## What a request may cost")[0], re.M))
    assert told == {scope.value: scope.sentence for scope in Scope}


def test_the_table_of_limits_has_every_limit_with_its_default() -> None:
    part = SERVE.partition("## What a request may cost")[2].partition("## From Python")[0]
    told = {name: float(value) for name, value in re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", part, re.M)}
    assert told == {name: float(value) for name, value in Limits().model_dump().items()}


@pytest.mark.parametrize("page", [SERVE, DEPLOY, COMPREFACE], ids=["serve", "deploy", "come-from-compreface"])
def test_options_are_those_of_the_commands(page: str) -> None:
    serving = {name for parameter in get_command(serve_app).params for name in parameter.opts}
    making = get_command(keys_app).commands["create"]  # type: ignore[attr-defined]
    known = {name for parameter in making.params for name in parameter.opts}
    for line in re.sub(r"\\\n\s*", "", page).splitlines():
        if "marginface serve" in line:
            assert set(re.findall(r"(?<= )--[a-z-]+", line)) <= serving, line
        if "marginface keys create" in line:
            assert set(re.findall(r"(?<= )--[a-z-]+", line.partition("keys create")[2])) <= known, line


def test_keys_are_made_listed_and_revoked_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("MARGINFACE_GALLERY_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    with Gallery.create("people.db") as gallery:
        gallery.create_collection("staff", contract=16 * "0", embedding_size=2)
    (keys,) = [block.text for block in blocks("how-to/serve.md") if "keys revoke" in block.text]
    printed = ""
    for line in keys.splitlines():
        (shown,) = re.findall(r"revoke ([0-9a-f]{12})", line) or [""]
        listed = re.findall(r"\b[0-9a-f]{12}\b", printed) or [""]
        answer = CliRunner().invoke(app, shlex.split(line.replace(shown, listed[0]) if shown else line)[1:])
        assert answer.exit_code == 0, (line, answer.output)
        printed = answer.output
    assert "REVOKED" in printed


@pytest.mark.parametrize("name", ["serve", "deploy", "come-from-compreface"])
def test_links_lead_somewhere(name: str) -> None:
    text = (HOW_TO / f"{name}.md").read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
        path = (HOW_TO / target).resolve() if target else HOW_TO / f"{name}.md"
        assert path.is_file(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
            assert anchor in {re.sub(r"[^\w\s-]", "", head.lower()).replace(" ", "-") for head in heads}, anchor


def test_every_path_of_compreface_is_on_its_page_with_its_scope() -> None:
    rows = [line.split("|")[1:4] for line in COMPREFACE.splitlines() if re.match(r"\| `[A-Z]+ /api", line)]
    told = {}
    for call, here, scope in rows:
        if "not here" not in here:
            method, path = call.strip(" `").split()
            told[method, re.sub(r"{\w+}", "{}", path.partition("?")[0])] = scope.strip(" `")
    known = {
        (method.upper(), re.sub(r"{\w+}", "{}", path))
        for path, item in SPEC["paths"].items()
        if path.startswith("/api/")
        for method in item
    }
    assert set(told) == known
    assert set(told.values()) <= {scope.value for scope in Scope}


def test_the_scopes_on_the_page_are_those_of_the_gates() -> None:
    from oracles.routing import doors_of

    rows = [line.split("|")[1:4] for line in COMPREFACE.splitlines() if re.match(r"\| `[A-Z]+ /api", line)]
    told = {
        (call.strip(" `").split()[0], re.sub(r"{\w+}", "{}", call.strip(" `").split()[1].partition("?")[0])): scope
        for call, here, scope in rows
        if "not here" not in here
    }
    for door in doors_of(make_app(ServerSettings(gallery="people.db"))):
        place = (door.method, re.sub(r"{\w+}", "{}", door.path))
        if place in told:
            assert door.gate is not None
            assert door.gate.scope is not None
            assert told[place].strip(" `") == door.gate.scope.value, place


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.enable_socket
def test_the_client_asks_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    photos = {"a": (30, 0), "b": (30, 1), "ann-1": (30, 2), "ann-2": (30, 3), "door": (30, 4)}
    for name, (who, number) in photos.items():
        Image.fromarray(draw_photo(who, number, strength=0.1)[0]).save(f"{name}.jpg", quality=95)
    with zipfile.ZipFile("people.zip", "w") as archive:
        archive.write("a.jpg", "Ben Example/0.jpg")
    environment, made = environment_in(tmp_path), ""
    for words in ("gallery create people.db --collection staff", "keys create --gallery people.db --scope all"):
        command = [sys.executable, "-m", "marginface", *words.split()]
        made = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE
        ).stdout
    (code,) = re.findall(r"```python\n(.*?)```", SERVE, re.S)
    with started("marginface serve people.db", tmp_path, environment) as address:
        exec(code.replace("http://127.0.0.1:8000", address).replace("mf_…", key_in(made)), {})
    said = capsys.readouterr().out
    assert "same" in said
    assert "('Ann Example',)\nTrue " in said
    assert "1 1\n" in said
