"""Photos that are looked at and forgotten: detect, verify, compare, embed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile

from marginface.defaults import DEFAULT_FMR, DEFAULT_GATE
from marginface.pipeline import EmbeddedFace, Recognizer, Verification
from marginface.quality import shortfalls
from marginface.reasons import codes_of
from marginface.server.access import Scope
from marginface.server.gate import needs
from marginface.server.photos.crops import crop_url
from marginface.server.photos.uploads import UploadedPhoto, read_photo, require_count
from marginface.server.routes.parameters import FacePolicy, Here, Image, QualityGate
from marginface.server.schemas.photos import ComparisonAnswer, Detection, EmbeddingAnswer, VerificationAnswer
from marginface.values import ImageArray

router = APIRouter(prefix="/v1", tags=["photos"])

Images = Annotated[list[UploadFile], File(description="photos, a part for each")]
Fmr = Annotated[float, Form(gt=0, lt=1, description="how often two different persons may be called the same")]
UncertainFmr = Annotated[
    float | None,
    Form(
        gt=0, lt=1, description="a laxer rate: between the two thresholds the answer is: cannot tell", examples=[0.01]
    ),
]
Crops = Annotated[bool, Form(description="send the aligned faces too")]


@router.post("/detect", response_model=Detection, dependencies=[needs(Scope.DETECT)])
async def detect(
    service: Here,
    image: Image,
    quality: QualityGate = DEFAULT_GATE,
    crops: Crops = False,
) -> dict[str, Any]:
    """Find all faces of a photo, with quality and reasons."""
    photo = await read_photo(service.decoder, image, "image")
    return await service.work.run(_detected, service.recognizer, photo, quality, crops)


@router.post("/verify", response_model=VerificationAnswer, dependencies=[needs(Scope.VERIFY)])
async def verify(
    service: Here,
    image_a: Image,
    image_b: Image,
    fmr: Fmr = DEFAULT_FMR,
    uncertain_fmr: UncertainFmr = None,
    faces: FacePolicy = "largest",
    quality: QualityGate = DEFAULT_GATE,
    crops: Crops = False,
) -> dict[str, Any]:
    """Say whether two photos show the same person, at a stated false-match rate."""
    first = await read_photo(service.decoder, image_a, "image_a")
    second = await read_photo(service.decoder, image_b, "image_b")

    def answered() -> dict[str, Any]:
        answer = service.recognizer.verify(
            first.image, second.image, fmr=fmr, uncertain_fmr=uncertain_fmr, faces=faces, quality=quality
        )
        return _verification(answer, (first.image, second.image), crops=crops)

    return await service.work.run(answered)


@router.post("/compare", response_model=ComparisonAnswer, dependencies=[needs(Scope.VERIFY)])
async def compare(
    service: Here,
    images: Images,
    fmr: Fmr = DEFAULT_FMR,
    uncertain_fmr: UncertainFmr = None,
    faces: FacePolicy = "all",
    quality: QualityGate = DEFAULT_GATE,
) -> dict[str, Any]:
    """Compare all faces of several photos, each with each."""
    require_count(images, 2, service.settings.limits.photos)
    photos = [(await read_photo(service.decoder, part, f"photo {n}")).image for n, part in enumerate(images, start=1)]

    def answered() -> dict[str, Any]:
        answer = service.recognizer.compare_all(
            photos, fmr=fmr, uncertain_fmr=uncertain_fmr, faces=faces, quality=quality, workers=1
        )
        return {**answer.to_dict(), "calibration": answer.rule.threshold.to_dict()}

    return await service.work.run(answered)


@router.post("/embed", response_model=EmbeddingAnswer, dependencies=[needs(Scope.TEMPLATES)])
async def embed(
    service: Here,
    image: Image,
    faces: FacePolicy = "largest",
    quality: QualityGate = "off",
) -> dict[str, Any]:
    """Return the embeddings of the faces of a photo. They are biometric data: the scope is its own."""
    photo = await read_photo(service.decoder, image, "image")

    def answered() -> dict[str, Any]:
        look = service.recognizer.embed_photo(photo.image, faces=faces, quality=quality, name=photo.name)
        told = look.to_dict()
        return {**told, "contract": service.recognizer.contract.id, "faces": [_with_vector(one) for one in look.faces]}

    return await service.work.run(answered)


def _detected(recognizer: Recognizer, photo: UploadedPhoto, gate: str, crops: bool) -> dict[str, Any]:
    height, width = photo.image.shape[:2]
    faces = []
    for face, quality in recognizer.assess(photo.image):
        short = shortfalls(quality, gate)
        faces.append(
            {
                **face.to_dict(),
                "quality": quality.to_dict(),
                "usable": not short,
                "reasons": [remark.text for remark in short],
                "codes": [reason.value for reason in codes_of(short)],
                "crop": crop_url(photo.image, face) if crops else None,
            }
        )
    return {"image": {"width": width, "height": height}, "faces": faces, "contract": recognizer.contract.id}


def _verification(answer: Verification, images: tuple[ImageArray, ImageArray], *, crops: bool) -> dict[str, Any]:
    pictures = [
        None if face is None else crop_url(image, face) for image, face in zip(images, answer.faces, strict=True)
    ]
    return {
        **answer.to_dict(),
        "calibration": answer.threshold.to_dict(),
        "explanation": answer.explain(),
        "crops": pictures if crops else None,
    }


def _with_vector(used: EmbeddedFace) -> dict[str, Any]:
    return {**used.to_dict(), "embedding": used.embedding.vector.tolist()}
