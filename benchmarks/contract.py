"""What changes an embedding, and by how much? Which choices have to be part of a contract, and which may stay out?

    python benchmarks/contract.py D [--photos 300] [--out FILE.json]

D is a folder with lfw/ and photos/dlib_faces/ (research data, not part of this repository). Each choice is made in
another way on the same photos, and the cosine of the two embeddings of each face is taken: 1 is no change. For scale:
the median of two photos of one person of LFW is about 0.66, and 0.36 is enough to be called the same at FMR 1e-3.
"""

from __future__ import annotations

import argparse
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from marginface.alignment import align
from marginface.environment import describe_environment
from marginface.geometry import iou
from marginface.images import read_image
from marginface.pipeline import Recognizer
from marginface.values import DoubleArray, Embedding, Face, FloatArray, ImageArray

_EYES = slice(36, 42), slice(42, 48)  # of 68 landmarks in the order of iBUG 300-W
_NOSE, _MOUTH = 30, (48, 54)


def summary(cosines: list[float]) -> dict[str, float | int]:
    values = np.array(cosines)
    return {
        "faces": len(values),
        "median": round(float(np.median(values)), 4),
        "lowest_percent": round(float(np.quantile(values, 0.01)), 4),
        "lowest": round(float(values.min()), 4),
    }


def cosine(first: Embedding, second: Embedding) -> float:
    return float(first.vector @ second.vector)


def changed_photo(recognizer: Recognizer, image: ImageArray, change: Callable[[ImageArray], ImageArray]) -> list[float]:
    one, other = (recognizer.embed_photo(photo, faces="center") for photo in (image, change(image)))
    return [cosine(one.embedding, other.embedding)] if one and other else []


def changed_search(recognizer: Recognizer, image: ImageArray, other: Recognizer) -> list[float]:
    one, two = (which.embed_photo(image, faces="center") for which in (recognizer, other))
    return [cosine(one.embedding, two.embedding)] if one and two else []


def half(image: ImageArray) -> ImageArray:
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def recompressed(image: ImageArray) -> ImageArray:
    _, content = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return np.ascontiguousarray(cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1])


def on_lfw(data: Path, recognizer: Recognizer, count: int) -> dict[str, dict[str, float | int]]:
    photos = sorted((data / "lfw").glob("*/*_0001.jpg"))
    images = [read_image(photo) for photo in photos[:: max(1, len(photos) // count)][:count]]
    cropper = recognizer.cropper
    padded = replace(recognizer, cropper=replace(cropper, pad=0.5))
    searches = {name: Recognizer.load("sface", detector=name) for name in ("yunet-small-faces", "yunet-single-pass")}
    mirrored = Recognizer.load("sface", mirror=True)
    found: dict[str, list[list[float]]] = {
        "search: two passes on every photo (yunet-small-faces)": [
            changed_search(recognizer, image, searches["yunet-small-faces"]) for image in images
        ],
        "search: no second look (yunet-single-pass)": [
            changed_search(recognizer, image, searches["yunet-single-pass"]) for image in images
        ],
        "search: black border of half the side (pad)": [changed_search(recognizer, image, padded) for image in images],
        "photo: JPEG once more, quality 80": [changed_photo(recognizer, image, recompressed) for image in images],
        "photo: half the size": [changed_photo(recognizer, image, half) for image in images],
        "contract: with the mirror sum": [changed_search(recognizer, image, mirrored) for image in images],
    }
    return {name: summary([value for values in rows for value in values]) for name, rows in found.items()}


def five_points(box: ET.Element) -> FloatArray:
    points = np.array([[float(part.attrib["x"]), float(part.attrib["y"])] for part in box.iter("part")])
    eyes = [points[part].mean(axis=0) for part in _EYES]
    return np.array([*eyes, points[_NOSE], *(points[at] for at in _MOUTH)], np.float32)


def on_other_landmarks(data: Path, recognizer: Recognizer) -> dict[str, float | int]:
    """Compare crops by YuNet's points with crops by dlib's 68 landmarks of the same faces."""
    folder = data / "photos" / "dlib_faces"
    cosines = []
    for listing in sorted(folder.glob("*_with_face_landmarks.xml")):
        for entry in ET.parse(listing).iter("image"):
            image = read_image(folder / entry.attrib["file"])
            faces = recognizer.detect(image)
            for box in entry.iter("box"):
                points = five_points(box)
                mine = nearest(faces, points)
                if mine is not None:
                    crops = np.stack([align(image, mine.landmarks), align(image, points)])
                    one, other = recognizer.embedder.embed(crops)
                    cosines.append(float(one @ other))
    return summary(cosines)


def nearest(faces: tuple[Face, ...], points: FloatArray) -> Face | None:
    """Return the face around these points, if there is one."""
    around = _box(points)
    shares = [float(iou(_box(face.landmarks)[None], around[None])[0, 0]) for face in faces]
    return faces[int(np.argmax(shares))] if shares and max(shares) > 0.5 else None


def _box(points: FloatArray) -> DoubleArray:
    return np.concatenate([points.min(axis=0), points.max(axis=0)]).astype(np.float64)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    recognizer = Recognizer.load("sface")
    cosines = on_lfw(args.data, recognizer, args.photos)
    cosines["contract: landmarks of another network (dlib's 68)"] = on_other_landmarks(args.data, recognizer)
    text = json.dumps({"cosine_to_the_default": cosines, "environment": describe_environment()}, indent=2)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
