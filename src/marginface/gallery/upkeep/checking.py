"""Is a gallery whole? Every record is opened, every rule of the tables looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from marginface.errors import MarginfaceError
from marginface.gallery.database import audit
from marginface.gallery.database.tables import CHANGES, COLLECTIONS, CROPS, FACES, PEOPLE, TEMPLATES
from marginface.gallery.database.transaction import Counter, last_number
from marginface.gallery.names import checked_name
from marginface.gallery.sealing.template import stored_vectors
from marginface.gallery.vault import Chamber, Vault
from marginface.values import LENGTH_ERROR
from marginface.words import plural, plurals

_SHOWN = 20  # findings of one kind that are listed; the rest are counted
_READ_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check looked at and what it found wrong; ``bool()`` says whether all is well.

    ``notes`` are no faults: what to know or better to do.
    """

    gallery: str
    collections: int
    people: int
    faces: int
    crops: int
    audit: audit.AuditReport
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.findings

    def with_findings(self, more: Iterable[str]) -> CheckReport:
        """Return this report with more findings."""
        return replace(self, findings=(*self.findings, *more))

    def explain(self) -> str:
        """Say in words what was looked at and what is wrong."""
        counts = plurals(
            (self.collections, "collection"), (self.people, "person"), (self.faces, "face"), (self.crops, "crop")
        )
        looked = f"{self.gallery}: {counts}, {plural(self.audit.entries, 'entry')} of the audit."
        verdict = "All is well: every record opens and fits." if self else f"{plural(len(self.findings), 'finding')}:"
        return "\n".join([looked, verdict, *self.findings, *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        counts = {"collections": self.collections, "people": self.people, "faces": self.faces, "crops": self.crops}
        said = {"findings": list(self.findings), "notes": list(self.notes)}
        return {"ok": bool(self), "gallery": self.gallery, **counts, "audit": self.audit.to_dict(), **said}


def check_gallery(vault: Vault) -> CheckReport:
    """Look at the whole of a gallery, at one moment of it; a million faces take some tens of seconds."""
    findings: list[str] = []
    with vault.reading() as connection:
        if vault.store.path is not None:
            findings.extend(_of_the_file(connection))
        numbers = connection.execute(select(COLLECTIONS.c.id).order_by(COLLECTIONS.c.id)).scalars().all()
        for number in numbers:
            findings.extend(check_collection(connection, vault, number))
        findings.extend(_of_the_tables(connection))
        chain = audit.verify(connection)
        people, faces, crops = (_count(connection, table) for table in (PEOPLE, FACES, CROPS))
    found, notes = (*findings, *chain.findings), tuple(_advice(vault))
    return CheckReport(str(vault.store.address), len(numbers), people, faces, crops, chain, found, notes)


def _of_the_file(connection: Connection) -> Iterator[str]:
    for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_SHOWN})").all():
        if row[0] != "ok":
            yield f"file: {row[0]}"
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check").all()[:_SHOWN]:
        yield f"file: row {row[1]} of {row[0]} belongs to a row of {row[2]} that is not there"


def check_collection(connection: Connection, vault: Vault, number: int) -> Iterator[str]:
    """Give what is wrong with the records of a collection, in words."""
    try:
        chamber = vault.chamber(connection, number)
    except MarginfaceError as error:
        yield str(error)
        return
    for findings in (
        _of_people(connection, chamber),
        _of_faces(connection, chamber),
        _of_templates(connection, chamber),
        _of_crops(connection, chamber),
    ):
        yield from _shortened(findings, chamber.name)


def _of_people(connection: Connection, chamber: Chamber) -> Iterator[str]:
    for row in connection.execute(select(PEOPLE).where(PEOPLE.c.collection_id == chamber.id)):
        try:
            name = chamber.seal.open_values("person", row.id, 0, bytes(row.details))["name"]
        except MarginfaceError as error:
            yield f"person {row.uid}: {error}"
            continue
        if checked_name(name) != name or chamber.seal.digest("name", name) != bytes(row.name_digest):
            yield f"person {row.uid}: is found under another name than the one recorded"


def _of_faces(connection: Connection, chamber: Chamber) -> Iterator[str]:
    joined = FACES.join(PEOPLE, PEOPLE.c.id == FACES.c.person_id).outerjoin(
        TEMPLATES, TEMPLATES.c.face_id == FACES.c.id
    )
    columns = (FACES, PEOPLE.c.collection_id.label("home"), TEMPLATES.c.face_id.label("template"))
    wanted = select(*columns).select_from(joined).where(FACES.c.collection_id == chamber.id)
    for row in connection.execute(wanted.execution_options(yield_per=_READ_AT_ONCE)):
        if row.home != chamber.id:
            yield f"face {row.uid}: its person is in another collection"
        if row.template is None:
            yield f"face {row.uid}: has no template"
        try:
            photo = chamber.seal.open_values("face", row.person_id, row.id, bytes(row.details))["photo"]
        except MarginfaceError as error:
            yield f"face {row.uid}: {error}"
            continue
        if chamber.seal.digest("photo", photo) != bytes(row.photo_digest):
            yield f"face {row.uid}: is found under another photo than the one recorded"


def _of_templates(connection: Connection, chamber: Chamber) -> Iterator[str]:
    joined = FACES.join(TEMPLATES, TEMPLATES.c.face_id == FACES.c.id)
    wanted = select(FACES.c.id, FACES.c.uid, FACES.c.person_id, TEMPLATES.c.sealed).select_from(joined)
    rows = wanted.where(FACES.c.collection_id == chamber.id).execution_options(yield_per=_READ_AT_ONCE)
    for row in connection.execute(rows):
        try:
            content = chamber.seal.open("template", row.person_id, row.id, bytes(row.sealed))
            vectors = stored_vectors(content, chamber.embedding_size)
        except MarginfaceError as error:
            yield f"face {row.uid}: {error}"
            continue
        length = float(np.linalg.norm(vectors))
        if len(vectors) != 1 or not abs(length - 1) <= LENGTH_ERROR:
            yield f"face {row.uid}: its vector has length {length:.4g} and not 1"


def _of_crops(connection: Connection, chamber: Chamber) -> Iterator[str]:
    joined = FACES.join(CROPS, CROPS.c.face_id == FACES.c.id)
    wanted = select(FACES.c.id, FACES.c.uid, FACES.c.person_id, CROPS.c.sealed).select_from(joined)
    rows = wanted.where(FACES.c.collection_id == chamber.id).execution_options(yield_per=_READ_AT_ONCE)
    for row in connection.execute(rows):
        try:
            chamber.seal.open("crop", row.person_id, row.id, row.sealed or b"")
        except MarginfaceError as error:
            yield f"face {row.uid}: {error}"


def _of_the_tables(connection: Connection) -> Iterator[str]:
    """Look whether every number was given before: one given twice would mix up two people."""
    counters: tuple[tuple[Counter, Any], ...] = (
        ("collection", COLLECTIONS.c.id),
        ("person", PEOPLE.c.id),
        ("face", FACES.c.id),
        ("change", CHANGES.c.seq),
    )
    for counter, column in counters:
        highest = connection.execute(select(func.max(column))).scalar() or 0
        if highest > last_number(connection, counter):
            yield f"{counter}: number {highest} is in use, and the counter says {last_number(connection, counter)}"


def _advice(vault: Vault) -> Iterator[str]:
    path = vault.store.path
    if path is not None and path.stat().st_mode & 0o077:
        yield f"{path} can be read by other users of this machine; chmod 600 closes it."
    file = None if vault.key is None else Path(vault.key.source)
    if file is not None and file.is_file() and file.stat().st_mode & 0o077:
        yield f"{file}, the key, can be read by other users of this machine; chmod 600 closes it."


def _count(connection: Connection, table: Any) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _shortened(findings: Iterable[str], collection: str) -> Iterator[str]:
    """Give the first findings of a kind, and how many more there are."""
    more = 0
    for number, finding in enumerate(findings):
        if number < _SHOWN:
            yield f"{collection}: {finding}"
        else:
            more += 1
    if more:
        yield f"{collection}: … and {more:,} more of this kind"
