"""``marginface gallery stats|check|audit``: what a gallery holds, whether it is whole, who did what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginface.cli.gallery.options import NOT_WHOLE, KeyFile, Where, opened
from marginface.cli.options import JsonFlag, print_json
from marginface.words import plural, plurals

if TYPE_CHECKING:
    from marginface.gallery import CollectionInfo, Gallery


def stats(
    where: Where,
    fpir: Annotated[
        float | None,
        typer.Option(show_default=False, help="Measure what the search misses at the threshold for this rate."),
    ] = None,
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Count what a gallery holds: collections, people, faces, crops, bytes, and who is due to be erased.

    With --fpir every collection whose contract has shipped thresholds is searched for faces that are just as similar as
    the threshold asks: the share that is found is the recall of its search.
    """
    with opened(where, key_file) as gallery:
        found = gallery.stats()
        recalls = {} if fpir is None else {info.uid: _recall(gallery, info, fpir) for info in gallery.collections()}
    if as_json:
        print_json({**found.to_dict(), **({"recall": recalls} if recalls else {})})
        return
    sealed = f"sealed by key {found.key_id}" if found.sealed else "not sealed"
    typer.echo(f"{found.gallery}: schema {found.schema}, {sealed}, {plural(found.audit_entries, 'entry')} of the audit")
    for name, size in found.files.items():
        typer.echo(f"{name}: {plural(size, 'byte')}")
    for collection in found.collections:
        info, (least, median, most) = collection.info, collection.faces_per_person
        counts = plurals((info.people, "person"), (info.faces, "face"), (info.crops, "crop"))
        typer.echo(f"{info.name}: {counts}; contract {info.contract}, {info.embedding_size} numbers")
        typer.echo(f"  faces per person: least {least}, median {median:g}, most {most}")
        typer.echo(
            f"  people without a face: {collection.people_without_faces:,}; due to be erased: {collection.due:,}"
        )
        typer.echo(f"  search: {collection.search}")
        if info.uid in recalls:
            typer.echo(f"  {recalls[info.uid]['explanation']}")


def _recall(gallery: Gallery, info: CollectionInfo, fpir: float) -> dict[str, Any]:
    """Measure the recall of a collection's search at its threshold, or say why it cannot be."""
    from marginface.matching.calibration import shipped_calibrations

    known = shipped_calibrations().get(info.contract)
    if known is None or not info.faces:
        what = "no shipped thresholds for its contract" if info.faces else "no face yet"
        return {"explanation": f"recall: not measured, {what}"}
    threshold = known.identification_threshold(fpir, info.faces).similarity
    found = gallery.collection(info.uid).recall(threshold)
    if found is None:
        return {"explanation": "recall: not measured, others are always more similar", "similarity": threshold}
    return {**found.to_dict(), "explanation": found.explain()}


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
        typer.echo("\n".join([f"{plural(report.entries, 'entry')}. {verdict}", *report.findings]))
    if not report:
        raise typer.Exit(NOT_WHOLE)
