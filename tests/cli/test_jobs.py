"""marginface jobs list|show|cancel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from marginface.cli import app
from marginface.gallery import Gallery
from marginface.server.jobs import EnrolWish, JobStore, PurgeWish, job_key
from marginface.server.jobs.claims import claim_next
from marginface.server.settings import ServerSettings
from marginface.server.state import State, open_state
from marginface.server.state.places import state_address


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    (tmp_path / "keys").mkdir()
    key = tmp_path / "keys" / "gallery.key"
    Gallery.create(tmp_path / "people.db", key=key).close()
    return ServerSettings(gallery=str(tmp_path / "people.db"), key_file=key)


@contextmanager
def service(settings: ServerSettings) -> Iterator[tuple[State, JobStore, Any]]:
    state = open_state(state_address(settings.gallery))
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        key = job_key(gallery, settings.key_file, state)
        yield state, JobStore(state, key), key
    state.close()


def call(settings: ServerSettings, *words: str) -> Result:
    place = ["--gallery", settings.gallery, "--key-file", str(settings.key_file)]
    return CliRunner().invoke(app, ["jobs", *words, *place])


def test_jobs_are_listed_shown_and_cancelled(settings: ServerSettings) -> None:
    with service(settings) as (state, store, key):
        done, failed = (
            store.create(PurgeWish(kind="purge"), "", "a key"),
            store.create(PurgeWish(kind="purge"), "", "a"),
        )
        waiting = store.create(EnrolWish(kind="enrol", collection="staff"), "c-1", "a key")
        first, second = claim_next(state, key, 9), claim_next(state, key, 9)
        assert first is not None
        assert second is not None
        first.finish({"people": 2})
        second.fail("the archive is none")
    listed = call(settings, "list")
    assert [line.split()[:3] for line in listed.output.splitlines()] == [
        [waiting.uid, "enrol", "waiting"],
        [failed.uid, "purge", "failed"],
        [done.uid, "purge", "done"],
    ]
    shown = call(settings, "show", done.uid)
    assert (shown.exit_code, "people: 2" in shown.output) == (0, True)
    told = call(settings, "show", failed.uid)
    assert (told.exit_code, "the archive is none" in told.output) == (1, True)
    assert json.loads(call(settings, "cancel", waiting.uid, "--json").output)["state"] == "cancelled"
    values = json.loads(call(settings, "list", "--json", "--last", "1").output)
    assert [(one["id"], one["state"]) for one in values] == [(waiting.uid, "cancelled")]


def test_a_wrong_call_is_one_message_and_status_2(settings: ServerSettings) -> None:
    assert (call(settings, "list").exit_code, "no service has run" in call(settings, "list").output) == (2, True)
    with service(settings):
        pass
    assert call(settings, "list").output == "There are no jobs.\n"
    for words in (("show", "j-1"), ("cancel", "j-1")):
        answer = call(settings, *words)
        assert (answer.exit_code, "there is no job 'j-1'" in answer.output) == (2, True)
