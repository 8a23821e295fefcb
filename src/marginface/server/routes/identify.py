"""Who of a collection is in a photo?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form

from marginface.clock import now_text
from marginface.defaults import DEFAULT_CANDIDATES, DEFAULT_FPIR, DEFAULT_GATE
from marginface.enrolment import CollectionPeople
from marginface.pipeline import Identification
from marginface.server.access import Caller, Scope
from marginface.server.events import Search
from marginface.server.gate import Gate
from marginface.server.people.acting import collection_for
from marginface.server.photos.uploads import read_photo
from marginface.server.routes.parameters import FacePolicy, Here, Image, InCollection, QualityGate
from marginface.server.schemas.identification import IdentificationAnswer
from marginface.server.service import Service

router = APIRouter(prefix="/v1/collections/{collection}", tags=["identify"])

_MOST = 50
Identifying = Annotated[Caller, Depends(Gate(Scope.IDENTIFY))]
Fpir = Annotated[float, Form(gt=0, lt=1, description="how often a search of a stranger may find anybody")]
UncertainFpir = Annotated[
    float | None,
    Form(
        gt=0, lt=1, description="a laxer rate: between the two thresholds the answer is: cannot tell", examples=[0.05]
    ),
]
Most = Annotated[int, Form(ge=1, le=_MOST, description="how many candidates to list for a face")]


@router.post("/identify", response_model=IdentificationAnswer)
async def identify(
    service: Here,
    caller: Identifying,
    collection: InCollection,
    image: Image,
    fpir: Fpir = DEFAULT_FPIR,
    uncertain_fpir: UncertainFpir = None,
    most: Most = DEFAULT_CANDIDATES,
    faces: FacePolicy = "all",
    quality: QualityGate = DEFAULT_GATE,
) -> dict[str, Any]:
    """Say who of a collection the faces of a photo are. The threshold rises with the number of faces there."""
    started = now_text()
    known = await service.work.run(collection_for, service, caller, collection)
    photo = await read_photo(service.decoder, image, "image")

    def answered() -> dict[str, Any]:
        found = service.recognizer.identify(
            photo.image,
            CollectionPeople(known),
            fpir=fpir,
            uncertain_fpir=uncertain_fpir,
            most=most,
            faces=faces,
            quality=quality,
        )
        events = service.events.identified(Search(caller.id, known, photo.sha256, started), found)
        return {**_told(service, found, events), "calibration": found.threshold.to_dict()}

    return await service.work.run(answered)


def _told(service: Service, found: Identification, events: Sequence[str]) -> dict[str, Any]:
    """Return an answer as plain values; each face with its entry in the record, and what a match still needs."""
    told = found.to_dict()
    for face, event in zip_longest(told["faces"], events):
        state = service.second_keys.begins_as(is_match=face["decision"] == "match")
        face.update({"event": event, "confirmation": state})
    return told
