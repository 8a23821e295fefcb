"""A pack gives the numbers of the folder whose crops it holds."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from marginface.data.pairs.binpack import open_pack
from marginface.data.pairs.lfw import lfw_pairs
from marginface.errors import DataError, UnreadableImage
from marginface.evaluation import PairResult, Reader, crop_reader, evaluate_pairs, measure, protocol_cropper
from marginface.evaluation.reports.single import result_lines, result_report
from marginface.values import Pairs
from oracles.mean_color import MeanColor
from oracles.packs import write_pack

STYLES = [{"protocol": 4}, {"protocol": 2}, {"protocol": 2, "python2": True}, {"protocol": 0, "python2": True}]


def folder_protocol(folder: Path, pairs: int = 40, people: int = 16) -> Pairs:
    """Pairs of crops in folders of people; every other one is genuine, and the folds are in order."""
    random = np.random.default_rng(0)
    images = []
    for person in range(people):
        color = random.integers(60, 240, 3)
        (folder / f"{person:02d}").mkdir(parents=True)
        for number in range(2):
            images.append(folder / f"{person:02d}" / f"{number}.png")
            shade = tuple(int(value) for value in np.clip(color + random.integers(-25, 26, 3), 0, 255))
            Image.new("RGB", (112, 112), shade).save(images[-1])
    genuine = np.arange(pairs) % 2 == 0
    first = 2 * random.integers(0, people, pairs)
    second = np.where(genuine, first + 1, (first + 2 * random.integers(1, people, pairs)) % (2 * people))
    fold = np.repeat(np.arange(10), pairs // 10)
    return Pairs("colors", tuple(images), first, second, genuine, fold)


def pack_of(pairs: Pairs, path: Path, **style: Any) -> Path:
    """Write the files of a protocol as a pack, pair by pair."""
    places = np.stack([pairs.first, pairs.second], axis=1).ravel()
    encoded = [pairs.images[place].read_bytes() for place in places]
    return write_pack(path, encoded, pairs.genuine.tolist(), **style)


def evaluate_pack(path: Path, embedder: Any) -> PairResult:
    pack = open_pack(path)
    return evaluate_pairs(embedder, pack.pairs, Reader(pack))


def comparable(result: PairResult) -> dict[str, Any]:
    """Return the numbers that folder and pack share; a pack does not know who the people are, nor unused files."""
    values = result.to_dict()
    over_people = ("accuracy_interval_identities", "auc_interval", "eer_interval", "auc_and_eer_interval_method")
    for key in ("protocol", "seconds", "images", *over_people):
        del values[key]
    for point in values["tar_at_far"]:
        point.pop("interval_identities", None)
    return values


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_the_numbers_of_a_pack_are_those_of_the_folder(tmp_path: Path, style: dict[str, Any]) -> None:
    pairs = folder_protocol(tmp_path / "crops")
    of_folder = evaluate_pairs(MeanColor(gray=100), pairs)
    embedder = MeanColor(gray=100)
    of_pack = evaluate_pack(pack_of(pairs, tmp_path / "colors.bin", **style), embedder)
    assert 0.55 < of_folder.scores.accuracy.mean < 0.99, "a protocol without errors would show little"
    np.testing.assert_array_equal(of_pack.similarities, of_folder.similarities)
    assert comparable(of_pack) == comparable(of_folder)
    assert of_pack.to_dict()["protocol"] == "colors.bin"
    used = len(np.unique([pairs.first, pairs.second]))
    assert (embedder.crops_seen, of_pack.to_dict()["images"]) == (used, used), "images of several pairs count once"


def test_the_hardest_errors_of_a_pack_are_shown_by_name(tmp_path: Path) -> None:
    pairs = folder_protocol(tmp_path / "crops")
    pack = open_pack(pack_of(pairs, tmp_path / "colors.bin"))
    result = evaluate_pairs(MeanColor(gray=100), pack.pairs, Reader(pack))
    measured = measure(result, crop_reader(None, pack))
    errors = [*measured.false_matches, *measured.false_non_matches]
    assert errors
    for error in errors:
        for name, crop in zip(error.names, (error.first, error.second), strict=True):
            assert name.startswith("colors.bin#")
            np.testing.assert_array_equal(crop, pack.read(tmp_path / name))


def test_a_pack_says_that_its_people_are_not_known(tmp_path: Path) -> None:
    pairs = folder_protocol(tmp_path / "crops")
    result = evaluate_pack(pack_of(pairs, tmp_path / "colors.bin"), MeanColor(gray=100))
    assert result.to_dict()["accuracy_interval_identities"] is None
    assert ("", "", "no interval: identities not known") in result_lines(result)
    report = result_report(result, lambda _: None)
    assert report.data["identities"] == "not known: no interval over them"
    assert (
        result_report(evaluate_pairs(MeanColor(gray=100), pairs), crop_reader(None)).data["identities"]
        == "from the folders"
    )


def test_an_image_that_does_not_decode_ends_the_evaluation_with_its_name(tmp_path: Path) -> None:
    pairs = folder_protocol(tmp_path / "crops")
    pairs.images[pairs.second[3]].write_bytes(b"no image")
    place = int(np.flatnonzero(np.stack([pairs.first, pairs.second], axis=1).ravel() == pairs.second[3])[0])
    with pytest.raises(UnreadableImage, match=rf"colors.bin#{place}: "):
        evaluate_pack(pack_of(pairs, tmp_path / "colors.bin"), MeanColor(gray=100))


def test_pairs_and_another_pack_do_not_go_together(tmp_path: Path) -> None:
    pairs = folder_protocol(tmp_path / "crops")
    one, other = (open_pack(pack_of(pairs, tmp_path / name)) for name in ("one.bin", "other.bin"))
    with pytest.raises(DataError, match=r"one.bin: .* images are missing, such as .*one.bin#0"):
        evaluate_pairs(MeanColor(gray=100), one.pairs, Reader(other))


def test_decoded_crops_are_streamed(tmp_path: Path) -> None:
    pairs = folder_protocol(tmp_path / "crops", pairs=1000, people=600)
    pack = open_pack(pack_of(pairs, tmp_path / "colors.bin"))
    together = len(pack.pairs.images) * 112 * 112 * 3
    assert together > 30_000_000
    tracemalloc.start()
    try:
        evaluate_pairs(MeanColor(gray=100), pack.pairs, Reader(pack))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < together / 2, "two batches of crops, not all of them, and never as float32"


def test_sface_decides_a_pack_of_lfw_as_it_decides_the_folder(tmp_path: Path, shared_data: Path) -> None:
    from marginface.embedding import load_embedder

    pairs = piece(lfw_pairs(shared_data / "lfw", shared_data / "lfw_meta" / "pairs.txt"), per_kind=3)
    cropper, crops = protocol_cropper(), []
    for path in pairs.images:
        crop = crop_reader(cropper)(path)
        assert crop is not None
        crops.append(tmp_path / "crops" / path.parent.name / f"{path.stem}.png")
        crops[-1].parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(crops[-1])
    pairs = replace(pairs, images=tuple(crops))
    embedder = load_embedder("sface", mirror=True)
    of_folder = evaluate_pairs(embedder, pairs)
    for style in ({"protocol": 4}, {"protocol": 2, "python2": True}):
        of_pack = evaluate_pack(pack_of(pairs, tmp_path / "lfw.bin", **style), embedder)
        np.testing.assert_allclose(of_pack.similarities, of_folder.similarities, atol=1e-5)
        assert of_pack.scores.accuracy.folds.tolist() == of_folder.scores.accuracy.folds.tolist()
        assert of_pack.scores.accuracy.mean == of_folder.scores.accuracy.mean >= 0.95
        assert of_pack.scores.auc == pytest.approx(of_folder.scores.auc, abs=1e-6)


def piece(pairs: Pairs, per_kind: int) -> Pairs:
    """The first pairs of each kind of every fold, and the images they use."""
    kinds = [(pairs.fold == fold) & (pairs.genuine == kind) for fold in range(10) for kind in (True, False)]
    chosen = np.concatenate([np.flatnonzero(kind)[:per_kind] for kind in kinds])
    used, places = np.unique(np.stack([pairs.first[chosen], pairs.second[chosen]]), return_inverse=True)
    first, second = places.reshape(2, -1)
    images = tuple(pairs.images[index] for index in used)
    return Pairs("lfw", images, first, second, pairs.genuine[chosen], pairs.fold[chosen])
