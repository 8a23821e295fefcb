"""Real photos in the layouts of BFW and TinyFace, which cannot be had here: CFP by pose, LFW with few pixels.

    python benchmarks/real_layouts.py bfw D/cfp cfp.csv
    marginface evaluate groups sface D/cfp/Data/Images --pairs cfp.csv
    python benchmarks/real_layouts.py tinyface D/lfw lfw20 --pixels 20
    marginface evaluate tinyface sface lfw20 --aligned

bfw: both protocols of CFP in one table, 14,000 pairs in their ten folds; the group of an image is its pose, so that the
groups are frontal, and frontal × profile. tinyface: of everyone with three photos or more (by name) the first two are
the gallery and the third is the probe; who has one is a distractor. Faces are found and cut as in every protocol, then
shrunk to so many pixels and enlarged again; a photo without a face becomes an error of the script.
"""

from __future__ import annotations

import argparse
import csv
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from marginface.data.identification.photos import photos_by_person
from marginface.data.pairs.cfp import cfp_pairs
from marginface.evaluation.reading import Cropper, protocol_cropper
from marginface.images import read_image

SIDE = 112


def write_bfw(cfp: Path, table: Path) -> None:
    rows = []
    for split in ("FF", "FP"):
        pairs = cfp_pairs(cfp, split)
        for first, second, same, fold in zip(pairs.first, pairs.second, pairs.genuine, pairs.fold, strict=True):
            paths = [pairs.images[place].relative_to(cfp / "Data" / "Images") for place in (first, second)]
            people, poses = [path.parts[0] for path in paths], [path.parts[1] for path in paths]
            rows.append([fold + 1, *(path.as_posix() for path in paths), int(same), *people, *poses])
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["fold", "p1", "p2", "label", "id1", "id2", "att1", "att2"], *rows])


def write_tinyface(lfw: Path, out: Path, pixels: int) -> None:
    cropper = protocol_cropper()
    wanted: list[tuple[Path, Path]] = []
    for number, photos in enumerate(photos_by_person(lfw).values(), 1):
        names = {}
        if len(photos) >= 3:
            names = {"Gallery_Match": photos[:2], "Probe": photos[2:3]}
        elif len(photos) == 1:
            names = {"Gallery_Distractor": photos}
        for folder, chosen in names.items():
            (out / "Testing_Set" / folder).mkdir(parents=True, exist_ok=True)
            wanted += [(photo, out / "Testing_Set" / folder / f"{number}_{photo.stem}.png") for photo in chosen]
    with ThreadPoolExecutor(2) as pool:
        lost = sum(pool.map(lambda pair: not write_small(cropper, *pair, pixels), wanted))
    if lost:
        sys.exit(f"{lost} of {len(wanted)} photos show no face")


def write_small(cropper: Cropper, photo: Path, path: Path, pixels: int) -> bool:
    crop = cropper.crop(read_image(photo)).crop
    if crop is None:
        return False
    if pixels < SIDE:
        small = cv2.resize(crop, (pixels, pixels), interpolation=cv2.INTER_AREA)
        crop = np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
    Image.fromarray(crop).save(path, compress_level=1)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layout", choices=["bfw", "tinyface"])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pixels", type=int, default=20, help="of a face; 112 leaves it as it is")
    asked = parser.parse_args()
    if asked.layout == "bfw":
        write_bfw(asked.data, asked.out)
    else:
        write_tinyface(asked.data, asked.out, asked.pixels)


if __name__ == "__main__":
    main()
