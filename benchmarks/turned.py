"""Are faces found where they are when the photo is turned, by quarter turns and by what lies between; and at what cost?

    python benchmarks/turned.py D --photos 200 --start 1 --out benchmarks/results/turned.json

D has lfw/ and cfp/. Photos of different people, evenly spread, --start people on (settings are chosen on some and
measured on others). Each is turned about its center by --degrees, in its own frame, mirrored at its borders. The truth
is the face that is found upright, nearest to the center. ``right``: the five landmarks are on average within a tenth of
the face's size of where they then must be, with the interval of their share by Wilson, 95 %; ``wrong``: a face, but
elsewhere; ``none``. Detectors: one pass; the second look with quarter turns; and with eighths as well, the default.

``upright`` says what eighths change in photos as they are: in how many the landmarks of the chosen face are others.
``without a face``: strips of LFW's photos beside the face (64 pixels at the left and the right), and --scenery, a
folder of photos that show nobody: in how many something is called a face. Seconds are of the processor.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from marginface.detection import Detector, SecondLook, load_detector, nearest_center, second_look
from marginface.environment import describe_environment
from marginface.images import list_images, read_image
from marginface.metrics import wilson_interval
from marginface.values import Face, ImageArray

WITHIN = 0.1  # of the square root of the box's area
STRIP = 64


def quarters_only(image: ImageArray) -> tuple[Face, ...]:
    """Detect with the second look as it was before eighths."""
    turns, second_look.TURNS = second_look.TURNS, (2, 4, 6)
    try:
        return BEFORE.detect(image)
    finally:
        second_look.TURNS = turns


DEFAULT: Detector = load_detector()
assert isinstance(DEFAULT, SecondLook)
BEFORE = replace(DEFAULT, lead=0.05)
DETECTORS: dict[str, Callable[[ImageArray], tuple[Face, ...]]] = {
    "single pass": load_detector("yunet-single-pass").detect,
    "quarters": quarters_only,
    "quarters and eighths": DEFAULT.detect,
}


def people_of(data: Path, name: str) -> list[Path]:
    """Return the first photo of each person: of LFW, or profiles of CFP."""
    pattern = "*/*.jpg" if name == "lfw" else "Data/Images/*/profile/*.jpg"
    first: dict[Path, Path] = {}
    for path in sorted((data / name).glob(pattern)):
        first.setdefault(path.parent, path)
    return list(first.values())


def turned(image: ImageArray, degrees: float) -> tuple[ImageArray, np.ndarray]:
    """Return the photo turned counter-clockwise, and the map of coordinates measured from the corner of a pixel."""
    height, width = image.shape[:2]
    between = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    there = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    made = cv2.warpAffine(image, between, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(made, np.uint8), there


def outcome(faces: tuple[Face, ...], image: ImageArray, marks: np.ndarray, size: float) -> str:
    face = nearest_center(faces, image.shape)
    if face is None:
        return "none"
    return "right" if np.linalg.norm(face.landmarks - marks, axis=1).mean() <= WITHIN * size else "wrong"


def turns(photos: list[Path], degrees: list[float]) -> dict[str, Any]:
    """Return the outcomes of each angle by each detector, and processor milliseconds of a photo."""
    counts = {str(angle): {name: Counter[str]() for name in DETECTORS} for angle in degrees}
    spent = {str(angle): dict.fromkeys(DETECTORS, 0.0) for angle in degrees}
    changed = seen = 0
    for path in photos:
        image = read_image(path)
        before = nearest_center(quarters_only(image), image.shape)
        after = nearest_center(DEFAULT.detect(image), image.shape)
        if before is None or after is None:
            continue
        seen += 1
        size = before.box.area**0.5
        changed += bool(np.linalg.norm(before.landmarks - after.landmarks, axis=1).max() > 0.01 * size)
        for angle in degrees:
            photo, there = turned(image, angle)
            marks = before.landmarks @ there[:, :2].T + there[:, 2]
            for name, detect in DETECTORS.items():
                began = time.process_time()
                faces = detect(photo)
                spent[str(angle)][name] += time.process_time() - began
                counts[str(angle)][name][outcome(faces, photo, marks, size)] += 1
    times = {angle: {name: round(1000 * s / seen, 2) for name, s in both.items()} for angle, both in spent.items()}
    found = {angle: {name: told(count) for name, count in both.items()} for angle, both in counts.items()}
    return {"photos": seen, "upright: changed by eighths": changed, "outcomes": found, "milliseconds": times}


def told(count: Counter[str]) -> dict[str, Any]:
    """Return the outcomes and the interval of the share that is right."""
    interval = wilson_interval(count["right"], count.total())
    return {**{name: count[name] for name in ("right", "wrong", "none")}, "right_interval": interval.to_list()}


def strips(photos: list[Path]) -> Iterator[ImageArray]:
    for path in photos:
        image = read_image(path)
        yield np.ascontiguousarray(image[:, :STRIP])
        yield np.ascontiguousarray(image[:, -STRIP:])


def without_a_face(images: Iterator[ImageArray], keep: Path | None) -> dict[str, Any]:
    """Count images in which something is called a face; keep those that eighths alone find, to be looked at."""
    found, spent, count = Counter[str](), Counter[str](), 0
    for number, image in enumerate(images):
        count += 1
        said = {}
        for name, detect in DETECTORS.items():
            began = time.process_time()
            said[name] = bool(detect(image))
            spent[name] += time.process_time() - began
            found[name] += said[name]
        if keep is not None and said["quarters and eighths"] and not said["quarters"]:
            keep.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(keep / f"{number}.png")
    times = {name: round(1000 * spent[name] / max(count, 1), 2) for name in DETECTORS}
    return {"images": count, "called a face": {name: found[name] for name in DETECTORS}, "milliseconds": times}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=200, help="of each set")
    parser.add_argument("--start", type=int, default=0, help="people left out before every chosen one")
    parser.add_argument("--degrees", default="0,22.5,45,90,135,180,225,270,315")
    parser.add_argument("--scenery", type=Path, help="photos that show nobody")
    parser.add_argument("--keep", type=Path, help="a folder for what eighths alone call a face")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    degrees = [float(text) for text in asked.degrees.split(",")]
    result: dict[str, Any] = {"start": asked.start, "within": WITHIN}
    for name in ("lfw", "cfp"):
        people = people_of(asked.data, name)
        step = max(1, len(people) // asked.photos)
        chosen = people[asked.start % step :: step][: asked.photos]
        result["LFW" if name == "lfw" else "CFP, profiles"] = turns(chosen, degrees)
        if name == "lfw":
            result["strips of LFW"] = without_a_face(strips(chosen), asked.keep)
    if asked.scenery is not None:
        images = (read_image(path) for path in list_images(asked.scenery))
        result["scenery"] = without_a_face(images, asked.keep)
    text = json.dumps({**result, "environment": describe_environment()}, indent=2)
    print(text)
    if asked.out is not None:
        asked.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
