"""``marginface gallery list|show|rename|describe|merge|move|delete``: who is in a gallery."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.gallery.options import InCollection, KeyFile, Where, Who, is_face, opened
from marginface.cli.options import JsonFlag, print_json
from marginface.cli.tables import print_table
from marginface.words import plural

if TYPE_CHECKING:
    from marginface.gallery import Person

NewName = Annotated[str, typer.Argument(metavar="NEW", show_default=False, help="The new name.")]
Target = Annotated[str, typer.Argument(metavar="INTO", show_default=False, help="The person who stays.")]
COLUMNS = ("Name", "Faces", "Since", "Purpose", "Keep until", "Id")
What = Annotated[str, typer.Argument(metavar="WHAT", show_default=False, help="A person, or the id of a face (f-…).")]


def list_(where: Where, collection: InCollection = "", key_file: KeyFile = None, as_json: JsonFlag = False) -> None:
    """List the people of a gallery, collection by collection: faces, purpose, and until when they are kept."""
    with opened(where, key_file) as gallery:
        chosen = [gallery.collection(collection)] if collection else None
        shelves = chosen or [gallery.collection(info.uid) for info in gallery.collections()]
        people = {shelf.name: shelf.people() for shelf in shelves}
    if as_json:
        print_json([person.to_dict() for found in people.values() for person in found])
        return
    for name, found in people.items():
        typer.echo(f"{name}: {plural(len(found), 'person')}")
        if found:
            print_table(COLUMNS, [_line(person) for person in found], unbroken=("Id",))


def show(
    where: Where, who: Who, collection: InCollection = "", key_file: KeyFile = None, as_json: JsonFlag = False
) -> None:
    """Show a person: what is recorded, and the faces with the measures of their quality."""
    with opened(where, key_file) as gallery:
        shelf = gallery.collection(collection)
        person = shelf.person(who)
        faces = shelf.faces(person)
    if as_json:
        print_json({**person.to_dict(), "faces": [face.to_dict() for face in faces]})
        return
    about = person.about
    typer.echo(f"{person.name} ({person.uid}), in {person.collection} since {person.created}")
    typer.echo(f"Consent: {about.consent or 'not recorded'}")
    typer.echo(f"Purpose: {about.purpose or 'not recorded'}")
    typer.echo(f"Kept until: {about.retain_until or 'somebody erases it'}")
    for face in faces:
        quality = ", ".join(f"{name} {value:.3g}" for name, value in face.quality.items())
        kept = ", crop kept" if face.has_crop else ""
        typer.echo(
            f"{face.uid}  {face.created}  photo {face.photo.removeprefix('vector:')[:12]}{kept}  {quality}".rstrip()
        )


def rename(
    where: Where,
    who: Who,
    new: NewName,
    collection: InCollection = "",
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Give a person another name."""
    with opened(where, key_file) as gallery:
        person = gallery.collection(collection).rename(who, new)
    _tell(person, f"{person.uid} is {person.name} now.", as_json=as_json)


def describe(
    where: Where,
    who: Who,
    consent: Annotated[str | None, typer.Option(metavar="TEXT", help="How and when the person agreed.")] = None,
    purpose: Annotated[str | None, typer.Option(metavar="TEXT", help="What the person is enrolled for.")] = None,
    keep_until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day; 'purge' erases after it.")
    ] = None,
    collection: InCollection = "",
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Record consent, purpose and retention of a person; what is not given stays as it was."""
    from marginface.gallery import last_day

    until = last_day(keep_until.date() if keep_until else None)
    given = {"consent": consent, "purpose": purpose, "retain_until": until}
    with opened(where, key_file) as gallery:
        said = {name: value for name, value in given.items() if value is not None}
        person = gallery.collection(collection).revise(who, None, said)
    _tell(person, f"{person.name}: recorded.", as_json=as_json)


def merge(
    where: Where,
    who: Who,
    target: Target,
    collection: InCollection = "",
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Give all faces of a person to another one: both names are of one human being."""
    with opened(where, key_file) as gallery:
        person = gallery.collection(collection).merge(who, target)
    _tell(person, f"{person.name} has {plural(person.faces, 'face')} now.", as_json=as_json)


def move(
    where: Where,
    what: What,
    to: Annotated[
        str,
        typer.Argument(metavar="TO", show_default=False, help="For a person the collection, for a face the person."),
    ],
    collection: InCollection = "",
    to_collection: Annotated[
        str, typer.Option("--to-collection", metavar="NAME", help="Of the person who gets a face; default: the same.")
    ] = "",
    key_file: KeyFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Move a person to another collection of the same contract, or a face to another person."""
    with opened(where, key_file) as gallery:
        shelf = gallery.collection(collection)
        if is_face(what):
            person = shelf.move_face(what, to, gallery.collection(to_collection) if to_collection else None)
        else:
            person = shelf.move(what, gallery.collection(to))
    _tell(person, f"{person.name}, in {person.collection}: {plural(person.faces, 'face')}.", as_json=as_json)


def delete(
    where: Where, what: What, collection: InCollection = "", key_file: KeyFile = None, as_json: JsonFlag = False
) -> None:
    """Delete a person, or one face; 'erase' is what also cleans the disk and proves it."""
    with opened(where, key_file) as gallery:
        shelf = gallery.collection(collection)
        person = shelf.delete_face(what) if is_face(what) else shelf.delete(what)
    faces = plural(person.faces, "face")
    gone = (
        f"{what} deleted; {person.name} has {faces} left." if is_face(what) else f"{person.uid} deleted, with {faces}."
    )
    _tell(person, gone, as_json=as_json)


def _tell(person: Person, text: str, *, as_json: bool) -> None:
    """Tell what became of a person."""
    print_json(person.to_dict()) if as_json else typer.echo(text)


def _line(person: Person) -> tuple[str, int, str, str, str, str]:
    until = person.about.retain_until
    return (
        person.name,
        person.faces,
        person.created[:10],
        person.about.purpose or "–",
        "–" if until is None else until.isoformat(),
        person.uid,
    )
