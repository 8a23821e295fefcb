"""``marginface gallery rotate-key|migrate-schema``: another key; the schema of this version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marginface.cli.gallery.options import NOT_WHOLE, KeyFile, Wait, Where, opened
from marginface.cli.options import JsonFlag, print_json
from marginface.words import plural


def rotate_key(
    where: Where,
    new_key_file: Annotated[
        Path,
        typer.Argument(metavar="NEW-KEY-FILE", show_default=False, help="Holds the new key; made if it is missing."),
    ],
    data_keys: Annotated[
        bool, typer.Option("--data-keys", help="New data keys too: every record is sealed anew.")
    ] = False,
    wait: Wait = 10.0,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Let another key open a gallery from now on; the old one no longer does. An unsealed gallery is sealed by it.

    Exit status: 0 done, 1 done but the log still holds the old wrapped keys, 2 an error.
    """
    from marginface.gallery import make_key, read_key

    with opened(where, key_file) as gallery:
        key = read_key(new_key_file) if new_key_file.exists() else make_key(new_key_file)
        change = gallery.rotate_key(key, wait=wait)
        if data_keys:
            change = gallery.renew_data_keys(wait=wait)
        address = gallery.address
    if as_json:
        print_json(change.to_dict())
    else:
        typer.echo(f"{address} opens with key {change.key_id} ({new_key_file}) from now on.")
        keys, anew = plural(change.collections, "data key"), plural(change.resealed, "collection")
        typer.echo(f"{keys} wrapped by it; {anew} sealed anew.")
        if not change:
            typer.echo("Another process was reading: the log holds the old keys until 'marginface gallery purge'.")
    if not change:
        raise typer.Exit(NOT_WHOLE)


def migrate_schema(where: Where, as_json: JsonFlag = False) -> None:
    """Bring a gallery of an older marginface to the present schema; a file is copied first, beside it."""
    from marginface.gallery import Gallery

    found, copy = Gallery.migrate_schema(where)
    if as_json:
        print_json({"from": found, "copy": None if copy is None else str(copy)})
    elif copy is not None:
        typer.echo(f"Done, from schema {found}. The gallery as it was: {copy}; delete it once all is well.")
    else:
        typer.echo(f"From schema {found}: nothing to copy.")
