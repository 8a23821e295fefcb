"""Which similarity gives SFace a false-match rate of 1e-2, 1e-3, 1e-4? Measured on the people of LFW View 1, training.

    python benchmarks/sface_thresholds.py ../shared/data

The people are all those that pairsDevTrain.txt names; every image of theirs that is there is used (the face nearest
the centre), and every pair of images of two people is an impostor pair. View 1 is the part of LFW set aside for
choosing models, but LFW draws both views from the same people: the output says how many are in View 2 as well. So a
false-match rate counted on View 2 with these thresholds is no independent check; the check is made on the identities
of CFP whose names are not in LFW. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np

from marginface.cropping import FaceCropper
from marginface.detection import load_detector
from marginface.embedding import load_embedder
from marginface.images import read_image
from marginface.values import FloatArray, IntArray

RATES = (1e-2, 1e-3, 1e-4)
CFP_PHOTOS = 4  # frontal photos of each CFP identity in the check


def people_of(pairs_file: Path) -> list[str]:
    """Return the names in a pair list: `name i j` or `name i name j` on each line after the first."""
    lines = [line.split() for line in pairs_file.read_text(encoding="utf-8").splitlines()[1:] if line.strip()]
    return sorted({line[0] for line in lines} | {line[2] for line in lines if len(line) == 4})


def embed_people(folders: list[list[Path]], mirror: bool) -> tuple[FloatArray, IntArray, int]:
    """Return embeddings (N, D), the index of each one's person (N,), and the number of images without a face."""
    cropper = FaceCropper(load_detector("yunet"), policy="center")
    embedder = load_embedder("sface", mirror=mirror)
    photos = [(path, person) for person, paths in enumerate(folders) for path in paths]
    crops = [cropper.crop(read_image(path)).crop for path, _ in photos]
    found = [(crop, person) for crop, (_, person) in zip(crops, photos, strict=True) if crop is not None]
    embeddings = embedder.embed(np.stack([crop for crop, _ in found]))
    return embeddings, np.array([person for _, person in found], np.int64), len(photos) - len(found)


def all_pairs(embeddings: FloatArray, person: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the similarities of all genuine and of all impostor pairs."""
    first, second = np.triu_indices(len(person), k=1)
    scores = (embeddings @ embeddings.T)[first, second]
    same = person[first] == person[second]
    return scores[same], scores[~same]


def threshold_at(impostor: FloatArray, rate: float) -> float:
    """Return the smallest similarity, up to 4 decimals, that at most ``rate`` of the impostor pairs reach."""
    allowed = int(np.floor(rate * len(impostor) + 1e-9))
    highest = np.sort(impostor)[::-1]
    return float(np.ceil((float(highest[allowed]) + 1e-6) * 1e4) / 1e4)


def summary(embeddings: FloatArray, person: IntArray, missed: int, thresholds: dict[float, float]) -> dict[str, object]:
    """Return counts and the error rates of these people at the thresholds; with none given, at their own."""
    genuine, impostor = all_pairs(embeddings, person)
    used = thresholds or {rate: threshold_at(impostor, rate) for rate in RATES}
    return {
        "people": len(np.unique(person)),
        "images": len(person),
        "images_without_a_face": missed,
        "genuine_pairs": len(genuine),
        "impostor_pairs": len(impostor),
        "at": [
            {
                "target_fmr": rate,
                "similarity": threshold,
                "fmr": float(np.mean(impostor >= threshold)),
                "fnmr": float(np.mean(genuine < threshold)),
            }
            for rate, threshold in used.items()
        ],
    }


def cfp_folders(cfp: Path) -> list[list[Path]]:
    """Return frontal photos of the CFP identities whose name is not in LFW: lines `number name`."""
    lines = (cfp / "ids_not_in_lfw_by_name.txt").read_text(encoding="utf-8").splitlines()
    folders = [cfp / "Data" / "Images" / line.split()[0] / "frontal" for line in lines if line.strip()]
    return [sorted(folder.glob("*.jpg"))[:CFP_PHOTOS] for folder in folders]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with lfw/, lfw_meta/ and cfp/")
    parser.add_argument("--mirror", action="store_true", help="sum crop and mirrored crop")
    args = parser.parse_args()
    start = time.perf_counter()
    meta = args.data / "lfw_meta"
    names = people_of(meta / "pairsDevTrain.txt")
    folders = {name: sorted((args.data / "lfw" / name).glob("*.jpg")) for name in names}
    present = {name for name, paths in folders.items() if paths}
    lfw = summary(*embed_people(list(folders.values()), args.mirror), {})
    thresholds = {entry["target_fmr"]: entry["similarity"] for entry in lfw["at"]}
    cfp = summary(*embed_people(cfp_folders(args.data / "cfp"), args.mirror), thresholds)
    result = {
        "question": __doc__.splitlines()[0],
        "mirror": args.mirror,
        "lfw_view_1_train": lfw | {"people_also_in_view_2": len(present & set(people_of(meta / "pairs.txt")))},
        "check_on_cfp_frontal_without_lfw_names": cfp,
        "seconds": round(time.perf_counter() - start, 1),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}",
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
