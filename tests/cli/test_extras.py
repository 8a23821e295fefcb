"""Without an extra a command says what to install, and ends without a stack trace."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec

import pytest
from typer.testing import CliRunner

from marginface.cli import app


@pytest.mark.parametrize(
    ("words", "module", "extra"),
    [
        (["serve", "people.db"], "uvicorn", "server"),
        (["serve", "people.db"], "python_multipart", "server"),
        (["jobs", "list", "--gallery", "people.db"], "fastapi", "server"),
        (["train", "recipe.toml"], "torch", "train"),
        (["export", "run", "model.onnx"], "torch", "train"),
    ],
)
def test_what_is_missing_is_named_with_the_extra_that_brings_it(
    words: list[str], module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == module else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 2
    assert f'{module} not installed. Run: pip install "marginface[{extra}]"' in answer.stderr
