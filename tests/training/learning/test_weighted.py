"""Backbones that draw masks and weigh samples, in a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from marginface.errors import RecipeError
from marginface.training import Recipe, train
from marginface.training.feed.batches import Batch
from marginface.training.learning.learner import Learner
from marginface.training.learning.weighted import loss_of, weights_of

Small = Callable[..., Recipe]
CPU = torch.device("cpu")
SHORT = {"steps": 4, "checkpoint_every": 2, "log_every": 2}


def with_backbone(small: Small, name: str, **changes: dict[str, object]) -> Recipe:
    options = {"patch": 16, "drop_path": 0.2} | ({"mask_ratio": 0.5} if name == "vit_t" else {"perturb": 0.5})
    backbone = {"name": name, "options": options}
    return small(backbone=backbone, data={"hold_out": 0}, train={**SHORT, "precision": "float32"}, **changes)


class _Stop(Exception):
    pass


def _stop_at_3(progress) -> None:  # type: ignore[no-untyped-def]
    if progress.step == 3 and progress.record:
        raise _Stop


@pytest.mark.parametrize("name", ["vit_t", "transface_t"])
def test_a_run_that_draws_masks_and_patches_resumes_to_the_bit(small: Small, tmp_path: Path, name: str) -> None:
    recipe = with_backbone(small, name)
    whole = train(recipe, tmp_path / "whole")
    with pytest.raises(_Stop):
        train(recipe, tmp_path / "cut", progress=_stop_at_3)
    resumed = train(recipe, tmp_path / "cut", resume=True)
    ours, theirs = (load_file(run.checkpoint.folder / "backbone.safetensors") for run in (whole, resumed))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_the_loss_is_the_mean_of_the_weighted_losses_of_the_images(small: Small) -> None:
    learner = Learner(with_backbone(small, "transface_t"), 6, CPU)
    batch = Batch(torch.randn(8, 3, 32, 32), torch.arange(8) % 6)
    features = learner.backbone.train()(batch.images)
    loss = loss_of(learner.head, features, batch.labels, 0, weights_of(learner.backbone))
    each = learner.head.losses(features, batch.labels, 0)
    weights = learner.backbone.sample_weights
    assert loss.item() == pytest.approx(sum(w * one for w, one in zip(weights, each, strict=True)).item() / 8)
    assert loss.item() > each.mean().item()


def test_a_step_learns_by_the_weighted_loss(small: Small) -> None:
    learner = Learner(with_backbone(small, "transface_t"), 6, CPU)
    batch = Batch(torch.randn(8, 3, 32, 32), torch.arange(8) % 6)
    result = learner.learn(batch, 0, learning_rate=0.0, margin_strength=1.0)
    each = learner.head.losses(result.features, batch.labels, 0)
    assert 1.1 * each.mean().item() < result.loss < 2 * each.mean().item()


@pytest.mark.parametrize("loss", [{"name": "arcface", "terms": {"center": {}}}, {"name": "triplet", "margin": None}])
def test_a_loss_that_has_none_of_a_single_image_is_refused(small: Small, loss: dict[str, object]) -> None:
    plain = {"scale": None, "margin_from": 0.0, "margin_full": 0.0}
    train_section = {**SHORT, "precision": "float32", "batch_images_per_identity": 2}
    recipe = small(backbone={"name": "transface_t", "options": {}}, loss={**plain, **loss}, train=train_section)
    with pytest.raises(RecipeError, match="entropy_weight = 0"):
        Learner(recipe, 6, CPU)
