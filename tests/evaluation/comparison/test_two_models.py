"""Two models on the same pairs: nothing is shown where nothing is, and what is there is found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.evaluation.comparison.two_models import compare_tables, two_model_lines
from marginface.evaluation.protocols.pairs import evaluate_pairs
from marginface.evaluation.protocols.score_file import ScoreTable, read_scores, write_scores
from marginface.metrics import PeopleOfPairs, mcnemar, threshold_accuracy
from oracles.colored_pairs import color_pairs
from oracles.mean_color import MeanColor


def tables(better: float, *, seed: int = 0, people: int = 60) -> tuple[ScoreTable, ScoreTable]:
    """Scores of two models whose noise is shared in part; the second one parts its pairs by ``better`` more."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, people, 2000)
    genuine = np.arange(2000) % 2 == 0
    second = np.where(genuine, first, (first + rng.integers(1, people, 2000)) % people)
    of_person, of_pair = rng.normal(0, 0.08, people)[first], rng.normal(0, 0.1, 2000)
    fold, known = np.arange(2000) // 200, PeopleOfPairs.of(first, second, genuine)

    def table(gap: float) -> ScoreTable:
        scores = np.where(genuine, gap, 0) + of_person + of_pair + rng.normal(0, 0.05, 2000)
        return ScoreTable(scores, genuine, fold, known, {})

    return table(0.4), table(0.4 + better)


def test_a_better_model_is_shown_better() -> None:
    first, second = tables(0.15)
    found = compare_tables(("a", "b"), first, second, resamples=200)
    assert found.units == "people"
    assert found.sentences()[0].startswith("In accuracy b is shown better than a: by +")
    assert any(line.startswith("In TAR at FAR 0.01 b is shown better") for line in found.sentences())
    one, other = (threshold_accuracy(t.scores, t.genuine, t.fold).accepted == t.genuine for t in (first, second))
    assert found.mcnemar == mcnemar(one, other)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["accuracy"]["difference"] == pytest.approx(other.mean() - one.mean())
    assert len(two_model_lines(found)) == 1 + len(found.tar)


def test_equal_models_are_seldom_shown_different() -> None:
    shown = 0
    for seed in range(30):
        found = compare_tables(("a", "b"), *tables(0.0, seed=seed), fars=[0.01], resamples=100)
        shown += sum("no difference" not in line for line in found.sentences())
    assert shown <= 9  # of 60 sentences 3 are expected; 10 or more have probability 0.001


def test_a_model_and_itself_differ_nowhere() -> None:
    first, _ = tables(0.0)
    found = compare_tables(("a", "a2"), first, first, resamples=20)
    assert all("no difference is shown" in line for line in found.sentences())
    assert (found.mcnemar.only_first, found.mcnemar.only_second) == (0, 0)


def test_without_people_folds_stand_in_and_tar_has_no_interval() -> None:
    first, second = (ScoreTable(t.scores, t.genuine, t.fold, None, {}) for t in tables(0.15))
    found = compare_tables(("a", "b"), first, second)
    assert found.units == "folds"
    assert found.tar[0].interval is None
    assert "no interval without people" in found.sentences()[-1]
    bare = [ScoreTable(t.scores, t.genuine, None, None, {}) for t in (first, second)]
    assert compare_tables(("a", "b"), *bare).accuracy is None


def test_other_pairs_are_refused() -> None:
    first, second = tables(0.0)
    with pytest.raises(InputError, match="got 2,000 and 1,999 pairs"):
        compare_tables(("a", "b"), first, ScoreTable(second.scores[1:], second.genuine[1:], None, None, {}))
    named = [
        ScoreTable(t.scores, t.genuine, None, None, {"image_a": (name,) * 2000})
        for t, name in ((first, "x"), (second, "y"))
    ]
    with pytest.raises(InputError, match="line 2: x and y"):
        compare_tables(("a", "b"), *named)


def test_other_people_are_refused_and_one_file_that_tells_them_is_enough() -> None:
    first, second = tables(0.15)
    people = first.people
    turned = replace(second, people=replace(people, genuine=people.genuine[::-1].copy()))
    with pytest.raises(InputError, match="the identity columns of the two files differ"):
        compare_tables(("a", "b"), first, turned)
    both = compare_tables(("a", "b"), first, second, resamples=20)
    bare = replace(first, people=None, fold=None)
    assert compare_tables(("a", "b"), bare, second, resamples=20).to_dict() == both.to_dict()


def test_two_models_without_an_error_are_not_known_to_be_equal() -> None:
    first, _ = tables(0.0)
    sure = replace(first, scores=np.where(first.genuine, 2.0, first.scores))
    (found,) = compare_tables(("a", "b"), sure, sure, fars=[0.01], resamples=20).tar
    assert found.interval is not None
    assert found.interval.low < 0 < found.interval.high


def test_other_folds_are_refused() -> None:
    first, second = tables(0.0)
    turned = ScoreTable(second.scores, second.genuine, second.fold[::-1].copy(), second.people, {})
    with pytest.raises(InputError, match="the column fold of the two files differs"):
        compare_tables(("a", "b"), first, turned)


def test_written_scores_are_read_back(tmp_path: Path) -> None:
    result = evaluate_pairs(MeanColor(), color_pairs(tmp_path))
    write_scores(result, tmp_path / "scores.csv")
    table = read_scores(tmp_path / "scores.csv")
    np.testing.assert_array_equal(table.scores, result.similarities)
    np.testing.assert_array_equal(table.fold, result.pairs.fold)
    assert table.people is not None
    assert table.people.count == 8
    assert table.columns["image_a"][0] == "0/a.png"
