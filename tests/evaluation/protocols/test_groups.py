"""RFW and BFW in their published layouts against loops over the files, thresholds of a group's own and common ones."""

from __future__ import annotations

import csv
import json
import shutil
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest
from PIL import Image

from marginface.data.pairs.bfw import read_bfw
from marginface.data.pairs.rfw import read_rfw
from marginface.data.synthetic.layouts.grouped_pairs import RACES, SUBGROUPS, GroupPlan, write_bfw, write_rfw
from marginface.errors import DataError, InputError
from marginface.evaluation.protocols.groups import GroupResult, GroupScores, evaluate_groups
from marginface.evaluation.reading import Reader
from marginface.evaluation.reports.lines import group_lines
from marginface.images import read_image
from oracles.coarse import Coarse, coarse
from oracles.scores import accuracies_by_fold, best_tar_within, rates

PLAN = GroupPlan(people=6, images=3, folds=4, per_fold=6, strength={"African": 1.0, "black_males": 1.0}, seed=2)
Listed = list[tuple[list[float], list[float], bool, int]]  # two vectors, genuine, fold


def unit(path: Path) -> list[float]:
    feature = coarse(read_image(path)).astype(float)
    return (feature / np.linalg.norm(feature)).tolist()


def listed_rfw(root: Path) -> dict[str, Listed]:
    """The pairs of each race, from the files alone: 6 genuine and 6 impostor pairs a fold."""
    found = {}
    for race in RACES:
        pairs = []
        for number, line in enumerate((root / "txts" / race / f"{race}_pairs.txt").read_text().splitlines()):
            words = line.split("\t")
            first, second = (words[0], words[1]), (words[-2] if len(words) == 4 else words[0], words[-1])
            paths = (root / "data" / race / who / f"{who}_{int(image):04d}.png" for who, image in (first, second))
            pairs.append((*map(unit, paths), len(words) == 3, number // 12))
        found[race] = pairs
    return found


def listed_bfw(root: Path, by: str) -> dict[str, Listed]:
    found = defaultdict(list)
    with (root / "bfw.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            pair = unit(root / row["p1"]), unit(root / row["p2"]), row["label"] == "1", int(row["fold"]) - 1
            found[" × ".join(sorted({row[f"{by}1"], row[f"{by}2"]}))].append(pair)
    return dict(found)


def accuracy(pairs: Listed) -> tuple[list[float], list[float]]:
    return accuracies_by_fold(*([pair[part] for pair in pairs] for part in range(4)))


def dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def assert_same(result: GroupResult, listed: dict[str, Listed]) -> None:
    everything = [pair for pairs in listed.values() for pair in pairs]
    _, thresholds = accuracy(everything)
    assert {group.name for group in result.groups} == set(listed)
    for group in result.groups:
        pairs = listed[group.name]
        own, _ = accuracy(pairs)
        assert group.own.accuracy.folds.tolist() == pytest.approx(own)
        right = [(2 - 2 * dot(a, b) < thresholds[fold]) == same for a, b, same, fold in pairs]
        assert group.common_accuracy == pytest.approx(mean(right))
        genuine, impostor = ([dot(a, b) for a, b, same, _ in pairs if same is kind] for kind in (True, False))
        for point in group.own.tar_at_far:
            assert point.tar == pytest.approx(best_tar_within(genuine, impostor, point.far))
        (part,) = [part for part in result.rates.parts if part.name == group.name]
        assert part.fmr is not None
        assert part.fnmr is not None
        fmr, tmr = rates(genuine, impostor, result.rates.threshold - 1e-6)  # it is one of them, in float32
        assert (part.fmr.share, part.fnmr.share) == (pytest.approx(fmr), pytest.approx(1 - tmr))
    accuracies = [mean(accuracy(pairs)[0]) for pairs in listed.values()]
    spread = result.spread()
    assert spread["mean"] == pytest.approx(mean(accuracies))
    assert spread["standard_deviation"] == pytest.approx(stdev(accuracies))
    assert spread["skewed_error_ratio"] == pytest.approx((1 - min(accuracies)) / (1 - max(accuracies)))


def own_accuracy(group: GroupScores) -> float:
    return group.own.accuracy.mean


def common_accuracy(group: GroupScores) -> float:
    return group.common_accuracy


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("groups")
    write_rfw(root / "rfw", PLAN)
    write_bfw(root / "bfw", PLAN)
    return root


@pytest.fixture
def rfw(drawn: Path, tmp_path: Path) -> Path:
    return shutil.copytree(drawn / "rfw", tmp_path / "rfw")


@pytest.fixture
def bfw(drawn: Path, tmp_path: Path) -> Path:
    return shutil.copytree(drawn / "bfw", tmp_path / "bfw")


def test_every_number_of_rfw_is_that_of_loops_over_its_files(rfw: Path) -> None:
    data = read_rfw(rfw)
    assert (len(data.pairs), int(data.pairs.fold.max())) == (4 * 48, 3)
    result = evaluate_groups(Coarse(), data, fars=[0.1])
    assert_same(result, listed_rfw(rfw))
    own, common = ([value(group) for group in result.groups] for value in (own_accuracy, common_accuracy))
    assert len(set(own)) > 1
    assert own != common


def test_every_number_of_bfw_is_that_of_loops_over_its_table(bfw: Path) -> None:
    for by in ("att", "g"):
        assert_same(evaluate_groups(Coarse(), read_bfw(bfw, bfw / "bfw.csv", by), fars=[0.1]), listed_bfw(bfw, by))
    data = read_bfw(bfw, bfw / "bfw.csv")
    assert tuple(sorted(set(data.groups))) == SUBGROUPS
    assert len(np.unique(data.people)) == 8 * PLAN.people


def test_pairs_of_two_groups_are_a_group_that_has_no_accuracy_of_its_own(bfw: Path) -> None:
    table = bfw / "bfw.csv"
    lines = table.read_text().splitlines()
    paths = "asian_females/n000001/0001_01.png", "white_males/n000002/0002_01.png"
    lines += [f"{fold},{paths[0]},{paths[1]},0,1,2,asian_females,white_males,AF,WM,F,M,A,W" for fold in (1, 2)]
    table.write_text("\n".join(lines) + "\n")
    result = evaluate_groups(Coarse(), read_bfw(bfw, table))
    assert result.unscored == ("asian_females × white_males",)
    (part,) = [part for part in result.rates.parts if "×" in part.name]
    assert (part.fnmr, part.fmr is not None and part.fmr.trials) == (None, 2)


def test_where_a_folder_is_no_person_the_columns_of_ids_say_who_is(bfw: Path) -> None:
    """All images in one folder: the people are those of id1 and id2."""
    plain = read_bfw(bfw, bfw / "bfw.csv")
    text = (bfw / "bfw.csv").read_text()
    for path in sorted(bfw.rglob("*.png")):
        name = path.relative_to(bfw).as_posix()
        path.rename(bfw / name.replace("/", "-"))
        text = text.replace(name, name.replace("/", "-"))
    (bfw / "bfw.csv").write_text(text)
    flat = read_bfw(bfw, bfw / "bfw.csv")
    by_id, by_folder = (data.people[data.pairs.first] for data in (flat, plain))
    np.testing.assert_array_equal(by_id[:, None] == by_id, by_folder[:, None] == by_folder)
    (bfw / "bfw.csv").write_text(text.replace(",id1,id2,", ",one,two,"))
    with pytest.raises(DataError, match="neither the folders of their images nor id1 and id2"):
        read_bfw(bfw, bfw / "bfw.csv")


def test_an_image_without_a_face_is_listed_and_its_pairs_are_different_people(rfw: Path) -> None:
    from types import SimpleNamespace

    class NoFaceInBlack:
        def crop(self, image: np.ndarray) -> object:
            return SimpleNamespace(crop=image if image.any() else None)

    data = read_rfw(rfw)
    blind = data.pairs.images[int(data.pairs.first[0])]
    Image.new("RGB", (112, 112)).save(blind)
    result = evaluate_groups(Coarse(), data, Reader(cropper=NoFaceInBlack()))
    assert result.failures == (blind,)
    similarities = result.common.similarities
    touched = (data.pairs.images.index(blind) == data.pairs.first) | (
        data.pairs.images.index(blind) == data.pairs.second
    )
    assert (similarities[touched] == -1).all()
    assert (similarities[~touched] > -1).all()


def test_the_numbers_are_plain_and_the_table_has_them(rfw: Path) -> None:
    result = evaluate_groups(Coarse(), read_rfw(rfw))
    values = json.loads(json.dumps(result.to_dict()))
    assert [group["group"] for group in values["groups"]] == list(RACES)
    assert values["groups"][0]["accuracy_interval_identities"] is not None
    assert values["at_the_common_threshold"]["differential"].keys() == {"fmr", "fnmr"}
    assert [line[0] for line in group_lines(result)] == [*RACES, "mean"]
    with pytest.raises(InputError, match="African: 24 impostor pairs cannot support FAR 1e-3"):
        evaluate_groups(Coarse(), read_rfw(rfw), fars=[1e-3])


def test_folds_begin_where_genuine_pairs_begin_again(rfw: Path) -> None:
    path = rfw / "txts" / "Asian" / "Asian_pairs.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(["4\t6", *lines]))  # a first line, as LFW has it
    assert read_rfw(rfw).pairs.fold.tolist() == np.tile(np.repeat(np.arange(4), 12), 4).tolist()
    (rfw / "test").mkdir()
    for name in ("txts", "data"):
        (rfw / name).rename(rfw / "test" / name)
    assert len(read_rfw(rfw).pairs) == 192


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "got none"),
        (lambda text: text.replace("\t", "\tx", 1), "expected 'Name 1 2' or 'Name 1 Other 2'"),
        (lambda text: "\n".join(text.splitlines()[:12]), r"two folds or more; got 6 genuine of 12 pairs in 1 fold"),
        (lambda text: "\n".join(text.splitlines()[6:]), "genuine pairs and then impostor pairs"),
        (lambda text: text.replace("\t1\t", "\t77\t", 1), "images of the protocol are not there"),
    ],
)
def test_a_list_that_is_not_in_its_layout_is_named(rfw: Path, change: object, message: str) -> None:
    path = rfw / "txts" / "Indian" / "Indian_pairs.txt"
    assert callable(change)
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=message):
        read_rfw(rfw)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace("label", "same", 1),
            "expected the columns p1, p2 and label; got fold, p1, p2, same",
        ),
        (lambda text: text.replace(",1,", ",2,", 1), "a label is 1 .same person. or 0; got '2'"),
        (
            lambda text: text.replace(",1,0,0,", ",0,0,0,", 1),
            "1 pairs have a label that neither the folders of their im",
        ),
        (lambda text: text + "1,2\n", "expected 14 values; got 2"),
        (lambda text: text.replace("n000001/0001", "n000001/0009"), "images of the protocol are not there"),
        (lambda text: text.splitlines()[0] + "\n", "expected a pair a line; got none"),
    ],
)
def test_a_table_that_is_not_in_its_layout_is_named(bfw: Path, change: object, message: str) -> None:
    path = bfw / "bfw.csv"
    assert callable(change)
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=message):
        read_bfw(bfw, path)


def test_what_is_neither_is_said(bfw: Path) -> None:
    with pytest.raises(DataError, match=r"expected RFW, lists such as txts/African/African_pairs\.txt; got none"):
        read_rfw(bfw)
    with pytest.raises(
        InputError, match=r"has no groups 'race', that is columns race1 and race2; it has id, att, a, g, e"
    ):
        read_bfw(bfw, bfw / "bfw.csv", "race")
    with pytest.raises(DataError, match="expected a CSV file of pairs"):
        read_bfw(bfw, bfw / "absent.csv")
    with pytest.raises(InputError, match="a plan has 3 people"):
        GroupPlan(people=2)
