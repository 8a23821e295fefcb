"""Keys: what is stored, what is shown, and who is recognized."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marginface.errors import InputError, UnknownName
from marginface.gallery.address import parse_address
from marginface.server.access import KeyStore, NewKey, Scope, parse_scopes
from marginface.server.state import State, open_state


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = open_state(parse_address(tmp_path / "people.db.service"))
    yield state
    state.close()


def test_a_key_is_recognized_by_its_token_alone(state: State) -> None:
    keys = KeyStore(state)
    key, token = keys.create(NewKey(parse_scopes("enrol,identify"), ("staff",), "door"))
    assert keys.recognize(token) == key
    other = ("A" if token[-1] != "A" else "B") + ""
    assert keys.recognize(token[:-1] + other) is None
    assert keys.recognize(token.replace(key.id, "0" * 12)) is None
    assert keys.recognize("") is None
    assert keys.recognize(token + " ") is None


def test_a_token_with_the_id_of_another_key_opens_nothing(state: State) -> None:
    keys = KeyStore(state)
    (first, token), (second, _) = (keys.create(NewKey(parse_scopes("detect"))) for _ in range(2))
    assert keys.recognize(token.replace(first.id, second.id)) is None


def test_the_secret_is_not_on_the_disk(state: State, tmp_path: Path) -> None:
    _, token = KeyStore(state).create(NewKey(frozenset(Scope)))
    state.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"service_keys" in content
    assert token.split("_", 2)[2].encode() not in content


def test_the_state_is_for_its_owner_alone(state: State, tmp_path: Path) -> None:
    assert (tmp_path / "people.db.service").stat().st_mode & 0o077 == 0


def test_keys_follow_a_collection_that_is_renamed(state: State) -> None:
    keys = KeyStore(state)
    made_for = [("staff",), ("visitors", "staff"), ("staff", "crew"), (), ("visitors",)]
    for collections in made_for:
        keys.create(NewKey(parse_scopes("detect"), collections, name=",".join(collections)))
    assert keys.follow("staff", "crew") == 3
    assert {key.made_for.name: key.made_for.collections for key in keys.all()} == {
        "staff": ("crew",),
        "visitors,staff": ("visitors", "crew"),
        "staff,crew": ("crew",),
        "": (),
        "visitors": ("visitors",),
    }


def test_a_revoked_key_is_refused_at_once_and_for_good(state: State) -> None:
    keys = KeyStore(state)
    key, token = keys.create(NewKey(parse_scopes("detect")))
    gone = KeyStore(state).revoke(key.id)
    assert gone.revoked
    assert keys.recognize(token) is None
    assert keys.revoke(key.id).revoked == gone.revoked
    assert keys.exist()  # and the service stays closed


def test_a_key_expires(state: State) -> None:
    keys = KeyStore(state)
    now = datetime.now(UTC)
    _, late = keys.create(NewKey(parse_scopes("detect"), expires=now - timedelta(seconds=2)))
    _, good = keys.create(NewKey(parse_scopes("detect"), expires=now + timedelta(hours=1)))
    assert keys.recognize(late) is None
    assert keys.recognize(good) is not None


def test_two_processes_share_the_keys(tmp_path: Path) -> None:
    address = parse_address(tmp_path / "people.db.service")
    one, two = open_state(address), open_state(address)
    _, token = KeyStore(one).create(NewKey(parse_scopes("detect")))
    assert KeyStore(two).recognize(token) is not None
    assert one.secret("a purpose") == two.secret("a purpose") != one.secret("another purpose")
    one.close()
    two.close()


def test_a_key_that_is_for_nothing_is_not_made() -> None:
    with pytest.raises(InputError, match="at least one scope"):
        NewKey(frozenset())
    with pytest.raises(UnknownName, match="identify"):
        parse_scopes("identifi")
    for wrong in (0, 10**30):
        with pytest.raises(InputError, match="per_minute is 1 to 1,000,000 requests"):
            NewKey(frozenset(Scope), per_minute=wrong)


def test_a_key_prints_nothing_of_its_secret(state: State) -> None:
    key, token = KeyStore(state).create(NewKey(parse_scopes("detect")))
    assert token.split("_", 2)[2] not in f"{key!r} {key.to_dict()}"
    assert key.digest not in f"{key!r} {key.to_dict()}"
