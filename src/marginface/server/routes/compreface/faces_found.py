"""The faces of a photo, found, embedded and told in CompreFace's words."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from marginface.defaults import DEFAULT_GATE
from marginface.pipeline import EmbeddedFace, EmbeddedPhoto, Recognizer
from marginface.pipeline.rules import Rule
from marginface.server.access import Caller, Scope
from marginface.server.photos.uploads import UploadedPhoto
from marginface.server.routes.compreface.asked import Asked
from marginface.server.routes.compreface.refusals import NO_FACE, Refusal
from marginface.similarity import similarity
from marginface.values import Decision, Embedding, Face, ImageArray, Threshold

Fmr = Annotated[float, Query(gt=0, lt=1, description="ours: how often two persons may be called the same")]
DIGITS = 5  # of similarities and probabilities, as CompreFace rounds


def require_plugins(caller: Caller, asked: Asked) -> None:
    """Raise Forbidden for a caller who asks for embeddings and may not see them."""
    if "calculator" in asked.plugins:
        caller.require(Scope.TEMPLATES)


def found_faces(recognizer: Recognizer, photo: UploadedPhoto, asked: Asked) -> tuple[Face, ...]:
    """Return the faces that are asked for, largest first; raise Refusal if there is none."""
    faces = [face for face in recognizer.detect(photo.image) if face.score >= asked.least_score]
    if not faces:
        raise Refusal("No face is found in the given image", NO_FACE)
    return tuple(faces[: asked.limit or None])


def embedded_faces(recognizer: Recognizer, photo: UploadedPhoto, asked: Asked) -> EmbeddedPhoto:
    """Return the faces that are asked for, embedded; raise Refusal if there is none."""
    faces = found_faces(recognizer, photo, asked)
    look = recognizer.embed_faces(photo.image, faces, quality=DEFAULT_GATE, name=photo.name)
    if not look.faces:
        raise Refusal("No face is found in the given image", NO_FACE)
    return look


def decided_by(threshold: Threshold, contract: str) -> dict[str, Any]:
    """Return what an answer says of its threshold besides the number: as those of our own paths do."""
    return {"contract": contract, "fmr": threshold.fmr, "calibration": threshold.to_dict()}


def comparison(face: EmbeddedFace, other: Embedding, rule: Rule, *, usable: bool = True) -> dict[str, Any]:
    """Return how similar a face is to another embedding, and the decision; not told where a face is not usable."""
    score = similarity(face.embedding, other)
    decision = rule.decide(score) if usable and face.is_usable else Decision.CANNOT_TELL
    told = {"similarity": round(score, DIGITS), "decision": decision.value}
    return {**told, "threshold": round(rule.threshold.similarity, DIGITS)}


def face_answer(used: EmbeddedFace, image: ImageArray, asked: Asked) -> dict[str, Any]:
    """Return an embedded face in CompreFace's words."""
    vector = used.embedding.vector.tolist() if "calculator" in asked.plugins else None
    return {**box_answer(used.face, image, asked), "embedding": vector}


def box_answer(face: Face, image: ImageArray, asked: Asked) -> dict[str, Any]:
    """Return a face in CompreFace's words: whole pixels, inside the photo."""
    height, width = image.shape[:2]
    ends = {
        "x_max": min(round(face.box.x2), width),
        "y_max": min(round(face.box.y2), height),
        "x_min": max(round(face.box.x1), 0),
        "y_min": max(round(face.box.y1), 0),
    }
    points = [[round(float(x)), round(float(y))] for x, y in face.landmarks] if "landmarks" in asked.plugins else None
    return {"box": {"probability": round(face.score, DIGITS), **ends}, "landmarks": points}


def versions(recognizer: Recognizer, asked: Asked) -> dict[str, str] | None:
    """Return what found and embedded, where status=true asks for it."""
    if not asked.status:
        return None
    return {"detector": recognizer.cropper.detector.network, "calculator": recognizer.contract.id}
