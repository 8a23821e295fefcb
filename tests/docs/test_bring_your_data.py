"""What docs/how-to/bring-your-data.md shows is run or read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from marginface.data.convert import WRITERS
from marginface.training import recipe_from
from oracles.image_packs import crop_bytes, write_insightface

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "bring-your-data.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_recipe_is_one() -> None:
    (text,) = blocks("toml")
    assert recipe_from(tomllib.loads(text)).data.source == "packed"


def test_the_python_runs_and_sees_crops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_insightface(tmp_path / "faces_emore", [[crop_bytes(1), crop_bytes(2)], [crop_bytes(3)]])
    monkeypatch.chdir(tmp_path)
    (text,) = blocks("python")
    names: dict[str, object] = {}
    exec(text, names)
    assert len(names["crops"].labels) == 2  # type: ignore[attr-defined]


def test_every_format_that_can_be_written_is_named() -> None:
    table = PAGE.split("## Convert")[1]
    assert [name for name in WRITERS if f"| `{name}` |" not in table] == []
