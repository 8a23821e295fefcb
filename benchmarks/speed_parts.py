"""The parts of benchmarks/speed.py: a command each, its sizes, its limit, and what reads its answer."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import speed_figures
from speed_figures import Answer, Figure

Read = Callable[[list[Answer]], Iterator[Figure]]


@dataclass(frozen=True)
class Part:
    """One benchmark.

    Attributes:
        name: what it is called, and the name of its answer.
        command: words with places in braces: sizes, and what Inputs has; {out} is where the answer goes.
        read: answers, one for each time the command ran → figures.
        limit: seconds from which it is ended.
        sizes: place → its word in earnest, and in a smoke run.
        optional: place that may be there → words to add where it is.
        environment: variables of the process.
        times: how often the command runs.
        is_usual: it is run without being named.
    """

    name: str
    command: str
    read: Read
    limit: float
    sizes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    is_usual: bool = True

    def words(self, places: Mapping[str, str], *, smoke: bool) -> list[str]:
        """Return the command for a process; python is the interpreter that runs this."""
        return self._filled({**places, "python": sys.executable}, smoke=smoke)

    def shown(self, places: Mapping[str, str], *, smoke: bool) -> str:
        """Return the command for a reader: without the places of this machine."""
        names = {place: place.upper() for place in places}
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return " ".join([*variables, shlex.join(self._filled({**names, "python": "python"}, smoke=smoke))])

    def _filled(self, places: Mapping[str, str], *, smoke: bool) -> list[str]:
        known = {**places, **{place: both[smoke] for place, both in self.sizes.items()}}
        added = [words for place, words in self.optional.items() if place in places]
        return [word.format_map(known) for word in shlex.split(" ".join([self.command, *added]))]


def _training(name: str, cell: str) -> Part:
    return Part(
        f"training-{name}",
        f"{{python}} benchmarks/training.py {{crops}} --cell '{cell}' "
        "--rounds {rounds} --seconds {seconds} --out {out}",
        speed_figures.training,
        limit=360,
        sizes={"rounds": ("3", "1"), "seconds": ("6", "0.5")},
    )


KEPT = str(2**35)  # glibc keeps memory between steps, for every method alike

PARTS = (
    Part(
        "startup",
        "{python} benchmarks/startup.py {photo_a} {photo_b} --rounds {rounds} --out {out}",
        speed_figures.startup,
        limit=120,
        sizes={"rounds": ("20", "1")},
    ),
    Part(
        "photos",
        "{python} benchmarks/pipeline.py {photos} --photos {count} --rounds {rounds} --cold 1 --out {out}",
        speed_figures.photos,
        limit=360,
        sizes={"count": ("150", "4"), "rounds": ("5", "1")},
        optional={
            "opencv_python": "--opencv-python {opencv_python}",
            "deepface_python": "--deepface-python {deepface_python}",
        },
    ),
    Part(
        "enrolment",
        "{python} benchmarks/enrolment.py {photos} --photos {count} --searches {searches} "
        "--rounds {rounds} --out {out}",
        speed_figures.enrolment,
        limit=240,
        sizes={"count": ("400", "8"), "searches": ("100", "4"), "rounds": ("3", "1")},
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Part(
        "search",
        "{python} benchmarks/search.py --worlds synthetic-128 --sizes {sizes} "
        "--engines 'exact,sketch,sketch by faiss,faiss flat' --out {out}",
        speed_figures.searches,
        limit=360,
        sizes={"sizes": ("100000,1000000", "1000")},
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Part(
        "gallery",
        "{python} benchmarks/gallery.py --faces {faces} --json {out}",
        speed_figures.gallery,
        limit=120,
        sizes={"faces": ("100000", "400")},
        times=3,
    ),
    Part(
        "service",
        "{python} benchmarks/server.py --parts speed --photos {photos} --people {people} --faces {faces} "
        "--clients {clients} --seconds {seconds} --json {out}",
        speed_figures.service,
        limit=180,
        sizes={"people": ("50", "4"), "faces": ("10000", "100"), "clients": ("1,8", "1"), "seconds": ("6", "1")},
    ),
    Part(
        "shards",
        "{python} benchmarks/batch.py {photos} --photos {count} --per-shard {shard} --rounds {rounds} --out {out}",
        speed_figures.shards,
        limit=240,
        sizes={"count": ("400", "16"), "shard": ("25", "4"), "rounds": ("3", "1")},
        environment={"OMP_NUM_THREADS": "1"},
    ),
    Part(
        "protocols",
        "{python} benchmarks/evaluation.py --scale {scale} --rounds {rounds} --out {out}",
        speed_figures.protocols,
        limit=420,
        sizes={"scale": ("1", "200"), "rounds": ("2", "1")},
        optional={"insightface": "--insightface {insightface}"},
        environment={"OMP_NUM_THREADS": "2"},
    ),
    Part(
        "head",
        "{python} benchmarks/head.py --classes {classes} --batches 128 --rounds {rounds} "
        "--only 'arcface store bfloat16,products bfloat16,linear and cross,pytorch-metric,insightface float32' "
        "--out {out}",
        speed_figures.head,
        limit=180,
        sizes={"classes": ("93431", "500"), "rounds": ("5", "1")},
        optional={"insightface": "--arcface-torch {insightface}/recognition/arcface_torch"},
        environment={"OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": KEPT, "MALLOC_TRIM_THRESHOLD_": KEPT},
    ),
    Part(
        "loading",
        "{python} benchmarks/data.py {photos} --rounds {rounds} --images {count} --large-bytes {large} --seconds 0 "
        "--out {out}",
        speed_figures.loading,
        limit=240,
        sizes={"rounds": ("5", "1"), "count": ("6000", "300"), "large": ("100000000", "1000000")},
        environment={"OMP_NUM_THREADS": "2"},
    ),
    _training("mobilefacenet", "MobileFaceNet at 112 px, batch 64"),
    _training("iresnet18", "IResNet-18 at 64 px, batch 64"),
    Part("demo", "{python} -m marginface demo --out {fresh}", speed_figures.demo, limit=300),
    Part("tests", "make test", speed_figures.tests, limit=3000, is_usual=False),
)
