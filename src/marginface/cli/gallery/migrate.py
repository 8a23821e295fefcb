"""``marginface gallery migrate``: another model for a collection."""

from __future__ import annotations

from typing import Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.gallery.options import NOT_WHOLE, InCollection, KeyFile, Where, opened
from marginface.cli.options import JsonFlag, Mirror, Model, Runtime, Workers, print_json
from marginface.cli.recognizing import recognizer_for
from marginface.defaults import DEFAULT_ENGINE, DEFAULT_MIN_SCORE, DEFAULT_MODEL, DEFAULT_WORKERS


def migrate(
    where: Where,
    model: Model = DEFAULT_MODEL,
    mirror: Mirror = False,
    collection: InCollection = "",
    erase_old: Annotated[
        bool, typer.Option("--erase-old", help="Erase the old embeddings when the new ones are in their place.")
    ] = False,
    engine: Runtime = DEFAULT_ENGINE,
    workers: Workers = DEFAULT_WORKERS,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Embed the kept crops of a collection with another model, then let the new embeddings take the place of the old.

    The old ones answer until then. Stop it when you like: the same command goes on where it was. People of whom no crop
    was kept stay, without faces, and are listed for re-enrolment. Names, opaque ids, consent and dates stay. Exit
    status: 0 done, 1 done but the old embeddings could not be verified as erased, 3 done and some people have to be
    enrolled again, 2 an error.
    """
    from marginface.enrolment import Migration

    with opened(where, key_file) as gallery:
        recognizer = recognizer_for(model, None, mirror=mirror, min_score=DEFAULT_MIN_SCORE, engine=engine)
        migration = Migration(gallery, gallery.collection(collection), recognizer, workers=workers)
        with progress_bar("Migrating", "faces") as progress:
            report = migration.run(progress)
        receipt = gallery.erase_collection(report.retired) if erase_old else None
    if as_json:
        print_json({**report.to_dict(), "erased": None if receipt is None else receipt.to_dict()})
    else:
        typer.echo(
            report.explain() if receipt is None else f"{report.explain(old_is_erased=True)}\n{receipt.explain()}"
        )
    if receipt is not None and not receipt:
        raise typer.Exit(NOT_WHOLE)
    raise typer.Exit(report.exit_status)
