"""The faces of people: enrol from photos, list, show the kept crop, move, delete."""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from starlette.responses import Response

from marginface.cropping import FACE_POLICIES
from marginface.enrolment import REVIEWS, EnrolSettings
from marginface.errors import UnknownGalleryName
from marginface.gallery import About, Collection, GalleryFace
from marginface.server.access import Caller, Scope
from marginface.server.defaults import DEFAULT_REVIEW
from marginface.server.gate import needs
from marginface.server.people import erasing
from marginface.server.people.acting import collection_for, other_collection
from marginface.server.people.enrolling import enrol_uploads
from marginface.server.photos.uploads import require_count
from marginface.server.routes.cursors import Paging
from marginface.server.routes.parameters import (
    Consent,
    Enrolling,
    Here,
    InCollection,
    Managing,
    OneTime,
    Part,
    Purpose,
    RetainUntil,
    TheFace,
    ThePerson,
)
from marginface.server.schemas import faces as schemas
from marginface.server.schemas.fields import OneOf
from marginface.server.schemas.persons import Person
from marginface.server.service import Service

router = APIRouter(prefix="/v1/collections/{collection}", tags=["faces"])

Images = Annotated[list[UploadFile], File(description="photos of this one person, a part for each")]
ReviewName = Annotated[
    str, Form(description="how strictly photos are looked at; strict refuses look-alikes"), OneOf(REVIEWS)
]
OneFace = Annotated[str, Form(description="which face of a photo is meant"), OneOf(FACE_POLICIES)]
_NOTHING_NEW: dict[str, Any] = {"model": schemas.Enrolment, "description": "No photo gave a new face."}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_PICTURE = {"description": "The aligned face.", "content": {"image/png": _BINARY}}
KeepCrops = Annotated[bool, Form(description="keep the aligned face, sealed, for a later model")]


@router.post(
    "/persons/{person}/faces", response_model=schemas.Enrolment, status_code=201, responses={200: _NOTHING_NEW}
)
async def enrol_faces(
    service: Here,
    caller: Enrolling,
    once: OneTime,
    collection: InCollection,
    person: ThePerson,
    images: Images,
    review: ReviewName = DEFAULT_REVIEW,
    faces: OneFace = "one",
    keep_crops: KeepCrops = False,
    consent: Consent = "",
    purpose: Purpose = "",
    retain_until: RetainUntil = None,
) -> Response:
    """Enrol photos of a person who is there. Each photo has its outcome: some may be enrolled and others not.

    Status 201: there is a new face; 200: there is none, and ``rejected`` or ``is_new`` says why.
    """
    require_count(images, 1, service.settings.limits.photos)
    about, how = About(consent, purpose, retain_until), REVIEWS[review]
    settings = EnrolSettings(
        faces,
        how.quality,
        keep_crops,
        refuse_lookalikes=how.refuse_lookalikes,
        about=about,
        workers=1,
        shortens=_may_shorten(service, caller),
    )

    async def enrolled() -> dict[str, Any]:
        into = await service.work.run(collection_for, service, caller, collection)
        return await enrol_uploads(service, caller, into, person, images, settings)

    return await once.answer(schemas.Enrolment, _status, enrolled)


def _may_shorten(service: Service, caller: Caller) -> bool:
    """Say whether an enrolment may give an earlier last day to who is there: that brings them before the purge."""
    return Scope.MANAGE in caller.scopes and not service.second_keys.needs("erase")


def _status(enrolment: dict[str, Any]) -> int:
    return 201 if any(face["is_new"] for face in enrolment["faces"]) else 200


@router.get("/persons/{person}/faces", response_model=schemas.FacePage, dependencies=[needs(Scope.PEOPLE)])
async def list_faces(service: Here, collection: InCollection, person: ThePerson, part: Part) -> dict[str, Any]:
    """List the faces of a person in the order they were added; there are no vectors in it."""
    return await service.work.run(lambda: _page(service.collection(collection), person, part))


def _page(collection: Collection, who: str, part: Paging) -> dict[str, Any]:
    person = collection.person(who)

    def after(last: int | None, count: int) -> list[GalleryFace]:
        return [face for face in collection.faces(person) if face.id > (last or 0)][:count]

    return part.page(f"faces|{collection.uid}|{person.uid}", after, attrgetter("id"), GalleryFace.to_dict)


@router.get(
    "/faces/{face}/crop", response_class=Response, responses={200: _PICTURE}, dependencies=[needs(Scope.PEOPLE)]
)
async def show_crop(service: Here, collection: InCollection, face: TheFace) -> Response:
    """Show the kept crop of a face, as PNG; 404 where none was kept."""
    picture = await service.work.run(lambda: service.collection(collection).crop(face))
    if not picture:
        missing = f"no crop of face {face!r} was kept: it was enrolled without keep_crops"
        raise UnknownGalleryName(missing, missing)
    return Response(picture, media_type="image/png")


@router.delete("/faces/{face}", response_model=Person)
async def delete_face(
    service: Here, caller: Managing, once: OneTime, collection: InCollection, face: TheFace
) -> Response:
    """Delete a face and return its person. No search finds it from now on; erasing a person cleans the disk too.

    Where erasures need a second key, this does too.
    """

    def deleted() -> dict[str, Any]:
        return erasing.delete_face(service, caller, collection_for(service, caller, collection), face).to_dict()

    return await once.answer(Person, 200, lambda: service.work.run(deleted))


@router.post("/faces/{face}/move", response_model=Person)
async def move_face(
    service: Here, caller: Managing, once: OneTime, collection: InCollection, face: TheFace, body: schemas.FaceMove
) -> Response:
    """Give a face to another person, here or in another collection of the same contract that the key is for.

    Where erasures need a second key, giving it to somebody with an earlier last day does too.
    """
    there, uid = await service.work.run(other_collection, service, caller, body.collection or collection)

    def moved() -> dict[str, Any]:
        here = collection_for(service, caller, collection)
        return erasing.move_face(service, caller, here, face, body.person, there).to_dict()

    return await once.naming(uid).answer(Person, 200, lambda: service.work.run(moved))
