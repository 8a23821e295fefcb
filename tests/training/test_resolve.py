from __future__ import annotations

from pathlib import Path

import pytest

from marginface.training import recipe_from, resolve
from marginface.training.resolve import resolve_loss, resolve_precision


@pytest.mark.parametrize("units", [True, False])
def test_auto_precision_follows_the_backbone_where_the_processor_has_bfloat16(
    units: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "multiplies_bfloat16", lambda: units)
    assert resolve_precision("auto", "iresnet18", "cpu") == ("bfloat16" if units else "float32")
    assert resolve_precision("auto", "mobilefacenet", "cpu") == "float32"
    assert resolve_precision("bfloat16", "mobilefacenet", "cpu") == "bfloat16"


def test_paths_start_where_you_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = recipe_from({"data": {"source": "folders", "folders": ["a", "/b"], "exclude": "names.txt"}})
    data = resolve.resolve(recipe).data
    assert data.source == "folders"
    assert data.folders == (str(tmp_path / "a"), "/b")
    assert data.exclude == str(tmp_path / "names.txt")


def test_resolving_twice_changes_nothing() -> None:
    once = resolve_loss(resolve.resolve(recipe_from({})), 100)
    assert resolve_loss(resolve.resolve(once), 100) == once
    assert (once.loss.scale, once.loss.margin) == (64.0, 0.5)
