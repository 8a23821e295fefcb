"""How many photos a second are enrolled, and identified, and what does the gallery add to the recognizer alone?

    OMP_NUM_THREADS=1 python benchmarks/enrolment.py ../shared/data/lfw --out benchmarks/results/enrolment.json

PHOTOS is a folder with a folder per person, as LFW. Each round takes the same photos, one step after the other, so that
a busy machine slows all of them alike:

    embed          what comes of each photo, without a gallery (Recognizer.embed_each): the floor
    enrol          into an empty, sealed gallery, look-alikes looked for
    enrol again    the same photos: nothing is embedded
    enrol, crops   into an empty gallery, with the aligned faces kept
    identify       the photos of --searches people among everybody who was enrolled, by the shipped thresholds
    migrate        the kept crops to another contract (the mirror sum)

A figure is photos a second, the median over the rounds with the least and the largest beside it; ``times_embed`` is the
ratio to ``embed`` of the same round. How many photos were refused is said too. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from marginface.enrolment import (
    Enroller,
    EnrolReport,
    EnrolSettings,
    Migration,
    Outcome,
    PersonPhoto,
    SearchSettings,
    collection_for,
    folder_of_people,
    identify_each,
)
from marginface.environment import describe_environment
from marginface.gallery import Gallery, GalleryKey
from marginface.pipeline import Recognizer

Steps = dict[str, float]


def chosen(folder: Path, count: int) -> list[PersonPhoto]:
    """Return so many photos of a folder, of people in turn, evenly spread."""
    photos = folder_of_people(folder).photos
    people = sorted({photo.person for photo in photos})
    wanted = set(people[:: max(len(people) * 2 // count, 1)])
    return [photo for photo in photos if photo.person in wanted][:count]


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a call took, and what it gave."""
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def one_round(
    recognizers: tuple[Recognizer, Recognizer], photos: list[PersonPhoto], searches: int, workers: int
) -> Any:
    """Return photos a second of each step, and what came of the photos."""
    recognizer, mirrored = recognizers
    paths = [photo.path for photo in photos]
    settings = EnrolSettings(faces="center", workers=workers)
    kept = EnrolSettings(faces="center", keep_crops=True, workers=workers)
    looked = SearchSettings(faces="center", workers=workers)
    rates: Steps = {}
    with tempfile.TemporaryDirectory() as folder:
        key = GalleryKey(bytes(32), "a benchmark")
        with (
            Gallery.create(Path(folder) / "a.db", key=key) as first,
            Gallery.create(Path(folder) / "b.db", key=key) as second,
        ):
            plain, cropped = collection_for(first, "", recognizer), collection_for(second, "", recognizer)
            spent, _ = seconds(lambda: list(recognizer.embed_each(paths, faces="center", workers=workers)))
            rates["embed"] = len(paths) / spent
            spent, report = seconds(lambda: Enroller(plain, recognizer, settings).enrol(photos))
            rates["enrol"] = len(paths) / spent
            spent, _ = seconds(lambda: Enroller(plain, recognizer, settings).enrol(photos))
            rates["enrol again"] = len(paths) / spent
            spent, _ = seconds(lambda: Enroller(cropped, recognizer, kept).enrol(photos))
            rates["enrol, crops"] = len(paths) / spent
            spent, answers = seconds(lambda: list(identify_each(recognizer, plain, paths[:searches], looked)))
            rates["identify"] = searches / spent
            spent, moved = seconds(lambda: Migration(second, cropped, mirrored, workers=workers).run())
            rates["migrate"] = moved.faces / spent
    return rates, report, sum(map(bool, answers)) / max(searches, 1)


def summed(rounds: list[Steps]) -> dict[str, Any]:
    """Return the median, least and largest rate of each step, and the ratio to the recognizer alone."""
    table = {}
    for step in rounds[0]:
        rates = [one[step] for one in rounds]
        ratios = [one[step] / one["embed"] for one in rounds]
        table[step] = {
            "photos_per_second": round(statistics.median(rates), 1),
            "least": round(min(rates), 1),
            "most": round(max(rates), 1),
            "times_embed": round(statistics.median(ratios), 3),
        }
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    recognizers = (Recognizer.load("sface"), Recognizer.load("sface", mirror=True))
    photos = chosen(options.folder, options.photos)
    rounds, report, found = [], EnrolReport(()), 0.0
    for _ in range(options.rounds):
        rates, report, found = one_round(recognizers, photos, min(options.searches, len(photos)), options.workers)
        rounds.append(rates)
    result = {
        "question": "How many photos a second are enrolled and identified, beside the recognizer alone?",
        "photos": len(photos),
        "people": len({photo.person for photo in photos}),
        "enrolled": report.count(Outcome.ENROLLED),
        "refused": report.count(Outcome.REFUSED),
        "with_a_warning": sum(photo.is_warning for photo in report.photos),
        "share_identified": round(found, 4),
        "workers": options.workers,
        "rounds": options.rounds,
        "steps": summed(rounds),
        "environment": describe_environment(),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
