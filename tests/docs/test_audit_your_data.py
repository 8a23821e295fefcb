"""What docs/how-to/audit-your-data.md shows is run or read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from marginface import embedding
from marginface.cli.data import app
from marginface.training import recipe_from
from oracles.audits import photo, png
from oracles.mean_color import MeanColor

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "audit-your-data.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_recipe_is_one() -> None:
    (text,) = blocks("toml")
    assert recipe_from(tomllib.loads(text)).data.model_dump()["exclude"] == "audit.toml"


def test_the_options_exist() -> None:
    parameters = get_command(app).commands["audit"].params  # type: ignore[attr-defined]
    known = {name for option in parameters for name in option.opts + option.secondary_opts}
    assert set(re.findall(r"--[a-z]+[a-z-]*", PAGE)) <= known


def test_the_python_runs_and_finds_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed in (("Ann/1", 1), ("Ann/2", 1), ("Bob/1", 2), ("Bob/2", 3)):
        path = tmp_path / "crops" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(photo(seed, 112, 112)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(embedding, "load_embedder", lambda _, engine="": MeanColor())
    (text,) = blocks("python")
    names: dict[str, object] = {}
    exec(text, names)
    assert list(names["exclusions"].images) == ["Ann/2.png"]  # type: ignore[attr-defined]
    assert "4 images of 2 identities" in capsys.readouterr().out
