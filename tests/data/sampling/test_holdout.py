from __future__ import annotations

import numpy as np
import pytest

from marginface.data.sampling.holdout import split, verification_pairs
from marginface.data.source import ArrayCrops
from marginface.errors import DataError, InputError


def source_of(counts: list[int]) -> ArrayCrops:
    labels = np.repeat(np.arange(len(counts)), counts)
    pixels = np.zeros((len(labels), 112, 112, 3), dtype=np.uint8)
    return ArrayCrops(pixels, labels, tuple(f"who-{i}" for i in range(len(counts))))


def test_a_split_shares_no_identity_and_loses_no_image() -> None:
    source = source_of([3, 1, 2, 5, 1, 4, 2, 2])
    train, held = split(source, 3, seed=0)
    assert set(train.identities) | set(held.identities) == set(source.identities)
    assert not set(train.identities) & set(held.identities)
    assert len(held.identities) == 3
    assert sorted([*train.indices.tolist(), *held.indices.tolist()]) == list(range(20))


def test_only_identities_with_two_images_are_held_out() -> None:
    _, held = split(source_of([1, 1, 1, 1, 2, 3, 1, 1]), 2, seed=5)
    assert held.identities == ("who-4", "who-5")


def test_a_fraction_means_that_share_of_the_identities_and_the_seed_decides_which() -> None:
    source = source_of([2] * 40)
    chosen = [split(source, 0.25, seed)[1].identities for seed in (0, 0, 1)]
    assert len(chosen[0]) == 10
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize("held_out", [0, 9, 0.001, 7])
def test_a_split_that_leaves_nothing_to_train_or_to_test_is_refused(held_out: float) -> None:
    with pytest.raises(DataError, match="Hold out 1 to 6"):
        split(source_of([2] * 8), held_out, seed=0)


def test_pairs_are_balanced_distinct_true_to_their_mark_and_folds_share_no_identity() -> None:
    source = source_of([2, 9, 4, 3, 3, 6, 2, 8, 5, 4, 3, 3])
    pairs = verification_pairs(source, 40, folds=4, seed=1)
    assert len(pairs) == 40
    seen = [set() for _ in range(4)]
    for a, b, genuine, fold in zip(pairs.first, pairs.second, pairs.genuine, pairs.fold, strict=True):
        assert a != b
        assert (source.labels[a] == source.labels[b]) == genuine
        seen[fold] |= {int(source.labels[a]), int(source.labels[b])}
    assert sum(len(part) for part in seen) == len(set().union(*seen))
    assert len({frozenset(p) for p in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}) == 40
    assert [int(pairs.genuine[pairs.fold == fold].sum()) for fold in range(4)] == [5] * 4


def test_one_person_with_many_photos_does_not_fill_the_genuine_pairs() -> None:
    source = source_of([200, 4, 4, 4])
    pairs = verification_pairs(source, 48, folds=1, seed=0)
    counts = np.bincount(source.labels[pairs.first[pairs.genuine]], minlength=4)
    assert counts.tolist() == [6, 6, 6, 6]


def test_pairs_are_a_function_of_the_seed() -> None:
    source = source_of([4] * 20)
    first = [verification_pairs(source, 40, 10, seed).first.tolist() for seed in (0, 0, 1)]
    assert first[0] == first[1] != first[2]


def test_too_few_identities_or_images_are_an_error_that_counts_them() -> None:
    with pytest.raises(DataError, match=r"20 identities with two or more images; got 5"):
        verification_pairs(source_of([2] * 5), 20, folds=10)
    with pytest.raises(DataError, match=r"needs 5 genuine and 5 impostor pairs; its 2 identities give 2 and 4"):
        verification_pairs(source_of([2, 2]), 10, folds=1)
    with pytest.raises(InputError, match="multiple of 2 × folds"):
        verification_pairs(source_of([2] * 40), 30, folds=10)
