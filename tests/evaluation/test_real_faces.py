"""A piece of LFW View 2 from photos to numbers; skipped where the photos are absent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from marginface.data.pairs.lfw import lfw_pairs
from marginface.embedding import load_embedder
from marginface.evaluation import Reader, crop_reader, evaluate_pairs, measure, protocol_cropper
from marginface.values import Pairs


def piece(pairs: Pairs, per_kind: int) -> Pairs:
    """The first pairs of each kind of the first two folds, and the images they use."""
    chosen = np.concatenate(
        [
            np.flatnonzero((pairs.fold == fold) & (pairs.genuine == kind))[:per_kind]
            for fold in (0, 1)
            for kind in (True, False)
        ]
    )
    used, places = np.unique(np.stack([pairs.first[chosen], pairs.second[chosen]]), return_inverse=True)
    first, second = places.reshape(2, -1)
    images = tuple(pairs.images[index] for index in used)
    return replace(
        pairs, images=images, first=first, second=second, genuine=pairs.genuine[chosen], fold=pairs.fold[chosen]
    )


def test_sface_tells_people_of_lfw_apart(shared_data: Path) -> None:
    pairs = piece(lfw_pairs(shared_data / "lfw", shared_data / "lfw_meta" / "pairs.txt"), per_kind=8)
    cropper = protocol_cropper()
    result = evaluate_pairs(load_embedder("sface", mirror=True), pairs, Reader(cropper=cropper))
    assert result.failures == ()
    assert result.scores.accuracy.mean >= 0.95
    assert result.scores.auc > 0.99
    assert result.scores.identity_interval is not None, "LFW's folders are its identities"
    assert measure(result, crop_reader(cropper)).protocol == "lfw:pairs"
