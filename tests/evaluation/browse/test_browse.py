"""What the commands wrote is found again, with the figures that they wrote, and nothing else is taken for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marginface.evaluation.browse import Evaluation, find_evaluations
from marginface.matching.calibration import read_calibration
from oracles.evaluated import write_comparison, write_prepared, write_single, write_suite


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluations")
    data, out = folder / "data", folder / "runs"
    write_suite(data, out / "suite")
    write_single(data, out / "single")
    write_prepared(data, out / "prepared")
    write_comparison(data / "training", out / "two", "arcface", "cosface")
    return out


@pytest.fixture(scope="module")
def found(written: Path) -> dict[str, Evaluation]:
    return {str(one.path.relative_to(written)): one for one in find_evaluations(written)}


def test_each_is_found_once_and_of_its_kind(found: dict[str, Evaluation]) -> None:
    assert {place: one.kind for place, one in found.items()} == {
        "suite": "suite",
        "two/compare.json": "comparison",
        "single/pairs.json": "pairs",
        "single/ijb.json": "templates",
        "single/people.json": "identify",
        "single/scores.json": "scores",
        "single/two.json": "two-models",
        "prepared/door.toml": "calibration",
        "prepared/crops.json": "audit",
    }


def test_a_suite_has_the_figures_of_its_table(found: dict[str, Evaluation], written: Path) -> None:
    told = json.loads((written / "suite" / "results.json").read_text())["results"]
    parts = found["suite"].parts
    assert [(part.name, part.state) for part in parts] == [("Drawn pairs", "done"), ("Drawn open set", "done")]
    shown = [(part.name, one.name, one.value, one.low, one.high) for part in parts for one in part.figures]
    assert shown == [(row["protocol"], row["figure"], row["value"], row["low"], row["high"]) for row in told]
    assert (found["suite"].name, found["suite"].model, found["suite"].is_whole) == ("drawn", "sface", True)
    assert set(found["suite"].tables(written)) == {"csv", "json", "tex"}


def test_numbers_come_with_their_intervals_and_facts(found: dict[str, Evaluation], written: Path) -> None:
    told = json.loads((written / "single" / "pairs.json").read_text())
    (part,) = found["single/pairs.json"].parts
    first = part.figures[0]
    assert (first.name, first.value, [first.low, first.high]) == (
        "accuracy",
        told["accuracy_mean"],
        told["accuracy_interval_identities"],
    ), "over people where it is known who they are"
    assert part.facts["pairs"] == 16
    assert part.facts["contract"] == told["contract"]
    assert found["single/pairs.json"].report == written / "single" / "pairs.html"
    (people,) = found["single/people.json"].parts
    assert people.facts["data"] == "photos", "where the data lies on this machine is not told"
    names = [one.name for one in found["single/ijb.json"].parts[0].figures]
    assert "rank 1 (1)" in names or any(name.startswith("rank 1 ") for name in names), "1:1 was left out"


def test_a_comparison_tells_accuracies_then_differences(found: dict[str, Evaluation]) -> None:
    (part,) = found["two/compare.json"].parts
    assert [one.name for one in part.figures] == ["accuracy (arcface)", "accuracy (cosface)", "cosface − arcface"]
    assert [one.is_difference for one in part.figures] == [False, False, True]
    assert part.headline == 2
    assert part.figures[-1].note.startswith("p ")
    assert part.sentences[0].startswith("cosface")
    two = found["single/two.json"].parts[0]
    assert two.figures[2].value == 0
    assert two.figures[2].is_difference


def test_a_calibration_tells_how_often_a_person_is_refused(found: dict[str, Evaluation], written: Path) -> None:
    made, known = found["prepared/door.toml"], read_calibration(written / "prepared" / "door.toml")
    (part,) = made.parts
    threshold = known.threshold(0.1)
    first = part.figures[0]
    assert (first.name, first.value, (first.low, first.high)) == (
        "FNMR at FMR 0.1",
        threshold.fnmr,
        threshold.fnmr_bounds,
    )
    assert part.sentences[0] == f"{threshold.similarity:.4f} is the threshold for FMR 0.1."
    assert (made.model, part.name, part.facts["photos"]) == ("sface", "drawn people", "16 photos, 8 people")
    assert made.tables(written) == {"toml": written / "prepared" / "door.toml"}
    assert made.report == written / "prepared" / "door.html"
    assert made.report.is_file()


def test_a_calibration_takes_no_table_of_what_has_its_name(written: Path, tmp_path: Path) -> None:
    for name, place in (("door.toml", "prepared/door.toml"), ("door.json", "single/pairs.json")):
        (tmp_path / name).write_bytes((written / place).read_bytes())
    found = {one.kind: one.tables(tmp_path.resolve()) for one in find_evaluations(tmp_path.resolve())}
    assert {kind: list(tables) for kind, tables in found.items()} == {"calibration": ["toml"], "pairs": ["json"]}


def test_an_audit_tells_shares_and_names_nobody(found: dict[str, Evaluation], written: Path) -> None:
    made = found["prepared/crops.json"]
    (part,) = made.parts
    shares = {figure.name: (figure.value, figure.low) for figure in part.figures}
    assert shares["identities of one image"] == (0.0, None)
    assert set(shares) >= {"images to leave out", "identities to leave out"}
    assert (part.facts["images"], part.facts["identities"]) == (16, 8)
    assert "P1" not in str(part), "the names of the data set are in its table alone"
    assert str(written) not in str(part)
    assert (set(made.tables(written)), made.report.is_file()) == ({"json"}, True)


def test_a_calibration_that_was_edited_is_told_and_a_recipe_is_none(written: Path, tmp_path: Path) -> None:
    text = (written / "prepared" / "door.toml").read_text(encoding="utf-8")
    (tmp_path / "edited.toml").write_text(text.replace("people = 8", "people = 1"), encoding="utf-8")
    (tmp_path / "recipe.toml").write_text('model = "tiny"\n[data]\nsource = "drawn"\n', encoding="utf-8")
    (tmp_path / "damaged.toml").write_text("[[", encoding="utf-8")
    (tmp_path / "elsewhere.toml").symlink_to(written / "two" / "recipe.toml")
    (one,) = find_evaluations(tmp_path)
    assert (one.kind, one.path.name) == ("unreadable", "edited.toml")
    assert "looks like the numbers of calibration, and cannot be read: data.people" in one.message


def test_an_audit_that_did_not_compare_faces_says_so(written: Path, tmp_path: Path) -> None:
    whole = json.loads((written / "prepared" / "crops.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps({**whole, "labels": None, "unreadable": ["x.png"], "images": 0}))
    (part,) = find_evaluations(tmp_path)[0].parts
    assert part.sentences == ("1 unreadable image.", "Faces were not compared.")
    assert part.figures[0].value == 0


def test_other_files_are_not_taken_for_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1, 2]")
    (tmp_path / "b.json").write_text('{"accuracy_mean": 1}')
    (tmp_path / "c.json").write_text("{cut off")
    (tmp_path / "d.json").write_bytes(b"\xff\xfe{")
    assert find_evaluations(tmp_path) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"accuracy_mean": "high"},
        {"accuracy_mean": float("nan")},
        {"accuracy_interval_identities": [0.5]},
        {"tar_at_far": [{"far": 0.1}]},
        {"tar_at_far": 7},
    ],
)
def test_damaged_numbers_are_told_and_hide_nothing_else(
    written: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    whole = json.loads((written / "single" / "pairs.json").read_text())
    (tmp_path / "whole.json").write_text(json.dumps(whole))
    (tmp_path / "damaged.json").write_text(json.dumps({**whole, **changes}))
    kinds = {one.path.name: one.kind for one in find_evaluations(tmp_path)}
    assert kinds == {"whole.json": "pairs", "damaged.json": "unreadable"}
    told = next(one.message for one in find_evaluations(tmp_path) if one.message)
    assert "damaged.json: looks like the numbers of pairs" in told


def test_a_file_that_changes_is_read_again(written: Path, tmp_path: Path) -> None:
    whole = json.loads((written / "single" / "pairs.json").read_text())
    place = tmp_path / "numbers.json"
    place.write_text(json.dumps(whole))
    assert find_evaluations(tmp_path)[0].parts[0].figures[0].value == whole["accuracy_mean"]
    place.write_text(json.dumps({**whole, "accuracy_mean": 0.125}))
    assert find_evaluations(tmp_path)[0].parts[0].figures[0].value == 0.125


def test_a_page_beside_lone_numbers_is_theirs(written: Path, tmp_path: Path) -> None:
    (tmp_path / "numbers.json").write_bytes((written / "single" / "pairs.json").read_bytes())
    (tmp_path / "report.html").write_text("a page")
    assert find_evaluations(tmp_path)[0].report == tmp_path / "report.html"
    (tmp_path / "others.json").write_bytes((written / "single" / "people.json").read_bytes())
    assert not any(one.report.is_file() for one in find_evaluations(tmp_path))


def test_a_link_does_not_lead_out(written: Path, tmp_path: Path) -> None:
    root = tmp_path / "shown"
    root.mkdir()
    (root / "linked").symlink_to(written / "single")
    (root / "numbers.json").symlink_to(written / "single" / "pairs.json")
    (one,) = find_evaluations(root)
    assert (one.kind, one.parts) == ("unreadable", ())
    assert "leads out" in one.message


def test_a_suite_of_before_it_told_its_progress_is_one_too(written: Path, tmp_path: Path) -> None:
    for file in (written / "suite").glob("*.json"):
        if file.name != "suite.progress.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (one,) = find_evaluations(tmp_path)
    assert (one.kind, one.path, one.is_whole, one.done) == ("suite", tmp_path, True, 2)


@pytest.mark.parametrize(
    "damage", ["{", '{"protocols": 1}', '{"suite": "", "model": "", "protocols": [{"name": "a"}]}']
)
def test_a_progress_that_cannot_be_read_is_told(tmp_path: Path, damage: str) -> None:
    (tmp_path / "suite.progress.json").write_text(damage)
    (one,) = find_evaluations(tmp_path)
    assert one.kind == "unreadable"
    assert "Run the suite again" in one.message


@pytest.mark.parametrize("file", ["../outside", "/etc/passwd", "", ".."])
def test_a_progress_names_no_file_elsewhere(tmp_path: Path, file: str) -> None:
    row = {"name": "a", "kind": "pairs", "state": "done", "file": file}
    told = {"suite": "s", "model": "m", "protocols": [row]}
    (tmp_path / "suite.progress.json").write_text(json.dumps(told))
    (one,) = find_evaluations(tmp_path)
    assert one.kind == "unreadable"
