"""The record of events: it only grows, changes show, and what tells of a person can be erased from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from marginface.errors import UnknownName
from marginface.gallery.address import Address
from marginface.server.events.log import EventLog, NewEvent
from marginface.server.events.tables import EVENTS
from marginface.server.state import State, open_state

ANN, BEN = "p-0000000000000001", "p-0000000000000002"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with closing(open_state(Address(tmp_path / "people.db.service"))) as opened:
        yield opened


@pytest.fixture
def log(state: State) -> EventLog:
    return EventLog(state)


def match(log: EventLog, person: str, collection: str = "c-1") -> str:
    private = {"person": person, "photo": "00" * 32}
    with log.state.writing() as connection:
        new = NewEvent("a key", "identification", {"decision": "match"}, collection, "", private, person)
        return log.add(connection, [new])[0]


def change(state: State, seq: int, **values: object) -> None:
    with state.writing() as connection:
        connection.execute(update(EVENTS).where(EVENTS.c.seq == seq).values(values))


def test_entries_are_chained_and_every_change_of_them_shows(log: EventLog, state: State) -> None:
    uids = [match(log, ANN) for _ in range(4)]
    assert log.verify()
    head = log.event(uids[2]).hash
    assert log.verify(head)
    assert not log.verify("0" * 64)
    second = log.event(uids[1])
    change(state, 2, private=json.dumps({**second.private, "person": BEN}))
    assert log.verify().findings == ("service_events: what entry 2 says of a person was changed",)
    change(state, 2, subject="{}", private=None)
    assert "entry 2 was changed" in log.verify().findings[0]
    with state.writing() as connection:
        connection.execute(EVENTS.delete().where(EVENTS.c.seq == 3))
    assert any("entries 3 to 3 are missing" in one for one in log.verify().findings)


def test_a_person_is_erased_from_it_and_the_use_stays_on_record(log: EventLog, state: State, tmp_path: Path) -> None:
    first, second, other = match(log, ANN), match(log, ANN), match(log, BEN)
    assert log.erase([ANN], "key 3f") == 2
    for uid in (first, second):
        event = log.event(uid)
        assert (event.private, event.is_erased, event.details) == ({}, True, {"decision": "match"})
    assert log.event(other).private == {"person": BEN, "photo": "00" * 32}
    assert log.verify(), "the chain holds"
    assert (log.newest(None, 1)[0].action, log.newest(None, 1)[0].details) == ("erasure", {"entries": 2})
    assert state.empty_log()
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert ANN.encode() not in held
    assert BEN.encode() in held
    assert log.erase([ANN], "key 3f") == 0


def test_who_was_merged_into_another_is_erased_with_them(log: EventLog) -> None:
    uid = match(log, ANN)
    log.give(ANN, BEN)
    assert log.event(uid).private["person"] == ANN, "what was written stays"
    assert log.erase([BEN], "key 3f") == 1
    assert log.event(uid).is_erased


def test_a_collection_is_erased_with_all_of_its_people(log: EventLog) -> None:
    match(log, ANN, "c-1")
    kept = match(log, BEN, "c-2")
    assert log.erase_collection("c-1", "key 3f") == 1
    assert not log.event(kept).is_erased
    assert log.verify()


def test_what_is_older_than_it_goes_back_is_let_go_and_the_chain_goes_on(log: EventLog, state: State) -> None:
    old = [match(log, ANN) for _ in range(3)]
    kept = match(log, BEN)
    for seq in (1, 2, 3):
        change(state, seq, time="2020-01-01T00:00:00Z")
    assert log.let_go(400, "the service") == 3
    assert log.let_go(400, "the service") == 0
    with pytest.raises(UnknownName):
        log.event(old[0])
    assert [event.action for event in log.newest(None, 9)] == ["let-go", "identification"]
    assert log.event(kept).seq == 4
    report = log.verify()
    assert report, report.findings
    match(log, ANN)
    assert log.verify()
    with state.writing() as connection:
        connection.execute(EVENTS.delete().where(EVENTS.c.seq == 4))
    assert not log.verify(), "one that was let go of without being old shows"


def test_two_workers_add_to_one_chain(log: EventLog, tmp_path: Path) -> None:
    with closing(open_state(Address(tmp_path / "people.db.service"))) as opened:
        other = EventLog(opened)
        for _ in range(5):
            match(log, ANN)
            match(other, BEN)
        assert other.verify().entries == 10


def test_it_is_listed_a_page_at_a_time_and_by_collection(log: EventLog) -> None:
    for number in range(7):
        match(log, ANN, f"c-{number % 2}")
    page = log.newest(["c-0"], 3)
    assert [event.seq for event in page] == [7, 5, 3]
    assert [event.seq for event in log.newest(["c-0"], 3, before=3)] == [1]
    assert log.newest([], 3) == []
