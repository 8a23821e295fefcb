"""docs/how-to/web-page.md, done: its service starts and sends the page; its scopes are those of the code.

How the page behaves in a browser is in tests/server/web/.
"""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

import pytest

from marginface.server.access import Scope
from oracles.command_line import every_command
from oracles.page_services import environment_in, started
from oracles.walked_pages import Walk, blocks, lines

ROOT = Path(__file__).resolve().parents[2]
PAGE = "how-to/web-page.md"
TEXT = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.enable_socket
def test_the_service_of_the_page_sends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("MARGINFACE_GALLERY_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    walk = Walk(PAGE)
    walk.go()
    (line,) = [one for one in lines(blocks(PAGE)[0].text) if one.startswith("marginface serve")]
    with started(line, tmp_path, environment_in(tmp_path)) as address, urllib.request.urlopen(address) as answer:
        policy = answer.headers["Content-Security-Policy"]
        html = answer.read().decode()
    assert "<title>marginface" in html
    for part in re.findall(r"`((?:default|script)-src [^`]+)`", TEXT):
        assert part in policy


def test_the_scopes_of_its_table_are_those_of_the_code() -> None:
    table = TEXT.split("| view |")[1].split("\n\n")[0].splitlines()[2:]
    named = {scope for row in table for scope in re.findall(r"`(\w+)`", row.rsplit("|", 2)[1])}
    assert named <= {scope.value for scope in Scope}


def test_its_options_exist() -> None:
    known = {parameter.flag for command in every_command() for parameter in command.parameters}
    assert set(re.findall(r"(?<!\w)--[a-z][a-z-]+", TEXT)) <= known


def test_its_pictures_are_those_of_the_command() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(figures/([\w-]+)\.png\)", TEXT)
    script = (ROOT / "docs/how-to/figures/photograph.py").read_text(encoding="utf-8")
    assert all(f'"{name}": ' in script for name in shown)
    assert all((ROOT / "docs/how-to/figures" / f"{name}.png").stat().st_size < 200_000 for name in shown)
