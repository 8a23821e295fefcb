"""What grows with time: memory over a thousand steps of training, and memory, file and times over 100,000 enrolments.

    python benchmarks/soak.py --json benchmarks/results/soak.json
    python benchmarks/soak.py --parts enrol --faces 2000        # small

Each part is a process of its own, so that what one leaves is not counted for the next.

train    recipes/quick.toml for so many steps, with pictures of the run, evaluations and checkpoints: memory each 100
enrol    so many people of one face, each in a write of its own, and nothing searched: memory, bytes of the file and
         seconds at each tenth; then a new process opens it, searches, and checks every record and the audit
live     a fifth as many, each searched for as soon as it is there, as a service does: the index holds them, so memory
         grows by their vectors; what it grows beside them is told
photos   so many photos, drawn in ten sizes, to embeddings: memory at each tenth

``memory_mb`` is what is resident; ``growth`` is the slope of its second half, in KB a step, face or photo. Memory is
flat where that is small beside what one of them takes. 20,000 requests are a part of benchmarks/server.py.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
CONTRACT = "0123456789abcdef"
SIZE = 128
Figures = dict[str, Any]


@dataclass
class Watch:
    """Memory and seconds, at each of so many moments of a work that is counted."""

    every: int
    begun: float = field(default_factory=time.perf_counter)
    samples: list[dict[str, float]] = field(default_factory=list)

    def look(self, done: int, file: Path | None = None) -> None:
        """Take a sample where one is due."""
        if done % self.every:
            return
        resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        sample = {"done": done, "memory_mb": resident / 1e6, "seconds": time.perf_counter() - self.begun}
        if file is not None:
            sample["file_mb"] = sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*")) / 1e6
        self.samples.append({name: round(value, 3) for name, value in sample.items()})
        print({name: round(value, 1) for name, value in sample.items()}, flush=True)

    def growth(self) -> float:
        """Return the slope of memory over the second half, in KB for each one done."""
        half = self.samples[len(self.samples) // 2 :]
        done, memory = (np.array([sample[name] for sample in half]) for name in ("done", "memory_mb"))
        return round(float(np.polyfit(done, memory * 1000, 1)[0]), 4)

    def told(self) -> Figures:
        """Return what there is to tell."""
        return {"growth_kb_each": self.growth(), "samples": self.samples}


def train(asked: argparse.Namespace, folder: Path) -> Figures:
    """Train a recipe, with all that a run does beside its steps."""
    from marginface.training import Progress
    from marginface.training import train as trained
    from marginface.training.recipe.file import read_recipe

    said = ("checkpoint_every=100", "evaluate_every=100", "threads=1", f"steps={asked.steps}")
    recipe = read_recipe(ROOT / "recipes" / "quick.toml", [f"train.{one}" for one in said])
    watch = Watch(max(asked.steps // 10, 1))

    def progress(word: Progress) -> None:
        watch.look(word.step)

    trained(recipe, folder / "run", progress=progress)
    return watch.told()


def enrol(asked: argparse.Namespace, folder: Path) -> Figures:
    """Fill one gallery file, a write for each person."""
    from marginface.gallery import Gallery

    path, watch = folder / "people.db", Watch(max(asked.faces // 10, 1))
    with Gallery.create(path) as gallery:
        staff = gallery.create_collection("people", contract=CONTRACT, embedding_size=SIZE)
        for number in range(asked.faces):
            watch.look(number, path)
            staff.add_many({f"Person {number}": [face(number)]})
        watch.look(asked.faces, path)
    return {**watch.told(), "afterwards": alone(opened, path, asked.faces)}


def opened(path: Path, faces: int) -> Figures:
    """Open a file, look for a hundred of its people, and check all of it."""
    from marginface.gallery import Gallery

    found: Figures = {}
    begun = time.perf_counter()
    with Gallery.open(path) as gallery:
        collection = gallery.collection()
        chosen = np.random.default_rng(1).integers(0, faces, 100)
        collection.search(face(0).embedding)
        found["open_and_first_search_seconds"] = time.perf_counter() - begun
        begun = time.perf_counter()
        names = [collection.search(face(int(number)).embedding)[0].person.name for number in chosen]
        found["search_seconds"] = (time.perf_counter() - begun) / len(chosen)
        assert names == [f"Person {number}" for number in chosen], "each is found as who it is"
        for name, work in (("check", gallery.check), ("verify_audit", gallery.verify_audit)):
            begun = time.perf_counter()
            report = work()
            found[f"{name}_seconds"] = time.perf_counter() - begun
            assert report, report.explain()
    watch = Watch(1)
    watch.look(0)
    return {name: round(value, 4) for name, value in found.items()} | {"memory_mb": watch.samples[0]["memory_mb"]}


def live(asked: argparse.Namespace, folder: Path) -> Figures:
    """Enrol and search in turns, in one process."""
    from marginface.gallery import Gallery

    faces = max(asked.faces // 5, 1)
    watch = Watch(max(faces // 10, 1))
    with Gallery.create(folder / "people.db") as gallery:
        staff = gallery.create_collection("people", contract=CONTRACT, embedding_size=SIZE)
        for number in range(faces):
            watch.look(number, folder / "people.db")
            staff.add_many({f"Person {number}": [face(number)]})
            assert staff.search(face(number).embedding)[0].person.name == f"Person {number}"
        watch.look(faces, folder / "people.db")
    return {**watch.told(), "vector_kb": 4 * SIZE / 1000}


def photos(asked: argparse.Namespace, _folder: Path) -> Figures:
    """Find and embed the faces of photos of many sizes."""
    from PIL import Image

    from marginface import Recognizer
    from marginface.data.synthetic import draw_photo

    drawn = [Image.fromarray(draw_photo(1, number, strength=0.1)[0]) for number in range(10)]
    images = [np.asarray(one.resize((160 + 90 * number, 140 + 70 * number))) for number, one in enumerate(drawn)]
    recognizer, watch = Recognizer.load(), Watch(max(asked.photos // 10, 1))
    for number in range(asked.photos):
        watch.look(number)
        recognizer.embed(images[number % len(images)])
    watch.look(asked.photos)
    return watch.told()


def face(number: int) -> Any:
    """Return the face of a person: a random direction, always the same for a number."""
    from marginface.gallery import NewFace
    from marginface.values import Embedding

    vector = np.random.default_rng(number).standard_normal(SIZE).astype(np.float32)
    return NewFace(Embedding(vector / np.linalg.norm(vector), CONTRACT), f"{number:064x}")


PARTS: dict[str, Callable[[argparse.Namespace, Path], Figures]] = {
    part.__name__: part for part in (train, enrol, live, photos)
}


def alone(work: Callable[..., Figures], *words: object) -> Figures:
    """Do something in a new process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *words).result()


def done(name: str, asked: argparse.Namespace) -> Figures:
    """Do a part, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        os.environ["MARGINFACE_CONFIG"] = str(Path(folder) / "config")
        return PARTS[name](asked, Path(folder))


def main() -> None:
    """Do the parts one after another and write what they measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--folder", help="where the files are made; default: the folder for temporary files")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found: Figures = {}
    for name in asked.parts.split(","):
        print(name, flush=True)
        found[name] = alone(done, name, asked)
        print(f"{name}: growth {found[name]['growth_kb_each']} KB each", flush=True)
    if asked.json is not None:
        from marginface.environment import describe_environment

        values = {**found, "environment": describe_environment()}
        asked.json.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
