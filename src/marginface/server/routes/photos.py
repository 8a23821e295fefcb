"""Photos that are looked at and forgotten: detect, verify, compare, embed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile

from marginface.defaults import DEFAULT_FMR, DEFAULT_GATE
from marginface.pipeline import EmbeddedFace, EmbeddedPhoto, Recognizer, Verification
from marginface.quality import shortfalls
from marginface.reasons import codes_of
from marginface.server.access import Scope
from marginface.server.gate import needs
from marginface.server.photos.crops import crop_url
from marginface.server.photos.uploads import UploadedPhoto, read_photo, read_photos, require_count, require_faces
from marginface.server.routes.parameters import FacePolicy, Here, Image, QualityGate
from marginface.server.schemas.photos import ComparisonAnswer, Detection, EmbeddingAnswer, VerificationAnswer

router = APIRouter(prefix="/v1", tags=["photos"])

Images = Annotated[list[UploadFile], File(description="photos, a part for each")]
Fmr = Annotated[float, Form(gt=0, lt=1, description="how often two different persons may be called the same")]
UncertainFmr = Annotated[
    float | None,
    Form(
        gt=0, lt=1, description="a laxer rate: between the two thresholds the answer is: cannot tell", examples=[0.01]
    ),
]
_NAMES = ("first photo", "second photo")
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
    recognizer = service.recognizer
    rule = recognizer.pair_rule(fmr, uncertain_fmr, faces=faces)  # what cannot be answered is refused before
    photos = await read_photos(service.decoder, {"image_a": image_a, "image_b": image_b})

    def looked(which: int) -> tuple[EmbeddedPhoto, str | None]:
        image = photos[which].image
        look = recognizer.embed_photo(image, faces=faces, quality=quality, name=_NAMES[which])
        return look, crop_url(image, look.faces[0].face) if crops and look.faces else None

    (one, first), (other, second) = await service.work.run_each(looked, (0, 1))
    return _verification(recognizer.verify_embedded(one, other, rule), [first, second] if crops else None)


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
    limits, recognizer = service.settings.limits, service.recognizer
    require_count(images, 2, limits.photos)
    rule = recognizer.pair_rule(fmr, uncertain_fmr)
    named = {f"photo {number}": part for number, part in enumerate(images, start=1)}
    photos = [photo.image for photo in await read_photos(service.decoder, named)]

    def answered() -> dict[str, Any]:
        looks = recognizer.embed_all(photos, faces=faces, quality=quality, workers=1)
        require_faces(sum(len(look.faces) for look in looks), limits.faces)
        answer = recognizer.compare_embedded(looks, rule)
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


def _verification(answer: Verification, crops: list[str | None] | None) -> dict[str, Any]:
    told = {**answer.to_dict(), "calibration": answer.threshold.to_dict()}
    return {**told, "explanation": answer.explain(), "crops": crops}


def _with_vector(used: EmbeddedFace) -> dict[str, Any]:
    return {**used.to_dict(), "embedding": used.embedding.vector.tolist()}
