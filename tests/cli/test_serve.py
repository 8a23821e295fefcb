"""marginface serve: what is said becomes the settings of the service, and what is not is as they have it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from marginface.cli import app
from marginface.server.running import serving
from marginface.server.settings import Limits, ServerSettings


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[ServerSettings]:
    """The settings that a service would begin with."""
    settings: list[ServerSettings] = []
    monkeypatch.setattr(serving, "prepare", lambda _: [])
    monkeypatch.setattr(serving, "run", settings.append)
    monkeypatch.setenv("MARGINFACE_GALLERY", "people.db")
    return settings


def test_what_is_not_said_is_as_the_settings_have_it(told: list[ServerSettings]) -> None:
    assert CliRunner().invoke(app, ["serve"]).exit_code == 0
    assert told == [ServerSettings(gallery="people.db")]


@pytest.mark.parametrize(("host", "place"), [("::1", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("localhost", "localhost")])
def test_the_address_that_is_printed_can_be_opened(told: list[ServerSettings], host: str, place: str) -> None:
    answer = CliRunner().invoke(app, ["serve", "--host", host, "--port", "9000"])
    assert f"marginface at http://{place}:9000 with" in answer.output
    assert CliRunner().invoke(app, ["serve", "--port", "0"]).exit_code == 2, "nobody would know which one it is"


def test_what_is_said_is_in_the_settings(told: list[ServerSettings]) -> None:
    words = "serve staff.db --port 9000 --workers 3 --name faces.example --name f --keep-events 30 --purge-every 0"
    more = "--two-person erase,export --limit pixels=20000000 --limit decode_seconds=2.5 --mirror --events"
    assert CliRunner().invoke(app, [*words.split(), *more.split()]).exit_code == 0
    said = ServerSettings(
        gallery="staff.db",
        port=9000,
        workers=3,
        names=("faces.example", "f"),
        keep_events=30,
        purge_every=0,
        two_person=("erase", "export"),
        limits=Limits(pixels=20_000_000, decode_seconds=2.5),
        mirror=True,
        events=True,
    )
    assert told == [said]


@pytest.mark.parametrize("words", [["--limit", "pixels"], ["--limit", "pixel=1"], ["--two-person", "look"]])
def test_what_is_no_setting_is_refused_and_named(told: list[ServerSettings], words: list[str]) -> None:
    answer = CliRunner().invoke(app, ["serve", *words])
    assert answer.exit_code != 0
    assert told == []
