"""Does the threshold of one comparison hold for the pooled faces of a track, and what is pooling worth?

    python benchmarks/pooling.py ../shared/data/cfp [--engine onnxruntime] [--out FILE.json]

Of each person of CFP seven frontal photos: one is enrolled, one is asked for alone, and the best five of the other six
as a track.
N people drawn at random are known, all others are strangers, fifty times. FPIR is the share of strangers that find
somebody, found the share of known people that find themselves, at the threshold of a search of N faces:

    single   one photo
    cosine   the mean embedding brought to length 1, as one photo
    mean     the mean of the similarities: what marginface.video does

CFP and LFW made the shipped thresholds, so this says how the three ways differ, not how good the thresholds are.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from marginface import Recognizer
from marginface.environment import describe_environment
from marginface.pipeline import EmbeddedFace
from marginface.values import DoubleArray
from marginface.video.pooling import best_of, pooled
from marginface.video.tracking import Sighting

PHOTOS, DRAWS = 7, 50


def people_of(folder: Path, recognizer: Recognizer) -> list[list[EmbeddedFace]]:
    """Return the usable faces of each person who has at least six."""
    found = []
    for person in sorted({path.parent for path in folder.rglob("frontal/*.jpg")}):
        looks = recognizer.embed_all(sorted(person.glob("*.jpg"))[:PHOTOS], quality="usable")
        faces = [photo.usable[0] for photo in looks if photo]
        if len(faces) >= PHOTOS - 1:
            found.append(faces)
    return found


def vectors_of(people: list[list[EmbeddedFace]]) -> tuple[DoubleArray, dict[str, DoubleArray]]:
    """Return the enrolled vector of each person, and what is asked with, in three ways."""
    pools = [pooled(best_of([Sighting(n, n, face) for n, face in enumerate(faces[1:])], 5)) for faces in people]
    cosine = np.stack([pool.face.embedding.vector for pool in pools])
    lengths = np.array([[pool.length] for pool in pools])
    single = np.stack([faces[1].embedding.vector for faces in people])
    return np.stack([faces[0].embedding.vector for faces in people]), {
        "single": single,
        "cosine": cosine,
        "mean": lengths * cosine,
    }


def rates(enrolled: DoubleArray, probes: DoubleArray, known: int, threshold: float) -> dict[str, float]:
    """Return FPIR and the share found, over all draws."""
    random, alarms, found, strangers = np.random.default_rng(0), 0, 0, 0
    for _ in range(DRAWS):
        order = random.permutation(len(enrolled))
        inside, outside = order[:known], order[known:]
        alarms += int(((probes[outside] @ enrolled[inside].T).max(axis=1) >= threshold).sum())
        likeness = probes[inside] @ enrolled[inside].T
        best = likeness.argmax(axis=1) == np.arange(known)
        found += int((best & (likeness.max(axis=1) >= threshold)).sum())
        strangers += len(outside)
    return {"fpir": round(alarms / strangers, 4), "found": round(found / (DRAWS * known), 4)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", default="onnxruntime")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    recognizer = Recognizer.load("sface", engine=args.engine)
    people = people_of(args.folder, recognizer)
    enrolled, ways = vectors_of(people)
    rows = []
    for fpir in (0.01, 0.05, 0.1):
        for known in (10, 100):
            threshold = recognizer.thresholds.identification_threshold(fpir, known).similarity
            each = {name: rates(enrolled, probes, known, threshold) for name, probes in ways.items()}
            rows.append({"asked": fpir, "known": known, "threshold": round(threshold, 4), **each})
    result = {
        "question": __doc__.splitlines()[0],
        "people": len(people),
        "engine": args.engine,
        "rows": rows,
        "environment": describe_environment(),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
