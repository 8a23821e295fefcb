"""Does a model fit a collection? And if not: which one does, and what to do."""

from __future__ import annotations

from marginface.contract import is_foreign
from marginface.errors import ContractMismatch
from marginface.gallery import Collection, Gallery
from marginface.pipeline import Recognizer
from marginface.weights import WEIGHTS

FIRST_COLLECTION = "people"


def require_contract(gallery: str, collection: Collection, recognizer: Recognizer) -> None:
    """Raise ContractMismatch, with what to do, unless a collection holds embeddings of this recognizer.

    Args:
        gallery: Its address, as a command would name it.
        collection: The collection.
        recognizer: What is to be compared with it.
    """
    held, ours = collection.contract, recognizer.contract.id
    if held == ours:
        return
    name = recognizer.embedder.card.name
    if is_foreign(held):
        raise ContractMismatch(
            f"{gallery}: collection {collection.name!r} holds vectors of another system ({held}), which only that "
            f"system can search. To search with {name!r}, enrol the photos themselves in a collection of its own"
        )
    mirror = " --mirror" if recognizer.contract.mirror else ""
    raise ContractMismatch(
        f"{gallery}: collection {collection.name!r} holds embeddings of {maker_of(held)}, and not of {maker_of(ours)}. "
        f"Search with the model it was made with, or embed its kept crops anew: marginface gallery migrate {gallery} "
        f"--model {name}{mirror}"
    )


def maker_of(contract: str) -> str:
    """Return in words what a contract was made with: the published model if it is one of those."""
    for name, weights in WEIGHTS.items():
        for mirror in (False, True):
            if weights.card is not None and weights.card.contract(mirror=mirror).id == contract:
                return f"{name!r}" + (" with the mirror sum (--mirror)" if mirror else "")
    return f"contract {contract}"


def collection_for(gallery: Gallery, name: str, recognizer: Recognizer) -> Collection:
    """Return the collection to enrol into; an empty gallery gets its first one, of this recognizer's contract.

    Args:
        gallery: The gallery.
        name: Of the collection; empty for the only one.
        recognizer: Whose embeddings it is to hold.

    Raises:
        ContractMismatch: It holds embeddings of another model.
        UnknownName: There are collections, and none of this name, or several and none was named.
    """
    if not gallery.collections():
        size = recognizer.contract.embedding_size
        return gallery.create_collection(name or FIRST_COLLECTION, contract=recognizer.contract.id, embedding_size=size)
    collection = gallery.collection(name)
    require_contract(gallery.address, collection, recognizer)
    return collection
