"""How many milliseconds does each step of the use road take for one face on one core?

    OMP_NUM_THREADS=1 python benchmarks/use_road.py [PHOTOS] [--photos 200] [--out benchmarks/results/use_road.json]

PHOTOS is a folder of photos; without it faces are drawn. Every round runs all steps on the same photos, one after the
other, so that a busy machine slows all of them alike; a step's figure is the median over rounds of its mean per face,
with the smallest and the largest round beside it. Prints one JSON object. Give it a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from marginface.alignment import align
from marginface.cropping import FaceCropper
from marginface.data.synthetic import draw_photo
from marginface.embedding import load_embedder
from marginface.environment import describe_environment
from marginface.images import list_images, read_image
from marginface.values import ImageArray

ROUNDS = 5


def photos_of(folder: Path | None, count: int) -> list[Path | ImageArray]:
    """Return photos of a folder, evenly spread over it, or drawn ones."""
    if folder is None:
        return [draw_photo(identity, 0)[0] for identity in range(count)]
    paths = list_images(folder)
    return list(paths[:: max(len(paths) // count, 1)][:count])


def milliseconds(work: Callable[[], object], faces: int) -> float:
    """Return the time per face of one call."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start) / faces


def measure(photos: list[Path | ImageArray]) -> dict[str, dict[str, float]]:
    """Return median, smallest and largest time per face of each step."""
    cropper, embedder, mirrored = FaceCropper.load(), load_embedder("sface"), load_embedder("sface", mirror=True)
    images = [read_image(photo) if isinstance(photo, Path) else photo for photo in photos]
    found = [(image, face) for image in images if (face := cropper.crop(image).face) is not None]
    crops = np.stack([align(image, face.landmarks) for image, face in found])
    on_disk = [photo for photo in photos if isinstance(photo, Path)]
    steps: dict[str, Callable[[], object]] = {
        "detect": lambda: [cropper.detect(image) for image, _ in found],
        "align": lambda: [align(image, face.landmarks) for image, face in found],
        "embed, one at a time": lambda: [embedder.embed(crop[np.newaxis]) for crop in crops],
        "embed, all at once": lambda: embedder.embed(crops),
        "embed with mirror, all at once": lambda: mirrored.embed(crops),
    }
    if on_disk:
        steps = {"read": lambda: [read_image(path) for path in on_disk], **steps}
    rounds = [{name: milliseconds(work, len(found)) for name, work in steps.items()} for _ in range(ROUNDS + 1)][1:]
    return {
        name: {
            "median": round(statistics.median(r[name] for r in rounds), 3),
            "smallest": round(min(r[name] for r in rounds), 3),
            "largest": round(max(r[name] for r in rounds), 3),
        }
        for name in steps
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="photos; without it faces are drawn")
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    steps = measure(photos_of(args.folder, args.photos))
    whole = sum(steps[name]["median"] for name in ("detect", "align", "embed, one at a time"))
    result = {
        "question": __doc__.splitlines()[0],
        "photos": "drawn" if args.folder is None else args.folder.name,
        "milliseconds_per_face": steps,
        "detect_align_embed": round(whole, 2),
        "environment": describe_environment(),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
