"""Variants of the ten-fold protocol by name: what a published "LFW accuracy" means differs from paper to paper.

insightface   features of crop and mirror image summed; thresholds on a grid of squared distances
noflip        the same without the mirror image
sphereface    features of crop and mirror image put end to end, the mean of the other folds taken off; thresholds on a
              grid of cosines

With ``components`` a PCA is fitted on the other folds too, and the embeddings are brought to length 1 again after it.
What is fitted for a fold is fitted on the pairs of the other folds alone, never on its own.

Sources: insightface's verification.py (whose ``pca`` is this one) and SphereFace's evaluation code (Liu et al., CVPR
2017).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from marginface.errors import InputError
from marginface.evaluation.reading import Vectors
from marginface.metrics import FoldedAccuracy, sphereface_accuracy, ten_fold_accuracy
from marginface.registry import Registry
from marginface.similarity import pair_similarities
from marginface.values import BoolArray, DoubleArray, FloatArray, ImageArray, IntArray, Pairs

if TYPE_CHECKING:
    from marginface.embedding import Embedder


@dataclass(frozen=True, slots=True)
class Variant:
    """How a pair protocol is scored.

    Attributes:
        name: of the variant.
        mirror: what becomes of the mirror image's features.
        centered: the mean feature of the other folds is taken off.
        accuracy: similarities (P,), genuine (P,), fold (P,) → accuracy.
        components: of the PCA; 0: none.
    """

    name: str
    mirror: Literal["sum", "none", "concatenate"]
    centered: bool
    accuracy: Callable[[DoubleArray, BoolArray, IntArray], FoldedAccuracy]
    components: int = 0

    @property
    def sums_mirror(self) -> bool:
        """Say whether the embedder is to be loaded with its mirror sum."""
        return self.mirror == "sum"

    def with_pca(self, components: int) -> Variant:
        """Return the variant with a PCA of so many components; 0 leaves it out."""
        if components < 0:
            raise InputError(f"a PCA has 1 component or more, 0 leaves it out; got {components}")
        return replace(self, components=components)

    def describe(self) -> str:
        """Return the name, and the PCA where there is one."""
        return f"{self.name}, PCA {self.components}" if self.components else self.name


VARIANTS: Registry[Variant] = Registry("variant of the protocol")
VARIANTS.add("insightface", Variant("insightface", "sum", centered=False, accuracy=ten_fold_accuracy))
VARIANTS.add("noflip", Variant("noflip", "none", centered=False, accuracy=ten_fold_accuracy))
VARIANTS.add("sphereface", Variant("sphereface", "concatenate", centered=True, accuracy=sphereface_accuracy))


def vectors_of(embedder: Embedder, variant: Variant) -> Vectors:
    """Return crops → vectors (N, D) of a variant.

    Raises:
        InputError: the embedder sums the mirror image and the variant does not, or the other way round.
    """
    contract = embedder.contract
    if contract.mirror != variant.sums_mirror:
        wanted = "with" if variant.sums_mirror else "without"
        raise InputError(f"the variant {variant.name} needs an embedder {wanted} mirror sum: load_embedder(mirror=…)")
    if variant.mirror != "concatenate":
        return Vectors.of(embedder)

    def both(crops: ImageArray) -> FloatArray:
        mirrored = np.ascontiguousarray(crops[:, :, ::-1])
        return np.concatenate([embedder.features(crops), embedder.features(mirrored)], axis=1)

    return Vectors(f"{contract.id}, both", 2 * contract.embedding_size, both)


def score_variant(
    vectors: FloatArray, pairs: Pairs, found: BoolArray, variant: Variant, no_face: float
) -> tuple[DoubleArray, FoldedAccuracy]:
    """Return the similarity of each pair (P,), that of its own fold where folds are transformed, and the accuracy.

    Args:
        vectors: (N, D) of the images, zero rows where no face was found.
        pairs: of the protocol.
        found: (N,) which images have a face.
        variant: see the top of this file.
        no_face: the similarity of pairs that have an image without one.

    Raises:
        InputError: more components than the other folds of a fold have images, or than D.
    """
    lost = ~(found[pairs.first] & found[pairs.second])
    if not (variant.centered or variant.components):
        similarities = pair_similarities(vectors, pairs.first, pairs.second)
        similarities[lost] = no_face
        return similarities, variant.accuracy(similarities, pairs.genuine, pairs.fold)
    folds = int(pairs.fold.max()) + 1
    rows = np.stack([_transformed(vectors, pairs, pairs.fold != fold, found, variant) for fold in range(folds)])
    rows[:, lost] = no_face
    per_fold = [variant.accuracy(row, pairs.genuine, pairs.fold) for row in rows]
    own = np.arange(len(pairs.fold))
    accuracy = FoldedAccuracy(
        folds=np.array([one.folds[fold] for fold, one in enumerate(per_fold)]),
        thresholds=np.array([one.thresholds[fold] for fold, one in enumerate(per_fold)]),
        accepted=np.stack([one.accepted for one in per_fold])[pairs.fold, own],
    )
    return rows[pairs.fold, own], accuracy


def _transformed(
    vectors: FloatArray, pairs: Pairs, train: BoolArray, found: BoolArray, variant: Variant
) -> DoubleArray:
    """Return the similarities (P,) after what the training pairs say: mean taken off, PCA, length 1."""
    images = np.concatenate([pairs.first[train], pairs.second[train]])  # an image counts as often as it is in a pair
    fitted = vectors[images[found[images]]].astype(np.float64)
    center = fitted.mean(axis=0)
    moved = vectors.astype(np.float64) - center
    if variant.components:
        moved = moved @ _principal(fitted - center, variant.components)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    unit = np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 0)
    return np.asarray(np.einsum("pd,pd->p", unit[pairs.first], unit[pairs.second]))


def _principal(centered: DoubleArray, components: int) -> DoubleArray:
    """Return the directions (D, components) of most variance."""
    count, size = centered.shape
    if components > min(count, size):
        raise InputError(f"a PCA of {components} components needs as many numbers and images; got {size} and {count}")
    directions: DoubleArray = np.linalg.eigh(centered.T @ centered)[1][:, ::-1][:, :components]
    return directions
