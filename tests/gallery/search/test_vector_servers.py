"""Galleries whose vectors are searched in a server: found, moved and gone there as in the truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import pytest

from marginface.errors import InputError, StorageError
from marginface.gallery import Gallery
from marginface.gallery.address import parse_address
from marginface.gallery.search.live import open_in_server
from oracles.galleries import CONTRACT, SIZE, FaceMaker
from oracles.postgres import emptied

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")


@pytest.fixture(params=["qdrant", "pgvector"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return an address with a server for the vectors: a Qdrant in this process, and pgvector where it is installed."""
    needed = {"qdrant": "qdrant_client", "pgvector": "pgvector"}[request.param]
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    if request.param == "qdrant":
        yield f"qdrant://:memory:?truth={tmp_path / 'people.db'}"
        return
    server = emptied(request.getfixturevalue("postgres"))
    yield f"{server}{'&' if '?' in server else '?'}index=pgvector"


def test_people_are_found_and_an_erased_one_is_gone_from_the_server_too(address: str, face: FaceMaker) -> None:
    ann, ben = face(), face()
    with Gallery.create(address) as gallery:
        staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE, rotated=True)
        staff.add_many({"Ann": [ann], "Ben": [ben]})
        assert staff.search(ann.embedding)[0].person.name == "Ann"
        assert gallery.stats().collections[0].search.startswith("in ")
        assert gallery.check()
    with Gallery.open(address) as gallery:  # nothing has been searched in this one yet
        receipt = gallery.collection().erase("Ann")
        assert receipt
        assert "taken out of the index" in receipt.explain()
        vault = gallery._vault
        with vault.reading() as connection:
            chamber = vault.chamber(connection, 1)
        with closing(open_in_server(vault.store.address.vectors, chamber)) as held:
            assert held.count() == 1
        assert [found.person.name for found in gallery.collection().search(ann.embedding, 5)] == ["Ben"]
        assert gallery.erase_collection("staff")
        with closing(open_in_server(vault.store.address.vectors, chamber)) as held:
            assert held.count() == 0


def test_opening_again_sends_nothing_and_mends_what_differs(address: str, face: FaceMaker) -> None:
    faces = [face() for _ in range(6)]
    with Gallery.create(address) as gallery:
        gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
        gallery.collection().add_many({f"P{number}": [one] for number, one in enumerate(faces)})
        gallery.collection().search(faces[0].embedding)
        kind = type(gallery.collection()._live._index)
    with Gallery.open(address) as gallery, mock.patch.object(kind, "upsert", autospec=True) as sent:
        assert gallery.collection().search(faces[3].embedding)[0].person.name == "P3"
        assert [len(call.args[1]) for call in sent.call_args_list if len(call.args[1])] == []
        gallery.collection().merge("P3", "P4")
    with Gallery.open(address) as gallery:
        assert gallery.collection().search(faces[3].embedding)[0].person.name == "P4"


def test_a_server_that_does_not_answer_makes_the_receipt_incomplete_and_is_told_by_the_next_search(
    address: str, face: FaceMaker
) -> None:
    ann = face()
    with Gallery.create(address) as gallery:
        staff = gallery.create_collection("staff", contract=CONTRACT, embedding_size=SIZE)
        staff.add_many({"Ann": [ann], "Ben": [face()]})
        staff.search(ann.embedding)
        kind = type(staff._live._index)
        with mock.patch.object(kind, "delete", side_effect=StorageError("no answer")):
            receipt = staff.erase("Ann")
        assert not receipt
        assert "The search index: the index in the server still holds the vectors: no answer" in receipt.explain()
        assert receipt.to_dict()["complete"] is False
        assert [found.person.name for found in staff.search(ann.embedding, 5)] == ["Ben"]
        assert staff._live._index is not None
        assert staff._live._index.count() == 1


def test_an_address_that_asks_for_another_index_is_refused() -> None:
    with pytest.raises(InputError, match="index=faiss: in a PostgreSQL address there may be index=pgvector"):
        parse_address("postgresql://server/faces?index=faiss")
