"""docs/how-to/serve.md, deploy.md and come-from-compreface.md say what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from marginface.cli.keys import app as keys_app
from marginface.cli.serve import app as serve_app
from marginface.server.access import Scope
from marginface.server.app import make_app
from marginface.server.settings import Limits, ServerSettings

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


def test_the_client_of_the_page_is_that_of_the_package() -> None:
    import marginface.client as client

    code = "\n".join(re.findall(r"```python\n(.*?)```", SERVE, re.S))
    for name in re.findall(r"service\.(?:jobs\.)?(\w+)\(", code):
        assert hasattr(client.Client, name) or hasattr(client.Client("http://127.0.0.1:1").jobs, name), name
    for name in re.findall(r"staff\.(\w+)\(", code):
        assert hasattr(client.CollectionClient, name), name
