"""``marginface gallery export|import``: a gallery as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marginface.cli.gallery.options import InCollection, KeyFile, PassphraseFile, Where, opened, read_passphrase
from marginface.cli.options import JsonFlag, print_json
from marginface.words import plural, plurals

File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="The archive.")]


def export(
    where: Where,
    file: File,
    collection: InCollection = "",
    person: Annotated[
        list[str] | None,
        typer.Option("--person", metavar="NAME", help="Only this person; may be given again. For a request of access."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    clear: Annotated[bool, typer.Option("--clear", help="Without a passphrase: faces and names can be read.")] = False,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a gallery, a collection or some people into one file, sealed by a passphrase."""
    passphrase = None if clear else read_passphrase(passphrase_file, confirm=True)
    names = [collection] if collection else []
    with opened(where, key_file) as gallery:
        counts = gallery.export_archive(file, passphrase=passphrase, collections=names, people=person or [])
    if as_json:
        print_json({"file": str(file), "sealed": not clear, **counts.to_dict()})
        return
    inside = plurals((counts.collections, "collection"), (counts.people, "person"), (counts.faces, "face"))
    typer.echo(f"{file}: {inside}.")
    if clear:
        typer.echo("It is NOT sealed: treat it as you would treat the photographs.")


def import_(
    where: Where,
    file: File,
    passphrase_file: PassphraseFile = None,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Add what an archive holds, all of it or nothing; people are known by name, faces by photo."""
    from marginface.gallery.archives.envelope import is_sealed

    passphrase = read_passphrase(passphrase_file, confirm=False) if is_sealed(file) else None
    with opened(where, key_file) as gallery:
        counts = gallery.import_archive(file, passphrase=passphrase)
    if as_json:
        print_json(counts.to_dict())
        return
    inside = plurals((counts.collections, "collection"), (counts.people, "person"))
    typer.echo(f"{inside}: {plural(counts.faces, 'new face')}, {counts.faces_known:,} known.")
