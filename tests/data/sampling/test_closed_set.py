"""Photos kept out for closed set beside open set: who lends one, and that none of them is trained on."""

from __future__ import annotations

import numpy as np
import pytest

from marginface.data.sampling.closed_set import GALLERY_IMAGES, ClosedAndOpen, SearchedCrops, keep_out_probes
from marginface.data.sampling.holdout import split
from marginface.data.source import ArrayCrops, Subset, subset
from marginface.errors import DataError


def people(sizes: list[int]) -> ArrayCrops:
    """Return crops whose first pixel says which one it is."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    crops = np.zeros((len(labels), 112, 112, 3), np.uint8)
    crops[:, 0, 0, 0] = np.arange(len(labels))
    return ArrayCrops(crops, labels, tuple(f"person {i}" for i in range(len(sizes))))


def parts(sizes: list[int], most: int, seed: int = 0) -> tuple[Subset, Subset, Subset, ClosedAndOpen]:
    train, held_out = split(people(sizes), len(sizes) // 2, seed)
    kept, searched = keep_out_probes(train, held_out, most, seed)
    return train, held_out, kept, searched


def images(source: Subset) -> list[int]:
    return source.read(np.arange(len(source.labels)))[:, 0, 0, 0].tolist()


def probes(side: SearchedCrops) -> list[int]:
    return np.asarray(images(side.source))[side.is_probe].tolist()


def test_the_searched_photos_are_not_trained_on_and_all_others_are() -> None:
    train, _, kept, searched = parts([8, 7, 6, 5, 8, 7, 6, 5], most=4)
    assert sorted(images(kept) + probes(searched.closed)) == sorted(images(train))
    assert not set(images(kept)) & set(probes(searched.closed))
    assert kept.identities == train.identities
    before = dict(zip(images(train), train.labels.tolist(), strict=True))
    assert [before[image] for image in images(kept)] == kept.labels.tolist()


def test_both_searches_have_as_many_identities_each_with_one_probe_and_some_others() -> None:
    train, held_out, _, searched = parts([20, 3, 4, 5, 20, 3, 4, 5], most=100)
    for side, origin in ((searched.closed, train), (searched.open, held_out)):
        labels = side.source.labels
        assert len(side.source.identities) == 4
        assert np.bincount(labels, weights=side.is_probe).tolist() == [1, 1, 1, 1]
        counts = np.bincount(labels[~side.is_probe])
        assert counts.min() >= 2
        assert counts.max() <= GALLERY_IMAGES
        names = dict(zip(images(origin), (origin.identities[label] for label in origin.labels), strict=True))
        assert [names[image] for image in images(side.source)] == [side.source.identities[label] for label in labels]
        assert len(set(images(side.source))) == len(labels)


def test_the_smaller_side_decides_how_many_are_searched() -> None:
    source = people([3] * 10)
    train, held_out = split(source, 2, seed=0)
    _, searched = keep_out_probes(train, held_out, 5, seed=0)
    assert [len(side.source.identities) for side in (searched.closed, searched.open)] == [2, 2]


def test_who_has_two_images_lends_none() -> None:
    source = people([2, 9, 2, 2, 3, 3])
    train, held_out = subset(source, [0, 1, 2]), subset(source, [3, 4, 5])
    kept, searched = keep_out_probes(train, held_out, 5, seed=0)
    assert searched.closed.source.identities == ("person 1",)
    assert np.bincount(kept.labels).tolist() == [2, 8, 2]


def test_a_side_on_which_nobody_has_three_images_is_refused() -> None:
    source = people([2, 2, 2, 9, 9, 9])
    with pytest.raises(DataError, match=r"0 of training and 3 of held-out identities have so many"):
        keep_out_probes(subset(source, [0, 1, 2]), subset(source, [3, 4, 5]), 5, seed=0)


def test_the_seed_decides_who_is_searched() -> None:
    first, again, other = (images(parts([9] * 26, most=8, seed=seed)[3].closed.source) for seed in (0, 0, 1))
    assert first == again
    assert first != other
