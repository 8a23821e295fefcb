from __future__ import annotations

import numpy as np
import pytest

from marginface.data.source import ArrayCrops, subset
from marginface.errors import DataError, InputError


def crops_of(labels: list[int]) -> ArrayCrops:
    """Each crop is filled with its own index."""
    pixels = np.zeros((len(labels), 112, 112, 3), dtype=np.uint8)
    pixels += np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    return ArrayCrops(pixels, np.array(labels), tuple("abcdefgh"[: max(labels) + 1]))


def test_a_subset_keeps_only_its_identities_and_renumbers_them_in_the_order_given() -> None:
    part = subset(crops_of([0, 1, 2, 1, 0, 2]), [2, 0])
    assert part.identities == ("c", "a")
    assert part.labels.tolist() == [1, 0, 1, 0]
    assert part.read(np.arange(4))[:, 0, 0, 0].tolist() == [0, 2, 4, 5]


def test_a_subset_of_a_subset_reads_the_right_crops() -> None:
    inner = subset(subset(crops_of([0, 1, 2, 1, 0, 2]), [2, 1]), [1])
    assert inner.identities == ("b",)
    assert inner.read(np.array([1, 0]))[:, 0, 0, 0].tolist() == [3, 1]


def test_the_fingerprint_changes_with_pixels_labels_names_and_the_choice() -> None:
    source = crops_of([0, 1, 2, 1])
    pixels = source.crops.copy()
    pixels[2, 3, 4, 1] ^= 1
    prints = {
        source.fingerprint(),
        ArrayCrops(pixels, source.labels, source.identities).fingerprint(),
        ArrayCrops(source.crops, np.array([0, 1, 2, 2]), source.identities).fingerprint(),
        ArrayCrops(source.crops, source.labels, ("a", "b", "d")).fingerprint(),
        subset(source, [0, 1]).fingerprint(),
        subset(source, [1, 0]).fingerprint(),
    }
    assert len(prints) == 6
    assert crops_of([0, 1, 2, 1]).fingerprint() == source.fingerprint()


def test_what_is_read_can_be_written_to_without_changing_the_source() -> None:
    source = crops_of([0, 0])
    source.read(np.array([1]))[:] = 99
    assert source.read(np.array([1])).max() == 1


@pytest.mark.parametrize("labels", [[], [0, 0], [3], [-1]])
def test_a_subset_of_wrong_labels_is_refused(labels: list[int]) -> None:
    with pytest.raises(InputError):
        subset(crops_of([0, 1, 2]), labels)


@pytest.mark.parametrize("indices", [[3], [-1], [[0, 1]]])
def test_indices_outside_the_source_are_refused(indices: list[int]) -> None:
    with pytest.raises(InputError, match=r"indices are \(n,\) in 0..2"):
        crops_of([0, 1, 2]).read(np.array(indices))


def test_crops_of_another_size_are_refused() -> None:
    with pytest.raises(DataError, match="got uint8"):
        ArrayCrops(np.zeros((2, 96, 112, 3), dtype=np.uint8), np.zeros(2, dtype=np.int64), ("a",))
