"""``marginface gallery stats|check|audit``: what a gallery holds, whether it is whole, who did what."""

from __future__ import annotations

from typing import Annotated

import typer

from marginface.cli.gallery.options import NOT_WHOLE, KeyFile, Where, opened
from marginface.cli.options import JsonFlag, print_json


def stats(where: Where, key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Count what a gallery holds: collections, people, faces, crops, bytes, and who is due to be erased."""
    with opened(where, key_file) as gallery:
        found = gallery.stats()
    if as_json:
        print_json(found.to_dict())
        return
    sealed = f"sealed by key {found.key_id}" if found.sealed else "not sealed"
    typer.echo(f"{found.gallery}: schema {found.schema}, {sealed}, {found.audit_entries:,} entries of the audit")
    for name, size in found.files.items():
        typer.echo(f"{name}: {size:,} bytes")
    for collection in found.collections:
        info, (least, median, most) = collection.info, collection.faces_per_person
        counts = f"{info.people:,} people, {info.faces:,} faces, {info.crops:,} crops"
        typer.echo(f"{info.name}: {counts}; contract {info.contract}, {info.embedding_size} numbers")
        typer.echo(f"  faces per person: least {least}, median {median:g}, most {most}")
        typer.echo(
            f"  people without a face: {collection.people_without_faces:,}; due to be erased: {collection.due:,}"
        )


def check(where: Where, key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """Look whether a gallery is whole: the file, every record, the audit.

    Exit status: 0 all is well, 1 something is wrong, 2 it cannot be opened.
    """
    with opened(where, key_file) as gallery:
        report = gallery.check()
    if as_json:
        print_json(report.to_dict())
    else:
        typer.echo(report.explain())
    if not report:
        raise typer.Exit(NOT_WHOLE)


def audit(
    where: Where,
    last: Annotated[int, typer.Option(metavar="N", help="How many entries to print.")] = 20,
    head: Annotated[
        str, typer.Option(metavar="HASH", help="A hash kept elsewhere, as in a receipt: it must be in the chain.")
    ] = "",
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the last entries of the audit, and verify its chain from the first entry on.

    Exit status: 0 the chain holds, 1 it does not, 2 an error.
    """
    with opened(where, key_file) as gallery:
        entries, report = gallery.audit(last), gallery.verify_audit(head)
    if as_json:
        print_json({**report.to_dict(), "last": [entry.to_dict() for entry in entries]})
    else:
        for entry in entries:
            typer.echo(f"{entry.seq:>6}  {entry.time}  {entry.actor}  {entry.action}  {entry.subject}")
        verdict = f"The chain holds. Head: {report.head}" if report else "The chain is broken:"
        typer.echo("\n".join([f"{report.entries:,} entries. {verdict}", *report.findings]))
    if not report:
        raise typer.Exit(NOT_WHOLE)
