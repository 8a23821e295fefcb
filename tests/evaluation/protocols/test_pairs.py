from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.errors import DataError, ImageError
from marginface.evaluation import PairResult, Reader, evaluate_pairs
from marginface.evaluation.protocols.pairs import identities_by_folder
from marginface.evaluation.scoring.scores import NO_FACE, score_similarities
from marginface.metrics import ten_fold_accuracy
from marginface.values import ImageArray, Pairs
from oracles.colored_pairs import color_pairs, write_color
from oracles.mean_color import CARD, MeanColor


@dataclass
class CropOfPhoto:
    crop: ImageArray | None


class CornerCropper:
    """Stands in for FaceCropper: the top left corner is the face, and a black photo has none."""

    def crop(self, image: ImageArray) -> CropOfPhoto:
        return CropOfPhoto(image[:112, :112] if image.any() else None)


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    return color_pairs(tmp_path)


def test_each_image_is_embedded_once_and_the_numbers_are_those_of_its_pairs(pairs: Pairs) -> None:
    embedder = MeanColor()
    result = evaluate_pairs(embedder, pairs)
    assert embedder.crops_seen == len(pairs.images)
    crops = np.stack([np.asarray(Image.open(path)) for path in pairs.images])
    rows = MeanColor().embed(crops)
    np.testing.assert_allclose(result.similarities, (rows[pairs.first] * rows[pairs.second]).sum(axis=1), atol=1e-6)
    assert result.without_failures is None


def test_the_dictionary_has_the_promised_keys_and_is_json(pairs: Pairs) -> None:
    values = evaluate_pairs(MeanColor(), pairs).to_dict()
    promised = {"protocol", "pairs", "accuracy_mean", "accuracy_std", "accuracy_interval", "auc", "eer", "tar_at_far"}
    assert promised | {"failures_to_acquire", "contract", "seconds"} <= set(values)
    assert (values["protocol"], values["pairs"], values["impostor_pairs"]) == ("colors", 16, 8)
    assert (values["model"], values["mirror"], values["aligned"]) == ("mean-color", True, True)
    assert values["contract"] == CARD.contract(mirror=True).id
    assert json.loads(json.dumps(values)) == values


def test_an_image_without_a_face_is_counted_listed_and_makes_its_pairs_different(tmp_path: Path) -> None:
    pairs = color_pairs(tmp_path, size=150)
    write_color(pairs.images[4], (0, 0, 0), size=150)
    touched = (pairs.first == 4) | (pairs.second == 4)
    embedder = MeanColor()
    result = evaluate_pairs(embedder, pairs, Reader(cropper=CornerCropper()))  # type: ignore[arg-type]
    assert embedder.crops_seen == len(pairs.images) - 1
    assert result.failures == (pairs.images[4],)
    assert [result.short_name(path) for path in result.failures] == ["2/a.png"]
    assert (result.similarities[touched] == NO_FACE).all()
    assert (result.similarities[~touched] > NO_FACE).all()
    assert not result.scores.accuracy.accepted[touched].any()
    assert result.without_failures is not None
    assert len(result.without_failures.accepted) == 16 - touched.sum()
    assert result.to_dict()["accuracy_without_failures"] == result.without_failures.mean
    assert not set(np.flatnonzero(touched)) & {int(pair) for kind in result.hardest(16) for pair in kind}


def test_the_hardest_pairs_are_the_wrong_ones_in_order_without_failures() -> None:
    # 40 pairs set the threshold between 0.1 and 0.9; the rest are wrong, and −1 had no face
    similarities = np.array([0.9] * 20 + [0.1] * 20 + [0.05, -0.2, NO_FACE] + [0.95, 0.99])
    genuine = np.array([True] * 20 + [False] * 20 + [True] * 3 + [False] * 2)
    fold = np.arange(45) % 2
    pairs = Pairs("hand", (Path("a"), Path("b")), np.zeros(45, int), np.ones(45, int), genuine, fold)
    scores = score_similarities(similarities, genuine, ten_fold_accuracy(similarities, genuine, fold))
    result = PairResult(pairs, scores, (), None, "none", CARD.contract(), aligned=True, seconds=0.0)
    false_matches, false_non_matches = result.hardest(6)
    assert false_matches.tolist() == [44, 43]
    assert false_non_matches.tolist() == [41, 40]
    assert result.hardest(1)[0].tolist() == [44]


def test_progress_ends_at_the_number_of_images(pairs: Pairs) -> None:
    calls: list[tuple[int, int]] = []
    evaluate_pairs(MeanColor(), pairs, Reader(progress=lambda done, total: calls.append((done, total))))
    assert calls[-1] == (16, 16)


def test_missing_images_are_counted_with_examples_before_any_work(pairs: Pairs) -> None:
    pairs.images[3].unlink()
    embedder = MeanColor()
    with pytest.raises(DataError, match=r"1 of 16 images are missing, such as .*1.b\.png"):
        evaluate_pairs(embedder, pairs)
    assert embedder.crops_seen == 0


def test_a_crop_of_another_size_is_refused_by_name(pairs: Pairs) -> None:
    write_color(pairs.images[2], (9, 9, 9), size=96)
    with pytest.raises(DataError, match=r"1.a\.png: an aligned crop is 112×112 pixels; got 96×96.*marginface align"):
        evaluate_pairs(MeanColor(), pairs)


def test_an_image_that_cannot_be_decoded_is_an_error_and_not_a_missing_face(pairs: Pairs) -> None:
    pairs.images[2].write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"a\.png"):
        evaluate_pairs(MeanColor(), pairs)


def test_identities_come_from_folders_only_if_the_pairs_agree(pairs: Pairs) -> None:
    labels = identities_by_folder(pairs)
    assert labels is not None
    assert labels.tolist() == np.repeat(np.arange(8), 2).tolist()
    flipped = Pairs("wrong", pairs.images, pairs.first, pairs.second, ~pairs.genuine, pairs.fold)
    assert identities_by_folder(flipped) is None


def test_images_deeper_in_the_tree_belong_to_the_first_folder() -> None:
    images = tuple(Path(f"/data/{person}/{kind}/1.jpg") for person in "ab" for kind in ("frontal", "profile"))
    pairs = Pairs("deep", images, np.array([0, 0]), np.array([1, 2]), np.array([True, False]), np.array([0, 1]))
    labels = identities_by_folder(pairs)
    assert labels is not None
    assert labels.tolist() == [0, 0, 1, 1]


def test_more_images_than_a_batch_keep_their_order(tmp_path: Path) -> None:
    images = tuple(write_color(tmp_path / f"{i}.png", (70 + i, 140, 200 - i)) for i in range(130))
    first, second = np.arange(0, 130, 2), np.arange(1, 130, 2)
    pairs = Pairs("many", images, first, second, np.arange(65) % 3 == 0, np.arange(65) % 2)
    result: PairResult = evaluate_pairs(MeanColor(), pairs, Reader(workers=3))
    rows = MeanColor().embed(np.stack([np.asarray(Image.open(path)) for path in images]))
    np.testing.assert_allclose(result.similarities, (rows[first] * rows[second]).sum(axis=1), atol=1e-6)
