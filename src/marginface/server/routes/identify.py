"""Who of a collection is in a photo?"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, UploadFile

from marginface.enrolment import CollectionPeople
from marginface.pipeline.reader import CHOICES
from marginface.quality import GATES
from marginface.server.access import Scope
from marginface.server.acting import collection_for
from marginface.server.gate import Caller, Gate
from marginface.server.routes.parameters import Here, InCollection, named_in
from marginface.server.schemas.identification import IdentificationAnswer
from marginface.server.uploads import read_photo

router = APIRouter(prefix="/v1/collections/{collection}", tags=["identify"])

_MOST = 50
Identifying = Annotated[Caller, Depends(Gate(Scope.IDENTIFY))]
Image = Annotated[UploadFile, File(description="a photo: JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF, JPEG 2000")]
Fpir = Annotated[float, Form(gt=0, lt=1, description="how often a search of a stranger may find anybody")]
UncertainFpir = Annotated[
    float | None,
    Form(
        gt=0, lt=1, description="a laxer rate: between the two thresholds the answer is: cannot tell", examples=[0.05]
    ),
]
Most = Annotated[int, Form(ge=1, le=_MOST, description="how many candidates to list for a face")]
FacePolicy = Annotated[
    str, Form(description="which faces of the photo", json_schema_extra={"enum": list(CHOICES)}), named_in(CHOICES)
]
QualityGate = Annotated[
    str,
    Form(description="a face below it cannot be told", json_schema_extra={"enum": list(GATES)}),
    named_in(GATES),
]


@router.post("/identify", response_model=IdentificationAnswer)
async def identify(
    service: Here,
    caller: Identifying,
    collection: InCollection,
    image: Image,
    fpir: Fpir = 0.01,
    uncertain_fpir: UncertainFpir = None,
    most: Most = 5,
    faces: FacePolicy = "all",
    quality: QualityGate = "usable",
) -> dict[str, Any]:
    """Say who of a collection the faces of a photo are. The threshold rises with the number of faces there."""
    known = await service.work.run(collection_for, service, caller, collection)
    photo = await read_photo(service, image, "image")

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
        return {**found.to_dict(), "calibration": found.threshold.to_dict()}

    return await service.work.run(answered)
