"""A verification protocol (LFW, CFP and their like) run on a model: photos or crops → PairResult.

Every image is read, cropped and embedded once; crops are streamed and never all in memory. An image in which no face is
found is a failure to acquire: it is counted and listed, and its pairs get similarity −1, which every threshold calls
"different". The accuracy over the other pairs is given beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marginface.contract import Contract
from marginface.errors import DataError, InputError
from marginface.evaluation.reading import ALIGNED, ImageStore, Reader
from marginface.evaluation.scoring.scores import NO_FACE, PairScores, score_similarities
from marginface.evaluation.scoring.slices import Slices, columns_of_pairs, slice_rates, strictest
from marginface.evaluation.scoring.variants import VARIANTS, Variant, score_variant, vectors_of
from marginface.metrics import FoldedAccuracy, require_supported_far
from marginface.values import BoolArray, DoubleArray, IntArray, Pairs

if TYPE_CHECKING:
    from marginface.embedding import Embedder


@dataclass(frozen=True, slots=True, eq=False)
class PairResult:
    """What a model scored on a protocol, with what is needed to read and repeat it.

    ``failures`` are the images without a face; ``without_failures`` is the accuracy over the pairs that have none (None
    where too few are left, or where nothing failed). ``aligned`` says that the images were crops already.
    """

    pairs: Pairs
    scores: PairScores
    failures: tuple[Path, ...]
    without_failures: FoldedAccuracy | None
    model: str
    contract: Contract
    aligned: bool
    seconds: float
    variant: Variant = VARIANTS["insightface"]

    @property
    def similarities(self) -> DoubleArray:
        """Return the similarity of each pair (P,); −1 where an image has no face."""
        return self.scores.similarities

    def slices(self, metadata: Mapping[str, Mapping[str, str]], column: str) -> Slices:
        """Return the error rates of the parts by a column of the images' metadata, at the smallest FAR that is given.

        Raises:
            InputError: an image is not in the metadata, or no such column.
        """
        names = self.short_names()
        first, second = ([names[place] for place in index] for index in (self.pairs.first, self.pairs.second))
        points = self.scores.tar_at_far
        threshold = strictest(points).threshold if points else self.scores.accuracy.threshold
        parts = columns_of_pairs(metadata, first, second, column)
        return slice_rates(self.similarities, self.pairs.genuine, column, parts, threshold)

    def hardest(self, count: int = 6) -> tuple[IntArray, IntArray]:
        """Return the pairs that are most wrong; see PairScores.hardest."""
        return self.scores.hardest(count)

    def short_name(self, path: Path) -> str:
        """Return the place of an image below the folder that holds all images of the protocol."""
        return path.relative_to(_common_folder(self.pairs.images)).as_posix()

    def short_names(self) -> list[str]:
        """Return the short name of every image of the protocol (N)."""
        root = _common_folder(self.pairs.images)
        return [image.relative_to(root).as_posix() for image in self.pairs.images]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; ``contract`` is the contract id, rates are shares in [0, 1]."""
        return {
            "protocol": self.pairs.protocol,
            "model": self.model,
            **self.scores.to_dict(),
            "images": len(self.pairs.images),
            "failures_to_acquire": len(self.failures),
            "failures": [str(path) for path in self.failures],
            "accuracy_without_failures": None if self.without_failures is None else self.without_failures.mean,
            "contract": self.contract.id,
            "mirror": self.contract.mirror,
            "variant": self.variant.describe(),
            "aligned": self.aligned,
            "seconds": round(self.seconds, 2),
        }


def evaluate_pairs(
    embedder: Embedder,
    pairs: Pairs,
    reader: Reader = ALIGNED,
    *,
    variant: Variant = VARIANTS["insightface"],
    fars: Sequence[float] | None = None,
) -> PairResult:
    """Run a protocol on a model. Without a ``reader`` that has a cropper the images are aligned 112×112 crops.

    The variants are those of evaluation.scoring.variants; all but ``insightface`` take an embedder loaded without
    mirror sum.
    Photos of one person among others need a cropper with the policy ``"center"`` (protocol_cropper).

    Raises:
        DataError: an image is missing or an aligned crop has another size.
        ImageError: an image cannot be decoded.
        InputError: a FAR of ``fars`` that the impostor pairs cannot support, or a protocol with fewer than two folds.
    """
    started = time.perf_counter()
    _require_measurable(pairs, fars)
    _require_images(pairs, reader.store)
    vectors, found = reader.embed(pairs.images, vectors_of(embedder, variant))
    similarities, accuracy = score_variant(vectors, pairs, found, variant, NO_FACE)
    usable = found[pairs.first] & found[pairs.second]
    labels = identities_by_folder(pairs)
    of_pairs = None if labels is None else (labels[pairs.first], labels[pairs.second])
    return PairResult(
        pairs=pairs,
        scores=score_similarities(similarities, pairs.genuine, accuracy, fars=fars, identities=of_pairs),
        failures=tuple(path for path, ok in zip(pairs.images, found, strict=True) if not ok),
        without_failures=None if usable.all() else _accuracy_of(usable, similarities, pairs, variant),
        variant=variant,
        model=embedder.card.name,
        contract=embedder.contract,
        aligned=reader.cropper is None,
        seconds=time.perf_counter() - started,
    )


def _require_measurable(pairs: Pairs, fars: Sequence[float] | None) -> None:
    """Refuse before the work what would be refused after it."""
    if int(pairs.fold.max()) < 1:
        raise InputError(
            f"{pairs.protocol} has one fold; the threshold of a fold is set on the others, so two are needed. LFW's "
            "View 2 (pairs.txt) has ten."
        )
    for far in fars or ():
        require_supported_far(far, int((~pairs.genuine).sum()))


def _require_images(pairs: Pairs, store: ImageStore) -> None:
    missing = [str(path) for path in store.missing(pairs.images)]
    if missing:
        shown = ", ".join(missing[:3])
        raise DataError(
            f"{pairs.protocol}: {len(missing):,} of {len(pairs.images):,} images are missing, such as {shown}. "
            "Check the data folder: it is the one that holds the folders of the identities."
        )


def _accuracy_of(usable: BoolArray, similarities: DoubleArray, pairs: Pairs, variant: Variant) -> FoldedAccuracy | None:
    fold = pairs.fold[usable]
    if len(np.unique(fold)) <= int(pairs.fold.max()):
        return None
    return variant.accuracy(similarities[usable], pairs.genuine[usable], fold)


def _common_folder(images: Sequence[Path]) -> Path:
    return Path(os.path.commonpath([path.parent for path in images]))


def identities_by_folder(pairs: Pairs) -> IntArray | None:
    """Return a label per image (N,): the first folder below the one that holds all images, as in LFW and CFP.

    None if that does not agree with the pairs: genuine pairs share a folder, impostor pairs do not.
    """
    root = _common_folder(pairs.images)
    names = [path.relative_to(root).parts[0] for path in pairs.images]
    labels = np.unique(names, return_inverse=True)[1].astype(np.int64)
    agrees = np.array_equal(labels[pairs.first] == labels[pairs.second], pairs.genuine)
    return labels if agrees else None
