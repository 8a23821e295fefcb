from __future__ import annotations

from pathlib import Path

import pytest

from marginface.losses import LOSSES
from marginface.training import recipe_from, resolve
from marginface.training.learning.learner import build_head
from marginface.training.resolve import resolve_loss, resolve_precision


@pytest.mark.parametrize("units", [True, False])
def test_auto_precision_follows_the_backbone_where_the_processor_has_bfloat16(
    units: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "multiplies_bfloat16", lambda: units)
    assert resolve_precision("auto", "iresnet18", "cpu") == ("bfloat16" if units else "float32")
    assert resolve_precision("auto", "ghostfacenet", "cpu") == "float32"
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


@pytest.mark.parametrize("name", LOSSES)
def test_resolving_any_loss_fills_in_its_options_and_builds_the_same_head(name: str) -> None:
    terms = {} if name == "triplet_center" else {"triplet_center": {"margin": 2.0}}
    recipe = recipe_from({"loss": {"name": name, "terms": terms}, "train": {"batch_images_per_identity": 4}})
    once = resolve_loss(recipe, 100)
    assert resolve_loss(once, 100) == once
    chosen = {**once.loss.options, **({} if once.loss.margin is None else {"margin": once.loss.margin})}
    assert set(LOSSES[name].options) - {"scale", "gradient"} == set(chosen)
    assert {type(part) for part in build_head(once, 100).modules()} == {
        type(part) for part in build_head(recipe, 100).modules()
    }


def test_resolving_fills_in_the_defaults_of_terms_and_keeps_a_learned_scale() -> None:
    loss = resolve_loss(recipe_from({"loss": {"terms": {"center": {"rule": "mean"}}}}), 100).loss
    assert loss.terms == {"center": {"weight": 0.003, "rule": "mean", "alpha": 0.5}}
    assert (loss.scale, loss.margin, loss.options) == (64.0, 0.5, {"past_pi": "continue"})
    assert resolve_loss(recipe_from({"loss": {"name": "normface_learned", "scale": 20.0}}), 100).loss.scale == 20.0
    alone = resolve_loss(recipe_from({"loss": {"name": "sphereface2", "margin": 0.2}}), 100).loss
    assert (alone.scale, alone.margin) == (40.0, 0.2)
    assert alone.options == {"t": 3.0, "alpha": 0.7, "weight": 50.0}
