"""Score files: the numbers against counting, the errors as a person with a wrong file meets them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from marginface.errors import DataError, InputError
from marginface.evaluation.protocols.pairs import evaluate_pairs
from marginface.evaluation.protocols.score_file import read_scores, score_table
from marginface.evaluation.reports.lines import score_lines, slice_lines
from marginface.evaluation.scoring.slices import columns_of_pairs, read_metadata, slice_rates
from oracles.colored_pairs import color_pairs
from oracles.mean_color import MeanColor
from oracles.scores import best_tar_within, rates


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """400 comparisons of 20 people in two slices, the second one harder; scores up to 100, not cosines."""
    rng = np.random.default_rng(0)
    lines = ["identity_a,score,genuine,identity_b,fold,slice,pose"]
    for number in range(400):
        person, genuine, hard = int(rng.integers(20)), number % 2 == 0, number % 4 < 2
        other = person if genuine else (person + int(rng.integers(1, 20))) % 20
        score = rng.normal(60 if genuine else 30, 12 if hard else 6)
        lines.append(
            f"p{person},{score:.1f},{'true' if genuine else 0},p{other},{number % 10},{'hard' if hard else 'easy'},x"
        )
    return write(tmp_path / "scores.csv", "\n".join(lines) + "\n")


def test_the_numbers_are_those_of_counting(scores: Path) -> None:
    table = read_scores(scores)
    result = score_table(table)
    same, different = table.scores[table.genuine].tolist(), table.scores[~table.genuine].tolist()
    assert [point.far for point in result.tar_at_far] == [0.1, 0.01]
    for point in result.tar_at_far:
        assert point.tar == pytest.approx(best_tar_within(same, different, point.far))
    values = json.loads(json.dumps(result.to_dict()))
    assert 0.8 < values["accuracy_mean"] < 1
    low, high = values["tar_at_far"][1]["interval_identities"]
    assert low <= values["tar_at_far"][1]["tar"] <= high
    assert [line[0] for line in score_lines(result)][:2] == ["Accuracy", "TAR at FAR 0.1"]
    for name in ("auc", "eer"):
        low, high = values[f"{name}_interval"]
        assert low < values[name] < high
    assert all("share people" in line[2] for line in score_lines(result)[-2:])


def test_slices_are_judged_at_the_smallest_far_in_whatever_order_it_is_asked(scores: Path) -> None:
    table = read_scores(scores)
    one, other = (score_table(table, fars=fars).slices[0] for fars in ((0.1, 0.01), (0.01, 0.1)))
    assert one.to_dict() == other.to_dict()


def test_slices_without_a_supported_far_are_refused(tmp_path: Path) -> None:
    text = "score,genuine,slice\n" + "".join(f"{number},{number % 2},a\n" for number in range(10))
    table = read_scores(write(tmp_path / "s.csv", text))
    with pytest.raises(InputError, match="10 impostor comparisons or more"):
        score_table(table)
    assert score_table(table, fars=[0.2]).slices[0].parts[0].fmr is not None


@pytest.mark.parametrize(
    "wrong", ["x,1,p,p", "1,maybe,p,p", "1,1,p,q", "1,1,p"], ids=["score", "genuine", "people", "length"]
)
def test_the_line_that_is_named_is_that_of_the_file(tmp_path: Path, wrong: str) -> None:
    text = f"score,genuine,identity_a,identity_b\n1,1,a,a\n\n\n{wrong}\n"
    with pytest.raises(DataError, match=r"csv:5: |line 5 with 3"):
        read_scores(write(tmp_path / "s.csv", text))


@pytest.mark.parametrize("head", ["score,genuine,Score", "score,genuine,score", "slice,score,genuine,slice"])
def test_two_columns_of_one_name_are_refused(tmp_path: Path, head: str) -> None:
    text = f"{head}\n" + "1,0,0.3,0\n"
    with pytest.raises(DataError, match="twice"):
        read_scores(write(tmp_path / "s.csv", text))


@pytest.mark.parametrize(
    ("lines", "message"),
    [("a,x\nb\n", "1 values for 'b'"), ("a,x,y\n", "3 values for 'a'"), ("a,x\na,z\n", "'a' twice"), ("", "no lines")],
)
def test_metadata_that_are_not_a_line_an_image_are_said(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_metadata(write(tmp_path / "m.csv", f"image,pose\n{lines}"))


def test_a_slice_is_judged_at_the_threshold_of_all(scores: Path) -> None:
    table = read_scores(scores)
    (slices,) = score_table(table).slices
    threshold = score_table(table).tar_at_far[-1].threshold
    assert slices.threshold == threshold
    for part in slices.parts:
        here = np.array(table.columns["slice"]) == part.name
        far, tar = rates(
            table.scores[here & table.genuine].tolist(), table.scores[here & ~table.genuine].tolist(), threshold
        )
        assert part.fmr is not None
        assert part.fnmr is not None
        assert (part.fmr.share, part.fnmr.share) == pytest.approx((far, 1 - tar))
    worst = slices.differential("fnmr")
    assert worst is not None
    assert worst[0].name == "hard"
    assert slice_lines(slices)[-1][0] == "worst : best"


def test_a_file_of_scores_alone_has_no_accuracy_and_no_interval_over_people(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", "score,genuine\n" + "\n".join(f"{v / 10},{int(v > 4)}" for v in range(20)))
    result = score_table(read_scores(path))
    assert (result.accuracy, result.intervals, result.slices) == (None, None, ())
    assert result.to_dict()["auc"] == 1


def test_one_identity_column_gives_intervals_over_probes(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    lines = [f"{rng.normal(0.5 * (n % 2), 0.3):.3f},{n % 2},p{n % 7}" for n in range(80)]
    path = write(tmp_path / "s.csv", "score,genuine,identity\n" + "\n".join(lines))
    result = score_table(read_scores(path))
    assert result.intervals is not None
    assert result.intervals[0].low < result.tar_at_far[0].tar <= result.intervals[0].high


def test_a_part_without_errors_has_no_ratio() -> None:
    similarities, genuine = np.array([0.9, 0.1, 0.2, 0.05]), np.array([True, True, False, False])
    slices = slice_rates(similarities, genuine, "pose", ["front", "side", "front", "side"], 0.15)
    assert slices.differential("fnmr") is not None
    assert slices.to_dict()["differential"]["fnmr"] == {"worst": "side", "best": "front", "ratio": None}
    alone = slice_rates(similarities, genuine, "pose", ["front"] * 4, 0.15)
    assert alone.differential("fmr") is None


def test_pairs_get_the_columns_of_their_images() -> None:
    metadata = {"a": {"pose": "front"}, "b": {"pose": "side"}, "c": {"pose": "front"}}
    assert columns_of_pairs(metadata, ["a", "b"], ["c", "a"], "pose") == ["front", "front × side"]
    with pytest.raises(InputError, match="no column 'age'"):
        columns_of_pairs(metadata, ["a"], ["c"], "age")
    with pytest.raises(InputError, match="no line for image 'd'"):
        columns_of_pairs(metadata, ["a"], ["d"], "pose")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the columns score and genuine; got an empty file"),
        ("similarity,genuine\n0.1,1\n", "got similarity, genuine"),
        ("score,genuine\n", "no comparisons"),
        ("score,genuine\n0.1,1\n0.2\n", "line 3 with 1"),
        ("score,genuine\n0.1,1\nnan,0\n", r"s\.csv:3: a score is a finite number; got 'nan'"),
        ("score,genuine\n0.1,same\n", r"s\.csv:2: genuine is 1 or true"),
        ("score,genuine,fold\n0.1,1,x\n", r"s\.csv:2: a fold is a number from 0"),
        ("score,genuine,identity_a,identity_b\n0.1,1,p,q\n", r"s\.csv:2: genuine says the same person"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_scores(write(tmp_path / "s.csv", text))


def test_what_cannot_be_scored_says_why(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a CSV file"):
        read_scores(tmp_path / "absent.csv")
    alone = read_scores(write(tmp_path / "s.csv", "score,genuine,age\n0.1,1,20\n0.3,1,30\n"))
    with pytest.raises(InputError, match="genuine and impostor comparisons are needed"):
        score_table(alone)
    both = read_scores(write(tmp_path / "s.csv", "score,genuine,age\n0.1,1,20\n0.3,0,30\n"))
    with pytest.raises(InputError, match=r"no column 'aeg' to slice by. Did you mean 'age'"):
        score_table(both, slices=["aeg"])
    with pytest.raises(InputError, match="cannot support FAR 1e-3"):
        score_table(both, fars=[1e-3])


def test_metadata_divides_the_pairs_of_a_protocol(tmp_path: Path) -> None:
    result = evaluate_pairs(MeanColor(), color_pairs(tmp_path))
    lines = ["image,side"] + [f"{person}/{name}.png,{name}" for person in range(8) for name in "ab"]
    metadata = read_metadata(write(tmp_path / "about.csv", "\n".join(lines)))
    slices = result.slices(metadata, "side")
    assert [(part.name, part.fmr is None, part.fnmr is None) for part in slices.parts] == [("a × b", False, False)]
    assert slices.parts[0].fnmr.trials == 8
    with pytest.raises(DataError, match="expected a column image"):
        read_metadata(write(tmp_path / "about.csv", "picture,side\n1,2\n"))
    with pytest.raises(DataError, match="expected a CSV file about images"):
        read_metadata(tmp_path / "absent.csv")
