"""What a gallery of N faces costs: enrol, open, search, change, check, erase; and what sealing adds to it.

    python benchmarks/gallery.py --faces 1000000 --folder /somewhere/with/room

Vectors are random unit vectors; people have 4 faces. "Open" is what a new process pays before its first answer: open
the file, read and open every record, fill an index in memory. Times are of the wall; seconds of the processor beside
them say how much of it was other work on the machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from marginface.environment import describe_environment
from marginface.gallery import Collection, Gallery, NewFace
from marginface.values import Embedding

CONTRACT = "0123456789abcdef"
PER_PERSON, PER_WRITE = 4, 1000
TIMES: dict[str, dict[str, float]] = {}


@contextmanager
def timed(what: str, count: int = 1) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    TIMES[what] = {"seconds": (time.perf_counter() - wall) / count, "cpu_seconds": (time.process_time() - cpu) / count}
    print(
        f"{what:<52} {TIMES[what]['seconds']:>10.4f} s {TIMES[what]['cpu_seconds']:>10.4f} s of processor", flush=True
    )


def people(first: int, count: int, size: int, chance: np.random.Generator) -> dict[str, list[NewFace]]:
    vectors = chance.standard_normal((count * PER_PERSON, size)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made: dict[str, list[NewFace]] = {}
    for number in range(count):
        rows = range(number * PER_PERSON, (number + 1) * PER_PERSON)
        photos = [hashlib.sha256(f"{first + number} {row}".encode()).hexdigest() for row in rows]
        faces = [NewFace(Embedding(vectors[row], CONTRACT), photo) for row, photo in zip(rows, photos, strict=True)]
        made[f"Person {first + number}"] = faces
    return made


def fill(collection: Collection, faces: int, size: int) -> None:
    chance = np.random.default_rng(0)
    for first in range(0, faces // PER_PERSON, PER_WRITE):
        count = min(PER_WRITE, faces // PER_PERSON - first)
        collection.add_many(people(first, count, size, chance))


def measure(path: Path, faces: int, size: int) -> None:
    chance = np.random.default_rng(1)
    with Gallery.create(path) as gallery:
        made = gallery.create_collection("people", contract=CONTRACT, embedding_size=size)
        with timed("enrol, per face, 4,000 in a write", faces):
            fill(made, faces, size)
    probe = next(iter(people(0, 1, size, chance).values()))[0].embedding
    with timed("open and answer the first search"):
        gallery = Gallery.open(path)
        collection = gallery.collection()
        collection.search(probe)
    with timed("the part of it: read and open all records"):
        collection.snapshot()
    with timed("search, each", 20):
        for _ in range(20):
            collection.search(probe)
    new = people(10**9, 50, size, chance)
    with timed("enrol a person of 4 faces, each on the disk", 50):
        for name, theirs in new.items():
            collection.add_many({name: theirs})
    with timed("search after it (50 people are new)"):
        collection.search(probe)
    with timed("erase a person: clean, search the files, receipt"):
        receipt = collection.erase(next(iter(new)))
    assert receipt, receipt.explain()
    with timed("check everything"):
        report = gallery.check()
    assert report, report.explain()
    gallery.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument(
        "--folder", default=None, help="where the file is made; default: the folder for temporary files"
    )
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        os.environ["MARGINFACE_CONFIG"] = str(Path(folder) / "config")
        path = Path(folder) / "people.db"
        measure(path, asked.faces, asked.size)
        bytes_of_file = path.stat().st_size
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"file {bytes_of_file / 1e6:,.0f} MB ({bytes_of_file / asked.faces:.0f} bytes a face), memory {memory:,.0f} MB"
    )
    if asked.json:
        about = {"faces": asked.faces, "size": asked.size, "file_bytes": bytes_of_file, "memory_mb": memory}
        values = {**about, "times": TIMES, "environment": describe_environment()}
        asked.json.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
