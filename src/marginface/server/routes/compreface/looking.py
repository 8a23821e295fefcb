"""Recognize, verify, detect: photos that are looked at and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from marginface.clock import now_text
from marginface.defaults import DEFAULT_FMR, DEFAULT_FPIR
from marginface.enrolment import CollectionPeople
from marginface.errors import InputError
from marginface.pipeline import IdentifiedFace
from marginface.server.access import Caller, Scope
from marginface.server.events import Search
from marginface.server.gate import Gate
from marginface.server.photos.uploads import UploadedPhoto
from marginface.server.routes.compreface.asked import Asked, Parameters, Photos, body_of, photos_named
from marginface.server.routes.compreface.faces_found import (
    DIGITS,
    Fmr,
    box_answer,
    comparison,
    decided_by,
    embedded_faces,
    face_answer,
    found_faces,
    require_plugins,
    versions,
)
from marginface.server.routes.compreface.place import Place, place_for
from marginface.server.routes.compreface.refusals import SEVERAL_FACES, CompreFaceRoute, Refusal
from marginface.server.routes.compreface.shapes import Detected, Recognized, Verifications
from marginface.server.routes.parameters import Here
from marginface.server.service import Service

router = APIRouter(route_class=CompreFaceRoute)

_OF_FILE, _OF_TWO = body_of("file"), body_of("source_image", "target_image")
_File = Annotated[Photos, Depends(photos_named("file"))]
_Two = Annotated[Photos, Depends(photos_named("source_image", "target_image"))]
_Predictions = Annotated[int, Query(ge=1, le=1000, description="so many people for each face")]
_Fpir = Annotated[float, Query(gt=0, lt=1, description="ours: how often somebody unknown may find anybody")]


@router.post(
    "/recognition/recognize", response_model=Recognized, response_model_exclude_none=True, openapi_extra=_OF_FILE
)
async def recognize(
    place: Annotated[Place, Depends(place_for(Scope.IDENTIFY))],
    photos: _File,
    asked: Parameters,
    prediction_count: _Predictions = 1,
    detect_faces: Annotated[bool, Query(description="false is refused: a photo is no face")] = True,
    fpir: _Fpir = DEFAULT_FPIR,
) -> dict[str, Any]:
    """Say who of the key's collection the faces of a photo may be."""
    started = now_text()
    require_plugins(place.caller, asked)
    if not detect_faces:
        raise InputError("detect_faces=false: what is embedded here was found and aligned; send the photo")
    search = Search(place.caller.id, place.collection, photos[0].sha256, started)
    return await place.service.work.run(_recognized, place, search, photos[0], asked, (prediction_count, fpir))


@router.post(
    "/verification/verify", response_model=Verifications, response_model_exclude_none=True, openapi_extra=_OF_TWO
)
async def verify(
    service: Here,
    caller: Annotated[Caller, Depends(Gate(Scope.VERIFY))],
    photos: _Two,
    asked: Parameters,
    fmr: Fmr = DEFAULT_FMR,
) -> dict[str, Any]:
    """Compare the face of one photo with those of another."""
    require_plugins(caller, asked)
    return await service.work.run(_verified, service, photos, asked, fmr)


@router.post("/detection/detect", response_model=Detected, response_model_exclude_none=True, openapi_extra=_OF_FILE)
async def detect(
    service: Here, caller: Annotated[Caller, Depends(Gate(Scope.DETECT))], photos: _File, asked: Parameters
) -> dict[str, Any]:
    """Find the faces of a photo."""
    require_plugins(caller, asked)
    return await service.work.run(_detected, service, photos[0], asked)


def _recognized(
    place: Place, search: Search, photo: UploadedPhoto, asked: Asked, how: tuple[int, float]
) -> dict[str, Any]:
    service, (most, fpir) = place.service, how
    look = embedded_faces(service.recognizer, photo, asked)
    found = service.recognizer.identify_embedded(look, CollectionPeople(place.collection), fpir=fpir, most=most)
    events = service.events.identified(search, found)
    result = [
        {
            **face_answer(one.used, photo.image, asked),
            **_people(one),
            "threshold": round(found.threshold.similarity, DIGITS),
            "event": event,
            "confirmation": service.second_keys.begins_as(is_match=bool(one)),
        }
        for one, event in zip_longest(found.faces, events)
    ]
    return {
        "result": result,
        "plugins_versions": versions(service.recognizer, asked),
        **decided_by(found.threshold, found.contract),
        "fpir": found.fpir,
        "comparisons": found.comparisons,
    }


def _people(found: IdentifiedFace) -> dict[str, Any]:
    subjects = [{"subject": one.person, "similarity": round(one.similarity, DIGITS)} for one in found.candidates]
    return {"subjects": subjects, "decision": found.decision.value}


def _verified(service: Service, photos: Sequence[UploadedPhoto], asked: Asked, fmr: float) -> dict[str, Any]:
    recognizer = service.recognizer
    source, target = (embedded_faces(recognizer, photo, asked) for photo in photos)
    if len(source.faces) > 1:
        raise Refusal("More than one face in the source image", SEVERAL_FACES)
    rule, one = recognizer.pair_rule(fmr), source.faces[0]
    matches = [
        {**face_answer(other, photos[1].image, asked), **comparison(other, one.embedding, rule, usable=one.is_usable)}
        for other in target.faces
    ]
    told = {"source_image_face": face_answer(one, photos[0].image, asked), "face_matches": matches}
    result = [{**told, "plugins_versions": versions(recognizer, asked)}]
    return {"result": result, **decided_by(rule.threshold, recognizer.contract.id)}


def _detected(service: Service, photo: UploadedPhoto, asked: Asked) -> dict[str, Any]:
    recognizer = service.recognizer
    if "calculator" in asked.plugins:
        look = embedded_faces(recognizer, photo, asked)
        result = [face_answer(one, photo.image, asked) for one in look.faces]
    else:
        result = [box_answer(face, photo.image, asked) for face in found_faces(recognizer, photo, asked)]
    told = {"result": result, "plugins_versions": versions(recognizer, asked)}
    return {**told, "contract": recognizer.contract.id}
