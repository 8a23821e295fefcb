"""docs/how-to/add-a-loss.md, done: every block of the page is executed."""

from __future__ import annotations

import doctest
import importlib.util
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from typer.testing import CliRunner

from marginface import losses
from marginface.cli import app
from marginface.errors import InputError
from marginface.losses import LOSSES, build
from marginface.losses.describe import describe
from oracles import curves
from oracles.margins import margin_loss

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/add-a-loss.md").read_text(encoding="utf-8")
MARGIN, TABLE, ORACLE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(SHELL,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Do what the page says, until the end of the test; return the new module."""
    path = tmp_path / "stretchface.py"
    path.write_text(MARGIN, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("marginface.losses.stretchface", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(LOSSES, "_entries", dict(LOSSES._entries))
    exec(TABLE, dict(vars(losses)))
    monkeypatch.setattr(curves, "CURVES", dict(curves.CURVES))
    exec(ORACLE, dict(vars(curves)))
    monkeypatch.chdir(tmp_path)
    return module


def test_the_page_names_at_most_four_files_and_those_of_its_blocks_among_them() -> None:
    listed = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert len(listed) <= 4
    in_blocks = [block.splitlines()[0].removeprefix("# ") for block in (MARGIN, TABLE, ORACLE)]
    assert in_blocks == listed[:3]
    assert all((ROOT / name).is_file() for name in listed[1:])


def test_the_example_in_its_docstring_runs(added: ModuleType) -> None:
    result = doctest.testmod(added)
    assert (result.failed, result.attempted) == (0, 2)


@pytest.mark.usefixtures("added")
def test_the_new_loss_equals_its_oracle_in_value_and_gradient() -> None:
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(7, 4, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.arange(7) % 3
    head = build("stretchface", num_classes=3, embedding_size=4, margin=0.7, scale=8.0).double()
    ours = head(features, labels)
    oracle = margin_loss(features, head.centers, labels, 8.0, lambda theta: curves.CURVES["stretchface"](theta, 0.7))
    torch.testing.assert_close(ours, oracle, rtol=1e-10, atol=1e-12)
    for a, b in zip(
        torch.autograd.grad(ours, [features, head.centers], retain_graph=True),
        torch.autograd.grad(oracle, [features, head.centers]),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("added")
def test_its_options_are_checked_as_those_of_the_others() -> None:
    assert build("stretchface", num_classes=3, embedding_size=4).scale == 64
    with pytest.raises(InputError, match="Did you mean 'margin'"):
        build("stretchface", num_classes=3, embedding_size=4, margn=0.7)
    with pytest.raises(InputError, match="got -1"):
        build("stretchface", num_classes=3, embedding_size=4, margin=-1.0)


@pytest.mark.usefixtures("added")
def test_what_the_page_adds_is_described_and_listed_as_the_other_tests_want_it() -> None:
    described = describe("stretchface", LOSSES["stretchface"])
    assert re.search(r"(19|20)\d\d|no paper", described.text)
    assert "θ" in described.title
    assert "the module in the docstring |" in PAGE
    assert "make readme" in PAGE


@pytest.mark.usefixtures("added")
def test_the_commands_of_the_page_run() -> None:
    lines = [shlex.split(line) for line in SHELL.splitlines()]
    assert {line[0] for line in lines} == {"marginface"}
    answers = [CliRunner().invoke(app, line[1:]) for line in lines]
    assert [answer.exit_code for answer in answers] == [0, 0], answers
    assert "ψ(θ) = 1 − (1 + m)·(1 − cos θ)" in answers[0].stdout
    assert Path("stretchface.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_nothing_of_it_stays() -> None:
    assert "stretchface" not in LOSSES
    assert "stretchface" not in curves.CURVES
