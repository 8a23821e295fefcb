from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.evaluation.comparison.files import COLUMNS, Comparison, cells, note_of, write_tables
from marginface.evaluation.comparison.losses import (
    ComparedLoss,
    ComparedRun,
    Decisions,
    Difference,
    LossResult,
    compare_losses,
    p_text,
    sentence,
    sentences,
)
from marginface.evaluation.comparison.page import Extras, render_comparison
from marginface.metrics import CrossedMean, holm, paired_difference
from marginface.values import BoolArray
from oracles.worlds import World, world

WORLD = world(50, 400)
PAIRS = len(WORLD.first)


def decided(right: BoolArray) -> Decisions:
    return Decisions(right, (WORLD.first, WORLD.second))


def loss(label: str, skill: float, seeds: int, *, training_noise: float = 0.0) -> ComparedLoss:
    """A loss whose runs decide each pair right with a probability that training chance moves."""
    rng = np.random.default_rng(sum(map(ord, label)))
    runs = []
    for seed in range(seeds):
        right = rng.random(PAIRS) < skill + training_noise * rng.normal()
        runs.append(ComparedRun(seed, "finished", "", 10.0, 500.0, 400.0, {"held-out pairs": decided(right)}))
    return ComparedLoss(label, runs)


def drawn(here: World, rng: np.random.Generator, losses: int, seeds: int = 3) -> list[ComparedLoss]:
    """Losses as good as each other, whose trainings and people bring chance."""
    models = [here.models(rng, seeds, 0.0, 0.5, 0.1)[0] for _ in range(losses)]
    groups = (here.first, here.second)
    return [
        ComparedLoss(
            f"loss {k}",
            [ComparedRun(i, "finished", decisions={"p": Decisions(row, groups)}) for i, row in enumerate(right)],
        )
        for k, right in enumerate(models)
    ]


def row_of(mean: float, error: float, corrected: float, seeds: int = 3) -> LossResult:
    estimate = CrossedMean(mean, error, None if seeds == 1 else 0.0, 400, seeds, 50)
    return LossResult("this", (0,), (0.9,), None, Difference(estimate, "the test", corrected))


FIRST = LossResult("first", (0,), (0.8,), None, None)


def test_a_planted_difference_is_shown_over_three_seeds_and_an_equal_loss_is_not() -> None:
    rows = compare_losses([loss("first", 0.7, 3), loss("better", 0.9, 3), loss("equal", 0.7, 3)], "held-out pairs")
    better, equal = rows[1].difference, rows[2].difference
    assert better is not None
    assert equal is not None
    assert better.is_shown
    assert better.test == "Student t over people and seeds"
    assert better.value == pytest.approx(0.2, abs=0.04)
    assert better.interval.low < better.value < better.interval.high
    assert not equal.is_shown
    said = sentences(rows)
    assert said[0].startswith("better decides these pairs better than first (+")
    assert "One seed" not in said[0]
    assert said[1].startswith("equal against first: no difference shown")


def test_one_seed_is_tested_over_people_and_says_what_is_missing() -> None:
    rows = compare_losses([loss("first", 0.9, 1), loss("worse", 0.6, 1), loss("equal", 0.9, 1)], "held-out pairs")
    found = rows[1].difference
    assert found is not None
    assert found.test == "Student t over people, one seed"
    assert found.estimate.error_of_seeds is None
    assert rows[0].interval is not None
    assert rows[0].interval.method == "Wilson over people, one seed"
    worse, equal = sentences(rows)
    assert "decides these pairs worse than first" in worse
    assert equal.startswith("equal against first: no difference shown")
    assert all(text.endswith("One seed: the chance of training is not in this; train more.") for text in (worse, equal))


def test_the_table_holds_the_one_test_of_metrics_and_holms_correction() -> None:
    losses = [loss("first", 0.7, 3), loss("better", 0.85, 3), loss("equal", 0.7, 3), loss("worse", 0.66, 3)]
    rows = compare_losses(losses, "held-out pairs")
    right = [np.stack([run.decisions["held-out pairs"].right for run in each.runs]) for each in losses]
    tests = [paired_difference(right[0], other, WORLD.first, WORLD.second) for other in right[1:]]
    found = [row.difference for row in rows[1:] if row.difference is not None]
    assert [each.estimate for each in found] == tests
    assert [each.corrected for each in found] == holm([test.p_value for test in tests])
    assert [each.interval.to_list() for each in found] == [test.interval(0.95).to_list() for test in tests]
    assert len({each.corrected > each.p_value for each in found}) == 2, "Holm leaves the largest as it is"


def test_the_wrong_claims_of_a_table_stay_below_their_level_together() -> None:
    rng, here = np.random.default_rng(3), world(40, 400)
    tables = [compare_losses(drawn(here, rng, 4), "p") for _ in range(150)]
    differences = [[row.difference for row in rows[1:] if row.difference is not None] for rows in tables]
    assert all(len(found) == 3 for found in differences)
    assert np.mean([any(each.is_shown for each in found) for found in differences]) < 0.1
    assert any(each.p_value < 0.05 for found in differences for each in found), "before the correction some are"


@pytest.mark.parametrize(
    ("mean", "corrected", "expected"),
    [
        (0.02, 0.01, "this decides these pairs better than first (+2.00 points"),
        (-0.02, 0.01, "this decides these pairs worse than first (−2.00 points"),
        (0.02, 0.08, "this against first: no difference shown (+2.00 points"),
        (0.001, 1.0, "this against first: no difference shown (+0.10 points"),
    ],
)
def test_a_sentence_says_what_p_after_holm_allows(mean: float, corrected: float, expected: str) -> None:
    row = row_of(mean, 0.005, corrected)
    text = sentence(FIRST, row)
    assert text.startswith(expected)
    assert f"], p after Holm {p_text(corrected)}, the test)." in text
    assert row.difference is not None
    assert ("shown" in text) != row.difference.is_shown
    leaves_out = not row.difference.interval.low <= 0 <= row.difference.interval.high
    assert ("not corrected for the other losses" in text) == (leaves_out and not row.difference.is_shown)


def test_a_p_value_is_never_printed_as_zero() -> None:
    assert [p_text(value) for value in (1.0, 0.0312, 0.00004, 1e-9, 0.0)] == [
        "1.000",
        "0.031",
        "4.0e-05",
        "< 1e-06",
        "< 1e-06",
    ]
    assert cells(row_of(0.5, 0.0001, 0.0))[COLUMNS.index("p, Holm")] == "< 1e-06"


def test_folds_stand_for_people_that_are_not_known_and_the_table_says_so() -> None:
    fold = np.repeat(np.arange(10), 40)
    rng = np.random.default_rng(0)
    losses = [
        ComparedLoss(
            label,
            [ComparedRun(0, "finished", decisions={"p": Decisions(rng.random(400) < skill, (fold, fold))})],
        )
        for label, skill in (("first", 0.6), ("better", 0.9))
    ]
    rows = compare_losses(losses, "p")
    assert rows[1].difference is not None
    assert (rows[1].difference.test, rows[1].difference.estimate.freedom) == ("Student t over folds, one seed", 9)
    assert rows[1].difference.is_shown
    assert "Wilson over folds, one seed" in note_of(rows)


def test_one_person_is_not_enough_to_say_anything() -> None:
    alone = Decisions(np.ones(6, bool), (np.zeros(6, np.int64), np.zeros(6, np.int64)))
    with pytest.raises(InputError, match="two or more people"):
        compare_losses([ComparedLoss("one", [ComparedRun(0, "finished", decisions={"p": alone})])], "p")


def test_training_noise_is_not_mistaken_for_a_loss() -> None:
    shown = 0
    for case in range(60):
        pair = [loss(f"{side}{case * 7}", 0.75, 3, training_noise=0.05) for side in "ab"]
        found = compare_losses(pair, "held-out pairs")[1].difference
        assert found is not None
        shown += found.is_shown
    assert shown <= 6, "5 % of 60 is 3"


def test_a_diverged_run_is_a_row_and_leaves_the_seeds_that_both_have() -> None:
    broken = ComparedLoss(
        "broken", [*loss("broken", 0.9, 2).runs, ComparedRun(2, "diverged", "step 3: the loss is nan")]
    )
    never = ComparedLoss("never", [ComparedRun(0, "diverged", "step 1: the loss is nan")])
    rows = compare_losses([loss("first", 0.7, 3), broken, never], "held-out pairs")
    assert rows[1].difference is not None
    assert (rows[1].seeds, rows[1].difference.seeds, rows[1].trouble) == ((0, 1), 2, "seed 2 diverged")
    assert (rows[2].accuracy, rows[2].interval, rows[2].difference) == (None, None, None)
    assert sentences(rows)[1] == "never against first: cannot be compared, seed 0 diverged."


def test_equal_accuracies_of_two_seeds_get_no_interval_of_width_zero() -> None:
    right = np.arange(PAIRS) % 4 > 0
    runs = [ComparedRun(seed, "finished", decisions={"p": decided(right)}) for seed in range(2)]
    interval = compare_losses([ComparedLoss("one", runs)], "p")[0].interval
    assert interval is not None
    assert interval.low < 0.75 < interval.high
    assert interval.method == "Wilson over people and seeds"


def test_the_interval_of_an_accuracy_is_wider_where_the_seeds_differ() -> None:
    right = np.arange(PAIRS) % 4 > 0
    flips = np.random.default_rng(0).permutation(PAIRS)[:40]
    worse = right.copy()
    worse[flips] = False
    same, apart = (
        compare_losses(
            [
                ComparedLoss(
                    "l", [ComparedRun(i, "finished", decisions={"p": decided(row)}) for i, row in enumerate(rows)]
                )
            ],
            "p",
        )[0].interval
        for rows in ([right] * 4, [right, worse, right, worse])
    )
    assert same is not None
    assert apart is not None
    assert apart.high - apart.low > 1.2 * (same.high - same.low)


def test_other_pairs_are_refused() -> None:
    short = Decisions(np.ones(5, bool), (np.arange(5), np.arange(5)))
    other = ComparedLoss("other", [ComparedRun(0, "finished", decisions={"held-out pairs": short})])
    with pytest.raises(InputError, match="decided 400, 5 pairs"):
        compare_losses([loss("first", 0.7, 1), other], "held-out pairs")
    others = Decisions(np.ones(PAIRS, bool), (WORLD.first, np.roll(WORLD.second, 1)))
    other = ComparedLoss("other", [ComparedRun(1, "finished", decisions={"held-out pairs": others})])
    mixed = ComparedLoss("mixed", [*loss("first", 0.7, 1).runs, *other.runs])
    with pytest.raises(InputError, match="same pairs of the same people"):
        compare_losses([mixed], "held-out pairs")


def test_the_files_hold_the_same_rows(tmp_path: Path) -> None:
    never = ComparedLoss("never", [ComparedRun(0, "diverged", "step 1: <nan> & more")])
    comparison = Comparison(
        "compare", "Three", [loss("soft_max", 0.7, 2), loss("better", 0.95, 2), never], "the command"
    )
    write_tables(comparison, tmp_path)
    values = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    rows = values["protocols"]["held-out pairs"]["results"]
    lines = list(csv.DictReader((tmp_path / "compare.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["loss"] for row in rows] == [line["loss"] for line in lines] == ["soft_max", "better", "never"]
    assert float(lines[1]["difference"]) == rows[1]["difference"]
    assert (rows[1]["test"], rows[1]["difference_shown"]) == ("Student t over people and seeds", True)
    assert float(lines[1]["p_holm"]) == rows[1]["p_holm"] == rows[1]["p"], "one comparison needs no correction"
    assert min(rows[1]["error_of_groups"], rows[1]["error_of_seeds"]) > 0
    assert (lines[1]["degrees_of_freedom"], rows[0]["p"], lines[2]["error_of_groups"]) == ("2", None, "")
    assert (lines[0]["seconds"], lines[2]["seconds"], lines[2]["trouble"]) == ("10.0", "", "seed 0 diverged")
    tex = (tmp_path / "compare.tex").read_text(encoding="utf-8")
    assert r"soft\_max & 2 & " in tex
    assert tex.count(r"\\") == 4, "a head and three rows"
    assert "one test: Student t over people and seeds. Shown means p, Holm below 0.05." in tex
    page = render_comparison(comparison, Extras())
    assert "step 1: &lt;nan&gt; &amp; more" in page
    assert all(text in page for text in ("the command", "better", "cannot be compared", "4 of 5 runs"))
    assert "Wilson over people and seeds" in page
    assert values["protocols"]["held-out pairs"]["sentences"][0] in page
    assert "http" not in page.replace("http://www.w3.org", "")
