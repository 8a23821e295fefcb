"""The people most similar to a face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marginface.contract import require_same_contract
from marginface.errors import InputError
from marginface.gallery.database.columns import damaged
from marginface.gallery.enrolled.faces import faces_by_id
from marginface.gallery.enrolled.people import people_by_id
from marginface.gallery.records import Match
from marginface.gallery.search.live import LiveIndex
from marginface.gallery.vault import Vault
from marginface.matching.index import NOBODY, Hits
from marginface.values import Embedding

_MORE = 4  # faces looked at for every person wanted, and times more of them where people have many


def nearest_people(
    vault: Vault, collection: int, live: LiveIndex, embeddings: Sequence[Embedding], k: int, *, exact: bool = False
) -> tuple[tuple[Match, ...], ...]:
    """Return for each embedding the k people whose best face is most similar to it; fewer if there are fewer.

    A person is compared by the best of their faces. Of equal similarities the face that was added first counts.

    Raises:
        ContractMismatch: An embedding is of another contract than the collection.
    """
    if k < 1:
        raise InputError(f"k is at least 1 person; got {k}")
    if not embeddings:
        return ()
    index, chamber = live.fresh()
    for embedding in embeddings:
        require_same_contract(chamber.contract, embedding.contract)
    probes = chamber.turned(np.stack([embedding.vector for embedding in embeddings]))
    asked = min(_MORE * k, max(index.count(), 1))
    while True:
        hits = index.search(probes, asked, exact=exact)
        found = _people(vault, collection, hits)
        if asked >= index.count() or all(len(people) >= k for people in found):
            return tuple(people[:k] for people in found)
        asked = min(_MORE * asked, index.count())


def _people(vault: Vault, collection: int, hits: Hits) -> list[tuple[Match, ...]]:
    """Return the people of each row of hits, each once, by their best; a face that went meanwhile is passed over."""
    numbers = np.unique(hits.ids[hits.ids != NOBODY]).tolist()
    with vault.reading() as connection:
        chamber = vault.chamber(connection, collection)
        known = faces_by_id(connection, chamber, numbers)
        people = people_by_id(connection, chamber, sorted({owner for _, owner in known.values()}))
    found = []
    for faces, similarities in zip(hits.ids.tolist(), hits.similarities.tolist(), strict=True):
        best: dict[int, Match] = {}
        for face, similarity in zip(faces, similarities, strict=True):
            if face in known:
                uid, owner = known[face]
                if owner not in people:
                    raise damaged(f"face {uid} belongs to nobody of its collection")
                best.setdefault(owner, Match(people[owner], uid, similarity))
        found.append(tuple(best.values()))
    return found
