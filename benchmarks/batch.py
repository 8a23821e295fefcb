"""How many photos a second does batch work align, with 1 and 2 workers, in this process and on Ray?

    OMP_NUM_THREADS=1 python benchmarks/batch.py [PHOTOS] [--photos 600] [--out benchmarks/results/batch.json]

PHOTOS is a folder with a folder per identity (such as LFW); without it faces are drawn. Every round runs all engines on
the same photos, one after the other, so that a busy machine slows all of them alike. A figure is the median over rounds
of the images between the first and the last mark of a shard by the time between them: neither the start of Ray nor the
loading of the model is in it; ``first_mark`` is the time until the first shard is done, which has both. Prints one JSON
object. Give it a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image

from marginface.batch import EXECUTORS, run
from marginface.batch.aligning import Aligning
from marginface.data.packs import open_images
from marginface.data.synthetic import draw_photo
from marginface.environment import describe_environment
from marginface.images import list_images

CONFIGURATIONS = [(executor, workers) for executor in ("local", "ray") for workers in (1, 2)]


def chosen(folder: Path | None, count: int, into: Path) -> Path:
    """Return a folder of as many photos: links to those of a folder, evenly spread over it, or drawn ones."""
    if folder is None:
        for i in range(count):
            path = into / f"person-{i % 50:02d}" / f"{i:05d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw_photo(i % 50, i)[0]).save(path, quality=92)
        return into
    paths = list_images(folder)
    for path in paths[:: max(len(paths) // count, 1)][:count]:
        link = into / path.parent.name / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve())
    return into


def measure(photos: Path, executor: str, workers: int, per_shard: int) -> dict[str, float]:
    """Return images a second between the marks, and the seconds to the first."""
    with tempfile.TemporaryDirectory() as folder:
        begun, marks = time.perf_counter(), []
        run(
            open_images(photos),
            Aligning(),
            Path(folder) / "crops",
            "tar",
            executor=EXECUTORS[executor](workers, ""),
            per_shard=per_shard,
            progress=lambda done, _: marks.append((time.perf_counter() - begun, done)),
        )
    (first, before), (last, after) = marks[0], marks[-1]
    return {"images_per_second": (after - before) / (last - first), "first_mark": first}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="photos; without it faces are drawn")
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--per-shard", type=int, default=25)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = chosen(options.folder, options.photos, Path(folder))
        rounds = [
            {place: measure(photos, *place, options.per_shard) for place in CONFIGURATIONS}
            for _ in range(options.rounds)
        ]
    found = {
        f"{executor}, {workers}": {
            key: {
                "median": round(statistics.median(r[executor, workers][key] for r in rounds), 2),
                "smallest": round(min(r[executor, workers][key] for r in rounds), 2),
                "largest": round(max(r[executor, workers][key] for r in rounds), 2),
            }
            for key in ("images_per_second", "first_mark")
        }
        for executor, workers in CONFIGURATIONS
    }
    result = {
        "question": __doc__.splitlines()[0],
        "photos": "drawn" if options.folder is None else options.folder.name,
        "count": options.photos,
        "per_shard": options.per_shard,
        "rounds": options.rounds,
        "engines": found,
        "environment": describe_environment(),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
