"""losses, curves and bounds, called as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from marginface.cli import app
from marginface.losses import LOSSES


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_losses_list_has_every_line_of_the_table_with_formula_and_defaults() -> None:
    answer = call("losses", "list")
    assert answer.exit_code == 0, answer.output
    assert all(name in answer.stdout for name in LOSSES)
    assert "Additive angular margin: ψ(θ) = cos(θ + m)." in answer.stdout
    assert "a = -0.9, h = 0.0, k = 0.65, scale = 64.0" in answer.stdout
    rows = json.loads(call("losses", "list", "--json").stdout)
    assert [row["name"] for row in rows] == list(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_show_works_for_every_line_of_the_table(name: str) -> None:
    answer = call("losses", "show", name)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith(f"{name}: ")
    assert "Defaults: " in answer.stdout


def test_losses_show_has_formula_paper_defaults_and_what_to_beware_of() -> None:
    answer = call("losses", "show", "x2softmax")
    for part in ("ψ(θ) = a·(θ − h)² + k", "arXiv:2312.05281", "k = 0.65", "36.3° at 90°", "49.5°", "margin falls"):
        assert part in answer.stdout
    values = json.loads(call("losses", "show", "x2softmax", "--json").stdout)
    assert values["defaults"]["a"] == -0.9
    assert len(values["cautions"]) == 2


def test_losses_show_of_an_unknown_name_names_the_near_one() -> None:
    answer = call("losses", "show", "arcfase")
    assert answer.exit_code == 2
    assert "Did you mean 'arcface'" in answer.stderr


@pytest.mark.parametrize("kind", ["logit", "derivative", "decision", "margin", "loss"])
def test_curves_draws_every_kind(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "figures" / f"{kind}.svg"
    answer = call("curves", "arcface", "x2softmax:a=-0.9,h=-0.3,k=1", "--kind", kind, "--out", out)
    assert answer.exit_code == 0, answer.output
    assert out.read_text(encoding="utf-8").lstrip().startswith("<?xml")
    assert f"{kind} of arcface, x2softmax:a=-0.9,h=-0.3,k=1" in answer.stdout


def test_curves_leaves_out_what_has_none_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "curves.png"
    answer = call("curves", "softmax", "cosface:margin=0.2", "--out", out)
    assert answer.exit_code == 0
    assert "left out: softmax has no curve" in answer.stderr
    assert out.read_bytes().startswith(b"\x89PNG")


def test_curves_says_what_its_picture_leaves_open_and_leaves_out_what_has_no_boundary(tmp_path: Path) -> None:
    out = tmp_path / "curves.svg"
    broken = "combined:m1=10,m2=2,m3=0,past_pi=plain"
    answer = call("curves", "arcface", "circle", "sphereface2", broken, "--kind", "margin", "--out", out)
    assert answer.exit_code == 0, answer.output
    assert "circle: no margin at angles between two centers of about 146.25°" in answer.stderr
    assert "left out: sphereface2 has no curve: it asks of each class apart" in answer.stderr
    assert f"left out: {broken}: a class is in pieces at every angle" in answer.stderr
    assert "margin of arcface, circle\n" in answer.stdout
    answer = call("curves", "curricularface", "--out", out)
    assert "curricularface: it learns from its batches; drawn with t = 0" in answer.stderr
    assert "the other classes are changed as well, which is not shown" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["softmax", "--out", "x.png"], "one loss or more"),
        (["arcface", "--out", "x.pdf"], "ends in .png or .svg; got x.pdf"),
        (["arcface", "--kind", "pie", "--out", "x.png"], "got 'pie'"),
        (["arcface:0.5", "--out", "x.png"], "name=value"),
        (["arcface:scale=30", "--out", "x.png"], "shape no curve"),
        (["arcface:margn=0.5", "--out", "x.png"], "Did you mean 'margin'"),
        (["arcface:past_pi=plian", "--out", "x.png"], "Did you mean 'plain'"),
    ],
)
def test_curves_answers_a_wrong_input_with_one_message_and_status_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call("curves", *arguments)
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_bounds_prints_the_numbers_of_the_papers() -> None:
    answer = call("bounds", "--classes", 10_572, "--dim", 512, "--posterior", 0.99, "--margin", 0.35)
    assert answer.exit_code == 0, answer.output
    for number in ("13.86", "21.32", "22.59", "13.1", "1.571"):
        assert number in answer.stdout
    rows = json.loads(call("bounds", "--classes", 8, "--dim", 2, "--json").stdout)
    (margin,) = [row["value"] for row in rows if row["name"] == "margin of cosface"]
    assert margin == pytest.approx(0.293, abs=5e-4)


def test_bounds_of_one_class_are_refused() -> None:
    answer = call("bounds", "--classes", 1)
    assert answer.exit_code == 2
    assert "2 or more classes" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("curves magface --feature-norm nan --out x.png", "a feature has a length above 0; got nan"),
        ("curves magface --feature-norm -1 --out x.png", "a feature has a length above 0; got -1"),
        ("curves arcface,cosface --out x.png", "spaces between here: arcface cosface"),
        ("curves arcface:margin=0.5,margin=0.6 --out x.png", "got margin twice"),
        ("curves arcface --out file/deep/x.png", "a folder is needed there, and file is a file"),
        ("curves arcface --classes 0 --out x.png", "at least 1; got 0"),
        ("curves arcface --kind loss --scale nan --out x.png", "a scale above 0; got 10000 and nan"),
        ("curves :margin=1 --out x.png", "unknown loss ''"),
        ("bounds --classes 10 --scale 0", "scale is above 0; got 0"),
        ("bounds --classes 10 --margin nan", "0 ≤ m ≤ 2; got nan"),
        ("bounds --classes 10 --margin -1", "0 ≤ m ≤ 2; got -1"),
        ("bounds --classes 10 --posterior 1", "a posterior is in (0, 1)"),
        ("losses show arcface:margin=0.3", "by its name alone: marginface losses show arcface"),
        ("toy --losses nope", "unknown loss 'nope'"),
        ("toy --losses ,", "got none"),
        ("toy --losses arcface:scale=abc", "scale of arcface is a number, such as 64.0; got 'abc'"),
        ("toy --losses sphereface2:scale=true", "scale of sphereface2 is a number"),
        ("toy --losses arcface --steps 1 --out file", "a folder is needed there, and file is a file"),
    ],
)
def test_wrong_input_is_one_message_with_status_2_and_writes_nothing(
    arguments: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    answer = call(*arguments.split())
    assert answer.exit_code == 2, answer.output
    assert message in answer.stderr
    assert answer.stderr.startswith("marginface: ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
