"""What do the shipped thresholds of SFace give on other people's photos, and on the parts they were made of?

    python benchmarks/shipped_thresholds.py FOLDER... --out benchmarks/results/shipped_thresholds.json [--memory FILE]

Each FOLDER holds photos, a folder per person, of which the face nearest the center is used; or the crops that
`marginface align` made of photos. NAME=FOLDER names it, NAME=FOLDER@FILE leaves out the people and photos of a list of
exclusions. False-match and false non-match rates of all pairs at each power of ten
that is shipped, with bounds that know which pairs share people.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from marginface.cropping import JOURNAL
from marginface.data.crops.exclusions import Exclusions, read_exclusions
from marginface.embedding import load_embedder
from marginface.environment import describe_environment
from marginface.evaluation.calibration import people_photos
from marginface.evaluation.calibration.page import decades
from marginface.evaluation.reading import EmbeddingMemory, Reader, Vectors, cropping_of, protocol_cropper
from marginface.matching.calibration import shipped_calibration
from marginface.metrics import error_rates
from marginface.metrics.all_pairs import STEPS


def measure(root: Path, exclusions: Exclusions, memory: Path | None) -> dict[str, object]:
    """Return the rates of one set of people."""
    embedder = load_embedder("sface")
    contract, photos = embedder.contract, people_photos([root], exclusions)
    cropper = None if (root / JOURNAL).is_file() else protocol_cropper()
    kept = None if memory is None else EmbeddingMemory(memory, "aligned" if cropper is None else cropping_of(cropper))
    vectors, found = Reader(cropper=cropper, memory=kept).embed(
        photos.paths, Vectors(contract.id, contract.embedding_size, embedder.embed)
    )
    vectors, people, sets = vectors[found], photos.people[found], photos.sets[found]
    calibration = shipped_calibration(contract.id)
    wanted = [fmr for fmr in decades(calibration) if f"{fmr:e}".startswith("1.000000e")]
    thresholds = [calibration.threshold(fmr) for fmr in wanted]
    rates = error_rates(vectors, people, [round((one.similarity + 1) * STEPS) for one in thresholds], sets)
    refused = rates.fnmr or (None,) * len(thresholds)
    rows = [
        {
            "fmr": one.fmr,
            "similarity": one.similarity,
            "observed_fmr": matched.to_dict(),
            "observed_fnmr": None if miss is None else miss.to_dict(),
        }
        for one, matched, miss in zip(thresholds, rates.fmr, refused, strict=True)
    ]
    return {
        "people": len(set(people.tolist())),
        "photos": len(people),
        "without_a_face": int((~found).sum()),
        "at": rows,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", help="FOLDER, NAME=FOLDER or NAME=FOLDER@FILE")
    parser.add_argument("--memory", type=Path, help="file that keeps embeddings between runs")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    start = time.perf_counter()
    found = {}
    for given in args.folders:
        name, _, place = given.rpartition("=")
        folder, _, left_out = place.partition("@")
        exclusions = read_exclusions(Path(left_out)) if left_out else Exclusions()
        found[name or folder] = measure(Path(folder), exclusions, args.memory)
    result = {
        "question": __doc__.splitlines()[0],
        "sets": found,
        "seconds": round(time.perf_counter() - start, 1),
        "environment": describe_environment(),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
