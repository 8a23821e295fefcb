"""IJB-B and IJB-C on a model: 1:1 over pairs of templates and open-set 1:N over two galleries."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marginface.alignment import align
from marginface.contract import Contract
from marginface.data.identification.ijb import Enrolled, TemplatePairs, Templates
from marginface.errors import DataError, InputError
from marginface.evaluation.reading import ALIGNED, Reader, Vectors
from marginface.evaluation.scoring.identification import GalleryScores, mean_of_galleries, score_gallery
from marginface.evaluation.scoring.pooling import Pooling, TemplateSums
from marginface.evaluation.scoring.scores import curve_values, tar_values
from marginface.files import is_file
from marginface.images import read_image
from marginface.metrics import (
    Interval,
    PeopleOfPairs,
    TarAtFar,
    auc,
    auc_interval,
    eer_interval,
    equal_error_rate,
    overlap,
    supports_far,
    tar_intervals,
    tars_at_fars,
)
from marginface.metrics.roc import FarRule
from marginface.similarity import pair_similarities
from marginface.values import BoolArray, DoubleArray, FloatArray, ImageArray, IntArray

if TYPE_CHECKING:
    from marginface.embedding import Embedder

USUAL_POOLING = Pooling()
TEMPLATE_FARS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True, slots=True, eq=False)
class TemplateScores:
    """1:1 over pairs of templates.

    ``intervals`` are of each TAR, over people and threshold, ``curve_intervals`` of AUC and EER; None where the people
    are not known.
    """

    similarities: DoubleArray
    genuine: BoolArray
    auc: float
    eer: float
    tar_at_far: tuple[TarAtFar, ...]
    intervals: tuple[Interval, ...] | None
    curve_intervals: tuple[Interval, Interval] | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "genuine_pairs": int(self.genuine.sum()),
            "impostor_pairs": int((~self.genuine).sum()),
            **curve_values(self.auc, self.eer, self.curve_intervals),
            "overlap": overlap(self.similarities[self.genuine], self.similarities[~self.genuine]),
            "tar_at_far": tar_values(self.tar_at_far, self.intervals),
        }


def score_template_pairs(
    embeddings: FloatArray,
    pairs: TemplatePairs,
    *,
    rule: FarRule = "at_most",
    fars: Sequence[float] | None = None,
    subjects: IntArray | None = None,
    resamples: int = 200,
) -> TemplateScores:
    """Score pairs of templates (T, D): TAR at the FARs that the impostor pairs support, or at those asked for.

    ``subjects`` (T,) are the people of the templates, −1 where not known; all must be for an interval over people.

    Raises:
        InputError: a FAR of ``fars`` that is not supported, or pairs of one kind only.
    """
    if pairs.genuine.all() or not pairs.genuine.any():
        raise InputError(f"1:1 has genuine and impostor pairs; all {len(pairs.genuine):,} are of one kind")
    similarities = pair_similarities(embeddings, pairs.first, pairs.second)
    same, different = similarities[pairs.genuine], similarities[~pairs.genuine]
    wanted = [far for far in TEMPLATE_FARS if supports_far(len(different), far)] if fars is None else list(fars)
    rising = np.sort(same), np.sort(different)  # once for all of them
    people = _people(pairs, subjects)
    return TemplateScores(
        similarities=similarities,
        genuine=pairs.genuine,
        auc=auc(*rising),
        eer=equal_error_rate(*rising),
        tar_at_far=tars_at_fars(*rising, wanted, rule),
        intervals=None if people is None else tar_intervals(same, different, people, wanted, rule, resamples=resamples),
        curve_intervals=None
        if people is None
        else (auc_interval(same, different, people), eer_interval(same, different, people)),
    )


def _people(pairs: TemplatePairs, subjects: IntArray | None) -> PeopleOfPairs | None:
    """Return who is on the pairs; None where one of them is not known."""
    if subjects is None:
        return None
    first, second = subjects[pairs.first], subjects[pairs.second]
    if min(int(first.min()), int(second.min())) < 0:
        return None
    return PeopleOfPairs.of(first, second, pairs.genuine)


@dataclass(frozen=True, slots=True, eq=False)
class TemplateResult:
    """What a model scored on a protocol of templates; ``verification`` is None without pairs."""

    protocol: str
    images: int
    templates: int
    verification: TemplateScores | None
    galleries: tuple[GalleryScores, ...]
    model: str
    contract: Contract
    pooling: Pooling
    rule: FarRule
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; shares are in [0, 1]."""
        return {
            "protocol": self.protocol,
            "model": self.model,
            "images": self.images,
            "templates": self.templates,
            "switches": self.pooling.describe(mirror=self.contract.mirror),
            "rule": self.rule,
            "verification": None if self.verification is None else self.verification.to_dict(),
            "identification": [gallery.to_dict() for gallery in self.galleries],
            "identification_mean": mean_of_galleries(self.galleries),
            "contract": self.contract.id,
            "seconds": round(self.seconds, 2),
        }


class TemplateCrops:
    """An ImageStore of the faces of a protocol of templates, each cut out by its landmarks.

    ``images`` (N,) name them: ``loose_crop/7.jpg#6`` is the seventh of the list, for one photo may stand there twice.
    """

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self.images = tuple(Path(f"{templates.folder / name}#{row}") for row, name in enumerate(templates.images))

    def missing(self, images: Sequence[Path]) -> list[Path]:
        """Return those of the images whose files are not there."""
        return [image for image in images if not is_file(self._file(image))]

    def read(self, image: Path) -> ImageArray:
        """Return the aligned face (112, 112, 3)."""
        return align(read_image(self._file(image)), self._templates.landmarks[self._row(image)])

    def _file(self, image: Path) -> Path:
        return self._templates.folder / self._templates.images[self._row(image)]

    def _row(self, image: Path) -> int:
        return int(image.name.rpartition("#")[2])


def evaluate_templates(
    embedder: Embedder,
    templates: Templates,
    reader: Reader = ALIGNED,
    *,
    pairs: TemplatePairs | None = None,
    searches: tuple[tuple[Enrolled, ...], Enrolled] | None = None,
    pooling: Pooling = USUAL_POOLING,
    rule: FarRule = "at_most",
) -> TemplateResult:
    """Embed every image, pool, and score what is given of 1:1 and 1:N.

    Faces are cut by the landmarks of the protocol, so that none can fail to be found; the public scripts take these
    landmarks as pixel centers and alignment.align as measured from the corner, less than half a pixel apart. Of the
    ``reader`` its threads, progress and memory are used; the memory is one of aligned crops.

    Raises:
        DataError: an image is missing, or a template sums to nothing.
        ImageError: an image cannot be decoded.
    """
    started = time.perf_counter()
    crops = TemplateCrops(templates)
    _require_images(templates, crops)
    sums = TemplateSums(templates, pooling, embedder.contract.embedding_size)
    for place, vectors in replace(reader, store=crops, cropper=None).batches(
        crops.images, vectors_of(embedder, pooling)
    ):
        sums.add(place, np.stack([vector for vector in vectors if vector is not None]))
    embeddings = sums.unit()
    galleries, probes = searches if searches is not None else ((), None)
    subjects = None if probes is None else subjects_of(templates, (*galleries, probes))
    return TemplateResult(
        protocol=templates.name,
        images=len(templates.images),
        templates=len(templates),
        verification=None if pairs is None else score_template_pairs(embeddings, pairs, rule=rule, subjects=subjects),
        galleries=tuple(score_gallery(embeddings, gallery, probes, rule=rule) for gallery in galleries if probes),
        model=embedder.card.name,
        contract=embedder.contract,
        pooling=pooling,
        rule=rule,
        seconds=time.perf_counter() - started,
    )


def subjects_of(templates: Templates, lists: Sequence[Enrolled]) -> IntArray:
    """Return the person of each template (T,) as far as the lists say, −1 of the others."""
    subjects = np.full(len(templates), -1, dtype=np.int64)
    for enrolled in lists:
        subjects[enrolled.templates] = enrolled.subjects
    return subjects


def vectors_of(embedder: Embedder, pooling: Pooling) -> Vectors:
    """Return what is made of a crop: its feature as long as it is, or at length 1."""
    contract = embedder.contract
    if pooling.keep_length:
        return Vectors(f"{contract.id} features", contract.embedding_size, embedder.features)
    return Vectors.of(embedder)


def _require_images(templates: Templates, crops: TemplateCrops) -> None:
    missing = crops.missing(crops.images)
    if missing:
        raise DataError(
            f"{templates.folder}: {len(missing):,} of {len(templates.images):,} images of {templates.name} are not "
            f"there, such as {missing[0].name.rpartition('#')[0]}"
        )
