"""Examples: the faces of the people of the key's collection."""

from __future__ import annotations

import math
import pathlib
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Response

from marginface.defaults import DEFAULT_FMR
from marginface.enrolment import DecodedPhoto, Enroller, EnrolSettings, PersonPhoto, PhotoOutcome
from marginface.errors import InputError, UnknownName
from marginface.gallery import Collection, Person, Receipt
from marginface.gallery.names import LONGEST_NAME, checked_name
from marginface.reasons import Reason
from marginface.server.access import Scope
from marginface.server.events import NeedsSecondKey
from marginface.server.people.erasing import delete_face, erase_everybody, erase_person
from marginface.server.photos.uploads import UploadedPhoto
from marginface.server.routes.compreface.asked import Parameters, Photos, body_of, photos_named
from marginface.server.routes.compreface.faces_found import (
    Fmr,
    comparison,
    decided_by,
    embedded_faces,
    face_answer,
    require_plugins,
    versions,
)
from marginface.server.routes.compreface.ids import face_id, image_id
from marginface.server.routes.compreface.place import Place, place_for
from marginface.server.routes.compreface.receipts import tell_receipt
from marginface.server.routes.compreface.refusals import (
    IMAGE_UNKNOWN,
    NO_FACE,
    SEVERAL_FACES,
    WRONG_ARGUMENT,
    CompreFaceRoute,
    Refusal,
)
from marginface.server.routes.compreface.shapes import ID_EXAMPLE, ComparedWithExample, Deleted, Example, Examples

router = APIRouter(prefix="/recognition/faces", route_class=CompreFaceRoute)

_Enrols = Annotated[Place, Depends(place_for(Scope.ENROL))]
_Sees = Annotated[Place, Depends(place_for(Scope.PEOPLE))]
_Manages = Annotated[Place, Depends(place_for(Scope.MANAGE))]
_Erases = Annotated[Place, Depends(place_for(Scope.ERASE))]
_Verifies = Annotated[Place, Depends(place_for(Scope.VERIFY))]
_File = Annotated[Photos, Depends(photos_named("file"))]
_Image = Annotated[str, Path(description="the image_id of an example", examples=[ID_EXAMPLE])]
_Images = Annotated[list[str], Body(max_length=1000, examples=[[ID_EXAMPLE]])]
_Of = Annotated[str | None, Query(description="of this person; without it, of all")]
_NUMBERS = {Reason.NO_FACE: NO_FACE, Reason.SEVERAL_FACES: SEVERAL_FACES}


@router.post("", response_model=Example, status_code=201, openapi_extra=body_of("file"))
async def add_example(
    place: _Enrols,
    subject: Annotated[str, Query(min_length=1, max_length=LONGEST_NAME, description="whose face it is")],
    photos: _File,
    asked: Parameters,
) -> dict[str, Any]:
    """Add a face to a person, who is added too if they are not there. The photo shows one face, and a good one."""
    return await place.service.work.run(_added, place, checked_name(subject), photos[0], asked.least_score)


@router.get("", response_model=Examples)
async def list_examples(
    place: _Sees,
    page: Annotated[int, Query(ge=0, le=10**6, description="the first is 0")] = 0,
    size: Annotated[int, Query(ge=1, le=2000, description="examples on a page")] = 20,
    subject: _Of = None,
) -> dict[str, Any]:
    """List examples by person, a page at a time."""
    return await place.service.work.run(_listed, place.collection, page, size, subject)


@router.delete("", response_model=Deleted)
async def delete_examples(place: _Erases, response: Response, subject: _Of = None) -> dict[str, Any]:
    """Erase a person, or everybody, with all faces."""
    receipt = await place.service.work.run(_erased, place, subject)
    return {"deleted": 0 if receipt is None else tell_receipt(response, receipt).faces}


@router.delete("/{image}", response_model=Example)
async def delete_example(place: _Manages, image: _Image) -> dict[str, Any]:
    """Delete a face; its person stays."""
    return await place.service.work.run(_deleted, place, face_id(image))


@router.post("/delete", response_model=list[Example])
async def delete_several(place: _Manages, images: _Images) -> list[dict[str, Any]]:
    """Delete faces; what is not there is passed over, and asked for is each that needs a second key."""
    faces = [face_id(image) for image in images]
    return await place.service.work.run(_deleted_of, place, faces)


@router.get("/{image}/img", response_class=Response)
async def picture(place: _Sees, image: _Image) -> Response:
    """Return the kept crop of a face as PNG; nothing if none was kept."""
    try:
        crop = await place.service.work.run(place.collection.crop, face_id(image))
    except UnknownName:
        crop = b""
    return Response(crop, media_type="image/png")


@router.post(
    "/{image}/verify",
    response_model=ComparedWithExample,
    response_model_exclude_none=True,
    openapi_extra=body_of("file"),
)
async def verify_example(
    place: _Verifies, image: _Image, photos: _File, asked: Parameters, fmr: Fmr = DEFAULT_FMR
) -> dict[str, Any]:
    """Compare the faces of a photo with an example."""
    require_plugins(place.caller, asked)
    example = face_id(image)

    def compared() -> dict[str, Any]:
        recognizer, collection = place.service.recognizer, place.collection
        try:
            owner, enrolled = collection.embedding(example)
        except UnknownName:
            raise _unknown(example) from None
        rule, look = recognizer.pair_rule(fmr), embedded_faces(recognizer, photos[0], asked)
        may_know = {Scope.PEOPLE, Scope.IDENTIFY} & place.caller.scopes
        named = {"subject": owner.name} if may_know else {}
        result = [
            {**face_answer(face, photos[0].image, asked), **comparison(face, enrolled, rule), **named}
            for face in look.faces
        ]
        told = {"result": result, "plugins_versions": versions(recognizer, asked)}
        return {**told, **decided_by(rule.threshold, recognizer.contract.id)}

    return await place.service.work.run(compared)


def _added(place: Place, subject: str, photo: UploadedPhoto, least_score: float) -> dict[str, Any]:
    recognizer = place.service.recognizer
    if least_score > recognizer.cropper.min_score:
        recognizer = replace(recognizer, cropper=replace(recognizer.cropper, min_score=least_score))
    decoded = DecodedPhoto(photo.image, photo.sha256)
    enroller = Enroller(place.collection, recognizer, EnrolSettings())
    outcome = enroller.enrol([PersonPhoto(subject, pathlib.Path(photo.name), decoded=decoded)]).photos[0]
    if not outcome:
        raise _refused(outcome)
    return {"image_id": image_id(outcome.face), "subject": outcome.person}


def _refused(outcome: PhotoOutcome) -> Refusal:
    number = next((_NUMBERS[code] for code in outcome.codes if code in _NUMBERS), WRONG_ARGUMENT)
    return Refusal(" ".join(remark.text for remark in outcome.remarks), number)


def _listed(collection: Collection, page: int, size: int, subject: str | None) -> dict[str, Any]:
    people = _people_of(collection, subject)
    first, seen = page * size, 0
    found: list[dict[str, str]] = []
    for person in people:
        if seen + person.faces > first and len(found) < size:
            begin = max(first - seen, 0)
            faces = collection.faces(person)[begin : begin + size - len(found)]
            found += [{"image_id": image_id(face.uid), "subject": person.name} for face in faces]
        seen += person.faces
    counts = {"page_number": page, "page_size": size, "total_pages": math.ceil(seen / size), "total_elements": seen}
    return {"faces": found, **counts}


def _people_of(collection: Collection, subject: str | None) -> list[Person]:
    """Return everybody, or the person of a name where there is one."""
    if not subject:
        return collection.people()
    try:
        return [collection.person(subject)]
    except UnknownName:
        return []


def _erased(place: Place, subject: str | None) -> Receipt | None:
    if subject is None:
        return erase_everybody(place.service, place.caller, place.collection)
    if not subject:  # a variable that was empty, perhaps: nobody is erased by that
        raise InputError("subject: it is empty; expected a name, or no subject at all to erase everybody")
    try:
        person = place.collection.person(subject)
    except UnknownName:
        return None
    return erase_person(place.service, place.caller, place.collection, person)


def _deleted(place: Place, face: str) -> dict[str, Any]:
    try:
        person = delete_face(place.service, place.caller, place.collection, face)
    except UnknownName:
        raise _unknown(face) from None
    return {"image_id": image_id(face), "subject": person.name}


def _deleted_of(place: Place, faces: list[str]) -> list[dict[str, Any]]:
    deleted: list[dict[str, Any]] = []
    waiting: list[NeedsSecondKey] = []
    for face in faces:
        try:
            deleted.append(_deleted(place, face))
        except NeedsSecondKey as error:  # the others are asked for too, so that one round of words will do
            waiting.append(error)
        except Refusal:
            continue
    if waiting:
        raise waiting[0]
    return deleted


def _unknown(face: str) -> Refusal:
    return Refusal(f"Image {image_id(face)} not found", IMAGE_UNKNOWN, 404)
