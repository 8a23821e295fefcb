"""``marginface gallery create``: a new gallery, or another collection in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.gallery.options import KeyFile, Where
from marginface.cli.options import JsonFlag, Mirror, Model, print_json
from marginface.defaults import DEFAULT_MODEL

if TYPE_CHECKING:
    from marginface.gallery import Gallery


def create(
    where: Where,
    collection: Annotated[str, typer.Option("--collection", "-c", metavar="NAME", help="Its name.")] = "people",
    model: Model = DEFAULT_MODEL,
    mirror: Mirror = False,
    rotated: Annotated[
        bool, typer.Option("--rotated", help="Turn vectors by a secret rotation: two galleries do not compare.")
    ] = False,
    key_file: KeyFile = None,
    unsealed: Annotated[
        bool, typer.Option("--unsealed", help="Without a key: who has the gallery can read every face in it.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a gallery with a collection for the embeddings of a model; in a gallery that is there, add the collection.

    The first gallery also makes its key: a file in your configuration folder that you must keep, apart from the gallery
    and its backups. Without it nothing in the gallery can be read.
    """
    from marginface.embedding import load_embedder
    from marginface.gallery.names import checked_name

    checked_name(collection, "the name of a collection")  # before there is a gallery without one
    embedder = load_embedder(model, mirror=mirror)
    contract, size = embedder.contract.id, embedder.card.embedding_size
    with _made_or_opened(where, key_file, unsealed=unsealed) as gallery:
        made = gallery.create_collection(collection, contract=contract, embedding_size=size, rotated=rotated)
        address, name, key = gallery.address, made.name, gallery.key_source
    if as_json:
        about = {"collection": name, "model": model, "contract": contract, "embedding_size": size}
        print_json({"gallery": address, **about, "key": key or None})
        return
    typer.echo(f"{address}: collection {name}, for {model} (contract {contract}).")
    if key:
        typer.echo(f"Sealed by the key in {key}. Keep a copy of it elsewhere: without it nobody can read this.")
    else:
        typer.echo("Unsealed: who has the gallery can read every face in it.")


def _made_or_opened(where: str, key_file: Path | None, *, unsealed: bool) -> Gallery:
    from marginface.errors import InputError
    from marginface.gallery import Gallery

    if Gallery.exists(where):
        if unsealed:
            raise InputError(f"{where}: there is a gallery; whether it is sealed was said when it was made")
        return Gallery.open(where, key=key_file)
    return Gallery.create(where, key=key_file, sealed=not unsealed)
