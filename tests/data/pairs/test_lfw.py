from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marginface.data.pairs.lfw import lfw_pairs
from marginface.errors import DataError

VIEW_2 = "2\t1\nAnn\t1\t2\nBo\t1\tCy\t3\nBo\t1\t2\nAnn\t2\tCy\t3\n"


@pytest.fixture
def lfw(tmp_path: Path) -> Path:
    for name, number, suffix in [
        ("Ann", 1, "jpg"),
        ("Ann", 2, "png"),
        ("Bo", 1, "jpg"),
        ("Bo", 2, "jpg"),
        ("Cy", 3, "jpg"),
    ]:
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / f"{name}_{number:04d}.{suffix}").write_bytes(b"")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "pairs.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_view_2_reads_as_folds_of_genuine_then_impostor_pairs(lfw: Path) -> None:
    pairs = lfw_pairs(lfw, write(lfw, VIEW_2))
    names = [path.stem for path in pairs.images]
    read = [(names[a], names[b]) for a, b in zip(pairs.first, pairs.second, strict=True)]
    assert read == [("Ann_0001", "Ann_0002"), ("Bo_0001", "Cy_0003"), ("Bo_0001", "Bo_0002"), ("Ann_0002", "Cy_0003")]
    assert pairs.genuine.tolist() == [True, False, True, False]
    assert pairs.fold.tolist() == [0, 0, 1, 1]
    assert all(path.is_file() for path in pairs.images)


def test_view_1_has_one_number_on_top_and_one_fold(lfw: Path) -> None:
    pairs = lfw_pairs(lfw, write(lfw, "2\nAnn 1 2\nBo 1 2\nAnn 1 Cy 3\nBo 2 Cy 3\n"))
    assert pairs.genuine.tolist() == [True, True, False, False]
    assert pairs.fold.tolist() == [0] * 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"expected '10 300'"),
        ("Ann 1 2\n", r"expected '10 300'"),
        ("0 300\n", r"expected '10 300'"),
        (VIEW_2 + "Ann\t1\t2\n", r"promises 2 × 2 × 1 = 4 pairs; got 5"),
        (VIEW_2.replace("Bo\t1\t2", "Bo\tone\t2"), r"pairs.txt:4: expected 'Name 1 2'"),
        (VIEW_2.replace("Bo\t1\t2", "Bo\t1\tCy\t3"), r"pairs.txt:4: expected a genuine pair"),
        (VIEW_2.replace("Cy\t3", "Cy\t9"), r"1 of 5 images .* Cy/Cy_0009.jpg.*the LFW layout"),
    ],
)
def test_a_list_of_another_layout_is_refused_with_the_line(lfw: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        lfw_pairs(lfw, write(lfw, text))


def test_a_missing_list_is_named(lfw: Path) -> None:
    with pytest.raises(DataError, match=r"absent.txt: expected a protocol file"):
        lfw_pairs(lfw, lfw / "absent.txt")


def test_the_official_view_2_has_6000_pairs_of_7701_images(shared_data: Path) -> None:
    pairs = lfw_pairs(shared_data / "lfw", shared_data / "lfw_meta/pairs.txt")
    assert (len(pairs), len(pairs.images), int(pairs.genuine.sum())) == (6000, 7701, 3000)
    ends = [pairs.images[i].name for i in (pairs.first[0], pairs.second[0], pairs.first[-1], pairs.second[-1])]
    assert ends == ["Abel_Pacheco_0001.jpg", "Abel_Pacheco_0004.jpg", "Slobodan_Milosevic_0002.jpg", "Sok_An_0001.jpg"]
    assert np.bincount(pairs.fold).tolist() == [600] * 10
    same = [pairs.images[a].parent == pairs.images[b].parent for a, b in zip(pairs.first, pairs.second, strict=True)]
    assert same == pairs.genuine.tolist()


def test_view_1_asks_for_images_that_are_not_in_this_copy_of_lfw(shared_data: Path) -> None:
    with pytest.raises(DataError, match=r"images of the protocol are not there: AJ_Cook"):
        lfw_pairs(shared_data / "lfw", shared_data / "lfw_meta/pairsDevTrain.txt")
