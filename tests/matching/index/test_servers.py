"""What an index in a server promises besides: other processes, a kill, contracts, a server that is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from marginface.errors import ContractMismatch, InputError, StorageError
from marginface.matching.index import VectorIndex, open_index
from oracles.nearest import people, unit
from oracles.patience import PATIENCE, at_work, wait_for

WORLD = people(persons=20)
Opener = Callable[..., VectorIndex]
_numbers = count()

CHILD = """
import sys
from oracles.nearest import people
from marginface.matching.index import open_index
address, collection, kind = sys.argv[1:]
world = people(persons=20)
index = open_index(address, collection, contract="contract one", embedding_size=32)
print("ready", flush=True)
sys.stdin.readline()
for row in range(len(world.ids)):
    part = slice(row, row + 1)
    index.upsert(world.ids[part], world.vectors[part], world.owners[part])
    if kind == "delete every second" and row % 2:
        index.delete(world.ids[part])
        print("deleted", row, flush=True)
    else:
        print("written", row, flush=True)
"""


@pytest.fixture
def collection() -> str:
    return f"servers {os.getpid()} {next(_numbers)}"


def child(address: str, collection: str, kind: str = "write") -> subprocess.Popen[str]:
    if ":memory:" in address:
        pytest.skip("a Qdrant in this process has no second one: name a server in MARGINFACE_TEST_QDRANT")
    tests = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])}
    command = [sys.executable, "-c", CHILD, address, collection, kind]
    started = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, bufsize=1
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_what_one_process_writes_the_other_finds(address: str, opener: Opener, collection: str) -> None:
    with at_work(child(address, collection)) as other:
        index = opener(collection)
        assert index.count() == 0
        go(other)
        other.wait(PATIENCE)
    assert index.count() == len(WORLD.ids)
    hits = index.search(WORLD.vectors[:6], 1)
    assert hits.ids[:, 0].tolist() == WORLD.ids[:6].tolist()


def test_processes_that_make_a_collection_at_once_make_one(address: str, opener: Opener, collection: str) -> None:
    writers = [child(address, collection), child(address, collection)]
    for writer in writers:
        go(writer)
    for writer in writers:
        with at_work(writer):
            assert writer.wait(PATIENCE) == 0
    assert opener(collection).count() == len(WORLD.ids)


@pytest.mark.parametrize("after", [1, 4, 9, 23])
def test_acknowledged_writes_survive_a_kill(address: str, opener: Opener, collection: str, after: int) -> None:
    with at_work(child(address, collection, "delete every second")) as writer:
        go(writer)
        assert writer.stdout is not None
        said = [writer.stdout.readline().split() for _ in range(after)]
        writer.kill()
        said += [line.split() for line in writer.stdout.read().splitlines()]
    kept = [int(WORLD.ids[int(row)]) for what, row in said if what == "written"]
    gone = [int(WORLD.ids[int(row)]) for what, row in said if what == "deleted"]
    index = opener(collection)
    ids = index.snapshot().ids
    assert set(kept) <= set(ids.tolist())
    assert not set(gone) & set(ids.tolist())
    assert len(ids) <= len(kept) + 1  # what was under way may be there or not
    assert index.search(WORLD.vectors[:1], 1).ids[0, 0] == WORLD.ids[0]


def test_another_contract_or_size_is_refused(opener: Opener, collection: str) -> None:
    index = opener(collection)
    index.upsert(WORLD.ids, WORLD.vectors, WORLD.owners)
    with pytest.raises(ContractMismatch, match=r"contract one with 32 numbers.*contract two with 32"):
        opener(collection, contract="contract two")
    with pytest.raises(ContractMismatch, match=r"contract one with 32 numbers.*contract one with 64"):
        opener(collection, embedding_size=64)
    assert opener(collection).count() == len(WORLD.ids)


def test_collections_do_not_see_each_other(opener: Opener, collection: str) -> None:
    one, other = opener(collection), opener(f"{collection} Ωther/'\" name")
    one.upsert(WORLD.ids[:5], WORLD.vectors[:5], WORLD.owners[:5])
    other.upsert(WORLD.ids[5:7], WORLD.vectors[5:7], WORLD.owners[5:7])
    assert (one.count(), other.count()) == (5, 2)
    assert set(other.search(WORLD.vectors[:1], 5).ids[0].tolist()) == {*WORLD.ids[5:7].tolist(), -1}


def test_a_dropped_collection_is_gone_and_its_name_free_for_another_contract(opener: Opener, collection: str) -> None:
    index = opener(collection)
    index.upsert(WORLD.ids, WORLD.vectors, WORLD.owners)
    index.drop()
    assert opener(collection, contract="contract two", embedding_size=16).count() == 0


@pytest.mark.parametrize("made", [True, False])
def test_a_collection_that_another_process_made_a_moment_before_is_taken(
    qdrant: str, collection: str, made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qdrant_client import QdrantClient
    from qdrant_client.http.exceptions import ApiException

    make = QdrantClient.create_collection

    def late(client: QdrantClient, name: str, **more: object) -> None:
        if made:
            make(client, name, **more)
        raise ApiException

    monkeypatch.setattr(QdrantClient, "create_collection", late)
    if made:
        assert open_index(qdrant, collection, contract="one", embedding_size=32).count() == 0
    else:
        with pytest.raises(StorageError):
            open_index(qdrant, collection, contract="one", embedding_size=32)


def test_what_qdrant_acknowledges_is_done(qdrant: str, collection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in this process is done when it answers; a server is where it is asked to wait."""
    index = open_index(qdrant, collection, contract="one", embedding_size=32)
    waited: list[object] = []
    for name in ("upsert", "delete"):
        ask = getattr(index._client, name)
        monkeypatch.setattr(
            index._client, name, lambda *given, ask=ask, **more: [waited.append(more.get("wait")), ask(*given, **more)]
        )
    index.upsert(WORLD.ids, WORLD.vectors, WORLD.owners)
    index.delete(WORLD.ids[:2])
    assert waited == [True, True]
    assert index.count() == len(WORLD.ids) - 2
    index.close()


@pytest.mark.parametrize(
    ("where", "package"),
    [("postgresql://me:secret@127.0.0.1:9/x?connect_timeout=2", "psycopg"), ("qdrant://127.0.0.1:9", "qdrant_client")],
)
def test_a_server_that_is_not_there_is_named_without_its_password(where: str, package: str) -> None:
    pytest.importorskip(package)
    with pytest.raises(StorageError, match=r"127\.0\.0\.1") as caught:
        open_index(where, "faces", contract="one", embedding_size=32)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match=r"postgresql://.*qdrant://.*got 'mysql'"):
        open_index("mysql://x", "faces", contract="one", embedding_size=32)


def test_after_a_lost_connection_the_next_call_opens_another(postgres: str, collection: str) -> None:
    import psycopg

    index = open_index(postgres, collection, contract="one", embedding_size=32)
    index.upsert(WORLD.ids, WORLD.vectors, WORLD.owners)
    with psycopg.connect(postgres, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    with pytest.raises(StorageError, match="PostgreSQL at"):
        index.count()
    assert index.count() == len(WORLD.ids)
    index.close()


def test_postgres_takes_vectors_that_fit_into_a_page_and_no_longer_ones(postgres: str, collection: str) -> None:
    index = open_index(postgres, collection, contract="one", embedding_size=1900)
    rows = unit(np.random.default_rng(0).normal(size=(3, 1900)))
    index.upsert(np.arange(3), rows, np.arange(3))
    assert index.search(rows, 1).ids[:, 0].tolist() == [0, 1, 2]
    index.drop()
    index.close()
    with pytest.raises(InputError, match="1 to 1,900 numbers here; got 1901"):
        open_index(postgres, collection, contract="one", embedding_size=1901)


def walks(address: str, collection: str) -> int:
    """How often the graph of a collection was searched, as the server counts when a connection has ended."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as plain:
        entry = plain.execute("SELECT number FROM marginface_collections WHERE name = %s", [collection]).fetchone()
        assert entry is not None
        name = f"marginface_faces_{entry[0]}_vector_idx"
        found = plain.execute("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = %s", [name]).fetchone()
        assert found is not None
        return int(found[0])


def test_postgres_walks_its_graph_when_there_are_many_faces_and_compares_all_when_asked_to(
    postgres: str, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = people(persons=400, faces=5)
    index = open_index(postgres, collection, contract="one", embedding_size=32)
    index.upsert(world.ids, world.vectors, world.owners)
    expected = index.search(world.probes[:9], 5)
    monkeypatch.setattr("marginface.matching.index.postgres._EXACT_BELOW", -2)
    assert (index.search(world.probes[:9], 5, exact=True).ids == expected.ids).all()
    among_few = index.search(world.probes[:9], 5, owners=world.persons[:9])
    index.close()
    assert walks(postgres, collection) == 0
    assert (among_few.ids >= 0).all()
    index = open_index(postgres, collection, contract="one", embedding_size=32)
    near = index.search(world.probes[:9], 5)
    index.close()
    wait_for(lambda: walks(postgres, collection) >= 9, "the server counts no searches")
    assert walks(postgres, collection) == 9
    assert np.mean(near.ids == expected.ids) > 0.9


def test_many_owners_are_searched_by_the_graph_and_k_are_found(
    postgres: str, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marginface.matching.index.postgres._FEW_OWNERS", 2)
    monkeypatch.setattr("marginface.matching.index.postgres._EXACT_BELOW", -2)
    world = people(persons=400, faces=5)
    index = open_index(postgres, collection, contract="one", embedding_size=32)
    index.upsert(world.ids, world.vectors, world.owners)
    among = world.persons[::20]
    hits = index.search(world.probes[:9], 60, owners=among)
    assert np.isin(hits.ids, world.ids[np.isin(world.owners, among)]).all()
    assert all(len(set(row)) == 60 for row in hits.ids.tolist())
    index.close()


def test_postgres_counts_about_how_many_faces_there_are(
    postgres: str, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr("marginface.matching.index.postgres._EXACT_BELOW", 1_000)
    monkeypatch.setattr("marginface.matching.index.postgres._CANDIDATES", 20)  # so few that the graph is worth it
    world = people(persons=400, faces=5)
    index = open_index(postgres, collection, contract="one", embedding_size=32)
    index.upsert(world.ids, world.vectors, world.owners)
    with psycopg.connect(postgres, autocommit=True) as plain:
        plain.execute("ANALYZE")
    index.search(world.probes[:3], 2)
    index.close()
    wait_for(lambda: walks(postgres, collection) >= 3, "the server counts no searches")
    assert walks(postgres, collection) == 3
