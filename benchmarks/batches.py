"""How much faster are many photos on threads than one by one, and does each thread need sessions of its own?

    OMP_NUM_THREADS=1 python benchmarks/batches.py [PHOTOS] [--photos 100] [--out FILE.json]

PHOTOS is a folder of photos; without it faces are drawn and written as JPEG. Every round does the same photos in every
way, one way after the other, so that a busy machine slows all of them alike; figures are photos per second, the median
over rounds with the smallest and the largest beside it. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
from PIL import Image

from marginface.data.synthetic import draw_photo
from marginface.environment import describe_environment
from marginface.images import list_images
from marginface.pipeline import Recognizer

ROUNDS = 5


def drawn(folder: Path, count: int) -> list[Path]:
    for number in range(count):
        Image.fromarray(draw_photo(number, 0)[0]).save(folder / f"{number:04d}.jpg", quality=92)
    return sorted(folder.glob("*.jpg"))


def own_sessions(photos: list[Path], recognizers: list[Recognizer]) -> None:
    """Do the photos on threads that each have a recognizer, and so sessions, of their own."""
    local, ready = threading.local(), list(recognizers)

    def embed(photo: Path) -> object:
        if not hasattr(local, "recognizer"):
            local.recognizer = ready.pop()
        return local.recognizer.embed_photo(photo)

    with ThreadPoolExecutor(len(recognizers)) as pool:
        list(pool.map(embed, photos))


def ways(photos: list[Path], recognizers: list[Recognizer]) -> dict[str, Callable[[], object]]:
    recognizer = recognizers[0]
    return {
        "one by one": lambda: [recognizer.embed_photo(photo) for photo in photos],
        "embed_all, 1 worker": lambda: recognizer.embed_all(photos, workers=1),
        "embed_all, 2 workers": lambda: recognizer.embed_all(photos, workers=2),
        "embed_all, 4 workers": lambda: recognizer.embed_all(photos, workers=4),
        "2 threads with sessions of their own": lambda: own_sessions(photos, recognizers),
    }


def measure(photos: list[Path]) -> dict[str, dict[str, float]]:
    recognizers = [Recognizer.load("sface") for _ in range(2)]
    rates: dict[str, list[float]] = {}
    for number in range(ROUNDS + 1):
        for name, work in ways(photos, recognizers).items():
            start = time.perf_counter()
            work()
            if number:
                rates.setdefault(name, []).append(len(photos) / (time.perf_counter() - start))
    base = statistics.median(rates["one by one"])
    return {
        name: {
            "median": round(statistics.median(values), 1),
            "smallest": round(min(values), 1),
            "largest": round(max(values), 1),
            "times_one_by_one": round(statistics.median(values) / base, 2),
        }
        for name, values in rates.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        every = drawn(Path(folder), args.photos) if args.folder is None else list_images(args.folder)
        photos = every[:: max(len(every) // args.photos, 1)][: args.photos]
        result = {"photos_per_second": measure(photos), "environment": describe_environment()}
    text = json.dumps(result, indent=2)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
