"""The variants of the pair protocol against each paper's procedure written out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from marginface.contract import Contract, ModelCard
from marginface.errors import InputError, UnknownName
from marginface.evaluation.protocols.pairs import evaluate_pairs
from marginface.evaluation.scoring.scores import NO_FACE
from marginface.evaluation.scoring.variants import VARIANTS, score_variant
from marginface.metrics import ten_fold_accuracy
from marginface.similarity import l2_normalize
from marginface.values import FloatArray, ImageArray, Pairs
from oracles.colored_pairs import color_pairs
from oracles.variants import rows_by_fold, sphereface

CARD = ModelCard(name="halves", file="x.onnx", sha256="0" * 64, license="none", embedding_size=6)


@dataclass
class Halves:
    """The mean colors of the left and the right half: the mirror image has them the other way round."""

    mirror: bool = False
    contract: Contract = field(init=False)
    card: ModelCard = CARD

    def __post_init__(self) -> None:
        self.contract = CARD.contract(mirror=self.mirror)

    def features(self, crops: ImageArray) -> FloatArray:
        halves = (crops[:, :, :56].mean(axis=(1, 2)), crops[:, :, 56:].mean(axis=(1, 2)))
        plain = np.concatenate([*halves], axis=1) - 60
        return (plain + np.concatenate(halves[::-1], axis=1) - 60 if self.mirror else plain).astype(np.float32)

    def embed(self, crops: ImageArray) -> FloatArray:
        return l2_normalize(self.features(crops))


def drawn(seed: int, count: int = 60, size: int = 8) -> tuple[FloatArray, Pairs]:
    """Features (N, D) with a mean and a few strong directions, and pairs in three folds."""
    rng = np.random.default_rng(seed)
    people = rng.normal(size=(12, size)) * np.linspace(2, 0.3, size) + 1
    owner = np.repeat(np.arange(12), 4)
    features = (people[owner] + rng.normal(0, 0.6, (48, size))).astype(np.float32)
    genuine = np.arange(count) % 2 == 0
    first = rng.integers(0, 48, count)
    same = np.array([rng.choice(np.flatnonzero((owner == owner[f]) & (np.arange(48) != f))) for f in first])
    other = np.array([rng.choice(np.flatnonzero(owner != owner[f])) for f in first])
    images = tuple(Path(f"{n}.png") for n in range(48))
    return features, Pairs("drawn", images, first, np.where(genuine, same, other), genuine, np.arange(count) % 3)


@pytest.mark.parametrize("components", [0, 3])
def test_sphereface_is_the_papers_procedure(components: int) -> None:
    features, pairs = drawn(1, count=24)
    variant = VARIANTS["sphereface"].with_pca(components)
    similarities, accuracy = score_variant(features, pairs, np.ones(48, bool), variant, NO_FACE)
    left, right = features[pairs.first], features[pairs.second]
    assert accuracy.folds == pytest.approx(sphereface(left, right, pairs.genuine, pairs.fold, components))
    rows = np.array(rows_by_fold(left, right, pairs.fold, centered=True, components=components))
    assert similarities == pytest.approx(rows[pairs.fold, np.arange(24)], abs=1e-6)
    assert 0.6 < accuracy.mean < 1


def test_insightfaces_pca_is_fitted_on_the_other_folds() -> None:
    features, pairs = drawn(2)
    unit = l2_normalize(features)
    variant = VARIANTS["insightface"].with_pca(4)
    _, accuracy = score_variant(unit, pairs, np.ones(48, bool), variant, NO_FACE)
    rows = rows_by_fold(unit[pairs.first], unit[pairs.second], pairs.fold, centered=False, components=4)
    expected = [
        ten_fold_accuracy(np.array(row), pairs.genuine, pairs.fold).folds[fold] for fold, row in enumerate(rows)
    ]
    assert accuracy.folds == pytest.approx(expected)


def test_variants_take_what_they_need_of_the_mirror_image(tmp_path: Path) -> None:
    pairs = color_pairs(tmp_path)
    for name, mirror in (("insightface", True), ("noflip", False), ("sphereface", False)):
        result = evaluate_pairs(Halves(mirror), pairs, variant=VARIANTS[name])
        assert result.to_dict()["variant"] == name
        with pytest.raises(InputError, match=f"the variant {name} needs an embedder with"):
            evaluate_pairs(Halves(not mirror), pairs, variant=VARIANTS[name])


def test_a_pair_without_a_face_is_different_in_every_variant() -> None:
    features, pairs = drawn(3)
    found = np.ones(48, bool)
    found[pairs.first[4]] = False
    features[~found] = 0
    for name in VARIANTS:
        similarities, accuracy = score_variant(features, pairs, found, VARIANTS[name], NO_FACE)
        lost = ~(found[pairs.first] & found[pairs.second])
        assert (similarities[lost] == NO_FACE).all()
        assert not accuracy.accepted[lost].any()


def test_what_cannot_be_is_said() -> None:
    features, pairs = drawn(3)
    with pytest.raises(UnknownName, match=r"Did you mean 'sphereface'"):
        VARIANTS["spherface"]
    with pytest.raises(InputError, match="1 component or more"):
        VARIANTS["noflip"].with_pca(-1)
    with pytest.raises(InputError, match="a PCA of 9 components needs"):
        score_variant(features, pairs, np.ones(48, bool), VARIANTS["noflip"].with_pca(9), NO_FACE)
