"""RFW and BFW in their published layouts, of drawn faces: the photos themselves can be had on request alone.

A drawn person is of no race and no sex: the groups are names for parts of the people, and one of them may be drawn
with more change between the images of a person, so that it is harder.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from marginface.data.synthetic.drawn_faces import DrawnFaces
from marginface.errors import InputError

RACES = ("African", "Asian", "Caucasian", "Indian")
SUBGROUPS = ("asian_females", "asian_males", "black_females", "black_males",
             "indian_females", "indian_males", "white_females", "white_males")  # fmt: skip
_Pair = tuple[int, int, int, int]  # person and image of the first, of the second


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """How many people of a group, and pairs.

    Attributes:
        people: of each group, 3 or more.
        images: of each person, 2 or more.
        folds: of the pairs; 10 in RFW, 5 in BFW.
        per_fold: genuine pairs in a fold of a group, and as many impostor pairs; 300 in RFW.
        strength: how much the images of a person differ, 0 to 1, by group; 0.5 for those not named.
        seed: decides who they are and which pairs.
    """

    people: int
    images: int = 3
    folds: int = 10
    per_fold: int = 4
    strength: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.people < 3 or self.images < 2 or self.folds < 2 or self.per_fold < 1:
            raise InputError(
                f"a plan has 3 people, 2 images, 2 folds and 1 pair a fold or more; got {self.people}, {self.images}, "
                f"{self.folds} and {self.per_fold}"
            )


def write_rfw(root: Path, plan: GroupPlan) -> None:
    """Write ``data`` and ``txts`` below root, in the layout that data.pairs.rfw reads."""
    for number, race in enumerate(RACES):
        folder = root / "txts" / race
        folder.mkdir(parents=True, exist_ok=True)
        _draw(root / "data" / race, plan, race, number, "m.0{person:04d}/m.0{person:04d}_{image:04d}.png")
        lines = []
        for _, (one, first, other, second) in _pairs(plan, number):
            names = f"m.0{one:04d}\t{first + 1}", f"{second + 1}" if one == other else f"m.0{other:04d}\t{second + 1}"
            lines.append("\t".join(names))
        (folder / f"{race}_pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_bfw(root: Path, plan: GroupPlan) -> Path:
    """Write the images and ``bfw.csv`` below root; return the path of the table, which has the published columns."""
    head = ["fold", "p1", "p2", "label", "id1", "id2", "att1", "att2", "a1", "a2", "g1", "g2", "e1", "e2"]
    rows: list[list[object]] = []
    for number, group in enumerate(SUBGROUPS):
        _draw(root / group, plan, group, number, "n{person:06d}/{image:04d}_01.png")
        ethnicity, sex = (word[0].upper() for word in group.split("_"))
        for fold, (one, first, other, second) in _pairs(plan, number):
            paths = (f"{group}/n{who:06d}/{image + 1:04d}_01.png" for who, image in ((one, first), (other, second)))
            people = number * plan.people + one, number * plan.people + other
            tags = (tag for tag in (group, ethnicity + sex, sex, ethnicity) for _ in range(2))
            rows.append([fold + 1, *paths, int(one == other), *people, *tags])
    path = root / "bfw.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([head, *rows])
    return path


def _draw(folder: Path, plan: GroupPlan, group: str, number: int, name: str) -> None:
    strength = plan.strength.get(group, 0.5)
    first = number * plan.people
    faces = DrawnFaces(plan.people, plan.images, seed=plan.seed, strength=strength, first_identity=first)
    for row, crop in enumerate(faces.read(np.arange(plan.people * plan.images))):
        path = folder / name.format(person=row // plan.images, image=row % plan.images + 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(path)


def _pairs(plan: GroupPlan, number: int) -> Iterator[tuple[int, _Pair]]:
    """Yield the pairs of a group fold by fold: genuine ones, then impostor ones."""
    rng = np.random.default_rng([plan.seed, number])
    for fold in range(plan.folds):
        for _ in range(plan.per_fold):
            person = int(rng.integers(plan.people))
            first, second = rng.permutation(plan.images)[:2].tolist()
            yield fold, (person, first, person, second)
        for _ in range(plan.per_fold):
            one, other = rng.permutation(plan.people)[:2].tolist()
            yield fold, (one, int(rng.integers(plan.images)), other, int(rng.integers(plan.images)))
