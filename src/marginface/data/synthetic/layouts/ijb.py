"""A protocol of templates in the official layout, of drawn faces: IJB-B and IJB-C cannot be had freely.

Every subject has a gallery template of photos, in G1 or G2, and probe templates of a photo or of the frames of videos.
1:1 compares every probe template with its own gallery template and with as many others as asked for; 1:N has all
probes. The files are those that data.identification.ijb reads, the images aligned drawn faces: a face is where the
landmarks say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from marginface.data.synthetic.drawn_faces import DrawnFaces
from marginface.errors import InputError
from marginface.geometry import TEMPLATE
from marginface.values import BoolArray, IntArray


@dataclass(frozen=True)
class IjbPlan:
    """Which images are of which template: the official shape, without a picture.

    Args:
        subjects: how many people.
        probes: probe templates of each.
        photos: images of a gallery template, a media each.
        frames: most images of a probe template; they are of one or two media.
        impostors: impostor pairs for each probe template.
        seed: decides all that is drawn.
    """

    subjects: int
    probes: int = 5
    photos: int = 6
    frames: int = 20
    impostors: int = 40
    seed: int = 0
    subject: IntArray = field(init=False, repr=False)  # (N,) of each image
    template: IntArray = field(init=False, repr=False)  # (N,) official numbers
    media: IntArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.subjects < 4 or min(self.probes, self.photos, self.frames) < 1 or self.impostors >= self.subjects:
            raise InputError(
                f"a plan has 4 or more subjects, 1 or more of the rest, and impostors below subjects; got {self}"
            )
        rng = np.random.default_rng(self.seed)
        lengths = np.full((self.subjects, 1 + self.probes), self.photos)
        lengths[:, 1:] = rng.integers(1, self.frames + 1, (self.subjects, self.probes))
        of_template = lengths.ravel()
        numbers = np.repeat(np.arange(of_template.size), of_template)
        is_gallery = numbers % (1 + self.probes) == 0
        video = 2 * numbers + rng.integers(0, 2, len(numbers))  # two videos a probe template at most
        object.__setattr__(self, "subject", numbers // (1 + self.probes))
        object.__setattr__(self, "template", 3 * numbers + 1)  # not every number exists, as in the official files
        object.__setattr__(self, "media", np.where(is_gallery, 10**6 + np.arange(len(numbers)), video))

    def gallery_template(self, subject: IntArray) -> IntArray:
        """Return the official number of the gallery template of subjects."""
        return 3 * subject * (1 + self.probes) + 1

    def pairs(self) -> IntArray:
        """Return lines (gallery template, probe template, label)."""
        rng = np.random.default_rng(self.seed + 1)
        subject = np.repeat(np.arange(self.subjects), self.probes)
        probe = self.gallery_template(subject) + 3 * (1 + np.tile(np.arange(self.probes), self.subjects))
        others = (subject[:, None] + rng.integers(1, self.subjects, (len(subject), self.impostors))) % self.subjects
        genuine = np.stack([self.gallery_template(subject), probe, np.ones_like(probe)], axis=1)
        repeated = np.repeat(probe, self.impostors)
        impostor = np.stack([self.gallery_template(others.ravel()), repeated, np.zeros_like(repeated)], axis=1)
        return np.unique(np.concatenate([genuine, impostor]), axis=0)


def write_ijb(root: Path, plan: IjbPlan, *, prefix: str = "ijbc") -> None:
    """Write ``meta`` and ``loose_crop`` below root; the faces are drawn, so this takes about 5 ms an image."""
    meta, crops = root / "meta", root / "loose_crop"
    for folder in (meta, crops):
        folder.mkdir(parents=True, exist_ok=True)
    write_meta(meta, plan, prefix)
    faces = DrawnFaces(plan.subjects, int(np.bincount(plan.subject).max()), seed=plan.seed)
    start = np.searchsorted(faces.labels, np.arange(plan.subjects))
    within = np.arange(len(plan.subject)) - np.searchsorted(plan.subject, plan.subject)
    for number, crop in enumerate(faces.read(start[plan.subject] + within), 1):
        Image.fromarray(crop).save(crops / f"{number}.jpg", quality=95)


def write_meta(meta: Path, plan: IjbPlan, prefix: str) -> None:
    """Write the official metadata files of a plan."""
    rng = np.random.default_rng(plan.seed + 2)
    scores = 1 - rng.beta(1, 12, len(plan.subject))
    points = " ".join(f"{value:.3f}" for value in TEMPLATE.ravel())
    names = [f"{number}.jpg" for number in range(1, len(plan.subject) + 1)]
    listed = zip(names, plan.template, plan.media, strict=True)
    _write(meta / f"{prefix}_face_tid_mid.txt", (f"{name} {template} {media}" for name, template, media in listed))
    scored = zip(names, scores, strict=True)
    _write(meta / f"{prefix}_name_5pts_score.txt", (f"{name} {points} {score:.3f}" for name, score in scored))
    pairs = (f"{first} {second} {label}" for first, second, label in plan.pairs())
    _write(meta / f"{prefix}_template_pair_label.txt", pairs)
    is_gallery = plan.template == plan.gallery_template(plan.subject)
    letter = "S" if prefix == "ijbb" else "G"
    for number in (1, 2):
        chosen = is_gallery & (plan.subject % 2 == number - 1)
        _write_list(meta / f"{prefix}_1N_gallery_{letter}{number}.csv", plan, chosen)
    _write_list(meta / f"{prefix}_1N_probe_mixed.csv", plan, ~is_gallery)


def _write_list(path: Path, plan: IjbPlan, chosen: BoolArray) -> None:
    rows = zip(plan.template[chosen], plan.subject[chosen], np.flatnonzero(chosen) + 1, strict=True)
    lines = (f"{template},{subject},img/{number}.jpg" for template, subject, number in rows)
    _write(path, ["TEMPLATE_ID,SUBJECT_ID,FILENAME", *lines])


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
